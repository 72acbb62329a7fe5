#include "engine/completions.h"

#include <errno.h>
#include <poll.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/memory.h"
#include "engine/background_parts.h"
#include "engine/call.h"

#define FIRST_BLOCK ((size_t)4096) /* holds any one record's data, so that a drain can always make progress */
#define RETURN_US 100000           /* how long a free waits until what nobody fetched is given back */
#define ROUNDS_A_STEP 4            /* bounds the work of one step; the descriptor stays readable for the rest */

/* Opening and freeing */

static void destroy(kw__object *object) {
    kw_completions *completions = (kw_completions *)object;
    kw__link_free(&completions->link);
    kw__poller_close(&completions->poller);
    kw__signal_close(&completions->signal);
    kw__tag_map_free(&completions->tags);
    kw__timers_free(&completions->timers);
    kw__buffer_free(&completions->block);
    kw__free(completions);
}

/* The descriptors and what watches them; destroy takes back whatever was made. */
static bool init_parts(kw_completions *completions) {
    return kw__buffer_reserve(&completions->block, FIRST_BLOCK) && kw__poller_open(&completions->poller) &&
           kw__signal_open(&completions->signal) &&
           kw__poller_watch(&completions->poller, completions->signal.read_fd, false) &&
           kw__poller_watch(&completions->poller, completions->link.wake.read_fd, false);
}

/* Everything but the place in the client's list and the client's reference; NULL when memory or descriptors are out. */
static kw_completions *make(kw_client *client) {
    kw_completions *completions = kw__calloc(1, sizeof *completions);
    if (completions == NULL) return NULL;
    completions->poller.fd = completions->signal.read_fd = completions->signal.write_fd = -1;
    if (!kw__link_init(&completions->link, &kw__calls_of_links, &client->url, &client->counters)) {
        kw__free(completions);
        return NULL;
    }
    completions->link.owner = completions;
    completions->link.client = client;
    completions->link.poller = &completions->poller;
    completions->object.client = client;
    if (init_parts(completions)) return completions;
    destroy(&completions->object);
    return NULL;
}

/* A client without threads has its background driven by step: the descriptor must tell of it, so it is made now. */
static bool watch_background(kw_completions *completions, kw_error *error) {
    kw_client *client = completions->object.client;
    if (!client->url.threadless) return true;
    kw__background *background;
    return kw__background_of(client, &background, error) == KW_OK &&
           kw__poller_watch(&completions->poller, kw__background_fd(client), false);
}

kw_status kw__completions_open(kw_client *client, kw_completions **out, kw_error *error) {
    kw_status status = kw__client_check(client, error);
    if (status != KW_OK) return status;
    kw_completions *completions = make(client);
    if (completions != NULL && !watch_background(completions, error)) {
        destroy(&completions->object);
        completions = NULL;
    }
    if (completions == NULL) return kw__fail_memory(error);
    kw__object_init(&completions->object, client, destroy);
    kw__lock(&client->lock);
    completions->next = client->completions;
    if (client->completions != NULL) client->completions->previous = completions;
    client->completions = completions;
    kw__unlock(&client->lock);
    *out = completions;
    return KW_OK;
}

kw_completions *kw__completions_of_background(kw_client *client) {
    return make(client);
}

static void unlist(kw_completions *completions) {
    kw_client *client = completions->object.client;
    kw__lock(&client->lock);
    if (completions->previous != NULL)
        completions->previous->next = completions->next;
    else
        client->completions = completions->next;
    if (completions->next != NULL) completions->next->previous = completions->previous;
    kw__unlock(&client->lock);
}

static void raise_signal(kw_completions *completions) {
    if (completions->signalled) return;
    completions->signalled = true;
    kw__signal_raise(&completions->signal);
}

static void lower_signal(kw_completions *completions) {
    if (!completions->signalled) return;
    completions->signalled = false;
    kw__signal_lower(&completions->signal);
}

/* What follows from an event, with the lock */

static void make_ready(kw_completions *completions, kw__call *call) {
    call->in_ready = true;
    call->ready_next = NULL;
    if (completions->ready_last != NULL)
        completions->ready_last->ready_next = call;
    else
        completions->ready = call;
    completions->ready_last = call;
    completions->ready_count++;
    kw__tag_map_remove(&completions->tags, call->tag);
}

static void let_go(kw_completions *completions, kw__call *call) {
    kw__timers_remove(&completions->timers, call);
    completions->open_calls--;
    kw__call_release(call);
}

/* Carries on with a call after it reacted: sends what it ordered, makes its record, sets its timer, or lets it go. */
static void absorb(kw_completions *completions, kw__call *call, bool was_finished) {
    if (call->must_send) {
        kw__call_goes_out(call);
        kw__link_push(&completions->link, &call->pending);
    }
    if (call->finished && !was_finished) make_ready(completions, call);
    if (kw__call_is_over(call))
        let_go(completions, call);
    else
        kw__timers_update(&completions->timers, call);
}

void kw__completions_arrived(kw__call *call) {
    call->next = call->completions->arrived;
    call->completions->arrived = call;
}

static void react_to_arrived(kw_completions *completions) {
    kw__call *latest = completions->arrived, *oldest = NULL;
    completions->arrived = NULL;
    while (latest != NULL) { /* turned round: records come in the order of replies */
        kw__call *next = latest->next;
        latest->next = oldest;
        oldest = latest;
        latest = next;
    }
    while (oldest != NULL) {
        kw__call *next = oldest->next;
        bool was_finished = oldest->finished;
        kw__call_react_to_outcome(oldest);
        absorb(completions, oldest, was_finished);
        oldest = next;
    }
}

/* The call's caller gets no answer from the server any more. */
static void end_early(kw_completions *completions, kw__call *call, kw__event_kind kind, kw_status status) {
    bool maybe_applied = false, was_finished = call->finished;
    if (call->outstanding) {
        maybe_applied = kw__link_was_sent(&call->pending);
        if (kw__link_withdraw(&completions->link, &call->pending)) call->outstanding = false;
    }
    kw__call_end_early(call, kind, status, maybe_applied);
    absorb(completions, call, was_finished);
}

/* Calls whose channel told something. */
static void react_to_notices(kw_completions *completions) {
    while (true) {
        kw_client *client = completions->object.client;
        kw__lock(&client->lock);
        kw__call *call = completions->noticed;
        if (call != NULL) {
            completions->noticed = call->notice_next;
            call->in_noticed = false;
        }
        kw__unlock(&client->lock);
        if (call == NULL) return;
        bool was_finished = call->finished;
        kw__call_react_to_notices(call);
        absorb(completions, call, was_finished);
    }
}

static void react_to_time(kw_completions *completions) {
    int64_t now = kw__now();
    kw__call *call;
    while ((call = kw__timers_due(&completions->timers, now)) != NULL) {
        if (now >= call->timer) {
            bool was_finished = call->finished;
            kw__call_react(call, KW__EVENT_TIMER);
            absorb(completions, call, was_finished);
        } else {
            end_early(completions, call, KW__EVENT_DEADLINE, KW_TIMEOUT);
        }
    }
}

/* Ends what no link fails: calls that wait for a timer or a channel. */
static void end_asleep(kw_completions *completions, kw_status status) {
    size_t at = 0;
    while (at < completions->tags.capacity) {
        kw__call *call = completions->tags.slots[at];
        /* One that ends leaves the map, and another may move into its place: the same place is looked at once more. */
        if (call != NULL && !call->outstanding)
            end_early(completions, call, KW__EVENT_CANCEL, status);
        else
            at++;
    }
}

/* When step must be called, with the lock. */
static int64_t next_due(const kw_completions *completions) {
    int64_t next = kw__timers_next(&completions->timers), due = kw__link_due(&completions->link);
    return due < next ? due : next;
}

/* The work of one step, with the lock, which is given up in between. */
static void work(kw_completions *completions) {
    kw__link *link = &completions->link;
    completions->stepping = true;
    lower_signal(completions);
    for (int round = 0; round < ROUNDS_A_STEP; round++) {
        if (atomic_load(&completions->object.client->closed)) {
            kw__signal_lower(&link->wake);
            kw__link_close(link);
        } else {
            kw__link_turn(link);
        }
        react_to_arrived(completions);
        react_to_notices(completions);
        react_to_time(completions);
        if (atomic_load(&completions->object.client->closed)) end_asleep(completions, KW_CLOSED);
        kw__link_flush(link);
        if (completions->arrived == NULL && link->doomed.first == NULL) break;
    }
    completions->stepping = false;
    bool nearer = completions->sleepers > 0 && next_due(completions) < completions->slept_until;
    if (completions->ready_count > 0 || completions->arrived != NULL || nearer) raise_signal(completions);
}

/* The handle's functions */

int32_t kw__completions_fd(const kw_completions *completions) {
    return completions == NULL ? -1 : completions->poller.fd;
}

int64_t kw__completions_due(kw_completions *completions) {
    kw__lock(&completions->link.lock);
    int64_t due = next_due(completions);
    kw__unlock(&completions->link.lock);
    return due;
}

int32_t kw__completions_timeout_ms(const kw_completions *handle) {
    kw_completions *completions =
        (kw_completions *)(uintptr_t)handle; /* const to the caller: only the lock is touched */
    if (completions == NULL || kw__client_is_forked(completions->object.client)) return -1;
    int64_t own = kw__completions_due(completions), background = kw__background_due(completions->object.client);
    return kw__poll_ms(kw__now(), background < own ? background : own);
}

int64_t kw__completions_step(kw_completions *completions, kw_error *error) {
    kw__background_turn(completions->object.client);
    kw__lock(&completions->link.lock);
    if (!completions->stepping) work(completions);
    int64_t count = (int64_t)completions->ready_count;
    bool over = count == 0 && completions->tags.count == 0 && atomic_load(&completions->object.client->closed);
    kw__unlock(&completions->link.lock);
    if (over) return kw__fail(error, KW_CLOSED, KW_REASON_NONE, "the client was closed, and every record was drained");
    return count;
}

/* How long the data of a ready call's record is. */
static size_t data_length(const kw__call *call) {
    if (call->status < 0) return sizeof(kw_error);
    if ((call->row->flags & KW__LISTS) == 0) return call->row->result_size;
    const kw_list *list;
    memcpy(&list, call->step.result, sizeof list);
    return (size_t)list->size;
}

/* The first ready call has a list that no memory can be had for: its answer is that. */
static void drop_list(kw__call *call) {
    kw__list_free(kw__call_take_list(call));
    call->status = kw__fail_memory(&call->error);
}

/* How many of the ready records, `capacity` at most, the block can hold; it grows if it can. */
static size_t fit(kw_completions *completions, size_t capacity) {
    kw__buffer *block = &completions->block;
    size_t bytes = 0, count = 0, fitting = 0;
    for (const kw__call *call = completions->ready; call != NULL && count < capacity; call = call->ready_next) {
        bytes += data_length(call);
        count++;
        if (bytes <= block->capacity) fitting = count;
    }
    kw__buffer_clear(block);
    if (kw__buffer_reserve(block, bytes)) return count;
    block->failed = false;
    if (fitting > 0 || count == 0) return fitting;
    drop_list(completions->ready); /* only a list can be longer than the first block */
    return 1;
}

static void write_record(kw_completions *completions, kw__call *call, kw_record *record) {
    size_t length = data_length(call);
    kw__buffer *block = &completions->block;
    *record = (kw_record){.tag = call->tag, .operation = call->row->number, .status = call->status};
    if (length == 0) return;
    record->data = block->data + block->length;
    record->length = length;
    if (call->status >= 0 && (call->row->flags & KW__LISTS) != 0) {
        kw_list *list = kw__call_take_list(call);
        kw__buffer_append(block, list, length);
        kw__list_free(list);
    } else {
        kw__buffer_append(block, call->status < 0 ? (const void *)&call->error : call->step.result, length);
    }
}

int64_t kw__completions_drain(kw_completions *completions, kw_record *records, int64_t capacity, size_t stride,
                              kw_error *error) {
    if (stride % sizeof(uint64_t) != 0) {
        return kw__fail(error, KW_INVALID, KW_REASON_RANGE, "stride is %zu: it must be a multiple of 8", stride);
    }
    kw__lock(&completions->link.lock);
    size_t count = fit(completions, (size_t)capacity);
    for (size_t i = 0; i < count; i++) {
        kw__call *call = completions->ready;
        completions->ready = call->ready_next;
        if (completions->ready == NULL) completions->ready_last = NULL;
        completions->ready_count--;
        call->in_ready = false;
        write_record(completions, call, (kw_record *)(void *)((char *)records + i * stride));
        if (kw__call_is_over(call)) let_go(completions, call);
    }
    if (completions->ready_count == 0 && completions->arrived == NULL && completions->link.waiting.first == NULL) {
        lower_signal(completions);
    }
    kw__unlock(&completions->link.lock);
    return (int64_t)count;
}

/* Sleeps until there is something to step for. A thread that steps meanwhile, and finds a nearer moment, wakes it. */
static void sleep_until(kw_completions *completions, int64_t now, int64_t until) {
    int64_t background = kw__background_due(completions->object.client);
    if (background < until) until = background;
    kw__lock(&completions->link.lock);
    int64_t due = next_due(completions);
    if (due < until) until = due;
    if (completions->sleepers++ == 0 || until > completions->slept_until) completions->slept_until = until;
    kw__unlock(&completions->link.lock);
    struct pollfd watched = {.fd = completions->poller.fd, .events = POLLIN};
    poll(&watched, 1, kw__poll_ms(now, until));
    kw__lock(&completions->link.lock);
    completions->sleepers--;
    kw__unlock(&completions->link.lock);
}

int64_t kw__completions_wait(kw_completions *completions, int64_t timeout_us, kw_error *error) {
    int64_t span = timeout_us == KW_DEFAULT_TIMEOUT ? completions->object.client->url.timeout_us : timeout_us;
    int64_t until = kw__deadline(kw__now(), span);
    while (true) {
        int64_t count = kw__completions_step(completions, error);
        int64_t now = kw__now();
        if (count != 0 || now >= until) return count;
        sleep_until(completions, now, until);
    }
}

kw_status kw__completions_cancel(kw_completions *completions, uint64_t tag, kw_error *error) {
    kw__lock(&completions->link.lock);
    kw__call *call = kw__tag_map_find(&completions->tags, tag);
    bool answered = call != NULL && call->outstanding && call->pending.place == KW__PLACE_NONE;
    if (call != NULL && !answered) {
        end_early(completions, call, KW__EVENT_CANCEL, KW_CANCELLED);
        raise_signal(completions);
    }
    kw__unlock(&completions->link.lock);
    return call != NULL ? KW_OK : kw__fail(error, KW_NOT_FOUND, KW_REASON_NONE, "no such tag is in flight");
}

/* Room and the right to a tag, with the lock. */
static kw_status admit(kw_completions *completions, uint64_t tag, kw_error *error) {
    /* Asked once more with the lock: a step that has seen the client closed and nothing in flight is the last one. */
    kw_status status = kw__client_check(completions->object.client, error);
    if (status != KW_OK) return status;
    if (completions->open_calls >= (size_t)completions->object.client->url.max_in_flight) {
        return kw__fail(error, KW_OVERLOADED, KW_REASON_NONE,
                        "%zu calls are in flight in these completions: drain before submitting more",
                        completions->open_calls);
    }
    if (!kw__tag_map_reserve(&completions->tags) ||
        !kw__timers_reserve(&completions->timers, completions->open_calls + 1)) {
        return kw__fail_memory(error);
    }
    if (kw__tag_map_find(&completions->tags, tag) != NULL) {
        return kw__fail(error, KW_INVALID, KW_REASON_TAG_IN_USE,
                        "this tag is in flight already: give each call its own");
    }
    return KW_OK;
}

kw_status kw__submit(kw__object *object, kw_completions *completions, uint64_t tag, const kw__row *row,
                     const void *args, int64_t timeout_us, kw_error *error) {
    kw_client *client = object->client;
    kw_status status = kw__client_check(client, error);
    if (status != KW_OK) return status;
    if (completions->object.client != client) {
        return kw__fail(error, KW_INVALID, KW_REASON_FOREIGN_CLIENT,
                        "object and completions were made from different clients");
    }
    /* What a call does when it starts stands: one that is refused must not have started. */
    kw__lock(&completions->link.lock);
    status = admit(completions, tag, error);
    kw__unlock(&completions->link.lock);
    if (status != KW_OK) return status;
    kw__call *call = kw__call_open(object, row, args, error);
    if (call == NULL) return KW_NO_MEMORY;
    call->completions = completions;
    call->tag = tag;
    kw__call_set_deadline(call, &completions->link, timeout_us);
    kw__call_react(call, KW__EVENT_START);
    kw__lock(&completions->link.lock);
    status = admit(completions, tag, error);
    if (status == KW_OK) {
        kw__tag_map_add(&completions->tags, call);
        completions->open_calls++;
        absorb(completions, call, false);
        raise_signal(completions);
    }
    kw__unlock(&completions->link.lock);
    if (status != KW_OK) kw__call_release(call);
    return status;
}

/* The end */

void kw__completions_close_all(kw_client *client) {
    kw__lock(&client->lock);
    /* Their next step sees that the client is closed. Their locks are not taken: a link's lock comes before the
     * client's. */
    for (kw_completions *one = client->completions; one != NULL; one = one->next)
        kw__signal_raise(&one->link.wake);
    kw__unlock(&client->lock);
}

/* Whether something that is owed (a grant to be given back) has no answer yet. */
static bool owes(const kw__link *link) {
    const kw__pendings *lists[] = {&link->line, &link->waiting};
    for (int i = 0; i < 2; i++) {
        for (const kw__pending *pending = lists[i]->first; pending != NULL; pending = pending->next) {
            if (((const kw__call *)(const void *)pending)->owed) return true;
        }
    }
    return false;
}

/* Nobody drains what is ready: a yes among it is taken back. With the lock. */
static void take_back_ready(kw_completions *completions) {
    while (completions->ready != NULL) {
        kw__call *call = completions->ready;
        completions->ready = call->ready_next;
        if (completions->ready == NULL) completions->ready_last = NULL;
        completions->ready_count--;
        call->in_ready = false;
        kw__call_react(call, KW__EVENT_CANCEL);
        absorb(completions, call, true);
    }
}

/*
 * What was granted and nobody will fetch goes back by the link that it came by, while that is up, for a bounded time:
 * the client's own link may never have been needed. With the lock, which is given up in between.
 */
static void return_grants(kw_completions *completions) {
    kw__link *link = &completions->link;
    if (link->state != KW__LINK_UP || atomic_load(&completions->object.client->closed)) return;
    int64_t until = kw__now() + RETURN_US;
    end_asleep(completions, KW_CANCELLED);
    take_back_ready(completions);
    kw__link_flush(link);
    while (owes(link) && link->state == KW__LINK_UP && kw__now() < until) {
        struct pollfd watched = {.fd = completions->poller.fd, .events = POLLIN};
        kw__unlock(&link->lock);
        poll(&watched, 1, kw__poll_ms(kw__now(), until));
        kw__lock(&link->lock);
        lower_signal(completions);
        kw__link_turn(link);
        react_to_arrived(completions);
        take_back_ready(completions);
        kw__link_flush(link);
    }
}

/* A call that was answered and not drained, or waits for its timer: what it was granted goes back by the client's link.
 */
static void give_back(kw_completions *completions, kw__call *call) {
    kw__timers_remove(&completions->timers, call);
    if (!call->finished) kw__tag_map_remove(&completions->tags, call->tag);
    call->in_ready = false;
    call->finished = true;
    kw__call_react(call, KW__EVENT_CANCEL);
    kw__call_leave(call, kw__client_link(call->client));
}

/* Ends what is out and gives back what nobody drained. */
static void empty(kw_completions *completions) {
    kw__link *link = &completions->link;
    kw__lock(&link->lock);
    completions->stepping = true;
    return_grants(completions);
    kw__link_close(link); /* fails what is out; calls asleep for a timer stay */
    react_to_arrived(completions);
    kw__call *undrained = completions->ready;
    completions->ready = completions->ready_last = NULL;
    kw__unlock(&link->lock);
    while (undrained != NULL) {
        kw__call *next = undrained->ready_next;
        give_back(completions, undrained);
        undrained = next;
    }
    while (completions->timers.count > 0)
        give_back(completions, completions->timers.heap[0]);
    for (size_t i = 0; completions->tags.count > 0 && i < completions->tags.capacity;) {
        kw__call *call = completions->tags.slots[i]; /* asleep without an end */
        if (call == NULL) {
            i++;
            continue;
        }
        give_back(completions, call);
    }
}

void kw__completions_abandon(kw_completions *completions) {
    kw__link_abandon(&completions->link);
    kw__poller_close(&completions->poller);
    kw__signal_close(&completions->signal);
}

void kw__completions_free(kw_completions *completions) {
    if (completions == NULL) return;
    if (kw__client_is_forked(completions->object.client)) {
        kw__completions_abandon(completions);
        return;
    }
    unlist(completions);
    empty(completions);
    kw__object_release(&completions->object);
}

void kw__completions_free_of_background(kw_completions *completions) {
    empty(completions);
    destroy(&completions->object);
}
