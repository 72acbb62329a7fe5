/* The arithmetic of GCRA, against the same in wider numbers, and at its bounds. */
#include "primitives/gcra.h"

#include <string.h>

#include "support/test.h"

#define SECOND INT64_C(1000000)
#define DAY (86400 * SECOND)
#define BOUND (INT64_C(1) << 52)

static uint64_t random_state = 20260101;

static uint64_t next_random(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

/* A number from 1 to most, as often small as large. */
static int64_t any(int64_t most) {
    return 1 + (int64_t)(next_random() % (uint64_t)most >> next_random() % 52) % most;
}

static kw__gcra make(int64_t count, int64_t period_us, int64_t burst) {
    kw__gcra gcra;
    assert_true(kw__gcra_init(&gcra, count, period_us, burst, 60 * SECOND));
    return gcra;
}

static void assert_time(kw__gcra_time time, int64_t us, int64_t rest) {
    assert_int_equal(time.us, us);
    assert_int_equal(time.rest, rest);
}

static void a_whole_interval_has_no_parts(void **state) {
    (void)state;
    kw__gcra gcra = make(10, SECOND, 20);
    assert_int_equal(gcra.parts, 1);
    assert_int_equal(gcra.interval, 100000);
    assert_int_equal(gcra.ahead_us, 2 * SECOND + 60 * SECOND);
    assert_time(kw__gcra_cost(&gcra, 3), 300000, 0);
    assert_time(kw__gcra_room(&gcra, 3), 1700000, 0);
}

static void seven_a_second_is_exact(void **state) {
    (void)state;
    kw__gcra gcra = make(7, SECOND, 7);
    assert_int_equal(gcra.parts, 7);
    assert_time(kw__gcra_cost(&gcra, 1), 142857, 1);
    assert_time(kw__gcra_cost(&gcra, 7), SECOND, 0);
    gcra = make(7000, SECOND, 7000);
    assert_int_equal(gcra.parts, 7);
}

static void beyond_a_thousand_parts_the_interval_rounds_up(void **state) {
    (void)state;
    kw__gcra gcra = make(1009, SECOND, 1009); /* a prime: 991.0803 us */
    assert_int_equal(gcra.parts, 1000);
    assert_int_equal(gcra.interval, 991081);
    gcra = make(997, SECOND, 997);
    assert_int_equal(gcra.parts, 997);
    gcra = make(1000000007, SECOND, 5); /* more than one in 1/1000 us */
    assert_int_equal(gcra.interval, 1);
}

/* The burst may stand for 2^52 us less a part, not for 2^52 us. */
static void the_bound_of_a_burst_is_exact(void **state) {
    (void)state;
    kw__gcra gcra;
    assert_true(kw__gcra_init(&gcra, 1, 1, BOUND - 1, 0));
    assert_false(kw__gcra_init(&gcra, 1, 1, BOUND, 0));
    assert_true(kw__gcra_init(&gcra, 3, BOUND - 1, 2, 0));
    assert_true(kw__gcra_init(&gcra, 3, BOUND - 1, 3, 0));
    assert_false(kw__gcra_init(&gcra, 3, BOUND - 1, 4, 0));
    assert_false(kw__gcra_init(&gcra, 1, BOUND - 1, BOUND - 1, DAY));
    assert_true(kw__gcra_init(&gcra, BOUND - 1, 1, BOUND - 1, DAY));
}

#if defined(__SIZEOF_INT128__)
__extension__ typedef __int128 wide;

/* remaining and wait by their definitions: the greatest n with debt + n <= burst, the least t with debt - t + hits <=
 * burst. */
static void check(const kw__gcra *gcra, kw__gcra_time debt, int64_t hits) {
    wide parts = gcra->parts, interval = gcra->interval, in_debt = (wide)debt.us * parts + debt.rest;
    wide burst = (wide)gcra->burst * interval;
    int64_t remaining = kw__gcra_remaining(gcra, debt);
    assert_in_range(remaining, 0, gcra->burst);
    if (remaining > 0) assert_true(in_debt + remaining * interval <= burst);
    if (remaining < gcra->burst) assert_true(in_debt + (remaining + 1) * interval > burst);
    int64_t wait = kw__gcra_wait(gcra, debt, hits);
    assert_true(wait >= 0);
    assert_true(in_debt - wait * parts + hits * interval <= burst);
    if (wait > 0) assert_true(in_debt - (wait - 1) * parts + hits * interval > burst);
    assert_true((wide)kw__gcra_clears(debt) * parts >= in_debt);
    assert_true((wide)(kw__gcra_clears(debt) - 1) * parts < in_debt || in_debt == 0);

    kw__gcra_time cost = kw__gcra_cost(gcra, hits), room = kw__gcra_room(gcra, hits);
    assert_true((wide)cost.us * parts + cost.rest == hits * interval);
    assert_true((wide)room.us * parts + room.rest == burst - hits * interval);
    assert_true(cost.rest >= 0 && cost.rest < parts && room.rest >= 0 && room.rest < parts);
}

static void sums_agree_with_wider_numbers(void **state) {
    (void)state;
    int tried = 0;
    while (tried < 200000) {
        kw__gcra gcra;
        int64_t count = any(BOUND - 1), period = any(BOUND - 1), burst = any(BOUND - 1), wait = any(DAY);
        bool fits = kw__gcra_init(&gcra, count, period, burst, wait);
        /* What is refused is 2^52 us and more; rounding up may refuse a thousandth of a us for each hit earlier. */
        wide asked = (wide)burst * period, bound = (wide)BOUND * count;
        if (!fits) assert_true(asked * 1000 + (wide)burst * count >= bound * 1000);
        if (!fits) continue;
        assert_true(asked < bound);
        tried++;
        kw__gcra_time debt = {(int64_t)(next_random() % (uint64_t)(gcra.ahead_us + 1)), 0};
        if (tried % 3 == 0) debt.us = gcra.ahead_us;
        if (debt.us < gcra.ahead_us) debt.rest = (int64_t)(next_random() % (uint64_t)gcra.parts);
        check(&gcra, debt, tried % 2 == 0 ? burst : (int64_t)(next_random() % (uint64_t)(burst + 1)));
    }
}
#endif

static void a_debt_is_what_lies_ahead(void **state) {
    (void)state;
    kw__gcra gcra = make(7, SECOND, 7);
    assert_time(kw__gcra_debt(&gcra, (kw__gcra_time){100, 3}, 101), 0, 0);
    assert_time(kw__gcra_debt(&gcra, (kw__gcra_time){100, 3}, 100), 0, 3);
    assert_time(kw__gcra_debt(&gcra, (kw__gcra_time){100, 3}, 40), 60, 3);
    assert_time(kw__gcra_debt(&gcra, (kw__gcra_time){100 + 61 * SECOND, 3}, 100), 61 * SECOND, 3);
    assert_time(kw__gcra_debt(&gcra, (kw__gcra_time){101 + 61 * SECOND, 3}, 100), 61 * SECOND, 0);
}

static bool read_state(const kw__gcra *gcra, const char *text, kw__gcra_time *tat) {
    return kw__gcra_read(gcra, kw__bytes_text(text), tat);
}

static void states_are_read(void **state) {
    (void)state;
    kw__gcra whole = make(10, SECOND, 10), exact = make(7, SECOND, 7);
    kw__gcra_time tat;
    assert_true(read_state(&whole, "1795509875198308", &tat));
    assert_time(tat, INT64_C(1795509875198308), 0);
    assert_true(read_state(&exact, "1795509875198308006", &tat));
    assert_time(tat, INT64_C(1795509875198308), 6);
    /* Left by another rate. */
    assert_true(read_state(&exact, "1795509875198308", &tat));
    assert_time(tat, INT64_C(1795509875198308), 0);
    assert_true(read_state(&exact, "1795509875198308999", &tat));
    assert_time(tat, INT64_C(1795509875198308), 6);
    assert_true(read_state(&whole, "1795509875198308001", &tat));
    assert_time(tat, INT64_C(1795509875198309), 0);
    assert_true(read_state(&whole, "1795509875198308000", &tat));
    assert_time(tat, INT64_C(1795509875198308), 0);
}

static void what_is_no_state_is_refused(void **state) {
    (void)state;
    kw__gcra gcra = make(7, SECOND, 7);
    kw__gcra_time tat;
    static const char *const foreign[] = {"",
                                          "5",
                                          "hello",
                                          "179550987519830",
                                          "17955098751983080",
                                          "-795509875198308",
                                          "0795509875198308",
                                          "1795509875.98308",
                                          "1795509875198e06",
                                          "abcdefghijklmnop",
                                          "1795509875198308-01",
                                          "1795509875198308 01",
                                          "1795509875198308abc",
                                          "17955098751983080000"};
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
        print_message("  %s\n", foreign[i]);
        assert_false(read_state(&gcra, foreign[i], &tat));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_interval_has_no_parts),
        cmocka_unit_test(seven_a_second_is_exact),
        cmocka_unit_test(beyond_a_thousand_parts_the_interval_rounds_up),
        cmocka_unit_test(the_bound_of_a_burst_is_exact),
#if defined(__SIZEOF_INT128__)
        cmocka_unit_test(sums_agree_with_wider_numbers),
#endif
        cmocka_unit_test(a_debt_is_what_lies_ahead),
        cmocka_unit_test(states_are_read),
        cmocka_unit_test(what_is_no_state_is_refused),
    };
    return test_run(NULL, NULL);
}
