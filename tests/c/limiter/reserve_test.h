/* What the tests of reservations share. */
#ifndef KW_RESERVE_TEST_H
#define KW_RESERVE_TEST_H

#include "limiter/limiter_test.h"

static inline kw_limiter *reserving(kw_algorithm algorithm, const char *limits) {
    return open_limiter("api", limits, (kw_limiter_options){.algorithm = algorithm, .reservations = 1});
}

static inline kw_decision reserve(kw_limiter *limiter, const char *id, int64_t cost, int64_t lease_us) {
    kw_decision decision;
    kw_status status =
        kw_limiter_reserve(limiter, "u", 1, cost, id, strlen(id), lease_us, KW_DEFAULT_TIMEOUT, &decision, &error);
    no_failure(status);
    assert_int_equal(decision.status, status);
    return decision;
}

static inline kw_decision commit(kw_limiter *limiter, const char *id, int64_t actual) {
    kw_decision decision;
    kw_status status =
        kw_limiter_commit(limiter, "u", 1, id, strlen(id), actual, KW_DEFAULT_TIMEOUT, &decision, &error);
    no_failure(status);
    assert_int_equal(decision.status, status);
    return decision;
}

static inline kw_decision cancel(kw_limiter *limiter, const char *id) {
    kw_decision decision;
    kw_status status = kw_limiter_cancel(limiter, "u", 1, id, strlen(id), KW_DEFAULT_TIMEOUT, &decision, &error);
    no_failure(status);
    assert_int_equal(decision.status, status);
    return decision;
}

/* How much could be taken now; lapsed reservations are found by asking. */
static inline int64_t room(kw_limiter *limiter) {
    return peek(limiter, 1).remaining;
}

#define RESERVATIONS "kw:limiter:{api:u}:reservations"

/* Those that keep what they were charged for a while; each with 100 in an hour. */
static const kw_algorithm algorithms[] = {KW_ALGORITHM_GCRA, KW_ALGORITHM_FIXED_WINDOW, KW_ALGORITHM_SLIDING_COUNTER,
                                          KW_ALGORITHM_SLIDING_LOG};
#define EACH_ALGORITHM(index) for (int index = 0; index < 4; index++)

#endif
