/* Client, completions and calls: arguments that cannot be, and handles that were closed. Nothing is sent, nothing
 * crashes. */
#include <string.h>

#include "keywright_test.h"
#include "support/test.h"

static kw_client *client;
static kw_completions *completions;
static kw_error error;

static int open_all(void **state) {
    (void)state;
    assert_int_equal(kw_client_open("echo://", NULL, &client, &error), KW_OK);
    assert_int_equal(kw_completions_open(client, &completions, &error), KW_OK);
    return 0;
}

static int close_all(void **state) {
    (void)state;
    kw_completions_free(completions);
    kw_client_free(client);
    return 0;
}

/* The status, its reason, and a message that names the argument. */
static void told(int64_t status, kw_reason reason, const char *names) {
    assert_int_equal(status, KW_INVALID);
    assert_int_equal(error.code, KW_INVALID);
    assert_int_equal(error.reason, reason);
    assert_int_equal(error.retryable, 0);
    assert_int_equal(error.maybe_applied, 0);
    if (strstr(error.message, names) == NULL) fail_msg("\"%s\" does not name %s", error.message, names);
}

static void handles_that_are_null(void **state) {
    (void)state;
    kw_client *none = NULL;
    kw_completions *no_completions = NULL, *made = (kw_completions *)(void *)&error;
    kw_stats stats;
    kw_info info;
    kw_background background;
    kw_record record;
    told(kw_client_ping(none, 0, &error), KW_REASON_NULL_HANDLE, "client");
    told(kw_client_info(none, 0, &info, &error), KW_REASON_NULL_HANDLE, "client");
    told(kw_client_stats(none, &stats, &error), KW_REASON_NULL_HANDLE, "client");
    told(kw_client_background(none, &background, &error), KW_REASON_NULL_HANDLE, "client");
    told(kw_client_close(none, 0, &error), KW_REASON_NULL_HANDLE, "client");
    told(kw_call_resume(none, 1, NULL, 0, &error), KW_REASON_NULL_HANDLE, "client");
    told(kw_call_cancel(none, 1, &error), KW_REASON_NULL_HANDLE, "client");
    told(kw_completions_open(none, &made, &error), KW_REASON_NULL_HANDLE, "client");
    assert_null(made); /* outputs are written always */
    told(kw_client_submit_ping(none, completions, 1, 0, &error), KW_REASON_NULL_HANDLE, "client");
    told(kw_client_submit_ping(client, no_completions, 1, 0, &error), KW_REASON_NULL_HANDLE, "completions");
    told(kw_completions_step(no_completions, &error), KW_REASON_NULL_HANDLE, "completions");
    told(kw_completions_wait(no_completions, 0, &error), KW_REASON_NULL_HANDLE, "completions");
    told(kw_completions_cancel(no_completions, 1, &error), KW_REASON_NULL_HANDLE, "completions");
    told(kw_completions_drain(no_completions, &record, 1, sizeof record, &error), KW_REASON_NULL_HANDLE, "completions");
    assert_int_equal(kw_completions_fd(no_completions), -1);
    assert_int_equal(kw_completions_timeout_ms(no_completions), -1);
    assert_string_equal(kw_client_url(none), "");
    kw_client_free(none);
    kw_completions_free(no_completions);
}

static void arguments_that_are_null(void **state) {
    (void)state;
    kw_client *made = (kw_client *)(void *)&error;
    told(kw_client_open(NULL, NULL, &made, &error), KW_REASON_NULL_ARGUMENT, "url");
    assert_null(made);
    told(kw_client_open("redis://host", NULL, NULL, &error), KW_REASON_NULL_ARGUMENT, "client");
    told(kw_client_open("redis://host", &(kw_client_options){0}, &made, &error), KW_REASON_STRUCT_SIZE, "size");
    told(kw_completions_open(client, NULL, &error), KW_REASON_NULL_ARGUMENT, "completions");
    told(kw_client_info(client, 0, NULL, &error), KW_REASON_NULL_ARGUMENT, "info");
    told(kw_client_stats(client, NULL, &error), KW_REASON_NULL_ARGUMENT, "stats");
    told(kw_client_background(client, NULL, &error), KW_REASON_NULL_ARGUMENT, "background");
    told(kw_completions_drain(completions, NULL, 1, sizeof(kw_record), &error), KW_REASON_NULL_ARGUMENT, "records");
    assert_int_equal(kw_client_ping(client, -1, NULL), KW_INVALID); /* without a place for the details, too */
}

static void numbers_out_of_range(void **state) {
    (void)state;
    kw_record records[2];
    told(kw_client_ping(client, -1, &error), KW_REASON_TIMEOUT, "timeout");
    told(kw_client_ping(client, INT64_MIN, &error), KW_REASON_TIMEOUT, "timeout");
    told(kw_client_submit_ping(client, completions, 1, -5, &error), KW_REASON_TIMEOUT, "timeout");
    told(kw_client_close(client, -1, &error), KW_REASON_TIMEOUT, "timeout");
    told(kw_completions_wait(completions, -1, &error), KW_REASON_TIMEOUT, "timeout");
    told(kw_completions_drain(completions, records, 0, sizeof records[0], &error), KW_REASON_RANGE, "capacity");
    told(kw_completions_drain(completions, records, -1, sizeof records[0], &error), KW_REASON_RANGE, "capacity");
    told(kw_completions_drain(completions, records, 1048577, sizeof records[0], &error), KW_REASON_RANGE, "capacity");
    told(kw_completions_drain(completions, records, 1, sizeof records[0] - 1, &error), KW_REASON_RANGE, "stride");
    told(kw_completions_drain(completions, records, 1, 0, &error), KW_REASON_RANGE, "stride");
    told(kw_completions_drain(completions, records, 1, SIZE_MAX, &error), KW_REASON_RANGE, "stride");
    assert_int_equal(kw_client_ping(client, KW_FOREVER, &error), KW_OK);
}

static void calls_that_are_none(void **state) {
    (void)state;
    assert_int_equal(kw_completions_cancel(completions, 77, &error), KW_NOT_FOUND);
    assert_int_equal(kw_call_cancel(client, 77, &error), KW_NOT_FOUND);
    assert_int_equal(kw_call_resume(client, 77, NULL, 0, &error), KW_NOT_FOUND);
    kw_record record;
    assert_int_equal(kw_completions_drain(completions, &record, 1, sizeof record, &error), 0);
}

/* An interrupted call is resumed with a place for its result, or not at all. */
static void a_result_without_a_place(void **state) {
    (void)state;
    kw_client *own;
    kw_echo *echo;
    kw_echo_pair pair;
    kw_client_options options = {.size = sizeof options, .interrupt_us = 10000};
    assert_int_equal(kw_client_open("echo://", &options, &own, &error), KW_OK);
    assert_int_equal(kw_echo_open(own, &echo, &error), KW_OK);
    kw_echo_hold(echo, 1, &error);
    assert_int_equal(kw_echo_send(echo, "", 0, 7, 5000000, &pair, &error), KW_INTERRUPTED);
    uint64_t call = error.call;
    told(kw_call_resume(own, call, NULL, sizeof pair, &error), KW_REASON_NULL_ARGUMENT, "result");
    told(kw_call_resume(own, call, &pair, sizeof pair - 1, &error), KW_REASON_RANGE, "bytes");
    told(kw_call_resume(own, call, NULL, 0, &error), KW_REASON_RANGE, "bytes");
    kw_echo_hold(echo, 0, &error);
    kw_status status = KW_INTERRUPTED;
    while (status == KW_INTERRUPTED)
        status = kw_call_resume(own, call, &pair, sizeof pair, &error);
    assert_int_equal(status, KW_OK);
    assert_int_equal(pair.number, 7);
    kw_echo_free(echo);
    kw_client_free(own);
}

static void after_the_close(void **state) {
    (void)state;
    kw_client *own;
    kw_completions *its, *late = (kw_completions *)(void *)&error;
    kw_info info;
    kw_stats stats;
    kw_background background;
    kw_record record;
    assert_int_equal(kw_client_open("echo://", NULL, &own, &error), KW_OK);
    assert_int_equal(kw_completions_open(own, &its, &error), KW_OK);
    assert_int_equal(kw_client_ping(own, 0, &error), KW_OK);
    kw_client_stats(own, &stats, &error);
    int64_t sent = stats.bytes_sent;
    for (int times = 0; times < 2; times++) {
        assert_int_equal(kw_client_close(own, 0, &error), KW_OK); /* again: no harm */
        assert_int_equal(kw_client_ping(own, 0, &error), KW_CLOSED);
        assert_int_equal(error.code, KW_CLOSED);
        assert_true(error.message[0] != '\0');
        memset(&info, 'x', sizeof info);
        assert_int_equal(kw_client_info(own, 0, &info, &error), KW_CLOSED);
        assert_int_equal(info.client_id, 0);
        assert_int_equal(kw_client_submit_ping(own, its, 1, 0, &error), KW_CLOSED);
        assert_int_equal(kw_completions_open(own, &late, &error), KW_CLOSED);
        assert_null(late);
        assert_int_equal(kw_completions_step(its, &error), KW_CLOSED);
        assert_int_equal(kw_completions_wait(its, KW_FOREVER, &error), KW_CLOSED);
        assert_int_equal(kw_completions_cancel(its, 1, &error), KW_NOT_FOUND);
        assert_int_equal(kw_completions_drain(its, &record, 1, sizeof record, &error), 0);
        assert_int_equal(kw_client_background(own, &background, &error), KW_OK);
        assert_int_equal(kw_client_stats(own, &stats, &error), KW_OK);
        assert_int_equal(stats.bytes_sent, sent);
        assert_string_equal(kw_client_url(own), "echo://");
    }
    kw_client_free(own); /* before what was made from it */
    assert_int_equal(kw_completions_step(its, &error), KW_CLOSED);
    kw_completions_free(its);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(handles_that_are_null),    cmocka_unit_test(arguments_that_are_null),
        cmocka_unit_test(numbers_out_of_range),     cmocka_unit_test(calls_that_are_none),
        cmocka_unit_test(a_result_without_a_place), cmocka_unit_test(after_the_close),
    };
    return test_run(open_all, close_all);
}
