/* The breaker of limiters with a failure policy: what it costs to meet an absent server, and how soon one is found. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include "limiter/limiter_test.h"
#include "primitives/limiter_breaker.h"

enum { THREADS = 8 };

static kw_limiter *lenient(void) {
    return open_limiter("api", "1000000/s", (kw_limiter_options){.on_failure = KW_ON_FAILURE_ALLOW});
}

/* How long one hit takes. */
static int64_t took(kw_limiter *limiter, int32_t *reason) {
    int64_t begun = test_now();
    *reason = hit(limiter, 1).reason;
    return test_now() - begun;
}

static void connect(kw_limiter *limiter) {
    kw_decision decision;
    no_failure(kw_limiter_hit(limiter, "u", 1, 1, 5 * SECOND, &decision, &error));
}

/* Hits until the server answers; how long that took. */
static int64_t until_served(kw_limiter *limiter) {
    int64_t begun = test_now();
    while (hit(limiter, 1).reason != KW_DECIDED_BY_SERVER) {
        if (test_now() - begun > 5 * SECOND) fail_msg("the server is there, and nobody asks it");
        test_sleep(1000);
    }
    return test_now() - begun;
}

/* The rules, by times of the test's own. */
static void it_opens_probes_and_closes(void **state) {
    (void)state;
    kw__breaker breaker = {0};
    kw__passage first = {0}, second = {0}, probe = {0}, other = {0};
    assert_true(kw__breaker_lets(&breaker, 1000, 51000, &first));
    assert_true(kw__breaker_lets(&breaker, 1000, 51000, &second));
    kw__breaker_ended(&breaker, KW_TIMEOUT, 51000, &first);
    kw__breaker_ended(&breaker, KW_TIMEOUT, 52000, &second); /* of the same outage: nothing is prolonged */
    assert_false(kw__breaker_lets(&breaker, 150999, 200999, &probe));
    int64_t now = 151000, pause = 100000;
    for (int i = 0; i < 6; i++) {
        assert_true(kw__breaker_lets(&breaker, now, now + 50000, &probe));
        assert_false(kw__breaker_lets(&breaker, now, now + 50000, &other)); /* one at a time */
        now += 50000;
        kw__breaker_ended(&breaker, i % 2 == 0 ? KW_TIMEOUT : KW_UNKNOWN, now, &probe);
        pause = pause < 500000 ? 2 * pause : SECOND;
        assert_false(kw__breaker_lets(&breaker, now + pause - 1, now + pause + 50000, &other));
        now += pause;
    }
    /* A probe of which nobody hears lapses after its deadline, or after a second. */
    assert_true(kw__breaker_lets(&breaker, now, now + 50000, &probe));
    assert_false(kw__breaker_lets(&breaker, now + 149999, now + 60 * SECOND, &other));
    assert_true(kw__breaker_lets(&breaker, now + 150000, now + 60 * SECOND, &other));
    assert_false(kw__breaker_lets(&breaker, now + SECOND, now + 60 * SECOND, &probe));
    assert_true(kw__breaker_lets(&breaker, now + 150000 + SECOND, now + 60 * SECOND, &probe));
    kw__breaker_ended(&breaker, KW_LOADING, now + 2 * SECOND, &other); /* that is an answer too */
    now += 2 * SECOND;
    assert_true(kw__breaker_lets(&breaker, now, now + 50000, &first));
    /* One that others were answered beside says nothing of the server, nor does a lost link. */
    kw__breaker_ended(&breaker, KW_OK, now + 1, &second);
    kw__breaker_ended(&breaker, KW_TIMEOUT, now + 50000, &first);
    first = (kw__passage){0};
    assert_true(kw__breaker_lets(&breaker, now + 50000, now + 100000, &first));
    kw__breaker_ended(&breaker, KW_UNKNOWN, now + 60000, &first);
    assert_true(kw__breaker_lets(&breaker, now + 60000, now + 100000, &first));
}

static void a_silent_server_costs_one_deadline(void **state) {
    (void)state;
    kw_limiter *limiter = lenient();
    connect(limiter);
    test_server_signal(&server, SIGSTOP);
    int32_t reason;
    int64_t first = took(limiter, &reason), longest = 0;
    assert_int_equal(reason, KW_DECIDED_BY_FAIL_OPEN);
    assert_true(first >= 50000);
    for (int i = 0; i < 1000; i++) {
        int64_t each = took(limiter, &reason);
        if (each > longest) longest = each;
        assert_int_equal(reason, KW_DECIDED_BY_FAIL_OPEN);
        if (test_now() % 7 == 0) test_sleep(1);
    }
    assert_true(longest < 45000 + 100000); /* a probe is among them at most */
    kw_hit_counts counts;
    no_failure(kw_limiter_stats(limiter, &counts, &error));
    assert_int_equal(counts.failed, 1001);
    assert_int_equal(counts.admitted, 1002);
    /* Stopped for long: it is found within a second all the same. */
    int64_t until = test_now() + 2 * SECOND;
    int64_t probes = 0;
    while (test_now() < until) {
        probes += took(limiter, &reason) > 40000;
        test_sleep(1000);
    }
    assert_in_range(probes, 2, 5); /* after 0.1, 0.2, 0.4, 0.8 s and then each second */
    test_server_signal(&server, SIGCONT);
    assert_true(until_served(limiter) < SECOND + SECOND / 2);
    for (int i = 0; i < 100; i++)
        assert_int_equal(hit(limiter, 1).reason, KW_DECIDED_BY_SERVER);
    kw_limiter_free(limiter);
}

static void a_server_that_comes_back_is_found(void **state) {
    (void)state;
    for (int round = 0; round < 2; round++) {
        kw_limiter *limiter = lenient();
        connect(limiter);
        test_server_signal(&server, SIGKILL);
        int32_t reason;
        int64_t until = test_now() + (round == 0 ? SECOND / 10 : 2 * SECOND), slow = 0;
        while (test_now() < until) {
            slow += took(limiter, &reason) > 10000;
            test_sleep(1000);
        }
        assert_in_range(slow, 0, 8);
        test_server_restart(&server, 0);
        assert_true(until_served(limiter) < SECOND + SECOND / 2);
        kw_limiter_free(limiter);
    }
}

/* What asks for an answer itself still gets none; what has no policy waits as ever. */
static void others_wait_as_ever(void **state) {
    (void)state;
    kw_limiter *limiter = lenient(), *strict = gcra("1000/s");
    connect(limiter);
    test_server_signal(&server, SIGSTOP);
    hit(limiter, 1);
    kw_decision decision;
    int64_t begun = test_now();
    assert_int_equal(kw_limiter_peek(limiter, "u", 1, 1, 20000, &decision, &error), KW_TIMEOUT);
    assert_int_equal(kw_limiter_hit(strict, "u", 1, 1, 20000, &decision, &error), KW_TIMEOUT);
    assert_int_equal(kw_limiter_hit(strict, "u", 1, 1, 20000, &decision, &error), KW_TIMEOUT);
    assert_true(test_now() - begun >= 60000);
    begun = test_now();
    no_failure(kw_limiter_wait(limiter, "u", 1, 1, SECOND, 0, &decision, &error));
    assert_int_equal(decision.reason, KW_DECIDED_BY_FAIL_OPEN);
    no_failure(kw_limiter_hit_up_to(limiter, "u", 1, 5, 0, &decision, &error));
    assert_int_equal(decision.count, 5);
    assert_true(test_now() - begun < SECOND / 2);
    test_server_signal(&server, SIGCONT);
    until_served(limiter);
    kw_limiter_free(limiter);
    kw_limiter_free(strict);
}

static kw_limiter *shared;
static atomic_bool over;
static atomic_int asked, served;

static void *hit_all_the_time(void *unused) {
    (void)unused;
    kw_error failure;
    kw_decision decision;
    while (!atomic_load(&over)) {
        int64_t begun = test_now();
        if (kw_limiter_hit(shared, "u", 1, 1, 0, &decision, &failure) != KW_OK) return &shared;
        if (decision.reason == KW_DECIDED_BY_SERVER)
            atomic_fetch_add(&served, 1);
        else if (test_now() - begun >= 50000)
            atomic_fetch_add(&asked, 1);
        test_sleep(500);
    }
    return NULL;
}

static bool has_been_served(void *times) {
    return atomic_load(&served) >= *(int *)times;
}

/* Eight threads wait for one deadline each, for they had asked already; from then on one at a time asks. */
static void one_thread_probes(void **state) {
    (void)state;
    shared = lenient();
    connect(shared);
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hit_all_the_time, NULL), 0);
    int some = 100;
    assert_true(test_until(has_been_served, &some));
    test_server_signal(&server, SIGSTOP);
    test_sleep(1300000);
    int probes = atomic_load(&asked);
    test_server_signal(&server, SIGCONT);
    some = atomic_load(&served) + 1000;
    assert_true(test_until(has_been_served, &some));
    atomic_store(&over, true);
    for (int i = 0; i < THREADS; i++) {
        void *wrong;
        assert_int_equal(pthread_join(threads[i], &wrong), 0);
        assert_null(wrong);
    }
    assert_in_range(probes, 1, THREADS + 4); /* after 0.1, 0.2 and 0.4 s */
    kw_limiter_free(shared);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        limiter_test(it_opens_probes_and_closes),
        limiter_test(a_silent_server_costs_one_deadline),
        limiter_test(a_server_that_comes_back_is_found),
        limiter_test(others_wait_as_ever),
        limiter_test(one_thread_probes),
    };
    return test_run(open_server, close_server);
}
