/* Reservations: open, settled, lapsed. */
#include "quota/quota_test.h"

static void a_reservation_is_charged_until_it_is_settled(void **state) {
    (void)state;
    kw_quota *quota = monthly(100);
    kw_usage usage = reserve(quota, "a", 60, HOUR);
    assert_int_equal(usage.count, 60);
    assert_int_equal(usage.remaining, 40);
    assert_int_equal(consume(quota, 41).status, KW_DENIED);
    assert_int_equal(reserve(quota, "b", 41, HOUR).status, KW_DENIED);
    assert_int_equal(reserve(quota, "b", 101, HOUR).retry_after_us, KW_NEVER);
    usage = commit(quota, "a", 25);
    assert_int_equal(usage.count, 25);
    assert_int_equal(usage.used, 25);
    assert_int_equal(usage.remaining, 75);
    assert_int_equal(reserve(quota, "b", 75, HOUR).status, KW_OK);
    assert_int_equal(cancel(quota, "b").used, 25);
    every_key_ends();
    kw_quota_free(quota);
}

static void a_commit_beyond_what_was_reserved_is_charged_in_full(void **state) {
    (void)state;
    kw_quota *quota = monthly(100);
    reserve(quota, "a", 10, HOUR);
    kw_usage usage = commit(quota, "a", 150);
    assert_int_equal(usage.status, KW_OK);
    assert_int_equal(usage.used, 150);
    assert_int_equal(usage.remaining, 0);
    assert_int_equal(consume(quota, 1).status, KW_DENIED);
    refund(quota, 60, usage.resets_at_us);
    assert_int_equal(consume(quota, 10).remaining, 0);
    kw_quota_free(quota);
}

static void the_same_again_changes_nothing(void **state) {
    (void)state;
    kw_quota *quota = monthly(100);
    for (int i = 0; i < 3; i++) {
        kw_usage usage = reserve(quota, "a", 60, HOUR);
        assert_int_equal(usage.status, KW_OK);
        assert_int_equal(usage.used, 60);
    }
    assert_int_equal(reserve(quota, "a", 61, HOUR).status, KW_CONFLICT);
    assert_int_equal(reserve(quota, "a", 101, HOUR).status, KW_CONFLICT);
    for (int i = 0; i < 3; i++)
        assert_int_equal(commit(quota, "a", 50).used, 50);
    assert_int_equal(commit(quota, "a", 51).status, KW_CONFLICT);
    assert_int_equal(cancel(quota, "a").status, KW_CONFLICT);
    assert_int_equal(reserve(quota, "a", 60, HOUR).status, KW_GONE);
    reserve(quota, "b", 10, HOUR);
    for (int i = 0; i < 3; i++)
        assert_int_equal(cancel(quota, "b").used, 50);
    assert_int_equal(commit(quota, "b", 10).status, KW_CONFLICT);
    assert_int_equal(peek(quota, 1).used, 50);
    kw_quota_free(quota);
}

static void what_was_never_settled_returns_when_its_lease_ends(void **state) {
    (void)state;
    test_clock_require_exact(&server);
    test_clock_set(&server, YEAR_2026);
    kw_quota *quota = monthly(100);
    reserve(quota, "a", 60, 10 * SECOND);
    reserve(quota, "b", 40, 20 * SECOND);
    test_clock_set(&server, YEAR_2026 + 10 * SECOND - 1);
    assert_int_equal(consume(quota, 1).status, KW_DENIED);
    test_clock_set(&server, YEAR_2026 + 10 * SECOND);
    assert_int_equal(peek(quota, 1).remaining, 60);
    assert_int_equal(consume(quota, 1).remaining, 59);
    assert_int_equal(commit(quota, "a", 60).status, KW_NOT_FOUND);
    assert_int_equal(cancel(quota, "a").status, KW_NOT_FOUND);
    assert_int_equal(reserve(quota, "a", 59, 5 * SECOND).status, KW_OK);
    test_clock_set(&server, YEAR_2026 + 20 * SECOND);
    assert_int_equal(peek(quota, 1).used, 1);
    assert_int_equal(commit(quota, "b", 40).status, KW_NOT_FOUND);
    assert_string_equal(ask("EXISTS", MONTH_KEY ":leases", MONTH_KEY ":reservations"), "0");
    kw_quota_free(quota);
}

/* Which call comes first after the end of a lease makes no difference. */
static void a_lapse_is_the_same_whoever_finds_it(void **state) {
    (void)state;
    kw_quota *quota = monthly(100);
    for (int first = 0; first < 6; first++) {
        test_server_expect(&server, "OK", "FLUSHALL");
        test_clock_set(&server, YEAR_2026);
        kw_usage usage = consume(quota, 10);
        reserve(quota, "a", 60, SECOND);
        reserve(quota, "b", 20, HOUR);
        test_clock_advance(&server, SECOND);
        if (first == 0) assert_int_equal(commit(quota, "a", 70).status, KW_NOT_FOUND);
        if (first == 1) assert_int_equal(cancel(quota, "a").status, KW_NOT_FOUND);
        if (first == 2) assert_int_equal(reserve(quota, "c", 71, SECOND).status, KW_DENIED);
        if (first == 3) assert_int_equal(consume(quota, 71).status, KW_DENIED);
        if (first == 4) refund(quota, 1, usage.resets_at_us), consume(quota, 1);
        assert_int_equal(peek(quota, 0).used, 30);
        assert_int_equal(consume(quota, 70).remaining, 0);
        assert_int_equal(commit(quota, "b", 20).used, 100);
    }
    kw_quota_free(quota);
}

static void the_shortest_lease_is_waited_for(void **state) {
    (void)state;
    kw_quota *quota = monthly(100);
    test_clock_set(&server, YEAR_2026);
    reserve(quota, "a", 60, HOUR);
    reserve(quota, "b", 40, SECOND);
    test_clock_advance(&server, SECOND);
    assert_int_equal(consume(quota, 40).status, KW_OK);
    kw_quota_free(quota);
}

static void what_was_refunded_does_not_return_twice(void **state) {
    (void)state;
    kw_quota *quota = monthly(100);
    kw_usage usage = reserve(quota, "a", 10, HOUR);
    refund(quota, 8, usage.resets_at_us);
    assert_int_equal(commit(quota, "a", 3).used, 3);
    kw_quota_free(quota);
}

static void a_lapse_of_an_old_period_returns_nothing(void **state) {
    (void)state;
    kw_quota *quota = monthly(100);
    test_clock_set(&server, date(2026, 2, 1) - SECOND);
    reserve(quota, "a", 60, MINUTE);
    test_clock_set(&server, date(2026, 2, 1));
    consume(quota, 50);
    reserve(quota, "b", 30, HOUR);
    test_clock_advance(&server, MINUTE);
    assert_int_equal(peek(quota, 0).used, 80);
    assert_int_equal(consume(quota, 1).used, 81);
    kw_quota_free(quota);
}

static void a_reservation_belongs_to_its_period(void **state) {
    (void)state;
    kw_quota *quota = monthly(100);
    test_clock_set(&server, date(2026, 2, 1) - 10 * SECOND);
    reserve(quota, "a", 60, HOUR);
    reserve(quota, "b", 40, HOUR);
    test_clock_set(&server, date(2026, 2, 1) + SECOND);
    assert_int_equal(consume(quota, 5).remaining, 95);
    kw_usage usage = commit(quota, "a", 70);
    assert_int_equal(usage.status, KW_OK);
    assert_int_equal(usage.count, 0);
    assert_int_equal(usage.used, 5);
    assert_int_equal(cancel(quota, "b").used, 5);
    reserve(quota, "c", 90, SECOND);
    test_clock_advance(&server, 2 * SECOND);
    assert_int_equal(consume(quota, 95).remaining, 0);
    kw_quota_free(quota);
}

/* A settled one keeps the hash of reservations beyond the period's end: one that lapsed is not open again. */
static void a_lapsed_one_is_none_though_another_is_remembered(void **state) {
    (void)state;
    kw_quota *quota = monthly(100);
    for (int turn = 0; turn < 4; turn++) {
        test_server_expect(&server, "OK", "FLUSHALL");
        test_clock_set(&server, date(2026, 2, 1) - MINUTE);
        if (turn % 2 == 0) reserve(quota, "a", 60, SECOND);
        reserve(quota, "b", 1, HOUR);
        commit(quota, "b", 1);
        if (turn % 2 == 1) reserve(quota, "a", 60, SECOND);
        test_clock_set(&server, date(2026, 2, 1) + SECOND);
        if (turn < 2) assert_int_equal(commit(quota, "a", 60).status, KW_NOT_FOUND);
        assert_int_equal(reserve(quota, "a", 60, HOUR).used, 60);
        assert_int_equal(commit(quota, "b", 1).status, KW_OK);
        every_key_ends();
    }
    kw_quota_free(quota);
}

static void settled_ones_are_remembered_for_ten_minutes(void **state) {
    (void)state;
    test_clock_set(&server, YEAR_2026);
    kw_quota *quota = monthly(100);
    reserve(quota, "a", 60, HOUR);
    commit(quota, "a", 1);
    test_clock_set(&server, YEAR_2026 + 10 * MINUTE - 1000);
    assert_int_equal(commit(quota, "a", 1).status, KW_OK);
    test_clock_set(&server, YEAR_2026 + 10 * MINUTE + 10000);
    assert_int_equal(commit(quota, "a", 1).status, KW_NOT_FOUND);
    assert_int_equal(peek(quota, 0).used, 1);
    kw_quota_free(quota);
}

static void memory_of_a_key_is_bounded(void **state) {
    (void)state;
    kw_quota *quota = monthly(1000000);
    char id[16];
    for (int i = 0; i < 1000; i++) {
        snprintf(id, sizeof id, "%d", i);
        assert_int_equal(reserve(quota, id, 1, HOUR).status, KW_OK);
    }
    assert_int_equal(reserve(quota, "more", 1, HOUR).status, KW_EXHAUSTED);
    assert_int_equal(reserve(quota, "999", 1, HOUR).status, KW_OK); /* it is there */
    for (int i = 0; i < 1500; i++) {
        snprintf(id, sizeof id, "%d", i);
        if (i >= 1000) reserve(quota, id, 1, HOUR);
        assert_int_equal(commit(quota, id, 2).status, KW_OK);
    }
    assert_string_equal(ask("ZCARD", MONTH_KEY ":settled"), "1000");
    assert_string_equal(ask("HLEN", MONTH_KEY ":reservations"), "1000");
    assert_int_equal(peek(quota, 0).used, 3000);
    every_key_ends();
    kw_quota_free(quota);
}

static void ids_of_any_bytes(void **state) {
    (void)state;
    kw_quota *quota = monthly(100);
    kw_usage usage;
    char id[255];
    for (int i = 0; i < 255; i++)
        id[i] = (char)i;
    assert_int_equal(kw_quota_reserve(quota, "u", 1, 60, id, 255, HOUR, 0, &usage, &error), KW_OK);
    assert_int_equal(kw_quota_commit(quota, "u", 1, id, 255, 7, 0, &usage, &error), KW_OK);
    assert_int_equal(usage.used, 7);
    kw_quota_free(quota);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        clean_test(a_reservation_is_charged_until_it_is_settled),
        clean_test(a_commit_beyond_what_was_reserved_is_charged_in_full),
        clean_test(the_same_again_changes_nothing),
        clean_test(what_was_never_settled_returns_when_its_lease_ends),
        clean_test(a_lapse_is_the_same_whoever_finds_it),
        clean_test(the_shortest_lease_is_waited_for),
        clean_test(what_was_refunded_does_not_return_twice),
        clean_test(a_lapse_of_an_old_period_returns_nothing),
        clean_test(a_reservation_belongs_to_its_period),
        clean_test(a_lapsed_one_is_none_though_another_is_remembered),
        clean_test(settled_ones_are_remembered_for_ten_minutes),
        clean_test(memory_of_a_key_is_bounded),
        clean_test(ids_of_any_bytes),
    };
    return test_run(open_server, close_server);
}
