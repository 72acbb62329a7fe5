/* A blocking call that comes back to let its caller look at a signal, goes on meanwhile, and can be taken up or ended.
 */
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>

#include "keywright_test.h"
#include "support/test.h"
#include "support/wait.h"

static kw_client *client;
static kw_echo *echo;
static kw_error error;

static int open_every(int64_t interrupt_us) {
    kw_client_options options = {.size = sizeof options, .interrupt_us = interrupt_us};
    assert_int_equal(kw_client_open("echo://", &options, &client, &error), KW_OK);
    assert_int_equal(kw_echo_open(client, &echo, &error), KW_OK);
    kw_echo_pair pair;
    kw_status status;
    while ((status = kw_echo_send(echo, "", 0, 1, 0, &pair, &error)) == KW_INTERRUPTED) {
        assert_int_equal(kw_call_cancel(client, error.call, &error), KW_OK);
    }
    assert_int_equal(status, KW_OK); /* the link is up */
    return 0;
}

static int close_it(void **state) {
    (void)state;
    kw_echo_free(echo);
    kw_client_free(client);
    return 0;
}

static int open_slow(void **state) {
    (void)state;
    return open_every(60000000);
}

static int open_quick(void **state) {
    (void)state;
    return open_every(10000);
}

static void *let_go_later(void *argument) {
    (void)argument;
    kw_error own;
    test_sleep(60000);
    kw_echo_hold(echo, 0, &own);
    return NULL;
}

static void a_call_comes_back_and_is_resumed(void **state) {
    (void)state;
    kw_echo_pair pair;
    pthread_t thread;
    kw_echo_hold(echo, 1, &error);
    assert_int_equal(pthread_create(&thread, NULL, let_go_later, NULL), 0);
    int64_t begun = test_now();
    int interruptions = 0;
    kw_status status = kw_echo_send(echo, "abc", 3, 42, 0, &pair, &error);
    while (status == KW_INTERRUPTED) {
        interruptions++;
        assert_true(error.call != 0);
        status = kw_call_resume(client, error.call, &pair, sizeof pair, &error);
    }
    assert_int_equal(status, KW_OK);
    assert_int_equal(pair.number, 42);
    assert_true(interruptions >= 3);
    assert_true(test_now() - begun >= 50000);
    pthread_join(thread, NULL);
}

static void the_original_deadline_holds(void **state) {
    (void)state;
    kw_echo_pair pair;
    int64_t begun = test_now();
    kw_echo_hold(echo, 1, &error);
    kw_status status = kw_echo_send(echo, "", 0, 1, 50000, &pair, &error);
    while (status == KW_INTERRUPTED)
        status = kw_call_resume(client, error.call, &pair, sizeof pair, &error);
    assert_int_equal(status, KW_TIMEOUT);
    assert_in_range(test_now() - begun, 50000, 1000000);
    kw_echo_hold(echo, 0, &error);
}

static void a_call_asleep_comes_back_too(void **state) {
    (void)state;
    kw_echo_pair pair;
    int interruptions = 0;
    kw_status status = kw_echo_steps(echo, 7, 2, 60000, 0, &pair, &error);
    while (status == KW_INTERRUPTED) {
        interruptions++;
        status = kw_call_resume(client, error.call, &pair, sizeof pair, &error);
    }
    assert_int_equal(status, KW_OK);
    assert_int_equal(pair.steps, 2);
    assert_true(interruptions >= 3);
}

static void a_cancelled_call_gives_back(void **state) {
    (void)state;
    kw_echo_pair pair;
    kw_echo_seen before, after;
    kw_echo_state(echo, &before, &error);
    kw_echo_hold(echo, 1, &error);
    assert_int_equal(kw_echo_grant(echo, 2, 0, &pair, &error), KW_INTERRUPTED);
    uint64_t call = error.call;
    assert_int_equal(kw_call_resume(client, call, &pair, sizeof pair - 1, &error), KW_INVALID);
    assert_int_equal(kw_call_resume(client, call, &pair, sizeof pair, NULL), KW_INVALID);
    assert_int_equal(kw_call_cancel(client, call, &error), KW_OK);
    assert_int_equal(kw_call_cancel(client, call, &error), KW_NOT_FOUND);
    kw_echo_hold(echo, 0, &error);
    for (int i = 0; i < 1000; i++) {
        while (kw_client_ping(client, 0, &error) == KW_INTERRUPTED)
            kw_call_cancel(client, error.call, &error);
        kw_echo_state(echo, &after, &error);
        if (after.undone > before.undone) break;
        test_sleep(1000);
    }
    assert_int_equal(after.undone - before.undone, 1);
}

static void what_nobody_takes_up_goes_with_the_client(void **state) {
    (void)state;
    kw_echo_pair pair;
    kw_echo_hold(echo, 1, &error);
    assert_int_equal(kw_echo_grant(echo, 2, 0, &pair, &error), KW_INTERRUPTED);
    assert_int_equal(kw_echo_steps(echo, 2, 5, 1000000, 0, &pair, &error), KW_INTERRUPTED);
    /* Freed by the teardown: the leak checker has the last word. */
}

static void without_a_place_to_name_it_nothing_is_begun(void **state) {
    (void)state;
    kw_echo_pair pair;
    kw_echo_seen before, after;
    kw_echo_state(echo, &before, &error);
    assert_int_equal(kw_echo_send(echo, "", 0, 1, 0, &pair, NULL), KW_INVALID);
    kw_echo_state(echo, &after, &error);
    assert_int_equal(after.received, before.received);
}

static void on_signal(int number) {
    (void)number;
}

/* Its interval is a minute: only the signal can bring it back. */
static void a_signal_brings_it_back_at_once(void **state) {
    (void)state;
    struct sigaction action = {.sa_handler = on_signal}, before;
    kw_echo_pair pair;
    sigaction(SIGALRM, &action, &before);
    kw_echo_hold(echo, 1, &error);
    struct itimerval timer = {.it_value = {.tv_usec = 50000}};
    setitimer(ITIMER_REAL, &timer, NULL);
    int64_t begun = test_now();
    assert_int_equal(kw_echo_send(echo, "", 0, 1, 0, &pair, &error), KW_INTERRUPTED);
    assert_in_range(test_now() - begun, 40000, 2000000);
    assert_int_equal(kw_call_cancel(client, error.call, &error), KW_OK);
    sigaction(SIGALRM, &before, NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_call_comes_back_and_is_resumed, open_quick, close_it),
        cmocka_unit_test_setup_teardown(the_original_deadline_holds, open_quick, close_it),
        cmocka_unit_test_setup_teardown(a_call_asleep_comes_back_too, open_quick, close_it),
        cmocka_unit_test_setup_teardown(a_cancelled_call_gives_back, open_quick, close_it),
        cmocka_unit_test_setup_teardown(what_nobody_takes_up_goes_with_the_client, open_quick, close_it),
        cmocka_unit_test_setup_teardown(without_a_place_to_name_it_nothing_is_begun, open_quick, close_it),
        cmocka_unit_test_setup_teardown(a_signal_brings_it_back_at_once, open_slow, close_it),
    };
    return test_run(NULL, NULL);
}
