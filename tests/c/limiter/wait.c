/* Waiting: booked ahead under GCRA, asked again by windows, and given back when nobody waits any more. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include "limiter/limiter_test.h"

static kw_decision wait_for(kw_limiter *limiter, int64_t cost, int64_t wait_us) {
    kw_decision decision;
    no_failure(kw_limiter_wait(limiter, "u", 1, cost, wait_us, KW_DEFAULT_TIMEOUT, &decision, &error));
    return decision;
}

static void who_is_admitted_at_once_does_not_wait(void **state) {
    (void)state;
    kw_limiter *limiters[] = {gcra("10/m"), gcra("7/m"), window("10/m")};
    for (int i = 0; i < 3; i++) {
        clean(state);
        int64_t before = test_now();
        kw_decision decision = wait_for(limiters[i], 2, 10 * SECOND);
        assert_in_range(test_now() - before, 0, 5 * SECOND);
        assert_int_equal(decision.status, KW_OK);
        assert_int_equal(decision.count, 2);
        assert_int_equal(decision.delay_us, 0);
        assert_int_equal(peek(limiters[i], 1).remaining, decision.limit - 2);
        kw_limiter_free(limiters[i]);
    }
}

static void a_waiter_comes_back_when_its_turn_has_come(void **state) {
    (void)state;
    test_clock_set(&server, YEAR_2026);
    kw_limiter *limiter = gcra("10/s burst 3");
    hit(limiter, 3);
    int64_t before = test_now();
    kw_decision decision = wait_for(limiter, 2, SECOND);
    int64_t took = test_now() - before;
    assert_in_range(took, 200000, 5 * SECOND);
    assert_int_equal(decision.status, KW_OK);
    assert_int_equal(decision.count, 2);
    assert_int_equal(decision.delay_us, 200000);
    assert_int_equal(decision.remaining, 0);
    assert_int_equal(decision.reset_after_us, 300000); /* as it is when the caller hears of it */
    assert_int_equal(decision.settles_at_us[0], YEAR_2026 + 500000);
    kw_limiter_free(limiter);
}

static void who_would_wait_too_long_is_told_at_once(void **state) {
    (void)state;
    test_clock_set(&server, YEAR_2026);
    kw_limiter *limiters[] = {gcra("10/m as s"), gcra("7/m burst 10 as s"), window("10/m as s")};
    for (int i = 0; i < 3; i++) {
        char before[128], after[128];
        const char *key = i < 2 ? "kw:limiter:{api:u}:tat:s" : "kw:limiter:{api:u}:window:s";
        clean(state);
        test_clock_set(&server, YEAR_2026);
        hit(limiters[i], 10);
        picture(key, before);
        int64_t from = test_now(), exactly = hit(limiters[i], 5).retry_after_us;
        kw_decision decision = wait_for(limiters[i], 5, exactly - 1);
        assert_in_range(test_now() - from, 0, 10 * SECOND);
        assert_int_equal(decision.status, KW_DENIED);
        assert_int_equal(decision.retry_after_us, exactly);
        assert_int_equal(decision.count, 0);
        picture(key, after);
        assert_string_equal(before, after);
        assert_int_equal(wait_for(limiters[i], 5, 0).status, KW_DENIED);
        kw_limiter_free(limiters[i]);
    }
}

static void patience_of_exactly_retry_after_suffices(void **state) {
    (void)state;
    test_clock_set(&server, YEAR_2026);
    kw_limiter *limiter = gcra("70/s burst 10");
    hit(limiter, 10);
    int64_t exactly = hit(limiter, 1).retry_after_us;
    assert_int_equal(wait_for(limiter, 1, exactly).status, KW_OK);
    kw_limiter_free(limiter);
}

static void the_limiters_longest_wait_bounds_patience(void **state) {
    (void)state;
    test_clock_set(&server, YEAR_2026);
    kw_limiter *limiter = open_limiter("api", "10/s burst 1", (kw_limiter_options){.max_wait_us = 250000});
    hit(limiter, 1);
    assert_int_equal(wait_for(limiter, 1, KW_FOREVER).delay_us, 100000);
    assert_int_equal(wait_for(limiter, 1, KW_FOREVER).delay_us, 200000);
    kw_decision decision = wait_for(limiter, 1, KW_FOREVER);
    assert_int_equal(decision.status, KW_DENIED);
    assert_int_equal(decision.retry_after_us, 300000);
    kw_limiter_free(limiter);
}

static void costs_that_charge_nothing_do_not_wait(void **state) {
    (void)state;
    kw_limiter *limiters[] = {gcra("10/h"), window("10/h")};
    for (int i = 0; i < 2; i++) {
        hit(limiters[i], 10);
        int64_t before = test_now();
        assert_int_equal(wait_for(limiters[i], 0, MINUTE).status, KW_OK);
        kw_decision decision = wait_for(limiters[i], 11, KW_FOREVER);
        assert_int_equal(decision.status, KW_DENIED);
        assert_int_equal(decision.retry_after_us, KW_NEVER);
        assert_in_range(test_now() - before, 0, 5 * SECOND);
        kw_limiter_free(limiters[i]);
    }
}

/* Waiters have booked beyond the burst: looking is allowed still, and says the truth. */
static void looking_past_waiters_is_allowed(void **state) {
    (void)state;
    test_clock_set(&server, YEAR_2026);
    kw_limiter *limiter = gcra("10/s burst 1");
    hit(limiter, 1);
    wait_for(limiter, 1, SECOND);
    kw_decision decision = hit(limiter, 0);
    assert_int_equal(decision.status, KW_OK);
    assert_int_equal(decision.retry_after_us, 0);
    assert_int_equal(decision.remaining, 0);
    assert_int_equal(decision.reset_after_us, 200000);
    assert_int_equal(peek(limiter, 0).status, KW_OK);
    assert_int_equal(peek(limiter, 1).retry_after_us, 200000);
    kw_limiter_free(limiter);
}

/* N waiters */

enum { WAITERS = 20 };

static kw_limiter *shared;
static atomic_int served, early;
static int64_t started;

static void *wait_in_line(void *argument) {
    (void)argument;
    kw_decision decision;
    kw_status status = kw_limiter_wait(shared, "u", 1, 1, 10 * SECOND, KW_DEFAULT_TIMEOUT, &decision, NULL);
    if (status == KW_OK) atomic_fetch_add(&served, 1);
    if (test_now() - started < decision.delay_us) atomic_fetch_add(&early, 1);
    return NULL;
}

static int64_t serve_all(kw_limiter *limiter) {
    pthread_t threads[WAITERS];
    shared = limiter;
    atomic_store(&served, 0);
    atomic_store(&early, 0);
    started = test_now();
    for (int i = 0; i < WAITERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, wait_in_line, NULL), 0);
    for (int i = 0; i < WAITERS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&served), WAITERS);
    assert_int_equal(atomic_load(&early), 0);
    return test_now() - started;
}

static void all_waiters_are_served_in_their_turns(void **state) {
    (void)state;
    kw_limiter *limiter = gcra("100/s burst 1");
    assert_in_range(serve_all(limiter), (WAITERS - 1) * 10000, 9 * SECOND);
    kw_limiter_free(limiter);
    limiter = window("5 per 100 ms");
    assert_in_range(serve_all(limiter), 300000, 9 * SECOND); /* five in each of four windows */
    kw_limiter_free(limiter);
}

static void a_window_is_asked_again_when_it_ends(void **state) {
    (void)state;
    kw_limiter *limiter = window("2/s");
    hit(limiter, 2);
    int64_t before = test_now();
    kw_decision decision = wait_for(limiter, 1, 5 * SECOND);
    assert_int_equal(decision.status, KW_OK);
    assert_int_equal(decision.remaining, 1);
    assert_in_range(test_now() - before, 200000, 5 * SECOND);
    kw_limiter_free(limiter);
}

/* A window that stays full: with the clock standing every try is denied. */
static void a_window_that_stays_full_is_not_asked_for_ever(void **state) {
    (void)state;
    test_clock_freeze(&server);
    kw_limiter *limiter = window("1/ms");
    hit(limiter, 1);
    int64_t before = test_now();
    ask("CONFIG", "RESETSTAT");
    assert_int_equal(wait_for(limiter, 1, 30 * SECOND).status, KW_DENIED);
    assert_in_range(test_now() - before, 100 * 1000, 20 * SECOND);
    char *calls = strstr(strstr(ask("INFO", "commandstats"), "cmdstat_evalsha"), "calls=");
    assert_int_equal(strtol(calls + 6, NULL, 10), 100);
    kw_limiter_free(limiter);
}

/* Giving back */

static kw_completions *completions;

static kw_record next_record(void) {
    kw_record record;
    assert_true(kw_completions_wait(completions, 5 * SECOND, &error) >= 1);
    assert_int_equal(kw_completions_drain(completions, &record, 1, sizeof record, &error), 1);
    return record;
}

static bool no_key_is_left(void *unused) {
    (void)unused;
    /* Time passes for the completions as well: what they still have to send goes out in step. */
    if (completions != NULL) kw_completions_step(completions, &error);
    return strcmp(ask("DBSIZE"), "0") == 0;
}

static int64_t undone(void) {
    kw_stats stats;
    no_failure(kw_client_stats(client, &stats, &error));
    return stats.undone;
}

static bool has_undone(void *times) {
    if (completions != NULL) kw_completions_step(completions, &error);
    no_failure(kw_client_ping(client, 0, &error)); /* somebody reads the link */
    return undone() >= *(int64_t *)times;
}

static bool debt_is_one_hit(void *limiter) {
    if (completions != NULL) kw_completions_step(completions, &error);
    return peek(limiter, 1).reset_after_us == 100000;
}

static void a_wait_that_is_cancelled_gives_its_booking_back(void **state) {
    (void)state;
    test_clock_set(&server, YEAR_2026);
    kw_limiter *limiter = gcra("10/s burst 1");
    int64_t counted = undone() + 1;
    hit(limiter, 1);
    no_failure(kw_completions_open(client, &completions, &error));
    no_failure(kw_limiter_submit_wait(limiter, completions, 5, "u", 1, 1, 30 * SECOND, 0, &error));
    for (int i = 0; i < 100 && peek(limiter, 1).reset_after_us != 200000; i++) {
        kw_completions_step(completions, &error);
        test_sleep(1000);
    }
    assert_int_equal(peek(limiter, 1).reset_after_us, 200000);
    no_failure(kw_completions_cancel(completions, 5, &error));
    kw_record record = next_record();
    assert_int_equal(record.tag, 5);
    assert_int_equal(record.status, KW_CANCELLED);
    assert_true(test_until(debt_is_one_hit, limiter));
    assert_true(test_until(has_undone, &counted));
    assert_int_equal(undone(), counted);
    kw_completions_free(completions);
    completions = NULL;
    kw_limiter_free(limiter);
}

static void *wait_for_one(void *unused) {
    (void)unused;
    kw_error failure;
    return (void *)(intptr_t)kw_completions_wait(completions, 10 * SECOND, &failure);
}

/* One thread sleeps in wait; another steps, and reads the reply that books a moment: the first must hear of it. */
static void a_moment_that_another_thread_read_of_is_not_missed(void **state) {
    (void)state;
    kw_limiter *limiter = gcra("100/s burst 1");
    no_failure(kw_completions_open(client, &completions, &error));
    for (uint64_t tag = 1; tag <= 10; tag++) {
        pthread_t sleeper;
        assert_int_equal(pthread_create(&sleeper, NULL, wait_for_one, NULL), 0);
        test_sleep(3000);
        hit(limiter, 1);
        int64_t begun = test_now();
        no_failure(kw_limiter_submit_wait(limiter, completions, tag, "u", 1, 1, SECOND, 5 * SECOND, &error));
        for (int i = 0; i < 500; i++)
            kw_completions_step(completions, &error);
        void *count;
        assert_int_equal(pthread_join(sleeper, &count), 0);
        assert_int_equal((intptr_t)count, 1);
        assert_true(test_now() - begun < 2 * SECOND);
        assert_int_equal(next_record().status, KW_OK);
        test_sleep(20000);
    }
    kw_completions_free(completions);
    completions = NULL;
    kw_limiter_free(limiter);
}

static void *wait_for_little(void *unused) {
    (void)unused;
    kw_error failure;
    kw_completions_wait(completions, 50000, &failure);
    return NULL;
}

/* The one who sleeps for longest is woken too, whoever fell asleep last. */
static void a_moment_is_heard_of_by_all_who_sleep(void **state) {
    (void)state;
    kw_limiter *limiter = gcra("4/s burst 1");
    no_failure(kw_completions_open(client, &completions, &error));
    hit(limiter, 1);
    pthread_t longest, shortest;
    void *count;
    assert_int_equal(pthread_create(&longest, NULL, wait_for_one, NULL), 0);
    test_sleep(10000);
    assert_int_equal(pthread_create(&shortest, NULL, wait_for_little, NULL), 0);
    test_sleep(10000);
    int64_t begun = test_now();
    no_failure(kw_limiter_submit_wait(limiter, completions, 1, "u", 1, 1, SECOND, 5 * SECOND, &error));
    for (int i = 0; i < 500; i++)
        kw_completions_step(completions, &error);
    assert_int_equal(pthread_join(shortest, NULL), 0);
    assert_int_equal(pthread_join(longest, &count), 0);
    assert_int_equal((intptr_t)count, 1);
    assert_true(test_now() - begun < 3 * SECOND);
    assert_int_equal(next_record().status, KW_OK);
    kw_completions_free(completions);
    completions = NULL;
    kw_limiter_free(limiter);
}

static void an_answer_that_nobody_fetched_is_given_back(void **state) {
    (void)state;
    test_clock_set(&server, YEAR_2026);
    kw_limiter *limiter = gcra("10/s");
    no_failure(kw_completions_open(client, &completions, &error));
    no_failure(kw_limiter_submit_wait(limiter, completions, 5, "u", 1, 3, SECOND, 0, &error));
    assert_true(kw_completions_wait(completions, 5 * SECOND, &error) >= 1);
    assert_int_equal(peek(limiter, 1).remaining, 7);
    kw_completions_free(completions);
    completions = NULL;
    assert_true(test_until(no_key_is_left, NULL));
    kw_limiter_free(limiter);
}

/* The server hangs beyond the deadline and then says yes: nobody waits for that any more. */
static void a_yes_that_comes_too_late_is_given_back(void **state) {
    (void)state;
    kw_limiter *limiters[] = {gcra("10/h"), gcra("7/h"), window("10/h")};
    for (int i = 0; i < 3; i++) {
        clean(state);
        kw_limiter *limiter = limiters[i];
        kw_decision decision;
        int64_t counted = undone() + 1;
        hit(limiter, 1);
        test_server_signal(&server, SIGSTOP);
        int64_t before = test_now();
        kw_status status = kw_limiter_wait(limiter, "u", 1, 4, 100000, 100000, &decision, &error);
        int64_t took = test_now() - before;
        test_server_signal(&server, SIGCONT);
        assert_int_equal(status, KW_TIMEOUT);
        assert_int_equal(error.maybe_applied, 1);
        assert_in_range(took, 200000, 5 * SECOND);
        int64_t limit = peek(limiter, 1).limit;
        for (int j = 0; j < 200 && peek(limiter, 1).remaining != limit - 1; j++)
            test_sleep(5000);
        assert_int_equal(peek(limiter, 1).remaining, limit - 1);
        assert_true(test_until(has_undone, &counted));
        assert_int_equal(undone(), counted);
        kw_limiter_free(limiter);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        limiter_test(who_is_admitted_at_once_does_not_wait),
        limiter_test(a_waiter_comes_back_when_its_turn_has_come),
        limiter_test(who_would_wait_too_long_is_told_at_once),
        limiter_test(patience_of_exactly_retry_after_suffices),
        limiter_test(the_limiters_longest_wait_bounds_patience),
        limiter_test(costs_that_charge_nothing_do_not_wait),
        limiter_test(looking_past_waiters_is_allowed),
        limiter_test(all_waiters_are_served_in_their_turns),
        limiter_test(a_window_is_asked_again_when_it_ends),
        limiter_test(a_window_that_stays_full_is_not_asked_for_ever),
        limiter_test(a_wait_that_is_cancelled_gives_its_booking_back),
        limiter_test(a_moment_that_another_thread_read_of_is_not_missed),
        limiter_test(a_moment_is_heard_of_by_all_who_sleep),
        limiter_test(an_answer_that_nobody_fetched_is_given_back),
        limiter_test(a_yes_that_comes_too_late_is_given_back),
    };
    return test_run(open_server, close_server);
}
