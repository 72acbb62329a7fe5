/* Arguments that cannot be: a code, a reason and a message for each, and nothing sent. */
#include "joint/joint_test.h"
#include "support/refusal.h"

static void limiters_of_open(void **state) {
    (void)state;
    kw_joint *joint = (kw_joint *)(void *)&error;
    kw_client *other = NULL;
    kw_limiter *nine[9], *foreign = NULL;
    nine[0] = plain("a", "1/s");
    for (int i = 1; i < 9; i++)
        nine[i] = nine[0];
    INVALID(kw_joint_open(NULL, nine, 1, NULL, &joint, &error), KW_REASON_NULL_HANDLE, "client");
    assert_null(joint);
    INVALID(kw_joint_open(client, nine, 1, NULL, NULL, &error), KW_REASON_NULL_ARGUMENT, "joint");
    INVALID(kw_joint_open(client, NULL, 1, NULL, &joint, &error), KW_REASON_NULL_ARGUMENT, "limiters");
    INVALID(kw_joint_open(client, nine, 0, NULL, &joint, &error), KW_REASON_RANGE, "limiters_count is 0");
    INVALID(kw_joint_open(client, nine, 9, NULL, &joint, &error), KW_REASON_RANGE, "between 1 and 8");
    nine[1] = NULL;
    INVALID(kw_joint_open(client, nine, 2, NULL, &joint, &error), KW_REASON_NULL_HANDLE, "limiters");
    assert_int_equal(error.position, 1);
    no_failure(kw_client_open(server.url, NULL, &other, &error));
    no_failure(kw_limiter_open(other, "a", 1, "1/s", NULL, &foreign, &error));
    nine[1] = foreign;
    INVALID(kw_joint_open(client, nine, 2, NULL, &joint, &error), KW_REASON_FOREIGN_CLIENT, "limiter 1 was made");
    assert_int_equal(error.position, 1);
    no_failure(kw_client_close(other, 0, &error));
    assert_int_equal(kw_joint_open(other, &foreign, 1, NULL, &joint, &error), KW_CLOSED);
    assert_null(joint);
    kw_limiter_free(foreign);
    kw_client_free(other);
    kw_limiter_free(nine[0]);
}

static void limiters_that_decide_alone_only(void **state) {
    (void)state;
    static const struct {
        kw_limiter_options options;
        const char *says;
    } bad[] = {
        {{.block_us = SECOND}, "limiter 0 has block_us"},
        {{.charge_denials = 1}, "limiter 0 has charge_denials"},
        {{.reservations = 1}, "limiter 0 has reservations"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        kw_limiter *limiter = limiter_of("a", "1/s", bad[i].options);
        kw_joint *joint = NULL;
        INVALID(kw_joint_open(client, &limiter, 1, NULL, &joint, &error), KW_REASON_OPTION, bad[i].says);
        assert_null(joint);
        kw_limiter_free(limiter);
    }
}

static void more_than_32_limits(void **state) {
    (void)state;
    kw_limiter *five[5];
    for (int i = 0; i < 5; i++)
        five[i] = plain("a", i < 4 ? "1/s; 2/m; 3/h; 4/d; 5/w; 6/month; 7/year; 8 concurrent" : "1/s");
    kw_joint *joint = NULL;
    INVALID(kw_joint_open(client, five, 5, NULL, &joint, &error), KW_REASON_RANGE, "33 limits together");
    assert_null(joint);
    no_failure(kw_joint_open(client, five, 4, NULL, &joint, &error));
    kw_joint_free(joint);
    for (int i = 0; i < 5; i++)
        kw_limiter_free(five[i]);
}

static void options_of_open(void **state) {
    (void)state;
    kw_limiter *limiter = plain("a", "1/s");
    const kw_joint_options good = {.size = sizeof good, .on_failure = KW_ON_FAILURE_DENY, .timeout_us = SECOND};
    kw_joint *joint = NULL;
    no_failure(kw_joint_open(client, &limiter, 1, &good, &joint, &error));
    kw_joint_free(joint);
    kw_joint_options bad = good;
    bad.size = 0;
    INVALID(kw_joint_open(client, &limiter, 1, &bad, &joint, &error), KW_REASON_STRUCT_SIZE, "size");
    bad = good, bad.flags = 1;
    INVALID(kw_joint_open(client, &limiter, 1, &bad, &joint, &error), KW_REASON_OPTION, "flags");
    bad = good, bad.on_failure = KW_ON_FAILURE_LOCAL;
    INVALID(kw_joint_open(client, &limiter, 1, &bad, &joint, &error), KW_REASON_OPTION, "only a single limiter");
    bad = good, bad.on_failure = 4;
    INVALID(kw_joint_open(client, &limiter, 1, &bad, &joint, &error), KW_REASON_OPTION, "on_failure is 4");
    bad = good, bad.timeout_us = -1;
    INVALID(kw_joint_open(client, &limiter, 1, &bad, &joint, &error), KW_REASON_OPTION, "timeout_us is -1");
    assert_null(joint);
    kw_limiter_free(limiter);
}

static void hits_of_a_call(void **state) {
    (void)state;
    kw_limiter *limiter = plain("a", "10/s");
    kw_joint *joint = joint_of(limiter, limiter);
    kw_joint_decision answer;
    kw_limiter_hit_args hits[9];
    for (int i = 0; i < 9; i++)
        hits[i] = call_of(i % 2 == 0 ? "u" : "v", 1);
    INVALID(kw_joint_hit(NULL, hits, 2, 0, &answer, &error), KW_REASON_NULL_HANDLE, "joint");
    INVALID(kw_joint_hit(joint, hits, 2, 0, NULL, &error), KW_REASON_NULL_ARGUMENT, "joint_decision");
    INVALID(kw_joint_hit(joint, NULL, 2, 0, &answer, &error), KW_REASON_NULL_ARGUMENT, "hits");
    INVALID(kw_joint_hit(joint, hits, 0, 0, &answer, &error), KW_REASON_RANGE, "0 hits were given");
    INVALID(kw_joint_hit(joint, hits, 9, 0, &answer, &error), KW_REASON_RANGE, "1 to 8");
    INVALID(kw_joint_hit(joint, hits, 1, 0, &answer, &error), KW_REASON_RANGE, "has 2 limiters");
    INVALID(kw_joint_hit(joint, hits, 3, 0, &answer, &error), KW_REASON_RANGE, "has 2 limiters");
    INVALID(kw_joint_peek(joint, hits, 3, 0, &answer, &error), KW_REASON_RANGE, "has 2 limiters");
    INVALID(kw_joint_hit(joint, hits, 2, -1, &answer, &error), KW_REASON_TIMEOUT, "timeout");
    hits[1].cost = -1;
    INVALID(kw_joint_hit(joint, hits, 2, 0, &answer, &error), KW_REASON_RANGE, "cost is -1");
    assert_int_equal(error.position, 1);
    hits[1].cost = INT64_C(1) << 52;
    INVALID(kw_joint_peek(joint, hits, 2, 0, &answer, &error), KW_REASON_RANGE, "cost");
    hits[1] = call_of("v", 1), hits[1].key_length = KW_MAX_KEY + 1;
    INVALID(kw_joint_hit(joint, hits, 2, 0, &answer, &error), KW_REASON_KEY_LENGTH, "key");
    hits[1] = call_of("v", 1), hits[1].key = NULL;
    INVALID(kw_joint_hit(joint, hits, 2, 0, &answer, &error), KW_REASON_NULL_ARGUMENT, "key");
    hits[1] = call_of("u", 1);
    INVALID(kw_joint_hit(joint, hits, 2, 0, &answer, &error), KW_REASON_RANGE, "hits 0 and 1 name one state");
    assert_int_equal(error.position, 1);
    INVALID(kw_joint_peek(joint, hits, 2, 0, &answer, &error), KW_REASON_RANGE, "hits 0 and 1 name one state");
    hits[0].size = 8;
    INVALID(kw_joint_hit(joint, hits, 2, 0, &answer, &error), KW_REASON_STRUCT_SIZE, "hits[0].size is 8");
    assert_string_equal(ask("DBSIZE"), "0");
    kw_hit_counts counts;
    no_failure(kw_limiter_stats(limiter, &counts, &error));
    assert_int_equal(counts.failed + counts.denied + counts.admitted, 0);
    kw_joint_free(joint);
    kw_limiter_free(limiter);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        clean_test(limiters_of_open),    clean_test(limiters_that_decide_alone_only),
        clean_test(more_than_32_limits), clean_test(options_of_open),
        clean_test(hits_of_a_call),
    };
    return test_run(open_server, close_server);
}
