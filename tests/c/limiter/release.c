/* Releases: permits of a concurrent limit come back, and nothing of the rates beside it. */
#include "limiter/limiter_test.h"
#include "support/refusal.h"

#define LEASES_KEY "kw:limiter:{api:u}:leases:concurrent"

static kw_status release(kw_limiter *limiter, const kw_decision *decision) {
    return kw_limiter_release(limiter, "u", 1, decision, KW_DEFAULT_TIMEOUT, &error);
}

static void permits_come_back_and_the_rate_stays_charged(void **state) {
    (void)state;
    test_clock_set(&server, YEAR_2026);
    kw_limiter *limiter = gcra("10/s; 3 concurrent");
    kw_decision two = hit(limiter, 2), one = hit(limiter, 1);
    assert_int_equal(hit(limiter, 1).status, KW_DENIED);
    no_failure(release(limiter, &two));
    assert_string_equal(ask("ZCARD", LEASES_KEY), "1");
    assert_string_equal(ask("GET", TAT_KEY), "1767225600300000");
    no_failure(release(limiter, &one));
    assert_string_equal(ask("EXISTS", LEASES_KEY), "0");
    kw_limiter_free(limiter);
}

/* So it may be sent again when its reply was lost. */
static void releasing_again_does_nothing(void **state) {
    (void)state;
    kw_limiter *limiter = gcra("2 concurrent");
    kw_decision first = hit(limiter, 1);
    hit(limiter, 1);
    for (int i = 0; i < 3; i++)
        no_failure(release(limiter, &first));
    assert_string_equal(ask("ZCARD", LEASES_KEY), "1");
    every_key_ends();
    kw_limiter_free(limiter);
}

static void a_lease_that_ended_takes_nobody_elses(void **state) {
    (void)state;
    test_clock_set(&server, YEAR_2026);
    kw_limiter *limiter = open_limiter("api", "1 concurrent", (kw_limiter_options){.lease_us = SECOND});
    kw_decision first = hit(limiter, 1);
    test_clock_advance(&server, SECOND);
    assert_int_equal(hit(limiter, 1).status, KW_OK);
    no_failure(release(limiter, &first));
    assert_int_equal(hit(limiter, 1).status, KW_DENIED);
    kw_limiter_free(limiter);
}

static void what_gave_no_permit_is_refused_unsent(void **state) {
    (void)state;
    kw_limiter *limiter = gcra("1 concurrent"), *rate = gcra("10/s"),
               *other = open_limiter("b", "1 concurrent", (kw_limiter_options){0});
    kw_decision good = hit(limiter, 1), denied = hit(limiter, 1), of_rate = hit(rate, 1);
    INVALID(release(limiter, NULL), KW_REASON_NULL_ARGUMENT, "decision");
    INVALID(release(limiter, &denied), KW_REASON_DECISION, "charged nothing");
    INVALID(release(rate, &of_rate), KW_REASON_DECISION, "no limit of this limiter is concurrent");
    INVALID(release(other, &good), KW_REASON_DECISION, "another limiter");
    INVALID(kw_limiter_release(limiter, "v", 1, &good, 0, &error), KW_REASON_DECISION, "another key");
    no_failure(release(limiter, &good));
    kw_limiter_free(limiter);
    kw_limiter_free(rate);
    kw_limiter_free(other);
}

static kw_limiter *leased(const char *limits, int64_t lease_us) {
    kw_limiter *limiter = NULL;
    kw_limiter_options options = {.size = sizeof options, .lease_us = lease_us};
    no_failure(kw_limiter_open(client, "api", 3, limits, &options, &limiter, &error));
    return limiter;
}

static void a_limiter_says_how_long_it_lends(void **state) {
    (void)state;
    static const struct {
        const char *limits;
        int64_t lease_us, told;
    } cases[] = {{"3 concurrent", 0, 60000000}, {"10/s; 3 concurrent", 1, 1}, {"10/s", 5, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        kw_limiter *limiter = leased(cases[i].limits, cases[i].lease_us);
        assert_int_equal(kw_limiter_lease_us(limiter), cases[i].told);
        kw_limiter_free(limiter);
    }
    assert_int_equal(kw_limiter_lease_us(NULL), 0);
}

static void a_key_of_another_kind_is_left_alone(void **state) {
    (void)state;
    kw_limiter *limiter = gcra("1 concurrent");
    kw_decision good = hit(limiter, 1);
    ask("SET", LEASES_KEY, "x");
    assert_int_equal(release(limiter, &good), KW_WRONG_TYPE);
    assert_string_equal(ask("GET", LEASES_KEY), "x");
    kw_limiter_free(limiter);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        limiter_test(permits_come_back_and_the_rate_stays_charged), limiter_test(releasing_again_does_nothing),
        limiter_test(a_lease_that_ended_takes_nobody_elses),        limiter_test(what_gave_no_permit_is_refused_unsent),
        limiter_test(a_key_of_another_kind_is_left_alone),          limiter_test(a_limiter_says_how_long_it_lends),
    };
    return test_run(open_server, close_server);
}
