/* The text form of limits: what is read, and what is said of what is not. */
#include "primitives/limit_text.h"

#include <string.h>

#include "support/test.h"

#define SECOND INT64_C(1000000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

struct good {
    const char *text;
    int64_t count;
    int64_t period_us;
    int64_t burst;
    const char *label;
};

static const struct good good[] = {
    {"10/s", 10, SECOND, 10, ""},
    {"10/s burst 20", 10, SECOND, 20, ""},
    {"100 per minute", 100, MINUTE, 100, ""},
    {"5 per second burst 10", 5, SECOND, 10, ""},
    {"10 per 2 minutes", 10, 2 * MINUTE, 10, ""},
    {"10/2minutes", 10, 2 * MINUTE, 10, ""},
    {"1000/h as plan", 1000, HOUR, 1000, "plan"},
    {"1000/h as plan burst 5", 1000, HOUR, 5, "plan"},
    {"1000/h burst 5 as plan", 1000, HOUR, 5, "plan"},
    {"1/s as _a.B-9", 1, SECOND, 1, "_a.B-9"},
    {"  7\t/\n3  days ", 7, 3 * DAY, 7, ""},
    {"10PER2MINUTES", 10, 2 * MINUTE, 10, ""},
    {"10perminute", 10, MINUTE, 10, ""},
    {"10 per2 hours", 10, 2 * HOUR, 10, ""},
    {"010/s", 10, SECOND, 10, ""},
    {"10/s BURST 3 AS Plan", 10, SECOND, 3, "Plan"},
    {"10/s burst20", 10, SECOND, 20, ""},
    {"1/us", 1, 1, 1, ""},
    {"1/ms", 1, 1000, 1, ""},
    {"1/sec", 1, SECOND, 1, ""},
    {"1/secs", 1, SECOND, 1, ""},
    {"1/seconds", 1, SECOND, 1, ""},
    {"1/m", 1, MINUTE, 1, ""},
    {"1/min", 1, MINUTE, 1, ""},
    {"1/mins", 1, MINUTE, 1, ""},
    {"1/hour", 1, HOUR, 1, ""},
    {"1/d", 1, DAY, 1, ""},
    {"1/w", 1, 7 * DAY, 1, ""},
    {"1/weeks", 1, 7 * DAY, 1, ""},
    {"1/month", 1, 30 * DAY, 1, ""},
    {"1/years", 1, 360 * DAY, 1, ""},
    {"70000/day", 70000, DAY, 70000, ""},
    {"4503599627370495/us", INT64_C(4503599627370495), 1, INT64_C(4503599627370495), ""},
    {"1/4503599627370495us", 1, INT64_C(4503599627370495), 1, ""},
    {"1/us burst 4503599627370495", 1, 1, INT64_C(4503599627370495), ""},
};

static void texts_are_read(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        kw_limit limit;
        kw_error error = {0};
        int64_t count;
        print_message("  %s\n", good[i].text);
        kw_status status = kw__limits_parse(good[i].text, &limit, 1, &count, &error);
        if (status != KW_OK) print_error("%s\n", error.message);
        assert_int_equal(status, KW_OK);
        assert_int_equal(count, 1);
        assert_int_equal(limit.count, good[i].count);
        assert_int_equal(limit.period_us, good[i].period_us);
        assert_int_equal(limit.burst, good[i].burst);
        assert_string_equal(limit.label, good[i].label);
    }
}

static void lists_are_read(void **state) {
    (void)state;
    kw_limit limits[8];
    int64_t count;
    assert_int_equal(kw__limits_parse("10/s burst 20; 1000/h as plan,5/d|6/w:;7/m", limits, 8, &count, NULL), KW_OK);
    assert_int_equal(count, 5);
    assert_int_equal(limits[0].burst, 20);
    assert_string_equal(limits[1].label, "plan");
    assert_int_equal(limits[2].period_us, DAY);
    assert_int_equal(limits[3].count, 6);
    assert_int_equal(limits[4].period_us, MINUTE);
    assert_int_equal(kw__limits_parse("1/s;1/s;1/s;1/s;1/s;1/s;1/s;1/s", limits, 8, &count, NULL), KW_OK);
    assert_int_equal(count, 8);
}

struct bad {
    const char *text;
    int64_t position;
    kw_reason reason;
    const char *says;
};

#define SYNTAX KW_REASON_LIMIT_SYNTAX
#define RANGE KW_REASON_LIMIT_RANGE
#define SIZE KW_REASON_LIMIT_SIZE

static const struct bad bad[] = {
    {"", 0, SYNTAX, "ends at byte 0 where the count"},
    {"   ", 3, SYNTAX, "the count"},
    {"x/s", 0, SYNTAX, "\"x/s\" at byte 0 where the count"},
    {"-1/s", 0, SYNTAX, "the count"},
    {"1.5/s", 1, SYNTAX, "\"/\", \"per\" or \"concurrent\""},
    {"10", 2, SYNTAX, "ends at byte 2 where \"/\", \"per\" or \"concurrent\""},
    {"10 pro s", 3, SYNTAX, "\"pro\" at byte 3 where \"/\", \"per\" or \"concurrent\""},
    {"10/", 3, SYNTAX, "a unit of time"},
    {"10/x", 3, SYNTAX, "\"x\" at byte 3 where a unit of time"},
    {"10/fortnight", 3, SYNTAX, "second, minute, hour"},
    {"10/ss", 3, SYNTAX, "a unit of time"},
    {"10/hs", 3, SYNTAX, "a unit of time"},
    {"10/minutess", 3, SYNTAX, "a unit of time"},
    {"10/2", 4, SYNTAX, "a unit of time"},
    {"10//s", 3, SYNTAX, "a unit of time"},
    {"10/s burst", 10, SYNTAX, "the burst"},
    {"10/s burst x", 11, SYNTAX, "the burst"},
    {"10/s burst -5", 11, SYNTAX, "\"-5\" at byte 11 where the burst is expected"},
    {"10/s burst 5 burst 6", 13, SYNTAX, "\"burst\" at byte 13 of the limit is given twice"},
    {"10/s as a burst 5 as b", 18, SYNTAX, "\"as\" at byte 18 of the limit is given twice"},
    {"10/s shadow burst 5 shadow", 20, SYNTAX, "\"shadow\" at byte 20 of the limit is given twice"},
    {"10/s bursts 5", 5, SYNTAX, "\"bursts\" at byte 5 where \"burst\""},
    {"burst 5 10/s", 0, SYNTAX, "the count"},
    {"10/s as", 7, SYNTAX, "a label"},
    {"10/s as 9a", 8, SYNTAX, "a label"},
    {"10/s as a as b", 10, SYNTAX, "given twice"},
    {"10/s as a:b", 9, SYNTAX, "the end"},
    {"10/s per", 5, SYNTAX, "the end"},
    {"10/s;", 5, SYNTAX, "the count"},
    {"10/s;;5/m", 5, SYNTAX, "the count"},
    {"10/s:5/m", 4, SYNTAX, "the end"},
    {"10/s; 5", 7, SYNTAX, "\"/\", \"per\" or \"concurrent\""},
    {"1,000/s", 1, SYNTAX, "\"/\", \"per\" or \"concurrent\""},
    {"10/s\xC2\xA0", 4, SYNTAX, "the end"},
    {"0/s", 0, RANGE, "the count at byte 0"},
    {"10/s; 00/m", 6, RANGE, "at byte 6"},
    {"10/0 minutes", 3, RANGE, "the number of units at byte 3"},
    {"10/s burst 0", 11, RANGE, "the burst"},
    {"4503599627370496/s", 0, RANGE, "between 1 and 4503599627370495"},
    {"99999999999999999999999999/s", 0, RANGE, "between 1 and 4503599627370495"},
    {"1/18446744073709551617 s", 2, RANGE, "the number of units"},
    {"1/4503599627370496us", 2, RANGE, "the number of units"},
    {"1/4503599628s", 2, RANGE, "the period at byte 2"},
    {"1/145 years", 2, RANGE, "the period at byte 2"},
    {"1/s as aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 7, RANGE, "64 characters"},
    {"1/s;1/s;1/s;1/s;1/s;1/s;1/s;1/s; 1/s", 33, RANGE, "more than the 8"},
    {"1/year burst 145", 13, SIZE, "the burst at byte 13"},
    {"1/s burst 4503599628", 10, SIZE, "142 years"},
};

static void errors_point_at_the_byte(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        kw_limit limits[8];
        kw_error error = {0};
        int64_t count = 77;
        memset(limits, 'x', sizeof limits);
        print_message("  \"%s\"\n", bad[i].text);
        assert_int_equal(kw__limits_parse(bad[i].text, limits, 8, &count, &error), KW_INVALID);
        print_message("    %s\n", error.message);
        assert_int_equal(error.code, KW_INVALID);
        assert_int_equal(error.reason, bad[i].reason);
        assert_int_equal(error.position, bad[i].position);
        assert_non_null(strstr(error.message, bad[i].says));
        assert_int_equal(count, 0);
        for (size_t at = 0; at < sizeof limits; at++)
            assert_int_equal(((const char *)limits)[at], 0);
    }
}

static void syntax_errors_give_an_example(void **state) {
    (void)state;
    kw_limit limit;
    kw_error error;
    int64_t count;
    assert_int_equal(kw__limits_parse("10 in a minute", &limit, 1, &count, &error), KW_INVALID);
    assert_non_null(strstr(error.message, "as in \"10/s burst 20\""));
}

static void long_texts_are_refused(void **state) {
    (void)state;
    char text[1100];
    kw_limit limit;
    kw_error error;
    int64_t count;
    memset(text, ' ', sizeof text);
    memcpy(text, "10/s", 4);
    text[1024] = '\0';
    assert_int_equal(kw__limits_parse(text, &limit, 1, &count, &error), KW_OK);
    memcpy(text + 1024, " ", 2);
    assert_int_equal(kw__limits_parse(text, &limit, 1, &count, &error), KW_INVALID);
    assert_int_equal(error.reason, KW_REASON_TEXT_LENGTH);
    assert_int_equal(error.position, 1024);
}

static void no_more_than_the_capacity_is_written(void **state) {
    (void)state;
    kw_limit limits[3];
    kw_error error;
    int64_t count;
    memset(limits, 'x', sizeof limits);
    assert_int_equal(kw__limits_parse("1/s;2/s;3/s", limits, 2, &count, &error), KW_INVALID);
    assert_int_equal(error.reason, KW_REASON_LIMIT_RANGE);
    assert_int_equal(error.position, 8);
    assert_memory_equal(&limits[2], "xxxxxxxx", 8);
}

static void the_error_may_be_null(void **state) {
    (void)state;
    kw_limit limit;
    int64_t count;
    assert_int_equal(kw__limits_parse("nonsense", &limit, 1, &count, NULL), KW_INVALID);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_read),           cmocka_unit_test(lists_are_read),
        cmocka_unit_test(errors_point_at_the_byte), cmocka_unit_test(syntax_errors_give_an_example),
        cmocka_unit_test(long_texts_are_refused),   cmocka_unit_test(no_more_than_the_capacity_is_written),
        cmocka_unit_test(the_error_may_be_null),
    };
    return test_run(NULL, NULL);
}
