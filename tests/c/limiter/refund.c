/* Refunds: what was charged comes back, and never more than time has left of it. */
#include "limiter/limiter_test.h"
#include "support/refusal.h"

static void a_refund_at_once_gives_all_back(void **state) {
    (void)state;
    static const char *const limits[] = {"10/s burst 5", "7/s", "3/s burst 9", "1009/s burst 5", "1500000/s burst 5"};
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        clean(state);
        test_clock_set(&server, YEAR_2026);
        kw_limiter *limiter = gcra(limits[i]);
        kw_decision all = hit(limiter, 3);
        refund(limiter, &all, 3);
        assert_string_equal(ask("DBSIZE"), "0"); /* as if it had never been hit */

        char before[128], after[128];
        hit(limiter, 1);
        picture(TAT_KEY, before);
        all = hit(limiter, 2);
        refund(limiter, &all, 2);
        picture(TAT_KEY, after);
        assert_string_equal(before, after);
        kw_limiter_free(limiter);
    }
}

static void a_part_may_be_given_back(void **state) {
    (void)state;
    test_clock_set(&server, YEAR_2026);
    kw_limiter *limiter = gcra("10/s");
    kw_decision decision = hit(limiter, 8);
    refund(limiter, &decision, 3);
    assert_int_equal(peek(limiter, 1).remaining, 5);
    refund(limiter, &decision, 5);
    assert_int_equal(peek(limiter, 1).remaining, 10);
    kw_limiter_free(limiter);

    limiter = window("10/s");
    decision = hit(limiter, 8);
    refund(limiter, &decision, 3);
    assert_string_equal(ask("GET", WINDOW_KEY), "17672256010000005");
    assert_int_equal(peek(limiter, 1).remaining, 5);
    every_key_ends();
    kw_limiter_free(limiter);
}

/* 10/s burst 10: ten hits, half a second later they are refunded. Five had flowed back: five are credited, not ten. */
static void what_flowed_back_is_not_given_again(void **state) {
    (void)state;
    test_clock_set(&server, YEAR_2026);
    kw_limiter *limiter = gcra("10/s");
    kw_decision ten = hit(limiter, 10);
    test_clock_advance(&server, SECOND / 2);
    assert_int_equal(admitted(limiter, 10), 5);
    refund(limiter, &ten, 10);
    assert_int_equal(peek(limiter, 1).remaining, 5);
    assert_int_equal(admitted(limiter, 10), 5);
    kw_limiter_free(limiter);
}

/* The left of a charge is cut to the part of a microsecond: 1/7 us after the end, nothing is left. */
static void the_end_of_a_charge_is_exact(void **state) {
    (void)state;
    test_clock_set(&server, YEAR_2026);
    kw_limiter *limiter = gcra("7/s");
    kw_decision first = hit(limiter, 1); /* settles at 142857 1/7 */
    hit(limiter, 1);                     /* 285714 2/7 */
    test_clock_advance(&server, 142857);
    refund(limiter, &first, 1); /* 1/7 us is left */
    assert_string_equal(ask("GET", TAT_KEY), "1767225600285714001");
    test_clock_advance(&server, 1);
    refund(limiter, &first, 1);
    assert_string_equal(ask("GET", TAT_KEY), "1767225600285714001");
    kw_limiter_free(limiter);
}

/* At the very microsecond at which as many whole ones are left as were charged, the remainders decide. */
static void what_is_left_is_compared_with_its_remainder(void **state) {
    (void)state;
    test_clock_set(&server, YEAR_2026);
    kw_limiter *limiter = gcra("7/s burst 10");
    hit(limiter, 6);
    kw_decision seventh = hit(limiter, 1); /* settles at 1000000; it charged 142857 1/7 */
    hit(limiter, 1);
    test_clock_advance(&server, SECOND - 142857);
    refund(limiter, &seventh, 1); /* 142857 are left */
    assert_string_equal(ask("GET", TAT_KEY), "1767225601000000001");
    kw_limiter_free(limiter);
}

static void a_state_of_another_rate_is_rounded_up(void **state) {
    (void)state;
    test_clock_set(&server, YEAR_2026);
    kw_limiter *whole = gcra("10/s"), *sevenths = gcra("7/s burst 10"), *thirds = gcra("3/s burst 10");
    kw_decision decision = hit(whole, 5);
    hit(sevenths, 1); /* 642857 1/7 */
    refund(whole, &decision, 1);
    assert_string_equal(ask("GET", TAT_KEY), "1767225600542858");
    clean(state);
    test_clock_set(&server, YEAR_2026);
    decision = hit(thirds, 1); /* 333333 1/3 */
    hit(sevenths, 5);          /* 1047618 6/7, of which thirds make 2/3 */
    refund(thirds, &decision, 1);
    assert_string_equal(ask("GET", TAT_KEY), "1767225600714285001");
    kw_limiter *all[] = {whole, sevenths, thirds};
    for (int i = 0; i < 3; i++)
        kw_limiter_free(all[i]);
}

/* What lies so far ahead is like hits booked ahead: nothing is taken from under them. */
static void a_refund_after_a_step_back_gives_nothing(void **state) {
    (void)state;
    test_clock_set(&server, YEAR_2100);
    kw_limiter *limiters[] = {gcra("10/s"), gcra("7/s")};
    static const char *const left[] = {"4102444800500000", "4102444800714285005"};
    for (int i = 0; i < 2; i++) {
        clean(state);
        test_clock_set(&server, YEAR_2100);
        kw_decision decision = hit(limiters[i], 5);
        test_clock_set(&server, YEAR_2026);
        refund(limiters[i], &decision, 1);
        assert_string_equal(ask("GET", TAT_KEY), left[i]);
        every_key_ends();
        kw_limiter_free(limiters[i]);
    }
}

static void a_window_at_its_end_is_left_alone(void **state) {
    (void)state;
    test_clock_set(&server, YEAR_2026);
    kw_limiter *limiter = window("10/s");
    kw_decision decision = hit(limiter, 5);
    test_clock_advance(&server, SECOND);
    refund(limiter, &decision, 5);
    assert_string_equal(ask("GET", WINDOW_KEY), "17672256010000005");
    kw_limiter_free(limiter);
}

static void a_refund_after_the_end_gives_nothing(void **state) {
    (void)state;
    test_clock_set(&server, YEAR_2026);
    kw_limiter *limiters[] = {gcra("10/s"), window("10/s")};
    for (int i = 0; i < 2; i++) {
        kw_decision old = hit(limiters[i], 5);
        test_clock_advance(&server, SECOND);
        hit(limiters[i], 10);
        refund(limiters[i], &old, 5);
        assert_int_equal(peek(limiters[i], 1).remaining, 0);
        ask("FLUSHALL");
        refund(limiters[i], &old, 5); /* nothing there */
        assert_string_equal(ask("DBSIZE"), "0");
        kw_limiter_free(limiters[i]);
    }
}

static void a_window_takes_back_no_more_than_it_counted(void **state) {
    (void)state;
    test_clock_set(&server, YEAR_2026);
    kw_limiter *limiter = window("10/s");
    kw_decision decision = hit(limiter, 5);
    refund(limiter, &decision, 5);
    refund(limiter, &decision, 5);
    assert_string_equal(ask("GET", WINDOW_KEY), "17672256010000000");
    assert_int_equal(peek(limiter, 1).remaining, 10);
    kw_limiter_free(limiter);
}

static void refused(kw_limiter *limiter, const kw_decision *decision, int64_t count, const char *says) {
    int64_t sent = bytes_sent();
    assert_int_equal(kw_limiter_refund(limiter, "u", 1, decision, count, 0, &error), KW_INVALID);
    assert_int_equal(error.reason, KW_REASON_DECISION);
    assert_non_null(strstr(error.message, says));
    assert_int_equal(bytes_sent(), sent);
}

static void a_decision_that_cannot_be_is_refused_unsent(void **state) {
    (void)state;
    test_clock_set(&server, YEAR_2026);
    kw_limiter *limiters[] = {gcra("10/s"), window("10/s")};
    for (int i = 0; i < 2; i++) {
        kw_decision good = hit(limiters[i], 8), denied = hit(limiters[i], 8), bad;
        refused(limiters[i], &good, 9, "it charged 8");
        refused(limiters[i], &denied, 1, "charged nothing");
        bad = peek(limiters[i], 1);
        refused(limiters[i], &bad, 1, "charged nothing");
        bad = (kw_decision){0};
        refused(limiters[i], &bad, 1, "charged nothing");
        bad = good, bad.count = 11;
        refused(limiters[i], &bad, 1, "this limiter did not make it");
        bad = good, bad.count = -1;
        refused(limiters[i], &bad, 1, "this limiter did not make it");
        bad = good, bad.limits = 2;
        refused(limiters[i], &bad, 1, "this limiter did not make it");
        bad = good, bad.settles_at_us[0] = 0;
        refused(limiters[i], &bad, 1, "this limiter did not make it");
        bad = good, bad.settles_at_us[0] = INT64_MAX;
        refused(limiters[i], &bad, 1, "this limiter did not make it");
        assert_int_equal(peek(limiters[i], 1).remaining, 2);
        kw_limiter_free(limiters[i]);
    }
}

static void a_decision_speaks_of_one_key_of_one_limiter(void **state) {
    (void)state;
    kw_limiter *limiter = gcra("10/s"), *other = open_limiter("other", "10/s", (kw_limiter_options){0});
    kw_decision decision = hit(limiter, 5), of_other;
    assert_int_equal(kw_limiter_hit(other, "u", 1, 5, 0, &of_other, &error), KW_OK);
    assert_int_equal(kw_limiter_refund(other, "u", 1, &decision, 5, 0, &error), KW_INVALID);
    assert_int_equal(error.reason, KW_REASON_DECISION);
    assert_int_equal(kw_limiter_refund(limiter, "v", 1, &decision, 5, 0, &error), KW_INVALID);
    assert_int_equal(kw_limiter_refund(limiter, "u", 1, &of_other, 5, 0, &error), KW_INVALID);
    assert_int_equal(kw_limiter_refund(limiter, "u", 1, &decision, 5, 0, &error), KW_OK);
    kw_limiter_free(limiter);
    kw_limiter_free(other);
}

/* Moments that others wait for stand: only the last of them can be given back. */
static void what_others_are_booked_behind_is_kept(void **state) {
    (void)state;
    test_clock_set(&server, YEAR_2026);
    kw_limiter *limiter = gcra("10/s burst 1");
    kw_decision first = hit(limiter, 1);
    kw_completions *completions;
    kw_record record;
    assert_int_equal(kw_completions_open(client, &completions, &error), KW_OK);
    for (uint64_t tag = 0; tag < 3; tag++) { /* their moments never come: the server's clock stands still */
        assert_int_equal(kw_limiter_submit_wait(limiter, completions, tag, "u", 1, 1, 60 * SECOND, 0, &error), KW_OK);
        while (peek(limiter, 1).reset_after_us < (int64_t)(tag + 2) * 100000)
            kw_completions_wait(completions, 1000, &error);
    }
    assert_string_equal(ask("GET", TAT_KEY), "1767225600400000");
    refund(limiter, &first, 1);
    assert_string_equal(ask("GET", TAT_KEY), "1767225600400000");
    for (uint64_t tag = 1; tag <= 2; tag++) { /* the middle one keeps its moment, the last one gives it back */
        kw_completions_cancel(completions, tag, &error);
        for (int i = 0; i < 20; i++) {
            kw_completions_wait(completions, 2000, &error);
            kw_completions_drain(completions, &record, 1, sizeof record, &error);
        }
        assert_string_equal(ask("GET", TAT_KEY), tag == 1 ? "1767225600400000" : "1767225600300000");
    }
    kw_completions_free(completions);
    kw_limiter_free(limiter);
}

/* Whatever stands in the part that a refund alone reads, the state stays one, and no more comes back than was charged.
 */
static void a_forged_remainder_does_no_harm(void **state) {
    (void)state;
    static const int64_t rests[] = {-1, INT64_MAX, INT64_MIN, 0xFFFF, 7, 999, 0};
    for (size_t i = 0; i < sizeof rests / sizeof rests[0]; i++) {
        clean(state);
        test_clock_set(&server, YEAR_2026);
        kw_limiter *limiter = gcra("7/s");
        hit(limiter, 5);
        kw_decision decision = hit(limiter, 1); /* 857142 6/7 */
        decision.settles_rest[0] = rests[i];
        refund(limiter, &decision, 1);
        assert_int_equal(hit(limiter, 1).remaining, 1);
        test_clock_advance(&server, 714285);
        refund(limiter, &decision, 1); /* what is left of it was given back already */
        assert_in_range(peek(limiter, 1).reset_after_us, 142857, 142858);
        every_key_ends();
        kw_limiter_free(limiter);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        limiter_test(a_refund_at_once_gives_all_back),
        limiter_test(a_part_may_be_given_back),
        limiter_test(what_flowed_back_is_not_given_again),
        limiter_test(the_end_of_a_charge_is_exact),
        limiter_test(what_is_left_is_compared_with_its_remainder),
        limiter_test(a_state_of_another_rate_is_rounded_up),
        limiter_test(a_refund_after_a_step_back_gives_nothing),
        limiter_test(a_window_at_its_end_is_left_alone),
        limiter_test(a_refund_after_the_end_gives_nothing),
        limiter_test(a_decision_speaks_of_one_key_of_one_limiter),
        limiter_test(what_others_are_booked_behind_is_kept),
        limiter_test(a_window_takes_back_no_more_than_it_counted),
        limiter_test(a_decision_that_cannot_be_is_refused_unsent),
        limiter_test(a_forged_remainder_does_no_harm),
    };
    return test_run(open_server, close_server);
}
