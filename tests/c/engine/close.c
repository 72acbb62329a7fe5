/* Closing: from another thread while calls block, twice, and in any order of frees. */
#include <pthread.h>
#include <stdatomic.h>

#include "keywright_test.h"
#include "support/test.h"
#include "support/wait.h"

struct blocked {
    kw_echo *echo;
    bool sleeps; /* for a timer instead of a reply */
    kw_status status;
    kw_error error;
};

static void *block(void *argument) {
    struct blocked *self = argument;
    kw_echo_pair pair;
    self->status = self->sleeps ? kw_echo_steps(self->echo, 1, 2, 60000000, KW_FOREVER, &pair, &self->error)
                                : kw_echo_send(self->echo, "", 0, 1, KW_FOREVER, &pair, &self->error);
    return NULL;
}

static void close_wakes_everybody(void **state) {
    (void)state;
    enum { THREADS = 8 };
    kw_client *client;
    kw_echo *echo;
    kw_error error;
    pthread_t threads[THREADS];
    struct blocked blocked[THREADS];
    assert_int_equal(kw_client_open("echo://", NULL, &client, &error), KW_OK);
    assert_int_equal(kw_echo_open(client, &echo, &error), KW_OK);
    for (int i = 0; i < THREADS; i++) {
        blocked[i] = (struct blocked){.echo = echo, .sleeps = i < 2};
        if (i == 2) {
            test_sleep(50000); /* those who sleep have had their first reply */
            kw_echo_hold(echo, 1, &error);
        }
        assert_int_equal(pthread_create(&threads[i], NULL, block, &blocked[i]), 0);
    }
    test_sleep(50000);
    int64_t begun = test_now();
    assert_int_equal(kw_client_close(client, 5000000, &error), KW_OK);
    assert_true(test_now() - begun < 2000000);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(blocked[i].status, KW_CLOSED);
        assert_int_equal(blocked[i].error.code, KW_CLOSED);
        assert_int_equal(blocked[i].error.maybe_applied, 0); /* an echo changes nothing */
    }
    kw_client_free(client);
    kw_echo_free(echo);
}

static void after_close_handles_say_so(void **state) {
    (void)state;
    kw_client *client;
    kw_echo *echo, *another;
    kw_completions *completions;
    kw_limiter *limiter;
    kw_error error;
    kw_echo_pair pair;
    kw_stats stats;
    assert_int_equal(kw_client_open("echo://", NULL, &client, &error), KW_OK);
    assert_int_equal(kw_echo_open(client, &echo, &error), KW_OK);
    assert_int_equal(kw_client_close(client, 0, &error), KW_OK);
    assert_int_equal(kw_client_close(client, 0, &error), KW_OK);
    assert_int_equal(kw_client_ping(client, 0, &error), KW_CLOSED);
    assert_int_equal(kw_echo_send(echo, "", 0, 1, 0, &pair, &error), KW_CLOSED);
    assert_int_equal(kw_echo_open(client, &another, &error), KW_CLOSED);
    assert_null(another);
    assert_int_equal(kw_completions_open(client, &completions, &error), KW_CLOSED);
    assert_int_equal(kw_limiter_open(client, "a", 1, "1/s", NULL, &limiter, &error), KW_CLOSED);
    assert_int_equal(kw_client_stats(client, &stats, &error), KW_OK);
    kw_client_free(client); /* the object outlives its client's handle */
    assert_int_equal(kw_echo_send(echo, "", 0, 1, 0, &pair, &error), KW_CLOSED);
    kw_echo_free(echo);
}

static void frees_may_come_in_any_order(void **state) {
    (void)state;
    for (int order = 0; order < 6; order++) {
        kw_client *client;
        kw_echo *echo;
        kw_completions *completions;
        kw_error error;
        kw_echo_pair pair;
        assert_int_equal(kw_client_open("echo://", NULL, &client, &error), KW_OK);
        assert_int_equal(kw_echo_open(client, &echo, &error), KW_OK);
        assert_int_equal(kw_completions_open(client, &completions, &error), KW_OK);
        assert_int_equal(kw_echo_send(echo, "", 0, 1, 0, &pair, &error), KW_OK);
        kw_echo_hold(echo, 1, &error);
        assert_int_equal(kw_echo_submit_grant(echo, completions, 1, 2, 0, &error), KW_OK);
        kw_completions_wait(completions, 10000, &error);
        assert_int_equal(kw_echo_grant(echo, 2, 5000, &pair, &error), KW_TIMEOUT); /* one that is left to the link */
        for (int i = 0; i < 3; i++) {
            switch ((order + (order < 3 ? i : 2 * i)) % 3) {
            case 0:
                kw_client_free(client);
                break;
            case 1:
                kw_echo_free(echo);
                break;
            default:
                kw_completions_free(completions);
            }
        }
    }
    kw_client_free(NULL);
    kw_echo_free(NULL);
}

/* A submit that says KW_OK has its record, however closely the close follows. */
struct race {
    kw_echo *echo;
    kw_completions *completions;
    atomic_int submitted;
};

static void *submit_until_closed(void *argument) {
    struct race *race = argument;
    static atomic_uint_least64_t tags;
    kw_error error;
    kw_status status;
    do {
        status = kw_echo_submit_send(race->echo, race->completions, atomic_fetch_add(&tags, 1), "", 0, 1, 0, &error);
        if (status == KW_OK) atomic_fetch_add(&race->submitted, 1);
    } while (status == KW_OK || status == KW_OVERLOADED);
    return NULL;
}

static void *drain_until_closed(void *argument) {
    struct race *race = argument;
    kw_record records[64];
    kw_error error;
    intptr_t drained = 0;
    while (kw_completions_wait(race->completions, 1000, &error) >= 0) {
        drained += (intptr_t)kw_completions_drain(race->completions, records, 64, sizeof records[0], &error);
    }
    return (void *)drained;
}

static void no_submit_is_lost_at_close(void **state) {
    (void)state;
    for (int round = 0; round < 100; round++) {
        struct race race = {0};
        kw_client *client;
        kw_error error;
        pthread_t submitters[3], collector;
        void *drained;
        assert_int_equal(kw_client_open("echo://", NULL, &client, &error), KW_OK);
        assert_int_equal(kw_echo_open(client, &race.echo, &error), KW_OK);
        assert_int_equal(kw_completions_open(client, &race.completions, &error), KW_OK);
        assert_int_equal(pthread_create(&collector, NULL, drain_until_closed, &race), 0);
        for (int i = 0; i < 3; i++)
            assert_int_equal(pthread_create(&submitters[i], NULL, submit_until_closed, &race), 0);
        test_sleep(1000);
        kw_client_close(client, 0, &error);
        for (int i = 0; i < 3; i++)
            pthread_join(submitters[i], NULL);
        pthread_join(collector, &drained);
        assert_int_equal((intptr_t)drained, atomic_load(&race.submitted));
        kw_completions_free(race.completions);
        kw_echo_free(race.echo);
        kw_client_free(client);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(close_wakes_everybody),
        cmocka_unit_test(after_close_handles_say_so),
        cmocka_unit_test(frees_may_come_in_any_order),
        cmocka_unit_test(no_submit_is_lost_at_close),
    };
    return test_run(NULL, NULL);
}
