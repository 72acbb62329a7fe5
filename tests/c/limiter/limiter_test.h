/* What the tests of the limiter share beside the fixture. */
#ifndef KW_LIMITER_TEST_H
#define KW_LIMITER_TEST_H

#include "support/fixture.h"

#define limiter_test(name) clean_test(name)

/* What kw_limiter_open is asked for; zeroes are its defaults. */
static inline kw_limiter *open_limiter(const char *name, const char *limit, kw_limiter_options options) {
    kw_limiter *limiter = NULL;
    options.size = sizeof options;
    kw_status status = kw_limiter_open(client, name, strlen(name), limit, &options, &limiter, &error);
    if (status != KW_OK) fail_msg("%s: %s", limit, error.message);
    return limiter;
}

static inline kw_limiter *gcra(const char *limit) {
    return open_limiter("api", limit, (kw_limiter_options){.algorithm = KW_ALGORITHM_GCRA});
}

static inline kw_limiter *window(const char *limit) {
    return open_limiter("api", limit, (kw_limiter_options){.algorithm = KW_ALGORITHM_FIXED_WINDOW});
}

/* The decision on the key "u". */
static inline kw_decision hit(kw_limiter *limiter, int64_t cost) {
    kw_decision decision;
    kw_status status = kw_limiter_hit(limiter, "u", 1, cost, KW_DEFAULT_TIMEOUT, &decision, &error);
    no_failure(status);
    assert_int_equal(decision.status, status);
    return decision;
}

static inline kw_decision peek(kw_limiter *limiter, int64_t cost) {
    kw_decision decision;
    kw_status status = kw_limiter_peek(limiter, "u", 1, cost, KW_DEFAULT_TIMEOUT, &decision, &error);
    no_failure(status);
    assert_int_equal(decision.status, status);
    return decision;
}

static inline void refund(kw_limiter *limiter, const kw_decision *decision, int64_t count) {
    no_failure(kw_limiter_refund(limiter, "u", 1, decision, count, KW_DEFAULT_TIMEOUT, &error));
}

/* How many of `times` hits of 1 are admitted. */
static inline int admitted(kw_limiter *limiter, int times) {
    int count = 0;
    for (int i = 0; i < times; i++)
        count += hit(limiter, 1).status == KW_OK;
    return count;
}

#define TAT_KEY "kw:limiter:{api:u}:tat:1000000"
#define WINDOW_KEY "kw:limiter:{api:u}:window:1000000"

#endif
