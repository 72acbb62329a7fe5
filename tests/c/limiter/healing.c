/*
 * What a key may look like that no hit left: permanent, of another rate, from a clock that stepped back, of somebody
 * else. And what a denial leaves alone.
 */
#include "limiter/limiter_test.h"

/* The limits whose state has each form: 16 digits, 19 digits, a window. */
typedef struct form {
    const char *limit;
    bool is_window;
    const char *key;
} form;

static const form forms[] = {{"10/s", false, TAT_KEY}, {"7/s", false, TAT_KEY}, {"10/s", true, WINDOW_KEY}};

static kw_limiter *open_form(const form *each) {
    return each->is_window ? window(each->limit) : gcra(each->limit);
}

#define for_each_form(name) for (const form *name = forms; name < forms + sizeof forms / sizeof forms[0]; name++)

static void a_denial_leaves_a_healthy_state_as_it_is(void **state) {
    (void)state;
    for_each_form(each) {
        clean(state);
        test_clock_set(&server, YEAR_2026 + 123456);
        kw_limiter *limiter = open_form(each);
        char before[128], after[128];
        assert_int_equal(hit(limiter, peek(limiter, 1).limit).status, KW_OK);
        picture(each->key, before);
        ask("CONFIG", "RESETSTAT");
        long long dirty = number(strstr(ask("INFO", "persistence"), "last_save:") + 10);
        for (int64_t cost = 1; cost <= 7; cost += 3) {
            assert_int_equal(hit(limiter, cost).status, KW_DENIED);
            assert_int_equal(peek(limiter, cost).status, KW_DENIED);
        }
        picture(each->key, after);
        assert_string_equal(before, after);
        assert_int_equal(dirty, number(strstr(ask("INFO", "persistence"), "last_save:") + 10)); /* nothing replicates */
        kw_limiter_free(limiter);
    }
}

static void every_key_has_an_expiry_after_every_call(void **state) {
    (void)state;
    for_each_form(each) {
        clean(state);
        test_clock_set(&server, YEAR_2026);
        kw_limiter *limiter = open_form(each);
        for (int i = 0; i < 30; i++) {
            kw_decision decision = hit(limiter, 1 + i % 4);
            every_key_ends();
            if (i % 5 == 4 && decision.status == KW_OK) refund(limiter, &decision, 1);
            every_key_ends();
            test_clock_advance(&server, i * 7919);
        }
        kw_limiter_free(limiter);
    }
}

/* The expiry never comes before the state's own end, and takes the key away soon after it. */
static void the_expiry_comes_after_the_end(void **state) {
    (void)state;
    for_each_form(each) {
        for (int64_t moment = YEAR_2026; moment < YEAR_2026 + 1500; moment += 499) {
            clean(state);
            test_clock_set(&server, moment);
            kw_limiter *limiter = open_form(each);
            kw_decision decision = hit(limiter, 1);
            int64_t left_us = number(ask("PEXPIRETIME", each->key)) * 1000 - (moment + decision.reset_after_us);
            assert_in_range(left_us, 1, 4000);
            kw_limiter_free(limiter);
        }
    }
}

static void a_permanent_key_gets_its_expiry_back(void **state) {
    (void)state;
    for_each_form(each) {
        clean(state);
        test_clock_set(&server, YEAR_2026);
        kw_limiter *limiter = open_form(each);
        char before[128], after[128];
        hit(limiter, 3);
        assert_string_equal(ask("PERSIST", each->key), "1");
        hit(limiter, 1); /* admitted */
        every_key_ends();
        hit(limiter, peek(limiter, 1).remaining);
        picture(each->key, before);
        assert_string_equal(ask("PERSIST", each->key), "1");
        assert_int_equal(hit(limiter, 1).status, KW_DENIED);
        picture(each->key, after);
        assert_string_equal(before, after);
        kw_limiter_free(limiter);
    }
}

static void a_clock_that_steps_back_gifts_nothing_and_locks_no_longer_than_the_clamp(void **state) {
    (void)state;
    for_each_form(each) {
        clean(state);
        test_clock_set(&server, YEAR_2100);
        kw_limiter *limiter = open_form(each);
        int64_t capacity = peek(limiter, 1).limit;
        hit(limiter, capacity);
        test_clock_set(&server, YEAR_2026);
        kw_decision decision = hit(limiter, 1);
        assert_int_equal(decision.status, KW_DENIED);
        assert_int_equal(decision.remaining, 0);
        int64_t clamp = each->is_window ? SECOND : SECOND + DAY; /* the burst's time and a day */
        assert_int_equal(decision.reset_after_us, clamp);
        every_key_ends();
        assert_in_range(number(ask("PTTL", each->key)), clamp / 1000, clamp / 1000 + 4);

        /* What was cut is written: time counts from here. */
        test_clock_advance(&server, decision.retry_after_us - 1);
        assert_int_equal(hit(limiter, 1).retry_after_us, 1);
        test_clock_advance(&server, 1);
        assert_int_equal(hit(limiter, 1).status, KW_OK);
        kw_limiter_free(limiter);
    }
}

static void a_small_step_back_is_waited_out(void **state) {
    (void)state;
    test_clock_set(&server, YEAR_2026);
    kw_limiter *limiter = gcra("10/s");
    hit(limiter, 10);
    test_clock_advance(&server, -300000);
    kw_decision decision = hit(limiter, 1);
    assert_int_equal(decision.status, KW_DENIED);
    assert_int_equal(decision.retry_after_us, 400000);
    kw_limiter_free(limiter);
}

/* The debt in time carries over when a rate changes, from 16 digits to 19 and back, off by one microsecond at most. */
static void another_rate_takes_over_the_debt(void **state) {
    (void)state;
    test_clock_set(&server, YEAR_2026);
    kw_limiter *whole = gcra("10/s burst 100"), *sevenths = gcra("7/s burst 70"), *elevenths = gcra("11/s burst 100");
    hit(whole, 5);
    assert_string_equal(ask("GET", TAT_KEY), "1767225600500000");
    assert_int_equal(peek(sevenths, 1).reset_after_us, 500000);
    hit(sevenths, 1);
    assert_string_equal(ask("GET", TAT_KEY), "1767225600642857001");
    assert_int_equal(peek(whole, 1).reset_after_us, 642858);
    hit(sevenths, 5);
    assert_string_equal(ask("GET", TAT_KEY), "1767225601357142006");
    hit(elevenths, 1); /* 6 is a remainder that it knows too: 90909 1/11 */
    assert_string_equal(ask("GET", TAT_KEY), "1767225601448051007");
    hit(elevenths, 3);
    assert_string_equal(ask("GET", TAT_KEY), "1767225601720778010");
    hit(sevenths, 1); /* 10/11 becomes 6/7 */
    assert_string_equal(ask("GET", TAT_KEY), "1767225601863636000");
    hit(elevenths, 1);
    assert_string_equal(ask("GET", TAT_KEY), "1767225601954545001");
    hit(whole, 1); /* rounds up */
    assert_string_equal(ask("GET", TAT_KEY), "1767225602054546");
    kw_limiter *all[] = {whole, sevenths, elevenths};
    for (int i = 0; i < 3; i++)
        kw_limiter_free(all[i]);
}

/* The key may outlive its state by some milliseconds. */
static void a_state_that_has_passed_counts_for_nothing(void **state) {
    (void)state;
    for_each_form(each) {
        clean(state);
        test_clock_set(&server, YEAR_2026);
        kw_limiter *limiter = open_form(each);
        kw_decision first = hit(limiter, 3);
        test_clock_advance(&server, first.reset_after_us + 1);
        assert_string_equal(ask("EXISTS", each->key), "1");
        assert_int_equal(peek(limiter, 1).reset_after_us, 0);
        assert_int_equal(peek(limiter, 1).remaining, first.limit);
        kw_decision second = hit(limiter, 3);
        assert_int_equal(second.remaining, first.remaining);
        assert_int_equal(second.reset_after_us, first.reset_after_us);
        kw_limiter_free(limiter);
    }
}

static void a_limit_that_was_lowered_cuts_the_debt(void **state) {
    (void)state;
    test_clock_set(&server, YEAR_2026);
    kw_limiter *high = gcra("1/s burst 1000"), *low = gcra("10/s burst 10");
    hit(high, 1000);
    kw_decision decision = hit(low, 1);
    assert_int_equal(decision.status,
                     KW_DENIED); /* the debt in time carries over: both are in use while one is rolled out */
    assert_int_equal(decision.reset_after_us, 1000 * SECOND);
    assert_string_equal(ask("GET", TAT_KEY), "1767226600000000");
    kw_limiter_free(high);
    high = gcra("1/s burst 100000");
    hit(high, 99000);
    decision = hit(low, 1);
    assert_int_equal(decision.status, KW_DENIED);
    assert_int_equal(decision.reset_after_us, SECOND + DAY);
    assert_string_equal(ask("GET", TAT_KEY), "1767312001000000");
    kw_limiter_free(high);
    kw_limiter_free(low);

    /* A window keeps its count. */
    high = open_limiter("api", "100/m as plan", (kw_limiter_options){.algorithm = KW_ALGORITHM_FIXED_WINDOW});
    low = open_limiter("api", "10/s as plan", (kw_limiter_options){.algorithm = KW_ALGORITHM_FIXED_WINDOW});
    hit(high, 50);
    decision = hit(low, 1);
    assert_int_equal(decision.status, KW_DENIED);
    assert_int_equal(decision.remaining, 0);
    assert_int_equal(decision.retry_after_us, SECOND);
    assert_string_equal(ask("GET", "kw:limiter:{api:u}:window:plan"), "176722560100000050");
    kw_limiter_free(high);
    kw_limiter_free(low);
}

static const char *value_of(const char *key) {
    return strcmp(ask("TYPE", key), "list") == 0 ? ask("LRANGE", key, "0", "-1") : ask("GET", key);
}

static void refused(kw_status status, const char *key, const char *value) {
    assert_int_equal(status, KW_WRONG_TYPE);
    assert_int_equal(error.code, KW_WRONG_TYPE);
    assert_true(error.message[0] != '\0');
    assert_string_equal(value_of(key), value);
}

/* Whatever it is: an answer that says so, and the key as it was. */
static void what_is_not_ours_is_left_alone(void **state) {
    (void)state;
    static const char *const texts[] = {
        "hello", "5", "1767225600", "abcdefghijklmnop", "1767225600.12345", "-767225600000000", "inf             ",
        "1767225600000000nan", "nan             ", "abcdefghijklmnopqrs", "1767225600000000abc", "1767225600000000-12",
        "a long text of somebody else's, that is no state at all", "0x60A24181E40000", " 767225600000000",
        "1767225600000000 12", "1767225600000000inf", "1767225600000000.5", "00001767225600000000", "+767225600000000",
        "1767225600000000e02",
        /* To a window the rest of these are a count. */
        "17672256000000001", "176722560000000012", "17672256000000001234"};
    enum { TEXTS = sizeof texts / sizeof texts[0] };
    test_clock_set(&server, YEAR_2026);
    for_each_form(each) {
        clean(state);
        test_clock_set(&server, YEAR_2026);
        kw_limiter *limiter = open_form(each);
        kw_decision decision, before = hit(limiter, 1);
        for (int i = 0; i <= TEXTS; i++) {
            if (each->is_window && i < TEXTS && i >= TEXTS - 3) continue;
            char value[128];
            ask("DEL", each->key);
            if (i < TEXTS)
                ask("SET", each->key, texts[i]);
            else
                ask("RPUSH", each->key, "1", "2");
            print_message("  %s: %s\n", each->key, i < TEXTS ? texts[i] : "(a list)");
            keep(value, sizeof value, value_of(each->key));
            refused(kw_limiter_hit(limiter, "u", 1, 1, 0, &decision, &error), each->key, value);
            refused(kw_limiter_peek(limiter, "u", 1, 1, 0, &decision, &error), each->key, value);
            refused(kw_limiter_hit(limiter, "u", 1, 0, 0, &decision, &error), each->key, value);
            refused(kw_limiter_wait(limiter, "u", 1, 1, SECOND, 0, &decision, &error), each->key, value);
            refused(kw_limiter_refund(limiter, "u", 1, &before, 1, 0, &error), each->key, value);
        }
        kw_limiter_free(limiter);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        limiter_test(a_denial_leaves_a_healthy_state_as_it_is),
        limiter_test(every_key_has_an_expiry_after_every_call),
        limiter_test(the_expiry_comes_after_the_end),
        limiter_test(a_permanent_key_gets_its_expiry_back),
        limiter_test(a_clock_that_steps_back_gifts_nothing_and_locks_no_longer_than_the_clamp),
        limiter_test(a_small_step_back_is_waited_out),
        limiter_test(another_rate_takes_over_the_debt),
        limiter_test(a_state_that_has_passed_counts_for_nothing),
        limiter_test(a_limit_that_was_lowered_cuts_the_debt),
        limiter_test(what_is_not_ours_is_left_alone),
    };
    return test_run(open_server, close_server);
}
