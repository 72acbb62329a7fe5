/* Taking a URL apart: what good ones mean, and what is said about bad ones. */
#include "redis/url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "base/memory.h"
#include "redis/extra_scheme.h"
#include "support/test.h"

#define LONG_64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static kw_status parse(const char *text, kw__url *url, kw_error *error) {
    memset(error, 0x5A, sizeof *error);
    kw_status status = kw__url_parse(text, NULL, url, error);
    if (status != KW_OK) {
        static const kw__url empty;
        assert_memory_equal(url, &empty, sizeof empty);
        assert_int_equal(error->code, status);
        assert_true(strlen(error->message) > 20);
    }
    return status;
}

static kw__url parse_good(const char *text) {
    kw__url url;
    kw_error error;
    if (parse(text, &url, &error) != KW_OK) fail_msg("%s: %s (at %d)", text, error.message, (int)error.position);
    return url;
}

static void expect_text(const char *what, const char *got, const char *expected) {
    if ((got == NULL) != (expected == NULL) || (got != NULL && strcmp(got, expected) != 0))
        fail_msg("%s: %s instead of %s", what, got != NULL ? got : "NULL", expected != NULL ? expected : "NULL");
}

/* `name` is the host, the path or the directory. */
static const struct good {
    const char *url;
    kw__address_kind kind;
    const char *name;
    int port;
    const char *user;
    const char *password;
    int database;
    const char *shown;
} good[] = {
    {"redis://localhost", KW__ADDRESS_TCP, "localhost", 6379, NULL, NULL, 0, "redis://localhost:6379"},
    {"redis://localhost/", KW__ADDRESS_TCP, "localhost", 6379, NULL, NULL, 0, "redis://localhost:6379"},
    {"redis://localhost?", KW__ADDRESS_TCP, "localhost", 6379, NULL, NULL, 0, "redis://localhost:6379"},
    {"valkey://cache.example.com:1/15", KW__ADDRESS_TCP, "cache.example.com", 1, NULL, NULL, 15,
     "valkey://cache.example.com:1/15"},
    {"REDIS://10.0.0.1:65535", KW__ADDRESS_TCP, "10.0.0.1", 65535, NULL, NULL, 0, "redis://10.0.0.1:65535"},
    {"redis://my_host-1", KW__ADDRESS_TCP, "my_host-1", 6379, NULL, NULL, 0, "redis://my_host-1:6379"},
    {"redis://h/2147483647", KW__ADDRESS_TCP, "h", 6379, NULL, NULL, 2147483647, "redis://h:6379/2147483647"},
    {"redis://h?database=3", KW__ADDRESS_TCP, "h", 6379, NULL, NULL, 3, "redis://h:6379/3"},
    {"redis://h/?database=3", KW__ADDRESS_TCP, "h", 6379, NULL, NULL, 3, "redis://h:6379/3"},
    {"redis://[::1]", KW__ADDRESS_TCP, "::1", 6379, NULL, NULL, 0, "redis://[::1]:6379"},
    {"redis://[2001:db8::7]:7000/1", KW__ADDRESS_TCP, "2001:db8::7", 7000, NULL, NULL, 1,
     "redis://[2001:db8::7]:7000/1"},
    {"redis://[fe80::1%25eth0]", KW__ADDRESS_TCP, "fe80::1%eth0", 6379, NULL, NULL, 0, "redis://[fe80::1%25eth0]:6379"},
    {"redis://ann:s3cret@h", KW__ADDRESS_TCP, "h", 6379, "ann", "s3cret", 0, "redis://h:6379"},
    {"redis://:s3cret@[::1]:7000", KW__ADDRESS_TCP, "::1", 7000, NULL, "s3cret", 0, "redis://[::1]:7000"},
    {"redis://a%40b:%3a%2F%3f%23%25%40@h", KW__ADDRESS_TCP, "h", 6379, "a@b", ":/?#%@", 0, "redis://h:6379"},
    {"redis://ann:s3:cret@h", KW__ADDRESS_TCP, "h", 6379, "ann", "s3:cret", 0, "redis://h:6379"},
    {"redis://:%C3%A9+%FF@h", KW__ADDRESS_TCP, "h", 6379, NULL, "\xC3\xA9+\xFF", 0, "redis://h:6379"},
    {"unix:///run/redis.sock", KW__ADDRESS_UNIX, "/run/redis.sock", 0, NULL, NULL, 0, "unix:///run/redis.sock"},
    {"unix:///run/a%20b@%C3%A9?database=2", KW__ADDRESS_UNIX, "/run/a b@\xC3\xA9", 0, NULL, NULL, 2,
     "unix:///run/a%20b%40%C3%A9?database=2"},
    {"unix://ann:s3cret@/run/x", KW__ADDRESS_UNIX, "/run/x", 0, "ann", "s3cret", 0, "unix:///run/x"},
    {"embedded://", KW__ADDRESS_EMBEDDED, NULL, 0, NULL, NULL, 0, "embedded://"},
    {"embedded://?database=1", KW__ADDRESS_EMBEDDED, NULL, 0, NULL, NULL, 1, "embedded://?database=1"},
    {"embedded:///data%2F/", KW__ADDRESS_EMBEDDED, "/data", 0, NULL, NULL, 0, "embedded:///data"},
    {"embedded:///var/lib/my%20app//", KW__ADDRESS_EMBEDDED, "/var/lib/my app", 0, NULL, NULL, 0,
     "embedded:///var/lib/my%20app"},
};

static void good_urls_are_taken_apart(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        kw__url url = parse_good(good[i].url);
        assert_int_equal(url.kind, good[i].kind);
        const char *name = url.kind == KW__ADDRESS_TCP    ? url.host
                           : url.kind == KW__ADDRESS_UNIX ? url.path
                                                          : url.directory;
        expect_text(good[i].url, name, good[i].name);
        expect_text(good[i].url, url.user, good[i].user);
        expect_text(good[i].url, url.password, good[i].password);
        expect_text(good[i].url, url.shown, good[i].shown);
        assert_int_equal(url.port, good[i].port);
        assert_int_equal(url.database, good[i].database);
        kw__url_free(&url);
    }
}

static void what_is_shown_is_a_url_of_the_same_place(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        kw__url url = parse_good(good[i].shown);
        assert_string_equal(url.shown, good[i].shown);
        assert_int_equal(url.database, good[i].database);
        kw__url_free(&url);
    }
}

/* A bar stands before the byte that is to be pointed at; it is no part of the URL. */
static const struct bad {
    const char *url;
    kw_reason reason;
    const char *says;
} bad[] = {
    {"|", KW_REASON_URL_SCHEME, "must begin with redis://"},
    {"|localhost:6379", KW_REASON_URL_SCHEME, "must begin with redis://"},
    {"|http://localhost", KW_REASON_URL_SCHEME, "must begin with redis://"},
    {"|redis:/localhost", KW_REASON_URL_SCHEME, "must begin with redis://"},
    {"| redis://localhost", KW_REASON_URL_SCHEME, "must begin with redis://"},
    {"|redis:s3cret@h", KW_REASON_URL_SCHEME, "must begin with redis://"},

    {"redis://|", KW_REASON_URL_SYNTAX, "redis://localhost"},
    {"valkey://|/1", KW_REASON_URL_SYNTAX, "valkey://localhost"},
    {"redis://|:6379", KW_REASON_URL_SYNTAX, "no host"},
    {"redis://:s3cret@|", KW_REASON_URL_SYNTAX, "no host"},
    {"redis://a|,b", KW_REASON_URL_SYNTAX, "host name"},
    {"redis://a|%20b", KW_REASON_URL_SYNTAX, "host name"},
    {"redis://h|\xC3\xA9", KW_REASON_URL_SYNTAX, "host name"},
    {"redis://" LONG_64 LONG_64 LONG_64 "0123456789012345678901234567890123456789012345678901234567890|123",
     KW_REASON_URL_SYNTAX, "253"},
    {"redis://:|:1", KW_REASON_URL_SYNTAX, "brackets"},
    {"redis://2001:db8|::7", KW_REASON_URL_SYNTAX, "brackets"},
    {"redis://h:1|:s3cret", KW_REASON_URL_SYNTAX, "put an @ behind"},
    {"redis://|[::1", KW_REASON_URL_SYNTAX, "not closed"},
    {"redis://[|]", KW_REASON_URL_SYNTAX, "[::1]"},
    {"redis://[|localhost]", KW_REASON_URL_SYNTAX, "[::1]"},
    {"redis://[|fe80::1%25]", KW_REASON_URL_SYNTAX, "eth0"},
    {"redis://[fe80::1|%eth0]", KW_REASON_URL_SYNTAX, "%25"},
    {"redis://[::1]|x", KW_REASON_URL_SYNTAX, "after the bracket"},

    {"redis://h:|", KW_REASON_URL_SYNTAX, "the port must be a number from 1 to 65535"},
    {"redis://h:|port", KW_REASON_URL_SYNTAX, "the port"},
    {"redis://h:63|x79", KW_REASON_URL_SYNTAX, "the port"},
    {"redis://h:|-1", KW_REASON_URL_SYNTAX, "the port"},
    {"redis://h:|0", KW_REASON_RANGE, "between 1 and 65535"},
    {"redis://h:|65536", KW_REASON_RANGE, "between 1 and 65535"},
    {"redis://h:|99999999999999999999999", KW_REASON_RANGE, "between 1 and 65535"},
    {"redis://ann:|s3cret", KW_REASON_URL_SYNTAX, "the port"},

    {"redis://h/|x", KW_REASON_URL_SYNTAX, "the database"},
    {"redis://h/1|/2", KW_REASON_URL_SYNTAX, "the database"},
    {"redis://h/|-1", KW_REASON_URL_SYNTAX, "the database"},
    {"redis://h/|2147483648", KW_REASON_RANGE, "2147483647"},

    {"redis://ann|@h", KW_REASON_URL_SYNTAX, "user:password@"},
    {"redis://|@h", KW_REASON_URL_SYNTAX, "user:password@"},
    {"redis://:|@h", KW_REASON_URL_SYNTAX, "password is empty"},
    {"redis://ann:|@h", KW_REASON_URL_SYNTAX, "password is empty"},
    {"redis://:s3|@cret@h", KW_REASON_URL_SYNTAX, "%40"},
    {"redis://:s3|/cret@h", KW_REASON_URL_SYNTAX, "%2F"},
    {"redis://:s3|?cret@h", KW_REASON_URL_SYNTAX, "%3F"},
    {"redis://:s3|#cret@h", KW_REASON_URL_SYNTAX, "%23"},
    {"redis://:s3| cret@h", KW_REASON_URL_SYNTAX, "%20"},
    {"redis://:s3|%cret@h", KW_REASON_URL_SYNTAX, "%25"},
    {"redis://:s3cret|%2@h", KW_REASON_URL_SYNTAX, "%25"},
    {"redis://:s3cret|%@h", KW_REASON_URL_SYNTAX, "%25"},
    {"redis://:s3|%00cret@h", KW_REASON_URL_SYNTAX, "NUL"},
    {"redis://a|%00:s3cret@h", KW_REASON_URL_SYNTAX, "NUL"},
    {"redis://h|\n", KW_REASON_URL_SYNTAX, "line end"},
    {"redis://h|\x7F", KW_REASON_URL_SYNTAX, "control"},

    {"unix://|", KW_REASON_URL_SYNTAX, "unix:///path"},
    {"unix://|/", KW_REASON_URL_SYNTAX, "unix:///path"},
    {"unix://|run/redis.sock", KW_REASON_URL_SYNTAX, "absolute"},
    {"unix://|?database=1", KW_REASON_URL_SYNTAX, "absolute"},
    {"unix://:s3cret@|", KW_REASON_URL_SYNTAX, "absolute"},
    {"unix://ann|@/run/x", KW_REASON_URL_SYNTAX, "user:password@"},
    {"unix:///run/|%00", KW_REASON_URL_SYNTAX, "NUL"},
    {"unix:///run/|%zz", KW_REASON_URL_SYNTAX, "%25"},

    {"embedded://|data", KW_REASON_URL_SYNTAX, "embedded:///absolute/directory"},
    {"embedded://|:s3cret@/data", KW_REASON_URL_SYNTAX, "no host, user or password"},
    {"embedded://|/", KW_REASON_URL_SYNTAX, "root directory"},
    {"embedded://|/%2F", KW_REASON_URL_SYNTAX, "root directory"},
    {"embedded://|///", KW_REASON_URL_SYNTAX, "root directory"},
    {"embedded:///a|%00", KW_REASON_URL_SYNTAX, "NUL"},

    {"redis://h?|colour=red", KW_REASON_URL_OPTION, "database, client_name, prefix, timeout, connect_timeout"},
    {"redis://h?|Timeout=1s", KW_REASON_URL_OPTION, "max_in_flight, server_path"},
    {"redis://h?|password=s3cret", KW_REASON_URL_OPTION, "user:password@"},
    {"redis://h?|=1", KW_REASON_URL_OPTION, "use one of"},
    {"redis://h?timeout|", KW_REASON_URL_OPTION, "write timeout="},
    {"redis://h?prefix=a&|prefix=b", KW_REASON_URL_OPTION, "twice"},
    {"redis://h/1?|database=1", KW_REASON_URL_OPTION, "twice (it can stand behind the host too)"},
    {"redis://h?|&prefix=a", KW_REASON_URL_OPTION, "leave it out"},
    {"redis://h?prefix=a|&", KW_REASON_URL_OPTION, "leave it out"},
    {"redis://h?prefix=a&|&timeout=1s", KW_REASON_URL_OPTION, "leave it out"},
    {"redis://h?|server_path=/x", KW_REASON_URL_OPTION, "embedded:// only"},
    {"embedded://?server_path=|", KW_REASON_URL_OPTION, "empty"},

    {"redis://h?database=|", KW_REASON_URL_OPTION, "database must be a number"},
    {"redis://h?database=|x", KW_REASON_URL_OPTION, "database must be a number"},
    {"redis://h?database=|2147483648", KW_REASON_URL_OPTION, "2147483647"},
    {"redis://h?protocol=|1", KW_REASON_URL_OPTION, "between 2 and 3"},
    {"redis://h?protocol=|resp3", KW_REASON_URL_OPTION, "from 2 to 3"},
    {"redis://h?max_in_flight=|0", KW_REASON_URL_OPTION, "between 1 and 1048576"},
    {"redis://h?max_in_flight=|1048577", KW_REASON_URL_OPTION, "between 1 and 1048576"},

    {"redis://h?timeout=5|", KW_REASON_URL_OPTION, "timeout has no unit"},
    {"redis://h?connect_timeout=5|&prefix=a", KW_REASON_URL_OPTION, "connect_timeout has no unit"},
    {"redis://h?timeout=|", KW_REASON_URL_OPTION, "250ms or 2s"},
    {"redis://h?timeout=|s", KW_REASON_URL_OPTION, "250ms or 2s"},
    {"redis://h?timeout=|-1s", KW_REASON_URL_OPTION, "250ms or 2s"},
    {"redis://h?timeout=1|.5s", KW_REASON_URL_OPTION, "1500ms"},
    {"redis://h?timeout=5|S", KW_REASON_URL_OPTION, "us, ms, s, m or h"},
    {"redis://h?timeout=5|sec", KW_REASON_URL_OPTION, "us, ms, s, m or h"},
    {"redis://h?timeout=|0ms", KW_REASON_URL_OPTION, "more than zero"},
    {"redis://h?timeout=|9223372036854775807us", KW_REASON_URL_OPTION, "too long"},
    {"redis://h?timeout=|9223372036855s", KW_REASON_URL_OPTION, "too long"},
    {"redis://h?timeout=|99999999999999999999s", KW_REASON_URL_OPTION, "too long"},

    {"redis://h?prefix=|", KW_REASON_URL_OPTION, "empty"},
    {"redis://h?prefix=a|:b", KW_REASON_URL_OPTION, "braces and colons"},
    {"redis://h?prefix=a%20|%7B", KW_REASON_URL_OPTION, "braces and colons"},
    {"redis://h?prefix=%41a|}", KW_REASON_URL_OPTION, "braces and colons"},
    {"redis://h?prefix=" LONG_64 "|x", KW_REASON_URL_OPTION, "64 bytes"},
    {"redis://h?prefix=a|%00", KW_REASON_URL_SYNTAX, "NUL"},
    {"redis://h?client_name=|", KW_REASON_URL_OPTION, "empty"},
    {"redis://h?client_name=a|%20b", KW_REASON_URL_OPTION, "without spaces"},
    {"redis://h?client_name=a|\xC3\xA9", KW_REASON_URL_OPTION, "ASCII"},
    {"redis://h?client_name=a|%0a", KW_REASON_URL_OPTION, "ASCII"},
    {"redis://h?client_name=a|%7F", KW_REASON_URL_OPTION, "ASCII"},
    {"redis://h?client_name=" LONG_64 "|x", KW_REASON_URL_OPTION, "64 bytes"},
};

static void bad_urls_are_refused_with_reason_and_position(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char text[512];
        size_t position = strcspn(bad[i].url, "|");
        snprintf(text, sizeof text, "%.*s%s", (int)position, bad[i].url, bad[i].url + position + 1);
        kw__url url;
        kw_error error;
        assert_int_equal(parse(text, &url, &error), KW_INVALID);
        if (error.reason != bad[i].reason || error.position != (int64_t)position ||
            strstr(error.message, bad[i].says) == NULL)
            fail_msg("%s: reason %d at %d, \"%s\"", bad[i].url, (int)error.reason, (int)error.position, error.message);
        assert_null(strstr(error.message, "s3"));
        assert_null(strstr(error.message, "cret"));
    }
}

static void null_is_refused(void **state) {
    (void)state;
    kw__url url;
    kw_error error;
    assert_int_equal(parse(NULL, &url, &error), KW_INVALID);
    assert_int_equal(error.reason, KW_REASON_NULL_ARGUMENT);
    assert_int_equal(kw__url_parse("redis://", NULL, &url, NULL), KW_INVALID);
}

static void a_socket_path_fits_its_address(void **state) {
    (void)state;
    enum { MOST = sizeof(((struct sockaddr_un *)0)->sun_path) - 1 };
    char text[256] = "unix:///%61";
    size_t prefix = strlen(text);
    memset(text + prefix, 'x', MOST - 2);
    kw__url url = parse_good(text);
    assert_int_equal(strlen(url.path), MOST);
    kw__url_free(&url);
    text[prefix + MOST - 2] = 'x';
    kw_error error;
    assert_int_equal(parse(text, &url, &error), KW_INVALID);
    assert_int_equal(error.position, prefix + MOST - 2);
    assert_non_null(strstr(error.message, "symbolic link"));
}

static void the_query_sets_the_options(void **state) {
    (void)state;
    kw__url url = parse_good("redis://h?client_name=web-1&prefix=my%20app&timeout=250ms&connect_timeout=1m&protocol=2&"
                             "max_in_flight=7");
    assert_string_equal(url.client_name, "web-1");
    assert_string_equal(url.prefix, "my app");
    assert_int_equal(url.timeout_us, 250000);
    assert_int_equal(url.connect_timeout_us, 60000000);
    assert_int_equal(url.protocol, 2);
    assert_int_equal(url.max_in_flight, 7);
    kw__url_free(&url);

    url = parse_good(
        "embedded:///d?server_path=/opt/my%20redis/redis-server&timeout=500us&connect_timeout=2h&protocol=3");
    assert_string_equal(url.server_path, "/opt/my redis/redis-server");
    assert_int_equal(url.timeout_us, 500);
    assert_int_equal(url.connect_timeout_us, INT64_C(7200000000));
    assert_int_equal(url.protocol, 3);
    kw__url_free(&url);

    url = parse_good("redis://h?prefix=" LONG_64 "&client_name=" LONG_64 "&timeout=2s");
    assert_string_equal(url.prefix, LONG_64);
    assert_string_equal(url.client_name, LONG_64);
    assert_int_equal(url.timeout_us, 2000000);
    kw__url_free(&url);
}

static void what_nobody_says_has_its_default(void **state) {
    (void)state;
    kw__url url = parse_good("redis://h");
    assert_string_equal(url.client_name, "keywright");
    assert_string_equal(url.prefix, "kw");
    assert_int_equal(url.timeout_us, 5000000);
    assert_int_equal(url.connect_timeout_us, 5000000);
    assert_int_equal(url.protocol, 0);
    assert_int_equal(url.max_in_flight, 16384);
    assert_null(url.server_path);
    kw__url_free(&url);
}

static const kw_client_options full_options = {
    .size = sizeof(kw_client_options),
    .client_name = "name",
    .prefix = "prefix",
    .timeout_us = 1,
    .connect_timeout_us = INT64_MAX,
    .max_in_flight = 2,
    .server_path = "/server",
};

static void the_url_comes_before_the_options(void **state) {
    (void)state;
    kw__url url;
    assert_int_equal(kw__url_parse("embedded://", &full_options, &url, NULL), KW_OK);
    assert_string_equal(url.client_name, "name");
    assert_string_equal(url.prefix, "prefix");
    assert_int_equal(url.timeout_us, 1);
    assert_int_equal(url.connect_timeout_us, INT64_MAX);
    assert_int_equal(url.max_in_flight, 2);
    assert_string_equal(url.server_path, "/server");
    kw__url_free(&url);

    static const char text[] = "embedded://?client_name=a&prefix=b&timeout=3us&connect_timeout=4us&max_in_flight=5&"
                               "server_path=/c";
    assert_int_equal(kw__url_parse(text, &full_options, &url, NULL), KW_OK);
    assert_string_equal(url.client_name, "a");
    assert_string_equal(url.prefix, "b");
    assert_int_equal(url.timeout_us, 3);
    assert_int_equal(url.connect_timeout_us, 4);
    assert_int_equal(url.max_in_flight, 5);
    assert_string_equal(url.server_path, "/c");
    kw__url_free(&url);
}

#define HAS(field) (size >= offsetof(kw_client_options, field) + sizeof full_options.field)

/* Programs compiled against another header give another size: every byte past it is not theirs. */
static void no_field_past_the_size_is_read(void **state) {
    (void)state;
    for (uint32_t size = sizeof(uint32_t); size <= sizeof full_options; size++) {
        kw_client_options *options = malloc(size); /* exactly: a sanitizer sees a read past it */
        assert_non_null(options);
        memcpy(options, &full_options, size);
        memcpy(options, &size, sizeof size);
        kw__url url;
        assert_int_equal(kw__url_parse("embedded://", options, &url, NULL), KW_OK);
        assert_string_equal(url.client_name, HAS(client_name) ? "name" : "keywright");
        assert_string_equal(url.prefix, HAS(prefix) ? "prefix" : "kw");
        assert_int_equal(url.timeout_us, HAS(timeout_us) ? 1 : 5000000);
        assert_int_equal(url.connect_timeout_us, HAS(connect_timeout_us) ? INT64_MAX : 5000000);
        assert_int_equal(url.max_in_flight, HAS(max_in_flight) ? 2 : 16384);
        expect_text("server_path", url.server_path, HAS(server_path) ? "/server" : NULL);
        kw__url_free(&url);
        free(options);
    }
}

static void expect_option(kw_client_options options, kw_reason reason, int64_t position, const char *says) {
    options.size = sizeof options;
    kw__url url;
    kw_error error;
    assert_int_equal(kw__url_parse("embedded://", &options, &url, &error), KW_INVALID);
    assert_int_equal(error.reason, reason);
    assert_int_equal(error.position, position);
    if (strstr(error.message, says) == NULL) fail_msg("\"%s\" does not say \"%s\"", error.message, says);
}

static void bad_options_are_refused(void **state) {
    (void)state;
    expect_option((kw_client_options){.flags = 1}, KW_REASON_OPTION, -1, "flags");
    expect_option((kw_client_options){.timeout_us = -1}, KW_REASON_TIMEOUT, -1, "timeout_us");
    expect_option((kw_client_options){.connect_timeout_us = -1}, KW_REASON_TIMEOUT, -1, "connect_timeout_us");
    expect_option((kw_client_options){.max_in_flight = -1}, KW_REASON_OPTION, -1, "max_in_flight");
    expect_option((kw_client_options){.max_in_flight = 1048577}, KW_REASON_OPTION, -1, "1048576");
    expect_option((kw_client_options){.prefix = ""}, KW_REASON_TEXT_LENGTH, -1, "prefix");
    expect_option((kw_client_options){.prefix = LONG_64 "x"}, KW_REASON_TEXT_LENGTH, -1, "64");
    expect_option((kw_client_options){.prefix = "ab{"}, KW_REASON_OPTION, 2, "braces");
    expect_option((kw_client_options){.client_name = "a b"}, KW_REASON_OPTION, 1, "without spaces");
    expect_option((kw_client_options){.client_name = ""}, KW_REASON_TEXT_LENGTH, -1, "client_name");
    expect_option((kw_client_options){.server_path = ""}, KW_REASON_TEXT_LENGTH, -1, "server_path");
}

/* One slip anywhere: a byte put in, left out or replaced. No message and nothing shown may hold a piece of the
 * password. */
static void no_slip_shows_the_password(void **state) {
    (void)state;
    static const char text[] = "redis://ann:ZZZZZZ@host:6379/1?timeout=1s&prefix=a";
    static const char slips[] = ":/?#@%[]&= \x01{}0a";
    for (size_t at = 0; at < sizeof text; at++) {
        for (size_t slip = 0; slip < sizeof slips; slip++) {
            for (int replaces = 0; replaces < 2; replaces++) {
                char broken[128];
                size_t rest = at + (size_t)replaces < sizeof text ? at + (size_t)replaces : sizeof text - 1;
                snprintf(broken, sizeof broken, "%.*s%.1s%s", (int)at, text, slips + slip, text + rest);
                kw__url url;
                kw_error error;
                kw_status status = parse(broken, &url, &error);
                const char *told = status == KW_OK ? url.shown : error.message;
                if (strstr(told, "ZZ") != NULL) fail_msg("%s: %s", broken, told);
                kw__url_free(&url);
            }
        }
    }
}

static void the_scheme_of_the_tests_takes_options_alone(void **state) {
    (void)state;
    if (kw__extra_scheme_of_tests == NULL) test_skip("the released library has no scheme for tests");
    char text[128];
    snprintf(text, sizeof text, "%s://?prefix=a", kw__extra_scheme_of_tests->name);
    kw__url url = parse_good(text);
    assert_int_equal(url.kind, KW__ADDRESS_EXTRA);
    assert_string_equal(url.prefix, "a");
    kw__url_free(&url);
    snprintf(text, sizeof text, "%s://host", kw__extra_scheme_of_tests->name);
    kw_error error;
    assert_int_equal(parse(text, &url, &error), KW_INVALID);
    assert_int_equal(error.reason, KW_REASON_URL_SYNTAX);
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    static const char *const texts[] = {
        "redis://ann:s3cret@h:1/2?prefix=a&client_name=b",
        "unix://:s3cret@/run/x",
        "embedded:///dir?server_path=/x",
        "redis://[fe80::1%25eth0]",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        kw_status status = KW_NO_MEMORY;
        for (uint64_t n = 1; status != KW_OK; n++) {
            kw__url url;
            kw_error error;
            kw__memory_fail_at(n, false);
            status = parse(texts[i], &url, &error);
            kw__memory_fail_at(0, false);
            if (status != KW_OK)
                assert_int_equal(status, KW_NO_MEMORY);
            else
                assert_true(n > 4);
            kw__url_free(&url);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_urls_are_taken_apart),
        cmocka_unit_test(what_is_shown_is_a_url_of_the_same_place),
        cmocka_unit_test(bad_urls_are_refused_with_reason_and_position),
        cmocka_unit_test(null_is_refused),
        cmocka_unit_test(a_socket_path_fits_its_address),
        cmocka_unit_test(the_query_sets_the_options),
        cmocka_unit_test(what_nobody_says_has_its_default),
        cmocka_unit_test(the_url_comes_before_the_options),
        cmocka_unit_test(no_field_past_the_size_is_read),
        cmocka_unit_test(bad_options_are_refused),
        cmocka_unit_test(no_slip_shows_the_password),
        cmocka_unit_test(the_scheme_of_the_tests_takes_options_alone),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return test_run(NULL, NULL);
}
