/* What a joint limiter answers, and what lies in the server afterwards. */
#include "joint/joint_test.h"

static kw_limiter *user, *address;
static kw_joint *joint;

static int open_all(void **state) {
    int failed = open_server(state);
    if (failed != 0) return failed;
    user = plain("user", "10/s");
    address = limiter_of("ip", "5/m", (kw_limiter_options){.algorithm = KW_ALGORITHM_FIXED_WINDOW});
    joint = joint_of(user, address);
    return 0;
}

static int close_all(void **state) {
    kw_joint_free(joint);
    kw_limiter_free(user);
    kw_limiter_free(address);
    return close_server(state);
}

static void all_are_charged(void **state) {
    (void)state;
    test_clock_set(&server, YEAR_2026);
    kw_joint_decision told = hit_both(joint, 2, 3);
    assert_int_equal(told.status, KW_OK);
    assert_int_equal(told.reason, KW_DECIDED_BY_SERVER);
    assert_int_equal(told.denied_by, -1);
    assert_int_equal(told.limiters, 2);
    assert_int_equal(told.retry_after_us, 0);
    assert_int_equal(told.decisions[0].count, 2);
    assert_int_equal(told.decisions[0].remaining, 8);
    assert_int_equal(told.decisions[0].decided_at_us, YEAR_2026);
    assert_int_equal(told.decisions[1].count, 3);
    assert_int_equal(told.decisions[1].remaining, 2);
    assert_string_equal(ask("GET", USER_KEY), "1767225600200000");
    assert_string_equal(ask("GET", ADDRESS_KEY), "17672256600000003");
    every_key_ends();
}

static void a_denial_leaves_all_as_it_was(void **state) {
    (void)state;
    char before[2][128], after[128];
    test_clock_set(&server, YEAR_2026);
    hit_both(joint, 2, 5);
    picture(USER_KEY, before[0]);
    picture(ADDRESS_KEY, before[1]);
    kw_joint_decision told = hit_both(joint, 1, 1);
    assert_int_equal(told.status, KW_DENIED);
    assert_int_equal(told.denied_by, 1);
    assert_int_equal(told.retry_after_us, MINUTE);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(told.decisions[i].status, KW_DENIED);
        assert_int_equal(told.decisions[i].count, 0);
        assert_int_equal(told.decisions[i].lease, 0);
        assert_int_equal(told.decisions[i].settles_at_us[0], 0);
    }
    assert_int_equal(told.decisions[0].denied_by, -1);
    assert_int_equal(told.decisions[0].retry_after_us, 0);
    assert_int_equal(told.decisions[0].remaining, 8);
    assert_int_equal(told.decisions[1].denied_by, 0);
    picture(USER_KEY, after);
    assert_string_equal(after, before[0]);
    picture(ADDRESS_KEY, after);
    assert_string_equal(after, before[1]);
}

static void looking_opens_no_window(void **state) {
    (void)state;
    test_clock_set(&server, YEAR_2026);
    kw_joint_decision told = hit_both(joint, 1, 0);
    assert_int_equal(told.status, KW_OK);
    assert_int_equal(told.decisions[1].count, 0);
    assert_string_equal(ask("DBSIZE"), "1");
    told = hit_both(joint, 0, 0);
    assert_int_equal(told.status, KW_OK);
    assert_int_equal(told.decisions[0].remaining, 9);
    assert_string_equal(ask("DBSIZE"), "1");
}

static void what_costs_nothing_is_mended_too(void **state) {
    (void)state;
    hit_both(joint, 1, 1);
    ask("PERSIST", ADDRESS_KEY);
    hit_both(joint, 1, 0);
    every_key_ends();
    ask("PERSIST", USER_KEY);
    assert_int_equal(hit_both(joint, 1, 5).status, KW_DENIED);
    every_key_ends();
}

static void more_than_ever_fits(void **state) {
    (void)state;
    kw_joint_decision told = hit_both(joint, 1, 6);
    assert_int_equal(told.status, KW_DENIED);
    assert_int_equal(told.denied_by, 1);
    assert_int_equal(told.retry_after_us, KW_NEVER);
    assert_string_equal(ask("DBSIZE"), "0");
}

static void each_limiter_refunds_its_own(void **state) {
    (void)state;
    test_clock_set(&server, YEAR_2026);
    kw_joint_decision told = hit_both(joint, 10, 5);
    no_failure(kw_limiter_refund(user, "u", 1, &told.decisions[0], 10, 0, &error));
    no_failure(kw_limiter_refund(address, "a", 1, &told.decisions[1], 2, 0, &error));
    assert_int_equal(kw_limiter_refund(address, "u", 1, &told.decisions[0], 1, 0, &error), KW_INVALID);
    assert_int_equal(error.reason, KW_REASON_DECISION);
    assert_int_equal(hit_both(joint, 10, 2).status, KW_OK);
    told = hit_both(joint, 0, 1);
    assert_int_equal(kw_limiter_refund(address, "a", 1, &told.decisions[1], 1, 0, &error), KW_INVALID);
}

static void submitted(void **state) {
    (void)state;
    test_clock_set(&server, YEAR_2026);
    kw_completions *completions = NULL;
    no_failure(kw_completions_open(client, &completions, &error));
    char key[] = "u";
    kw_limiter_hit_args hits[] = {call_of(key, 4), call_of("a", 5)};
    no_failure(kw_joint_submit_hit(joint, completions, 1, hits, 2, 0, &error));
    key[0] = 'x'; /* it was copied */
    hits[1] = call_of("b", 5);
    no_failure(kw_joint_submit_peek(joint, completions, 2, hits, 2, 0, &error));
    kw_record records[2];
    int seen = 0;
    while (seen < 2) {
        no_failure((kw_status)kw_completions_wait(completions, SECOND, &error));
        int64_t count = kw_completions_drain(completions, records, 2, sizeof records[0], &error);
        assert_true(count > 0);
        for (int64_t i = 0; i < count; i++, seen++) {
            kw_joint_decision told;
            assert_int_equal(records[i].status, KW_OK);
            assert_int_equal(records[i].length, sizeof told);
            memcpy(&told, records[i].data, sizeof told);
            assert_int_equal(told.limiters, 2);
            if (records[i].tag == 1) assert_int_equal(told.decisions[0].remaining, 6);
            if (records[i].tag == 2) assert_int_equal(told.decisions[1].remaining, 5);
        }
    }
    kw_completions_free(completions);
    assert_string_equal(ask("EXISTS", USER_KEY), "1");
}

/* Its limiters may go before it, and the client before all. */
static void freed_in_any_order(void **state) {
    (void)state;
    kw_client *own = NULL;
    kw_limiter *both[2] = {NULL, NULL};
    kw_joint *held = NULL;
    no_failure(kw_client_open(server.url, NULL, &own, &error));
    for (int i = 0; i < 2; i++)
        no_failure(kw_limiter_open(own, i == 0 ? "one" : "two", 3, "10/s", NULL, &both[i], &error));
    no_failure(kw_joint_open(own, both, 2, NULL, &held, &error));
    kw_limiter_free(both[0]);
    kw_limiter_free(both[1]);
    assert_int_equal(hit_both(held, 1, 1).status, KW_OK);
    kw_client_free(own);
    kw_joint_free(held);
    kw_joint_free(NULL);
}

static void one_limiter_and_eight(void **state) {
    (void)state;
    kw_limiter *all[8];
    kw_limiter_hit_args hits[8];
    kw_joint *one = NULL, *eight = NULL;
    static const char *const keys[] = {"1", "2", "3", "4", "5", "6", "7", "8"};
    for (int i = 0; i < 8; i++)
        all[i] = user, hits[i] = call_of(keys[i], i + 1);
    kw_joint_decision told;
    no_failure(kw_joint_open(client, all, 1, NULL, &one, &error));
    no_failure(kw_joint_open(client, all, 8, NULL, &eight, &error));
    assert_int_equal(kw_joint_hit(one, hits, 1, 0, &told, &error), KW_OK);
    assert_int_equal(told.limiters, 1);
    assert_int_equal(told.decisions[1].limits, 0);
    assert_int_equal(kw_joint_hit(eight, hits, 8, 0, &told, &error), KW_OK);
    for (int i = 0; i < 8; i++)
        assert_int_equal(told.decisions[i].count, i + 1);
    assert_int_equal(kw_joint_hit(eight, hits, 8, 0, &told, &error), KW_DENIED);
    kw_joint_free(one);
    kw_joint_free(eight);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        clean_test(all_are_charged),
        clean_test(a_denial_leaves_all_as_it_was),
        clean_test(looking_opens_no_window),
        clean_test(what_costs_nothing_is_mended_too),
        clean_test(more_than_ever_fits),
        clean_test(each_limiter_refunds_its_own),
        clean_test(submitted),
        clean_test(freed_in_any_order),
        clean_test(one_limiter_and_eight),
    };
    return test_run(open_all, close_all);
}
