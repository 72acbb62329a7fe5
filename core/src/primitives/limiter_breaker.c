#include "primitives/limiter_breaker.h"

#define FIRST_PAUSE_US INT64_C(100000)
#define LONGEST_PAUSE_US INT64_C(1000000)

bool kw__breaker_lets(kw__breaker *breaker, int64_t now, int64_t deadline, kw__passage *passage) {
    passage->began_at = now;
    int64_t open = atomic_load_explicit(&breaker->open_until, memory_order_relaxed);
    if (open == 0) return true;
    if (now < open) return false;
    /* By then its caller has told how it ended, unless it was cancelled, or is more patient than all others shall be.
     */
    int64_t probe = deadline < now + LONGEST_PAUSE_US ? deadline + FIRST_PAUSE_US : now + LONGEST_PAUSE_US;
    if (probe <= open) probe = open + 1; /* every probe has a moment of its own */
    if (!atomic_compare_exchange_strong(&breaker->open_until, &open, probe)) return open == 0;
    passage->probe = probe;
    return true;
}

typedef enum tidings { ABSENT, PRESENT, NEITHER } tidings;

/* What a status says of the server. A link that was lost may come up again at once. */
static tidings tidings_of(kw_status status) {
    switch (status) {
    case KW_TIMEOUT:
    case KW_CONNECTION:
    case KW_RESOLVE:
    case KW_TLS:
    case KW_AUTH:
        return ABSENT;
    case KW_UNKNOWN:
    case KW_OVERLOADED:
    case KW_PROTOCOL:
    case KW_NO_MEMORY:
    case KW_INVALID:
    case KW_CLOSED:
    case KW_CANCELLED:
        return NEITHER;
    default:
        return PRESENT;
    }
}

static void open_again(kw__breaker *breaker, int64_t was, int64_t now, int64_t pause_us) {
    if (pause_us > LONGEST_PAUSE_US) pause_us = LONGEST_PAUSE_US;
    if (atomic_compare_exchange_strong(&breaker->open_until, &was, now + pause_us)) {
        atomic_store_explicit(&breaker->pause_us, pause_us, memory_order_relaxed);
    }
}

void kw__breaker_ended(kw__breaker *breaker, kw_status status, int64_t now, const kw__passage *passage) {
    tidings told = tidings_of(status);
    if (told == PRESENT) {
        atomic_store_explicit(&breaker->answered_at, now, memory_order_relaxed);
        if (atomic_load_explicit(&breaker->open_until, memory_order_relaxed) != 0)
            atomic_store(&breaker->open_until, 0);
    } else if (passage->probe != 0) {
        int64_t pause_us = atomic_load_explicit(&breaker->pause_us, memory_order_relaxed);
        open_again(breaker, passage->probe, now, 2 * pause_us);
    } else if (told == ABSENT &&
               passage->began_at > atomic_load_explicit(&breaker->answered_at, memory_order_relaxed)) {
        open_again(breaker, 0, now, FIRST_PAUSE_US);
    }
}
