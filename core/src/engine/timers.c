#include "engine/timers.h"

#include "base/memory.h"

int64_t kw__timers_moment(const kw__call *call) {
    return call->finished || call->timer < call->deadline ? call->timer : call->deadline;
}

bool kw__timers_reserve(kw__timers *timers, size_t calls) {
    if (calls <= timers->capacity) return true;
    size_t capacity = timers->capacity == 0 ? 64 : timers->capacity * 2;
    kw__call **heap = kw__realloc(timers->heap, capacity * sizeof *heap);
    if (heap == NULL) return false;
    timers->heap = heap;
    timers->capacity = capacity;
    return true;
}

static void place(kw__timers *timers, size_t at, kw__call *call) {
    timers->heap[at] = call;
    call->timer_at = at + 1;
}

static void rise(kw__timers *timers, size_t at, kw__call *call) {
    int64_t moment = kw__timers_moment(call);
    while (at > 0 && kw__timers_moment(timers->heap[(at - 1) / 2]) > moment) {
        place(timers, at, timers->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    place(timers, at, call);
}

static void sink(kw__timers *timers, size_t at, kw__call *call) {
    int64_t moment = kw__timers_moment(call);
    while (2 * at + 1 < timers->count) {
        size_t child = 2 * at + 1;
        if (child + 1 < timers->count &&
            kw__timers_moment(timers->heap[child + 1]) < kw__timers_moment(timers->heap[child])) {
            child++;
        }
        if (kw__timers_moment(timers->heap[child]) >= moment) break;
        place(timers, at, timers->heap[child]);
        at = child;
    }
    place(timers, at, call);
    rise(timers, at, call);
}

void kw__timers_remove(kw__timers *timers, kw__call *call) {
    if (call->timer_at == 0) return;
    size_t at = call->timer_at - 1;
    kw__call *last = timers->heap[--timers->count];
    call->timer_at = 0;
    if (last != call) sink(timers, at, last);
}

void kw__timers_update(kw__timers *timers, kw__call *call) {
    if (kw__timers_moment(call) == INT64_MAX) {
        kw__timers_remove(timers, call);
    } else if (call->timer_at > 0) {
        sink(timers, call->timer_at - 1, call);
    } else {
        timers->count++;
        rise(timers, timers->count - 1, call);
    }
}

int64_t kw__timers_next(const kw__timers *timers) {
    return timers->count == 0 ? INT64_MAX : kw__timers_moment(timers->heap[0]);
}

kw__call *kw__timers_due(const kw__timers *timers, int64_t now) {
    return kw__timers_next(timers) <= now ? timers->heap[0] : NULL;
}

void kw__timers_free(kw__timers *timers) {
    kw__free(timers->heap);
    *timers = (kw__timers){0};
}
