/* Clocks that step, keys that somebody touched, values that are nobody's. */
#include "quota/quota_test.h"

static void a_clock_that_steps_back_over_an_edge_gives_nothing_again(void **state) {
    (void)state;
    kw_quota *quota = monthly(10);
    test_clock_set(&server, date(2026, 2, 1) - MINUTE);
    consume(quota, 10);
    test_clock_set(&server, date(2026, 2, 1));
    consume(quota, 4);
    test_clock_set(&server, date(2026, 2, 1) - MINUTE);
    kw_usage usage = consume(quota, 7);
    assert_int_equal(usage.status, KW_DENIED);
    assert_int_equal(usage.resets_at_us, date(2026, 3, 1));
    assert_int_equal(consume(quota, 6).remaining, 0);
    test_clock_set(&server, date(2026, 2, 1));
    assert_int_equal(consume(quota, 1).status, KW_DENIED);
    kw_quota_free(quota);
}

static void a_clock_set_back_by_years_locks_for_one_period(void **state) {
    (void)state;
    kw_quota *quota = monthly(10);
    test_clock_set(&server, YEAR_2100 + DAY);
    reserve(quota, "a", 3, HOUR);
    consume(quota, 7);
    test_clock_set(&server, YEAR_2026 + DAY);
    kw_usage usage = peek(quota, 1);
    assert_int_equal(usage.resets_at_us, date(2026, 2, 1));
    usage = consume(quota, 4);
    assert_int_equal(usage.status, KW_DENIED); /* the reservation of a year that is none any more has returned */
    assert_int_equal(usage.remaining, 3);
    assert_int_equal(usage.resets_at_us, date(2026, 2, 1));
    every_key_ends();
    test_clock_set(&server, date(2026, 2, 1));
    assert_int_equal(consume(quota, 10).status, KW_OK);
    kw_quota_free(quota);
}

/* No lease is longer than 7 days. */
static void who_looks_sees_a_lease_of_the_future_returned(void **state) {
    (void)state;
    kw_quota *quota = monthly(10);
    test_clock_set(&server, date(2026, 1, 20));
    reserve(quota, "a", 10, HOUR);
    test_clock_set(&server, date(2026, 1, 2));
    assert_int_equal(peek(quota, 4).status, KW_OK);
    assert_int_equal(peek(quota, 0).used, 0);
    assert_int_equal(consume(quota, 4).used, 4);
    kw_quota_free(quota);
}

/* What was charged in a period that is none any more stays charged, whichever call finds the clock set back. */
static void a_commit_after_healing_changes_nothing(void **state) {
    (void)state;
    kw_quota *quota = open_quota(10, KW_PERIOD_DAY, 0);
    for (int first = 0; first < 2; first++) {
        test_server_expect(&server, "OK", "FLUSHALL");
        test_clock_set(&server, date(2026, 1, 5));
        reserve(quota, "a", 3, HOUR);
        consume(quota, 2);
        test_clock_set(&server, date(2026, 1, 2));
        if (first == 0) assert_int_equal(consume(quota, 6).status, KW_DENIED);
        kw_usage usage = commit(quota, "a", 1);
        assert_int_equal(usage.status, KW_OK);
        assert_int_equal(usage.count, 0);
        assert_int_equal(usage.used, 5);
        assert_int_equal(usage.resets_at_us, date(2026, 1, 3));
    }
    kw_quota_free(quota);
}

static void a_key_without_expiry_gets_one(void **state) {
    (void)state;
    kw_quota *quota = monthly(10);
    consume(quota, 10);
    ask("PERSIST", MONTH_KEY);
    assert_int_equal(consume(quota, 1).status, KW_DENIED);
    every_key_ends();
    reserve(quota, "a", 1, HOUR);
    kw_quota_free(quota);
}

static void what_is_nobodys_is_left_alone(void **state) {
    (void)state;
    kw_quota *quota = monthly(10);
    kw_usage usage;
    static const char *const values[] = {"",
                                         "hello",
                                         "10",
                                         "1769904000000000",
                                         "17699040000000001x",
                                         "176990400000000010:x",
                                         "99999999999999991",
                                         "17699040000000009007199254740993"};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        ask("SET", MONTH_KEY, values[i]);
        assert_int_equal(kw_quota_consume(quota, "u", 1, 1, 0, &usage, &error), KW_WRONG_TYPE);
        assert_int_equal(kw_quota_peek(quota, "u", 1, 1, 0, &usage, &error), KW_WRONG_TYPE);
        assert_int_equal(kw_quota_reserve(quota, "u", 1, 1, "a", 1, HOUR, 0, &usage, &error), KW_WRONG_TYPE);
        assert_string_equal(ask("GET", MONTH_KEY), values[i]);
    }
    kw_quota_free(quota);
}

/* A type that is wrong is found before the first write. */
static void a_key_of_another_type_stops_everything(void **state) {
    (void)state;
    kw_quota *quota = monthly(10);
    kw_usage usage;
    static const char *const parts[] = {MONTH_KEY, MONTH_KEY ":reservations", MONTH_KEY ":leases",
                                        MONTH_KEY ":settled"};
    for (int i = 0; i < 4; i++) {
        test_server_expect(&server, "OK", "FLUSHALL");
        if (i > 0) consume(quota, 5);
        ask("RPUSH", parts[i], "x");
        char before[128];
        if (i > 0) picture(MONTH_KEY, before);
        assert_int_equal(kw_quota_reserve(quota, "u", 1, 1, "a", 1, HOUR, 0, &usage, &error), KW_WRONG_TYPE);
        assert_int_equal(kw_quota_commit(quota, "u", 1, "a", 1, 1, 0, &usage, &error), KW_WRONG_TYPE);
        assert_string_equal(ask("DBSIZE"), i > 0 ? "2" : "1");
        if (i > 0) assert_int_equal(peek(quota, 0).used, 5);
    }
    kw_quota_free(quota);
}

static void scripts_that_were_flushed_are_sent_again(void **state) {
    (void)state;
    kw_quota *quota = monthly(10);
    for (int i = 0; i < 3; i++) {
        ask("SCRIPT", "FLUSH");
        assert_int_equal(consume(quota, 1).used, 2 * i + 1);
        ask("SCRIPT", "FLUSH");
        char id[2] = {(char)('a' + i), '\0'};
        reserve(quota, id, 2, HOUR);
        ask("SCRIPT", "FLUSH");
        assert_int_equal(commit(quota, id, 1).used, 2 * i + 2);
    }
    kw_quota_free(quota);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        clean_test(a_clock_that_steps_back_over_an_edge_gives_nothing_again),
        clean_test(a_clock_set_back_by_years_locks_for_one_period),
        clean_test(who_looks_sees_a_lease_of_the_future_returned),
        clean_test(a_commit_after_healing_changes_nothing),
        clean_test(a_key_without_expiry_gets_one),
        clean_test(what_is_nobodys_is_left_alone),
        clean_test(a_key_of_another_type_stops_everything),
        clean_test(scripts_that_were_flushed_are_sent_again),
    };
    return test_run(open_server, close_server);
}
