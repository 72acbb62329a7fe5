/* Hits: who is admitted, what the decision says, and what lies in the server afterwards. */
#include "limiter/limiter_test.h"

static void the_first_hit_leaves_one_less_in_any_year(void **state) {
    (void)state;
    static const int64_t moments[] = {YEAR_2026, YEAR_2026 + 1, YEAR_2100, YEAR_2100 - 1, INT64_C(2147483647999999)};
    for (size_t i = 0; i < sizeof moments / sizeof moments[0]; i++) {
        clean(state);
        test_clock_set(&server, moments[i]);
        kw_limiter *limiter = gcra("10/s");
        kw_decision decision = hit(limiter, 1);
        assert_int_equal(decision.status, KW_OK);
        assert_int_equal(decision.reason, KW_DECIDED_BY_SERVER);
        assert_int_equal(decision.denied_by, -1);
        assert_int_equal(decision.limits, 1);
        assert_int_equal(decision.count, 1);
        assert_int_equal(decision.limit, 10);
        assert_int_equal(decision.remaining, 9);
        assert_int_equal(decision.retry_after_us, 0);
        assert_int_equal(decision.reset_after_us, 100000);
        assert_int_equal(decision.delay_us, 0);
        assert_int_equal(decision.settles_at_us[0], moments[i] + 100000);
        kw_limiter_free(limiter);

        limiter = window("10/s");
        decision = hit(limiter, 1);
        assert_int_equal(decision.status, KW_OK);
        assert_int_equal(decision.remaining, 9);
        assert_int_equal(decision.reset_after_us, SECOND);
        assert_int_equal(decision.settles_at_us[0], moments[i] + SECOND);
        kw_limiter_free(limiter);
    }
}

static void a_denial_says_when_to_come_again(void **state) {
    (void)state;
    test_clock_set(&server, YEAR_2026);
    kw_limiter *limiter = gcra("10/s burst 5");
    assert_int_equal(hit(limiter, 4).remaining, 1);
    kw_decision decision = hit(limiter, 3);
    assert_int_equal(decision.status, KW_DENIED);
    assert_int_equal(decision.denied_by, 0);
    assert_int_equal(decision.count, 0);
    assert_int_equal(decision.limit, 5);
    assert_int_equal(decision.remaining, 1);
    assert_int_equal(decision.retry_after_us, 200000);
    assert_int_equal(decision.reset_after_us, 400000);
    assert_int_equal(decision.settles_at_us[0], 0);
    kw_limiter_free(limiter);

    limiter = window("5/s");
    hit(limiter, 4);
    test_clock_advance(&server, 300000);
    decision = hit(limiter, 3);
    assert_int_equal(decision.status, KW_DENIED);
    assert_int_equal(decision.denied_by, 0);
    assert_int_equal(decision.remaining, 1);
    assert_int_equal(decision.retry_after_us, 700000);
    assert_int_equal(decision.reset_after_us, 700000);
    kw_limiter_free(limiter);
}

static void with_the_clock_standing_exactly_the_burst_is_admitted(void **state) {
    (void)state;
    test_clock_freeze(&server);
    kw_limiter *limiter = gcra("1000/s burst 100");
    assert_int_equal(admitted(limiter, 2000), 100);
    kw_limiter_free(limiter);
    limiter = window("100/s");
    assert_int_equal(admitted(limiter, 2000), 100);
    kw_limiter_free(limiter);
}

static int64_t server_now(void) {
    char text[64];
    keep(text, sizeof text, ask("TIME"));
    char *us = strchr(text, '\n');
    assert_non_null(us);
    return strtoll(text, NULL, 10) * SECOND + strtoll(us + 1, NULL, 10);
}

static void with_the_clock_running_no_more_than_burst_and_rate_is_admitted(void **state) {
    (void)state;
    kw_limiter *limiter = gcra("1000/s burst 100");
    hit(limiter, 0); /* connected */
    int64_t before = server_now();
    int count = admitted(limiter, 2000);
    int64_t elapsed = server_now() - before;
    assert_in_range(count, 100, 100 + elapsed / 1000 + 1);
    kw_limiter_free(limiter);
}

/* Whatever the limit and the cost: after exactly retry_after the hit is admitted, one microsecond before it is denied.
 */
static void retry_after_is_exact(void **state) {
    (void)state;
    static const char *const limits[] = {"10/s burst 20", "7/s",          "3/s burst 2",        "1009/s",
                                         "1000/m",        "1/h",          "600000/s burst 5",   "1000000/s burst 3",
                                         "1500000/s",     "7/us burst 9", "13/week burst 1000", "997/s burst 10"};
    test_clock_set(&server, YEAR_2026);
    for (size_t i = 0; i < 2 * sizeof limits / sizeof limits[0]; i++) {
        const char *limit = limits[i / 2];
        if (i % 2 == 1 && strstr(limit, "burst") != NULL) continue;
        kw_limiter *limiter = i % 2 == 0 ? gcra(limit) : window(limit);
        int64_t capacity = peek(limiter, 1).limit;
        for (int64_t cost = 1; cost <= capacity; cost = cost * 3 + 1) {
            clean(state);
            test_clock_set(&server, YEAR_2026 + cost);
            assert_int_equal(hit(limiter, capacity).status, KW_OK);
            assert_int_equal(hit(limiter, 1).status, KW_DENIED);
            test_clock_advance(&server, 1);
            kw_decision denied = hit(limiter, cost);
            if (denied.status == KW_OK) continue; /* a microsecond gives back more than this */
            test_clock_advance(&server, denied.retry_after_us - 1);
            kw_decision early = hit(limiter, cost);
            assert_int_equal(early.status, KW_DENIED);
            assert_int_equal(early.retry_after_us, 1);
            test_clock_advance(&server, 1);
            assert_int_equal(hit(limiter, cost).status, KW_OK);
        }
        kw_limiter_free(limiter);
    }
}

static void seven_hundred_hits_at_seven_a_second_end_exactly_in_a_hundred_seconds(void **state) {
    (void)state;
    test_clock_set(&server, YEAR_2026);
    kw_limiter *limiter = gcra("7/s burst 700");
    for (int i = 1; i <= 700; i++) {
        kw_decision decision = hit(limiter, 1);
        assert_int_equal(decision.status, KW_OK);
        assert_int_equal(decision.remaining, 700 - i);
    }
    assert_int_equal(hit(limiter, 1).retry_after_us, 142858);
    assert_string_equal(ask("GET", TAT_KEY), "1767225700000000000");
    assert_int_equal(peek(limiter, 1).reset_after_us, 100 * SECOND);
    kw_limiter_free(limiter);
}

static void a_cost_that_never_fits_is_denied_for_ever(void **state) {
    (void)state;
    kw_limiter *limiters[] = {gcra("10/s"), window("10/s")};
    for (int i = 0; i < 2; i++) {
        kw_decision decision = hit(limiters[i], 11);
        assert_int_equal(decision.status, KW_DENIED);
        assert_int_equal(decision.denied_by, 0);
        assert_int_equal(decision.retry_after_us, KW_NEVER);
        assert_int_equal(decision.remaining, 10);
        assert_int_equal(hit(limiters[i], INT64_C(4503599627370495)).retry_after_us, KW_NEVER);
        assert_string_equal(ask("DBSIZE"), "0");
        assert_int_equal(hit(limiters[i], 10).status, KW_OK);
        ask("FLUSHALL");
        kw_limiter_free(limiters[i]);
    }
}

static void a_cost_of_nothing_is_always_allowed(void **state) {
    (void)state;
    test_clock_set(&server, YEAR_2026);
    kw_limiter *limiters[] = {gcra("10/s"), window("10/s")};
    for (int i = 0; i < 2; i++) {
        kw_decision decision = hit(limiters[i], 0);
        assert_int_equal(decision.status, KW_OK);
        assert_int_equal(decision.remaining, 10);
        assert_int_equal(decision.reset_after_us, 0);
        assert_string_equal(ask("DBSIZE"), "0");
        hit(limiters[i], 10);
        decision = hit(limiters[i], 0);
        assert_int_equal(decision.status, KW_OK);
        assert_int_equal(decision.count, 0);
        assert_int_equal(decision.remaining, 0);
        assert_int_equal(decision.retry_after_us, 0);
        assert_int_equal(decision.reset_after_us, SECOND);
        ask("FLUSHALL");
        kw_limiter_free(limiters[i]);
    }
}

static void a_window_opens_with_its_first_hit_and_ends(void **state) {
    (void)state;
    test_clock_set(&server, YEAR_2026 + 400000);
    kw_limiter *limiter = window("3/s");
    assert_int_equal(admitted(limiter, 4), 3);
    assert_string_equal(ask("GET", WINDOW_KEY), "17672256014000003");
    test_clock_advance(&server, 999999);
    assert_int_equal(hit(limiter, 1).retry_after_us, 1);
    test_clock_advance(&server, 1);
    kw_decision decision = hit(limiter, 2);
    assert_int_equal(decision.status, KW_OK);
    assert_int_equal(decision.remaining, 1);
    assert_int_equal(decision.settles_at_us[0], YEAR_2026 + 400000 + 2 * SECOND);
    kw_limiter_free(limiter);
}

static void keys_of_any_bytes_have_states_of_their_own(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        size_t length;
    } keys[] = {{"", 0},  {"\0", 1},  {"\0\0", 2},     {"{a}", 3}, {"a:b", 3},
                {"%", 1}, {"%25", 3}, {"\xFF\xFE", 2}, {"\r\n", 2}};
    kw_limiter *limiter = gcra("1/h");
    kw_decision decision;
    char longest[KW_MAX_KEY];
    memset(longest, '{', sizeof longest);
    for (int round = 0; round < 2; round++) {
        kw_status expected = round == 0 ? KW_OK : KW_DENIED;
        for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
            assert_int_equal(
                kw_limiter_hit(limiter, keys[i].bytes, keys[i].length, 1, KW_DEFAULT_TIMEOUT, &decision, &error),
                expected);
        }
        assert_int_equal(kw_limiter_hit(limiter, longest, sizeof longest, 1, KW_DEFAULT_TIMEOUT, &decision, &error),
                         expected);
    }
    assert_string_equal(ask("DBSIZE"), "10");
    kw_limiter_free(limiter);
}

/* Limits of one name differ by label and shape, and only by these. */
static void the_label_says_which_state(void **state) {
    (void)state;
    kw_limiter *second = gcra("1/s"), *minute = gcra("1/m"), *named = gcra("1/m as plan"), *other = window("1/s");
    kw_limiter *same = gcra("5/s burst 3");
    assert_int_equal(hit(second, 1).status, KW_OK);
    assert_int_equal(hit(minute, 1).status, KW_OK);
    assert_int_equal(hit(named, 1).status, KW_OK);
    assert_int_equal(hit(other, 1).status, KW_OK);
    assert_string_equal(
        ask("EXISTS", TAT_KEY, "kw:limiter:{api:u}:tat:60000000", "kw:limiter:{api:u}:tat:plan", WINDOW_KEY), "4");
    assert_string_equal(ask("DBSIZE"), "4");
    assert_int_equal(hit(same, 3).status, KW_DENIED); /* in debt by what `second` charged */
    assert_string_equal(ask("DBSIZE"), "4");
    kw_limiter *all[] = {second, minute, named, other, same};
    for (int i = 0; i < 5; i++)
        kw_limiter_free(all[i]);
}

/* Set by a script, as ours is: Valkey 9.1 keeps as a text what a script sets, and as a number what a client does. */
static void a_key_takes_what_a_plain_number_takes(void **state) {
    (void)state;
    static const char set_it[] = "return redis.call('SET', KEYS[1], '1234567890123456', 'PX', 60000)";
    static const char *const limits[] = {"10/s", "7/s"};
    for (int i = 0; i < 2; i++) {
        clean(state);
        kw_limiter *limiter = gcra(limits[i]);
        hit(limiter, 1);
        long long ours = number(ask("MEMORY", "USAGE", TAT_KEY));
        ask("EVAL", set_it, "1", TAT_KEY);
        assert_int_equal(ours, number(ask("MEMORY", "USAGE", TAT_KEY)));
        kw_limiter_free(limiter);
    }
}

static void scripts_that_were_flushed_are_sent_again(void **state) {
    (void)state;
    kw_limiter *limiter = gcra("10/s");
    hit(limiter, 1);
    ask("SCRIPT", "FLUSH");
    assert_int_equal(hit(limiter, 1).status, KW_OK);
    assert_in_range(peek(limiter, 1).remaining, 8, 9);
    kw_limiter_free(limiter);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        limiter_test(the_first_hit_leaves_one_less_in_any_year),
        limiter_test(a_denial_says_when_to_come_again),
        limiter_test(with_the_clock_standing_exactly_the_burst_is_admitted),
        limiter_test(with_the_clock_running_no_more_than_burst_and_rate_is_admitted),
        limiter_test(retry_after_is_exact),
        limiter_test(seven_hundred_hits_at_seven_a_second_end_exactly_in_a_hundred_seconds),
        limiter_test(a_cost_that_never_fits_is_denied_for_ever),
        limiter_test(a_cost_of_nothing_is_always_allowed),
        limiter_test(a_window_opens_with_its_first_hit_and_ends),
        limiter_test(keys_of_any_bytes_have_states_of_their_own),
        limiter_test(the_label_says_which_state),
        limiter_test(a_key_takes_what_a_plain_number_takes),
        limiter_test(scripts_that_were_flushed_are_sent_again),
    };
    return test_run(open_server, close_server);
}
