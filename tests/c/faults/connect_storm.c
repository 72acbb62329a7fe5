/*
 * A server that cannot be reached is not run down: however many threads call, connections are made one at a time and
 * farther and farther apart, and once it is there again everything works.
 */
#include "faults/faults_test.h"
#include "support/fake.h"

enum { THREADS = 16, STORM_US = 700000, MOST_LINKS = 15 }; /* 10, 20, 40, ... ms apart, or half of that */

static atomic_bool over;
static atomic_int calls, unexpected;

static void *call_all_the_time(void *unused) {
    while (!atomic_load(&over)) {
        kw_error failure;
        kw_status status = kw_client_ping(client, 300000, &failure);
        atomic_fetch_add(&calls, 1);
        bool refused = status == KW_CONNECTION && failure.retryable && !failure.maybe_applied;
        if (!refused && status != KW_TIMEOUT) {
            atomic_fetch_add(&unexpected, 1);
            print_error("%s: %s\n", kw_status_name(status), failure.message);
        }
    }
    return unused;
}

/* So many links did the proxy see meanwhile. */
static int64_t storm(void) {
    pthread_t threads[THREADS];
    int64_t before = test_proxy_seen(&proxy).links;
    atomic_store(&over, false);
    atomic_store(&calls, 0);
    atomic_store(&unexpected, 0);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, call_all_the_time, NULL), 0);
    }
    test_sleep(STORM_US);
    atomic_store(&over, true);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    int64_t links = test_proxy_seen(&proxy).links - before;
    print_message("%d calls, %lld links\n", atomic_load(&calls), (long long)links);
    assert_int_equal(atomic_load(&unexpected), 0);
    return links;
}

static void works_again(void) {
    test_proxy_cut_new_after(&proxy, -1);
    int64_t begun = test_now();
    assert_int_equal(kw_client_ping(client, 5000000, &error), KW_OK);
    assert_in_range(test_now() - begun, 0, 2500000); /* the longest pause is a second */
    kw_client_free(client);
}

static void closed_as_soon_as_accepted(void **state) {
    (void)state;
    open_client("");
    test_proxy_cut_new_after(&proxy, 0);
    assert_in_range(storm(), 3, MOST_LINKS);
    works_again();
}

static void closed_in_the_middle_of_the_handshake(void **state) {
    (void)state;
    open_client("");
    test_proxy_cut_new_after(&proxy, 100);
    assert_in_range(storm(), 3, MOST_LINKS);
    works_again();
}

/* The handshake goes well, and then the link ends before it has answered anything: it does not count as good. */
static void closed_behind_the_handshake(void **state) {
    (void)state;
    open_client("");
    assert_int_equal(kw_client_ping(client, 0, &error), KW_OK);
    int64_t handshake = test_proxy_seen(&proxy).passed[TEST_TO_CLIENT] - (int64_t)strlen("+PONG\r\n");
    test_proxy_cut_new_after(&proxy, handshake + 2);
    test_proxy_cut(&proxy);
    assert_in_range(storm(), 3, MOST_LINKS);
    works_again();
}

/* A peer that greets, and then says what nobody asked for, each time. */
static void one_who_speaks_unasked(void **state) {
    (void)state;
    static const char answer[] = "%2\r\n+server\r\n+redis\r\n+version\r\n+7.4.0\r\n+OK\r\n"
                                 "$21\r\nredis_version:7.4.0\r\n\r\n*1\r\n$6\r\nmaster\r\n:1\r\n"
                                 "+something more\r\n";
    struct test_fake fake;
    test_fake_start(&fake, answer, sizeof answer - 1, false);
    assert_int_equal(kw_client_open(fake.url, NULL, &client, &error), KW_OK);
    assert_true(kw_client_ping(client, 500000, &error) < 0);
    print_message("%lld links\n", (long long)stats().reconnects + 1);
    assert_in_range(stats().reconnects, 2, MOST_LINKS);
    kw_client_free(client);
    test_fake_stop(&fake);
}

/* A loop that steps when it is told to, and no oftener. */
static void completions_wait_for_their_turn(void **state) {
    (void)state;
    kw_completions *completions;
    kw_record record;
    open_client("");
    assert_int_equal(kw_completions_open(client, &completions, &error), KW_OK);
    test_proxy_cut_new_after(&proxy, 0);
    int64_t until = test_now() + STORM_US, waits = 0;
    for (uint64_t tag = 1; test_now() < until; tag++, waits++) {
        assert_int_equal(kw_client_submit_ping(client, completions, tag, 0, &error), KW_OK);
        assert_int_equal(kw_completions_wait(completions, 3000000, &error), 1);
        assert_int_equal(kw_completions_drain(completions, &record, 1, sizeof record, &error), 1);
        assert_int_equal(record.status, KW_CONNECTION);
    }
    assert_in_range(test_proxy_seen(&proxy).links, 3, MOST_LINKS);
    assert_in_range(waits, 3, MOST_LINKS);
    test_proxy_cut_new_after(&proxy, -1);
    assert_int_equal(kw_client_submit_ping(client, completions, 1, 0, &error), KW_OK);
    assert_int_equal(kw_completions_wait(completions, 3000000, &error), 1);
    assert_int_equal(kw_completions_drain(completions, &record, 1, sizeof record, &error), 1);
    assert_int_equal(record.status, KW_OK);
    kw_completions_free(completions);
    kw_client_free(client);
}

static bool hears(void *listener) {
    kw_listener_heard heard;
    free(test_server_command(&server, "PUBLISH", "channel", "hello", (char *)NULL));
    return kw_listener_state(listener, &heard, &error) == KW_OK && heard.messages > 0;
}

/* A link that comes up and goes down at once has not subscribed to anything. */
static void a_subscription_outlives_it(void **state) {
    (void)state;
    kw_listener *listener;
    kw_listener_heard heard;
    open_client("");
    assert_int_equal(kw_client_ping(client, 0, &error), KW_OK);
    int64_t handshake = test_proxy_seen(&proxy).passed[TEST_TO_CLIENT] - (int64_t)strlen("+PONG\r\n");
    test_proxy_cut_new_after(&proxy, handshake);
    assert_int_equal(kw_listener_open(client, "channel", 7, &listener, &error), KW_OK);
    assert_int_equal(kw_listener_state(listener, &heard, &error), KW_OK);
    test_sleep(200000);
    assert_in_range(test_proxy_seen(&proxy).links, 3, MOST_LINKS);
    test_proxy_cut_new_after(&proxy, -1);
    assert_true(test_until(hears, listener));
    kw_listener_free(listener);
    kw_client_free(client);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        fault_test(closed_as_soon_as_accepted),  fault_test(closed_in_the_middle_of_the_handshake),
        fault_test(closed_behind_the_handshake), fault_test(completions_wait_for_their_turn),
        fault_test(one_who_speaks_unasked),      fault_test(a_subscription_outlives_it),
    };
    return test_run(start_server, stop_server);
}
