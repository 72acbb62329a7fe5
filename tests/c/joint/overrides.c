/* Overrides of single keys hold in a joint limiter as they do in its limiters. */
#include "base/memory.h"
#include "joint/joint_test.h"

#define LOOKS (20 * INT64_C(1000))

static kw_limiter *taking(const char *name, const char *limits) {
    return limiter_of(name, limits, (kw_limiter_options){.overrides_us = LOOKS});
}

static void set(kw_limiter *limiter, const char *key, const char *limits) {
    kw_override_change change;
    no_failure(kw_limiter_set_override(limiter, key, strlen(key), limits, strlen(limits), 0, 0, &change, &error));
}

static void a_key_has_limits_of_its_own(void **state) {
    (void)state;
    test_clock_set(&server, YEAR_2026);
    kw_limiter *user = taking("user", "10/s"), *address = plain("ip", "100/s");
    kw_joint *joint = joint_of(user, address);
    assert_int_equal(hit_both(joint, 11, 1).retry_after_us, KW_NEVER);
    set(user, "u", "50/s");
    kw_joint_decision told = hit_both(joint, 11, 1);
    assert_int_equal(told.status, KW_OK);
    assert_int_equal(told.decisions[0].limit, 50);
    assert_int_equal(told.decisions[0].remaining, 39);
    told = hit_both(joint, 40, 1);
    assert_int_equal(told.status, KW_DENIED);
    assert_int_equal(told.denied_by, 0);
    assert_int_equal(told.retry_after_us, 20000);
    const kw_limiter_hit_args hits[] = {call_of("u", 39), call_of("a", 1)};
    assert_int_equal(kw_joint_peek(joint, hits, 2, 0, &told, &error), KW_OK);
    told = hit_both(joint, 39, 1);
    assert_int_equal(told.status, KW_OK);
    no_failure(kw_limiter_refund(user, "u", 1, &told.decisions[0], 9, 0, &error)); /* by the override that made it */
    assert_int_equal(hit_both(joint, 9, 1).status, KW_OK);
    kw_override_change change;
    no_failure(kw_limiter_clear_override(user, "u", 1, 0, &change, &error));
    assert_int_equal(hit_both(joint, 11, 1).retry_after_us, KW_NEVER);
    kw_joint_free(joint);
    kw_limiter_free(user);
    kw_limiter_free(address);
}

/* The joint limiter has it in use: it goes on looking when whoever opened it has given it up. */
static void they_are_seen_when_the_limiter_was_freed(void **state) {
    (void)state;
    kw_limiter *user = taking("user", "10/h"), *other = plain("user", "10/h"), *address = plain("ip", "1000/h");
    kw_joint *joint = joint_of(user, address);
    hit_both(joint, 0, 0);
    kw_limiter_free(user);
    set(other, "u", "500/h");
    int64_t until = test_now() + 5 * SECOND;
    while (hit_both(joint, 11, 1).status != KW_OK) {
        if (test_now() > until) fail_msg("the override is not seen");
        test_sleep(1000);
    }
    kw_joint_free(joint);
    kw_limiter_free(other);
    kw_limiter_free(address);
}

static void without_memory_nothing_is_charged(void **state) {
    (void)state;
    kw_limiter *user = taking("user", "10/h"), *address = plain("ip", "1000/h");
    kw_joint *joint = joint_of(user, address);
    const kw_limiter_hit_args hits[] = {call_of("u", 11), call_of("a", 1)};
    kw_joint_decision told;
    set(user, "u", "500/h");
    hit_both(joint, 0, 0);
    bool failed = false;
    for (uint64_t n = 1; n <= 8; n++) {
        kw__memory_fail_at(n, false);
        kw_status status = kw_joint_hit(joint, hits, 2, 0, &told, &error);
        kw__memory_fail_at(0, false);
        assert_true(status == KW_OK || status == KW_NO_MEMORY || status == KW_CONNECTION || status == KW_UNKNOWN);
        failed = failed || status == KW_NO_MEMORY;
    }
    assert_true(failed);
    assert_int_equal(hit_both(joint, 11, 1).status, KW_OK);
    kw_joint_free(joint);
    kw_limiter_free(user);
    kw_limiter_free(address);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        clean_test(a_key_has_limits_of_its_own),
        clean_test(they_are_seen_when_the_limiter_was_freed),
        clean_test(without_memory_nothing_is_charged),
    };
    return test_run(open_server, close_server);
}
