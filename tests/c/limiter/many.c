/* Many hits in one write. */
#include "limiter/limiter_test.h"
#include "support/proxy.h"

enum { COUNT = 3000 };

static kw_limiter_hit_args items[COUNT];
static kw_decision decisions[COUNT];
static char keys[COUNT][16];

/* Hits of 1: a key for each item, or one key for all. */
static void fill(size_t count, bool same) {
    for (size_t i = 0; i < count; i++) {
        snprintf(keys[i], sizeof keys[i], "key%d", same ? 0 : (int)i);
        items[i] =
            (kw_limiter_hit_args){.size = sizeof items[0], .key = keys[i], .key_length = strlen(keys[i]), .cost = 1};
    }
    memset(decisions, 'x', sizeof decisions);
}

static void each_item_gets_its_own_answer(void **state) {
    (void)state;
    kw_limiter *limiter = gcra("1/s burst 10");
    fill(COUNT, false);
    for (int i = 0; i < COUNT; i++)
        items[i].cost = i % 12;
    assert_int_equal(kw_limiter_hit_many(limiter, items, COUNT, 0, decisions, &error), KW_OK);
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(decisions[i].status, i % 12 == 11 ? KW_DENIED : KW_OK);
        assert_int_equal(decisions[i].count, i % 12 == 11 ? 0 : i % 12);
        assert_int_equal(decisions[i].remaining, i % 12 == 11 ? 10 : 10 - i % 12);
    }
    kw_limiter_free(limiter);
}

static void one_key_among_many_is_admitted_up_to_its_limit(void **state) {
    (void)state;
    test_clock_freeze(&server);
    kw_limiter *limiters[] = {gcra("100/s"), gcra("7/s burst 100"), window("100/s")};
    for (int kind = 0; kind < 3; kind++) {
        clean(state);
        test_clock_freeze(&server);
        fill(COUNT, true);
        assert_int_equal(kw_limiter_hit_many(limiters[kind], items, COUNT, 0, decisions, &error), KW_OK);
        int yes = 0;
        for (int i = 0; i < COUNT; i++)
            yes += decisions[i].status == KW_OK;
        assert_int_equal(yes, 100);
        kw_limiter_free(limiters[kind]);
    }
}

static void a_failure_of_one_leaves_the_others_alone(void **state) {
    (void)state;
    kw_limiter *limiter = gcra("10/s");
    ask("SET", "kw:limiter:{api:key3}:tat:1000000", "foreign");
    fill(10, false);
    assert_int_equal(kw_limiter_hit_many(limiter, items, 10, 0, decisions, &error), KW_WRONG_TYPE);
    assert_int_equal(error.code, KW_WRONG_TYPE);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(decisions[i].status, i == 3 ? KW_WRONG_TYPE : KW_OK);
        assert_int_equal(decisions[i].remaining, i == 3 ? 0 : 9);
    }
    kw_limiter_free(limiter);
}

static void a_bad_item_is_refused_before_any_is_sent(void **state) {
    (void)state;
    kw_limiter *limiter = gcra("10/s");
    fill(10, false);
    items[7].cost = -1;
    assert_int_equal(kw_limiter_hit_many(limiter, items, 10, 0, decisions, &error), KW_INVALID);
    assert_int_equal(error.reason, KW_REASON_RANGE);
    assert_int_equal(error.position, 7);
    items[7].cost = 1;
    items[9].key_length = KW_MAX_KEY + 1;
    assert_int_equal(kw_limiter_hit_many(limiter, items, 10, 0, decisions, &error), KW_INVALID);
    assert_int_equal(error.reason, KW_REASON_KEY_LENGTH);
    assert_int_equal(error.position, 9);
    assert_string_equal(ask("DBSIZE"), "0");
    kw_limiter_free(limiter);
}

static void none_are_answered_at_once(void **state) {
    (void)state;
    kw_limiter *limiter = gcra("10/s");
    assert_int_equal(kw_limiter_hit_many(limiter, items, 0, 0, decisions, &error), KW_OK);
    kw_limiter_free(limiter);
}

/* A thousand items go at a time, and each exchange takes a second: the second is not answered in time, the third not
 * begun. */
static void the_deadline_stops_what_is_left(void **state) {
    (void)state;
    enum { WINDOW = 1024 };
    struct test_proxy proxy;
    kw_client *ours = client;
    kw_decision decision;
    test_proxy_start(&proxy, server.socket);
    no_failure(kw_client_open(proxy.url, NULL, &client, &error));
    kw_limiter *limiter = window("10/h");
    no_failure(kw_limiter_hit(limiter, "first", 5, 1, 0, &decision, &error)); /* the server knows the script */
    test_proxy_delay(&proxy, TEST_TO_CLIENT, SECOND);
    fill(COUNT, false);
    int64_t begun = test_now();
    assert_int_equal(kw_limiter_hit_many(limiter, items, COUNT, 3 * SECOND / 2, decisions, &error), KW_TIMEOUT);
    assert_in_range(test_now() - begun, 3 * SECOND / 2, 3 * SECOND);
    assert_int_equal(error.code, KW_TIMEOUT);
    assert_int_equal(error.maybe_applied, 1); /* the first that failed had been sent */
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(decisions[i].status, i < WINDOW ? KW_OK : KW_TIMEOUT);
    assert_int_equal(decisions[WINDOW - 1].remaining, 9);
    test_proxy_delay(&proxy, TEST_TO_CLIENT, 0);
    assert_int_equal(kw_limiter_hit_many(limiter, items, 1, 0, decisions, &error), KW_OK); /* the link goes on */
    assert_int_equal(decisions[0].remaining, 8);
    assert_int_equal(number(ask("DBSIZE")), 1 + 2 * WINDOW); /* what was not begun was not sent, and nothing twice */
    kw_limiter_free(limiter);
    kw_client_free(client);
    client = ours;
    test_proxy_stop(&proxy);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        limiter_test(each_item_gets_its_own_answer),
        limiter_test(one_key_among_many_is_admitted_up_to_its_limit),
        limiter_test(a_failure_of_one_leaves_the_others_alone),
        limiter_test(a_bad_item_is_refused_before_any_is_sent),
        limiter_test(none_are_answered_at_once),
        limiter_test(the_deadline_stops_what_is_left),
    };
    return test_run(open_server, close_server);
}
