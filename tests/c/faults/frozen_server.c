/* The server stands still for more than a second: no call outlasts its deadline, and afterwards all goes on. */
#include <signal.h>

#include "faults/faults_test.h"

enum { THREADS = 16, STOP_US = 1200000, NOISE_US = 700000, PATIENT = 4 };

static kw_limiter *limiter;
static atomic_bool over;
static atomic_int unexpected, timeouts, answered_by_the_patient;
static atomic_int_least64_t latest; /* by how much a call outlasted its deadline, at most */
static atomic_int_least64_t ok, maybe;

static void note(int64_t asked_us, int64_t took_us, kw_status status, const kw_error *failure) {
    int64_t late = took_us - asked_us, seen = atomic_load(&latest);
    while (late > seen && !atomic_compare_exchange_weak(&latest, &seen, late))
        continue;
    if (status == KW_OK) {
        atomic_fetch_add(&ok, 1);
    } else if (status == KW_TIMEOUT && took_us >= asked_us) {
        atomic_fetch_add(&timeouts, 1);
        atomic_fetch_add(&maybe, failure->maybe_applied);
    } else {
        atomic_fetch_add(&unexpected, 1);
        print_error("%s after %lld us: %s\n", kw_status_name(status), (long long)took_us, failure->message);
    }
}

static void *call_with_a_deadline(void *argument) {
    int number = (int)(intptr_t)argument;
    /* Some wait through it, the others give up in different times. */
    int64_t timeout = number < PATIENT ? 4 * STOP_US : 5000 + number * 20000;
    while (!atomic_load(&over)) {
        kw_decision decision;
        kw_error failure;
        int64_t begun = test_now();
        kw_status status = kw_limiter_hit(limiter, "u", 1, 1, timeout, &decision, &failure);
        int64_t took = test_now() - begun;
        note(timeout, took, status, &failure);
        if (number < PATIENT && status == KW_OK && took > STOP_US / 2) atomic_fetch_add(&answered_by_the_patient, 1);
    }
    return NULL;
}

static void *submit_with_deadlines(void *unused) {
    kw_completions *completions;
    kw_error failure;
    if (kw_completions_open(client, &completions, &failure) != KW_OK) return unused;
    while (!atomic_load(&over)) {
        int64_t begun = test_now();
        for (uint64_t tag = 0; tag < 20; tag++) {
            int64_t timeout = 20000 + (int64_t)tag * 10000;
            if (kw_limiter_submit_hit(limiter, completions, tag, "u", 1, 1, timeout, &failure) != KW_OK) {
                atomic_fetch_add(&unexpected, 1);
            }
        }
        for (int out = 20; out > 0;) {
            kw_record records[20];
            if (kw_completions_wait(completions, 5000000, &failure) <= 0) {
                atomic_fetch_add(&unexpected, 1);
                break;
            }
            int64_t count = kw_completions_drain(completions, records, 20, sizeof records[0], &failure);
            int64_t took = test_now() - begun;
            for (int64_t i = 0; i < count; i++) {
                note(20000 + (int64_t)records[i].tag * 10000, took, records[i].status, records[i].data);
            }
            out -= (int)count;
        }
    }
    kw_completions_free(completions);
    return unused;
}

static void no_call_outlasts_its_deadline(void **state) {
    (void)state;
    pthread_t threads[THREADS + 1];
    open_client("");
    limiter = open_window("api");
    assert_int_equal(hit(limiter, "u", 0), KW_OK);
    atomic_store(&ok, 1);
    for (intptr_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, call_with_a_deadline, (void *)i), 0);
    }
    assert_int_equal(pthread_create(&threads[THREADS], NULL, submit_with_deadlines, NULL), 0);
    test_sleep(200000);
    test_server_signal(&server, SIGSTOP);
    test_sleep(STOP_US);
    test_server_signal(&server, SIGCONT);
    test_sleep(300000);
    atomic_store(&over, true);
    for (int i = 0; i <= THREADS; i++)
        pthread_join(threads[i], NULL);
    print_message("%lld answered, %d ran out of time, the latest %lld us behind its deadline\n",
                  (long long)atomic_load(&ok), atomic_load(&timeouts), (long long)atomic_load(&latest));
    assert_int_equal(atomic_load(&unexpected), 0);
    assert_true(atomic_load(&timeouts) > 20);
    assert_true(atomic_load(&answered_by_the_patient) > 0);
    assert_true(atomic_load(&latest) < NOISE_US);
    /* The link is the same one, and nobody was charged twice. */
    assert_int_equal(hit(limiter, "u", 0), KW_OK);
    assert_int_equal(stats().reconnects, 0);
    int64_t count = charged("api", "u");
    assert_in_range(count, atomic_load(&ok) + 1, atomic_load(&ok) + 1 + atomic_load(&maybe));
    kw_limiter_free(limiter);
    kw_client_free(client);
}

int main(void) {
    const struct CMUnitTest tests[] = {fault_test(no_call_outlasts_its_deadline)};
    return test_run(start_server, stop_server);
}
