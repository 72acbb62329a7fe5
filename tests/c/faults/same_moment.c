/* What two threads may do to one link at the same moment. */
#include "faults/faults_test.h"

enum { ROUNDS = 300 };

static kw_completions *completions;
static atomic_bool over;
static atomic_int answered, wrong;

static void *step_all_the_time(void *unused) {
    while (!atomic_load(&over)) {
        kw_record records[16];
        kw_error failure;
        if (kw_completions_step(completions, &failure) <= 0) continue;
        int64_t count = kw_completions_drain(completions, records, 16, sizeof records[0], &failure);
        for (int64_t i = 0; i < count; i++) {
            bool expected = records[i].status == KW_OK || records[i].status == KW_CONNECTION;
            atomic_fetch_add(expected ? &answered : &wrong, 1);
        }
    }
    return unused;
}

/* A link that its server has closed is noticed by one who submits, or by the one who steps. */
static void a_submit_and_a_step(void **state) {
    (void)state;
    pthread_t thread;
    open_client("");
    assert_int_equal(kw_completions_open(client, &completions, &error), KW_OK);
    atomic_store(&over, false);
    assert_int_equal(pthread_create(&thread, NULL, step_all_the_time, NULL), 0);
    for (int round = 0; round < ROUNDS; round++) {
        assert_int_equal(kw_client_submit_ping(client, completions, (uint64_t)round, 2000000, &error), KW_OK);
        int64_t until = test_now() + 2500000;
        while (atomic_load(&answered) + atomic_load(&wrong) <= round && test_now() < until)
            test_sleep(50);
        test_sleep(1100); /* idle for so long that it is looked at */
        test_proxy_cut(&proxy);
    }
    atomic_store(&over, true);
    pthread_join(thread, NULL);
    assert_int_equal(atomic_load(&wrong), 0);
    assert_int_equal(atomic_load(&answered), ROUNDS);
    assert_true(stats().reconnects > ROUNDS / 2);
    kw_completions_free(completions);
    kw_client_free(client);
}

static void *step_until_closed(void *unused) {
    kw_error failure;
    while (kw_completions_step(completions, &failure) != KW_CLOSED)
        continue;
    return unused;
}

/* A client without threads has its notification link driven by who steps, and ended by who closes. */
static void a_close_and_a_step(void **state) {
    (void)state;
    for (int round = 0; round < 100; round++) {
        pthread_t thread;
        kw_listener *listener;
        kw_listener_heard heard;
        open_client("?threads=0");
        assert_int_equal(kw_completions_open(client, &completions, &error), KW_OK);
        assert_int_equal(kw_listener_open(client, "channel", 7, &listener, &error), KW_OK);
        assert_int_equal(kw_listener_state(listener, &heard, &error), KW_OK);
        assert_int_equal(pthread_create(&thread, NULL, step_until_closed, NULL), 0);
        while (round % 2 == 0 && heard.watchings == 0)
            kw_listener_state(listener, &heard, &error);
        test_sleep(round * 7);
        assert_int_equal(kw_client_close(client, 0, &error), KW_OK);
        pthread_join(thread, NULL);
        kw_listener_free(listener);
        kw_completions_free(completions);
        kw_client_free(client);
    }
}

/* The thread that drives it all is told to end while it is at a round, or about to sleep. */
static void a_close_and_a_round(void **state) {
    (void)state;
    for (int round = 0; round < 400; round++) {
        kw_listener *listener;
        kw_listener_heard heard;
        open_client("");
        assert_int_equal(kw_listener_open(client, "channel", 7, &listener, &error), KW_OK);
        assert_int_equal(kw_listener_state(listener, &heard, &error), KW_OK);
        if (round % 2 == 0) test_sleep(round * 5);
        kw_listener_free(listener);
        int64_t begun = test_now();
        kw_client_free(client);
        assert_in_range(test_now() - begun, 0, 3000000);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {

        fault_test(a_submit_and_a_step),
        fault_test(a_close_and_a_step),
        fault_test(a_close_and_a_round),
    };
    return test_run(start_server, stop_server);
}
