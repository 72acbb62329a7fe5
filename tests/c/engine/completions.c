/* The contract of the loop: one descriptor, one timeout, step, drain; every tag gets exactly one record. */
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "keywright_test.h"
#include "support/test.h"
#include "support/wait.h"

static kw_client *client;
static kw_echo *echo;
static kw_completions *completions;
static kw_error error;

static int open_all(void **state) {
    (void)state;
    assert_int_equal(kw_client_open("echo://?max_in_flight=100", NULL, &client, &error), KW_OK);
    assert_int_equal(kw_echo_open(client, &echo, &error), KW_OK);
    assert_int_equal(kw_completions_open(client, &completions, &error), KW_OK);
    return 0;
}

static int close_all(void **state) {
    (void)state;
    kw_completions_free(completions);
    kw_echo_free(echo);
    kw_client_free(client);
    return 0;
}

static bool readable(void) {
    struct pollfd watched = {.fd = kw_completions_fd(completions), .events = POLLIN};
    return poll(&watched, 1, 0) == 1;
}

static kw_record take_one(void) {
    kw_record record;
    assert_true(kw_completions_wait(completions, 5000000, &error) >= 1);
    assert_int_equal(kw_completions_drain(completions, &record, 1, sizeof record, &error), 1);
    return record;
}

static void a_submit_is_answered_by_its_record(void **state) {
    (void)state;
    assert_false(readable());
    assert_int_equal(kw_completions_timeout_ms(completions), -1);
    assert_int_equal(kw_echo_submit_send(echo, completions, 77, "hello", 5, 42, 0, &error), KW_OK);
    assert_true(readable()); /* there is work for step */
    kw_record record = take_one();
    assert_int_equal(record.tag, 77);
    assert_int_equal(record.operation, 61440);
    assert_int_equal(record.status, KW_OK);
    assert_int_equal(record.length, sizeof(kw_echo_pair));
    assert_int_equal(((const kw_echo_pair *)record.data)->number, 42);
    assert_false(readable());
    assert_int_equal(kw_completions_step(completions, &error), 0); /* calling it for nothing is harmless */
}

static void readiness_ends_only_when_all_are_drained(void **state) {
    (void)state;
    for (uint64_t tag = 0; tag < 10; tag++) {
        assert_int_equal(kw_echo_submit_send(echo, completions, tag, "", 0, (int64_t)tag, 0, &error), KW_OK);
    }
    while (kw_completions_wait(completions, 5000000, &error) < 10) {
    }
    for (uint64_t tag = 0; tag < 10; tag++) {
        assert_true(readable());
        kw_record record;
        assert_int_equal(kw_completions_drain(completions, &record, 1, sizeof record, &error), 1);
        assert_int_equal(record.tag, tag); /* in the order of replies */
        assert_int_equal(((const kw_echo_pair *)record.data)->number, (int64_t)tag);
    }
    assert_false(readable());
}

static void a_tag_is_unique_while_in_flight(void **state) {
    (void)state;
    assert_int_equal(kw_echo_submit_send(echo, completions, 5, "", 0, 1, 0, &error), KW_OK);
    assert_int_equal(kw_echo_submit_send(echo, completions, 5, "", 0, 2, 0, &error), KW_INVALID);
    assert_int_equal(error.reason, KW_REASON_TAG_IN_USE);
    take_one();
    assert_int_equal(kw_echo_submit_send(echo, completions, 5, "", 0, 3, 0, &error), KW_OK);
    assert_int_equal(((const kw_echo_pair *)take_one().data)->number, 3);
}

static void too_many_are_refused_at_once(void **state) {
    (void)state;
    kw_echo_hold(echo, 1, &error);
    for (uint64_t tag = 0; tag < 100; tag++) {
        assert_int_equal(kw_echo_submit_send(echo, completions, tag, "", 0, 0, 0, &error), KW_OK);
    }
    assert_int_equal(kw_echo_submit_send(echo, completions, 100, "", 0, 0, 0, &error), KW_OVERLOADED);
    assert_int_equal(error.retryable, 1);
    kw_echo_hold(echo, 0, &error);
    for (int i = 0; i < 100; i++)
        assert_int_equal(take_one().status, KW_OK);
    assert_int_equal(kw_echo_submit_send(echo, completions, 100, "", 0, 0, 0, &error), KW_OK);
    take_one();
}

static void a_deadline_makes_a_record(void **state) {
    (void)state;
    kw_echo_hold(echo, 1, &error);
    int64_t begun = test_now();
    assert_int_equal(kw_echo_submit_send(echo, completions, 1, "", 0, 0, 30000, &error), KW_OK);
    assert_in_range(kw_completions_timeout_ms(completions), 0, 31);
    kw_record record = take_one();
    assert_in_range(test_now() - begun, 30000, 3000000);
    assert_int_equal(record.status, KW_TIMEOUT);
    assert_int_equal(((const kw_error *)record.data)->code, KW_TIMEOUT);
    assert_int_equal(((const kw_error *)record.data)->maybe_applied, 0); /* an echo changes nothing */
    kw_echo_hold(echo, 0, &error);
    assert_int_equal(kw_echo_submit_send(echo, completions, 2, "", 0, 9, 0, &error), KW_OK);
    assert_int_equal(((const kw_echo_pair *)take_one().data)->number, 9); /* the late reply went to nobody */
}

static void a_cancel_makes_a_record_and_gives_back(void **state) {
    (void)state;
    kw_echo_seen before, after;
    kw_echo_state(echo, &before, &error);
    kw_echo_hold(echo, 1, &error);
    assert_int_equal(kw_echo_submit_grant(echo, completions, 1, 2, 0, &error), KW_OK);
    do {
        kw_completions_wait(completions, 1000, &error);
        kw_echo_state(echo, &after, &error);
    } while (after.received == before.received);
    assert_int_equal(kw_completions_cancel(completions, 1, &error), KW_OK);
    assert_int_equal(kw_completions_cancel(completions, 1, &error), KW_NOT_FOUND);
    kw_record record = take_one();
    assert_int_equal(record.status, KW_CANCELLED);
    kw_echo_hold(echo, 0, &error);
    for (int i = 0; i < 1000 && after.undone == before.undone; i++) {
        assert_int_equal(kw_completions_wait(completions, 5000, &error), 0); /* no second record */
        kw_echo_state(echo, &after, &error);
    }
    assert_int_equal(after.undone - before.undone, 1);
}

static void a_cancel_before_sending_sends_nothing(void **state) {
    (void)state;
    kw_completions *fresh; /* its link is not up: what is submitted waits */
    kw_echo_seen before, after;
    assert_int_equal(kw_completions_open(client, &fresh, &error), KW_OK);
    kw_echo_state(echo, &before, &error);
    assert_int_equal(kw_echo_submit_grant(echo, fresh, 1, 2, 0, &error), KW_OK);
    assert_int_equal(kw_completions_cancel(fresh, 1, &error), KW_OK);
    assert_int_equal(kw_completions_wait(fresh, 1000000, &error), 1);
    kw_record record;
    assert_int_equal(kw_completions_drain(fresh, &record, 1, sizeof record, &error), 1);
    assert_int_equal(record.status, KW_CANCELLED);
    assert_int_equal(((const kw_error *)record.data)->maybe_applied, 0);
    kw_echo_state(echo, &after, &error);
    assert_int_equal(after.received, before.received);
    kw_completions_free(fresh);
}

static void undrained_grants_are_given_back(void **state) {
    (void)state;
    kw_completions *fresh;
    kw_echo_seen before, after;
    kw_echo_state(echo, &before, &error);
    assert_int_equal(kw_completions_open(client, &fresh, &error), KW_OK);
    assert_int_equal(kw_echo_submit_grant(echo, fresh, 1, 2, 0, &error), KW_OK);
    assert_int_equal(kw_echo_submit_grant(echo, fresh, 2, 3, 0, &error), KW_OK); /* a no */
    while (kw_completions_wait(fresh, 1000000, &error) < 2) {
    }
    kw_completions_free(fresh);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(kw_client_ping(client, 0, &error), KW_OK);
        kw_echo_state(echo, &after, &error);
        if (after.undone > before.undone) break;
        test_sleep(1000);
    }
    assert_int_equal(after.undone - before.undone, 1);
}

/* The client's own link was never needed: nobody would ever drive it. */
static void a_client_that_only_submits_gives_back_too(void **state) {
    (void)state;
    kw_client *other;
    kw_echo *its_echo;
    kw_completions *its;
    kw_echo_seen after;
    kw_stats stats;
    assert_int_equal(kw_client_open("echo://", NULL, &other, &error), KW_OK);
    assert_int_equal(kw_echo_open(other, &its_echo, &error), KW_OK);
    assert_int_equal(kw_completions_open(other, &its, &error), KW_OK);
    for (uint64_t tag = 0; tag < 6; tag++) {
        assert_int_equal(kw_echo_submit_grant(its_echo, its, tag, (int64_t)tag, 0, &error), KW_OK); /* half are a no */
    }
    while (kw_completions_wait(its, 1000000, &error) < 6) {
    }
    kw_completions_free(its);
    kw_echo_state(its_echo, &after, &error);
    assert_int_equal(after.undone, 3);
    assert_int_equal(after.granted, 0);
    kw_client_stats(other, &stats, &error);
    assert_int_equal(stats.undone, 3);
    assert_int_equal(stats.undo_failed, 0);
    kw_echo_free(its_echo);
    kw_client_free(other);
}

/* A peer that says nothing more is not waited for. */
static void a_free_waits_a_bounded_time(void **state) {
    (void)state;
    kw_client *other;
    kw_echo *its_echo;
    kw_completions *its;
    assert_int_equal(kw_client_open("echo://", NULL, &other, &error), KW_OK);
    assert_int_equal(kw_echo_open(other, &its_echo, &error), KW_OK);
    assert_int_equal(kw_completions_open(other, &its, &error), KW_OK);
    assert_int_equal(kw_echo_submit_grant(its_echo, its, 1, 2, 0, &error), KW_OK);
    while (kw_completions_wait(its, 1000000, &error) < 1) {
    }
    kw_echo_hold(its_echo, 1, &error);
    int64_t begun = test_now();
    kw_completions_free(its);
    assert_in_range(test_now() - begun, 50000, 2000000);
    kw_echo_hold(its_echo, 0, &error);
    kw_echo_free(its_echo);
    kw_client_free(other);
}

static void steps_of_one_call_are_driven(void **state) {
    (void)state;
    assert_int_equal(kw_echo_submit_steps(echo, completions, 3, 8, 5, 2000, 0, &error), KW_OK);
    kw_record record = take_one();
    assert_int_equal(record.status, KW_OK);
    assert_int_equal(((const kw_echo_pair *)record.data)->steps, 5);
}

static void handles_of_two_clients_do_not_mix(void **state) {
    (void)state;
    kw_client *other;
    kw_completions *foreign;
    assert_int_equal(kw_client_open("echo://", NULL, &other, &error), KW_OK);
    assert_int_equal(kw_completions_open(other, &foreign, &error), KW_OK);
    assert_int_equal(kw_echo_submit_send(echo, foreign, 1, "", 0, 0, 0, &error), KW_INVALID);
    assert_int_equal(error.reason, KW_REASON_FOREIGN_CLIENT);
    kw_completions_free(foreign);
    kw_client_free(other);
}

/* Any order of calls, spurious ones among them, against a model that counts tags. */
static void random_orders_lose_no_tag(void **state) {
    (void)state;
    enum { TAGS = 4000 };
    static unsigned char records_of[TAGS];
    memset(records_of, 0, sizeof records_of);
    uint64_t next = 0, drained = 0;
    srand(7);
    while (drained < TAGS) {
        kw_record records[7];
        switch (rand() % 6) {
        case 0:
        case 1:
            for (int i = rand() % 20; i > 0 && next < TAGS && next - drained < 100; i--, next++) {
                kw_status status = rand() % 3 == 0
                                       ? kw_echo_submit_steps(echo, completions, next, 1, 2, 10, 0, &error)
                                       : kw_echo_submit_grant(echo, completions, next, (int64_t)next, 0, &error);
                if (status == KW_OVERLOADED) break; /* cancelled ones keep their place until their reply comes */
                assert_int_equal(status, KW_OK);
            }
            break;
        case 2:
            assert_true(kw_completions_step(completions, &error) >= 0);
            break;
        case 3:
            if (next > 0)
                kw_completions_cancel(completions, next - 1 - (uint64_t)rand() % (next < 50 ? next : 50), &error);
            break;
        case 4:
            kw_completions_wait(completions, 1, &error);
            break;
        default: {
            int64_t count = kw_completions_drain(completions, records, 1 + rand() % 7, sizeof records[0], &error);
            for (int64_t i = 0; i < count; i++)
                records_of[records[i].tag]++;
            drained += (uint64_t)count;
            if (next == drained && next < TAGS) break;
            if (count == 0) kw_completions_wait(completions, 1000, &error);
        }
        }
    }
    for (int i = 0; i < TAGS; i++)
        assert_int_equal(records_of[i], 1);
    assert_int_equal(kw_completions_wait(completions, 20000, &error), 0);
}

static void *submit_from_elsewhere(void *argument) {
    (void)argument;
    kw_error own;
    test_sleep(20000);
    kw_echo_submit_send(echo, completions, 1234, "", 0, 0, 0, &own);
    return NULL;
}

static void a_submit_from_another_thread_wakes_the_loop(void **state) {
    (void)state;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, submit_from_elsewhere, NULL), 0);
    assert_int_equal(take_one().tag, 1234);
    pthread_join(thread, NULL);
}

static void close_gives_every_tag_its_record(void **state) {
    (void)state;
    kw_client *other;
    kw_echo *its_echo;
    kw_completions *its;
    kw_record records[8];
    assert_int_equal(kw_client_open("echo://", NULL, &other, &error), KW_OK);
    assert_int_equal(kw_echo_open(other, &its_echo, &error), KW_OK);
    assert_int_equal(kw_completions_open(other, &its, &error), KW_OK);
    kw_echo_hold(its_echo, 1, &error);
    assert_int_equal(kw_echo_submit_send(its_echo, its, 1, "", 0, 0, 0, &error), KW_OK);
    kw_completions_wait(its, 20000, &error);
    assert_int_equal(kw_echo_submit_send(its_echo, its, 2, "", 0, 0, 0, &error), KW_OK);
    assert_int_equal(kw_echo_submit_steps(its_echo, its, 3, 0, 2, 60000000, 0, &error), KW_OK);
    assert_int_equal(kw_client_close(other, 0, &error), KW_OK);
    int64_t count = 0;
    for (int i = 0; i < 100 && count < 3; i++) {
        kw_completions_wait(its, 100000, &error);
        count += kw_completions_drain(its, records + count, 8 - count, sizeof records[0], &error);
    }
    assert_int_equal(count, 3);
    for (int i = 0; i < 3; i++)
        assert_int_equal(records[i].status, KW_CLOSED);
    assert_int_equal(kw_echo_submit_send(its_echo, its, 4, "", 0, 0, 0, &error), KW_CLOSED);
    kw_completions_free(its);
    kw_echo_free(its_echo);
    kw_client_free(other);
}

static void null_handles_are_refused(void **state) {
    (void)state;
    kw_record record;
    assert_int_equal(kw_completions_fd(NULL), -1);
    assert_int_equal(kw_completions_timeout_ms(NULL), -1);
    assert_int_equal(kw_completions_step(NULL, &error), KW_INVALID);
    assert_int_equal(kw_completions_drain(NULL, &record, 1, sizeof record, &error), KW_INVALID);
    assert_int_equal(kw_completions_drain(completions, NULL, 1, sizeof record, &error), KW_INVALID);
    assert_int_equal(kw_completions_drain(completions, &record, 0, sizeof record, &error), KW_INVALID);
    assert_int_equal(kw_completions_drain(completions, &record, 1, 8, &error), KW_INVALID);
    assert_int_equal(kw_completions_drain(completions, &record, 1, sizeof record + 4, &error), KW_INVALID);
    assert_int_equal(error.reason, KW_REASON_RANGE);
    assert_int_equal(kw_completions_wait(completions, -1, &error), KW_INVALID);
    assert_int_equal(kw_echo_submit_send(echo, NULL, 1, "", 0, 0, 0, &error), KW_INVALID);
    kw_completions_free(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_submit_is_answered_by_its_record),
        cmocka_unit_test(readiness_ends_only_when_all_are_drained),
        cmocka_unit_test(a_tag_is_unique_while_in_flight),
        cmocka_unit_test(too_many_are_refused_at_once),
        cmocka_unit_test(a_deadline_makes_a_record),
        cmocka_unit_test(a_cancel_makes_a_record_and_gives_back),
        cmocka_unit_test(a_cancel_before_sending_sends_nothing),
        cmocka_unit_test(undrained_grants_are_given_back),
        cmocka_unit_test(a_client_that_only_submits_gives_back_too),
        cmocka_unit_test(a_free_waits_a_bounded_time),
        cmocka_unit_test(steps_of_one_call_are_driven),
        cmocka_unit_test(handles_of_two_clients_do_not_mix),
        cmocka_unit_test(random_orders_lose_no_tag),
        cmocka_unit_test(a_submit_from_another_thread_wakes_the_loop),
        cmocka_unit_test(close_gives_every_tag_its_record),
        cmocka_unit_test(null_handles_are_refused),
    };
    return test_run(open_all, close_all);
}
