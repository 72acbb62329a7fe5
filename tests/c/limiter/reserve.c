/* Reservations: open, settled, lapsed. */
#include "limiter/reserve_test.h"

static void begin_anew(void) {
    test_server_expect(&server, "OK", "FLUSHALL");
    test_clock_set(&server, YEAR_2026);
}

static void what_was_not_used_is_given_back(void **state) {
    (void)state;
    EACH_ALGORITHM(i) {
        begin_anew();
        kw_limiter *limiter = reserving(algorithms[i], "100/h");
        kw_decision decision = reserve(limiter, "a", 60, MINUTE);
        assert_int_equal(decision.status, KW_OK);
        assert_int_equal(decision.count, 60);
        assert_int_equal(decision.remaining, 40);
        assert_int_equal(hit(limiter, 41).status, KW_DENIED);
        decision = commit(limiter, "a", 25);
        assert_int_equal(decision.count, 25);
        assert_int_equal(decision.remaining, 75);
        assert_int_equal(hit(limiter, 76).status, KW_DENIED);
        assert_int_equal(hit(limiter, 75).status, KW_OK);
        every_key_ends();
        kw_limiter_free(limiter);
    }
}

static void a_cancel_gives_all_back(void **state) {
    (void)state;
    EACH_ALGORITHM(i) {
        begin_anew();
        kw_limiter *limiter = reserving(algorithms[i], "100/h; 3000/d as day; 70 concurrent");
        hit(limiter, 10);
        kw_decision decision = reserve(limiter, "a", 60, MINUTE);
        assert_int_equal(decision.remaining, 0);
        assert_int_equal(decision.binding, 2);
        decision = cancel(limiter, "a");
        assert_int_equal(decision.count, 0);
        assert_int_equal(decision.remaining, 60);
        assert_int_equal(reserve(limiter, "b", 60, MINUTE).status, KW_OK);
        every_key_ends();
        kw_limiter_free(limiter);
    }
}

static void what_was_used_beyond_is_charged(void **state) {
    (void)state;
    EACH_ALGORITHM(i) {
        begin_anew();
        kw_limiter *limiter = reserving(algorithms[i], "100/h");
        reserve(limiter, "a", 60, MINUTE);
        kw_decision decision = commit(limiter, "a", 90);
        assert_int_equal(decision.remaining, 10);
        reserve(limiter, "b", 10, MINUTE);
        decision = commit(limiter, "b", 60);
        assert_int_equal(decision.status, KW_OK);
        assert_int_equal(decision.count, 60);
        assert_int_equal(decision.remaining, 0);
        test_clock_advance(&server, MINUTE);
        assert_int_equal(hit(limiter, 1).status, KW_DENIED);
        kw_limiter_free(limiter);
    }
    begin_anew();
    kw_limiter *limiter = reserving(KW_ALGORITHM_GCRA, "100/h");
    reserve(limiter, "a", 100, MINUTE);
    commit(limiter, "a", 150); /* half an hour of debt beyond the burst */
    test_clock_advance(&server, 30 * MINUTE);
    assert_int_equal(hit(limiter, 1).status, KW_DENIED);
    test_clock_advance(&server, 36 * SECOND);
    assert_int_equal(hit(limiter, 1).status, KW_OK);
    test_clock_advance(&server, MINUTE);
    reserve(limiter, "b", 1, MINUTE);
    commit(limiter, "b", INT64_C(1) << 51);
    assert_int_equal(peek(limiter, 1).retry_after_us, DAY + 36 * SECOND);
    kw_limiter_free(limiter);
}

static void permits_are_given_back_by_settling(void **state) {
    (void)state;
    begin_anew();
    kw_limiter *limiter = reserving(KW_ALGORITHM_GCRA, "100/h; 5 concurrent");
    kw_decision decision = reserve(limiter, "a", 4, MINUTE);
    assert_int_not_equal(decision.lease, 0);
    assert_int_equal(hit(limiter, 2).denied_by, 1);
    assert_int_equal(kw_limiter_renew(limiter, "u", 1, &decision, 0, &error), KW_OK);
    commit(limiter, "a", 30);
    decision = peek(limiter, 1);
    assert_int_equal(decision.remaining, 5);
    assert_int_equal(hit(limiter, 5).status, KW_OK);
    /* Held for as long as the reservation is, though the limiter's own lease is a minute. */
    test_clock_advance(&server, MINUTE);
    reserve(limiter, "b", 5, 10 * MINUTE);
    test_clock_advance(&server, 10 * MINUTE - 1);
    assert_int_equal(hit(limiter, 1).denied_by, 1);
    test_clock_advance(&server, 1);
    assert_int_equal(hit(limiter, 1).status, KW_OK);
    kw_limiter_free(limiter);
}

static bool same(kw_decision a, kw_decision b) {
    return memcmp(&a, &b, sizeof a) == 0;
}

static void the_same_again_is_answered_the_same(void **state) {
    (void)state;
    EACH_ALGORITHM(i) {
        begin_anew();
        kw_limiter *limiter = reserving(algorithms[i], "100/h; 1 per 2 s shadow");
        kw_decision first = reserve(limiter, "a", 60, MINUTE);
        test_clock_advance(&server, SECOND);
        hit(limiter, 5);
        for (int again = 0; again < 3; again++)
            assert_true(same(reserve(limiter, "a", 60, MINUTE), first));
        assert_int_equal(reserve(limiter, "a", 61, MINUTE).status, KW_CONFLICT);
        assert_int_equal(reserve(limiter, "a", 101, MINUTE).status, KW_CONFLICT);
        int64_t left = room(limiter);
        assert_in_range(left, 35, 36);
        first = commit(limiter, "a", 50);
        test_clock_advance(&server, SECOND);
        hit(limiter, 5);
        left = room(limiter);
        for (int again = 0; again < 3; again++)
            assert_true(same(commit(limiter, "a", 50), first));
        assert_int_equal(commit(limiter, "a", 51).status, KW_CONFLICT);
        assert_int_equal(cancel(limiter, "a").status, KW_CONFLICT);
        assert_int_equal(reserve(limiter, "a", 60, MINUTE).status, KW_GONE);
        assert_int_equal(room(limiter), left);
        reserve(limiter, "b", 10, MINUTE);
        first = cancel(limiter, "b");
        assert_true(same(cancel(limiter, "b"), first));
        assert_int_equal(commit(limiter, "b", 10).status, KW_CONFLICT);
        assert_int_equal(commit(limiter, "nobody", 10).status, KW_NOT_FOUND);
        assert_int_equal(room(limiter), left);
        kw_limiter_free(limiter);
    }
}

static void a_denial_changes_nothing(void **state) {
    (void)state;
    begin_anew();
    kw_limiter *limiter = open_limiter(
        "api", "10/s; 15/m", (kw_limiter_options){.reservations = 1, .charge_denials = 1, .block_us = 100 * SECOND});
    reserve(limiter, "a", 10, MINUTE);
    test_clock_advance(&server, SECOND);
    char before[2][128], after[2][128];
    picture(TAT_KEY, before[0]);
    picture("kw:limiter:{api:u}:tat:60000000", before[1]);
    for (int times = 0; times < 2; times++) {
        kw_decision decision = reserve(limiter, "b", 6, MINUTE);
        assert_int_equal(decision.status, KW_DENIED);
        assert_int_equal(decision.denied_by, 1);
        assert_int_equal(decision.count, 0);
        assert_int_equal(reserve(limiter, "b", 11, MINUTE).retry_after_us, KW_NEVER);
    }
    picture(TAT_KEY, after[0]);
    picture("kw:limiter:{api:u}:tat:60000000", after[1]);
    assert_string_equal(before[0], after[0]);
    assert_string_equal(before[1], after[1]);
    assert_string_equal(ask("EXISTS", "kw:limiter:{api:u}:block"), "0");
    assert_string_equal(ask("HLEN", RESERVATIONS), "1");
    assert_int_equal(hit(limiter, 6).reason, KW_DECIDED_BY_BLOCK);
    assert_int_equal(reserve(limiter, "c", 1, MINUTE).reason, KW_DECIDED_BY_BLOCK);
    kw_limiter_free(limiter);
}

static void what_was_never_settled_returns_when_its_lease_ends(void **state) {
    (void)state;
    EACH_ALGORITHM(i) {
        begin_anew();
        kw_limiter *limiter = reserving(algorithms[i], "100/d; 90/w");
        reserve(limiter, "a", 50, 10 * SECOND);
        reserve(limiter, "b", 40, 20 * SECOND);
        test_clock_advance(&server, 10 * SECOND - 1);
        assert_int_equal(hit(limiter, 1).status, KW_DENIED);
        test_clock_advance(&server, 1);
        assert_int_equal(hit(limiter, 1).remaining, 49);
        assert_int_equal(commit(limiter, "a", 50).status, KW_NOT_FOUND);
        assert_int_equal(cancel(limiter, "a").status, KW_NOT_FOUND);
        test_clock_advance(&server, 1); /* a refund of the same microsecond counts as one that came after */
        assert_int_equal(reserve(limiter, "a", 49, 5 * SECOND).status, KW_OK);
        test_clock_advance(&server, 10 * SECOND);
        assert_int_equal(hit(limiter, 89).status, KW_OK);
        assert_int_equal(commit(limiter, "b", 40).status, KW_NOT_FOUND);
        assert_string_equal(ask("EXISTS", RESERVATIONS, RESERVATIONS ":open"), "0");
        every_key_ends();
        kw_limiter_free(limiter);
    }
}

/* Which call finds it first after the end of a lease makes no difference. */
static void a_lapse_is_the_same_whoever_finds_it(void **state) {
    (void)state;
    EACH_ALGORITHM(i) {
        kw_limiter *limiter = reserving(algorithms[i], "100/w");
        for (int first = 0; first < 7; first++) {
            begin_anew();
            hit(limiter, 10);
            reserve(limiter, "a", 60, SECOND);
            reserve(limiter, "b", 20, 60 * MINUTE);
            test_clock_advance(&server, SECOND);
            if (first == 0) assert_int_equal(commit(limiter, "a", 70).status, KW_NOT_FOUND);
            if (first == 1) assert_int_equal(cancel(limiter, "a").status, KW_NOT_FOUND);
            if (first == 2) assert_int_equal(reserve(limiter, "c", 71, SECOND).status, KW_DENIED);
            if (first == 3) assert_int_equal(hit(limiter, 71).status, KW_DENIED);
            if (first == 4) assert_int_equal(peek(limiter, 70).status, KW_OK);
            if (first == 5) commit(limiter, "nobody", 1);
            assert_int_equal(hit(limiter, 70).remaining, 0);
            assert_int_equal(commit(limiter, "b", 19).remaining, 1);
        }
        kw_limiter_free(limiter);
    }
}

static void as_much_as_fits_is_looked_for_too(void **state) {
    (void)state;
    begin_anew();
    kw_limiter *limiter = reserving(KW_ALGORITHM_GCRA, "100/d");
    reserve(limiter, "a", 100, SECOND);
    test_clock_advance(&server, SECOND);
    kw_decision decision;
    assert_int_equal(kw_limiter_hit_up_to(limiter, "u", 1, 70, 0, &decision, &error), KW_OK);
    assert_int_equal(decision.count, 70);
    kw_limiter_free(limiter);
}

/* A reservation that found others lapsed in its own step is given back whole all the same. */
static void what_lapsed_in_the_same_step_counts_once(void **state) {
    (void)state;
    begin_anew();
    kw_limiter *limiter = reserving(KW_ALGORITHM_GCRA, "100/d; 7777/w");
    reserve(limiter, "a", 60, SECOND);
    hit(limiter, 10);
    test_clock_advance(&server, SECOND);
    assert_int_equal(reserve(limiter, "b", 90, MINUTE).status, KW_OK);
    assert_int_equal(cancel(limiter, "b").remaining, 90);
    assert_int_equal(reserve(limiter, "c", 90, MINUTE).status, KW_OK);
    kw_limiter_free(limiter);
}

/* Time that has passed is not given back by a lapse or a cancel. */
static void what_time_has_given_is_not_given_again(void **state) {
    (void)state;
    for (int how = 0; how < 3; how++) {
        begin_anew();
        kw_limiter *limiter = reserving(KW_ALGORITHM_GCRA, "10/s");
        reserve(limiter, "a", 10, how == 0 ? SECOND : MINUTE);
        test_clock_advance(&server, SECOND);
        assert_int_equal(admitted(limiter, 20), 10);
        if (how == 1) cancel(limiter, "a");
        if (how == 2) commit(limiter, "a", 1);
        assert_int_equal(admitted(limiter, 20), 0);
        kw_limiter_free(limiter);
    }
}

static void settled_ones_are_remembered_for_ten_minutes(void **state) {
    (void)state;
    begin_anew();
    kw_limiter *limiter = reserving(KW_ALGORITHM_GCRA, "100/h");
    reserve(limiter, "a", 60, MINUTE);
    commit(limiter, "a", 1);
    test_clock_advance(&server, 10 * MINUTE - 1000);
    assert_int_equal(commit(limiter, "a", 1).status, KW_OK);
    test_clock_advance(&server, 11000);
    assert_int_equal(commit(limiter, "a", 1).status, KW_NOT_FOUND);
    assert_int_equal(reserve(limiter, "b", 10, MINUTE).status, KW_OK);
    cancel(limiter, "b");
    assert_int_equal(reserve(limiter, "b", 10, MINUTE).status, KW_GONE);
    test_clock_advance(&server, 10 * MINUTE + 1000);
    assert_int_equal(reserve(limiter, "b", 10, MINUTE).status, KW_OK);
    kw_limiter_free(limiter);
}

/* Many that lapse at once are given back at once, and told in as little room as one after another. */
static void many_lapse_in_one_step(void **state) {
    (void)state;
    begin_anew();
    kw_limiter *limiter = reserving(KW_ALGORITHM_GCRA, "1000/d");
    char id[16];
    for (int i = 0; i < 990; i++) {
        snprintf(id, sizeof id, "%d", i);
        assert_int_equal(reserve(limiter, id, 1, SECOND).status, KW_OK);
        test_clock_advance(&server, 1);
    }
    hit(limiter, 5);
    test_clock_advance(&server, SECOND);
    assert_int_equal(hit(limiter, 995).status, KW_OK);
    assert_int_equal(hit(limiter, 1).status, KW_DENIED);
    assert_string_equal(ask("LLEN", "kw:limiter:{api:u}:tat:86400000000:refunds"), "100");
    kw_limiter_free(limiter);
}

static void memory_of_a_key_is_bounded(void **state) {
    (void)state;
    kw_limiter *limiter = reserving(KW_ALGORITHM_GCRA, "1000000/h");
    char id[16];
    for (int i = 0; i < 1000; i++) {
        snprintf(id, sizeof id, "%d", i);
        assert_int_equal(reserve(limiter, id, 1, i < 3 ? SECOND : 60 * MINUTE).status, KW_OK);
    }
    kw_decision decision = reserve(limiter, "more", 1, MINUTE);
    assert_int_equal(decision.status, KW_EXHAUSTED);
    assert_int_equal(decision.count, 0);
    assert_int_equal(reserve(limiter, "999", 1, 60 * MINUTE).status, KW_OK); /* it is there */
    test_clock_advance(&server, 2 * SECOND);
    assert_int_equal(reserve(limiter, "more", 1, MINUTE).status, KW_OK); /* three have lapsed */
    cancel(limiter, "more");
    for (int i = 3; i < 1500; i++) {
        snprintf(id, sizeof id, "%d", i);
        if (i >= 1000) reserve(limiter, id, 1, MINUTE);
        assert_int_equal(commit(limiter, id, 2).status, KW_OK);
    }
    assert_string_equal(ask("ZCARD", RESERVATIONS ":settled"), "1000");
    assert_string_equal(ask("HLEN", RESERVATIONS), "1000");
    every_key_ends();
    kw_limiter_free(limiter);
}

static void ids_and_keys_of_any_bytes(void **state) {
    (void)state;
    kw_limiter *limiter = reserving(KW_ALGORITHM_SLIDING_COUNTER, "100/h; 5000/d");
    kw_decision decision;
    char id[255];
    for (int i = 0; i < 255; i++)
        id[i] = (char)i;
    assert_int_equal(kw_limiter_reserve(limiter, "}:tat:{", 7, 60, id, 255, MINUTE, 0, &decision, &error), KW_OK);
    assert_int_equal(kw_limiter_commit(limiter, "}:tat:{", 7, id, 255, 7, 0, &decision, &error), KW_OK);
    assert_int_equal(decision.remaining, 93);
    kw_limiter_free(limiter);
}

/* Exact to the part of a microsecond, however large the numbers. */
static void prices_are_exact(void **state) {
    (void)state;
    static const struct {
        const char *limits;
        int64_t cost, actual;
    } cases[] = {
        {"7/s burst 10", 7, 3},
        {"997/s", 996, 5},
        {"1009/s", 1000, 999},
        {"3000000/s burst 4000000000000", INT64_C(3999999999999), INT64_C(1234567890123)},
        {"3000000/s burst 4000000000000", INT64_C(3999999999999), INT64_C(1167459026000)},
        {"7000000/s burst 4000000000000", INT64_C(3999999999999), INT64_C(1100350162000)},
        {"7/d burst 300000", 299999, 123457},
        {"999/w burst 7000000", 6999999, 4222222},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t cost = cases[i].cost, actual = cases[i].actual;
        kw_limiter *limiter = reserving(KW_ALGORITHM_GCRA, cases[i].limits);
        char charged[128], settled[128];
        const char *key = remember(strdup("?"));
        begin_anew();
        hit(limiter, actual);
        key = ask("KEYS", "*");
        char name[64];
        keep(name, sizeof name, key);
        picture(name, charged);
        begin_anew();
        reserve(limiter, "a", cost, MINUTE);
        commit(limiter, "a", actual);
        picture(name, settled);
        assert_string_equal(charged, settled);
        begin_anew();
        reserve(limiter, "a", 1, MINUTE);
        commit(limiter, "a", actual);
        picture(name, settled);
        assert_string_equal(charged, settled);
        kw_limiter_free(limiter);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        limiter_test(what_was_not_used_is_given_back),
        limiter_test(a_cancel_gives_all_back),
        limiter_test(what_was_used_beyond_is_charged),
        limiter_test(permits_are_given_back_by_settling),
        limiter_test(the_same_again_is_answered_the_same),
        limiter_test(a_denial_changes_nothing),
        limiter_test(what_was_never_settled_returns_when_its_lease_ends),
        limiter_test(a_lapse_is_the_same_whoever_finds_it),
        limiter_test(as_much_as_fits_is_looked_for_too),
        limiter_test(what_lapsed_in_the_same_step_counts_once),
        limiter_test(what_time_has_given_is_not_given_again),
        limiter_test(settled_ones_are_remembered_for_ten_minutes),
        limiter_test(many_lapse_in_one_step),
        limiter_test(memory_of_a_key_is_bounded),
        limiter_test(ids_and_keys_of_any_bytes),
        limiter_test(prices_are_exact),
    };
    return test_run(open_server, close_server);
}
