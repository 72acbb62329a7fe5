/* HTTP fields of a decision: what each number means, and that nothing but a structured field comes out. */
#include "primitives/http_fields.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "primitives/gcra.h"
#include "support/test.h"

#define S INT64_C(1000000)
#define MIN (60 * S)
#define H (60 * MIN)

static char fields[KW__HTTP_ROOM];
static kw_error error;

static kw__http_policies policies_of(const char *name, const kw_limit *limits, int64_t count, kw__http_quota quota) {
    return (kw__http_policies){kw__bytes_text(name), limits, count, quota};
}

static const char *written(const kw__http_policies *policies, const kw_decision *decision, kw__bytes partition,
                           int32_t style) {
    size_t length = 0;
    memset(fields, 'x', sizeof fields);
    kw_status status = kw__http_fields(policies, decision, partition, style, fields, sizeof fields, &length, &error);
    if (status != KW_OK) fail_msg("%s", error.message);
    assert_int_equal(length, strlen(fields));
    return fields;
}

/* The fields of draft 11 for one limit of the name "api". */
static const char *of_one(kw_limit limit, kw__http_quota quota, kw_decision decision) {
    kw__http_policies policies = policies_of("api", &limit, 1, quota);
    decision.limits = 1;
    decision.limit = limit.burst;
    if (decision.status == KW_OK) decision.denied_by = -1;
    return written(&policies, &decision, kw__bytes_text(""), KW_HTTP_STYLE_DRAFT_11);
}

static kw_decision yes(int64_t remaining, int64_t reset_after_us) {
    return (kw_decision){.denied_by = -1, .limits = 1, .remaining = remaining, .reset_after_us = reset_after_us};
}

static kw_decision no(int64_t remaining, int64_t reset_after_us, int64_t retry_after_us) {
    return (kw_decision){.status = KW_DENIED,
                         .limits = 1,
                         .remaining = remaining,
                         .reset_after_us = reset_after_us,
                         .retry_after_us = retry_after_us};
}

static void a_window(void **state) {
    (void)state;
    kw_limit limit = {100, MIN, 100, ""};
    assert_string_equal(of_one(limit, KW__HTTP_WINDOW, yes(50, 29 * S + 1)),
                        "RateLimit-Policy: \"api\";q=100;w=60\r\nRateLimit: \"api\";r=50;t=30\r\n");
    assert_string_equal(of_one(limit, KW__HTTP_WINDOW, no(0, 30 * S, 30 * S)),
                        "RateLimit-Policy: \"api\";q=100;w=60\r\nRateLimit: \"api\";r=0;t=30\r\nRetry-After: 30\r\n");
    /* Nothing was taken, so nothing comes back. */
    assert_string_equal(of_one(limit, KW__HTTP_WINDOW, yes(100, 0)),
                        "RateLimit-Policy: \"api\";q=100;w=60\r\nRateLimit: \"api\";r=100\r\n");
}

/* GCRA: q at once, w until that is back; one more comes long before all are. */
static void a_steady_rate(void **state) {
    (void)state;
    kw_limit limit = {1000, H, 3, ""}; /* one in 3.6 s */
    assert_string_equal(of_one(limit, KW__HTTP_STEADY, yes(2, 3600000)),
                        "RateLimit-Policy: \"api\";q=3;w=11\r\nRateLimit: \"api\";r=2;t=4\r\n");
    assert_string_equal(of_one(limit, KW__HTTP_STEADY, yes(0, 10800000)),
                        "RateLimit-Policy: \"api\";q=3;w=11\r\nRateLimit: \"api\";r=0;t=4\r\n");
    /* 9.2 s of debt, of which one hit and a bit have flowed back: the next comes when the debt is 7.2 s. */
    assert_string_equal(of_one(limit, KW__HTTP_STEADY, yes(0, 9200000)),
                        "RateLimit-Policy: \"api\";q=3;w=11\r\nRateLimit: \"api\";r=0;t=2\r\n");
    assert_string_equal(of_one(limit, KW__HTTP_STEADY, no(0, 7200001, 1)),
                        "RateLimit-Policy: \"api\";q=3;w=11\r\nRateLimit: \"api\";r=0;t=1\r\nRetry-After: 1\r\n");
    /* A cost of 3 comes later than one more. */
    assert_string_equal(of_one(limit, KW__HTTP_STEADY, no(0, 10 * S, 10 * S)),
                        "RateLimit-Policy: \"api\";q=3;w=11\r\nRateLimit: \"api\";r=0;t=3\r\nRetry-After: 10\r\n");
    /* Booked ahead by others: one more is as far off as they are. */
    assert_string_equal(of_one(limit, KW__HTTP_STEADY, no(0, 100 * S, 92800000)),
                        "RateLimit-Policy: \"api\";q=3;w=11\r\nRateLimit: \"api\";r=0;t=93\r\nRetry-After: 93\r\n");
}

static void burst_and_rate(void **state) {
    (void)state;
    static const struct row {
        kw_limit limit;
        const char *policy;
    } rows[] = {
        {{100, MIN, 100, ""}, "\"api\";q=100;w=60"},
        {{10, S, 20, ""}, "\"api\";q=20;w=2"},
        {{7, S, 7, ""}, "\"api\";q=7;w=1"},
        {{7, S, 8, ""}, "\"api\";q=8;w=2"}, /* 1.143 s: never more than is true */
        {{1000, S, 1, ""}, "\"api\";q=1;w=1"},
        {{5, 100000, 5, ""}, "\"api\";q=5;w=1"}, /* below a second there is only a second */
        {{1, INT64_C(4503599627370495), 1, ""}, "\"api\";q=1;w=4503599628"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *text = of_one(rows[i].limit, KW__HTTP_STEADY, yes(rows[i].limit.burst, 0));
        assert_memory_equal(text, "RateLimit-Policy: ", 18);
        assert_int_equal(strcspn(text + 18, "\r"), strlen(rows[i].policy));
        assert_memory_equal(text + 18, rows[i].policy, strlen(rows[i].policy));
    }
}

static void never_has_no_retry_after(void **state) {
    (void)state;
    kw_limit limit = {10, S, 10, ""};
    assert_string_equal(of_one(limit, KW__HTTP_STEADY, no(10, 0, KW_NEVER)),
                        "RateLimit-Policy: \"api\";q=10;w=1\r\nRateLimit: \"api\";r=10\r\n");
}

static void retry_after_is_rounded_up(void **state) {
    (void)state;
    kw_limit limit = {1, 10 * S, 1, ""};
    static const struct row {
        int64_t us;
        const char *end;
    } rows[] = {{1, "t=1\r\nRetry-After: 1\r\n"},
                {S, "t=1\r\nRetry-After: 1\r\n"},
                {S + 1, "t=2\r\nRetry-After: 2\r\n"},
                {9 * S + 999999, "t=10\r\nRetry-After: 10\r\n"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *text = of_one(limit, KW__HTTP_WINDOW, no(0, rows[i].us, rows[i].us));
        assert_non_null(strstr(text, rows[i].end));
    }
}

/* "Retry-After SHOULD NOT reference a point in time earlier than t", for every debt, cost and rate. */
static void retry_after_is_never_before_more(void **state) {
    (void)state;
    static const kw_limit limits[] = {{10, S, 20, ""}, {7, S, 7, ""}, {1000, H, 3, ""}, {1, 10 * S, 5, ""}};
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        kw__gcra gcra;
        assert_true(kw__gcra_init(&gcra, limits[i].count, limits[i].period_us, limits[i].burst, S));
        for (int64_t us = 1; us < gcra.ahead_us; us += gcra.ahead_us / 97 + 1) {
            kw__gcra_time debt = {us, 0};
            int64_t remaining = kw__gcra_remaining(&gcra, debt);
            for (int64_t cost = remaining + 1; cost <= limits[i].burst; cost++) {
                int64_t retry = kw__gcra_wait(&gcra, debt, cost);
                const char *text = of_one(limits[i], KW__HTTP_STEADY, no(remaining, us, retry));
                long long t = atoll(strstr(text, ";t=") + 3), after = atoll(strstr(text, "Retry-After: ") + 13);
                assert_true(after >= t && t >= 1);
                int64_t more = kw__gcra_wait(&gcra, debt, remaining + 1);
                assert_true(t * S >= more && (t - 1) * S < more + 1);
            }
        }
    }
}

static void names_become_strings(void **state) {
    (void)state;
    kw_limit limit = {1, S, 1, ""};
    static const struct row {
        const char *name;
        const char *string;
    } rows[] = {
        {"api", "\"api\""},
        {"a b~", "\"a b~\""},
        {"say \"hi\" \\o/", "\"say \\\"hi\\\" \\\\o/\""},
        {"caf\xC3\xA9", "\"caf%C3%A9\""},
        {"50%", "\"50%25\""},
        {"a\r\nSet-Cookie: x", "\"a%0D%0ASet-Cookie: x\""},
        {"\x7F\t", "\"%7F%09\""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        kw__http_policies policies = policies_of(rows[i].name, &limit, 1, KW__HTTP_STEADY);
        kw_decision decision = yes(1, 0);
        char expected[256];
        snprintf(expected, sizeof expected, "RateLimit-Policy: %s;q=1;w=1\r\nRateLimit: %s;r=1\r\n", rows[i].string,
                 rows[i].string);
        assert_string_equal(written(&policies, &decision, kw__bytes_text(""), KW_HTTP_STYLE_DRAFT_11), expected);
    }
    kw__http_policies zero = {kw__bytes_of("a\0b", 3), &limit, 1, KW__HTTP_STEADY};
    kw_decision decision = yes(1, 0);
    assert_non_null(strstr(written(&zero, &decision, kw__bytes_text(""), 0), "\"a%00b\";q=1"));
}

static void several_limits_have_names_of_their_own(void **state) {
    (void)state;
    static const kw_limit limits[] = {
        {10, S, 20, ""}, {1000, H, 1000, ""}, {5000, 24 * H, 5000, "daily"}, {9, 1500000, 9, ""}, {1, 7, 1, ""}};
    kw__http_policies policies = policies_of("api", limits, 5, KW__HTTP_STEADY);
    kw_decision denied = no(0, 24 * H, 86400000); /* all of a day is gone; a cost of 5 */
    denied.limits = 5;
    denied.denied_by = 2;
    denied.binding = 2;
    assert_string_equal(written(&policies, &denied, kw__bytes_text(""), KW_HTTP_STYLE_DRAFT_11),
                        "RateLimit-Policy: \"api:1s\";q=20;w=2, \"api:1h\";q=1000;w=3600, "
                        "\"api:daily\";q=5000;w=86400, \"api:1500ms\";q=9;w=2, \"api:7us\";q=1;w=1\r\n"
                        "RateLimit: \"api:daily\";r=0;t=18\r\nRetry-After: 87\r\n");
    /* A yes is of the limit whose capacity it tells; the time until all are whole is not of that one. */
    kw_decision admitted = yes(7, 2 * H);
    admitted.limits = 5;
    admitted.limit = 20;
    assert_non_null(strstr(written(&policies, &admitted, kw__bytes_text(""), 0), "RateLimit: \"api:1s\";r=7;t=1\r\n"));
    admitted.remaining = 0;
    admitted.delay_us = 3 * S; /* booked ahead */
    assert_non_null(strstr(written(&policies, &admitted, kw__bytes_text(""), 0), "RateLimit: \"api:1s\";r=0;t=4\r\n"));
    kw_limit named = {10, S, 10, "plan"};
    kw__http_policies one = policies_of("api", &named, 1, KW__HTTP_STEADY);
    kw_decision decision = yes(10, 0);
    assert_non_null(strstr(written(&one, &decision, kw__bytes_text(""), 0), "RateLimit: \"api:plan\";r=10\r\n"));
}

static void a_partition_key(void **state) {
    (void)state;
    kw_limit limit = {100, MIN, 100, ""};
    kw__http_policies policies = policies_of("peruser", &limit, 1, KW__HTTP_WINDOW);
    kw_decision decision = yes(99, MIN);
    static const struct row {
        const char *key;
        size_t length;
        const char *base64;
    } rows[] = {
        {"f", 1, "Zg=="},          {"fo", 2, "Zm8="},         {"foo", 3, "Zm9v"},
        {"foobar", 6, "Zm9vYmFy"}, {"\xFF\xFE\0", 3, "//4A"}, {"\xFB\xEF", 2, "++8="},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char expected[256];
        snprintf(expected, sizeof expected,
                 "RateLimit-Policy: \"peruser\";q=100;w=60;pk=:%s:\r\nRateLimit: \"peruser\";r=99;t=60;pk=:%s:\r\n",
                 rows[i].base64, rows[i].base64);
        assert_string_equal(written(&policies, &decision, kw__bytes_of(rows[i].key, rows[i].length), 0), expected);
    }
}

static void concurrency_has_a_unit_and_no_window(void **state) {
    (void)state;
    kw_limit limit = {.count = 10, .burst = 10, .concurrent = 1};
    assert_string_equal(of_one(limit, KW__HTTP_STEADY, yes(3, 20 * S)),
                        "RateLimit-Policy: \"api\";q=10;qu=\"concurrent-requests\"\r\nRateLimit: \"api\";r=3\r\n");
}

static void styles(void **state) {
    (void)state;
    kw_limit limit = {1000, H, 3, ""};
    kw__http_policies policies = policies_of("api", &limit, 1, KW__HTTP_STEADY);
    kw_decision decision = no(0, 10800000, 3599000);
    decision.limit = 3;
    const char *const legacy = "X-RateLimit-Limit: 3\r\nX-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: 11\r\n"
                               "Retry-After: 4\r\n";
    assert_string_equal(written(&policies, &decision, kw__bytes_text(""), KW_HTTP_STYLE_LEGACY), legacy);
    char both[512];
    snprintf(both, sizeof both, "RateLimit-Policy: \"api\";q=3;w=11\r\nRateLimit: \"api\";r=0;t=4\r\n%s", legacy);
    assert_string_equal(written(&policies, &decision, kw__bytes_text(""), KW_HTTP_STYLE_BOTH), both);
}

/* An Integer has 15 digits at most; counts may have 16. */
static void numbers_that_no_integer_holds(void **state) {
    (void)state;
    const int64_t most = (INT64_C(1) << 52) - 1;
    kw_limit limit = {most, MIN, most, ""};
    assert_string_equal(of_one(limit, KW__HTTP_WINDOW, yes(most, 0)),
                        "RateLimit-Policy: \"api\";q=999999999999999;w=60\r\nRateLimit: \"api\";r=999999999999999\r\n");
}

#define PROBLEM                                                                                                        \
    "{\"type\":\"https://iana.org/assignments/http-problem-types#quota-exceeded\","                                    \
    "\"title\":\"Request cannot be satisfied as assigned quota has been exceeded\",\"status\":429,"                    \
    "\"violated-policies\":[%s]}"

static void a_problem(void **state) {
    (void)state;
    static const kw_limit limits[] = {{1, S, 1, ""}, {2, H, 2, "daily"}};
    char expected[512];
    size_t length = 0;
    kw_decision decision = no(0, S, S);
    kw__http_policies one = policies_of("a\"\\\n%", limits, 1, KW__HTTP_STEADY);
    assert_int_equal(kw__http_problem(&one, &decision, fields, sizeof fields, &length, &error), KW_OK);
    snprintf(expected, sizeof expected, PROBLEM, "\"a\\\"\\\\%0A%25\"");
    assert_string_equal(fields, expected);
    assert_int_equal(length, strlen(expected));
    assert_int_equal(kw__http_problem(&one, &decision, fields, length, &length, &error), KW_INVALID);
    assert_int_equal(error.reason, KW_REASON_RANGE);
    kw__http_policies two = policies_of("api", limits, 2, KW__HTTP_STEADY);
    assert_int_equal(kw__http_problem(&two, &decision, fields, sizeof fields, &length, &error), KW_INVALID);
    assert_int_equal(error.reason, KW_REASON_DECISION);
    decision.limits = 2;
    decision.denied_by = 1;
    decision.binding = 1;
    assert_int_equal(kw__http_problem(&two, &decision, fields, sizeof fields, &length, &error), KW_OK);
    snprintf(expected, sizeof expected, PROBLEM, "\"api:daily\"");
    assert_string_equal(fields, expected);
    decision = yes(1, S);
    assert_int_equal(kw__http_problem(&one, &decision, fields, sizeof fields, &length, &error), KW_INVALID);
    assert_int_equal(error.reason, KW_REASON_DECISION);
    assert_non_null(strstr(error.message, "it is a yes"));
}

static void refused(const kw_decision *decision, int64_t count, int32_t style, kw_reason reason, const char *says) {
    static const kw_limit limits[2] = {{1, S, 1, ""}, {2, H, 2, ""}};
    kw__http_policies policies = policies_of("api", limits, count, KW__HTTP_STEADY);
    size_t length = 0;
    assert_int_equal(
        kw__http_fields(&policies, decision, kw__bytes_text(""), style, fields, sizeof fields, &length, &error),
        KW_INVALID);
    assert_int_equal(error.reason, reason);
    if (strstr(error.message, says) == NULL) fail_msg("\"%s\" does not say \"%s\"", error.message, says);
}

static void what_cannot_be_told_is_refused(void **state) {
    (void)state;
    kw_decision good = yes(1, S), bad;
    refused(&good, 1, 3, KW_REASON_OPTION, "style is 3");
    refused(&good, 1, -1, KW_REASON_OPTION, "style is -1");
    refused(&good, 2, 0, KW_REASON_DECISION, "did not make");
    bad = good, bad.status = KW_TIMEOUT;
    refused(&bad, 1, 0, KW_REASON_DECISION, "neither a yes nor a no");
    bad = (kw_decision){0};
    refused(&bad, 1, 0, KW_REASON_DECISION, "did not make");
    bad = good, bad.denied_by = 1;
    refused(&bad, 1, 0, KW_REASON_DECISION, "did not make");
    bad = good, bad.denied_by = -2;
    refused(&bad, 1, 0, KW_REASON_DECISION, "did not make");
    bad = good, bad.remaining = INT64_MIN;
    refused(&bad, 1, 0, KW_REASON_DECISION, "did not make");
    bad = good, bad.delay_us = -1;
    refused(&bad, 1, 0, KW_REASON_DECISION, "did not make");
}

/* Whatever stands in a record, nothing overflows. */
static void the_largest_numbers(void **state) {
    (void)state;
    static const kw_limit limits[] = {{1, S, 1, ""}, {3, H, 3, ""}};
    static const int64_t numbers[] = {0, 1, 999999, S, INT64_C(1) << 53, INT64_MAX - 1, INT64_MAX};
    enum { COUNT = sizeof numbers / sizeof numbers[0] };
    for (int i = 0; i < COUNT * COUNT * COUNT * COUNT; i++) {
        kw_decision decision = {.status = i % 2 ? KW_DENIED : KW_OK, .denied_by = i % 2 ? 1 : -1, .limits = 2};
        decision.remaining = numbers[i % COUNT];
        decision.reset_after_us = numbers[i / COUNT % COUNT];
        decision.retry_after_us = numbers[i / COUNT / COUNT % COUNT];
        decision.delay_us = decision.limit = numbers[i / COUNT / COUNT / COUNT];
        kw__http_policies policies = policies_of("api", limits, 2, KW__HTTP_STEADY);
        written(&policies, &decision, kw__bytes_text(""), KW_HTTP_STYLE_BOTH);
    }
}

static void the_longest_fits_and_less_room_is_refused(void **state) {
    (void)state;
    char name[KW_MAX_NAME + 1];
    unsigned char partition[KW__HTTP_PARTITION_MAX];
    kw_limit limits[8];
    memset(name, '%', KW_MAX_NAME);
    name[KW_MAX_NAME] = '\0';
    memset(partition, 0xFF, sizeof partition);
    for (int i = 0; i < 8; i++) {
        limits[i] = (kw_limit){(INT64_C(1) << 52) - 1, (INT64_C(1) << 52) - 1, (INT64_C(1) << 52) - 1, ""};
        memset(limits[i].label, 'a' + i, 63);
    }
    kw__http_policies policies = policies_of(name, limits, 8, KW__HTTP_WINDOW);
    kw_decision decision = no(INT64_MAX, INT64_MAX, INT64_MAX - 1);
    decision.limits = 8;
    decision.limit = INT64_MAX;
    size_t length = strlen(written(&policies, &decision, kw__bytes_of(partition, sizeof partition), 2)), told = 0;
    assert_true(length < KW__HTTP_ROOM && length > KW__HTTP_ROOM - 512);
    char *exact = test_malloc(length + 1);
    assert_int_equal(kw__http_fields(&policies, &decision, kw__bytes_of(partition, sizeof partition), 2, exact,
                                     length + 1, &told, &error),
                     KW_OK);
    assert_int_equal(told, length);
    assert_int_equal(kw__http_fields(&policies, &decision, kw__bytes_of(partition, sizeof partition), 2, exact, length,
                                     &told, &error),
                     KW_INVALID);
    assert_int_equal(error.reason, KW_REASON_RANGE);
    assert_non_null(strstr(error.message, "9216 bytes always suffice"));
    assert_string_equal(exact, "");
    test_free(exact);
    assert_int_equal(kw__http_problem(&policies, &decision, fields, KW__HTTP_PROBLEM_ROOM, &told, &error), KW_OK);
    assert_int_equal(kw__http_fields(&policies, &decision, kw__bytes_text(""), 2, fields, 0, &told, &error),
                     KW_INVALID);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_window),
        cmocka_unit_test(a_steady_rate),
        cmocka_unit_test(burst_and_rate),
        cmocka_unit_test(never_has_no_retry_after),
        cmocka_unit_test(retry_after_is_rounded_up),
        cmocka_unit_test(retry_after_is_never_before_more),
        cmocka_unit_test(names_become_strings),
        cmocka_unit_test(several_limits_have_names_of_their_own),
        cmocka_unit_test(a_partition_key),
        cmocka_unit_test(concurrency_has_a_unit_and_no_window),
        cmocka_unit_test(styles),
        cmocka_unit_test(numbers_that_no_integer_holds),
        cmocka_unit_test(a_problem),
        cmocka_unit_test(what_cannot_be_told_is_refused),
        cmocka_unit_test(the_largest_numbers),
        cmocka_unit_test(the_longest_fits_and_less_room_is_refused),
    };
    return test_run(NULL, NULL);
}
