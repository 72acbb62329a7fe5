/* Counts of a window of time, and counts spread over shards. */
#include "counter/counter_test.h"

#define WINDOW "kw:counter:{hits:k}:window:5000000x60"

static void what_is_older_than_the_window_is_not_counted(void **state) {
    (void)state;
    test_clock_set(&server, YEAR_2026);
    kw_counter *counter = open_counter((kw_counter_options){.window_us = 5 * MINUTE});
    kw_count count = add(counter, 3);
    counted(count, KW_OK, 3, 3);
    assert_int_equal(count.expires_after_us, 5 * MINUTE);
    assert_string_equal(ask("HGETALL", WINDOW), "at\n353445120\npos\n0\nsum\n3\n0\n3");
    assert_string_equal(ask("PEXPIRETIME", WINDOW), "1767225900002");
    test_clock_advance(&server, 4 * MINUTE);
    counted(add(counter, -1), KW_OK, 2, -1);
    test_clock_advance(&server, MINUTE - 1);
    counted(value(counter), KW_OK, 2, 0);
    test_clock_advance(&server, 1);
    counted(value(counter), KW_OK, -1, 0); /* the first bucket has left */
    counted(add(counter, 0), KW_OK, -1, 0);
    counted(add(counter, 5), KW_OK, 4, 5);
    test_clock_advance(&server, HOUR);
    counted(value(counter), KW_OK, 0, 0);
    counted(add(counter, 1), KW_OK, 1, 1);
    no_failure(kw_counter_reset(counter, "k", 1, 0, &error));
    assert_string_equal(ask("DBSIZE"), "0");
    kw_counter_free(counter);
}

static void the_memory_of_a_window_is_fixed(void **state) {
    (void)state;
    test_clock_set(&server, YEAR_2026);
    kw_counter *counter = open_counter((kw_counter_options){.window_us = 120 * SECOND, .buckets = 120});
    for (int i = 0; i < 1000; i++) {
        add(counter, 1000);
        test_clock_advance(&server, SECOND);
    }
    static const char key[] = "kw:counter:{hits:k}:window:1000000x120";
    assert_string_equal(ask("HLEN", key), "123");
    assert_in_range(strtoll(ask("MEMORY", "USAGE", key), NULL, 10), 100, 2400);
    assert_int_equal(value(counter).value, 119000); /* the running bucket is empty */
    kw_counter_free(counter);
}

static void a_window_outlives_a_clock_that_steps_back(void **state) {
    (void)state;
    test_clock_set(&server, YEAR_2026);
    kw_counter *counter = open_counter((kw_counter_options){.window_us = MINUTE});
    add(counter, 7);
    test_clock_advance(&server, -DAY);
    counted(add(counter, 1), KW_OK, 8, 1);
    test_clock_advance(&server, MINUTE); /* all of it ages again */
    counted(value(counter), KW_OK, 0, 0);
    kw_counter_free(counter);
}

static void a_window_never_counts_what_it_cannot(void **state) {
    (void)state;
    enum { HIGH = 53 };
    int64_t most = (INT64_C(1) << HIGH) - 1;
    kw_counter *counter = open_counter((kw_counter_options){.window_us = HOUR});
    kw_count count;
    assert_int_equal(kw_counter_add(counter, "k", 1, most + 1, 0, &count, &error), KW_INVALID);
    assert_int_equal(error.reason, KW_REASON_RANGE);
    assert_int_equal(kw_counter_add_once(counter, "k", 1, "a", 1, -most - 1, 0, &count, &error), KW_INVALID);
    counted(add(counter, most), KW_OK, most, most);
    counted(add(counter, 1), KW_OUT_OF_RANGE, most, 0);
    counted(add_once(counter, 1, "a"), KW_OUT_OF_RANGE, most, 0);
    counted(add_once(counter, -1, "a"), KW_OK, most - 1, -1);
    assert_int_equal(add_once(counter, -1, "a").duplicate, 1);
    ask("FLUSHALL");
    ask("HSET", "kw:counter:{hits:k}:window:60000000x60", "a", "1");
    assert_int_equal(kw_counter_add(counter, "k", 1, 1, 0, &count, &error), KW_WRONG_TYPE);
    assert_int_equal(kw_counter_value(counter, "k", 1, 0, &count, &error), KW_WRONG_TYPE);
    kw_counter_free(counter);
}

static void shards_are_a_sum(void **state) {
    (void)state;
    kw_counter *counter = open_counter((kw_counter_options){.shards = 8});
    for (int i = 0; i < 100; i++)
        assert_int_equal(add(counter, 2).applied, 2);
    kw_count count = value(counter);
    counted(count, KW_OK, 200, 0);
    assert_true(count.expires_after_us == KW_NEVER);
    assert_string_equal(ask("DBSIZE"), "8");
    for (int i = 0; i < 8; i++) {
        char key[64];
        snprintf(key, sizeof key, "kw:counter:{hits:k:%d}:shard:8", i);
        assert_in_range(strtoll(ask("GET", key), NULL, 10), 24, 26); /* each add goes one further */
    }
    counted(add(counter, 0), KW_OK, 200, 0);
    for (int i = 0; i < 16; i++) { /* an id finds its shard again, whatever came between */
        char id[8];
        snprintf(id, sizeof id, "%d", i);
        assert_int_equal(add_once(counter, 1, id).duplicate, 0);
        add(counter, 1);
        assert_int_equal(add_once(counter, 1, id).duplicate, 1);
    }
    assert_int_equal(value(counter).value, 232);
    no_failure(kw_counter_reset(counter, "k", 1, 0, &error));
    assert_int_equal(value(counter).value, 0);
    kw_counter_free(counter);
}

static void shards_beyond_64_bits_are_said(void **state) {
    (void)state;
    kw_counter *counter = open_counter((kw_counter_options){.shards = 2});
    kw_count count;
    add(counter, INT64_MAX);
    add(counter, INT64_MAX);
    assert_int_equal(add(counter, 1).status, KW_OUT_OF_RANGE);
    assert_int_equal(kw_counter_value(counter, "k", 1, 0, &count, &error), KW_SERVER);
    assert_int_equal(error.reason, KW_REASON_OVERFLOW);
    ask("FLUSHALL");
    ask("SET", "kw:counter:{hits:k:1}:shard:2", "x");
    assert_int_equal(kw_counter_value(counter, "k", 1, 0, &count, &error), KW_WRONG_TYPE);
    kw_counter_free(counter);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        counter_test(what_is_older_than_the_window_is_not_counted),
        counter_test(the_memory_of_a_window_is_fixed),
        counter_test(a_window_outlives_a_clock_that_steps_back),
        counter_test(a_window_never_counts_what_it_cannot),
        counter_test(shards_are_a_sum),
        counter_test(shards_beyond_64_bits_are_said),
    };
    return test_run(open_server, close_server);
}
