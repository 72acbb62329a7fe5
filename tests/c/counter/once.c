/* Adds and takes with an operation id: done once, the first reply told again, memory bounded, lost replies asked for.
 */
#include "counter/counter_test.h"
#include "support/proxy.h"

#define IDS "kw:counter:{hits:k}:total:once"

static void an_id_adds_once(void **state) {
    (void)state;
    kw_counter *counter = open_counter((kw_counter_options){0});
    counted(add_once(counter, 5, "payment:77"), KW_OK, 5, 5);
    counted(add(counter, 10), KW_OK, 15, 10);
    kw_count again = add_once(counter, 5, "payment:77");
    counted(again, KW_OK, 5, 5); /* as it was told the first time */
    assert_int_equal(again.duplicate, 1);
    assert_int_equal(value(counter).value, 15);
    counted(add_once(counter, 5, "payment:78"), KW_OK, 20, 5);
    assert_true(strtoll(ask("PTTL", IDS), NULL, 10) > 86390000);

    /* A reset forgets the count and not the ids: what comes late a second time is still not counted. */
    no_failure(kw_counter_reset(counter, "k", 1, 0, &error));
    assert_int_equal(add_once(counter, 5, "payment:77").duplicate, 1);
    assert_int_equal(value(counter).value, 0);
    kw_counter_free(counter);
}

static void a_refused_add_may_be_asked_again(void **state) {
    (void)state;
    kw_counter *counter = open_counter((kw_counter_options){.bounds = KW_BOUNDS_MAX, .max = 10});
    add(counter, 8);
    counted(add_once(counter, 5, "a"), KW_OUT_OF_RANGE, 8, 0);
    assert_string_equal(ask("EXISTS", IDS), "0");
    add(counter, -8);
    counted(add_once(counter, 5, "a"), KW_OK, 5, 5);
    kw_counter_free(counter);
}

static void a_saturated_add_tells_what_was_applied_again(void **state) {
    (void)state;
    kw_counter *counter = open_counter(
        (kw_counter_options){.bounds = KW_BOUNDS_MAX, .max = 10, .on_bound = KW_ON_BOUND_SATURATE, .ttl_us = HOUR});
    add(counter, 8);
    counted(add_once(counter, 5, "a"), KW_OK, 10, 2);
    add(counter, -10);
    counted(add_once(counter, 5, "a"), KW_OK, 10, 2);
    assert_int_equal(value(counter).value, 0);
    kw_counter_free(counter);
}

static void a_take_is_told_again(void **state) {
    (void)state;
    kw_counter *counter = open_counter((kw_counter_options){0});
    add_once(counter, 5, "x");
    counted(take_once(counter, "x"), KW_OK, 5, 0); /* ids of adds and of takes are not mixed up */
    add(counter, 3);
    kw_count again = take_once(counter, "x");
    counted(again, KW_OK, 5, 0);
    assert_int_equal(again.duplicate, 1);
    counted(value(counter), KW_OK, 3, 0);
    counted(take(counter), KW_OK, 3, 0);
    counted(take(counter), KW_OK, 0, 0);
    counted(take_once(counter, "empty"), KW_OK, 0, 0);
    add(counter, 9);
    counted(take_once(counter, "empty"), KW_OK, 0, 0); /* nothing was taken then, and nothing is now */
    kw_counter_free(counter);
}

static void an_id_is_remembered_for_its_time_and_at_most_twice_that(void **state) {
    (void)state;
    kw_counter *counter = open_counter((kw_counter_options){.remember_us = MINUTE});
    for (int64_t begin = 0; begin < MINUTE; begin += 7 * SECOND) {
        clean(state);
        test_clock_set(&server, YEAR_2026);
        add_once(counter, 1, "first"); /* begins the hash */
        test_clock_advance(&server, begin);
        add_once(counter, 1, "a");
        for (int64_t passed = 0; passed < MINUTE; passed += 5 * SECOND) {
            assert_int_equal(add_once(counter, 1, "a").duplicate, 1);
            char id[16];
            snprintf(id, sizeof id, "b%d", (int)(passed / SECOND));
            add_once(counter, 1, id); /* the hashes turn as others come */
            test_clock_advance(&server, 5 * SECOND);
        }
        test_clock_advance(&server, MINUTE + 1);
        add_once(counter, 1, "c");
        assert_int_equal(add_once(counter, 1, "a").duplicate, 0);
    }
    kw_counter_free(counter);
}

static void more_ids_than_there_is_room_for_are_refused(void **state) {
    (void)state;
    test_clock_set(&server, YEAR_2026);
    kw_counter *counter = open_counter((kw_counter_options){.remember_us = MINUTE, .remember_max = 100});
    char id[16];
    for (int i = 0; i < 150; i++) {
        snprintf(id, sizeof id, "%d", i);
        assert_int_equal(add_once(counter, 1, id).status, i < 100 ? KW_OK : KW_EXHAUSTED);
    }
    counted(take_once(counter, "t"), KW_EXHAUSTED, 100, 0);
    counted(value(counter), KW_OK, 100, 0);
    assert_int_equal(add_once(counter, 1, "99").duplicate, 1); /* those that are known still are */
    assert_string_equal(ask("HLEN", IDS), "101");
    test_clock_advance(&server, MINUTE);
    counted(add_once(counter, 1, "100"), KW_OK, 101, 1);
    assert_int_equal(add_once(counter, 1, "99").duplicate, 1);
    assert_string_equal(ask("HLEN", IDS), "2");
    assert_string_equal(ask("HLEN", IDS ":older"), "101");
    kw_counter_free(counter);
}

static void a_clock_that_stepped_back_forgets_no_id(void **state) {
    (void)state;
    test_clock_set(&server, YEAR_2026);
    kw_counter *counter = open_counter((kw_counter_options){.remember_us = MINUTE});
    add_once(counter, 1, "a");
    test_clock_advance(&server, -DAY);
    assert_int_equal(add_once(counter, 1, "a").duplicate, 1);
    add_once(counter, 1, "b");
    test_clock_advance(&server, 59 * SECOND);
    assert_int_equal(add_once(counter, 1, "a").duplicate, 1);
    assert_int_equal(add_once(counter, 1, "b").duplicate, 1);
    assert_true(strtoll(ask("PTTL", IDS), NULL, 10) > 0);
    kw_counter_free(counter);
}

static void ids_that_no_counter_wrote_are_left_alone(void **state) {
    (void)state;
    kw_count count;
    kw_counter *counter = open_counter((kw_counter_options){0});
    static const char *const keys[] = {IDS, IDS ":older"};
    for (int i = 0; i < 2; i++) {
        ask("SET", keys[i], "1");
        assert_int_equal(kw_counter_add_once(counter, "k", 1, "o", 1, 1, 0, &count, &error), KW_WRONG_TYPE);
        assert_int_equal(kw_counter_take_once(counter, "k", 1, "o", 1, 0, &count, &error), KW_WRONG_TYPE);
        assert_string_equal(ask("DBSIZE"), "1"); /* nothing was counted either */
        ask("DEL", keys[i]);
    }
    kw_counter_free(counter);
}

/* The link is cut at every byte of the reply: the call is answered all the same, and everything is counted once. */
static void a_lost_reply_is_found_again(void **state) {
    (void)state;
    struct test_proxy proxy;
    kw_client *behind = NULL;
    test_proxy_start(&proxy, server.socket);
    assert_int_equal(kw_client_open(proxy.url, NULL, &behind, &error), KW_OK);
    kw_counter *counters[2] = {0};
    kw_counter_options window = {.size = sizeof window, .window_us = HOUR};
    no_failure(kw_counter_open(behind, "hits", 4, NULL, &counters[0], &error));
    no_failure(kw_counter_open(behind, "hits", 4, &window, &counters[1], &error));
    kw_counter *watcher = open_counter((kw_counter_options){0});
    int64_t expected[2] = {0, 0}, taken = 0;
    int duplicates = 0;
    kw_count count;
    for (int bytes = 0; bytes < 60; bytes += 3) {
        for (int kind = 0; kind < 2; kind++) {
            char id[16];
            snprintf(id, sizeof id, "%d", bytes);
            no_failure(kw_client_ping(behind, 0, &error));
            test_proxy_cut_after(&proxy, bytes);
            no_failure(kw_counter_add_once(counters[kind], "k", 1, id, strlen(id), 1, 0, &count, &error));
            assert_int_equal(count.applied, 1);
            assert_int_equal(count.value, ++expected[kind]);
            duplicates += count.duplicate;
        }
        if (bytes % 12 != 0) continue;
        no_failure(kw_client_ping(behind, 0, &error));
        test_proxy_cut_after(&proxy, bytes);
        no_failure(kw_counter_take_once(counters[0], "k", 1, &bytes, sizeof bytes, 0, &count, &error));
        assert_int_equal(count.value, expected[0]);
        taken += count.value;
        expected[0] = 0;
    }
    assert_true(duplicates > 10);
    assert_int_equal(taken + value(watcher).value, 20);
    assert_int_equal(kw_counter_value(counters[1], "k", 1, 0, &count, &error), KW_OK);
    assert_int_equal(count.value, 20);

    /* Without an id it is not known, and is said so. */
    no_failure(kw_client_ping(behind, 0, &error));
    test_proxy_cut_after(&proxy, 0);
    assert_int_equal(kw_counter_add(counters[0], "k", 1, 1, 0, &count, &error), KW_UNKNOWN);
    assert_int_equal(error.maybe_applied, 1);
    kw_counter_free(counters[0]);
    kw_counter_free(counters[1]);
    kw_counter_free(watcher);
    kw_client_free(behind);
    test_proxy_stop(&proxy);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        counter_test(an_id_adds_once),
        counter_test(a_refused_add_may_be_asked_again),
        counter_test(a_saturated_add_tells_what_was_applied_again),
        counter_test(a_take_is_told_again),
        counter_test(an_id_is_remembered_for_its_time_and_at_most_twice_that),
        counter_test(more_ids_than_there_is_room_for_are_refused),
        counter_test(a_clock_that_stepped_back_forgets_no_id),
        counter_test(ids_that_no_counter_wrote_are_left_alone),
        counter_test(a_lost_reply_is_found_again),
    };
    return test_run(open_server, close_server);
}
