/* Several limits, and the options of a limiter: what each decides, and what lies in the server afterwards. */
#include "limiter/limiter_test.h"

static kw_decision up_to(kw_limiter *limiter, int64_t cost) {
    kw_decision decision;
    kw_status status = kw_limiter_hit_up_to(limiter, "u", 1, cost, KW_DEFAULT_TIMEOUT, &decision, &error);
    no_failure(status);
    assert_int_equal(decision.status, status);
    return decision;
}

static void lies(const char *key, const char *value) {
    assert_string_equal(ask("GET", key), value);
}

static void two_limits_are_charged_or_none(void **state) {
    (void)state;
    test_clock_set(&server, INT64_C(1767225600000000));
    kw_limiter *limiter = gcra("10/s; 15/m");
    kw_decision decision = hit(limiter, 8);
    assert_int_equal(decision.limits, 2);
    assert_int_equal(decision.binding, 0);
    assert_int_equal(decision.remaining, 2);
    assert_int_equal(decision.decided_at_us, INT64_C(1767225600000000));
    assert_int_equal(decision.settles_at_us[0], INT64_C(1767225600800000));
    assert_int_equal(decision.settles_at_us[1], INT64_C(1767225632000000));
    lies(TAT_KEY, "1767225600800000");
    lies("kw:limiter:{api:u}:tat:60000000", "1767225632000000");
    test_clock_set(&server, INT64_C(1767225600700000));
    decision = hit(limiter, 8);
    assert_int_equal(decision.status, KW_DENIED);
    assert_int_equal(decision.denied_by, 1);
    assert_int_equal(decision.binding, 1);
    assert_int_equal(decision.limit, 15);
    assert_int_equal(decision.count, 0);
    lies(TAT_KEY, "1767225600800000");
    decision = up_to(limiter, 100);
    assert_int_equal(decision.count, 7);
    lies(TAT_KEY, "1767225601500000");
    lies("kw:limiter:{api:u}:tat:60000000", "1767225660000000");
    refund(limiter, &decision, 7);
    lies("kw:limiter:{api:u}:tat:60000000", "1767225632000000");
    every_key_ends();
    kw_limiter_free(limiter);
}

static void sliding_windows_keep_counts_and_moments(void **state) {
    (void)state;
    test_clock_set(&server, INT64_C(1767225600000000));
    kw_limiter *counter = open_limiter("api", "10/s", (kw_limiter_options){.algorithm = KW_ALGORITHM_SLIDING_COUNTER});
    kw_limiter *list = open_limiter("api", "3/s", (kw_limiter_options){.algorithm = KW_ALGORITHM_SLIDING_LOG});
    hit(counter, 4);
    lies("kw:limiter:{api:u}:counter:1000000", "17672256000000004/0");
    hit(list, 2);
    test_clock_set(&server, INT64_C(1767225601500000));
    assert_int_equal(hit(counter, 3).remaining, 5);
    lies("kw:limiter:{api:u}:counter:1000000", "17672256010000003/4");
    kw_decision decision = hit(list, 1);
    assert_string_equal(ask("LRANGE", "kw:limiter:{api:u}:log:1000000", "0", "-1"), "1767225601500000");
    refund(list, &decision, 1);
    assert_string_equal(ask("EXISTS", "kw:limiter:{api:u}:log:1000000"), "0");
    every_key_ends();
    kw_limiter_free(counter);
    kw_limiter_free(list);
}

static void leases_are_held_renewed_and_given_back(void **state) {
    (void)state;
    static const char key[] = "kw:limiter:{api:u}:leases:concurrent";
    test_clock_set(&server, INT64_C(1767225600000000));
    kw_limiter *limiter = open_limiter("api", "3 concurrent",
                                       (kw_limiter_options){.algorithm = KW_ALGORITHM_CONCURRENCY, .lease_us = SECOND});
    kw_decision two = hit(limiter, 2), one = hit(limiter, 1);
    assert_int_equal(two.lease, INT64_C(1767225600000000));
    assert_int_equal(one.lease, INT64_C(1767225600000001));
    kw_decision denied = hit(limiter, 1);
    assert_int_equal(denied.status, KW_DENIED);
    assert_int_equal(denied.retry_after_us, SECOND);
    test_clock_set(&server, INT64_C(1767225600900000));
    refund(limiter, &two, 1);
    assert_int_equal(kw_limiter_renew(limiter, "u", 1, &two, 0, &error), KW_OK);
    assert_string_equal(ask("ZSCORE", key, "1767225600000000:1"), "1767225601900000");
    assert_string_equal(ask("ZCARD", key), "2");
    test_clock_set(&server, INT64_C(1767225601000000));
    assert_int_equal(kw_limiter_renew(limiter, "u", 1, &one, 0, &error), KW_LOST);
    assert_int_equal(peek(limiter, 1).remaining, 2);
    every_key_ends();
    kw_limiter_free(limiter);
}

static void shadows_decide_and_never_deny(void **state) {
    (void)state;
    test_clock_set(&server, INT64_C(1767225600000000));
    kw_limiter *limiter = gcra("10/s; 1/m as new shadow");
    assert_int_equal(hit(limiter, 1).reason, KW_DECIDED_BY_SERVER);
    kw_decision decision = hit(limiter, 1);
    assert_int_equal(decision.status, KW_OK);
    assert_int_equal(decision.reason, KW_DECIDED_BY_SHADOW);
    assert_int_equal(decision.denied_by, 1);
    assert_int_equal(decision.settles_at_us[1], 0);
    lies("kw:limiter:{api:u}:tat:new", "1767225660000000");
    refund(limiter, &decision, 1);
    lies("kw:limiter:{api:u}:tat:new", "1767225660000000");
    lies(TAT_KEY, "1767225600100000");
    kw_limiter_free(limiter);
}

static void denials_charge_and_block(void **state) {
    (void)state;
    static const char key[] = "kw:limiter:{api:u}:block";
    test_clock_set(&server, INT64_C(1767225600000000));
    kw_limiter *limiter = open_limiter(
        "api", "2/s", (kw_limiter_options){.charge_denials = 1, .block_us = 10 * SECOND, .block_max_us = 30 * SECOND});
    hit(limiter, 2);
    kw_decision denied = hit(limiter, 1);
    assert_int_equal(denied.reason, KW_DECIDED_BY_BLOCK);
    assert_int_equal(denied.retry_after_us, 10 * SECOND);
    assert_int_equal(denied.remaining, 0);
    lies(TAT_KEY, "1767225601500000");
    lies(key, "17672256100000001");
    assert_string_equal(ask("PEXPIRETIME", key), "1767225640002");
    test_clock_set(&server, INT64_C(1767225605000000));
    assert_int_equal(hit(limiter, 1).retry_after_us, 5 * SECOND);
    lies(key, "17672256100000001");
    test_clock_set(&server, INT64_C(1767225611000000));
    hit(limiter, 2);
    assert_int_equal(hit(limiter, 1).retry_after_us, 20 * SECOND);
    lies(key, "17672256310000002");
    no_failure(kw_limiter_reset(limiter, "u", 1, 0, &error));
    assert_string_equal(ask("DBSIZE"), "0");
    kw_limiter_free(limiter);
}

static void windows_end_with_the_calendar(void **state) {
    (void)state;
    test_clock_set(&server, INT64_C(1767225600000000)); /* 2026-01-01, in New York still 2025 */
    kw_limiter *limiter = open_limiter(
        "api", "2/month",
        (kw_limiter_options){.algorithm = KW_ALGORITHM_FIXED_WINDOW, .align = KW_ALIGN_CALENDAR, .zone_offset = -300});
    assert_int_equal(hit(limiter, 2).reset_after_us, INT64_C(5) * 3600 * SECOND);
    assert_int_equal(hit(limiter, 1).retry_after_us, INT64_C(5) * 3600 * SECOND);
    lies("kw:limiter:{api:u}:window:2592000000000", "17672436000000002");
    kw_limiter_free(limiter);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        limiter_test(two_limits_are_charged_or_none),
        limiter_test(sliding_windows_keep_counts_and_moments),
        limiter_test(leases_are_held_renewed_and_given_back),
        limiter_test(shadows_decide_and_never_deny),
        limiter_test(denials_charge_and_block),
        limiter_test(windows_end_with_the_calendar),
    };
    return test_run(open_server, close_server);
}
