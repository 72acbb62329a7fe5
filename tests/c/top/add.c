/* Scores, ranks, who is dropped. */
#include "top/top_test.h"

static void scores_add_up_and_rank(void **state) {
    (void)state;
    kw_top *top = open_top((kw_top_options){0});
    kw_standing told = add(top, "ann", 10);
    assert_int_equal(told.rank, 1);
    assert_int_equal(told.score, 10);
    assert_int_equal(told.size, 1);
    assert_int_equal(told.expires_after_us, KW_NEVER);
    assert_int_equal(add(top, "bob", 15).rank, 1);
    assert_int_equal(add(top, "ann", 4).rank, 2);
    assert_int_equal(add(top, "ann", 2).rank, 1);
    assert_int_equal(add(top, "cid", -3).rank, 3);
    assert_int_equal(standing(top, "cid").score, -3);
    assert_int_equal(standing(top, "ann").score, 16);
    assert_int_equal(add(top, "bob", 0).score, 15);
    told = standing(top, "dan");
    assert_int_equal(told.status, KW_NOT_FOUND);
    assert_int_equal(told.rank, 0);
    assert_int_equal(told.size, 3);
    kw_top_free(top);
}

static void equal_scores_rank_by_their_bytes(void **state) {
    (void)state;
    kw_top *top = open_top((kw_top_options){0});
    add(top, "b", 5);
    add(top, "c", 5);
    add(top, "a", 5);
    add(top, "Z", 5);
    static const char *const order[] = {"Z", "a", "b", "c"};
    for (int i = 0; i < 4; i++)
        assert_int_equal(standing(top, order[i]).rank, i + 1);
    kw_top_free(top);
}

static void the_largest_scores_are_exact(void **state) {
    (void)state;
    const int64_t most = (INT64_C(1) << 53) - 1;
    kw_top *top = open_top((kw_top_options){0});
    assert_int_equal(add(top, "a", most - 1).score, most - 1);
    assert_int_equal(add(top, "a", 1).score, most);
    assert_int_equal(standing(top, "a").score, most);
    kw_standing told = add(top, "a", 1);
    assert_int_equal(told.status, KW_OUT_OF_RANGE);
    assert_int_equal(told.size, 1);
    assert_int_equal(told.expires_after_us, KW_NEVER);
    assert_int_equal(standing(top, "a").score, most);
    assert_int_equal(add(top, "a", -most).score, 0);
    assert_int_equal(add(top, "a", -most).score, -most);
    assert_int_equal(add(top, "a", -1).status, KW_OUT_OF_RANGE);
    assert_int_equal(add(top, "a", most).score, 0);
    kw_top_free(top);
}

static void no_more_are_kept_than_keep(void **state) {
    (void)state;
    kw_top *top = open_top((kw_top_options){.keep = 10});
    char member[8];
    for (int i = 1; i <= 10; i++) {
        snprintf(member, sizeof member, "m%02d", i);
        add(top, member, 100 * i);
    }
    /* A newcomer is kept at the last place, whatever its score; the last before it goes. */
    kw_standing told = add(top, "new", 1);
    assert_int_equal(told.rank, 10);
    assert_int_equal(told.size, 10);
    assert_int_equal(standing(top, "m01").status, KW_NOT_FOUND);
    assert_int_equal(standing(top, "m02").rank, 9);
    told = add(top, "m01", 150); /* from 0 again */
    assert_int_equal(told.score, 150);
    assert_int_equal(told.rank, 10);
    assert_int_equal(standing(top, "new").status, KW_NOT_FOUND);
    assert_int_equal(add(top, "better", 5000).rank, 1);
    assert_int_equal(standing(top, "m01").status, KW_NOT_FOUND);
    assert_int_equal(add(top, "m10", -999).rank, 10); /* one that falls is kept as well */
    assert_string_equal(ask("ZCARD", SCORES_KEY), "10");
    kw_top_free(top);
}

static void a_smaller_keep_drops_the_rest(void **state) {
    (void)state;
    kw_top *large = open_top((kw_top_options){.keep = 100}), *small = open_top((kw_top_options){.keep = 10});
    char member[8];
    for (int i = 0; i < 50; i++) {
        snprintf(member, sizeof member, "m%02d", i);
        add(large, member, 100 - i);
    }
    kw_standing told = add(small, "m40", 1); /* far behind, and kept */
    assert_int_equal(told.rank, 10);
    assert_int_equal(told.size, 10);
    assert_string_equal(ask("ZCARD", SCORES_KEY), "10");
    assert_int_equal(standing(small, "m08").rank, 9);
    assert_int_equal(standing(small, "m09").status, KW_NOT_FOUND);
    kw_top_free(large);
    kw_top_free(small);
}

static void removed_and_reset(void **state) {
    (void)state;
    kw_top *top = open_top((kw_top_options){.ttl_us = MINUTE});
    add(top, "a", 2);
    add(top, "b", 1);
    no_failure(kw_top_remove(top, "u", 1, "a", 1, 0, &error));
    no_failure(kw_top_remove(top, "u", 1, "a", 1, 0, &error));
    assert_int_equal(standing(top, "b").rank, 1);
    no_failure(kw_top_reset(top, "u", 1, 0, &error));
    assert_string_equal(ask("DBSIZE"), "0");
    kw_top_free(top);
}

static void it_ends_by_its_own_end(void **state) {
    (void)state;
    test_clock_require_exact(&server);
    kw_top *top = open_top((kw_top_options){.ttl_us = MINUTE}),
           *sliding = open_top((kw_top_options){.ttl_us = MINUTE, .sliding = 1});
    test_clock_set(&server, YEAR_2100);
    assert_int_equal(add(top, "a", 5).expires_after_us, MINUTE);
    every_key_ends();
    test_clock_set(&server, YEAR_2100 + MINUTE - 1);
    assert_int_equal(add(top, "a", 5).expires_after_us, 1);
    assert_int_equal(standing(top, "a").expires_after_us, 1);
    assert_int_equal(standing(top, "nobody").expires_after_us, 1);
    assert_int_equal(add(top, "a", (INT64_C(1) << 53) - 1).expires_after_us, 1); /* refused, and still told */
    test_clock_set(&server, YEAR_2100 + MINUTE);
    assert_int_equal(standing(top, "a").status, KW_NOT_FOUND);
    kw_standing told = add(top, "a", 5);
    assert_int_equal(told.score, 5);
    assert_int_equal(told.expires_after_us, MINUTE);
    assert_true(number(ask("PTTL", ENDS_KEY)) > number(ask("PTTL", SCORES_KEY))); /* none is found without its end */
    test_clock_advance(&server, MINUTE - 1);
    assert_int_equal(add(sliding, "a", 5).expires_after_us, MINUTE);
    test_clock_set(&server, YEAR_2026); /* back by years: cut to the time to live */
    assert_int_equal(add(top, "a", 5).expires_after_us, MINUTE);
    every_key_ends();
    assert_in_range(number(ask("PTTL", SCORES_KEY)), 1, 60002);
    kw_top_free(top);
    kw_top_free(sliding);
}

/* The end that was there does not stay behind. */
static void what_has_ended_may_begin_for_ever(void **state) {
    (void)state;
    kw_top *top = open_top((kw_top_options){.ttl_us = MINUTE}), *permanent = open_top((kw_top_options){0});
    test_clock_set(&server, YEAR_2100);
    add(top, "a", 5);
    test_clock_set(&server, YEAR_2100 + MINUTE);
    assert_int_equal(add(permanent, "a", 3).expires_after_us, KW_NEVER);
    assert_int_equal(standing(permanent, "a").score, 3);
    kw_top_free(top);
    kw_top_free(permanent);
}

static void what_is_nobodys_is_left_alone(void **state) {
    (void)state;
    kw_top *top = open_top((kw_top_options){.ttl_us = MINUTE});
    kw_standing told;
    kw_list *list = NULL;
    static const char *const keys[] = {SCORES_KEY, ENDS_KEY};
    for (int i = 0; i < 2; i++) {
        test_server_expect(&server, "OK", "FLUSHALL");
        ask("SET", keys[i], "hello");
        assert_int_equal(kw_top_add(top, "u", 1, "a", 1, 1, 0, &told, &error), KW_WRONG_TYPE);
        assert_int_equal(kw_top_standing(top, "u", 1, "a", 1, 0, &told, &error), KW_WRONG_TYPE);
        assert_int_equal(kw_top_best(top, "u", 1, 1, 0, &list, &error), KW_WRONG_TYPE);
        assert_int_equal(kw_top_around(top, "u", 1, "a", 1, 1, 0, &list, &error), KW_WRONG_TYPE);
        assert_string_equal(ask("DBSIZE"), "1");
        assert_string_equal(ask("GET", keys[i]), "hello");
    }
    test_server_expect(&server, "OK", "FLUSHALL");
    ask("ZADD", SCORES_KEY, "1.5", "a");
    assert_int_equal(kw_top_add(top, "u", 1, "a", 1, 1, 0, &told, &error), KW_WRONG_TYPE);
    ask("SET", ENDS_KEY, "0000000000000001");
    assert_int_equal(kw_top_standing(top, "u", 1, "a", 1, 0, &told, &error), KW_WRONG_TYPE);
    kw_top_free(top);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        clean_test(scores_add_up_and_rank),        clean_test(equal_scores_rank_by_their_bytes),
        clean_test(the_largest_scores_are_exact),  clean_test(no_more_are_kept_than_keep),
        clean_test(a_smaller_keep_drops_the_rest), clean_test(removed_and_reset),
        clean_test(it_ends_by_its_own_end),        clean_test(what_has_ended_may_begin_for_ever),
        clean_test(what_is_nobodys_is_left_alone),
    };
    return test_run(open_server, close_server);
}
