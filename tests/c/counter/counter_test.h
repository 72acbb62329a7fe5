/* What the tests of the counter share: a server, a client, and looking at a key as the server has it. */
#ifndef KW_COUNTER_TEST_H
#define KW_COUNTER_TEST_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keywright.h"
#include "support/clock.h"
#include "support/server.h"
#include "support/test.h"

#define SECOND INT64_C(1000000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define YEAR_2026 INT64_C(1767225600000000) /* a Thursday */
#define YEAR_2100 INT64_C(4102444800000000)

static struct test_server server;
static kw_client *client;
static kw_error error;

static inline int open_server(void **state) {
    (void)state;
    test_server_start(&server, NULL);
    return kw_client_open(server.url, NULL, &client, &error);
}

static inline int close_server(void **state) {
    (void)state;
    kw_client_free(client);
    test_server_stop(&server);
    return 0;
}

/* Before each test: no keys, the real time. */
static inline int clean(void **state) {
    (void)state;
    void *of_server = &server;
    return test_server_flush(&of_server);
}

#define counter_test(name) cmocka_unit_test_setup(name, clean)

/* The counter "hits"; zeroes are the defaults. */
static inline kw_counter *open_counter(kw_counter_options options) {
    kw_counter *counter = NULL;
    options.size = sizeof options;
    kw_status status = kw_counter_open(client, "hits", 4, &options, &counter, &error);
    if (status != KW_OK) fail_msg("%s", error.message);
    return counter;
}

static inline void no_failure(kw_status status) {
    if (status < 0) fail_msg("%s: %s %s", kw_status_name(status), error.message, error.server);
}

/* All on the key "k". */
static inline kw_count add(kw_counter *counter, int64_t amount) {
    kw_count count;
    kw_status status = kw_counter_add(counter, "k", 1, amount, KW_DEFAULT_TIMEOUT, &count, &error);
    no_failure(status);
    assert_int_equal(count.status, status);
    return count;
}

static inline kw_count add_once(kw_counter *counter, int64_t amount, const char *once) {
    kw_count count;
    kw_status status =
        kw_counter_add_once(counter, "k", 1, once, strlen(once), amount, KW_DEFAULT_TIMEOUT, &count, &error);
    no_failure(status);
    assert_int_equal(count.status, status);
    return count;
}

static inline kw_count value(kw_counter *counter) {
    kw_count count;
    kw_status status = kw_counter_value(counter, "k", 1, KW_DEFAULT_TIMEOUT, &count, &error);
    no_failure(status);
    assert_int_equal(count.status, status);
    return count;
}

static inline kw_count take(kw_counter *counter) {
    kw_count count;
    no_failure(kw_counter_take(counter, "k", 1, KW_DEFAULT_TIMEOUT, &count, &error));
    return count;
}

static inline kw_count take_once(kw_counter *counter, const char *once) {
    kw_count count;
    kw_status status = kw_counter_take_once(counter, "k", 1, once, strlen(once), KW_DEFAULT_TIMEOUT, &count, &error);
    no_failure(status);
    assert_int_equal(count.status, status);
    return count;
}

static inline void counted(kw_count count, kw_status status, int64_t value, int64_t applied) {
    assert_int_equal(count.status, status);
    assert_int_equal(count.value, value);
    assert_int_equal(count.applied, applied);
}

/* A command of the test's own; the reply is kept until the next one. */
#define ask(...) ask_server(test_server_command(&server, __VA_ARGS__, (char *)NULL))

static inline const char *ask_server(char *reply) {
    static char kept[65536];
    snprintf(kept, sizeof kept, "%s", reply);
    free(reply);
    return kept;
}

#endif
