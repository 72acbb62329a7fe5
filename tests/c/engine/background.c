/* Duties, subscriptions and invalidation: with a native thread, driven by waiting callers, in both protocols, across
 * losses. */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keywright_test.h"
#include "support/server.h"
#include "support/test.h"
#include "support/wait.h"

static struct test_server server;
static kw_client *client;
static kw_error error;

static void open_with(const char *query) {
    char url[200];
    snprintf(url, sizeof url, "%s%s", server.url, query);
    assert_int_equal(kw_client_open(url, NULL, &client, &error), KW_OK);
}

static int start(void **state) {
    (void)state;
    test_server_start(&server, NULL);
    return 0;
}

static int stop(void **state) {
    (void)state;
    test_server_stop(&server);
    return 0;
}

static kw_background background(void) {
    kw_background now;
    assert_int_equal(kw_client_background(client, &now, &error), KW_OK);
    return now;
}

static void publish(const char *channel, const char *payload) {
    free(test_server_command(&server, "PUBLISH", channel, payload, (char *)NULL));
}

/* Kills the links that are subscribers: the notification link alone. */
static void kill_subscribers(void) {
    free(test_server_command(&server, "CLIENT", "KILL", "TYPE", "pubsub", (char *)NULL));
}

static void nothing_runs_before_it_is_needed(void **state) {
    (void)state;
    open_with("");
    assert_int_equal(kw_client_ping(client, 0, &error), KW_OK);
    assert_int_equal(background().thread, 0);
    kw_client_free(client);
}

/* Duties */

static bool beats(void *beat) {
    kw_duty duty;
    kw_beat_state(beat, &duty, &error);
    return duty.runs >= 5 && duty.failed_in_a_row == 0;
}

static bool fails(void *beat) {
    kw_duty duty;
    kw_beat_state(beat, &duty, &error);
    return duty.failed_in_a_row > 0;
}

static void a_duty_is_done_again_and_again(void **state) {
    (void)state;
    open_with("?timeout=500ms&connect_timeout=500ms");
    kw_beat *beat;
    kw_duty duty;
    assert_int_equal(kw_beat_open(client, 10000, &beat, &error), KW_OK);
    assert_true(test_until(beats, beat)); /* nobody calls: the thread does it */
    assert_int_equal(background().thread, 1);
    assert_int_equal(background().duties, 1);

    test_server_signal(&server, SIGSTOP);
    assert_true(test_until(fails, beat));
    kw_beat_state(beat, &duty, &error);
    test_server_signal(&server, SIGCONT);
    assert_int_equal(duty.last_status, KW_TIMEOUT);
    assert_true(duty.last_error[0] != '\0'); /* it shows itself */
    assert_true(test_until(beats, beat));
    kw_beat_free(beat);
    assert_int_equal(background().duties, 0);
    kw_client_free(client);
}

static void close_ends_duties(void **state) {
    (void)state;
    open_with("");
    kw_beat *beat;
    kw_duty duty;
    assert_int_equal(kw_beat_open(client, 1000, &beat, &error), KW_OK);
    assert_true(test_until(beats, beat));
    assert_int_equal(kw_client_close(client, 0, &error), KW_OK);
    kw_beat_state(beat, &duty, &error);
    int64_t runs = duty.runs;
    test_sleep(20000);
    kw_beat_state(beat, &duty, &error);
    assert_int_equal(duty.runs, runs);
    kw_client_free(client);
    kw_beat_free(beat);
}

static void without_threads_step_does_it(void **state) {
    (void)state;
    open_with("?threads=0");
    kw_beat *beat;
    kw_duty duty;
    kw_completions *completions;
    assert_int_equal(kw_completions_open(client, &completions, &error), KW_OK);
    assert_int_equal(kw_beat_open(client, 5000, &beat, &error), KW_OK);
    assert_int_equal(background().thread, 0);
    test_sleep(30000);
    kw_beat_state(beat, &duty, &error);
    assert_int_equal(duty.runs, 0); /* nobody stepped */
    int64_t until = test_now() + 5000000;
    while (!beats(beat) && test_now() < until) {
        struct pollfd watched = {.fd = kw_completions_fd(completions), .events = POLLIN};
        int timeout = kw_completions_timeout_ms(completions);
        assert_in_range(timeout, 0, 1000); /* it says when it must be stepped */
        poll(&watched, 1, timeout);
        kw_completions_step(completions, &error);
    }
    assert_true(beats(beat));
    kw_beat_free(beat);
    kw_completions_free(completions);
    kw_client_free(client);
}

/* Subscriptions */

static kw_listener_heard heard(kw_listener *listener) {
    kw_listener_heard now;
    assert_int_equal(kw_listener_state(listener, &now, &error), KW_OK);
    return now;
}

struct expected {
    kw_listener *listener;
    int64_t watchings, messages;
};

static bool has_heard(void *argument) {
    struct expected *expected = argument;
    kw_listener_heard now = heard(expected->listener);
    return now.watchings >= expected->watchings && now.messages >= expected->messages;
}

static void subscriptions_outlive_losses(const char *query) {
    open_with(query);
    kw_listener *listener, *other;
    assert_int_equal(kw_listener_open(client, "channel", 7, &listener, &error), KW_OK);
    assert_int_equal(kw_listener_open(client, "other", 5, &other, &error), KW_OK);
    struct expected expected = {listener, 1, 0};
    assert_true(test_until(has_heard, &expected));
    heard(other);
    publish("channel", "hello");
    expected.messages = 1;
    assert_true(test_until(has_heard, &expected));
    assert_int_equal(heard(listener).length, 5);
    publish("channel", "another waiter's message for sure");
    publish("channel", "sixteen bytes id and a word");
    expected.messages = 2;
    assert_true(test_until(has_heard, &expected));
    assert_int_equal(heard(listener).messages, 2);
    assert_int_equal(heard(listener).length, 27);

    kill_subscribers();
    expected.watchings = 2; /* it is told that it may have missed something */
    assert_true(test_until(has_heard, &expected));
    publish("channel", "again");
    expected.messages = 3;
    assert_true(test_until(has_heard, &expected));
    assert_int_equal(heard(other).messages, 0);
    assert_int_equal(background().losses, 1);
    assert_int_equal(background().watches, 2);
    kw_listener_free(listener);
    kw_listener_free(other);
    assert_int_equal(background().watches, 0);
    kw_client_free(client);
}

static void subscriptions_outlive_losses_in_resp3(void **state) {
    (void)state;
    subscriptions_outlive_losses("");
}

static void subscriptions_outlive_losses_in_resp2(void **state) {
    (void)state;
    subscriptions_outlive_losses("?protocol=2");
}

/* Calls that wait for a channel */

static bool is_subscribed(void *argument) {
    (void)argument;
    char *counts = test_server_command(&server, "PUBSUB", "NUMSUB", "channel", (char *)NULL);
    bool yes = strstr(counts, "\n1") != NULL || strstr(counts, " 1") != NULL;
    free(counts);
    return yes;
}

static void *publish_when_subscribed(void *argument) {
    (void)argument;
    test_until(is_subscribed, NULL);
    test_sleep(20000);
    publish("channel", "hello");
    return NULL;
}

static void a_call_is_woken_by_its_channel(const char *query) {
    open_with(query);
    kw_listener *listener;
    kw_listener_heard now;
    pthread_t thread;
    assert_int_equal(kw_listener_open(client, "channel", 7, &listener, &error), KW_OK);
    assert_int_equal(pthread_create(&thread, NULL, publish_when_subscribed, NULL), 0);
    int64_t begun = test_now();
    assert_int_equal(kw_listener_hear(listener, KW_FOREVER, 0, &now, &error), KW_OK);
    assert_true(test_now() - begun < 4000000);
    pthread_join(thread, NULL);
    assert_int_equal(now.length, 5);
    assert_int_equal(now.watchings, 1);
    assert_int_equal(background().watches, 0);
    /* And one that nobody wakes ends by its time. */
    assert_int_equal(kw_listener_hear(listener, 30000, 20000, &now, &error), KW_TIMEOUT);
    assert_int_equal(background().watches, 0);
    kw_listener_free(listener);
    kw_client_free(client);
}

static void a_blocking_call_is_woken_by_its_channel(void **state) {
    (void)state;
    a_call_is_woken_by_its_channel("");
}

static void a_blocking_call_without_threads_is_woken_too(void **state) {
    (void)state;
    a_call_is_woken_by_its_channel("?threads=0");
}

static void submitted_calls_are_woken(const char *query) {
    open_with(query);
    kw_listener *listener;
    kw_completions *completions;
    kw_record records[4];
    pthread_t thread;
    assert_int_equal(kw_listener_open(client, "channel", 7, &listener, &error), KW_OK);
    assert_int_equal(kw_completions_open(client, &completions, &error), KW_OK);
    for (uint64_t tag = 0; tag < 3; tag++) {
        assert_int_equal(kw_listener_submit_hear(listener, completions, tag, KW_FOREVER, 0, &error), KW_OK);
    }
    assert_int_equal(kw_listener_submit_hear(listener, completions, 3, KW_FOREVER, 0, &error), KW_OK);
    assert_int_equal(kw_completions_cancel(completions, 3, &error), KW_OK);
    assert_int_equal(pthread_create(&thread, NULL, publish_when_subscribed, NULL), 0);
    int64_t count = 0;
    while (count < 4) {
        assert_true(kw_completions_wait(completions, 5000000, &error) > 0);
        count += kw_completions_drain(completions, records + count, 4 - count, sizeof records[0], &error);
    }
    pthread_join(thread, NULL);
    int ok = 0;
    for (int i = 0; i < 4; i++)
        ok += records[i].status == KW_OK;
    assert_int_equal(ok, 3);
    /* One that is asleep when its completions go. */
    assert_int_equal(kw_listener_submit_hear(listener, completions, 9, KW_FOREVER, 0, &error), KW_OK);
    kw_completions_step(completions, &error);
    kw_completions_free(completions);
    assert_int_equal(background().watches, 0);
    kw_listener_free(listener);
    kw_client_free(client);
}

static void submitted_calls_are_woken_by_their_channel(void **state) {
    (void)state;
    submitted_calls_are_woken("");
}

static void submitted_calls_without_threads_are_woken_too(void **state) {
    (void)state;
    submitted_calls_are_woken("?threads=0");
}

/* Invalidation */

struct standing {
    kw_shelf *shelf;
    int64_t keys, emptied;
};

static bool stands(void *argument) {
    struct standing *standing = argument;
    kw_shelf_state state;
    kw_shelf_read(standing->shelf, &state, &error);
    return state.live == 1 && state.keys >= standing->keys && state.emptied >= standing->emptied;
}

static void set(const char *key) {
    free(test_server_command(&server, "SET", key, "1", (char *)NULL));
}

static void invalidation(const char *query) {
    open_with(query);
    kw_shelf *shelf, *second;
    kw_shelf_state before, after;
    assert_int_equal(kw_shelf_open(client, "kw:one:", 7, &shelf, &error), KW_OK);
    struct standing standing = {shelf, 0, 0};
    assert_true(test_until(stands, &standing));
    kw_shelf_read(shelf, &before, &error);
    set("kw:one:a");
    set("kw:two:a");
    standing.keys = 1;
    assert_true(test_until(stands, &standing));
    kw_shelf_read(shelf, &after, &error);
    assert_int_equal(after.keys, 1);
    assert_true(after.epoch > before.epoch);

    assert_int_equal(kw_shelf_open(client, "kw:two:", 7, &second, &error), KW_OK); /* another prefix joins */
    struct standing of_second = {second, 0, 0};
    assert_true(test_until(stands, &of_second));
    assert_true(test_until(stands, &standing));
    set("kw:two:b");
    of_second.keys = 1;
    assert_true(test_until(stands, &of_second));

    kw_shelf_read(shelf, &before, &error);
    free(test_server_command(&server, "CLIENT", "KILL", "TYPE", "pubsub", (char *)NULL));
    free(test_server_command(&server, "CLIENT", "KILL", "TYPE", "normal", (char *)NULL)); /* RESP3 trackers are these */
    standing.emptied = before.emptied + 2; /* at the loss, and when it is told again */
    assert_true(test_until(stands, &standing));
    kw_shelf_read(shelf, &after, &error);
    assert_true(after.epoch > before.epoch);
    free(test_server_command(&server, "FLUSHALL", (char *)NULL));
    standing.emptied = after.emptied + 1;
    assert_true(test_until(stands, &standing));
    kw_shelf_free(second);
    kw_shelf_free(shelf);
    kw_client_free(client);
}

static void invalidation_in_resp3(void **state) {
    (void)state;
    invalidation("");
}

static void invalidation_in_resp2(void **state) {
    (void)state;
    invalidation("?protocol=2");
}

static void a_refusal_shows_itself(void **state) {
    (void)state;
    char url[200];
    free(test_server_command(&server, "ACL", "SETUSER", "mute", "on", ">pw", "~*", "+@all", "-client|tracking", "&*",
                             (char *)NULL));
    snprintf(url, sizeof url, "unix://mute:pw@%s", server.socket);
    assert_int_equal(kw_client_open(url, NULL, &client, &error), KW_OK);
    kw_shelf *shelf;
    kw_shelf_state now;
    assert_int_equal(kw_shelf_open(client, "kw:one:", 7, &shelf, &error), KW_OK);
    for (int i = 0; i < 1000 && background().failures == 0; i++)
        test_sleep(2000);
    kw_shelf_read(shelf, &now, &error);
    assert_int_equal(now.live, 0); /* what is not told of must not be cached */
    assert_non_null(strstr(background().last_error, "NOPERM"));
    kw_shelf_free(shelf);
    kw_client_free(client);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_runs_before_it_is_needed),
        cmocka_unit_test(a_duty_is_done_again_and_again),
        cmocka_unit_test(close_ends_duties),
        cmocka_unit_test(without_threads_step_does_it),
        cmocka_unit_test(subscriptions_outlive_losses_in_resp3),
        cmocka_unit_test(subscriptions_outlive_losses_in_resp2),
        cmocka_unit_test(a_blocking_call_is_woken_by_its_channel),
        cmocka_unit_test(a_blocking_call_without_threads_is_woken_too),
        cmocka_unit_test(submitted_calls_are_woken_by_their_channel),
        cmocka_unit_test(submitted_calls_without_threads_are_woken_too),
        cmocka_unit_test(invalidation_in_resp3),
        cmocka_unit_test(invalidation_in_resp2),
        cmocka_unit_test(a_refusal_shows_itself),
    };
    return test_run(start, stop);
}
