/*
 * A server that accepts and greets and then reads nothing: what piles up here is bounded, callers are told in time, and
 * what they are told was not done is not done later, when it reads again or another takes its place.
 */
#include "engine/completions.h"
#include "faults/faults_test.h"

enum { IN_FLIGHT = 3000, BUFFERS = 16 << 20 };

static kw_completions *completions;
static kw_limiter *limiter;
static char long_key[KW_MAX_KEY]; /* in the command it is three times as long */
static int64_t before;

/* What the window of the long key was charged: it is the only key with such a length. */
static int64_t charged_to_long_key(void) {
    static const char script[] = "local sum = 0\n"
                                 "for _, key in ipairs(redis.call('KEYS', 'kw:limiter:{api:%25*')) do\n"
                                 "  sum = sum + tonumber(string.sub(redis.call('GET', key), 17))\n"
                                 "end\n"
                                 "return sum";
    char *sum = test_server_command(&server, "EVAL", script, "0", (char *)NULL);
    int64_t count = strtoll(sum, NULL, 10);
    free(sum);
    return count;
}

static int open_all(void **state) {
    start_proxy(state);
    memset(long_key, '%', sizeof long_key);
    open_client("?max_in_flight=3000&timeout=5s");
    limiter = open_window("api");
    kw_record record;
    assert_int_equal(kw_completions_open(client, &completions, &error), KW_OK);
    assert_int_equal(kw_limiter_submit_hit(limiter, completions, 0, long_key, sizeof long_key, 1, 0, &error), KW_OK);
    assert_int_equal(kw_completions_wait(completions, 0, &error), 1);
    assert_int_equal(kw_completions_drain(completions, &record, 1, sizeof record, &error), 1);
    assert_int_equal(record.status, KW_OK);
    before = charged_to_long_key();
    assert_int_equal(before, 1);
    test_proxy_stall(&proxy, TEST_TO_SERVER, true);
    return 0;
}

static int close_all(void **state) {
    kw_limiter_free(limiter);
    kw_completions_free(completions);
    kw_client_free(client);
    return stop_proxy(state);
}

#define deaf_test(name) cmocka_unit_test_setup_teardown(name, open_all, close_all)

/* As many as are let in, all with the same deadline. */
static void submit_all(int64_t timeout_us) {
    kw_status status = KW_OK;
    uint64_t tag = 0;
    while (status == KW_OK && tag <= IN_FLIGHT) {
        status = kw_limiter_submit_hit(limiter, completions, tag, long_key, sizeof long_key, 1, timeout_us, &error);
        if (status == KW_OK && ++tag % 100 == 0) kw_completions_step(completions, &error);
    }
    assert_int_equal(status, KW_OVERLOADED);
    assert_int_equal(error.retryable, 1);
    assert_int_equal(error.maybe_applied, 0);
    assert_int_equal(tag, IN_FLIGHT);
}

/* Takes all records; how many may have been done. */
static int64_t take_all(void) {
    int64_t maybe = 0, count = 0;
    while (count < IN_FLIGHT) {
        kw_record records[100];
        assert_true(kw_completions_wait(completions, 10000000, &error) > 0);
        int64_t taken = kw_completions_drain(completions, records, 100, sizeof records[0], &error);
        for (int64_t i = 0; i < taken; i++) {
            assert_int_equal(records[i].status, KW_TIMEOUT);
            maybe += ((const kw_error *)records[i].data)->maybe_applied;
        }
        count += taken;
    }
    return maybe;
}

static int64_t try_submitted(void) {
    int64_t begun = test_now();
    submit_all(300000);
    int64_t maybe = take_all();
    assert_in_range(test_now() - begun, 300000, 2500000);
    size_t held = completions->link.out.capacity + completions->link.sending.capacity;
    print_message("%lld of %d may have been done, %zu KiB held back\n", (long long)maybe, IN_FLIGHT, held >> 10);
    assert_true(held < BUFFERS);
    assert_in_range(maybe, 1, IN_FLIGHT - 1); /* some stood in line, some never came so far */
    return maybe;
}

/* A hit behind all of them goes through. */
static void go_through(void) {
    kw_record record;
    kw_status status;
    do { /* those whose callers have gone hold their places until they are answered */
        status = kw_limiter_submit_hit(limiter, completions, 0, "u", 1, 1, 8000000, &error);
        if (status == KW_OVERLOADED) kw_completions_wait(completions, 10000, &error);
    } while (status == KW_OVERLOADED);
    assert_int_equal(status, KW_OK);
    assert_int_equal(kw_completions_wait(completions, 8000000, &error), 1);
    assert_int_equal(kw_completions_drain(completions, &record, 1, sizeof record, &error), 1);
    assert_int_equal(record.status, KW_OK);
}

static void it_reads_again(void **state) {
    (void)state;
    int64_t maybe = try_submitted();
    test_proxy_stall(&proxy, TEST_TO_SERVER, false);
    go_through();
    assert_int_equal(charged_to_long_key() - before, maybe); /* no more and no fewer */
}

static void another_takes_its_place(void **state) {
    (void)state;
    try_submitted();
    test_proxy_cut(&proxy);
    test_proxy_stall(&proxy, TEST_TO_SERVER, false);
    go_through();
    assert_int_equal(charged_to_long_key(), before); /* nothing is begun anew for callers who have gone */
    assert_int_equal(stats().reconnects, 1);
}

/* Two seconds behind the first deadline that passed in silence. */
static void it_is_given_up(void **state) {
    (void)state;
    int64_t begun = test_now(), maybe = try_submitted(), links = test_proxy_seen(&proxy).links;
    assert_int_equal(kw_client_submit_ping(client, completions, 0, 8000000, &error), KW_OK);
    while (test_proxy_seen(&proxy).links == links && test_now() - begun < 8000000) {
        assert_int_equal(kw_completions_wait(completions, 10000, &error), 0);
    }
    assert_in_range(test_now() - begun, 2300000, 5000000);
    test_proxy_stall(&proxy, TEST_TO_SERVER, false);
    kw_record record;
    assert_int_equal(kw_completions_wait(completions, 8000000, &error), 1);
    assert_int_equal(kw_completions_drain(completions, &record, 1, sizeof record, &error), 1);
    assert_int_equal(record.status, KW_OK); /* what only asks waited for the next link */
    go_through();
    assert_in_range(charged_to_long_key() - before, 0, maybe);
    assert_int_equal(stats().reconnects, 1);
}

/* What is owed to the server is another matter: a booking that nobody wants goes back, though its caller has gone. */
static void a_booking_goes_back_by_the_next_link(void **state) {
    (void)state;
    enum { HITS = 500, MINUTE = 60000000 };
    kw_limiter *booked;
    kw_decision decision;
    kw_limiter_options options = {.size = sizeof options, .max_wait_us = 10 * MINUTE};
    test_proxy_stall(&proxy, TEST_TO_SERVER, false);
    assert_int_equal(kw_limiter_open(client, "wait", 4, "1/m burst 1", &options, &booked, &error), KW_OK);
    assert_int_equal(kw_limiter_hit(booked, "u", 1, 1, 0, &decision, &error), KW_OK);
    assert_int_equal(kw_limiter_submit_wait(booked, completions, 9999, "u", 1, 1, 5 * MINUTE, 0, &error), KW_OK);
    int64_t until = test_now() + 5000000;
    do {
        kw_completions_wait(completions, 1000, &error);
        assert_int_equal(kw_limiter_peek(booked, "u", 1, 0, 0, &decision, &error), KW_OK);
    } while (decision.reset_after_us < MINUTE && test_now() < until);
    assert_int_equal(kw_completions_wait(completions, 20000, &error), 0); /* it sleeps for its turn */

    test_proxy_stall(&proxy, TEST_TO_SERVER, true);
    for (uint64_t tag = 0; tag < HITS; tag++) { /* more than the system takes, less than is held back at most */
        kw_status status =
            kw_limiter_submit_hit(limiter, completions, tag, long_key, sizeof long_key, 1, 10000000, &error);
        assert_int_equal(status, KW_OK);
    }
    kw_completions_step(completions, &error);
    assert_int_equal(kw_completions_cancel(completions, 9999, &error), KW_OK);
    kw_completions_step(completions, &error); /* what gives it back stands in line behind them */
    test_proxy_cut(&proxy);
    test_proxy_stall(&proxy, TEST_TO_SERVER, false);
    until = test_now() + 5000000;
    do {
        kw_completions_wait(completions, 1000, &error);
        assert_int_equal(kw_limiter_peek(booked, "u", 1, 0, 0, &decision, &error), KW_OK);
    } while (decision.reset_after_us > MINUTE && test_now() < until);
    assert_true(decision.reset_after_us <= MINUTE);
    kw_limiter_free(booked);
}

/* Threads: each has its deadline, and their batches do not pile up either. */
static atomic_int late;

static void *call_in_batches(void *unused) {
    enum { COUNT = 500 };
    static _Thread_local kw_limiter_hit_args items[COUNT];
    static _Thread_local kw_decision results[COUNT];
    for (int i = 0; i < COUNT; i++) {
        items[i] = (kw_limiter_hit_args){sizeof items[0], 0, long_key, sizeof long_key, 1};
    }
    for (int round = 0; round < 5; round++) {
        kw_error failure;
        int64_t begun = test_now();
        kw_status status = kw_limiter_hit_many(limiter, items, COUNT, 100000, results, &failure);
        if (status != KW_TIMEOUT || test_now() - begun > 3000000) atomic_fetch_add(&late, 1);
    }
    return unused;
}

static void threads_are_told_in_time(void **state) {
    (void)state;
    enum { THREADS = 8 };
    pthread_t threads[THREADS];
    test_proxy_stall(&proxy, TEST_TO_SERVER, false);
    assert_int_equal(kw_client_ping(client, 0, &error), KW_OK);
    test_proxy_stall(&proxy, TEST_TO_SERVER, true);
    atomic_store(&late, 0);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, call_in_batches, NULL), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&late), 0);
    kw__link *link = &client->link;
    assert_true(link->out.capacity + link->sending.capacity < BUFFERS);
    assert_true(link->line.count <= IN_FLIGHT);
    assert_int_equal(link->waiting.count, 0); /* who left took what was not yet in line along */
    test_proxy_stall(&proxy, TEST_TO_SERVER, false);
    assert_int_equal(hit(limiter, "u", 0), KW_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        deaf_test(it_reads_again),           deaf_test(another_takes_its_place),
        deaf_test(it_is_given_up),           deaf_test(a_booking_goes_back_by_the_next_link),
        deaf_test(threads_are_told_in_time),
    };
    return test_run(start_server, stop_server);
}
