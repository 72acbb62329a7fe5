/* Consuming, looking, giving back, forgetting. */
#include "quota/quota_test.h"

static void all_of_the_cost_or_nothing(void **state) {
    (void)state;
    test_clock_set(&server, YEAR_2026);
    kw_quota *quota = monthly(10);
    kw_usage usage = consume(quota, 7);
    assert_int_equal(usage.count, 7);
    assert_int_equal(usage.used, 7);
    assert_int_equal(usage.remaining, 3);
    assert_int_equal(usage.limit, 10);
    assert_int_equal(usage.period, KW_PERIOD_MONTH);
    assert_int_equal(usage.retry_after_us, 0);
    usage = consume(quota, 4);
    assert_int_equal(usage.status, KW_DENIED);
    assert_int_equal(usage.count, 0);
    assert_int_equal(usage.remaining, 3);
    assert_int_equal(usage.retry_after_us, usage.reset_after_us);
    assert_int_equal(consume(quota, 3).remaining, 0);
    assert_string_equal(ask("GET", MONTH_KEY), "176990400000000010");
    kw_quota_free(quota);
}

static void a_denial_leaves_the_key_as_it_is(void **state) {
    (void)state;
    test_clock_set(&server, YEAR_2026);
    kw_quota *quota = monthly(10);
    consume(quota, 8);
    char before[128], after[128];
    picture(MONTH_KEY, before);
    assert_int_equal(consume(quota, 3).status, KW_DENIED);
    assert_int_equal(peek(quota, 3).status, KW_DENIED);
    assert_int_equal(consume(quota, 11).retry_after_us, KW_NEVER);
    picture(MONTH_KEY, after);
    assert_string_equal(before, after);
    kw_quota_free(quota);
}

static void looking_charges_nothing(void **state) {
    (void)state;
    kw_quota *quota = monthly(10);
    assert_int_equal(peek(quota, 10).status, KW_OK);
    assert_int_equal(consume(quota, 0).status, KW_OK);
    assert_int_equal(consume(quota, 11).status, KW_DENIED);
    assert_string_equal(ask("DBSIZE"), "0");
    consume(quota, 10);
    assert_int_equal(consume(quota, 0).status, KW_OK);
    assert_int_equal(peek(quota, 0).remaining, 0);
    kw_quota_free(quota);
}

static void the_largest_limit_is_counted_exactly(void **state) {
    (void)state;
    const int64_t most = (INT64_C(1) << 52) - 1;
    kw_quota *quota = monthly(most);
    assert_int_equal(consume(quota, most - 1).remaining, 1);
    assert_int_equal(consume(quota, 2).status, KW_DENIED);
    assert_int_equal(consume(quota, 1).remaining, 0);
    kw_quota_free(quota);
}

static void a_changed_limit_goes_on_from_the_count(void **state) {
    (void)state;
    kw_quota *small = monthly(10), *large = monthly(20);
    consume(small, 10);
    assert_int_equal(consume(large, 5).remaining, 5);
    assert_int_equal(consume(small, 1).status, KW_DENIED);
    assert_int_equal(peek(small, 1).used, 15);
    kw_quota_free(small);
    kw_quota_free(large);
}

static void a_refund_goes_to_its_own_period(void **state) {
    (void)state;
    test_clock_set(&server, YEAR_2026);
    kw_quota *quota = monthly(10);
    kw_usage usage = consume(quota, 10);
    refund(quota, 4, usage.resets_at_us);
    assert_int_equal(peek(quota, 1).remaining, 4);
    refund(quota, 100, usage.resets_at_us); /* never below nothing */
    assert_int_equal(peek(quota, 1).used, 0);
    consume(quota, 10);
    test_clock_set(&server, date(2026, 2, 1));
    consume(quota, 10);
    refund(quota, 10, usage.resets_at_us);
    assert_int_equal(peek(quota, 1).remaining, 0);
    test_clock_set(&server, date(2026, 3, 1));
    refund(quota, 10, usage.resets_at_us);
    assert_int_equal(consume(quota, 10).status, KW_OK);
    every_key_ends();
    kw_quota_free(quota);
}

static void a_reset_key_has_used_nothing(void **state) {
    (void)state;
    kw_quota *quota = monthly(10);
    reserve(quota, "a", 6, HOUR);
    reserve(quota, "b", 4, HOUR);
    commit(quota, "a", 6);
    no_failure(kw_quota_reset(quota, "u", 1, 0, &error));
    assert_string_equal(ask("DBSIZE"), "0");
    assert_int_equal(consume(quota, 10).status, KW_OK);
    kw_quota_free(quota);
}

static void many_are_charged_in_one_write(void **state) {
    (void)state;
    kw_quota *quota = monthly(10);
    kw_quota_consume_args items[3];
    kw_usage usages[3];
    for (int i = 0; i < 3; i++)
        items[i] = (kw_quota_consume_args){.size = sizeof items[i], .key = "u", .key_length = 1, .cost = 4};
    no_failure(kw_quota_consume_many(quota, items, 3, 0, usages, &error));
    assert_int_equal(usages[0].remaining, 6);
    assert_int_equal(usages[1].remaining, 2);
    assert_int_equal(usages[2].status, KW_DENIED);
    kw_quota_free(quota);
}

static void keys_of_any_bytes(void **state) {
    (void)state;
    kw_quota *quota = NULL;
    kw_usage usage;
    no_failure(kw_quota_open(client, "a:{b}", 5, 5, NULL, &quota, &error));
    no_failure(kw_quota_consume(quota, "\0%", 2, 1, 0, &usage, &error));
    assert_string_equal(ask("EVAL", "return #redis.call('KEYS', 'kw:quota:{a%3A%7Bb%7D:*%25}:day')", "0"), "1");
    kw_quota_free(quota);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        clean_test(all_of_the_cost_or_nothing),
        clean_test(a_denial_leaves_the_key_as_it_is),
        clean_test(looking_charges_nothing),
        clean_test(the_largest_limit_is_counted_exactly),
        clean_test(a_changed_limit_goes_on_from_the_count),
        clean_test(a_refund_goes_to_its_own_period),
        clean_test(a_reset_key_has_used_nothing),
        clean_test(many_are_charged_in_one_write),
        clean_test(keys_of_any_bytes),
    };
    return test_run(open_server, close_server);
}
