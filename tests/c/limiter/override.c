/* Overrides as they lie in the server: setting, clearing, listing, their end, their bounds. */
#include "limiter/overrides_test.h"

#define BOUND "10000"

static void what_lies_in_the_server(void **state) {
    (void)state;
    kw_limiter *limiter = gcra("10/s");
    test_clock_set(&server, YEAR_2026);
    kw_override_change first = set(limiter, "u", "100/s burst 200", 0);
    assert_int_equal(first.version, YEAR_2026);
    assert_int_equal(first.changed_at_us, YEAR_2026);
    assert_int_equal(first.ends_at_us, 0);
    assert_string_equal(ask("HGET", OVERRIDES, "=u"), "0 100/s burst 200");
    assert_string_equal(ask("HGET", OVERRIDES, "version"), "1767225600000000");
    assert_string_equal(ask("HGET", OVERRIDES, "floor"), "1767225600000000");
    assert_string_equal(ask("PTTL", OVERRIDES), "-1"); /* it is configuration, which stays */

    kw_override_change second = set(limiter, "v", "10x", MINUTE);
    assert_int_equal(second.version, YEAR_2026 + 1); /* the next that is free while the clock stands */
    assert_int_equal(second.ends_at_us, YEAR_2026 + MINUTE);
    assert_string_equal(ask("HGET", OVERRIDES, "=v"), "1767225660000000 10x");
    assert_string_equal(ask("ZSCORE", OVERRIDES ":ends", "v"), "1767225660000000");
    assert_string_equal(ask("ZSCORE", OVERRIDES ":changed", "u"), "1767225600000000");

    assert_int_equal(clear(limiter, "u").version, YEAR_2026 + 2);
    assert_string_equal(ask("HGET", OVERRIDES, "=u"), "(nil)");
    assert_string_equal(ask("ZRANGE", OVERRIDES ":cleared", "0", "-1"), "u");
    every_key_ends();                                             /* what is left has an end */
    assert_int_equal(clear(limiter, "u").version, YEAR_2026 + 2); /* nothing more to take away */
    kw_limiter_free(limiter);
}

static void what_is_cleared_leaves_nothing_for_ever(void **state) {
    (void)state;
    kw_limiter *limiter = gcra("10/s");
    assert_int_equal(clear(limiter, "u").version, 0);
    assert_string_equal(ask("DBSIZE"), "0");
    set(limiter, "u", "10x", 0);
    clear(limiter, "u");
    every_key_ends();
    assert_in_range(number(ask("PTTL", OVERRIDES)) / 1000, 86390, 86400);
    kw_limiter_free(limiter);
}

static kw_list *list(kw_limiter *limiter, int64_t after, int64_t count) {
    kw_list *found;
    no_failure(kw_limiter_overrides(limiter, after, count, KW_DEFAULT_TIMEOUT, &found, &error));
    return found;
}

static void listed(const kw_list *found, int64_t index, const char *key, const char *limits) {
    const kw_override *override = kw_list_item(found, index);
    assert_non_null(override);
    assert_int_equal(override->key_length, strlen(key));
    assert_memory_equal(kw_list_data(found, override->key_offset), key, strlen(key));
    assert_int_equal(override->limits_length, strlen(limits));
    assert_memory_equal(kw_list_data(found, override->limits_offset), limits, strlen(limits));
}

static void a_list_goes_by_changes(void **state) {
    (void)state;
    kw_limiter *limiter = gcra("10/s");
    kw_list *found = list(limiter, 0, 10);
    assert_int_equal(found->count, 0);
    kw_list_free(found);
    for (char key[] = "a"; key[0] <= 'e'; key[0]++)
        set(limiter, key, "2x", 0);
    clear(limiter, "c");
    found = list(limiter, 0, 2);
    assert_int_equal(found->count, 2);
    listed(found, 0, "a", "2x");
    listed(found, 1, "b", "2x");
    int64_t after = ((const kw_override *)kw_list_item(found, 1))->version;
    kw_list_free(found);
    set(limiter, "a", "3x", 0); /* comes again, behind the others */
    found = list(limiter, after, 10);
    assert_int_equal(found->count, 3);
    listed(found, 0, "d", "2x");
    listed(found, 1, "e", "2x");
    listed(found, 2, "a", "3x");
    after = ((const kw_override *)kw_list_item(found, 2))->version;
    kw_list_free(found);
    found = list(limiter, after, 10);
    assert_int_equal(found->count, 0);
    kw_list_free(found);
    kw_limiter_free(limiter);
}

/* Cleared ones fill whole pages, and what comes behind them is listed all the same. */
static void a_list_looks_behind_cleared_ones(void **state) {
    (void)state;
    kw_limiter *limiter = gcra("10/s");
    char key[8];
    for (int i = 0; i < 20; i++) {
        snprintf(key, sizeof key, "%d", i);
        set(limiter, key, "2x", 0);
        clear(limiter, key);
    }
    set(limiter, "last", "2x", 0);
    kw_list *found = list(limiter, 0, 3);
    assert_int_equal(found->count, 1);
    listed(found, 0, "last", "2x");
    kw_list_free(found);
    kw_limiter_free(limiter);
}

static void what_has_ended_is_swept_out(void **state) {
    (void)state;
    kw_limiter *limiter = gcra("10/s");
    test_clock_set(&server, YEAR_2026);
    set(limiter, "u", "10x", SECOND);
    set(limiter, "v", "10x", 0);
    test_clock_set(&server, YEAR_2026 + SECOND);
    set(limiter, "w", "10x", 0);
    assert_string_equal(ask("HGET", OVERRIDES, "=u"), "(nil)");
    assert_string_equal(ask("ZRANGE", OVERRIDES ":cleared", "0", "-1"), "u");
    assert_string_equal(ask("ZCARD", OVERRIDES ":ends"), "0");
    kw_limiter_free(limiter);
}

/* Of cleared ones 1,000 are told of; who knows only of changes before those must look at everything. */
static void cleared_ones_are_bounded(void **state) {
    (void)state;
    kw_limiter *limiter = gcra("10/s");
    char key[8];
    set(limiter, "stays", "2x", 0);
    int64_t oldest = 0;
    for (int i = 0; i < 1010; i++) {
        snprintf(key, sizeof key, "%d", i);
        set(limiter, key, "2x", 0);
        kw_override_change change = clear(limiter, key);
        if (i == 9) oldest = change.version;
    }
    assert_string_equal(ask("ZCARD", OVERRIDES ":cleared"), "1000");
    assert_string_equal(ask("ZCARD", OVERRIDES ":changed"), "1001");
    assert_int_equal(number(ask("HGET", OVERRIDES, "floor")), oldest);
    kw_limiter_free(limiter);
}

static void they_are_bounded(void **state) {
    (void)state;
    kw_limiter *limiter = gcra("10/s");
    free(test_server_command(&server, "EVAL",
                             "for i = 1, " BOUND " do redis.call('HSET', KEYS[1], '=' .. i, '0 2x') "
                             "redis.call('ZADD', KEYS[2], i, i) end "
                             "redis.call('HSET', KEYS[1], 'version', '" BOUND "', 'floor', '0')",
                             "2", OVERRIDES, OVERRIDES ":changed", (char *)NULL));
    kw_override_change change;
    kw_status status = kw_limiter_set_override(limiter, "one more", 8, "2x", 2, 0, KW_DEFAULT_TIMEOUT, &change, &error);
    assert_int_equal(status, KW_EXHAUSTED);
    assert_int_equal(change.status, KW_EXHAUSTED);
    assert_string_equal(ask("HGET", OVERRIDES, "=one more"), "(nil)");
    set(limiter, "7", "3x", 0); /* there is one of that already */
    clear(limiter, "8");
    set(limiter, "one more", "2x", 0);
    kw_limiter_free(limiter);
}

static void any_bytes_are_keys(void **state) {
    (void)state;
    kw_limiter *limiter = taking("10/s");
    char key[KW_MAX_KEY];
    for (size_t i = 0; i < sizeof key; i++)
        key[i] = (char)i;
    const size_t lengths[] = {0, 1, 256, sizeof key};
    for (int i = 0; i < 4; i++) {
        kw_override_change change;
        kw_decision decision;
        no_failure(kw_limiter_set_override(limiter, key, lengths[i], "7x", 2, 0, KW_DEFAULT_TIMEOUT, &change, &error));
        no_failure(kw_limiter_peek(limiter, key, lengths[i], 1, KW_DEFAULT_TIMEOUT, &decision, &error));
        assert_int_equal(decision.limit, 70);
    }
    /* The names of the hash's own fields are keys like any other. */
    set(limiter, "version", "3x", 0);
    set(limiter, "=floor", "4x", 0);
    assert_int_equal(limit_of(limiter, "version"), 30);
    assert_int_equal(limit_of(limiter, "=floor"), 40);
    kw_list *found = list(limiter, 0, 100);
    assert_int_equal(found->count, 6);
    kw_list_free(found);
    kw_limiter_free(limiter);
}

static void what_no_limiter_wrote_is_left_alone(void **state) {
    (void)state;
    static const char *const keys[] = {OVERRIDES, OVERRIDES ":changed", OVERRIDES ":cleared", OVERRIDES ":ends"};
    kw_limiter *limiter = gcra("10/s");
    kw_override_change change;
    for (int i = 0; i < 4; i++) {
        clean(state);
        set(limiter, "v", "2x", 0);
        ask("SET", keys[i], "hello");
        const char *before = i == 0 ? OVERRIDES ":changed" : OVERRIDES;
        char seen[128];
        keep(seen, sizeof seen, ask("OBJECT", "ENCODING", before));
        kw_status status = kw_limiter_set_override(limiter, "u", 1, "2x", 2, 0, KW_DEFAULT_TIMEOUT, &change, &error);
        assert_int_equal(status, KW_WRONG_TYPE);
        status = kw_limiter_clear_override(limiter, "v", 1, KW_DEFAULT_TIMEOUT, &change, &error);
        assert_int_equal(status, KW_WRONG_TYPE);
        assert_string_equal(ask("GET", keys[i]), "hello");
        if (i != 0) assert_string_equal(ask("HGET", OVERRIDES, "=v"), "0 2x");
    }
    clean(state);
    ask("HSET", OVERRIDES, "a", "b");
    assert_int_equal(kw_limiter_set_override(limiter, "u", 1, "2x", 2, 0, KW_DEFAULT_TIMEOUT, &change, &error),
                     KW_WRONG_TYPE);
    kw_list *found = NULL;
    assert_int_equal(kw_limiter_overrides(limiter, 0, 1, KW_DEFAULT_TIMEOUT, &found, &error), KW_WRONG_TYPE);
    kw_limiter_free(limiter);
}

/* ---- what cannot be ---- */

static void refused(kw_limiter *limiter, const char *limits, int64_t ttl_us, kw_reason reason, int64_t position,
                    const char *says) {
    kw_override_change change;
    int64_t sent = bytes_sent();
    kw_status status =
        kw_limiter_set_override(limiter, "u", 1, limits, strlen(limits), ttl_us, KW_DEFAULT_TIMEOUT, &change, &error);
    told(status, KW_INVALID, reason, says);
    assert_int_equal(error.position, position);
    assert_int_equal(bytes_sent(), sent);
}

static void what_cannot_be_an_override(void **state) {
    (void)state;
    kw_limiter *one = gcra("10/s"), *two = open_limiter("api", "10/s; 5 concurrent", (kw_limiter_options){0});
    kw_limiter *counted = window("10/s");
    hit(one, 0); /* connected */
    refused(one, "", 0, KW_REASON_LIMIT_SYNTAX, 0, "the count is expected");
    refused(one, "10/", 0, KW_REASON_LIMIT_SYNTAX, 3, "a unit of time");
    refused(one, "10 per parsec", 0, KW_REASON_LIMIT_SYNTAX, 7, "parsec");
    refused(one, "0x", 0, KW_REASON_LIMIT_RANGE, 0, "the factor must be 1 or more");
    static const char *const no_factors[] = {"2.5x", "10X", "x10", "x", "1,5 x", "-2x"};
    for (size_t i = 0; i < sizeof no_factors / sizeof no_factors[0]; i++) {
        refused(one, no_factors[i], 0, KW_REASON_LIMIT_SYNTAX, 0, "a factor is a whole number and x, as in \"10x\"");
    }
    refused(one, "-1x", 0, KW_REASON_LIMIT_SYNTAX, 0, "-1x");
    refused(one, "1.5x", 0, KW_REASON_LIMIT_SYNTAX, 0, "1.5x");
    refused(one, "450359962737050x", 0, KW_REASON_LIMIT_RANGE, 0, "below 2^52");
    refused(one, "99999999999999999999x", 0, KW_REASON_LIMIT_RANGE, 0, "below 2^52");
    refused(one, "10/s; 100/m", 0, KW_REASON_LIMIT_RANGE, -1, "has 2 limits and the limiter 1");
    refused(one, "10 concurrent", 0, KW_REASON_LIMIT_RANGE, -1, "limit 1 of the override must be a rate");
    refused(one, "10/s as plan", 0, KW_REASON_LIMIT_RANGE, -1, "leave \"as\" out");
    refused(one, "4503599627370495/us", 0, KW_REASON_LIMIT_RANGE, 0, "GCRA holds rates up to");
    refused(one, "2x", 999, KW_REASON_RANGE, -1, "between 1 ms and 3,650 days");
    refused(one, "2x", INT64_C(315360000000001), KW_REASON_RANGE, -1, "between 1 ms and 3,650 days");
    refused(one, "10/s as x", 0, KW_REASON_LIMIT_RANGE, -1, "leave \"as\" out"); /* no factor */
    refused(two, "10/s", 0, KW_REASON_LIMIT_RANGE, -1, "has 1 limits and the limiter 2");
    refused(two, "10/s; 10/m", 0, KW_REASON_LIMIT_RANGE, -1, "limit 2 of the override must be concurrent");
    refused(two, "20001x", 0, KW_REASON_LIMIT_SIZE, 0, "up to 100000");
    refused(counted, "10/s burst 20", 0, KW_REASON_OPTION, -1, "only GCRA has bursts");
    int64_t sent = bytes_sent();
    kw_override_change change;
    INVALID(kw_limiter_set_override(one, "u", 1, "1/s\0", 4, 0, KW_DEFAULT_TIMEOUT, &change, &error),
            KW_REASON_LIMIT_SYNTAX, "NUL at byte 3");
    char longer[1025];
    memset(longer, '1', sizeof longer);
    assert_int_equal(
        kw_limiter_set_override(one, "u", 1, longer, sizeof longer, 0, KW_DEFAULT_TIMEOUT, &change, &error),
        KW_INVALID);
    kw_limiter *none = NULL;
    static const int64_t looks[] = {-1, 1, 9999, INT64_C(3600000001)};
    for (int i = 0; i < 4; i++) {
        kw_limiter_options options = {.size = sizeof options, .overrides_us = looks[i]};
        INVALID(kw_limiter_open(client, "api", 3, "1/s", &options, &none, &error), KW_REASON_OPTION,
                "between 10 ms and an hour");
    }
    assert_int_equal(bytes_sent(), sent);
    kw_limiter_free(one);
    kw_limiter_free(two);
    kw_limiter_free(counted);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        limiter_test(what_lies_in_the_server),
        limiter_test(what_is_cleared_leaves_nothing_for_ever),
        limiter_test(a_list_goes_by_changes),
        limiter_test(a_list_looks_behind_cleared_ones),
        limiter_test(what_has_ended_is_swept_out),
        limiter_test(cleared_ones_are_bounded),
        limiter_test(they_are_bounded),
        limiter_test(any_bytes_are_keys),
        limiter_test(what_no_limiter_wrote_is_left_alone),
        limiter_test(what_cannot_be_an_override),
    };
    return test_run(open_server, close_server);
}
