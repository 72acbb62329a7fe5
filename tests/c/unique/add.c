/* Counting exactly, being promoted, estimating. */
#include "unique/unique_test.h"

static void few_are_counted_exactly(void **state) {
    (void)state;
    kw_unique *unique = open_unique((kw_unique_options){0});
    kw_cardinality seen = count(unique);
    assert_int_equal(seen.members, 0);
    assert_int_equal(seen.exact, 1);
    assert_int_equal(seen.expires_after_us, KW_NEVER);
    assert_string_equal(ask("DBSIZE"), "0");
    for (int i = 0; i < 256; i++) {
        char member[16];
        snprintf(member, sizeof member, "%d", i);
        seen = add(unique, member);
        assert_int_equal(seen.novelty, KW_NOVELTY_NEW);
        assert_int_equal(seen.members, i + 1);
        assert_int_equal(seen.exact, 1);
        assert_int_equal(add(unique, member).novelty, KW_NOVELTY_KNOWN);
    }
    seen = count(unique);
    assert_int_equal(seen.members, 256);
    assert_int_equal(seen.novelty, KW_NOVELTY_UNTOLD);
    kw_unique_free(unique);
}

static void one_more_promotes_and_nobody_is_lost(void **state) {
    (void)state;
    kw_unique *unique = open_unique((kw_unique_options){.exact_until = 100});
    assert_int_equal(add_range(unique, 0, 100).exact, 1);
    assert_string_equal(ask("EXISTS", SKETCH_KEY), "0");
    kw_cardinality seen = add_range(unique, 100, 101);
    assert_int_equal(seen.exact, 0);
    assert_int_equal(seen.novelty, KW_NOVELTY_NEW);
    assert_in_range(seen.members, 97, 105);
    assert_string_equal(ask("EXISTS", EXACT_KEY), "0");
    /* All who were in the set are in the sketch: adding them again changes nothing. */
    for (int i = 0; i < 101; i++) {
        char member[24];
        snprintf(member, sizeof member, "member:%d", i);
        assert_int_equal(add(unique, member).novelty, KW_NOVELTY_UNTOLD);
    }
    assert_int_equal(count(unique).members, seen.members);
    assert_int_equal(count(unique).exact, 0);
    assert_int_equal(add(unique, "somebody else").novelty, KW_NOVELTY_NEW);
    kw_unique_free(unique);
}

static void many_are_estimated_within_the_error(void **state) {
    (void)state;
    kw_unique *unique = open_unique((kw_unique_options){.exact_until = 1});
    kw_unique_add_args items[500];
    kw_cardinality answers[500];
    char members[500][24];
    for (int round = 0; round < 40; round++) {
        for (int i = 0; i < 500; i++) {
            snprintf(members[i], sizeof members[i], "visitor %d", round * 500 + i);
            items[i] = (kw_unique_add_args){.size = sizeof items[i],
                                            .key = "u",
                                            .key_length = 1,
                                            .member = members[i],
                                            .member_length = strlen(members[i])};
        }
        no_failure(kw_unique_add_many(unique, items, 500, 0, answers, &error));
    }
    assert_in_range(count(unique).members, 20000 - 3 * 162, 20000 + 3 * 162); /* three times 0.81 % */
    assert_true(number(ask("MEMORY", "USAGE", SKETCH_KEY)) < 15000);
    kw_unique_free(unique);
}

static void the_largest_set_is_promoted_in_one_step(void **state) {
    (void)state;
    kw_unique *unique = open_unique((kw_unique_options){.exact_until = 10000, .ttl_us = MINUTE});
    char script[256];
    snprintf(script, sizeof script, "for i = 1, 10000 do redis.call('SADD', '%s', 'x' .. i) end return 1", EXACT_KEY);
    ask("EVAL", script, "0");
    kw_cardinality seen = add(unique, "one more");
    assert_int_equal(seen.exact, 0);
    assert_in_range(seen.members, 10001 - 3 * 82, 10001 + 3 * 82);
    assert_string_equal(ask("EXISTS", EXACT_KEY), "0");
    every_key_ends();
    snprintf(script, sizeof script,
             "local lost = 0 for i = 1, 10000 do lost = lost + redis.call('PFADD', '%s', 'x' .. i) end return lost",
             SKETCH_KEY);
    assert_string_equal(ask("EVAL", script, "0"), "0"); /* all of them are in the sketch */
    kw_unique_free(unique);
}

static void members_and_keys_of_any_bytes(void **state) {
    (void)state;
    kw_unique *unique = open_unique((kw_unique_options){.exact_until = 2});
    kw_cardinality seen;
    no_failure(kw_unique_add(unique, "\0:{", 3, "", 0, 0, &seen, &error));
    no_failure(kw_unique_add(unique, "\0:{", 3, "\0", 1, 0, &seen, &error));
    assert_int_equal(seen.members, 2);
    no_failure(kw_unique_add(unique, "\0:{", 3, "\0\0", 2, 0, &seen, &error));
    assert_int_equal(seen.members, 3);
    assert_int_equal(seen.exact, 0);
    kw_unique_free(unique);
}

static void a_reset_key_counts_from_nothing(void **state) {
    (void)state;
    kw_unique *unique = open_unique((kw_unique_options){.exact_until = 3, .ttl_us = MINUTE});
    add_range(unique, 0, 5);
    no_failure(kw_unique_reset(unique, "u", 1, 0, &error));
    assert_string_equal(ask("DBSIZE"), "0");
    assert_int_equal(add(unique, "a").members, 1);
    kw_unique_free(unique);
}

static void many_are_read_in_one_write(void **state) {
    (void)state;
    kw_unique *unique = open_unique((kw_unique_options){0});
    add_range(unique, 0, 7);
    kw_unique_count_args items[2] = {{.size = sizeof items[0], .key = "u", .key_length = 1},
                                     {.size = sizeof items[0], .key = "v", .key_length = 1}};
    kw_cardinality answers[2];
    no_failure(kw_unique_count_many(unique, items, 2, 0, answers, &error));
    assert_int_equal(answers[0].members, 7);
    assert_int_equal(answers[1].members, 0);
    kw_unique_free(unique);
}

static void what_is_nobodys_is_left_alone(void **state) {
    (void)state;
    kw_unique *unique = open_unique((kw_unique_options){.ttl_us = MINUTE});
    kw_cardinality seen;
    static const char *const keys[] = {EXACT_KEY, SKETCH_KEY, ENDS_KEY};
    for (int i = 0; i < 3; i++) {
        test_server_expect(&server, "OK", "FLUSHALL");
        ask("SET", keys[i], "hello");
        assert_int_equal(kw_unique_add(unique, "u", 1, "a", 1, 0, &seen, &error), KW_WRONG_TYPE);
        assert_int_equal(kw_unique_count(unique, "u", 1, 0, &seen, &error), KW_WRONG_TYPE);
        assert_string_equal(ask("DBSIZE"), "1");
        assert_string_equal(ask("GET", keys[i]), "hello");
        if (i == 2) continue;
        ask("SET", ENDS_KEY, "1000000000000000"); /* long ended, and still nobody's to delete */
        assert_int_equal(kw_unique_add(unique, "u", 1, "a", 1, 0, &seen, &error), KW_WRONG_TYPE);
        assert_string_equal(ask("GET", keys[i]), "hello");
    }
    ask("SET", ENDS_KEY, "0000000000000001");
    assert_int_equal(kw_unique_count(unique, "u", 1, 0, &seen, &error), KW_WRONG_TYPE);
    kw_unique_free(unique);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        clean_test(few_are_counted_exactly),
        clean_test(one_more_promotes_and_nobody_is_lost),
        clean_test(many_are_estimated_within_the_error),
        clean_test(the_largest_set_is_promoted_in_one_step),
        clean_test(members_and_keys_of_any_bytes),
        clean_test(a_reset_key_counts_from_nothing),
        clean_test(many_are_read_in_one_write),
        clean_test(what_is_nobodys_is_left_alone),
    };
    return test_run(open_server, close_server);
}
