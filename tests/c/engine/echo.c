/* The table, advance and undo, proved over the endpoint whose replies are held back. */
#include <string.h>

#include "keywright_test.h"
#include "support/test.h"
#include "support/wait.h"

static kw_client *client;
static kw_echo *echo;
static kw_error error;

static int open_all(void **state) {
    (void)state;
    assert_int_equal(kw_client_open("echo://", NULL, &client, &error), KW_OK);
    assert_int_equal(kw_echo_open(client, &echo, &error), KW_OK);
    return 0;
}

static int close_all(void **state) {
    (void)state;
    kw_echo_free(echo);
    kw_client_free(client);
    return 0;
}

static kw_echo_seen seen(void) {
    kw_echo_seen now;
    assert_int_equal(kw_echo_state(echo, &now, &error), KW_OK);
    return now;
}

static bool is_undone(void *expected) {
    return seen().undone == *(int64_t *)expected;
}

static void bytes_and_numbers_come_back(void **state) {
    (void)state;
    static const char payload[] = "any\0bytes\r\n$5\r\n";
    kw_echo_pair pair;
    assert_int_equal(kw_echo_send(echo, payload, sizeof payload, INT64_MIN, 0, &pair, &error), KW_OK);
    assert_int_equal(pair.number, INT64_MIN);
    assert_int_equal(pair.length, sizeof payload);
    assert_int_equal(pair.steps, 1);
    assert_int_equal(kw_echo_send(echo, NULL, 0, INT64_MAX, 0, &pair, &error), KW_OK);
    assert_int_equal(pair.number, INT64_MAX);
    assert_true(pair.checksum == UINT64_C(0xCBF29CE484222325)); /* of nothing */
}

static void large_payloads_come_back(void **state) {
    (void)state;
    size_t length = 8 << 20;
    char *payload = test_malloc(length);
    memset(payload, 'x', length);
    kw_echo_pair pair;
    assert_int_equal(kw_echo_send(echo, payload, length, 1, 0, &pair, &error), KW_OK);
    assert_int_equal(pair.length, length);
    test_free(payload);
}

static void several_steps_are_taken(void **state) {
    (void)state;
    kw_echo_pair pair;
    int64_t before = seen().received, begun = test_now();
    assert_int_equal(kw_echo_steps(echo, 7, 4, 5000, 0, &pair, &error), KW_OK);
    assert_int_equal(pair.steps, 4);
    assert_int_equal(pair.number, 7);
    assert_int_equal(seen().received - before, 4);
    assert_true(test_now() - begun >= 3 * 5000);
}

static void a_deadline_ends_several_steps(void **state) {
    (void)state;
    kw_echo_pair pair;
    int64_t begun = test_now();
    assert_int_equal(kw_echo_steps(echo, 7, 1000, 10000, 50000, &pair, &error), KW_TIMEOUT);
    assert_in_range(test_now() - begun, 50000, 2000000);
}

static void an_answer_can_be_no(void **state) {
    (void)state;
    kw_echo_pair pair;
    assert_int_equal(kw_echo_grant(echo, 3, 0, &pair, &error), KW_BUSY);
    assert_int_equal(pair.status, KW_BUSY);
    assert_int_equal(kw_echo_grant(echo, 4, 0, &pair, &error), KW_OK);
    assert_int_equal(pair.number, 4);
}

static void a_late_grant_is_given_back(void **state) {
    (void)state;
    kw_echo_pair pair;
    int64_t undone = seen().undone;
    kw_echo_hold(echo, 1, &error);
    assert_int_equal(kw_echo_grant(echo, 10, 20000, &pair, &error), KW_TIMEOUT);
    assert_int_equal(error.maybe_applied, 1);
    assert_int_equal(kw_echo_grant(echo, 11, 20000, &pair, &error), KW_TIMEOUT); /* a late no: nothing to give back */
    kw_echo_hold(echo, 0, &error);
    assert_int_equal(kw_client_ping(client, 0, &error), KW_OK); /* somebody reads the link */
    undone++;
    assert_true(test_until(is_undone, &undone));
    assert_int_equal(kw_client_ping(client, 0, &error), KW_OK);
    kw_stats stats;
    kw_client_stats(client, &stats, &error);
    assert_true(stats.undone >= 1);
    assert_int_equal(stats.in_flight, 0);
}

static void noscript_stays_invisible(void **state) {
    (void)state;
    kw_echo_pair pair;
    kw_stats before, after;
    kw_client_stats(client, &before, &error);
    for (int i = 0; i < 20; i++) {
        if (i % 2 == 0) kw_echo_flush(echo, &error);
        assert_int_equal(kw_echo_script(echo, i, 0, &pair, &error), KW_OK);
        assert_int_equal(pair.number, i);
    }
    kw_client_stats(client, &after, &error);
    assert_int_equal(after.retries - before.retries, 10);
}

static void many_go_together(void **state) {
    (void)state;
    enum { COUNT = 3000 };
    static kw_echo_send_args items[COUNT];
    static kw_echo_pair results[COUNT];
    for (int i = 0; i < COUNT; i++) {
        items[i] = (kw_echo_send_args){
            .size = sizeof items[0], .payload = "abc", .payload_length = (size_t)i % 4, .number = i};
    }
    assert_int_equal(kw_echo_send_many(echo, items, COUNT, 0, results, &error), KW_OK);
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(results[i].number, i);
        assert_int_equal(results[i].length, i % 4);
    }
    items[2999].payload = NULL; /* refused before anything is sent */
    int64_t received = seen().received;
    assert_int_equal(kw_echo_send_many(echo, items, COUNT, 0, results, &error), KW_INVALID);
    assert_int_equal(error.position, 2999);
    assert_int_equal(seen().received, received);
}

static void many_out_of_time_say_so_each(void **state) {
    (void)state;
    kw_echo_send_args items[3] = {{.size = sizeof items[0], .number = 1}, {.number = 2}, {.number = 3}};
    kw_echo_pair results[3];
    kw_echo_hold(echo, 1, &error);
    assert_int_equal(kw_echo_send_many(echo, items, 3, 20000, results, &error), KW_TIMEOUT);
    for (int i = 0; i < 3; i++)
        assert_int_equal(results[i].status, KW_TIMEOUT);
    kw_echo_hold(echo, 0, &error);
    assert_int_equal(kw_client_ping(client, 0, &error), KW_OK);
}

static void a_lost_link_is_unknown_or_repeated(void **state) {
    (void)state;
    kw_echo_pair pair;
    kw_completions *completions;
    kw_record record;
    assert_int_equal(kw_completions_open(client, &completions, &error), KW_OK);
    kw_echo_hold(echo, 1, &error);
    int64_t received = seen().received;
    assert_int_equal(kw_echo_submit_grant(echo, completions, 1, 20, 0, &error), KW_OK);
    while (seen().received == received)
        kw_completions_wait(completions, 1000, &error);
    kw_echo_drop(echo, &error);
    assert_int_equal(kw_completions_wait(completions, KW_FOREVER, &error), 1);
    assert_int_equal(kw_completions_drain(completions, &record, 1, sizeof record, &error), 1);
    assert_int_equal(record.status, KW_UNKNOWN);
    assert_int_equal(((const kw_error *)record.data)->maybe_applied, 1);

    kw_echo_hold(echo, 0, &error);
    assert_int_equal(kw_echo_send(echo, "x", 1, 5, 0, &pair, &error), KW_OK);
    kw_echo_drop(echo, &error);
    assert_int_equal(kw_echo_send(echo, "x", 1, 6, 0, &pair, &error), KW_OK); /* reads are simply sent again */
    assert_int_equal(pair.number, 6);
    kw_completions_free(completions);
}

/* Submits a keep whose link is lost while its reply is held, and says how it ended. */
static kw_status keep_over_a_lost_link(kw_completions *completions, kw_stats *after) {
    kw_record record;
    kw_stats before;
    kw_client_stats(client, &before, &error);
    kw_echo_hold(echo, 1, &error);
    int64_t received = seen().received;
    assert_int_equal(kw_echo_submit_keep(echo, completions, 1, 20, 0, &error), KW_OK);
    while (seen().received == received)
        kw_completions_wait(completions, 1000, &error);
    kw_echo_drop(echo, &error);
    kw_echo_hold(echo, 0, &error);
    assert_int_equal(kw_completions_wait(completions, KW_FOREVER, &error), 1);
    assert_int_equal(kw_completions_drain(completions, &record, 1, sizeof record, &error), 1);
    kw_client_stats(client, after, &error);
    after->retries -= before.retries;
    return record.status;
}

static void what_goes_by_state_is_repeated_once_the_old_link_is_dead(void **state) {
    (void)state;
    kw_completions *completions;
    kw_stats stats;
    assert_int_equal(kw_completions_open(client, &completions, &error), KW_OK);
    assert_int_equal(keep_over_a_lost_link(completions, &stats), KW_OK);
    assert_int_equal(stats.retries, 1);
    kw_echo_forbid(echo, 1, &error); /* the old link may still be alive: nobody knows */
    assert_int_equal(keep_over_a_lost_link(completions, &stats), KW_UNKNOWN);
    assert_int_equal(stats.retries, 0);
    kw_echo_forbid(echo, 0, &error);
    kw_completions_free(completions);
}

static void bad_arguments_are_told_apart(void **state) {
    (void)state;
    kw_echo_pair pair;
    int64_t received = seen().received;
    assert_int_equal(kw_echo_send(NULL, "", 0, 0, 0, &pair, &error), KW_INVALID);
    assert_int_equal(error.reason, KW_REASON_NULL_HANDLE);
    assert_int_equal(kw_echo_send(echo, NULL, 4, 0, 0, &pair, &error), KW_INVALID);
    assert_int_equal(error.reason, KW_REASON_NULL_ARGUMENT);
    assert_int_equal(kw_echo_send(echo, "", 0, 0, 0, NULL, &error), KW_INVALID);
    assert_int_equal(error.reason, KW_REASON_NULL_ARGUMENT);
    assert_int_equal(kw_echo_send(echo, "", 0, 0, -1, &pair, NULL), KW_INVALID);
    assert_int_equal(kw_echo_send(echo, "", 0, 0, -1, &pair, &error), KW_INVALID);
    assert_int_equal(error.reason, KW_REASON_TIMEOUT);
    assert_int_equal(kw_echo_steps(echo, 0, 0, 0, 0, &pair, &error), KW_INVALID);
    assert_int_equal(error.reason, KW_REASON_RANGE);
    assert_int_equal(seen().received, received);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_and_numbers_come_back),
        cmocka_unit_test(large_payloads_come_back),
        cmocka_unit_test(several_steps_are_taken),
        cmocka_unit_test(a_deadline_ends_several_steps),
        cmocka_unit_test(an_answer_can_be_no),
        cmocka_unit_test(a_late_grant_is_given_back),
        cmocka_unit_test(noscript_stays_invisible),
        cmocka_unit_test(many_go_together),
        cmocka_unit_test(many_out_of_time_say_so_each),
        cmocka_unit_test(a_lost_link_is_unknown_or_repeated),
        cmocka_unit_test(what_goes_by_state_is_repeated_once_the_old_link_is_dead),
        cmocka_unit_test(bad_arguments_are_told_apart),
    };
    return test_run(open_all, close_all);
}
