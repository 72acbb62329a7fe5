/* Where periods end: the calendar that the server computes, against the C library's. */
#include "quota/quota_test.h"

/* The end of the period that a moment lies in, as timegm has it: the month 13 and the day 32 are legal there. */
static int64_t end_of(int64_t now, kw_period period, int zone_minutes) {
    int64_t zone = zone_minutes * MINUTE;
    time_t seconds = (time_t)((now + zone) / SECOND);
    struct tm local;
    gmtime_r(&seconds, &local);
    struct tm end = {.tm_year = local.tm_year, .tm_mon = local.tm_mon, .tm_mday = local.tm_mday};
    switch (period) {
    case KW_PERIOD_DAY:
        end.tm_mday += 1;
        break;
    case KW_PERIOD_WEEK:
        end.tm_mday += local.tm_wday == 0 ? 1 : 8 - local.tm_wday;
        break;
    case KW_PERIOD_MONTH:
        end.tm_mon += 1, end.tm_mday = 1;
        break;
    default:
        end.tm_year += 1, end.tm_mon = 0, end.tm_mday = 1;
    }
    return (int64_t)timegm(&end) * SECOND - zone;
}

static void check(int64_t now, kw_period period, int zone_minutes) {
    test_server_expect(&server, "OK", "FLUSHALL");
    test_clock_set(&server, now);
    kw_quota *quota = open_quota(10, period, zone_minutes);
    int64_t expected = end_of(now, period, zone_minutes);
    kw_usage looked = peek(quota, 1), used = consume(quota, 1);
    if (used.resets_at_us != expected || looked.resets_at_us != expected) {
        fail_msg("at %lld, period %d, zone %d: ends at %lld and %lld, should be %lld", (long long)now, (int)period,
                 zone_minutes, (long long)looked.resets_at_us, (long long)used.resets_at_us, (long long)expected);
    }
    assert_int_equal(used.reset_after_us, expected - now);
    kw_quota_free(quota);
}

static void at_edges_of_all_kinds(void **state) {
    (void)state;
    test_clock_require_exact(&server);
    const int64_t moments[] = {
        date(2002, 1, 1),  date(2024, 2, 29), date(2024, 3, 1),  date(2026, 2, 28), date(2026, 3, 1),
        date(2026, 11, 2), date(2027, 1, 1),  date(2028, 2, 28), date(2028, 2, 29), date(2028, 12, 31),
        date(2100, 2, 28), date(2100, 3, 1),  date(2100, 1, 1),  date(2200, 3, 1),  date(2000, 2, 29) + 1000 * DAY};
    static const int zones[] = {0, 60, -300, 330, 840, -840};
    for (size_t i = 0; i < sizeof moments / sizeof moments[0]; i++) {
        for (int period = KW_PERIOD_DAY; period <= KW_PERIOD_YEAR; period++) {
            int zone = zones[i % 6];
            check(moments[i] - zone * MINUTE - 1, period, zone);
            check(moments[i] - zone * MINUTE, period, zone);
            check(moments[i] + 12 * HOUR, period, 0);
        }
    }
}

static void at_any_moment_of_two_centuries(void **state) {
    (void)state;
    test_clock_require_exact(&server);
    uint64_t random = 20260101;
    for (int round = 0; round < 600; round++) {
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        int64_t now = date(2002, 1, 1) + (int64_t)(random % (uint64_t)(200 * 365 * DAY));
        check(now, round % 4, (int)(random >> 40) % 841 * (round % 2 ? 1 : -1));
    }
}

static void a_period_starts_over_at_its_end_and_not_before(void **state) {
    (void)state;
    test_clock_require_exact(&server);
    kw_quota *quota = monthly(10);
    test_clock_set(&server, date(2028, 2, 10));
    assert_int_equal(consume(quota, 10).status, KW_OK);
    test_clock_set(&server, date(2028, 3, 1) - 1); /* 29 days: a leap year */
    kw_usage denied = consume(quota, 1);
    assert_int_equal(denied.status, KW_DENIED);
    assert_int_equal(denied.retry_after_us, 1);
    test_clock_set(&server, date(2028, 3, 1));
    kw_usage fresh = consume(quota, 1);
    assert_int_equal(fresh.status, KW_OK);
    assert_int_equal(fresh.remaining, 9);
    assert_int_equal(fresh.resets_at_us, date(2028, 4, 1));
    kw_quota_free(quota);
}

static void periods_of_one_name_count_apart(void **state) {
    (void)state;
    kw_quota *day = open_quota(1, KW_PERIOD_DAY, 0), *week = open_quota(2, KW_PERIOD_WEEK, 0), *month = monthly(3),
             *year = open_quota(4, KW_PERIOD_YEAR, 0);
    kw_quota *all[] = {day, week, month, year};
    for (int i = 0; i < 4; i++) {
        assert_int_equal(consume(all[i], i + 1).status, KW_OK);
        assert_int_equal(consume(all[i], 1).status, KW_DENIED);
        kw_quota_free(all[i]);
    }
    assert_string_equal(ask("DBSIZE"), "4");
    every_key_ends();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        clean_test(at_edges_of_all_kinds),
        clean_test(at_any_moment_of_two_centuries),
        clean_test(a_period_starts_over_at_its_end_and_not_before),
        clean_test(periods_of_one_name_count_apart),
    };
    return test_run(open_server, close_server);
}
