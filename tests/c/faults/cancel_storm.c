/*
 * Calls are submitted and cancelled in a storm. Every tag has exactly one record, what a record calls not done was not
 * done, and what a cancelled call was granted is given back.
 */
#include "engine/completions.h"
#include "faults/faults_test.h"

static kw_completions *completions;

static int open_all(void **state) {
    start_proxy(state);
    open_client("");
    assert_int_equal(kw_completions_open(client, &completions, &error), KW_OK);
    return 0;
}

static int close_all(void **state) {
    kw_completions_free(completions);
    kw_client_free(client);
    return stop_proxy(state);
}

#define storm_test(name) cmocka_unit_test_setup_teardown(name, open_all, close_all)

static kw_record take_one(void) {
    kw_record record;
    assert_true(kw_completions_wait(completions, 5000000, &error) > 0);
    assert_int_equal(kw_completions_drain(completions, &record, 1, sizeof record, &error), 1);
    return record;
}

static bool maybe_applied(const kw_record *record) {
    return ((const kw_error *)record->data)->maybe_applied != 0;
}

/* The link is up, so that what is submitted stands among the bytes to be written at once. */
static void a_cancel_at_once(void **state) {
    (void)state;
    kw_limiter *limiter = open_window("api");
    assert_int_equal(kw_limiter_submit_hit(limiter, completions, 0, "u", 1, 1, 0, &error), KW_OK);
    assert_int_equal(take_one().status, KW_OK);
    int64_t maybe = 1;
    for (uint64_t tag = 1; tag <= 100; tag++) {
        assert_int_equal(kw_limiter_submit_hit(limiter, completions, tag, "u", 1, 1, 0, &error), KW_OK);
        if (tag % 2 == 0) kw_completions_step(completions, &error);
        assert_int_equal(kw_completions_cancel(completions, tag, &error), KW_OK);
        kw_record record = take_one();
        assert_int_equal(record.tag, tag);
        assert_int_equal(record.status, KW_CANCELLED);
        maybe += maybe_applied(&record);
    }
    assert_int_equal(kw_client_submit_ping(client, completions, 0, 0, &error), KW_OK);
    assert_int_equal(take_one().status, KW_OK); /* behind all of them */
    assert_true(charged("api", "u") <= maybe);
    kw_limiter_free(limiter);
}

/* "Unless its answer came first": it is there, and nobody has looked at it yet. */
static void a_cancel_behind_the_answer(void **state) {
    (void)state;
    kw_limiter *limiter = open_window("api");
    for (uint64_t tag = 1; tag <= 20; tag++) {
        assert_int_equal(kw_limiter_submit_hit(limiter, completions, tag, "u", 1, 1, 0, &error), KW_OK);
        int64_t until = test_now() + 5000000;
        kw__lock(&completions->link.lock);
        while (completions->arrived == NULL && test_now() < until)
            kw__link_turn(&completions->link);
        assert_non_null(completions->arrived);
        kw__unlock(&completions->link.lock);
        assert_int_equal(kw_completions_cancel(completions, tag, &error), KW_OK);
        assert_int_equal(take_one().status, KW_OK);
        assert_int_equal(kw_completions_cancel(completions, tag, &error), KW_NOT_FOUND);
    }
    assert_int_equal(charged("api", "u"), 20);
    kw_limiter_free(limiter);
}

/* Two threads submit and cancel, one steps and drains, the proxy cuts. */
enum { TAGS = 40000, IN_FLIGHT = 500 };

static kw_limiter *stormed;
static atomic_int records_of[TAGS];
static atomic_int submitted, drained, refused;

static void *submit_and_cancel(void *argument) {
    unsigned half = (unsigned)(uintptr_t)argument, random = half + 7;
    for (uint64_t tag = half; tag < TAGS; tag += 2) {
        kw_error failure;
        while (atomic_load(&submitted) - atomic_load(&drained) > IN_FLIGHT)
            test_sleep(100);
        if (kw_limiter_submit_hit(stormed, completions, tag, "u", 1, 1, 2000000, &failure) == KW_OK) {
            atomic_fetch_add(&submitted, 1);
        } else {
            atomic_fetch_add(&refused, 1);
        }
        random = random * 1103515245 + 12345;
        uint64_t other = tag - 2 * ((random >> 16) % 40);
        if (other < TAGS && (random >> 8) % 2 == 0) kw_completions_cancel(completions, other, &failure);
    }
    return NULL;
}

static void many_cancels_from_other_threads(void **state) {
    (void)state;
    pthread_t threads[2];
    int64_t ok = 0, maybe = 0, cancelled = 0;
    stormed = open_window("api");
    memset(records_of, 0, sizeof records_of);
    atomic_store(&submitted, 0);
    atomic_store(&drained, 0);
    atomic_store(&refused, 0);
    for (uintptr_t i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, submit_and_cancel, (void *)i), 0);
    }
    int64_t next_cut = test_now() + 50000, until = test_now() + 8000000;
    while (atomic_load(&drained) + atomic_load(&refused) < TAGS && test_now() < until) {
        kw_record records[64];
        if (test_now() > next_cut) {
            test_proxy_cut_after(&proxy, 700);
            next_cut = test_now() + 50000;
        }
        if (kw_completions_wait(completions, 2000, &error) <= 0) continue;
        int64_t count = kw_completions_drain(completions, records, 64, sizeof records[0], &error);
        for (int64_t i = 0; i < count; i++) {
            const kw_record *record = &records[i];
            assert_true(record->tag < TAGS);
            atomic_fetch_add(&records_of[record->tag], 1);
            ok += record->status == KW_OK;
            cancelled += record->status == KW_CANCELLED;
            if (record->status != KW_OK) {
                bool known = record->status == KW_CANCELLED || record->status == KW_UNKNOWN ||
                             record->status == KW_TIMEOUT || record->status == KW_CONNECTION;
                if (!known) fail_msg("a record with %s", kw_status_name(record->status));
                maybe += maybe_applied(record);
            }
        }
        atomic_fetch_add(&drained, (int)count);
    }
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&refused), 0);
    for (int i = 0; i < TAGS; i++)
        assert_int_equal(atomic_load(&records_of[i]), 1);
    assert_true(cancelled > 100);
    test_proxy_cut(&proxy);
    test_sleep(20000);
    int64_t count = charged("api", "u");
    print_message("%lld answered, %lld cancelled, %lld may have been done, %lld charged\n", (long long)ok,
                  (long long)cancelled, (long long)maybe, (long long)count);
    assert_true(count >= ok);
    assert_true(count <= ok + maybe);
    kw_limiter_free(stormed);
}

/* Bookings ahead are given back, whatever the server knows of the script that does it. */
static void cancelled_waits_give_their_bookings_back(void **state) {
    (void)state;
    enum { WAITS = 20, BOOKED = 60000000 }; /* each books a minute ahead: what time gives back is as nothing */
    kw_limiter *limiter;
    kw_decision decision;
    kw_limiter_options options = {.size = sizeof options, .max_wait_us = INT64_C(2) * WAITS * BOOKED};
    assert_int_equal(kw_limiter_open(client, "api", 3, "1/m burst 1", &options, &limiter, &error), KW_OK);
    assert_int_equal(kw_limiter_hit(limiter, "u", 1, 1, 0, &decision, &error), KW_OK);
    test_server_expect(&server, "OK", "SCRIPT", "FLUSH"); /* it has never seen a refund */
    for (uint64_t tag = 0; tag < WAITS; tag++) {
        assert_int_equal(kw_limiter_submit_wait(limiter, completions, tag, "u", 1, 1, options.max_wait_us, 0, &error),
                         KW_OK);
    }
    int64_t until = test_now() + 5000000;
    do {
        kw_completions_wait(completions, 5000, &error);
        assert_int_equal(kw_limiter_peek(limiter, "u", 1, 0, 0, &decision, &error), KW_OK);
    } while (decision.reset_after_us < WAITS * (int64_t)BOOKED && test_now() < until);
    assert_true(decision.reset_after_us >= WAITS * (int64_t)BOOKED);
    for (uint64_t left = WAITS; left-- > 0;) { /* the last first: a booking that has others behind it stands */
        if (left == WAITS / 2) test_server_expect(&server, "OK", "SCRIPT", "FLUSH");
        assert_int_equal(kw_completions_cancel(completions, left, &error), KW_OK);
        assert_int_equal(take_one().status, KW_CANCELLED);
        int64_t booked = (int64_t)(left + 1) * BOOKED;
        until = test_now() + 5000000;
        do {
            kw_completions_wait(completions, 1000, &error);
            assert_int_equal(kw_limiter_peek(limiter, "u", 1, 0, 0, &decision, &error), KW_OK);
        } while (decision.reset_after_us > booked && test_now() < until);
        assert_true(decision.reset_after_us <= booked);
    }
    kw_limiter_free(limiter);
}

/* Calls that wait for a channel */

static bool has_subscribers(void *count) {
    char wanted[32];
    snprintf(wanted, sizeof wanted, "channel\n%d", *(int *)count);
    char *counts = test_server_command(&server, "PUBSUB", "NUMSUB", "channel", (char *)NULL);
    bool yes = strcmp(counts, wanted) == 0;
    free(counts);
    return yes;
}

static bool was_notified(void *count) {
    kw_background now;
    return kw_client_background(client, &now, &error) == KW_OK && now.notifications >= *(int64_t *)count;
}

static int64_t watches(void) {
    kw_background now;
    assert_int_equal(kw_client_background(client, &now, &error), KW_OK);
    return now.watches;
}

/* The message is there, and nobody has looked at it when the call is cancelled and its record drained. */
static void a_cancel_that_crosses_its_message(void **state) {
    (void)state;
    kw_listener *listener;
    int64_t messages = 0;
    assert_int_equal(kw_listener_open(client, "channel", 7, &listener, &error), KW_OK);
    for (uint64_t tag = 1; tag <= 20; tag++) {
        assert_int_equal(kw_listener_submit_hear(listener, completions, tag, KW_FOREVER, 0, &error), KW_OK);
        assert_true(test_until(has_subscribers, &(int){1}));
        free(test_server_command(&server, "PUBLISH", "channel", "hello", (char *)NULL));
        messages++;
        assert_true(test_until(was_notified, &messages));
        assert_int_equal(kw_completions_cancel(completions, tag, &error), KW_OK);
        kw_record record;
        assert_int_equal(kw_completions_drain(completions, &record, 1, sizeof record, &error), 1);
        assert_int_equal(record.status, KW_CANCELLED);
        assert_int_equal(kw_completions_step(completions, &error), 0);
        assert_true(test_until(has_subscribers, &(int){0}));
    }
    assert_int_equal(watches(), 0);
    assert_int_equal(kw_client_submit_ping(client, completions, 1, 0, &error), KW_OK);
    assert_int_equal(take_one().status, KW_OK);
    kw_listener_free(listener);
}

static void a_refused_submit_watches_nothing(void **state) {
    (void)state;
    kw_listener *listener;
    assert_int_equal(kw_listener_open(client, "channel", 7, &listener, &error), KW_OK);
    assert_int_equal(kw_listener_submit_hear(listener, completions, 1, KW_FOREVER, 0, &error), KW_OK);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(kw_listener_submit_hear(listener, completions, 1, KW_FOREVER, 0, &error), KW_INVALID);
        assert_int_equal(error.reason, KW_REASON_TAG_IN_USE);
    }
    assert_int_equal(watches(), 1);
    assert_int_equal(kw_completions_cancel(completions, 1, &error), KW_OK);
    assert_int_equal(take_one().status, KW_CANCELLED);
    assert_int_equal(watches(), 0);
    kw_listener_free(listener);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        storm_test(a_cancel_at_once),
        storm_test(a_cancel_behind_the_answer),
        storm_test(many_cancels_from_other_threads),
        storm_test(cancelled_waits_give_their_bookings_back),
        storm_test(a_cancel_that_crosses_its_message),
        storm_test(a_refused_submit_watches_nothing),
    };
    return test_run(start_server, stop_server);
}
