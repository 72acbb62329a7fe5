/* What the tests of primitives share: a server, a client, and looking at keys as the server has them. */
#ifndef KW_TEST_FIXTURE_H
#define KW_TEST_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keywright.h"
#include "support/clock.h"
#include "support/server.h"
#include "support/test.h"
#include "support/wait.h"

#define SECOND INT64_C(1000000)
#define MINUTE (60 * SECOND)
#define DAY (86400 * SECOND)
#define YEAR_2026 INT64_C(1767225600000000)
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

#define clean_test(name) cmocka_unit_test_setup(name, clean)

static inline void no_failure(kw_status status) {
    if (status < 0) fail_msg("%s: %s %s", kw_status_name(status), error.message, error.server);
}

/* A command of the test's own; its reply is the test's until the next one of these. */
#define ask(...) remember(test_server_command(&server, __VA_ARGS__, (char *)NULL))

static inline void keep(char *out, size_t size, const char *text) {
    size_t length = strlen(text);
    assert_true(length < size);
    memcpy(out, text, length + 1);
}

static inline const char *remember(char *reply) {
    static char kept[4096];
    keep(kept, sizeof kept, reply);
    free(reply);
    return kept;
}

static inline long long number(const char *reply) {
    return strtoll(reply, NULL, 10);
}

/* Value and TTL of a key in one text, to see that both are as they were. The clock must stand. */
static inline void picture(const char *key, char out[128]) {
    keep(out, 64, ask("GET", key));
    strcat(out, " ");
    keep(out + strlen(out), 32, ask("PTTL", key));
}

/* Every key has an expiry. */
static inline void every_key_ends(void) {
    char keys[4096];
    keep(keys, sizeof keys, ask("KEYS", "*"));
    for (char *key = strtok(keys, "\n"); key != NULL; key = strtok(NULL, "\n")) {
        long long ttl = number(ask("PTTL", key));
        if (ttl < 0) fail_msg("%s has no expiry", key);
    }
}

#endif
