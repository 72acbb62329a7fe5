/* URLs that ask for TLS, and the options that belong to it. */
#include "redis/url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "support/test.h"

#define LONG_64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static kw_error error;

static kw__url parse_good(const char *text) {
    kw__url url;
    if (kw__url_parse(text, NULL, &url, &error) != KW_OK)
        fail_msg("%s: %s (at %d)", text, error.message, (int)error.position);
    return url;
}

static void expect_text(const char *what, const char *got, const char *expected) {
    if ((got == NULL) != (expected == NULL) || (got != NULL && strcmp(got, expected) != 0))
        fail_msg("%s: %s instead of %s", what, got != NULL ? got : "NULL", expected != NULL ? expected : "NULL");
}

/* A bar stands before the byte that is to be pointed at; it is no part of the URL. */
struct bad {
    const char *url;
    const char *says;
};

static void expect_bad(const struct bad *bad) {
    char text[512];
    size_t position = strcspn(bad->url, "|");
    snprintf(text, sizeof text, "%.*s%s", (int)position, bad->url, bad->url + position + 1);
    kw__url url;
    assert_int_equal(kw__url_parse(text, NULL, &url, &error), KW_INVALID);
    if (error.reason != KW_REASON_URL_OPTION || error.position != (int64_t)position ||
        strstr(error.message, bad->says) == NULL)
        fail_msg("%s: reason %d at %d, \"%s\"", bad->url, (int)error.reason, (int)error.position, error.message);
}

/* A build without TLS says so, and what to do. */
static bool has_tls(void) {
    kw__url url;
    kw_status status = kw__url_parse("rediss://:s3cret@h", NULL, &url, &error);
    kw__url_free(&url);
    if (status == KW_OK) return true;
    assert_int_equal(status, KW_UNSUPPORTED);
    assert_int_equal(error.reason, KW_REASON_URL_SCHEME);
    assert_int_equal(error.position, 0);
    assert_non_null(strstr(error.message, "KEYWRIGHT_TLS=ON"));
    assert_null(strstr(error.message, "s3cret"));
    return false;
}

static void tls_is_asked_for_by_the_scheme(void **state) {
    (void)state;
    if (!has_tls()) test_skip("built without TLS");
    kw__url url = parse_good("redis://h");
    assert_null(url.tls);
    kw__url_free(&url);
    url = parse_good("rediss://ann:s3cret@cache.example.com/2");
    assert_int_equal(url.kind, KW__ADDRESS_TCP);
    assert_non_null(url.tls);
    assert_int_equal(url.verify, KW__VERIFY_FULL);
    expect_text("the name", url.server_name, "cache.example.com");
    expect_text("the CA", url.ca_file, NULL);
    expect_text("the certificate", url.cert_file, NULL);
    expect_text("what is shown", url.shown, "rediss://cache.example.com:6379/2");
    kw__url_free(&url);
    url = parse_good("VALKEYS://[fe80::1%25eth0]:1?ca=/etc/my%20ca&cert=/c&key=/k&server_name=a_b-c.d&verify=chain");
    expect_text("the CA", url.ca_file, "/etc/my ca");
    expect_text("the certificate", url.cert_file, "/c");
    expect_text("the key", url.key_file, "/k");
    expect_text("the name", url.server_name, "a_b-c.d");
    expect_text("what is shown", url.shown, "valkeys://[fe80::1%25eth0]:1");
    assert_int_equal(url.verify, KW__VERIFY_CHAIN);
    kw__url_free(&url);
    url = parse_good("rediss://h?cert=/c&verify=none&server_name=2001:db8::7");
    expect_text("the key", url.key_file, "/c"); /* in the same file */
    assert_int_equal(url.verify, KW__VERIFY_NONE);
    kw__url_free(&url);
}

static void options_of_tls_are_refused_with_position(void **state) {
    (void)state;
    static const struct bad cases[] = {
        {"rediss://h?ca=|", "empty"},
        {"rediss://h?ca=/x&|ca=/y", "twice"},
        {"rediss://h?|key=/k", "by cert="},
        {"rediss://h?timeout=1s&|key=/k&ca=/c", "by cert="},
        {"rediss://h?server_name=a|/b", "letters"},
        {"rediss://h?server_name=" LONG_64 LONG_64 LONG_64
         "0123456789012345678901234567890123456789012345678901234567890|123",
         "253"},
        {"rediss://h?verify=|", "full, chain or none"},
        {"rediss://h?verify=|Full", "full, chain or none"},
        {"rediss://h?verify=|no", "full, chain or none"},
        {"redis://h?|ca=/x", "rediss://"},
        {"redis://h?timeout=1s&|verify=none", "rediss://"},
        {"unix:///s?|server_name=a", "rediss://"},
        {"embedded://?|cert=/x", "rediss://"},
    };
    bool tls = has_tls();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (tls || strncmp(cases[i].url, "rediss", 6) != 0) expect_bad(&cases[i]);
    }
}

static void options_of_tls(void **state) {
    (void)state;
    if (!has_tls()) test_skip("built without TLS");
    kw_client_options options = {.size = sizeof options, .ca_file = "/a", .cert_file = "/c", .key_file = "/k"};
    options.server_name = "n";
    options.verify = "none";
    kw__url url;
    assert_int_equal(kw__url_parse("rediss://h", &options, &url, NULL), KW_OK);
    expect_text("the CA", url.ca_file, "/a");
    expect_text("the certificate", url.cert_file, "/c");
    expect_text("the key", url.key_file, "/k");
    expect_text("the name", url.server_name, "n");
    assert_int_equal(url.verify, KW__VERIFY_NONE);
    kw__url_free(&url);
    /* A certificate that the URL names does not take the key of another. */
    assert_int_equal(kw__url_parse("rediss://h?cert=/d&verify=full&server_name=m&ca=/b", &options, &url, NULL), KW_OK);
    expect_text("the CA", url.ca_file, "/b");
    expect_text("the certificate", url.cert_file, "/d");
    expect_text("the key", url.key_file, "/d");
    expect_text("the name", url.server_name, "m");
    assert_int_equal(url.verify, KW__VERIFY_FULL);
    kw__url_free(&url);
    /* They wait for a URL that asks for TLS. */
    assert_int_equal(kw__url_parse("redis://h", &options, &url, NULL), KW_OK);
    expect_text("the CA", url.ca_file, NULL);
    kw__url_free(&url);

    options.verify = "some";
    assert_int_equal(kw__url_parse("rediss://h", &options, &url, &error), KW_INVALID);
    assert_int_equal(error.reason, KW_REASON_OPTION);
    assert_non_null(strstr(error.message, "full, chain or none"));
    options.verify = NULL;
    options.cert_file = NULL;
    assert_int_equal(kw__url_parse("rediss://h", &options, &url, &error), KW_INVALID);
    assert_non_null(strstr(error.message, "set cert_file too"));
    options.key_file = NULL;
    options.ca_file = "";
    assert_int_equal(kw__url_parse("rediss://h", &options, &url, &error), KW_INVALID);
    assert_int_equal(error.reason, KW_REASON_TEXT_LENGTH);
    assert_non_null(strstr(error.message, "ca_file of kw_client_options is empty"));
    for (uint32_t size = sizeof(uint32_t); size <= sizeof options; size++) {
        kw_client_options *shorter = malloc(size);
        assert_non_null(shorter);
        options.ca_file = "/a";
        memcpy(shorter, &options, size);
        memcpy(shorter, &size, sizeof size);
        assert_int_equal(kw__url_parse("rediss://h", shorter, &url, NULL), KW_OK);
        assert_int_equal(url.ca_file != NULL, size >= offsetof(kw_client_options, cert_file));
        kw__url_free(&url);
        free(shorter);
    }
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    if (!has_tls()) test_skip("built without TLS");
    static const char *const texts[] = {
        "rediss://:s3cret@h?ca=/a&cert=/c&key=/k&server_name=n",
        "valkeys://h?cert=/c",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        kw_status status = KW_NO_MEMORY;
        for (uint64_t n = 1; status != KW_OK; n++) {
            kw__url url;
            kw__memory_fail_at(n, false);
            status = kw__url_parse(texts[i], NULL, &url, &error);
            kw__memory_fail_at(0, false);
            if (status != KW_OK)
                assert_int_equal(status, KW_NO_MEMORY);
            else
                assert_true(n > 6);
            kw__url_free(&url);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tls_is_asked_for_by_the_scheme),
        cmocka_unit_test(options_of_tls_are_refused_with_position),
        cmocka_unit_test(options_of_tls),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return test_run(NULL, NULL);
}
