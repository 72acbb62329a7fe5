/*
 * A circuit breaker: while the server is absent a limiter with a failure policy answers by that at once, and lets one
 * hit at a time through to see whether the server is back. So an outage costs its callers one deadline, not one each.
 *
 * It opens when a hit fails because no server could be reached or none answered in time, and nobody was answered since
 * that hit began. After 100 ms the next hit is let through, a probe; each that fails doubles the pause, up to a second.
 * The first answer closes it. A probe that nobody tells the end of has lapsed 100 ms after its deadline, or
 * after a second.
 */
#ifndef KW__LIMITER_BREAKER_H
#define KW__LIMITER_BREAKER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "keywright.h"

typedef struct kw__breaker {
    atomic_int_least64_t open_until;  /* monotonic: when the next probe may go; 0: it is closed */
    atomic_int_least64_t answered_at; /* monotonic: when the server last answered */
    atomic_int_least64_t pause_us;    /* the latest */
} kw__breaker;

/* What a hit knows of its own asking. */
typedef struct kw__passage {
    int64_t began_at;
    int64_t probe; /* what open_until was set to by it, a probe; else 0 */
} kw__passage;

/* Whether a hit may go to the server, which it would wait for until the deadline. */
bool kw__breaker_lets(kw__breaker *breaker, int64_t now, int64_t deadline, kw__passage *passage);
/* How a hit ended that went: its status is the server's answer, or a failure. */
void kw__breaker_ended(kw__breaker *breaker, kw_status status, int64_t now, const kw__passage *passage);

#endif
