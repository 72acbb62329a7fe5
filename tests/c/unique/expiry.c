/* When a key counts from nothing again: by its own end, whatever the expiry of its keys says. */
#include "unique/unique_test.h"

static void it_ends_after_the_first_add(void **state) {
    (void)state;
    test_clock_require_exact(&server);
    kw_unique *unique = open_unique((kw_unique_options){.exact_until = 3, .ttl_us = MINUTE});
    for (int many = 2; many < 6; many += 3) { /* exact, then estimated */
        test_server_expect(&server, "OK", "FLUSHALL");
        test_clock_set(&server, YEAR_2100);
        assert_int_equal(add_range(unique, 0, many).expires_after_us, MINUTE);
        every_key_ends();
        test_clock_set(&server, YEAR_2100 + MINUTE - 1);
        assert_int_equal(count(unique).members, many);
        assert_int_equal(count(unique).expires_after_us, 1);
        assert_int_equal(add(unique, "late").expires_after_us, 1);
        test_clock_set(&server, YEAR_2100 + MINUTE);
        assert_int_equal(count(unique).members, 0);
        kw_cardinality seen = add(unique, "fresh");
        assert_int_equal(seen.members, 1);
        assert_int_equal(seen.novelty, KW_NOVELTY_NEW);
        assert_int_equal(seen.expires_after_us, MINUTE);
        every_key_ends();
    }
    kw_unique_free(unique);
}

static void it_slides_with_each_add(void **state) {
    (void)state;
    kw_unique *unique = open_unique((kw_unique_options){.exact_until = 3, .ttl_us = MINUTE, .sliding = 1});
    test_clock_set(&server, YEAR_2026);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(add_range(unique, i, i + 1).expires_after_us, MINUTE);
        every_key_ends();
        test_clock_advance(&server, MINUTE - 1000);
    }
    assert_in_range(count(unique).members, 9, 11);
    test_clock_advance(&server, 1000);
    assert_int_equal(count(unique).members, 0);
    kw_unique_free(unique);
}

static void without_a_time_it_is_permanent(void **state) {
    (void)state;
    kw_unique *unique = open_unique((kw_unique_options){.exact_until = 3});
    add(unique, "a");
    assert_string_equal(ask("PTTL", EXACT_KEY), "-1");
    assert_string_equal(ask("DBSIZE"), "1");
    kw_unique *timed = open_unique((kw_unique_options){.ttl_us = MINUTE});
    assert_int_equal(add(timed, "b").members, 2); /* what was permanent gets an end */
    every_key_ends();
    assert_in_range(add(unique, "c").expires_after_us, 1, MINUTE); /* and keeps it */
    kw_unique_free(unique);
    kw_unique_free(timed);
}

static void a_clock_set_back_keeps_nobody_for_longer_than_the_time(void **state) {
    (void)state;
    kw_unique *unique = open_unique((kw_unique_options){.ttl_us = MINUTE});
    test_clock_set(&server, YEAR_2100);
    add(unique, "a");
    test_clock_set(&server, YEAR_2026);
    kw_cardinality seen = add(unique, "b");
    assert_int_equal(seen.members, 2);
    assert_int_equal(seen.expires_after_us, MINUTE);
    assert_in_range(number(ask("PTTL", EXACT_KEY)), 1, 60002);
    assert_true(number(ask("PTTL", ENDS_KEY)) > number(ask("PTTL", EXACT_KEY))); /* none is found without its end */
    test_clock_set(&server, YEAR_2026 + MINUTE);
    assert_int_equal(count(unique).members, 0);
    kw_unique_free(unique);
}

static void keys_without_expiry_get_one(void **state) {
    (void)state;
    kw_unique *unique = open_unique((kw_unique_options){.ttl_us = MINUTE});
    add(unique, "a");
    ask("PERSIST", EXACT_KEY);
    ask("PERSIST", ENDS_KEY);
    add(unique, "a");
    every_key_ends();
    kw_unique_free(unique);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        clean_test(it_ends_after_the_first_add),    clean_test(it_slides_with_each_add),
        clean_test(without_a_time_it_is_permanent), clean_test(a_clock_set_back_keeps_nobody_for_longer_than_the_time),
        clean_test(keys_without_expiry_get_one),
    };
    return test_run(open_server, close_server);
}
