/* SCRIPT FLUSH in a loop under load: nobody notices, and every charge and refund is made exactly once. */
#include "faults/faults_test.h"

enum { THREADS = 8, RUN_US = 1500000 };

static kw_limiter *window, *booked;
static atomic_bool over;
static atomic_int failures;
static atomic_int_least64_t standing; /* charged and not refunded, by what was answered */

static void expect_ok(kw_status status, const kw_error *failure) {
    if (status == KW_OK) return;
    atomic_fetch_add(&failures, 1);
    print_error("%s: %s %s\n", kw_status_name(status), failure->message, failure->server);
}

static void *use_every_script(void *unused) {
    for (int round = 0; !atomic_load(&over); round++) {
        kw_decision decision, seen;
        kw_error failure;
        kw_status status = kw_limiter_hit(window, "u", 1, 3, 0, &decision, &failure);
        expect_ok(status, &failure);
        atomic_fetch_add(&standing, status == KW_OK ? 3 : 0);
        expect_ok(kw_limiter_peek(window, "u", 1, 1, 0, &seen, &failure), &failure);
        if (round % 2 == 0 && status == KW_OK) {
            status = kw_limiter_refund(window, "u", 1, &decision, 2, 0, &failure);
            expect_ok(status, &failure);
            atomic_fetch_sub(&standing, status == KW_OK ? 2 : 0);
        }
        expect_ok(kw_limiter_wait(booked, "u", 1, 1, 1000000, 0, &decision, &failure), &failure);
    }
    return unused;
}

static void *submit_batches(void *unused) {
    enum { COUNT = 50 };
    kw_limiter_hit_args items[COUNT];
    kw_decision results[COUNT];
    for (int i = 0; i < COUNT; i++)
        items[i] = (kw_limiter_hit_args){sizeof items[0], 0, "u", 1, 1};
    while (!atomic_load(&over)) {
        kw_error failure;
        expect_ok(kw_limiter_hit_many(window, items, COUNT, 0, results, &failure), &failure);
        atomic_fetch_add(&standing, COUNT);
    }
    return unused;
}

static void nobody_notices(void **state) {
    (void)state;
    pthread_t threads[THREADS + 1];
    open_client("");
    window = open_window("api");
    /* So fast that nobody waits long, so slow that bookings are made. */
    assert_int_equal(kw_limiter_open(client, "wait", 4, "20000/s burst 1", NULL, &booked, &error), KW_OK);
    atomic_store(&over, false);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, use_every_script, NULL), 0);
    }
    assert_int_equal(pthread_create(&threads[THREADS], NULL, submit_batches, NULL), 0);
    int64_t until = test_now() + RUN_US;
    int flushes = 0;
    for (; test_now() < until; flushes++) {
        test_server_expect(&server, "OK", "SCRIPT", "FLUSH");
        test_sleep(200);
    }
    atomic_store(&over, true);
    for (int i = 0; i <= THREADS; i++)
        pthread_join(threads[i], NULL);
    print_message("%d flushes, %lld commands sent again, %lld charged\n", flushes, (long long)stats().retries,
                  (long long)atomic_load(&standing));
    assert_int_equal(atomic_load(&failures), 0);
    assert_true(stats().retries > 20);
    assert_int_equal(stats().reconnects, 0);
    assert_int_equal(charged("api", "u"), atomic_load(&standing));
    kw_limiter_free(window);
    kw_limiter_free(booked);
    kw_client_free(client);
}

int main(void) {
    const struct CMUnitTest tests[] = {fault_test(nobody_notices)};
    return test_run(start_server, stop_server);
}
