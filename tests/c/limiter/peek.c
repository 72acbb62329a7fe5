/* Looking: what a hit would be answered, and nothing charged. */
#include "limiter/limiter_test.h"

static void peek_says_what_a_hit_would_be_answered(void **state) {
    (void)state;
    static const char *const limits[] = {"10/s burst 5", "7/s", "1009/s burst 11"};
    for (int i = 0; i < 4; i++) {
        clean(state);
        test_clock_set(&server, YEAR_2026);
        kw_limiter *limiter = i < 3 ? gcra(limits[i]) : window("7/s");
        for (int step = 0; step < 60; step++) {
            int64_t cost = step % 5;
            kw_decision seen = peek(limiter, cost), done = hit(limiter, cost);
            assert_int_equal(seen.status, done.status);
            assert_int_equal(seen.denied_by, done.denied_by);
            assert_int_equal(seen.limit, done.limit);
            assert_int_equal(seen.retry_after_us, done.retry_after_us);
            assert_int_equal(seen.remaining - done.count, done.remaining);
            test_clock_advance(&server, step * 9973);
        }
        kw_limiter_free(limiter);
    }
}

static void peek_tells_the_state_as_it_is(void **state) {
    (void)state;
    test_clock_set(&server, YEAR_2026);
    kw_limiter *limiter = gcra("10/s burst 5");
    kw_decision decision = peek(limiter, 1);
    assert_int_equal(decision.status, KW_OK);
    assert_int_equal(decision.count, 0);
    assert_int_equal(decision.remaining, 5);
    assert_int_equal(decision.reset_after_us, 0);
    hit(limiter, 3);
    test_clock_advance(&server, 50000);
    decision = peek(limiter, 1);
    assert_int_equal(decision.remaining, 2);
    assert_int_equal(decision.reset_after_us, 250000);
    decision = peek(limiter, 4);
    assert_int_equal(decision.status, KW_DENIED);
    assert_int_equal(decision.denied_by, 0);
    assert_int_equal(decision.remaining, 2);
    assert_int_equal(decision.retry_after_us, 150000);
    assert_int_equal(peek(limiter, 6).retry_after_us, KW_NEVER);
    assert_int_equal(peek(limiter, 0).status, KW_OK);
    kw_limiter_free(limiter);
}

/* Not a key that is missing, not one that a hit would heal. */
static void peek_changes_nothing(void **state) {
    (void)state;
    test_clock_set(&server, YEAR_2026);
    kw_limiter *limiters[] = {gcra("10/s"), gcra("7/s"), window("10/s")};
    for (int i = 0; i < 3; i++) {
        clean(state);
        test_clock_set(&server, YEAR_2026);
        const char *key = i < 2 ? TAT_KEY : WINDOW_KEY;
        peek(limiters[i], 1);
        assert_string_equal(ask("DBSIZE"), "0");
        hit(limiters[i], 3);
        ask("PERSIST", key);
        test_clock_advance(&server, -DAY);
        char before[128], after[128];
        picture(key, before);
        for (int64_t cost = 0; cost < 20; cost += 4)
            peek(limiters[i], cost);
        picture(key, after);
        assert_string_equal(before, after);
        kw_limiter_free(limiters[i]);
    }
}

/* After a step back of the clock it sees what a hit would cut the state to. */
static void peek_sees_through_the_clamp(void **state) {
    (void)state;
    test_clock_set(&server, YEAR_2100);
    kw_limiter *limiters[] = {gcra("10/s"), window("10/s")};
    for (int i = 0; i < 2; i++) {
        test_clock_set(&server, YEAR_2100);
        hit(limiters[i], 10);
        test_clock_set(&server, YEAR_2026);
        kw_decision seen = peek(limiters[i], 1), done = hit(limiters[i], 1);
        assert_int_equal(seen.retry_after_us, done.retry_after_us);
        assert_int_equal(seen.reset_after_us, done.reset_after_us);
        kw_limiter_free(limiters[i]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        limiter_test(peek_says_what_a_hit_would_be_answered),
        limiter_test(peek_tells_the_state_as_it_is),
        limiter_test(peek_changes_nothing),
        limiter_test(peek_sees_through_the_clamp),
    };
    return test_run(open_server, close_server);
}
