/*
 * One operation by two paths: the server's own command where it has one, a script where it has not. Both answer the
 * same, on whatever server the tests run; a server that has the command runs the script too, for a client that does not
 * know it yet.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/client.h"
#include "keywright_test.h"
#include "support/server.h"
#include "support/test.h"

static struct test_server server;
static kw_client *client;
static kw_cell *handle;
static kw_error error;

static int open_all(void **state) {
    (void)state;
    test_server_start(&server, NULL);
    assert_int_equal(kw_client_open(server.url, NULL, &client, &error), KW_OK);
    assert_int_equal(kw_cell_open(client, "cell", 4, &handle, &error), KW_OK);
    return 0;
}

static int close_all(void **state) {
    (void)state;
    kw_cell_free(handle);
    kw_client_free(client);
    test_server_stop(&server);
    return 0;
}

static kw_swapped swap(const char *expected, const char *value) {
    kw_swapped swapped;
    kw_status status = kw_cell_swap(handle, expected, strlen(expected), value, strlen(value), 0, &swapped, &error);
    assert_true(status == KW_OK || status == KW_CONFLICT);
    assert_int_equal(status, swapped.status);
    return swapped;
}

/* The same questions, whichever path answers. */
static void both_answer_alike(int native) {
    test_server_expect(&server, "OK", "SET", "cell", "one");
    kw_swapped swapped = swap("two", "three");
    assert_int_equal(swapped.status, KW_CONFLICT);
    assert_int_equal(swapped.native, native);
    test_server_expect(&server, "one", "GET", "cell");
    assert_int_equal(swap("one", "two").status, KW_OK);
    test_server_expect(&server, "two", "GET", "cell");
    char *ttl = test_server_command(&server, "PTTL", "cell", (char *)NULL);
    assert_true(atoi(ttl) > 0 && atoi(ttl) <= 60000);
    free(ttl);
    test_server_expect(&server, "1", "DEL", "cell");
    assert_int_equal(swap("two", "three").status, KW_CONFLICT); /* nothing is there */
    test_server_expect(&server, "0", "EXISTS", "cell");
}

static int has_it(void) {
    kw_info info;
    assert_int_equal(kw_client_info(client, 0, &info, &error), KW_OK);
    return (info.capabilities & KW_CAPABILITY_SET_IFEQ) != 0;
}

static void the_first_call_knows_no_server_and_takes_the_script(void **state) {
    (void)state;
    test_server_expect(&server, "OK", "SET", "cell", "one");
    assert_int_equal(swap("one", "two").native, 0); /* written before the link was up: it runs on every server */
    test_server_expect(&server, "two", "GET", "cell");
}

static void what_the_server_has_is_used(void **state) {
    (void)state;
    both_answer_alike(has_it());
}

static void the_probe_tells_the_truth(void **state) {
    (void)state;
    test_server_expect(&server, "OK", "SET", "probe", "1");
    char *reply = test_server_command(&server, "SET", "probe", "2", "IFEQ", "1", (char *)NULL);
    assert_int_equal(strcmp(reply, "OK") == 0, has_it());
    free(reply);
}

/* As after a link to a newer server was lost and the next one leads to an older: what was written for the newer is not
 * sent. */
static void a_command_that_the_server_lacks_is_written_anew(void **state) {
    (void)state;
    int native = has_it();
    test_server_expect(&server, "OK", "SET", "cell", "one");
    atomic_store(&client->capabilities, KW_CAPABILITY_SET_IFEQ);
    kw_swapped swapped = swap("one", "two");
    assert_int_equal(swapped.status, KW_OK);
    assert_int_equal(swapped.native, native);
    test_server_expect(&server, "two", "GET", "cell");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_call_knows_no_server_and_takes_the_script),
        cmocka_unit_test(what_the_server_has_is_used),
        cmocka_unit_test(the_probe_tells_the_truth),
        cmocka_unit_test(a_command_that_the_server_lacks_is_written_anew),
    };
    return test_run(open_all, close_all);
}
