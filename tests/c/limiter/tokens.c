/* Leases of tokens: what is answered from them, what the server was charged, what is lost, what is refused. */
#include <signal.h>

#include "limiter/limiter_test.h"
#include "primitives/http_fields.h"

#define LIMITS 4

/* The clock of the server stands; the client's runs, so leases that are not to end last a minute. */
static kw_limiter *leasing(kw_algorithm algorithm, const char *limit, int64_t most) {
    return open_limiter("api", limit,
                        (kw_limiter_options){.algorithm = algorithm, .token_lease = most, .token_ttl_us = MINUTE});
}

static kw_hit_counts counts_of(kw_limiter *limiter) {
    kw_hit_counts counts;
    no_failure(kw_limiter_stats(limiter, &counts, &error));
    return counts;
}

/* How much of the limit the server has charged. */
static int64_t charged(kw_limiter *limiter) {
    kw_decision seen = peek(limiter, 0);
    return seen.limit - seen.remaining;
}

static void a_lease_grows_while_it_is_spent(void **state) {
    (void)state;
    static const int64_t charges[] = {1, 3, 3, 7, 7, 7, 7, 15, 15, 15, 15, 15, 15, 15, 15, 23};
    for (kw_algorithm algorithm = 0; algorithm < LIMITS; algorithm++) {
        clean(state);
        test_clock_set(&server, YEAR_2026);
        kw_limiter *limiter = leasing(algorithm, "100/s", 8);
        for (int i = 0; i < 16; i++) {
            kw_decision decision = hit(limiter, 1);
            assert_int_equal(decision.status, KW_OK);
            assert_int_equal(decision.count, 1);
            assert_int_equal(decision.limit, 100);
            assert_int_equal(decision.remaining, 100 - 1 - i); /* as without leases */
            assert_int_equal(decision.retry_after_us, 0);
            assert_int_equal(decision.denied_by, -1);
            assert_int_equal(decision.decided_at_us, YEAR_2026);
            bool asked = i == 0 || charges[i] != charges[i - 1];
            assert_int_equal(decision.reason, asked ? KW_DECIDED_BY_SERVER : KW_DECIDED_BY_TOKEN_LEASE);
            assert_int_equal(charged(limiter), charges[i]);
        }
        assert_int_equal(counts_of(limiter).admitted, 16);
        assert_int_equal(counts_of(limiter).leased, 11);
        every_key_ends();
        kw_limiter_free(limiter);
    }
}

static void one_client_is_admitted_exactly_the_limit(void **state) {
    (void)state;
    for (kw_algorithm algorithm = 0; algorithm < LIMITS; algorithm++) {
        for (int64_t most = 2; most <= 1000; most = most * 7 - 1) {
            clean(state);
            test_clock_set(&server, YEAR_2026);
            kw_limiter *limiter = leasing(algorithm, "100/m; 200/h", most);
            assert_int_equal(admitted(limiter, 300), 100);
            kw_decision denied = hit(limiter, 1);
            kw_limiter *plain = open_limiter("api", "100/m; 200/h", (kw_limiter_options){.algorithm = algorithm});
            kw_decision same = hit(plain, 1);
            assert_memory_equal(&denied, &same, sizeof same);
            kw_limiter_free(plain);
            kw_limiter_free(limiter);
        }
    }
}

static void any_cost_that_is_held_is_answered(void **state) {
    (void)state;
    test_clock_set(&server, YEAR_2026);
    kw_limiter *limiter = leasing(KW_ALGORITHM_GCRA, "100/s", 8);
    admitted(limiter, 8); /* seven are held, fifteen charged */
    kw_decision decision = hit(limiter, 3);
    assert_int_equal(decision.reason, KW_DECIDED_BY_TOKEN_LEASE);
    assert_int_equal(decision.count, 3);
    assert_int_equal(decision.remaining, 89);
    assert_int_equal(charged(limiter), 15);
    decision = hit(limiter, 5); /* more than the four that are left: plainly */
    assert_int_equal(decision.reason, KW_DECIDED_BY_SERVER);
    assert_int_equal(decision.remaining, 80);
    assert_int_equal(hit(limiter, 4).reason, KW_DECIDED_BY_TOKEN_LEASE);
    assert_int_equal(hit(limiter, 0).reason, KW_DECIDED_BY_SERVER);
    assert_int_equal(hit(limiter, 101).retry_after_us, KW_NEVER);
    kw_limiter_free(limiter);
}

static void only_hits_ask_and_peek_tells_the_server(void **state) {
    (void)state;
    test_clock_set(&server, YEAR_2026);
    kw_limiter *limiter = leasing(KW_ALGORITHM_GCRA, "100/s", 8);
    kw_decision decision;
    for (int i = 0; i < 20; i++) {
        no_failure(kw_limiter_wait(limiter, "u", 1, 1, SECOND, 0, &decision, &error));
        no_failure(kw_limiter_hit_up_to(limiter, "u", 1, 1, 0, &decision, &error));
        assert_int_equal(decision.reason, KW_DECIDED_BY_SERVER);
    }
    assert_int_equal(charged(limiter), 40);
    admitted(limiter, 2); /* one is held */
    assert_int_equal(peek(limiter, 1).reason, KW_DECIDED_BY_SERVER);
    no_failure(kw_limiter_hit_up_to(limiter, "u", 1, 50, 0, &decision, &error));
    assert_int_equal(decision.count, 50);
    assert_int_equal(decision.remaining, 7);
    no_failure(kw_limiter_wait(limiter, "u", 1, 1, SECOND, 0, &decision, &error));
    assert_int_equal(decision.reason, KW_DECIDED_BY_TOKEN_LEASE);
    assert_int_equal(decision.delay_us, 0);
    assert_int_equal(counts_of(limiter).leased, 1);
    kw_limiter_free(limiter);
}

static void a_refund_goes_back_to_the_lease(void **state) {
    (void)state;
    test_clock_set(&server, YEAR_2026);
    kw_limiter *limiter = leasing(KW_ALGORITHM_GCRA, "100/s", 8);
    admitted(limiter, 8);
    kw_decision leased = hit(limiter, 5), first = hit(limiter, 2);
    assert_int_equal(leased.settles_at_us[0], 0);
    refund(limiter, &leased, 2);
    refund(limiter, &first, 1);
    assert_int_equal(charged(limiter), 15);
    assert_int_equal(hit(limiter, 3).reason, KW_DECIDED_BY_TOKEN_LEASE);
    /* What was never given is not given back. */
    for (int i = 0; i < 5; i++)
        refund(limiter, &leased, 5);
    assert_int_equal(hit(limiter, 8).reason, KW_DECIDED_BY_SERVER);
    assert_int_equal(charged(limiter), 23);
    /* That which asked was charged by the server. */
    kw_limiter *other = leasing(KW_ALGORITHM_GCRA, "100/s", 8);
    hit(other, 1);
    kw_decision asked = hit(other, 1);
    assert_int_equal(asked.reason, KW_DECIDED_BY_SERVER);
    assert_int_equal(charged(limiter), 26);
    refund(other, &asked, 1);
    assert_int_equal(charged(limiter), 25);
    /* Somebody else's lease. */
    refund(other, &leased, 5);
    assert_int_equal(hit(other, 1).reason, KW_DECIDED_BY_TOKEN_LEASE);
    assert_int_equal(charged(limiter), 25);
    assert_int_equal(kw_limiter_refund(limiter, "v", 1, &leased, 1, 0, &error), KW_INVALID);
    assert_int_equal(kw_limiter_refund(limiter, "u", 1, &leased, 6, 0, &error), KW_INVALID);
    kw_limiter_free(other);
    kw_limiter_free(limiter);
}

static void a_reset_forgets_what_is_held(void **state) {
    (void)state;
    test_clock_set(&server, YEAR_2026);
    kw_limiter *limiter = leasing(KW_ALGORITHM_FIXED_WINDOW, "100/m", 8);
    admitted(limiter, 8);
    no_failure(kw_limiter_reset(limiter, "u", 1, 0, &error));
    assert_int_equal(hit(limiter, 2).reason, KW_DECIDED_BY_SERVER);
    assert_int_equal(charged(limiter), 2);
    kw_limiter_free(limiter);
}

/* Asked for before the reset, answered after it. */
static void a_reset_forgets_what_is_on_its_way(void **state) {
    (void)state;
    test_clock_set(&server, YEAR_2026);
    kw_limiter *limiter = leasing(KW_ALGORITHM_GCRA, "100/s", 8);
    kw_completions *completions;
    kw_record record;
    admitted(limiter, 3);
    no_failure(kw_completions_open(client, &completions, &error));
    no_failure(kw_limiter_submit_hit(limiter, completions, 1, "u", 1, 1, 0, &error));
    no_failure(kw_limiter_reset(limiter, "u", 1, 0, &error));
    assert_true(kw_completions_wait(completions, 5 * SECOND, &error) >= 1);
    assert_int_equal(kw_completions_drain(completions, &record, 1, sizeof record, &error), 1);
    assert_int_equal(((const kw_decision *)record.data)->count, 1);
    assert_int_equal(charged(limiter), 4);
    assert_int_equal(hit(limiter, 2).reason, KW_DECIDED_BY_SERVER);
    kw_completions_free(completions);
    kw_limiter_free(limiter);
}

/* Asked for while the reset was on its way, and answered before it. */
static void a_reset_forgets_what_came_meanwhile(void **state) {
    (void)state;
    test_clock_set(&server, YEAR_2026);
    kw_limiter *limiter = leasing(KW_ALGORITHM_GCRA, "100/s", 8);
    kw_completions *completions;
    no_failure(kw_completions_open(client, &completions, &error));
    no_failure(kw_limiter_submit_reset(limiter, completions, 1, "u", 1, 0, &error)); /* not sent before they step */
    admitted(limiter, 8);
    assert_true(kw_completions_wait(completions, 5 * SECOND, &error) >= 1);
    assert_int_equal(charged(limiter), 0);
    assert_int_equal(hit(limiter, 2).reason, KW_DECIDED_BY_SERVER);
    kw_completions_free(completions);
    kw_limiter_free(limiter);
}

static void one_lease_is_asked_for_at_a_time(void **state) {
    (void)state;
    test_clock_set(&server, YEAR_2026);
    kw_limiter *limiter = leasing(KW_ALGORITHM_GCRA, "100/s", 8);
    kw_completions *completions;
    kw_record record;
    admitted(limiter, 3);
    assert_int_equal(charged(limiter), 3);
    no_failure(kw_completions_open(client, &completions, &error));
    no_failure(kw_limiter_submit_hit(limiter, completions, 1, "u", 1, 1, 0, &error)); /* not sent before they step */
    for (int i = 0; i < 10; i++)
        assert_int_equal(hit(limiter, 1).reason, KW_DECIDED_BY_SERVER);
    assert_int_equal(charged(limiter), 13);
    assert_true(kw_completions_wait(completions, 5 * SECOND, &error) >= 1);
    assert_int_equal(kw_completions_drain(completions, &record, 1, sizeof record, &error), 1);
    assert_int_equal(((const kw_decision *)record.data)->remaining, 86);
    assert_int_equal(charged(limiter), 17);
    assert_int_equal(hit(limiter, 3).reason, KW_DECIDED_BY_TOKEN_LEASE);

    /* One that is cancelled, or fails, is over: what it brings is lost. */
    no_failure(kw_limiter_submit_hit(limiter, completions, 2, "u", 1, 1, 20000, &error));
    no_failure(kw_completions_cancel(completions, 2, &error));
    assert_int_equal(hit(limiter, 1).reason, KW_DECIDED_BY_SERVER);
    assert_int_equal(charged(limiter), 18);
    test_sleep(21000);
    hit(limiter, 1);
    assert_int_equal(charged(limiter), 19); /* it begins anew */
    hit(limiter, 1);
    assert_int_equal(charged(limiter), 21); /* and grows again */
    kw_completions_free(completions);
    kw_limiter_free(limiter);
}

static void what_is_left_at_the_end_is_lost(void **state) {
    (void)state;
    test_clock_set(&server, YEAR_2026);
    kw_limiter *limiter =
        open_limiter("api", "100/s", (kw_limiter_options){.token_lease = 8, .token_ttl_us = SECOND / 2});
    int64_t begun = test_now();
    admitted(limiter, 10); /* 1, 2, 4 and 8 were asked for; five are left of the last */
    assert_int_equal(charged(limiter), 15);
    kw_decision leased = hit(limiter, 1);
    assert_int_equal(leased.reason, KW_DECIDED_BY_TOKEN_LEASE);
    assert_true(test_now() - begun < SECOND / 4);
    test_sleep(SECOND / 2);
    refund(limiter, &leased, 1); /* nothing to give back to */
    assert_int_equal(charged(limiter), 15);
    /* Four were spent, so many are asked for. */
    kw_decision decision = hit(limiter, 1);
    assert_int_equal(decision.reason, KW_DECIDED_BY_SERVER);
    assert_int_equal(charged(limiter), 19);
    assert_int_equal(decision.remaining, 84);
    kw_limiter_free(limiter);
}

static void a_lease_grows_no_further_than_the_key_is_hot(void **state) {
    (void)state;
    test_clock_set(&server, YEAR_2026);
    kw_limiter *limiter =
        open_limiter("api", "100/s", (kw_limiter_options){.token_lease = 8, .token_ttl_us = SECOND / 2});
    int64_t begun = test_now();
    admitted(limiter, 7); /* the last of them spent the last token of four */
    assert_int_equal(charged(limiter), 7);
    assert_true(test_now() - begun < SECOND / 4);
    test_sleep(SECOND * 3 / 10);
    hit(limiter, 1); /* it lasted for more than half its time: as many again */
    assert_int_equal(charged(limiter), 11);
    assert_int_equal(hit(limiter, 3).reason, KW_DECIDED_BY_TOKEN_LEASE);
    test_sleep(SECOND + 10000);
    hit(limiter, 1); /* nobody has hit it for long: one */
    assert_int_equal(charged(limiter), 12);
    kw_limiter_free(limiter);
}

/* What a fixed window charged is not admitted after it. */
static void a_lease_ends_with_its_window(void **state) {
    (void)state;
    test_clock_set(&server, YEAR_2026 + SECOND - 100000);
    kw_limiter *limiter = open_limiter("api", "100/s; 1000/h",
                                       (kw_limiter_options){.algorithm = KW_ALGORITHM_FIXED_WINDOW,
                                                            .align = KW_ALIGN_CLOCK,
                                                            .token_lease = 64,
                                                            .token_ttl_us = MINUTE});
    admitted(limiter, 64);
    assert_int_equal(hit(limiter, 1).reason, KW_DECIDED_BY_TOKEN_LEASE);
    test_sleep(101000);
    assert_int_equal(hit(limiter, 1).reason, KW_DECIDED_BY_SERVER);
    kw_limiter_free(limiter);
}

static void a_denial_asks_for_no_lease_in_its_time(void **state) {
    (void)state;
    test_clock_set(&server, YEAR_2026);
    kw_limiter *limiter = leasing(KW_ALGORITHM_GCRA, "10/m", 8);
    assert_int_equal(admitted(limiter, 12), 10);
    test_clock_advance(&server, MINUTE);
    hit(limiter, 1);
    assert_int_equal(charged(limiter), 1);
    kw_limiter_free(limiter);

    limiter = leasing(KW_ALGORITHM_GCRA, "100/s burst 10", 8);
    assert_int_equal(admitted(limiter, 12), 10);
    test_clock_advance(&server, SECOND);
    test_sleep(10000); /* the denial's time is over */
    hit(limiter, 1);
    assert_int_equal(charged(limiter), 8);
    kw_limiter_free(limiter);
}

static void an_absent_server_does_not_hinder_what_is_held(void **state) {
    (void)state;
    kw_limiter *limiter = leasing(KW_ALGORITHM_GCRA, "100/h", 8);
    admitted(limiter, 8);
    test_server_signal(&server, SIGSTOP);
    for (int i = 0; i < 7; i++)
        assert_int_equal(hit(limiter, 1).reason, KW_DECIDED_BY_TOKEN_LEASE);
    kw_decision decision;
    kw_status status = kw_limiter_hit(limiter, "u", 1, 1, 20000, &decision, &error);
    test_server_signal(&server, SIGCONT);
    assert_int_equal(status, KW_TIMEOUT);
    assert_int_equal(hit(limiter, 1).status, KW_OK);
    kw_limiter_free(limiter);
}

/* What an unanswered request asked for may have been charged, and nobody holds it: the next must not ask for more. */
static void a_silent_server_is_not_asked_for_more(void **state) {
    (void)state;
    kw_limiter *limiter = leasing(KW_ALGORITHM_GCRA, "100000/h", 100000);
    kw_decision decision;
    admitted(limiter, 3);
    test_server_signal(&server, SIGSTOP);
    for (int i = 0; i < 12; i++) {
        kw_status status = kw_limiter_hit(limiter, "u", 1, 1, 5000, &decision, &error);
        if (status != KW_TIMEOUT) test_server_signal(&server, SIGCONT);
        assert_int_equal(status, KW_TIMEOUT);
    }
    test_server_signal(&server, SIGCONT);
    assert_in_range(charged(limiter), 3, 3 + 4 + 11); /* a lease of four, and eleven hits */
    kw_limiter_free(limiter);
}

static void after_a_failure_it_begins_anew(void **state) {
    (void)state;
    test_clock_set(&server, YEAR_2026);
    kw_limiter *limiter =
        open_limiter("api", "100/h", (kw_limiter_options){.token_lease = 8, .token_ttl_us = SECOND / 2});
    kw_decision decision;
    admitted(limiter, 3);
    test_server_signal(&server, SIGSTOP);
    kw_status status = kw_limiter_hit(limiter, "u", 1, 1, 5000, &decision, &error);
    test_server_signal(&server, SIGCONT);
    assert_int_equal(status, KW_TIMEOUT);
    test_sleep(SECOND / 2 + 10000);
    int64_t before = charged(limiter);
    hit(limiter, 1);
    assert_int_equal(charged(limiter), before + 1);
    kw_limiter_free(limiter);
}

static void a_denial_does_not_make_it_grow(void **state) {
    (void)state;
    test_clock_set(&server, YEAR_2026);
    kw_limiter *limiter =
        open_limiter("api", "100/s burst 7", (kw_limiter_options){.token_lease = 100, .token_ttl_us = SECOND / 2});
    assert_int_equal(admitted(limiter, 8), 7); /* 1, 2 and 4, and 8 were denied */
    test_clock_advance(&server, SECOND);
    test_sleep(SECOND * 3 / 10);
    hit(limiter, 1);
    assert_int_equal(charged(limiter), 4);
    kw_limiter_free(limiter);
}

/* What is on its way when the limits change was asked for under the old ones. */
static void a_change_of_limits_leaves_nothing_of_what_comes(void **state) {
    (void)state;
    kw_limiter *limiter = open_limiter(
        "api", "1000/s", (kw_limiter_options){.token_lease = 8, .token_ttl_us = MINUTE, .overrides_us = MINUTE});
    kw_completions *completions;
    kw_record record;
    kw_override_change change;
    admitted(limiter, 3);
    no_failure(kw_completions_open(client, &completions, &error));
    no_failure(kw_limiter_submit_hit(limiter, completions, 1, "u", 1, 1, 0, &error)); /* asks for four */
    no_failure(kw_limiter_set_override(limiter, "u", 1, "500/s", 5, 0, KW_DEFAULT_TIMEOUT, &change, &error));
    assert_true(kw_completions_wait(completions, 5 * SECOND, &error) >= 1);
    assert_int_equal(kw_completions_drain(completions, &record, 1, sizeof record, &error), 1);
    assert_int_equal(hit(limiter, 1).reason, KW_DECIDED_BY_SERVER);
    kw_completions_free(completions);
    kw_limiter_free(limiter);
}

static void http_fields_speak_of_one_hit(void **state) {
    (void)state;
    test_clock_set(&server, YEAR_2026);
    kw_limiter *limiter = leasing(KW_ALGORITHM_GCRA, "60/m", 8);
    char fields[KW__HTTP_ROOM];
    size_t length;
    for (int i = 0; i < 8; i++) {
        kw_decision decision = hit(limiter, 1);
        char expected[64];
        snprintf(expected, sizeof expected, "RateLimit: \"api\";r=%d;t=1\r\n", 59 - i);
        no_failure(kw_limiter_http_fields(limiter, &decision, NULL, 0, 0, fields, sizeof fields, &length, &error));
        assert_non_null(strstr(fields, expected));
    }
    kw_limiter_free(limiter);
}

/* More keys than there are places: those that have none are decided by the server, and take none from who holds. */
static void keys_without_a_place_go_plainly(void **state) {
    (void)state;
    enum { KEYS = 6000 };
    test_clock_freeze(&server);
    kw_limiter *limiter = leasing(KW_ALGORITHM_FIXED_WINDOW, "4/m", 2);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < KEYS; i++) {
            kw_decision decision;
            char key[8];
            snprintf(key, sizeof key, "%d", i);
            for (int times = 0; times < 2; times++) {
                assert_int_equal(kw_limiter_hit(limiter, key, strlen(key), 1, 0, &decision, &error), KW_OK);
            }
        }
    }
    int64_t leased = counts_of(limiter).leased;
    assert_in_range(leased, 3000, 4096);
    kw_limiter_free(limiter);
}

static void what_cannot_be_leased_is_refused(void **state) {
    (void)state;
    static const struct {
        const char *limit, *says;
        kw_limiter_options options;
    } cases[] = {
        {"10/s", "token_lease is 1 and", {.token_lease = 1}},
        {"10/s", "token_lease is -1 and", {.token_lease = -1}},
        {"10/s", "token_lease is 1000001 and", {.token_lease = 1000001}},
        {"10/s", "token_ttl_us is 20000 and must be 0 without", {.token_ttl_us = 20000}},
        {"10/s", "token_ttl_us is 9999 and", {.token_lease = 2, .token_ttl_us = 9999}},
        {"10/s", "token_ttl_us is -1 and", {.token_lease = 2, .token_ttl_us = -1}},
        {"10/s", "token_ttl_us is 60000001 and", {.token_lease = 2, .token_ttl_us = 60000001}},
        {"10/s", "0 with shadow:", {.token_lease = 2, .shadow = 1}},
        {"10/s", "0 with charge_denials:", {.token_lease = 2, .charge_denials = 1}},
        {"10/s", "0 with block_us:", {.token_lease = 2, .block_us = SECOND}},
        {"10/s", "0 with reservations:", {.token_lease = 2, .reservations = 1}},
        {"10/s; 5 concurrent", "0 with a concurrent limit:", {.token_lease = 2}},
        {"10/s; 5/m shadow", "0 with a shadow limit:", {.token_lease = 2}},
        {"11/week burst 20000", "0 with a burst that takes", {.token_lease = 2}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        kw_limiter_options options = cases[i].options;
        kw_limiter *limiter = NULL;
        options.size = sizeof options;
        assert_int_equal(kw_limiter_open(client, "api", 3, cases[i].limit, &options, &limiter, &error), KW_INVALID);
        assert_int_equal(error.reason, KW_REASON_OPTION);
        if (strstr(error.message, cases[i].says) == NULL) fail_msg("%s: %s", cases[i].says, error.message);
        assert_null(limiter);
    }
    assert_string_equal(ask("DBSIZE"), "0");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        limiter_test(a_lease_grows_while_it_is_spent),
        limiter_test(one_client_is_admitted_exactly_the_limit),
        limiter_test(any_cost_that_is_held_is_answered),
        limiter_test(only_hits_ask_and_peek_tells_the_server),
        limiter_test(a_refund_goes_back_to_the_lease),
        limiter_test(a_reset_forgets_what_is_held),
        limiter_test(a_reset_forgets_what_is_on_its_way),
        limiter_test(a_reset_forgets_what_came_meanwhile),
        limiter_test(one_lease_is_asked_for_at_a_time),
        limiter_test(what_is_left_at_the_end_is_lost),
        limiter_test(a_silent_server_is_not_asked_for_more),
        limiter_test(after_a_failure_it_begins_anew),
        limiter_test(a_denial_does_not_make_it_grow),
        limiter_test(a_change_of_limits_leaves_nothing_of_what_comes),
        limiter_test(a_lease_grows_no_further_than_the_key_is_hot),
        limiter_test(a_lease_ends_with_its_window),
        limiter_test(a_denial_asks_for_no_lease_in_its_time),
        limiter_test(an_absent_server_does_not_hinder_what_is_held),
        limiter_test(http_fields_speak_of_one_hit),
        limiter_test(keys_without_a_place_go_plainly),
        limiter_test(what_cannot_be_leased_is_refused),
    };
    return test_run(open_server, close_server);
}
