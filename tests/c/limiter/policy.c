/* Failure policies before a server that takes connections and never says a word. */
#include "limiter/limiter_test.h"
#include "support/fake.h"

#define MANY 3000

static struct test_fake fake;

static int open_silence(void **state) {
    (void)state;
    test_fake_start(&fake, NULL, 0, false);
    no_failure(kw_client_open(fake.url, NULL, &client, &error));
    return 0;
}

static int close_silence(void **state) {
    (void)state;
    kw_client_free(client);
    test_fake_stop(&fake);
    return 0;
}

static kw_limiter *lenient(const char *limit) {
    return open_limiter("api", limit, (kw_limiter_options){.on_failure = KW_ON_FAILURE_ALLOW, .timeout_us = 5000});
}

static void fill(kw_limiter_hit_args *items, size_t count) {
    for (size_t i = 0; i < count; i++)
        items[i] = (kw_limiter_hit_args){.size = sizeof *items, .key = "u", .key_length = 1, .cost = 1};
}

/* More than go in one window: the time is over before the last are begun, and the policy answers those too. */
static void many_are_all_answered(void **state) {
    (void)state;
    kw_limiter *limiter = lenient("10000/s");
    static kw_limiter_hit_args items[MANY];
    static kw_decision decisions[MANY];
    fill(items, MANY);
    assert_int_equal(kw_limiter_hit_many(limiter, items, MANY, KW_DEFAULT_TIMEOUT, decisions, &error), KW_OK);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(decisions[i].status, KW_OK);
        assert_int_equal(decisions[i].reason, KW_DECIDED_BY_FAIL_OPEN);
    }
    kw_hit_counts counts;
    no_failure(kw_limiter_stats(limiter, &counts, &error));
    assert_int_equal(counts.failed, MANY);
    assert_int_equal(counts.admitted, MANY);
    kw_limiter_free(limiter);
}

/* Zero is KW_OK: what was refused as a whole must not read as admitted. */
static void what_is_refused_whole_is_no_yes(void **state) {
    (void)state;
    kw_client *other = NULL;
    kw_limiter *limiter = NULL;
    kw_limiter_hit_args items[3];
    kw_decision decisions[3];
    no_failure(kw_client_open(fake.url, NULL, &other, &error));
    no_failure(kw_limiter_open(other, "api", 3, "1/h", NULL, &limiter, &error));
    fill(items, 3);
    items[1].cost = -1;
    assert_int_equal(kw_limiter_hit_many(limiter, items, 3, KW_DEFAULT_TIMEOUT, decisions, &error), KW_INVALID);
    for (int i = 0; i < 3; i++)
        assert_int_equal(decisions[i].status, KW_INVALID);
    assert_int_equal(kw_limiter_hit_many(limiter, items, 3, -1, decisions, &error), KW_INVALID);
    for (int i = 0; i < 3; i++)
        assert_int_equal(decisions[i].status, KW_INVALID);
    fill(items, 3);
    no_failure(kw_client_close(other, 0, &error));
    assert_int_equal(kw_limiter_hit_many(limiter, items, 3, KW_DEFAULT_TIMEOUT, decisions, &error), KW_CLOSED);
    for (int i = 0; i < 3; i++)
        assert_int_equal(decisions[i].status, KW_CLOSED);
    kw_limiter_free(limiter);
    kw_client_free(other);
}

static void what_never_fits_is_denied(void **state) {
    (void)state;
    kw_limiter *limiter = lenient("3 concurrent; 10/s");
    kw_decision decision = hit(limiter, 4);
    assert_int_equal(decision.status, KW_DENIED);
    assert_int_equal(decision.retry_after_us, KW_NEVER);
    assert_int_equal(hit(limiter, 3).status, KW_OK);
    no_failure(kw_limiter_hit_up_to(limiter, "u", 1, 1000, KW_DEFAULT_TIMEOUT, &decision, &error));
    assert_int_equal(decision.count, 3);
    kw_limiter_free(limiter);
}

/* A lease that nobody gave is nobody's to keep: a guard around it ends as any other. */
static void nothing_is_held(void **state) {
    (void)state;
    kw_limiter *limiter = lenient("3 concurrent");
    kw_decision decision = hit(limiter, 1);
    no_failure(kw_limiter_renew(limiter, "u", 1, &decision, KW_DEFAULT_TIMEOUT, &error));
    no_failure(kw_limiter_release(limiter, "u", 1, &decision, KW_DEFAULT_TIMEOUT, &error));
    no_failure(kw_limiter_refund(limiter, "u", 1, &decision, 1, KW_DEFAULT_TIMEOUT, &error));
    assert_int_equal(kw_limiter_release(limiter, "v", 1, &decision, KW_DEFAULT_TIMEOUT, &error), KW_INVALID);
    assert_int_equal(error.reason, KW_REASON_DECISION);
    kw_limiter_free(limiter);
}

/* A share is given back by what it gave, once it is asked for and not refused. */
static void a_share_is_given_back_by_its_own_decision(void **state) {
    (void)state;
    kw_limiter *limiter =
        open_limiter("api", "10/h", (kw_limiter_options){.on_failure = KW_ON_FAILURE_LOCAL, .timeout_us = 5000});
    kw_decision decision = hit(limiter, 5), told;
    assert_int_equal(hit(limiter, 5).status, KW_OK);
    told = hit(limiter, 1); /* a denial gave nothing */
    assert_int_equal(kw_limiter_refund(limiter, "u", 1, &told, 1, KW_DEFAULT_TIMEOUT, &error), KW_INVALID);
    assert_int_equal(kw_limiter_renew(limiter, "u", 1, &told, KW_DEFAULT_TIMEOUT, &error), KW_INVALID);
    no_failure(kw_limiter_hit(limiter, "v", 1, 10, KW_DEFAULT_TIMEOUT, &told, &error));
    assert_int_equal(kw_limiter_refund(limiter, "v", 1, &decision, 5, KW_DEFAULT_TIMEOUT, &error), KW_INVALID);
    assert_int_equal(kw_limiter_refund(limiter, "u", 1, &decision, 6, KW_DEFAULT_TIMEOUT, &error), KW_INVALID);
    assert_int_equal(error.reason, KW_REASON_DECISION);
    assert_int_equal(kw_limiter_hit(limiter, "v", 1, 5, KW_DEFAULT_TIMEOUT, &told, &error), KW_DENIED);

    kw_completions *completions = NULL;
    no_failure(kw_completions_open(client, &completions, &error));
    no_failure(kw_limiter_submit_peek(limiter, completions, 7, "w", 1, 1, SECOND, &error));
    assert_int_equal(kw_limiter_submit_refund(limiter, completions, 7, "u", 1, &decision, 5, SECOND, &error),
                     KW_INVALID);
    assert_int_equal(error.reason, KW_REASON_TAG_IN_USE);
    assert_int_equal(hit(limiter, 5).status, KW_DENIED);
    no_failure(kw_limiter_refund(limiter, "u", 1, &decision, 5, KW_DEFAULT_TIMEOUT, &error));
    assert_int_equal(hit(limiter, 5).status, KW_OK);
    kw_completions_free(completions);
    kw_limiter_free(limiter);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_are_all_answered),
        cmocka_unit_test(what_is_refused_whole_is_no_yes),
        cmocka_unit_test(what_never_fits_is_denied),
        cmocka_unit_test(nothing_is_held),
        cmocka_unit_test(a_share_is_given_back_by_its_own_decision),
    };
    return test_run(open_silence, close_silence);
}
