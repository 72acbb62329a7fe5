/*
 * A link that falls silent with an answer outstanding: those who wait are told in time, the link is given up when it
 * has been silent for long enough, and waiting for that costs no processor time.
 */
#include <sys/resource.h>

#include "faults/faults_test.h"

static int64_t processor_us(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (int64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 + usage.ru_utime.tv_usec +
           usage.ru_stime.tv_usec;
}

static void *ping_with_patience(void *status) {
    kw_error failure;
    *(kw_status *)status = kw_client_ping(client, 3600000, &failure);
    return NULL;
}

/*
 * The answer to the oldest call is overdue by more than the two seconds after which a link is given up, but something
 * was heard since: it must be silent for two seconds from there on.
 */
static void waiting_for_the_end_of_patience(void **state) {
    (void)state;
    pthread_t first, second;
    kw_status of_first, of_second;
    open_client("");
    kw_limiter *limiter = open_window("api");
    assert_int_equal(hit(limiter, "u", 0), KW_OK);
    test_proxy_delay(&proxy, TEST_TO_CLIENT, 1500000);
    assert_int_equal(pthread_create(&first, NULL, ping_with_patience, &of_first), 0); /* answered after 1.5 s */
    test_sleep(50000);
    test_proxy_delay(&proxy, TEST_TO_CLIENT, 20000000);
    assert_int_equal(hit(limiter, "u", 10000), KW_TIMEOUT); /* never */
    assert_int_equal(pthread_create(&second, NULL, ping_with_patience, &of_second), 0);
    pthread_join(first, NULL);
    assert_int_equal(of_first, KW_OK);
    test_sleep(600000); /* now the hit has been overdue for two seconds */
    int64_t spent = processor_us();
    test_sleep(1100000);
    spent = processor_us() - spent;
    print_message("%lld us of processor time in 1.1 s\n", (long long)spent);
    assert_true(spent < 300000);
    assert_int_equal(stats().reconnects, 0);
    test_proxy_delay(&proxy, TEST_TO_CLIENT, 0);
    pthread_join(second, NULL); /* given up, and asked again on another link */
    assert_int_equal(of_second, KW_OK);
    assert_int_equal(stats().reconnects, 1);
    kw_limiter_free(limiter);
    kw_client_free(client);
}

/* A booking that nobody fetched is given back long after its call's deadline, over a link that was idle for long. */
static void what_is_owed_does_not_end_the_link(void **state) {
    (void)state;
    kw_completions *completions;
    kw_limiter *limiter;
    kw_decision decision;
    open_client("");
    assert_int_equal(kw_completions_open(client, &completions, &error), KW_OK);
    assert_int_equal(kw_limiter_open(client, "api", 3, "10/s burst 1", NULL, &limiter, &error), KW_OK);
    assert_int_equal(kw_limiter_hit(limiter, "u", 1, 1, 0, &decision, &error), KW_OK);
    assert_int_equal(kw_limiter_hit(limiter, "gone", 4, 1, 0, &decision, &error), KW_OK);
    assert_int_equal(kw_limiter_refund(limiter, "gone", 4, &decision, 1, 0, &error), KW_OK);
    assert_int_equal(kw_limiter_submit_wait(limiter, completions, 1, "u", 1, 1, 200000, 1000, &error), KW_OK);
    assert_int_equal(kw_completions_wait(completions, 5000000, &error), 1); /* its record stays where it is */
    test_sleep(2400000);
    test_proxy_delay(&proxy, TEST_TO_CLIENT, 50000);
    kw_completions_free(completions);
    assert_int_equal(kw_limiter_hit(limiter, "v", 1, 1, 0, &decision, &error), KW_OK);
    assert_int_equal(stats().reconnects, 0);
    kw_limiter_free(limiter);
    kw_client_free(client);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        fault_test(waiting_for_the_end_of_patience),
        fault_test(what_is_owed_does_not_end_the_link),
    };
    return test_run(start_server, stop_server);
}
