/* Calls that are alike and meet on a link go as one command: each gets its own answer, and fails as it would alone. */
#include <pthread.h>
#include <string.h>

#include "base/memory.h"
#include "keywright_test.h"
#include "support/test.h"
#include "support/wait.h"

#define MOST 2048

static kw_client *client;
static kw_echo *echo;
static kw_completions *completions;
static kw_error error;

static int open_all(void **state) {
    (void)state;
    assert_int_equal(kw_client_open("echo://", NULL, &client, &error), KW_OK);
    assert_int_equal(kw_echo_open(client, &echo, &error), KW_OK);
    assert_int_equal(kw_completions_open(client, &completions, &error), KW_OK);
    kw_record record;
    assert_int_equal(kw_echo_submit_tally(echo, completions, 0, 0, 0, &error), KW_OK);
    while (kw_completions_wait(completions, 5000000, &error) == 0) {
    }
    assert_int_equal(kw_completions_drain(completions, &record, 1, sizeof record, &error), 1);
    assert_int_equal(record.status, KW_OK); /* the link is up, the script is known */
    return 0;
}

static int close_all(void **state) {
    (void)state;
    kw_completions_free(completions);
    kw_echo_free(echo);
    kw_client_free(client);
    return 0;
}

static kw_echo_seen seen(void) {
    kw_echo_seen now;
    assert_int_equal(kw_echo_state(echo, &now, &error), KW_OK);
    return now;
}

static bool has_received(void *expected) {
    return seen().received == *(int64_t *)expected;
}

static void step(void) {
    assert_true(kw_completions_step(completions, &error) >= 0);
}

/* Steps, and waits until the endpoint has received so many commands in all. */
static void send_until(int64_t received) {
    step();
    assert_true(test_until(has_received, &received));
}

static void tally(uint64_t tag, int64_t number) {
    assert_int_equal(kw_echo_submit_tally(echo, completions, tag, number, 0, &error), KW_OK);
}

/* What tags 0 and on were answered. */
static kw_status statuses[MOST];
static kw_echo_pair pairs[MOST];
static kw_error failures[MOST];

static void take(size_t count) {
    static kw_record records[MOST];
    while (count > 0) {
        assert_true(kw_completions_wait(completions, 5000000, &error) >= 1);
        int64_t taken = kw_completions_drain(completions, records, MOST, sizeof records[0], &error);
        assert_true(taken >= 1);
        for (int64_t i = 0; i < taken; i++) {
            uint64_t tag = records[i].tag;
            assert_true(tag < MOST);
            statuses[tag] = records[i].status;
            if (records[i].status < 0)
                memcpy(&failures[tag], records[i].data, sizeof failures[tag]);
            else
                memcpy(&pairs[tag], records[i].data, sizeof pairs[tag]);
        }
        count -= (size_t)taken;
    }
}

static void assert_answer(uint64_t tag, int64_t number, int64_t together) {
    assert_int_equal(statuses[tag], KW_OK);
    assert_int_equal(pairs[tag].number, number);
    assert_int_equal(pairs[tag].together, together);
}

static void hold(void) {
    assert_int_equal(kw_echo_hold(echo, 1, &error), KW_OK);
}

static void let_go(void) {
    assert_int_equal(kw_echo_hold(echo, 0, &error), KW_OK);
}

static void assert_idle(void) {
    kw_stats stats;
    assert_int_equal(kw_client_stats(client, &stats, &error), KW_OK);
    assert_int_equal(stats.in_flight, 0);
}

static void those_that_come_while_one_is_in_flight_go_as_one(void **state) {
    (void)state;
    int64_t before = seen().received;
    hold();
    tally(0, 1);
    send_until(before + 1);
    for (uint64_t tag = 1; tag < 10; tag++) {
        tally(tag, 1);
        step();
    }
    tally(10, 2); /* another */
    send_until(before + 2);
    let_go();
    take(11);
    assert_answer(0, 1, 1);
    for (uint64_t tag = 1; tag < 10; tag++)
        assert_answer(tag, (int64_t)tag + 1, 9);
    assert_answer(10, 1, 1);
    assert_int_equal(seen().received - before, 3);
    assert_idle();
}

static void those_that_wait_together_go_as_one(void **state) {
    (void)state;
    int64_t before = seen().received;
    for (uint64_t tag = 0; tag < 5; tag++)
        tally(tag, 1);
    take(5);
    for (uint64_t tag = 0; tag < 5; tag++)
        assert_answer(tag, (int64_t)tag + 1, 5);
    assert_int_equal(seen().received - before, 1);
}

static void what_has_no_group_goes_alone(void **state) {
    (void)state;
    int64_t before = seen().received, first;
    for (uint64_t tag = 0; tag < 3; tag++)
        tally(tag, 0);
    take(3);
    first = pairs[0].number;
    for (uint64_t tag = 0; tag < 3; tag++)
        assert_answer(tag, first + (int64_t)tag, 1);
    assert_int_equal(seen().received - before, 3);
}

/* 1 and 65 fall on one place; 1 and 1000001 have one number for their groups. */
static void those_that_are_not_alike_are_neither_held_nor_joined(void **state) {
    (void)state;
    int64_t before = seen().received;
    hold();
    tally(0, 1);
    send_until(before + 1);
    tally(1, 65);
    send_until(before + 2);
    tally(2, 65); /* its place is taken by the other: not held */
    send_until(before + 3);
    tally(3, 1000005);
    tally(4, 5);
    send_until(before + 5);
    tally(5, 1); /* this one is */
    step();
    let_go();
    take(6);
    assert_answer(0, 1, 1);
    assert_answer(1, 1, 1);
    assert_answer(2, 2, 1);
    assert_answer(3, 1, 1);
    assert_answer(4, 1, 1);
    assert_answer(5, 2, 1);
    assert_int_equal(seen().received - before, 6);
}

static void who_is_cancelled_while_held_was_never_sent(void **state) {
    (void)state;
    int64_t before = seen().received;
    hold();
    tally(0, 1);
    send_until(before + 1);
    for (uint64_t tag = 1; tag < 4; tag++)
        tally(tag, 1);
    step();
    assert_int_equal(kw_completions_cancel(completions, 2, &error), KW_OK);
    assert_int_equal(kw_completions_cancel(completions, 0, &error), KW_OK); /* in flight, and holds them all the same */
    take(2);
    assert_int_equal(statuses[2], KW_CANCELLED);
    assert_int_equal(failures[2].maybe_applied, 0);
    assert_int_equal(statuses[0], KW_CANCELLED);
    assert_int_equal(failures[0].maybe_applied, 1);
    tally(4, 1);
    step();
    assert_int_equal(seen().received - before, 1);
    let_go();
    take(3);
    assert_answer(1, 2, 3);
    assert_answer(3, 3, 3);
    assert_answer(4, 4, 3);
    assert_idle();
}

static void all_who_are_held_may_leave(void **state) {
    (void)state;
    int64_t before = seen().received;
    hold();
    tally(0, 1);
    send_until(before + 1);
    tally(1, 1);
    tally(2, 1);
    step();
    assert_int_equal(kw_completions_cancel(completions, 2, &error), KW_OK);
    assert_int_equal(kw_completions_cancel(completions, 1, &error), KW_OK);
    let_go();
    take(3);
    assert_answer(0, 1, 1);
    tally(3, 1);
    take(1);
    assert_answer(3, 2, 1);
    assert_int_equal(seen().received - before, 2);
}

static void who_is_cancelled_in_flight_keeps_its_place(void **state) {
    (void)state;
    for (uint64_t gone = 0; gone < 3; gone++) {
        int64_t before = seen().received, number = (int64_t)gone + 1;
        hold();
        for (uint64_t tag = 0; tag < 3; tag++)
            tally(tag, number);
        send_until(before + 1);
        assert_int_equal(kw_completions_cancel(completions, gone, &error), KW_OK);
        take(1);
        assert_int_equal(statuses[gone], KW_CANCELLED);
        assert_int_equal(failures[gone].maybe_applied, 1);
        let_go();
        take(2);
        for (uint64_t tag = 0; tag < 3; tag++) {
            if (tag != gone) assert_answer(tag, (int64_t)tag + 1, 3);
        }
        assert_int_equal(seen().received - before, 1);
    }
    assert_idle();
}

static void each_has_its_own_deadline(void **state) {
    (void)state;
    int64_t before = seen().received;
    hold();
    tally(0, 1);
    assert_int_equal(kw_echo_submit_tally(echo, completions, 1, 1, 30000, &error), KW_OK); /* goes with it */
    send_until(before + 1);
    assert_int_equal(kw_echo_submit_tally(echo, completions, 2, 1, 30000, &error), KW_OK); /* held */
    tally(3, 1);
    take(2);
    assert_int_equal(statuses[1], KW_TIMEOUT);
    assert_int_equal(failures[1].maybe_applied, 1);
    assert_int_equal(statuses[2], KW_TIMEOUT);
    assert_int_equal(failures[2].maybe_applied, 0);
    let_go();
    take(2);
    assert_answer(0, 1, 2);
    assert_answer(3, 3, 1);
    assert_idle();
}

static void a_lost_link_leaves_the_sent_unknown_and_the_held_unsent(void **state) {
    (void)state;
    int64_t before = seen().received;
    hold();
    for (uint64_t tag = 0; tag < 3; tag++)
        tally(tag, 1);
    send_until(before + 1);
    for (uint64_t tag = 3; tag < 6; tag++)
        tally(tag, 1);
    step();
    assert_int_equal(kw_echo_drop(echo, &error), KW_OK);
    let_go();
    take(6);
    for (uint64_t tag = 0; tag < 3; tag++) {
        assert_int_equal(statuses[tag], KW_UNKNOWN);
        assert_int_equal(failures[tag].maybe_applied, 1);
    }
    for (uint64_t tag = 3; tag < 6; tag++)
        assert_answer(tag, (int64_t)tag + 1, 3);
    assert_int_equal(seen().received - before, 2);
    assert_idle();
}

static void what_only_reads_is_gathered_anew_on_the_next_link(void **state) {
    (void)state;
    int64_t before = seen().received;
    hold();
    for (uint64_t tag = 0; tag < 3; tag++)
        assert_int_equal(kw_echo_submit_gather(echo, completions, tag, 7, 0, &error), KW_OK);
    send_until(before + 1);
    assert_int_equal(kw_echo_submit_gather(echo, completions, 3, 7, 0, &error), KW_OK);
    step();
    assert_int_equal(kw_completions_cancel(completions, 1, &error), KW_OK); /* is not sent again */
    assert_int_equal(kw_echo_drop(echo, &error), KW_OK);
    let_go();
    take(4);
    assert_int_equal(statuses[1], KW_CANCELLED);
    assert_answer(0, 7, 3);
    assert_answer(2, 7, 3);
    assert_answer(3, 7, 3);
    assert_int_equal(seen().received - before, 2);
    assert_idle();
}

static void noscript_gathers_them_anew(void **state) {
    (void)state;
    int64_t before = seen().received;
    assert_int_equal(kw_echo_flush(echo, &error), KW_OK);
    hold();
    for (uint64_t tag = 0; tag < 3; tag++)
        tally(tag, 1);
    send_until(before + 1);
    for (uint64_t tag = 3; tag < 5; tag++)
        tally(tag, 1);
    step();
    assert_int_equal(kw_completions_cancel(completions, 0, &error), KW_OK); /* nothing ran, nothing will */
    let_go();
    take(5);
    assert_int_equal(statuses[0], KW_CANCELLED);
    assert_answer(3, 1, 4);
    assert_answer(4, 2, 4);
    assert_answer(1, 3, 4);
    assert_answer(2, 4, 4);
    assert_int_equal(seen().received - before, 2);
}

static void an_error_is_each_ones(void **state) {
    (void)state;
    int64_t before = seen().received;
    for (uint64_t tag = 0; tag < 3; tag++)
        tally(tag, -1);
    take(3);
    for (uint64_t tag = 0; tag < 3; tag++) {
        assert_true(statuses[tag] < 0);
        assert_int_equal(failures[tag].maybe_applied, 0);
        assert_string_equal(failures[tag].server, "ERR no such tally");
    }
    assert_int_equal(seen().received - before, 1);
}

static void close_tells_everyone(void **state) {
    (void)state;
    int64_t before = seen().received;
    hold();
    tally(0, 1);
    tally(1, 1);
    send_until(before + 1);
    tally(2, 1);
    tally(3, 1);
    step();
    assert_int_equal(kw_client_close(client, 0, &error), KW_OK);
    take(4);
    for (uint64_t tag = 0; tag < 4; tag++) {
        assert_int_equal(statuses[tag], KW_CLOSED);
        assert_int_equal(failures[tag].maybe_applied, tag < 2);
    }
}

static void nobody_waits_for_what_is_held(void **state) {
    (void)state;
    int64_t before = seen().received;
    hold();
    tally(0, 1);
    send_until(before + 1);
    tally(1, 1);
    step(); /* and now everything is freed */
}

/* A batch of replies has room for 256; a group that does not fit what is left of it goes with the next. */
static void groups_and_others_are_told_from_full_batches(void **state) {
    (void)state;
    int64_t before = seen().received;
    hold();
    uint64_t tag = 0;
    for (; tag < 200; tag++)
        tally(tag, 0);
    for (; tag < 300; tag++)
        tally(tag, 1);
    for (; tag < 900; tag++) /* in three: 256 at most go together, and wait for one another */
        tally(tag, 2);
    for (; tag < 1000; tag++)
        tally(tag, 3);
    send_until(before + 203);
    let_go();
    take(1000);
    for (tag = 200; tag < 300; tag++)
        assert_answer(tag, (int64_t)tag - 199, 100);
    for (tag = 300; tag < 900; tag++)
        assert_answer(tag, (int64_t)tag - 299, tag < 812 ? 256 : 88);
    for (tag = 900; tag < 1000; tag++)
        assert_answer(tag, (int64_t)tag - 899, 100);
    assert_int_equal(seen().received - before, 205);
    assert_idle();
}

static void many_go_in_few(void **state) {
    (void)state;
    static kw_echo_tally_args items[1000];
    static kw_echo_pair results[1000];
    int64_t before = seen().received;
    for (int i = 0; i < 1000; i++)
        items[i] = (kw_echo_tally_args){.size = sizeof items[0], .number = 1};
    assert_int_equal(kw_echo_tally_many(echo, items, 1000, 0, results, &error), KW_OK);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(results[i].number, i + 1);
    assert_int_equal(seen().received - before, 4);
    for (int i = 0; i < 1000; i++)
        items[i].number = i % 3 + 2; /* in turns: what stands between two is not passed over */
    assert_int_equal(kw_echo_tally_many(echo, items, 1000, 0, results, &error), KW_OK);
    assert_in_range(seen().received - before, 10, 4 + 3 * 4);
    assert_idle();
}

static void no_more_are_in_flight_than_may_be(void **state) {
    (void)state;
    kw_client *narrow;
    kw_echo *other;
    kw_echo_tally_args items[10];
    kw_echo_pair results[10];
    assert_int_equal(kw_client_open("echo://?max_in_flight=4", NULL, &narrow, &error), KW_OK);
    assert_int_equal(kw_echo_open(narrow, &other, &error), KW_OK);
    for (int i = 0; i < 10; i++)
        items[i] = (kw_echo_tally_args){.size = sizeof items[0], .number = 1};
    assert_int_equal(kw_echo_tally(other, 0, 0, &results[0], &error), KW_OK);
    assert_int_equal(kw_echo_tally_many(other, items, 10, 0, results, &error), KW_OK);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(results[i].number, i + 1);
        assert_int_equal(results[i].together, i < 8 ? 4 : 2);
    }
    kw_echo_free(other);
    kw_client_free(narrow);
}

/* Threads */

enum { THREADS = 16, TURNS = 500 };

static unsigned char counted[THREADS * TURNS + 1];
static int wrong;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *tally_often(void *argument) {
    (void)argument;
    for (int i = 0; i < TURNS; i++) {
        kw_echo_pair pair = {0};
        kw_error own;
        kw_status status = kw_echo_tally(echo, 1, 5000000, &pair, &own);
        pthread_mutex_lock(&lock);
        if (status != KW_OK || pair.number < 1 || pair.number > THREADS * TURNS || counted[pair.number]++ != 0) wrong++;
        pthread_mutex_unlock(&lock);
    }
    return NULL;
}

/* Half of these run out of time; what the server counted for them is missing, and nothing is told twice. */
static void *tally_in_haste(void *argument) {
    (void)argument;
    for (int i = 0; i < TURNS; i++) {
        kw_echo_pair pair = {0};
        kw_error own;
        kw_status status = kw_echo_tally(echo, 2, i % 2 == 0 ? 100 : 5000000, &pair, &own);
        pthread_mutex_lock(&lock);
        if (status == KW_OK && counted[pair.number]++ != 0) wrong++;
        if (status != KW_OK && status != KW_TIMEOUT) wrong++;
        pthread_mutex_unlock(&lock);
    }
    return NULL;
}

static void run(void *(*work)(void *)) {
    pthread_t all[THREADS];
    memset(counted, 0, sizeof counted);
    wrong = 0;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&all[i], NULL, work, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(all[i], NULL);
    assert_int_equal(wrong, 0);
}

static void threads_share_commands(void **state) {
    (void)state;
    int64_t before = seen().received;
    run(tally_often);
    for (int i = 1; i <= THREADS * TURNS; i++)
        assert_int_equal(counted[i], 1);
    assert_true(seen().received - before < THREADS * TURNS);
    assert_idle();
}

static void threads_in_haste_are_told_nothing_twice(void **state) {
    (void)state;
    run(tally_in_haste);
    kw_echo_pair pair;
    assert_int_equal(kw_echo_tally(echo, 2, 0, &pair, &error), KW_OK);
    assert_idle();
}

/* One that comes back to look at a signal while it is held is resumed, or ended. */
static void what_is_held_can_be_interrupted(void **state) {
    (void)state;
    kw_client_options options = {.size = sizeof options, .interrupt_us = 5000};
    kw_client *patient;
    kw_echo *other;
    kw_echo_pair pair;
    uint64_t calls[3];
    assert_int_equal(kw_client_open("echo://", &options, &patient, &error), KW_OK);
    assert_int_equal(kw_echo_open(patient, &other, &error), KW_OK);
    while (kw_echo_tally(other, 0, 0, &pair, &error) == KW_INTERRUPTED)
        kw_call_cancel(patient, error.call, &error);
    kw_echo_hold(other, 1, &error);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(kw_echo_tally(other, 1, 0, &pair, &error), KW_INTERRUPTED);
        calls[i] = error.call;
    }
    assert_int_equal(kw_call_cancel(patient, calls[1], &error), KW_OK);
    kw_echo_hold(other, 0, &error);
    for (int i = 0; i < 3; i += 2) {
        kw_status status;
        while ((status = kw_call_resume(patient, calls[i], &pair, sizeof pair, &error)) == KW_INTERRUPTED) {
        }
        assert_int_equal(status, KW_OK);
        assert_int_equal(pair.number, i / 2 + 1);
    }
    kw_echo_free(other);
    kw_client_free(patient);
}

/*
 * Memory that is out fails those whose bytes it would have held, or, where the endpoint lacked it, takes a reply or a
 * link from them; each is told once.
 */
static void each_allocation_may_fail(void **state) {
    for (uint64_t n = 0; n < 60; n++) {
        open_all(state);
        hold();
        tally(0, 1);
        step();
        kw__memory_fail_at(n, n % 3 == 2);
        size_t submitted = 1;
        for (uint64_t tag = 1; tag < 20; tag++) {
            statuses[tag] = KW_NO_MEMORY;
            if (kw_echo_submit_tally(echo, completions, tag, 1, 200000, &error) == KW_OK) submitted++;
        }
        let_go();
        kw_completions_step(completions, &error);
        kw__memory_fail_at(0, false);
        take(submitted);
        bool in_time = true;
        for (uint64_t tag = 0; tag < 20; tag++) {
            kw_status status = statuses[tag];
            in_time = in_time && status != KW_TIMEOUT;
            assert_true(status == KW_OK || status == KW_NO_MEMORY || status == KW_UNKNOWN || status == KW_TIMEOUT);
        }
        if (in_time) assert_idle(); /* a reply that never came leaves its places in line */
        close_all(state);
    }
}

#define UNIT(test) cmocka_unit_test_setup_teardown(test, open_all, close_all)

int main(void) {
    const struct CMUnitTest tests[] = {
        UNIT(those_that_come_while_one_is_in_flight_go_as_one),
        UNIT(those_that_wait_together_go_as_one),
        UNIT(what_has_no_group_goes_alone),
        UNIT(those_that_are_not_alike_are_neither_held_nor_joined),
        UNIT(who_is_cancelled_while_held_was_never_sent),
        UNIT(all_who_are_held_may_leave),
        UNIT(who_is_cancelled_in_flight_keeps_its_place),
        UNIT(each_has_its_own_deadline),
        UNIT(a_lost_link_leaves_the_sent_unknown_and_the_held_unsent),
        UNIT(what_only_reads_is_gathered_anew_on_the_next_link),
        UNIT(noscript_gathers_them_anew),
        UNIT(an_error_is_each_ones),
        UNIT(close_tells_everyone),
        UNIT(nobody_waits_for_what_is_held),
        UNIT(groups_and_others_are_told_from_full_batches),
        UNIT(many_go_in_few),
        UNIT(no_more_are_in_flight_than_may_be),
        UNIT(threads_share_commands),
        UNIT(threads_in_haste_are_told_nothing_twice),
        UNIT(what_is_held_can_be_interrupted),
        cmocka_unit_test(each_allocation_may_fail),
    };
    return test_run(NULL, NULL);
}
