/* The HTTP fields of what a server decided: kw_limiter_http_fields, as its callers have it. */
#include "limiter/limiter_test.h"

static char fields[9216];
static size_t length;

static const char *fields_of(kw_limiter *limiter, const kw_decision *decision, int32_t style) {
    no_failure(kw_limiter_http_fields(limiter, decision, NULL, 0, style, fields, sizeof fields, &length, &error));
    assert_int_equal(length, strlen(fields));
    return fields;
}

static void of_gcra(void **state) {
    (void)state;
    kw_limiter *limiter = gcra("1000/h burst 3");
    static const char *const said[] = {
        "RateLimit-Policy: \"api\";q=3;w=11\r\nRateLimit: \"api\";r=2;t=4\r\n",
        "RateLimit-Policy: \"api\";q=3;w=11\r\nRateLimit: \"api\";r=1;t=4\r\n",
        "RateLimit-Policy: \"api\";q=3;w=11\r\nRateLimit: \"api\";r=0;t=4\r\n",
        "RateLimit-Policy: \"api\";q=3;w=11\r\nRateLimit: \"api\";r=0;t=4\r\nRetry-After: 4\r\n",
    };
    kw_decision looked = peek(limiter, 1);
    assert_string_equal(fields_of(limiter, &looked, KW_HTTP_STYLE_DRAFT_11),
                        "RateLimit-Policy: \"api\";q=3;w=11\r\nRateLimit: \"api\";r=3\r\n");
    for (int i = 0; i < 4; i++) {
        kw_decision decision = hit(limiter, 1);
        assert_string_equal(fields_of(limiter, &decision, KW_HTTP_STYLE_DRAFT_11), said[i]);
    }
    kw_decision never = hit(limiter, 4);
    assert_string_equal(fields_of(limiter, &never, KW_HTTP_STYLE_BOTH),
                        "RateLimit-Policy: \"api\";q=3;w=11\r\nRateLimit: \"api\";r=0;t=4\r\n"
                        "X-RateLimit-Limit: 3\r\nX-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: 11\r\n");
    no_failure(kw_limiter_http_problem(limiter, &never, fields, sizeof fields, &length, &error));
    assert_non_null(strstr(fields, "\"violated-policies\":[\"api\"]}"));
    kw_limiter_free(limiter);
}

static void of_a_window(void **state) {
    (void)state;
    kw_limiter *limiter = window("2/m as plan");
    kw_decision decision = hit(limiter, 2);
    assert_string_equal(fields_of(limiter, &decision, KW_HTTP_STYLE_DRAFT_11),
                        "RateLimit-Policy: \"api:plan\";q=2;w=60\r\nRateLimit: \"api:plan\";r=0;t=60\r\n");
    decision = hit(limiter, 1);
    assert_string_equal(fields_of(limiter, &decision, KW_HTTP_STYLE_LEGACY),
                        "X-RateLimit-Limit: 2\r\nX-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: 60\r\n"
                        "Retry-After: 60\r\n");
    no_failure(kw_limiter_http_fields(limiter, &decision, "u", 1, KW_HTTP_STYLE_DRAFT_11, fields, sizeof fields,
                                      &length, &error));
    assert_non_null(strstr(fields, "RateLimit: \"api:plan\";r=0;t=60;pk=:dQ==:\r\n"));
    kw_limiter_free(limiter);
}

/* Who waits as long as Retry-After says is admitted. */
static void retry_after_is_enough(void **state) {
    (void)state;
    kw_limiter *limiter = gcra("3/m burst 1");
    test_clock_set(&server, YEAR_2026);
    for (int i = 1; i < 50; i++) {
        assert_int_equal(hit(limiter, 1).status, KW_OK);
        test_clock_advance(&server, i * 399999);
        kw_decision denied = hit(limiter, 1);
        assert_int_equal(denied.status, KW_DENIED);
        const char *after = strstr(fields_of(limiter, &denied, KW_HTTP_STYLE_DRAFT_11), "Retry-After: ");
        assert_non_null(after);
        test_clock_advance(&server, atoll(after + 13) * SECOND);
    }
    kw_limiter_free(limiter);
}

/* A failure policy that answered in the place of the server knows no numbers. */
static void nobody_was_asked(void **state) {
    (void)state;
    static const struct {
        kw_on_failure policy;
        const char *fields;
    } said[] = {{KW_ON_FAILURE_ALLOW, ""}, {KW_ON_FAILURE_DENY, "Retry-After: 1\r\n"}};
    kw_client *absent = NULL;
    no_failure(kw_client_open("redis://127.0.0.1:1", NULL, &absent, &error));
    for (size_t i = 0; i < sizeof said / sizeof said[0]; i++) {
        kw_limiter_options options = {.size = sizeof options, .on_failure = (int32_t)said[i].policy};
        kw_limiter *limiter = NULL;
        kw_decision decision;
        no_failure(kw_limiter_open(absent, "api", 3, "10/s; 100/h", &options, &limiter, &error));
        no_failure(kw_limiter_hit(limiter, "u", 1, 1, 0, &decision, &error));
        for (int32_t style = KW_HTTP_STYLE_DRAFT_11; style <= KW_HTTP_STYLE_BOTH; style++) {
            assert_string_equal(fields_of(limiter, &decision, style), said[i].fields);
        }
        if (decision.status == KW_DENIED) {
            no_failure(kw_limiter_http_problem(limiter, &decision, fields, sizeof fields, &length, &error));
            assert_non_null(strstr(fields, "\"about:blank\""));
            assert_non_null(strstr(fields, "\"status\":503"));
        }
        kw_limiter_free(limiter);
    }
    kw_client_free(absent);
}

static void any_name(void **state) {
    (void)state;
    kw_limiter *limiter = open_limiter("a\"\r\n\xC3\xA9", "1/s", (kw_limiter_options){0});
    kw_decision decision = peek(limiter, 0);
    assert_string_equal(fields_of(limiter, &decision, 0), "RateLimit-Policy: \"a\\\"%0D%0A%C3%A9\";q=1;w=1\r\n"
                                                          "RateLimit: \"a\\\"%0D%0A%C3%A9\";r=1\r\n");
    kw_limiter_free(limiter);
}

static void told(kw_status status, kw_reason reason, const char *says) {
    assert_int_equal(status, KW_INVALID);
    assert_int_equal(error.reason, reason);
    if (strstr(error.message, says) == NULL) fail_msg("\"%s\" does not say \"%s\"", error.message, says);
    assert_string_equal(fields, "");
    assert_int_equal(length, 0);
}

static void bad_arguments(void **state) {
    (void)state;
    kw_limiter *limiter = gcra("10/s");
    kw_decision decision = hit(limiter, 1), none = {0};
    char long_key[65] = {0};
    size_t room = sizeof fields;
    told(kw_limiter_http_fields(NULL, &decision, "", 0, 0, fields, room, &length, &error), KW_REASON_NULL_HANDLE,
         "limiter");
    told(kw_limiter_http_fields(limiter, NULL, "", 0, 0, fields, room, &length, &error), KW_REASON_NULL_ARGUMENT,
         "decision");
    told(kw_limiter_http_fields(limiter, &decision, NULL, 3, 0, fields, room, &length, &error), KW_REASON_NULL_ARGUMENT,
         "partition");
    told(kw_limiter_http_fields(limiter, &decision, long_key, 65, 0, fields, room, &length, &error), KW_REASON_RANGE,
         "partition has 65 bytes");
    told(kw_limiter_http_fields(limiter, &decision, "", 0, 9, fields, room, &length, &error), KW_REASON_OPTION,
         "style is 9");
    told(kw_limiter_http_fields(limiter, &none, "", 0, 0, fields, room, &length, &error), KW_REASON_DECISION,
         "did not make");
    told(kw_limiter_http_problem(NULL, &decision, fields, room, &length, &error), KW_REASON_NULL_HANDLE, "limiter");
    told(kw_limiter_http_problem(limiter, &decision, fields, room, &length, &error), KW_REASON_DECISION, "a yes");
    told(kw_limiter_http_fields(limiter, &decision, "", 0, 0, fields, 20, &length, &error), KW_REASON_RANGE,
         "fields_capacity is 20");
    assert_int_equal(kw_limiter_http_fields(limiter, &decision, "", 0, 0, NULL, 5, &length, &error), KW_INVALID);
    assert_int_equal(kw_limiter_http_fields(limiter, &decision, "", 0, 0, fields, room, NULL, &error), KW_INVALID);
    assert_int_equal(kw_limiter_http_fields(limiter, &decision, "", 0, 9, fields, room, &length, NULL), KW_INVALID);
    kw_limiter_free(limiter);
}

/* Nothing is sent, so it also tells of decisions whose client is closed. */
static void after_close(void **state) {
    (void)state;
    kw_client *other = NULL;
    kw_limiter *limiter = NULL;
    kw_decision decision;
    no_failure(kw_client_open(server.url, NULL, &other, &error));
    no_failure(kw_limiter_open(other, "api", 3, "10/s", NULL, &limiter, &error));
    no_failure(kw_limiter_hit(limiter, "u", 1, 1, 0, &decision, &error));
    no_failure(kw_client_close(other, 0, &error));
    assert_non_null(strstr(fields_of(limiter, &decision, 0), "r=9"));
    kw_limiter_free(limiter);
    kw_client_free(other);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        limiter_test(of_gcra),          limiter_test(of_a_window),   limiter_test(retry_after_is_enough),
        limiter_test(any_name),         limiter_test(bad_arguments), limiter_test(after_close),
        limiter_test(nobody_was_asked),
    };
    return test_run(open_server, close_server);
}
