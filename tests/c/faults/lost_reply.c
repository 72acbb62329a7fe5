/* A hit whose answer is lost: its caller is told that it may have been charged, and it is never sent twice. */
#include "faults/faults_test.h"

/* Warms up: the link is there, the server knows the scripts, one hit is charged. */
static kw_limiter *ready(const char *query) {
    open_client(query);
    kw_limiter *limiter = open_window("api");
    kw_decision decision;
    assert_int_equal(hit(limiter, "u", 0), KW_OK);
    assert_int_equal(kw_limiter_peek(limiter, "u", 1, 1, 0, &decision, &error), KW_OK);
    return limiter;
}

static void done(kw_limiter *limiter) {
    kw_limiter_free(limiter);
    kw_client_free(client);
}

/* A link that has been idle for a moment is looked at before anything is sent on it. */
static void pause_a_moment(void) {
    test_sleep(3000);
}

static bool is_charged(void *times) {
    return charged("api", "u") == *(int64_t *)times;
}

static void may_have_been_done(kw_status got, kw_status expected) {
    assert_int_equal(got, expected);
    assert_int_equal(error.code, expected);
    assert_int_equal(error.maybe_applied, 1);
    assert_int_equal(error.retryable, 0);
}

static void a_reply_is_swallowed(void **state) {
    (void)state;
    kw_limiter *limiter = ready("?timeout=5s");
    test_proxy_swallow(&proxy, TEST_TO_CLIENT, true);
    int64_t begun = test_now();
    may_have_been_done(hit(limiter, "u", 100000), KW_TIMEOUT);
    assert_in_range(test_now() - begun, 100000, 1500000);
    assert_true(test_until(is_charged, &(int64_t){2})); /* it was, or is about to be */

    /* That link will not speak again. It is given up, and with it what was sent on it. */
    test_proxy_swallow(&proxy, TEST_TO_CLIENT, false);
    may_have_been_done(hit(limiter, "u", 0), KW_UNKNOWN);
    assert_in_range(test_now() - begun, 2000000, 4500000);
    assert_int_equal(charged("api", "u"), 3); /* each once */
    assert_int_equal(hit(limiter, "u", 0), KW_OK);
    assert_int_equal(charged("api", "u"), 4);
    assert_int_equal(stats().reconnects, 1);
    done(limiter);
}

static void a_command_is_swallowed(void **state) {
    (void)state;
    kw_limiter *limiter = ready("?timeout=5s");
    test_proxy_swallow(&proxy, TEST_TO_SERVER, true);
    may_have_been_done(hit(limiter, "u", 50000), KW_TIMEOUT); /* the caller cannot know better */
    assert_int_equal(charged("api", "u"), 1);
    test_proxy_cut(&proxy);
    test_proxy_swallow(&proxy, TEST_TO_SERVER, false);
    assert_int_equal(kw_client_ping(client, 0, &error), KW_OK); /* finds the link dead, and is asked again */
    assert_int_equal(hit(limiter, "u", 0), KW_OK);
    assert_int_equal(charged("api", "u"), 2); /* the first was not sent again for a caller who had gone */
    done(limiter);
}

static void a_link_is_cut_at_every_byte_of_a_reply(void **state) {
    (void)state;
    enum { BEGIN = 1000, VARIES = 5 }; /* counts of four digits; the server's microseconds have one to six */
    kw_limiter *limiter = ready("");
    kw_decision decision;
    assert_int_equal(kw_limiter_hit(limiter, "u", 1, BEGIN - 1, 0, &decision, &error), KW_OK);
    int64_t calls = BEGIN, retries = stats().retries, reply = stats().bytes_received;
    assert_int_equal(hit(limiter, "u", 0), KW_OK);
    reply = stats().bytes_received - reply;
    calls++;
    assert_in_range(reply, 30, 100);
    for (int64_t bytes = 0; bytes <= reply + VARIES; bytes++) {
        test_proxy_cut_after(&proxy, bytes);
        kw_status status = hit(limiter, "u", 0);
        if (bytes < reply - VARIES || (bytes < reply + VARIES && status != KW_OK))
            may_have_been_done(status, KW_UNKNOWN);
        else
            assert_int_equal(status, KW_OK);
        assert_int_equal(charged("api", "u"), ++calls);
        test_proxy_cut(&proxy);
        pause_a_moment();
        assert_int_equal(hit(limiter, "u", 0), KW_OK); /* a link cut while nothing was out costs nobody an answer */
        assert_int_equal(charged("api", "u"), ++calls);
    }
    assert_int_equal(stats().retries, retries);
    done(limiter);
}

static void what_only_reads_is_asked_again(void **state) {
    (void)state;
    kw_limiter *limiter = ready("");
    for (int64_t bytes = 0; bytes < 60; bytes += 3) {
        kw_decision decision;
        test_proxy_cut_after(&proxy, bytes);
        assert_int_equal(kw_limiter_peek(limiter, "u", 1, 1, 0, &decision, &error), KW_OK);
        assert_int_equal(decision.remaining, WINDOW_LIMIT - 1);
    }
    assert_true(stats().retries > 10);
    assert_int_equal(charged("api", "u"), 1);
    done(limiter);
}

/* However a question ends, it has changed nothing. */
static void what_only_reads_was_never_applied(void **state) {
    (void)state;
    kw_limiter *limiter = ready("");
    kw_completions *completions;
    kw_decision decision;
    kw_record records[2];
    assert_int_equal(kw_completions_open(client, &completions, &error), KW_OK);
    assert_int_equal(kw_client_submit_ping(client, completions, 1, 0, &error), KW_OK);
    assert_int_equal(kw_completions_wait(completions, 0, &error), 1);
    assert_int_equal(kw_completions_drain(completions, records, 2, sizeof records[0], &error), 1);
    test_proxy_swallow(&proxy, TEST_TO_CLIENT, true);
    assert_int_equal(kw_limiter_peek(limiter, "u", 1, 1, 20000, &decision, &error), KW_TIMEOUT);
    assert_int_equal(error.maybe_applied, 0);
    for (uint64_t tag = 2; tag < 4; tag++)
        assert_int_equal(kw_limiter_submit_peek(limiter, completions, tag, "u", 1, 1, 0, &error), KW_OK);
    kw_completions_step(completions, &error);
    assert_int_equal(kw_completions_cancel(completions, 2, &error), KW_OK);
    kw_client_close(client, 0, &error);
    for (int count = 0; count < 2;)
        count = (int)kw_completions_wait(completions, 0, &error);
    assert_int_equal(kw_completions_drain(completions, records, 2, sizeof records[0], &error), 2);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(records[i].status, records[i].tag == 2 ? KW_CANCELLED : KW_CLOSED);
        assert_int_equal(((const kw_error *)records[i].data)->maybe_applied, 0);
    }
    kw_completions_free(completions);
    done(limiter);
}

static void the_server_says_that_it_will_say_no_more(void **state) {
    (void)state;
    kw_limiter *limiter = ready("");
    test_proxy_delay(&proxy, TEST_TO_CLIENT, 50000);
    test_proxy_half_close(&proxy, TEST_TO_CLIENT);
    pause_a_moment();
    /* Seen before a byte was sent: another link is made. */
    assert_int_equal(hit(limiter, "u", 0), KW_OK);
    assert_int_equal(charged("api", "u"), 2);
    done(limiter);
}

/* Nobody reads the link, though it holds the place of one who has left. */
static void a_link_that_ended_is_seen_behind_who_has_left(void **state) {
    (void)state;
    kw_limiter *limiter = ready("");
    test_proxy_swallow(&proxy, TEST_TO_CLIENT, true);
    may_have_been_done(hit(limiter, "u", 20000), KW_TIMEOUT);
    assert_true(test_until(is_charged, &(int64_t){2}));
    test_proxy_half_close(&proxy, TEST_TO_CLIENT);
    test_proxy_swallow(&proxy, TEST_TO_CLIENT, false);
    pause_a_moment();
    assert_int_equal(hit(limiter, "u", 0), KW_OK);
    assert_int_equal(charged("api", "u"), 3);
    done(limiter);
}

/* The answer for who has left came, nobody has read it yet, and behind it the link ended. */
static void a_link_that_ended_is_seen_behind_an_unread_answer(void **state) {
    (void)state;
    kw_limiter *limiter = ready("");
    int64_t late = stats().late_replies;
    test_proxy_delay(&proxy, TEST_TO_CLIENT, 50000);
    may_have_been_done(hit(limiter, "u", 10000), KW_TIMEOUT);
    test_sleep(100000);
    test_proxy_delay(&proxy, TEST_TO_CLIENT, 0);
    test_proxy_half_close(&proxy, TEST_TO_CLIENT);
    pause_a_moment();
    assert_int_equal(hit(limiter, "u", 0), KW_OK);
    assert_int_equal(charged("api", "u"), 3);
    assert_int_equal(stats().late_replies, late + 1); /* it was read all the same */
    done(limiter);
}

/* A booking whose yes comes when its caller has given up is given back, by whoever reads it. */
static void a_late_yes_is_given_back(void **state) {
    (void)state;
    enum { MINUTE = 60000000 };
    kw_limiter *limiter;
    kw_completions *completions;
    kw_decision decision;
    kw_record record;
    kw_limiter_options options = {.size = sizeof options, .max_wait_us = 10 * MINUTE};
    open_client("");
    assert_int_equal(kw_completions_open(client, &completions, &error), KW_OK);
    assert_int_equal(kw_limiter_open(client, "wait", 4, "1/m burst 1", &options, &limiter, &error), KW_OK);
    assert_int_equal(kw_limiter_hit(limiter, "u", 1, 1, 0, &decision, &error), KW_OK);
    assert_int_equal(kw_client_submit_ping(client, completions, 1, 0, &error), KW_OK);
    assert_int_equal(kw_completions_wait(completions, 0, &error), 1);
    assert_int_equal(kw_completions_drain(completions, &record, 1, sizeof record, &error), 1);

    test_proxy_delay(&proxy, TEST_TO_CLIENT, 400000);
    /* Patient for a moment only, so that the booking behind the other is refused; and for minutes, so that it is made.
     */
    may_have_been_done(kw_limiter_wait(limiter, "u", 1, 1, 1000, 100000, &decision, &error), KW_TIMEOUT);
    assert_int_equal(kw_limiter_submit_wait(limiter, completions, 2, "u", 1, 1, 5 * MINUTE, 100000, &error), KW_OK);
    assert_int_equal(kw_completions_step(completions, &error), 0);
    assert_int_equal(kw_completions_cancel(completions, 2, &error), KW_OK);
    assert_int_equal(kw_completions_drain(completions, &record, 1, sizeof record, &error), 1);
    assert_int_equal(record.status, KW_CANCELLED);
    assert_int_equal(((const kw_error *)record.data)->maybe_applied, 1);
    test_proxy_delay(&proxy, TEST_TO_CLIENT, 0);

    int64_t until = test_now() + 5000000;
    do {
        kw_completions_wait(completions, 1000, &error);
        assert_int_equal(kw_limiter_peek(limiter, "u", 1, 0, 0, &decision, &error), KW_OK);
    } while ((decision.reset_after_us > MINUTE || stats().late_replies < 2) && test_now() < until);
    assert_true(decision.reset_after_us <= MINUTE);
    assert_true(stats().late_replies >= 2);
    kw_completions_free(completions);
    done(limiter);
}

/* A batch that is cut in the middle: those before it have their answer, those behind know that they do not know. */
static void a_batch_is_cut(void **state) {
    (void)state;
    enum { COUNT = 200 };
    static kw_limiter_hit_args items[COUNT];
    static kw_decision results[COUNT];
    kw_limiter *limiter = ready("");
    for (int i = 0; i < COUNT; i++)
        items[i] = (kw_limiter_hit_args){sizeof items[0], 0, "batch", 5, 1};
    test_proxy_cut_after(&proxy, 5000);
    assert_int_equal(kw_limiter_hit_many(limiter, items, COUNT, 0, results, &error), KW_UNKNOWN);
    int ok = 0;
    while (ok < COUNT && results[ok].status == KW_OK)
        ok++;
    assert_in_range(ok, 1, COUNT - 1);
    for (int i = 0; i < ok; i++)
        assert_int_equal(results[i].remaining, WINDOW_LIMIT - 1 - i);
    for (int i = ok; i < COUNT; i++)
        assert_int_equal(results[i].status, KW_UNKNOWN);
    assert_in_range(charged("api", "batch"), ok, COUNT);
    done(limiter);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        fault_test(a_reply_is_swallowed),
        fault_test(a_command_is_swallowed),
        fault_test(a_link_is_cut_at_every_byte_of_a_reply),
        fault_test(what_only_reads_is_asked_again),
        fault_test(what_only_reads_was_never_applied),
        fault_test(the_server_says_that_it_will_say_no_more),
        fault_test(a_link_that_ended_is_seen_behind_who_has_left),
        fault_test(a_link_that_ended_is_seen_behind_an_unread_answer),
        fault_test(a_late_yes_is_given_back),
        fault_test(a_batch_is_cut),
    };
    return test_run(start_server, stop_server);
}
