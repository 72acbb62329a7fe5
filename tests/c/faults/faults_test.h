/* What the tests of faults share: a server, a proxy before it, a client behind that, and counting in the server. */
#ifndef KW_FAULTS_TEST_H
#define KW_FAULTS_TEST_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keywright_test.h"
#include "support/proxy.h"
#include "support/server.h"
#include "support/test.h"
#include "support/wait.h"

static struct test_server server;
static struct test_proxy proxy;
static kw_client *client;
static kw_error error;

static inline int start_server(void **state) {
    (void)state;
    test_server_start(&server, NULL);
    return 0;
}

static inline int stop_server(void **state) {
    (void)state;
    test_server_stop(&server);
    return 0;
}

/* Before each test: no keys, a proxy that does nothing yet. */
static inline int start_proxy(void **state) {
    (void)state;
    test_server_expect(&server, "OK", "FLUSHALL");
    test_proxy_start(&proxy, server.socket);
    return 0;
}

static inline int stop_proxy(void **state) {
    (void)state;
    test_proxy_stop(&proxy);
    return 0;
}

#define fault_test(name) cmocka_unit_test_setup_teardown(name, start_proxy, stop_proxy)

/* A client behind the proxy. */
static inline void open_client(const char *query) {
    char url[256];
    snprintf(url, sizeof url, "%s%s", proxy.url, query);
    assert_int_equal(kw_client_open(url, NULL, &client, &error), KW_OK);
}

/* A fixed window keeps an exact count in its key, so that what was charged can be read from the server. */
static inline kw_limiter *open_window(const char *name) {
    kw_limiter *limiter = NULL;
    kw_limiter_options options = {.size = sizeof options, .algorithm = KW_ALGORITHM_FIXED_WINDOW};
    assert_int_equal(kw_limiter_open(client, name, strlen(name), "1000000000/d", &options, &limiter, &error), KW_OK);
    return limiter;
}

#define WINDOW_LIMIT INT64_C(1000000000)

static inline kw_status hit(kw_limiter *limiter, const char *key, int64_t timeout_us) {
    kw_decision decision;
    return kw_limiter_hit(limiter, key, strlen(key), 1, timeout_us, &decision, &error);
}

/* What the server has charged to a key, asked without the library. */
static inline int64_t charged(const char *name, const char *key) {
    char full[160];
    snprintf(full, sizeof full, "kw:limiter:{%s:%s}:window:86400000000", name, key);
    char *value = test_server_command(&server, "GET", full, (char *)NULL);
    int64_t count = strlen(value) > 16 ? strtoll(value + 16, NULL, 10) : 0; /* 16 digits are the window's end */
    free(value);
    return count;
}

static inline kw_stats stats(void) {
    kw_stats now;
    assert_int_equal(kw_client_stats(client, &now, &error), KW_OK);
    return now;
}

/* How often the server ran a command, as "evalsha" or "client|kill". */
static inline int64_t runs_of(const char *command) {
    char wanted[64];
    snprintf(wanted, sizeof wanted, "cmdstat_%s:calls=", command);
    char *info = test_server_command(&server, "INFO", "commandstats", (char *)NULL);
    const char *found = strstr(info, wanted);
    int64_t calls = found != NULL ? strtoll(found + strlen(wanted), NULL, 10) : 0;
    free(info);
    return calls;
}

#endif
