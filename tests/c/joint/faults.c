/* Without a server, and without memory: what the policy says, and that nothing was charged that was not told of. */
#include <signal.h>

#include "base/clock.h"
#include "base/memory.h"
#include "joint/joint_test.h"

static kw_status answered;

static kw_joint_decision answer_of(int32_t policy, int64_t cost, kw_hit_counts *counts) {
    kw_client *alone = NULL;
    kw_limiter *limiter = NULL;
    kw_joint *joint = NULL;
    const kw_joint_options options = {.size = sizeof options, .on_failure = policy};
    kw_joint_decision told;
    const kw_limiter_hit_args hits[] = {call_of("u", cost), call_of("v", 0)};
    no_failure(kw_client_open("redis://127.0.0.1:1", NULL, &alone, &error));
    no_failure(kw_limiter_open(alone, "a", 1, "10/s", NULL, &limiter, &error));
    kw_limiter *both[] = {limiter, limiter};
    no_failure(kw_joint_open(alone, both, 2, &options, &joint, &error));
    answered = kw_joint_hit(joint, hits, 2, 0, &told, &error);
    assert_int_equal(answered >= 0, policy != KW_ON_FAILURE_RAISE);
    no_failure(kw_limiter_stats(limiter, counts, &error));
    if (told.status == KW_OK && cost > 0 && policy == KW_ON_FAILURE_ALLOW) {
        no_failure(
            kw_limiter_refund(limiter, "u", 1, &told.decisions[0], cost, 0, &error)); /* of what no server charged */
    }
    kw_joint_free(joint);
    kw_limiter_free(limiter);
    kw_client_free(alone);
    return told;
}

static void policies(void **state) {
    (void)state;
    kw_hit_counts counts;
    answer_of(KW_ON_FAILURE_RAISE, 1, &counts);
    assert_int_equal(answered, KW_CONNECTION);
    assert_int_equal(counts.failed, 2);
    kw_joint_decision told = answer_of(KW_ON_FAILURE_DENY, 1, &counts);
    assert_int_equal(told.status, KW_DENIED);
    assert_int_equal(told.reason, KW_DECIDED_BY_FAIL_CLOSED);
    assert_int_equal(told.denied_by, -1);
    assert_int_equal(told.retry_after_us, SECOND);
    assert_int_equal(told.decisions[0].status, KW_DENIED);
    assert_int_equal(counts.failed, 2);
    assert_int_equal(counts.denied, 2);
    told = answer_of(KW_ON_FAILURE_ALLOW, 3, &counts);
    assert_int_equal(told.status, KW_OK);
    assert_int_equal(told.reason, KW_DECIDED_BY_FAIL_OPEN);
    assert_int_equal(told.decisions[0].count, 3);
    assert_int_equal(told.decisions[1].count, 0);
    assert_int_equal(counts.admitted, 2);
    told = answer_of(KW_ON_FAILURE_ALLOW, 11, &counts); /* what can never fit is known without the server */
    assert_int_equal(told.status, KW_DENIED);
    assert_int_equal(told.reason, KW_DECIDED_BY_FAIL_CLOSED);
    assert_int_equal(told.denied_by, 0);
    assert_int_equal(told.retry_after_us, KW_NEVER);
    assert_int_equal(told.decisions[1].status, KW_DENIED);
}

/* An absent server costs one deadline, not one for each hit. */
static void only_the_first_waits(void **state) {
    (void)state;
    kw_limiter *limiter = NULL;
    kw_joint *joint = NULL, *admitting = NULL;
    const kw_joint_options options = {.size = sizeof options, .on_failure = KW_ON_FAILURE_DENY};
    const kw_limiter_hit_args hits[] = {call_of("u", 1), call_of("v", 1)};
    const kw_joint_options allowing = {.size = sizeof options, .on_failure = KW_ON_FAILURE_ALLOW};
    kw_joint_decision told, admitted;
    no_failure(kw_limiter_open(client, "a", 1, "1000/s", NULL, &limiter, &error));
    kw_limiter *both[] = {limiter, limiter};
    no_failure(kw_joint_open(client, both, 2, &options, &joint, &error));
    no_failure(kw_joint_open(client, both, 2, &allowing, &admitting, &error));
    assert_int_equal(kw_joint_hit(joint, hits, 2, SECOND, &told, &error), KW_OK);
    test_server_signal(&server, SIGSTOP);
    int64_t begun = kw__now(), waited;
    for (int i = 0; i < 100; i++)
        kw_joint_hit(joint, hits, 2, 0, &told, &error);
    waited = kw__now() - begun;
    kw_status lenient = kw_joint_hit(admitting, hits, 2, 0, &admitted, &error); /* they share what is known */
    test_server_signal(&server, SIGCONT);
    assert_int_equal(told.reason, KW_DECIDED_BY_FAIL_CLOSED);
    assert_int_equal(lenient, KW_OK);
    assert_in_range(waited, 45000, SECOND); /* a hundred deadlines are five seconds */
    begun = kw__now();
    while (kw_joint_hit(joint, hits, 2, 0, &told, &error) != KW_OK)
        assert_true(kw__now() - begun < 3 * SECOND);
    kw_joint_free(admitting);
    kw_joint_free(joint);
    kw_limiter_free(limiter);
}

static int64_t charged;
static bool unknown;

static void live(void) {
    kw_client *own = NULL;
    kw_limiter *limiter = NULL;
    kw_joint *joint = NULL;
    kw_joint_decision told = {0};
    const kw_limiter_hit_args hits[] = {call_of("u", 5), call_of("v", 1)};
    if (kw_client_open(server.url, NULL, &own, &error) == KW_OK &&
        kw_limiter_open(own, "api", 3, "7/h burst 1000", NULL, &limiter, &error) == KW_OK &&
        kw_joint_open(own, (kw_limiter *[]){limiter, limiter}, 2, NULL, &joint, &error) == KW_OK) {
        kw_status status = kw_joint_hit(joint, hits, 2, 0, &told, &error);
        if (status == KW_OK) charged = 5;
        if (status == KW_UNKNOWN) unknown = true;
        kw_status looked = kw_joint_peek(joint, hits, 2, 0, &told, &error);
        assert_true(looked == KW_OK || looked == KW_NO_MEMORY || looked == KW_CONNECTION);
    } else {
        assert_int_equal(error.code, KW_NO_MEMORY);
        assert_null(joint);
    }
    kw_joint_free(joint);
    kw_limiter_free(limiter);
    kw_client_free(own);
}

static void each_allocation_fails(void **state) {
    (void)state;
    test_clock_freeze(&server);
    kw_limiter *watcher = plain("api", "7/h burst 1000");
    kw_decision seen;
    no_failure(kw_limiter_peek(watcher, "u", 1, 1, 0, &seen, &error));
    kw__memory_fail_at(UINT64_MAX, false);
    live();
    uint64_t asked = kw__memory_asked();
    assert_true(asked > 10);
    for (uint64_t n = 1; n <= asked; n++) {
        kw__memory_fail_at(0, false);
        ask("FLUSHALL");
        charged = 0;
        unknown = false;
        kw__memory_fail_at(n, false);
        live();
        kw__memory_fail_at(0, false);
        no_failure(kw_limiter_peek(watcher, "u", 1, 1, 0, &seen, &error));
        if (!unknown) assert_int_equal(seen.remaining, 1000 - charged);
        every_key_ends();
    }
    kw_limiter_free(watcher);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        clean_test(policies),
        clean_test(only_the_first_waits),
        clean_test(each_allocation_fails),
    };
    return test_run(open_server, close_server);
}
