/* Many threads on one lease, and on many: no token is spent twice, none is made. */
#include <pthread.h>
#include <stdatomic.h>

#include "limiter/limiter_test.h"

enum { THREADS = 16, LIMIT = 5000, KEYS = 4 };

static kw_limiter *limiters[2];
static atomic_int admissions[KEYS], misfits;

static void *hit_until_denied(void *argument) {
    uintptr_t number = (uintptr_t)argument;
    kw_limiter *own = limiters[number % 2];
    for (int i = 0; i < LIMIT; i++) {
        static const char *const keys[] = {"a", "b", "c", "d"};
        int which = (int)(number / 2 + (uintptr_t)i) % KEYS;
        kw_decision decision;
        kw_error failure;
        kw_status status = kw_limiter_hit(own, keys[which], 1, 1, 60 * SECOND, &decision, &failure);
        if (status < 0 || decision.remaining < 0 || decision.remaining >= LIMIT) atomic_fetch_add(&misfits, 1);
        if (status != KW_OK) continue;
        atomic_fetch_add(&admissions[which], 1);
        if (i % 16 == 0 && decision.reason == KW_DECIDED_BY_TOKEN_LEASE &&
            kw_limiter_refund(own, keys[which], 1, &decision, 1, 60 * SECOND, &failure) == KW_OK) {
            atomic_fetch_sub(&admissions[which], 1);
        }
    }
    return NULL;
}

/* Two clients, each of which holds less than a lease of a key in the end. */
static void they_admit_the_limit_and_no_more(void **state) {
    (void)state;
    const int64_t lease = 64;
    test_clock_freeze(&server);
    for (int i = 0; i < 2; i++) {
        limiters[i] = open_limiter("api", "5000/h", (kw_limiter_options){.token_lease = lease, .token_ttl_us = MINUTE});
    }
    pthread_t threads[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hit_until_denied, (void *)i), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(misfits, 0);
    for (int i = 0; i < KEYS; i++)
        assert_in_range(admissions[i], LIMIT - 2 * (lease - 1), LIMIT);
    kw_limiter_free(limiters[0]);
    kw_limiter_free(limiters[1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {limiter_test(they_admit_the_limit_and_no_more)};
    return test_run(open_server, close_server);
}
