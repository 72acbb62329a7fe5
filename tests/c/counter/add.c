/* Exact counts: bounds, sizes, ends, and what lies in the server afterwards. */
#include "counter/counter_test.h"

#define TOTAL "kw:counter:{hits:k}:total"
#define TIMED "kw:counter:{hits:k}:timed"

static void a_count_begins_at_nothing(void **state) {
    (void)state;
    kw_counter *counter = NULL;
    no_failure(kw_counter_open(client, "hits", 4, NULL, &counter, &error));
    counted(value(counter), KW_OK, 0, 0);
    counted(add(counter, 0), KW_OK, 0, 0);
    assert_string_equal(ask("DBSIZE"), "0"); /* looking leaves nothing */
    counted(add(counter, 5), KW_OK, 5, 5);
    counted(add(counter, -7), KW_OK, -2, -7);
    kw_count count = value(counter);
    counted(count, KW_OK, -2, 0);
    assert_true(count.expires_after_us == KW_NEVER);
    assert_int_equal(count.duplicate, 0);
    assert_string_equal(ask("GET", TOTAL), "-2");
    assert_string_equal(ask("TTL", TOTAL), "-1");
    no_failure(kw_counter_set(counter, "k", 1, 40, 0, &error));
    counted(add(counter, 2), KW_OK, 42, 2);
    no_failure(kw_counter_reset(counter, "k", 1, 0, &error));
    assert_string_equal(ask("DBSIZE"), "0");
    kw_counter_free(counter);
}

static void nothing_wraps_at_64_bits(void **state) {
    (void)state;
    kw_counter *plain = open_counter((kw_counter_options){0});
    counted(add(plain, INT64_MAX), KW_OK, INT64_MAX, INT64_MAX);
    assert_int_equal(add(plain, 1).status, KW_OUT_OF_RANGE);
    assert_int_equal(value(plain).value, INT64_MAX);
    no_failure(kw_counter_set(plain, "k", 1, INT64_MIN, 0, &error));
    assert_int_equal(add(plain, INT64_MIN).status, KW_OUT_OF_RANGE);
    assert_int_equal(add(plain, -1).status, KW_OUT_OF_RANGE);
    assert_int_equal(value(plain).value, INT64_MIN);
    counted(add(plain, INT64_MAX), KW_OK, -1, INT64_MAX);
    kw_counter_free(plain);

    /* The scripts', where numbers are cut in two. */
    kw_counter *timed = open_counter((kw_counter_options){.ttl_us = HOUR});
    static const int64_t amounts[] = {INT64_MAX,
                                      -INT64_MAX,
                                      INT64_MIN,
                                      INT64_MAX,
                                      1,
                                      999999999,
                                      1,
                                      -1000000000,
                                      INT64_C(9007199254740993),
                                      -INT64_C(9007199254740993),
                                      -999999999,
                                      -2};
    int64_t expected = 0;
    for (size_t i = 0; i < sizeof amounts / sizeof amounts[0]; i++) {
        expected += amounts[i];
        counted(add(timed, amounts[i]), KW_OK, expected, amounts[i]);
        assert_int_equal(value(timed).value, expected);
    }
    no_failure(kw_counter_set(timed, "k", 1, INT64_MIN + 1, 0, &error));
    counted(add(timed, -2), KW_OUT_OF_RANGE, INT64_MIN + 1, 0);
    counted(add(timed, -1), KW_OK, INT64_MIN, -1);
    counted(add(timed, INT64_MIN), KW_OUT_OF_RANGE, INT64_MIN, 0);
    kw_counter_free(timed);
}

static void a_bound_refuses_or_cuts(void **state) {
    (void)state;
    kw_counter_options options = {.bounds = KW_BOUNDS_BOTH, .min = -5, .max = 10};
    kw_counter *rejects = open_counter(options);
    options.on_bound = KW_ON_BOUND_SATURATE;
    kw_counter *saturates = open_counter(options);
    counted(add(rejects, 11), KW_OUT_OF_RANGE, 0, 0);
    assert_string_equal(ask("DBSIZE"), "0");
    counted(add(rejects, 10), KW_OK, 10, 10);
    counted(add(rejects, 1), KW_OUT_OF_RANGE, 10, 0);
    counted(add(saturates, 1), KW_OK, 10, 0);
    counted(add(saturates, -100), KW_OK, -5, -15);
    counted(add(saturates, -1), KW_OK, -5, 0);
    counted(add(saturates, INT64_MAX), KW_OK, 10, 15);
    counted(add(saturates, INT64_MIN), KW_OK, -5, -15);

    /* What lies beyond, for the bounds were others: it may come back, and is never moved the other way. */
    ask("SET", TOTAL, "50");
    counted(add(rejects, 1), KW_OUT_OF_RANGE, 50, 0);
    counted(add(saturates, 1), KW_OK, 50, 0);
    counted(add(rejects, -5), KW_OK, 45, -5);
    kw_counter_free(rejects);
    kw_counter_free(saturates);
}

static void one_stock_is_sold_once(void **state) {
    (void)state;
    kw_counter *stock = open_counter((kw_counter_options){.bounds = KW_BOUNDS_MIN});
    no_failure(kw_counter_set(stock, "k", 1, 100, 0, &error));
    kw_counter_add_args items[300];
    kw_count counts[300];
    int sold = 0;
    for (int i = 0; i < 300; i++)
        items[i] = (kw_counter_add_args){.size = sizeof items[0], .key = "k", .key_length = 1, .amount = -1};
    no_failure(kw_counter_add_many(stock, items, 300, 0, counts, &error));
    for (int i = 0; i < 300; i++)
        sold += counts[i].status == KW_OK;
    assert_int_equal(sold, 100);
    assert_int_equal(value(stock).value, 0);
    kw_counter_free(stock);
}

static void a_count_ends_after_its_time(void **state) {
    (void)state;
    test_clock_set(&server, YEAR_2100);
    kw_counter *from_first = open_counter((kw_counter_options){.ttl_us = MINUTE});
    kw_counter *from_last = open_counter((kw_counter_options){.ttl_us = MINUTE, .expiry = KW_EXPIRY_SLIDING});
    assert_int_equal(add(from_first, 3).expires_after_us, MINUTE);
    assert_string_equal(ask("GET", TIMED), "41024448600000003");
    assert_string_equal(ask("PEXPIRETIME", TIMED), "4102444860002");
    test_clock_advance(&server, 59 * SECOND);
    assert_int_equal(add(from_first, 1).expires_after_us, SECOND);
    test_clock_advance(&server, SECOND - 1);
    kw_count count = value(from_first);
    counted(count, KW_OK, 4, 0);
    assert_int_equal(count.expires_after_us, 1);
    test_clock_advance(&server, 1); /* the key is still there, and is nothing any more */
    assert_string_equal(ask("EXISTS", TIMED), "1");
    counted(value(from_first), KW_OK, 0, 0);
    counted(add(from_first, 2), KW_OK, 2, 2);

    test_clock_advance(&server, 50 * SECOND);
    assert_int_equal(add(from_last, 1).expires_after_us, MINUTE);
    test_clock_advance(&server, 50 * SECOND);
    assert_int_equal(value(from_last).expires_after_us, 10 * SECOND); /* reading does not put it off */
    assert_int_equal(add(from_last, 0).expires_after_us, 10 * SECOND);
    assert_int_equal(add(from_last, 1).value, 4);
    assert_int_equal(value(from_last).expires_after_us, MINUTE);
    kw_counter_free(from_first);
    kw_counter_free(from_last);
}

static void a_count_ends_with_its_period_of_the_calendar(void **state) {
    (void)state;
    static const struct {
        int64_t now;
        int32_t expiry;
        int64_t zone_minutes;
        int64_t left;
        const char *key;
    } cases[] = {
        {YEAR_2026, KW_EXPIRY_DAY, 0, DAY, "kw:counter:{hits:k}:day"},
        {YEAR_2026 - 1, KW_EXPIRY_DAY, 0, 1, "kw:counter:{hits:k}:day"},
        {YEAR_2026, KW_EXPIRY_DAY, 60, 23 * HOUR, "kw:counter:{hits:k}:day"},
        {YEAR_2026, KW_EXPIRY_DAY, -90, 90 * MINUTE, "kw:counter:{hits:k}:day"},
        {YEAR_2026, KW_EXPIRY_WEEK, 0, 4 * DAY, "kw:counter:{hits:k}:week"},
        {YEAR_2026 + 4 * DAY - 1, KW_EXPIRY_WEEK, 0, 1, "kw:counter:{hits:k}:week"},
        {YEAR_2026 + 4 * DAY, KW_EXPIRY_WEEK, 0, 7 * DAY, "kw:counter:{hits:k}:week"},
        {YEAR_2026, KW_EXPIRY_MONTH, 0, 31 * DAY, "kw:counter:{hits:k}:month"},
        {YEAR_2026, KW_EXPIRY_MONTH, -1, MINUTE, "kw:counter:{hits:k}:month"},
        {YEAR_2026 + 31 * DAY, KW_EXPIRY_MONTH, 0, 28 * DAY, "kw:counter:{hits:k}:month"},
        {YEAR_2026 + 789 * DAY, KW_EXPIRY_MONTH, 0, DAY, "kw:counter:{hits:k}:month"}, /* 29 February 2028 */
        {YEAR_2026 + 364 * DAY, KW_EXPIRY_YEAR, 0, DAY, "kw:counter:{hits:k}:year"},
        {YEAR_2026, KW_EXPIRY_YEAR, 0, 365 * DAY, "kw:counter:{hits:k}:year"},
        {YEAR_2100 + 58 * DAY, KW_EXPIRY_MONTH, 0, DAY, "kw:counter:{hits:k}:month"}, /* 28 February 2100, no leap */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        clean(state);
        test_clock_set(&server, cases[i].now);
        kw_counter *counter =
            open_counter((kw_counter_options){.expiry = cases[i].expiry, .zone_minutes = cases[i].zone_minutes});
        assert_int_equal(add(counter, 1).expires_after_us, cases[i].left);
        assert_true(strtoll(ask("PTTL", cases[i].key), NULL, 10) >= cases[i].left / 1000);
        test_clock_advance(&server, cases[i].left - 1);
        assert_int_equal(add(counter, 1).value, 2);
        test_clock_advance(&server, 1);
        assert_int_equal(add(counter, 1).value, 1);
        kw_counter_free(counter);
    }
}

static void a_clock_that_stepped_back_locks_nobody_out(void **state) {
    (void)state;
    test_clock_set(&server, YEAR_2026);
    kw_counter *counter = open_counter((kw_counter_options){.ttl_us = MINUTE, .bounds = KW_BOUNDS_MAX, .max = 3});
    add(counter, 3);
    test_clock_advance(&server, -HOUR);
    assert_int_equal(value(counter).expires_after_us, MINUTE);
    kw_count refused = add(counter, 1);
    assert_int_equal(refused.status, KW_OUT_OF_RANGE);
    assert_int_equal(refused.expires_after_us, MINUTE); /* cut, and written */
    test_clock_advance(&server, MINUTE);
    counted(add(counter, 1), KW_OK, 1, 1);

    /* A key that somebody made permanent has its end again. */
    add(counter, 2);
    ask("PERSIST", TIMED);
    assert_int_equal(add(counter, 1).status, KW_OUT_OF_RANGE);
    assert_true(strtoll(ask("PTTL", TIMED), NULL, 10) > 0);
    /* A refusal otherwise leaves the key as it is. */
    long long before = strtoll(ask("PEXPIRETIME", TIMED), NULL, 10);
    test_clock_advance(&server, SECOND);
    assert_int_equal(add(counter, 1).status, KW_OUT_OF_RANGE);
    assert_int_equal(strtoll(ask("PEXPIRETIME", TIMED), NULL, 10), before);
    kw_counter_free(counter);
}

static void what_no_counter_wrote_is_left_alone(void **state) {
    (void)state;
    static const char *const totals[] = {"", "hello", "1.5", "99999999999999999999", "-", " 1", "9223372036854775808"};
    static const char *const timed[] = {"",
                                        "hello",
                                        "5",
                                        "1767225600000000",
                                        "1767225600000000x",
                                        "176722560000000x5",
                                        "0000000000000001"
                                        "5",
                                        "9999999999999999"
                                        "5",
                                        "1767225600000000-",
                                        "176722560000000099999999999999999999"};
    kw_counter *counters[] = {open_counter((kw_counter_options){0}),
                              open_counter((kw_counter_options){.bounds = KW_BOUNDS_MIN}),
                              open_counter((kw_counter_options){.ttl_us = MINUTE})};
    kw_count count;
    test_clock_set(&server, YEAR_2026 - MINUTE);
    for (int kind = 0; kind < 3; kind++) {
        kw_counter *counter = counters[kind];
        const char *key = kind == 2 ? TIMED : TOTAL;
        size_t many = kind == 2 ? sizeof timed / sizeof timed[0] : sizeof totals / sizeof totals[0];
        for (size_t i = 0; i < many; i++) {
            const char *text = kind == 2 ? timed[i] : totals[i];
            print_message("  \"%s\"\n", text);
            ask("SET", key, text);
            assert_int_equal(kw_counter_add(counter, "k", 1, 1, 0, &count, &error), KW_WRONG_TYPE);
            assert_int_equal(error.maybe_applied, 0);
            assert_int_equal(kw_counter_add(counter, "k", 1, -1, 0, &count, &error), KW_WRONG_TYPE);
            assert_int_equal(kw_counter_add_once(counter, "k", 1, "o", 1, 1, 0, &count, &error), KW_WRONG_TYPE);
            assert_int_equal(kw_counter_take(counter, "k", 1, 0, &count, &error), KW_WRONG_TYPE);
            assert_int_equal(kw_counter_take_once(counter, "k", 1, "o", 1, 0, &count, &error), KW_WRONG_TYPE);
            assert_int_equal(kw_counter_value(counter, "k", 1, 0, &count, &error), KW_WRONG_TYPE);
            assert_string_equal(ask("GET", key), text);
            assert_string_equal(ask("DBSIZE"), "1");
        }
        ask("DEL", key);
        ask("RPUSH", key, "1");
        assert_int_equal(kw_counter_add(counter, "k", 1, 1, 0, &count, &error), KW_WRONG_TYPE);
        assert_int_equal(kw_counter_take(counter, "k", 1, 0, &count, &error), KW_WRONG_TYPE);
        assert_int_equal(kw_counter_value(counter, "k", 1, 0, &count, &error), KW_WRONG_TYPE);
        no_failure(kw_counter_reset(counter, "k", 1, 0, &error));
        assert_int_equal(add(counter, 1).value, 1);
        ask("DEL", key);
        kw_counter_free(counter);
    }
}

static void names_of_any_bytes_have_counts_of_their_own(void **state) {
    (void)state;
    static const struct {
        const char *name, *key;
        size_t name_length, key_length;
        const char *in_server;
    } pairs[] = {{"a:b", "c", 3, 1, "kw:counter:{a%3Ab:c}:total"},
                 {"a", "b:c", 1, 3, "kw:counter:{a:b%3Ac}:total"},
                 {"{}%", "", 3, 0, "kw:counter:{%7B%7D%25:}:total"},
                 {"\0", "\xff", 1, 1, NULL}};
    for (int i = 0; i < 4; i++) {
        kw_counter *counter = NULL;
        kw_count count;
        no_failure(kw_counter_open(client, pairs[i].name, pairs[i].name_length, NULL, &counter, &error));
        no_failure(kw_counter_add(counter, pairs[i].key, pairs[i].key_length, 1, 0, &count, &error));
        assert_int_equal(count.value, 1);
        if (pairs[i].in_server != NULL) assert_string_equal(ask("GET", pairs[i].in_server), "1");
        kw_counter_free(counter);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        counter_test(a_count_begins_at_nothing),
        counter_test(nothing_wraps_at_64_bits),
        counter_test(a_bound_refuses_or_cuts),
        counter_test(one_stock_is_sold_once),
        counter_test(a_count_ends_after_its_time),
        counter_test(a_count_ends_with_its_period_of_the_calendar),
        counter_test(a_clock_that_stepped_back_locks_nobody_out),
        counter_test(what_no_counter_wrote_is_left_alone),
        counter_test(names_of_any_bytes_have_counts_of_their_own),
    };
    return test_run(open_server, close_server);
}
