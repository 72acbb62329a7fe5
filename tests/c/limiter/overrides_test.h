/* What the tests of overrides share. */
#ifndef KW_OVERRIDES_TEST_H
#define KW_OVERRIDES_TEST_H

#include "limiter/limiter_test.h"
#include "support/refusal.h"

#define OVERRIDES "kw:limiter:{api:}:overrides"
#define LOOKS (20 * INT64_C(1000)) /* overrides_us of most tests */

/* Takes overrides, of the text's limits, GCRA. */
static inline kw_limiter *taking(const char *limit) {
    return open_limiter("api", limit, (kw_limiter_options){.overrides_us = LOOKS});
}

static inline kw_override_change set(kw_limiter *limiter, const char *key, const char *limits, int64_t ttl_us) {
    kw_override_change change;
    no_failure(kw_limiter_set_override(limiter, key, strlen(key), limits, strlen(limits), ttl_us, KW_DEFAULT_TIMEOUT,
                                       &change, &error));
    return change;
}

static inline kw_override_change clear(kw_limiter *limiter, const char *key) {
    kw_override_change change;
    no_failure(kw_limiter_clear_override(limiter, key, strlen(key), KW_DEFAULT_TIMEOUT, &change, &error));
    return change;
}

static inline kw_overrides_state state_of(kw_limiter *limiter) {
    kw_overrides_state seen;
    no_failure(kw_limiter_overrides_state(limiter, &seen, &error));
    return seen;
}

/* The capacity that the key has by the limiter's own knowledge. */
static inline int64_t limit_of(kw_limiter *limiter, const char *key) {
    kw_decision decision;
    no_failure(kw_limiter_peek(limiter, key, strlen(key), 0, KW_DEFAULT_TIMEOUT, &decision, &error));
    return decision.limit;
}

/* Has asked the server since whatever was done before. */
static inline void look(kw_limiter *limiter) {
    limit_of(limiter, ""); /* the first use begins it */
    int64_t looks = state_of(limiter).looks, until = test_now() + 5 * SECOND;
    while (state_of(limiter).looks < looks + 2) {
        if (test_now() > until) fail_msg("it does not look: %s", state_of(limiter).last_error);
        test_sleep(1000);
    }
}

#endif
