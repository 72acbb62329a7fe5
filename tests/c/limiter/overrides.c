/* Overrides as limiters go by them: when a change is seen, what it carries over, what disturbs it. */
#include "limiter/overrides_test.h"

/* Another process, as far as the server can tell. */
static kw_client *other;

static kw_limiter *of_other(const char *limit, kw_limiter_options options) {
    kw_client *own = client;
    client = other;
    kw_limiter *limiter = open_limiter("api", limit, options);
    client = own;
    return limiter;
}

static int open_both(void **state) {
    return open_server(state) == 0 ? kw_client_open(server.url, NULL, &other, &error) : -1;
}

static int close_both(void **state) {
    kw_client_free(other);
    return close_server(state);
}

/* How long until the limiter knows the key by that limit. */
static int64_t until_limit(kw_limiter *limiter, const char *key, int64_t limit) {
    int64_t from = test_now(), until = from + 5 * SECOND;
    while (limit_of(limiter, key) != limit) {
        if (test_now() > until) fail_msg("the limit is %lld", (long long)limit_of(limiter, key));
    }
    return test_now() - from;
}

/* ---- when ---- */

static void who_sets_it_goes_by_it_at_once(void **state) {
    (void)state;
    kw_limiter *limiter = open_limiter("api", "10/s", (kw_limiter_options){.overrides_us = 3600 * SECOND});
    set(limiter, "u", "100/s burst 200", 0);
    assert_int_equal(limit_of(limiter, "u"), 200);
    assert_int_equal(limit_of(limiter, "v"), 10);
    set(limiter, "u", "5x", 0);
    assert_int_equal(limit_of(limiter, "u"), 50);
    clear(limiter, "u");
    assert_int_equal(limit_of(limiter, "u"), 10);
    kw_limiter_free(limiter);
}

static void others_see_it_within_the_bound(void **state) {
    (void)state;
    kw_limiter *setter = gcra("10/s"), *limiter = of_other("10/s", (kw_limiter_options){.overrides_us = 100000});
    look(limiter);
    for (int64_t factor = 2; factor < 8; factor++) {
        char text[8];
        snprintf(text, sizeof text, "%dx", (int)factor);
        set(setter, "u", text, 0);
        int64_t took = until_limit(limiter, "u", 10 * factor);
        if (took > 100000 + 100000) fail_msg("it took %lld us", (long long)took); /* a busy machine's slack */
        test_sleep(7000 * factor);
    }
    clear(setter, "u");
    assert_true(until_limit(limiter, "u", 10) < 200000);
    kw_limiter_free(setter);
    kw_limiter_free(limiter);
}

static void who_asks_for_none_takes_none(void **state) {
    (void)state;
    kw_limiter *setter = gcra("10/s");
    set(setter, "u", "10x", 0);
    assert_int_equal(limit_of(setter, "u"), 10);
    assert_int_equal(state_of(setter).age_us, KW_NEVER);
    kw_background seen;
    no_failure(kw_client_background(client, &seen, &error));
    assert_int_equal(seen.duties, 0);
    kw_limiter_free(setter);
}

static long long scripts_run(void) {
    char *stats = test_server_command(&server, "INFO", "commandstats", (char *)NULL);
    const char *at = strstr(stats, "cmdstat_evalsha:calls=");
    long long calls = at != NULL ? strtoll(at + strlen("cmdstat_evalsha:calls="), NULL, 10) : 0;
    free(stats);
    return calls;
}

static void hits_ask_for_nothing_more(void **state) {
    (void)state;
    kw_limiter *limiter = open_limiter("api", "1000000/s", (kw_limiter_options){.overrides_us = 3600 * SECOND});
    set(limiter, "u", "2x", 0);
    do {
        hit(limiter, 1);
    } while (state_of(limiter).looks == 0);
    long long before = scripts_run();
    for (int i = 0; i < 100; i++)
        hit(limiter, 1);
    assert_int_equal(scripts_run() - before, 100);
    assert_int_equal(state_of(limiter).looks, 1);
    kw_limiter_free(limiter);
}

static void looking_costs_one_small_command(void **state) {
    (void)state;
    kw_limiter *limiter = taking("10/s");
    look(limiter);
    kw_stats before, after;
    kw_client_stats(client, &before, &error);
    int64_t looks = state_of(limiter).looks;
    look(limiter);
    look(limiter);
    int64_t more = state_of(limiter).looks - looks;
    kw_client_stats(client, &after, &error);
    /* Two of those peeks are this test's own. */
    assert_in_range(after.bytes_sent - before.bytes_sent, 1, 300 * (more + 3));
    kw_limiter_free(limiter);
}

/* ---- what is carried over ---- */

static void debt_in_time_is_carried_over(void **state) {
    (void)state;
    kw_limiter *limiter = taking("10/s");
    test_clock_set(&server, YEAR_2026);
    hit(limiter, 10); /* owes a second */
    assert_int_equal(hit(limiter, 1).status, KW_DENIED);
    set(limiter, "u", "100/s", 0);
    assert_int_equal(hit(limiter, 1).retry_after_us, 10000); /* of the second that it may owe nothing is left */
    set(limiter, "u", "100/s burst 200", 0);
    assert_int_equal(peek(limiter, 0).remaining, 100);
    hit(limiter, 100); /* a second more */
    clear(limiter, "u");
    kw_decision decision = hit(limiter, 1);
    assert_int_equal(decision.retry_after_us, SECOND + 100000);
    assert_string_equal(ask("GET", TAT_KEY), "1767225602000000");
    kw_limiter_free(limiter);
}

static void windows_keep_their_count(void **state) {
    (void)state;
    static const kw_algorithm algorithms[] = {KW_ALGORITHM_FIXED_WINDOW, KW_ALGORITHM_SLIDING_COUNTER,
                                              KW_ALGORITHM_SLIDING_LOG};
    for (int i = 0; i < 3; i++) {
        clean(state);
        kw_limiter *limiter =
            open_limiter("api", "10/m", (kw_limiter_options){.algorithm = algorithms[i], .overrides_us = LOOKS});
        test_clock_set(&server, YEAR_2026);
        assert_int_equal(admitted(limiter, 12), 10);
        set(limiter, "u", "3x", 0);
        assert_int_equal(peek(limiter, 0).remaining, 20);
        assert_int_equal(admitted(limiter, 25), 20);
        clear(limiter, "u");
        assert_int_equal(hit(limiter, 1).status, KW_DENIED);
        set(limiter, "u", "31/m", 0);
        assert_int_equal(admitted(limiter, 5), 1);
        kw_limiter_free(limiter);
    }
}

static void concurrent_and_rates_together(void **state) {
    (void)state;
    kw_limiter *limiter =
        open_limiter("api", "2 concurrent; 10/s as rate", (kw_limiter_options){.overrides_us = LOOKS});
    test_clock_set(&server, YEAR_2026);
    kw_decision first = hit(limiter, 2);
    assert_int_equal(hit(limiter, 1).status, KW_DENIED);
    set(limiter, "u", "3 concurrent; 20/s burst 5", 0);
    kw_decision second = hit(limiter, 1);
    assert_int_equal(second.status, KW_OK);
    assert_int_equal(hit(limiter, 1).status, KW_DENIED);
    clear(limiter, "u");
    assert_int_equal(hit(limiter, 1).status, KW_DENIED); /* three are held, two would be let in */
    no_failure(kw_limiter_release(limiter, "u", 1, &second, KW_DEFAULT_TIMEOUT, &error));
    no_failure(kw_limiter_release(limiter, "u", 1, &first, KW_DEFAULT_TIMEOUT, &error));
    assert_int_equal(hit(limiter, 2).status, KW_OK);
    assert_string_equal(ask("EXISTS", "kw:limiter:{api:u}:tat:rate"), "1");
    kw_limiter_free(limiter);
}

static void a_shadow_lets_a_key_through(void **state) {
    (void)state;
    kw_limiter *limiter = taking("1/h");
    set(limiter, "u", "1/h shadow", 0);
    assert_int_equal(admitted(limiter, 5), 5);
    kw_limiter_free(limiter);
}

/* ---- decisions made under other limits ---- */

static void refunds_give_back_what_was_charged(void **state) {
    (void)state;
    kw_limiter *limiter = taking("10/s burst 30");
    test_clock_set(&server, YEAR_2026);
    kw_decision own = hit(limiter, 10); /* a second */
    set(limiter, "u", "10x", 0);
    kw_decision tenfold = hit(limiter, 50); /* half a second */
    assert_string_equal(ask("GET", TAT_KEY), "1767225601500000");
    clear(limiter, "u");
    kw_decision last = hit(limiter, 5); /* half a second */
    assert_string_equal(ask("GET", TAT_KEY), "1767225602000000");
    refund(limiter, &tenfold, 50);
    assert_string_equal(ask("GET", TAT_KEY), "1767225601500000");
    set(limiter, "u", "10x", 0);
    refund(limiter, &last, 5);
    assert_string_equal(ask("GET", TAT_KEY), "1767225601000000");
    refund(limiter, &own, 10);
    assert_string_equal(ask("EXISTS", TAT_KEY), "0");
    kw_limiter_free(limiter);
}

/* Of limits that nobody here remembers what a hit cost in time is not known: time gives it back. A count is a count. */
static void refunds_of_forgotten_limits(void **state) {
    (void)state;
    kw_limiter *limiter = taking("10/s burst 30");
    test_clock_set(&server, YEAR_2026);
    set(limiter, "u", "10x", 0);
    kw_decision tenfold = hit(limiter, 100);
    set(limiter, "u", "3x", 0);
    set(limiter, "u", "2x", 0);
    clear(limiter, "u");
    int64_t sent = bytes_sent();
    refund(limiter, &tenfold, 100);
    assert_true(bytes_sent() - sent < 400); /* but for looking */
    assert_string_equal(ask("GET", TAT_KEY), "1767225601000000");
    kw_decision forged = tenfold;
    forged.origin ^= UINT64_C(1) << 40;
    assert_int_equal(kw_limiter_refund(limiter, "u", 1, &forged, 1, KW_DEFAULT_TIMEOUT, &error), KW_INVALID);
    assert_int_equal(error.reason, KW_REASON_DECISION);
    assert_int_equal(kw_limiter_refund(limiter, "u", 1, &tenfold, 101, KW_DEFAULT_TIMEOUT, &error), KW_INVALID);
    kw_limiter_free(limiter);

    clean(state);
    limiter = open_limiter("api", "10/s",
                           (kw_limiter_options){.algorithm = KW_ALGORITHM_FIXED_WINDOW, .overrides_us = LOOKS});
    test_clock_set(&server, YEAR_2026);
    set(limiter, "u", "10x", 0);
    tenfold = hit(limiter, 100);
    set(limiter, "u", "3x", 0);
    set(limiter, "u", "2x", 0);
    clear(limiter, "u");
    refund(limiter, &tenfold, 95);
    assert_int_equal(peek(limiter, 0).remaining, 5);
    kw_limiter_free(limiter);
}

static void reservations_are_settled_by_their_own_limits(void **state) {
    (void)state;
    kw_limiter *limiter = open_limiter("api", "10/s", (kw_limiter_options){.overrides_us = LOOKS, .reservations = 1});
    test_clock_set(&server, YEAR_2026);
    set(limiter, "u", "10x", 0);
    kw_decision decision;
    no_failure(kw_limiter_reserve(limiter, "u", 1, 80, "id", 2, 0, KW_DEFAULT_TIMEOUT, &decision, &error));
    assert_int_equal(decision.limit, 100);
    clear(limiter, "u");
    no_failure(kw_limiter_commit(limiter, "u", 1, "id", 2, 20, KW_DEFAULT_TIMEOUT, &decision, &error));
    assert_int_equal(peek(limiter, 0).remaining, 8); /* two tenths of a second are owed */
    kw_limiter_free(limiter);
}

static void http_tells_the_keys_own_limits(void **state) {
    (void)state;
    kw_limiter *limiter = taking("10/s");
    char fields[9216];
    size_t length;
    kw_decision own = hit(limiter, 1);
    set(limiter, "u", "100/s burst 200", 0);
    kw_decision decision = hit(limiter, 1);
    no_failure(kw_limiter_http_fields(limiter, &decision, "", 0, 0, fields, sizeof fields, &length, &error));
    assert_non_null(strstr(fields, "RateLimit-Policy: \"api\";q=200;w=2\r\n"));
    no_failure(kw_limiter_http_fields(limiter, &own, "", 0, 0, fields, sizeof fields, &length, &error));
    assert_non_null(strstr(fields, "RateLimit-Policy: \"api\";q=10;w=1\r\n"));
    clear(limiter, "u");
    no_failure(kw_limiter_http_fields(limiter, &decision, "", 0, 0, fields, sizeof fields, &length, &error));
    assert_non_null(strstr(fields, "q=200;w=2\r\n"));
    kw_limiter_free(limiter);
}

/* ---- what else a limiter remembers ---- */

static void remembered_denials_go_with_a_change(void **state) {
    (void)state;
    kw_limiter *setter = window("1/h");
    kw_limiter *limiter = of_other("1/h", (kw_limiter_options){.algorithm = KW_ALGORITHM_FIXED_WINDOW,
                                                               .overrides_us = LOOKS,
                                                               .denial_cache = 100,
                                                               .denial_ttl_us = MINUTE});
    look(limiter);
    hit(limiter, 1);
    assert_int_equal(hit(limiter, 1).reason, KW_DECIDED_BY_SERVER);
    assert_int_equal(hit(limiter, 1).reason, KW_DECIDED_BY_DENIAL_CACHE);
    set(setter, "u", "5/h", 0);
    until_limit(limiter, "u", 5);
    assert_int_equal(admitted(limiter, 5), 4);
    assert_int_equal(hit(limiter, 1).reason, KW_DECIDED_BY_DENIAL_CACHE);
    clear(setter, "u");
    until_limit(limiter, "u", 1);
    assert_int_equal(hit(limiter, 1).reason, KW_DECIDED_BY_SERVER);
    kw_hit_counts counts;
    no_failure(kw_limiter_stats(limiter, &counts, &error));
    assert_int_equal(counts.admitted, 5);
    assert_int_equal(counts.answered_locally, 2);
    kw_limiter_free(setter);
    kw_limiter_free(limiter);
}

/* ---- their end ---- */

static void an_override_ends_by_the_servers_clock(void **state) {
    (void)state;
    kw_limiter *limiter = open_limiter(
        "api", "1/h", (kw_limiter_options){.overrides_us = LOOKS, .denial_cache = 10, .denial_ttl_us = MINUTE});
    test_clock_set(&server, YEAR_2026);
    set(limiter, "u", "3/h", 10 * SECOND);
    assert_int_equal(admitted(limiter, 4), 3);
    test_clock_set(&server, YEAR_2026 + 8 * SECOND);
    look(limiter);
    assert_int_equal(limit_of(limiter, "u"), 3);
    test_clock_set(&server, YEAR_2026 + 11 * SECOND);
    until_limit(limiter, "u", 1);
    assert_int_equal(hit(limiter, 1).reason, KW_DECIDED_BY_SERVER); /* what was denied before is forgotten */
    test_clock_set(&server, YEAR_2026 + 5 * SECOND);
    until_limit(limiter, "u", 3); /* the server's clock was set back: it has not ended */
    test_clock_run(&server);
    kw_limiter_free(limiter);
}

/* Nobody need look for that. */
static void an_override_ends_between_looks(void **state) {
    (void)state;
    kw_limiter *limiter = open_limiter("api", "1/h", (kw_limiter_options){.overrides_us = 3600 * SECOND});
    int64_t from = test_now();
    set(limiter, "u", "3/h", 200000);
    assert_int_equal(limit_of(limiter, "u"), 3);
    int64_t took = until_limit(limiter, "u", 1);
    assert_true(test_now() - from >= 200000);
    assert_true(took < 400000);
    kw_limiter_free(limiter);
}

/* ---- what disturbs it ---- */

static void what_a_limiter_cannot_take_is_told(void **state) {
    (void)state;
    kw_limiter *limiter = taking("10/s"),
               *two = open_limiter("api", "10/s; 100/m", (kw_limiter_options){.overrides_us = LOOKS});
    set(two, "u", "20/s; 200/m", 0);
    set(two, "v", "2x", 0);
    ask("HSET", OVERRIDES, "=w", "0 what a later version wrote");
    ask("ZADD", OVERRIDES ":changed", "1", "w");
    look(limiter);
    look(two);
    assert_int_equal(limit_of(limiter, "u"), 10);
    assert_int_equal(limit_of(limiter, "v"), 20);
    assert_int_equal(limit_of(limiter, "w"), 10);
    assert_int_equal(state_of(limiter).held, 1);
    assert_int_equal(state_of(limiter).ignored, 2);
    assert_int_equal(limit_of(two, "u"), 20);
    assert_int_equal(state_of(two).held, 2);
    assert_int_equal(state_of(two).ignored, 1);
    clear(two, "u");
    look(limiter);
    assert_int_equal(state_of(limiter).ignored, 1);
    kw_limiter_free(limiter);
    kw_limiter_free(two);
}

static void what_is_known_holds_while_the_server_is_gone(void **state) {
    (void)state;
    kw_limiter *limiter = of_other("1/h", (kw_limiter_options){.overrides_us = LOOKS,
                                                               .denial_cache = 10,
                                                               .denial_ttl_us = MINUTE,
                                                               .on_failure = KW_ON_FAILURE_DENY});
    set(limiter, "u", "100/h", 0);
    look(limiter);
    test_server_restart(&server, 200000); /* without its keys */
    int64_t until = test_now() + 5 * SECOND;
    while (state_of(limiter).failures == 0 && test_now() < until)
        test_sleep(1000);
    assert_true(state_of(limiter).failures > 0);
    while (state_of(limiter).failed_in_a_row > 0 && test_now() < until)
        test_sleep(1000);
    assert_int_equal(state_of(limiter).failed_in_a_row, 0);
    until_limit(limiter, "u", 1); /* the server has no override any more, and says so */
    assert_int_equal(state_of(limiter).held, 0);
    set(limiter, "u", "50/h", 0);
    assert_int_equal(limit_of(limiter, "u"), 50);
    kw_limiter_free(limiter);
}

static void flushing_everything_clears_them(void **state) {
    (void)state;
    kw_limiter *limiter = taking("10/s"), *setter = of_other("10/s", (kw_limiter_options){0});
    set(setter, "u", "2x", 0);
    set(setter, "v", "2x", 0);
    until_limit(limiter, "v", 20);
    ask("SCRIPT", "FLUSH");
    set(setter, "w", "2x", 0);
    until_limit(limiter, "w", 20);
    ask("FLUSHALL");
    set(setter, "v", "3x", 0); /* it begins again, and the limiter may not have seen that nothing was there */
    until_limit(limiter, "v", 30);
    assert_int_equal(limit_of(limiter, "u"), 10);
    assert_int_equal(state_of(limiter).held, 1);
    ask("FLUSHALL");
    until_limit(limiter, "v", 10);
    kw_limiter_free(limiter);
    kw_limiter_free(setter);
}

/* Who was away while more were cleared than the server tells of looks at everything. */
static void who_was_away_for_long_looks_at_everything(void **state) {
    (void)state;
    kw_limiter *setter = gcra("10/s"), *limiter = of_other("10/s", (kw_limiter_options){.overrides_us = 300000});
    char key[8];
    for (int i = 0; i < 10; i++) {
        snprintf(key, sizeof key, "%d", i);
        set(setter, key, "2x", 0);
    }
    set(setter, "stays", "2x", 0);
    look(limiter);
    assert_int_equal(state_of(limiter).held, 11);
    free(test_server_command(
        &server, "EVAL",
        "for i = 0, 9 do redis.call('HDEL', KEYS[1], '=' .. i) redis.call('ZREM', KEYS[2], i) end "
        "local version = redis.call('HGET', KEYS[1], 'version') + 1 "
        "redis.call('HSET', KEYS[1], 'version', string.format('%.0f', version), 'floor', "
        "string.format('%.0f', version)) redis.call('ZADD', KEYS[2], string.format('%.0f', version), 'stays')",
        "2", OVERRIDES, OVERRIDES ":changed", (char *)NULL));
    look(limiter);
    assert_int_equal(state_of(limiter).held, 1);
    assert_int_equal(limit_of(limiter, "3"), 10);
    assert_int_equal(limit_of(limiter, "stays"), 20);
    kw_limiter_free(setter);
    kw_limiter_free(limiter);
}

static void ten_thousand(void **state) {
    (void)state;
    kw_limiter *setter = gcra("10/s"), *limiter = of_other("10/s", (kw_limiter_options){.overrides_us = LOOKS});
    free(test_server_command(&server, "EVAL",
                             "for i = 1, 10000 do redis.call('HSET', KEYS[1], '=' .. i, '0 ' .. i + 1 .. 'x') "
                             "redis.call('ZADD', KEYS[2], i, i) end "
                             "redis.call('HSET', KEYS[1], 'version', '10000', 'floor', '1')",
                             "2", OVERRIDES, OVERRIDES ":changed", (char *)NULL));
    until_limit(limiter, "10000", 100010);
    assert_int_equal(state_of(limiter).held, 10000);
    char key[8];
    for (int i = 1; i <= 10000; i += 97) {
        snprintf(key, sizeof key, "%d", i);
        assert_int_equal(limit_of(limiter, key), 10 * (i + 1));
    }
    set(setter, "77", "3x", 0);
    until_limit(limiter, "77", 30);
    ask("DEL", OVERRIDES, OVERRIDES ":changed", OVERRIDES ":cleared");
    until_limit(limiter, "10000", 10);
    assert_int_equal(state_of(limiter).held, 0);
    kw_limiter_free(setter);
    kw_limiter_free(limiter);
}

/* ---- all ways of asking ---- */

static void every_operation_goes_by_it(void **state) {
    (void)state;
    kw_limiter *limiter = taking("2/h");
    test_clock_set(&server, YEAR_2026);
    set(limiter, "u", "20/h", 0);
    kw_decision decision, decisions[3];
    no_failure(kw_limiter_hit_up_to(limiter, "u", 1, 50, KW_DEFAULT_TIMEOUT, &decision, &error));
    assert_int_equal(decision.count, 20);
    refund(limiter, &decision, 10);
    no_failure(kw_limiter_wait(limiter, "u", 1, 4, SECOND, KW_DEFAULT_TIMEOUT, &decision, &error));
    assert_int_equal(decision.limit, 20);
    kw_limiter_hit_args items[3];
    for (int i = 0; i < 3; i++)
        items[i] =
            (kw_limiter_hit_args){.size = sizeof items[0], .key = i == 1 ? "v" : "u", .key_length = 1, .cost = 2};
    no_failure(kw_limiter_hit_many(limiter, items, 3, KW_DEFAULT_TIMEOUT, decisions, &error));
    assert_int_equal(decisions[0].limit, 20);
    assert_int_equal(decisions[1].limit, 2);
    assert_int_equal(decisions[2].remaining, 2);
    kw_completions *completions;
    kw_record record;
    no_failure(kw_completions_open(client, &completions, &error));
    no_failure(kw_limiter_submit_hit(limiter, completions, 1, "u", 1, 1, KW_DEFAULT_TIMEOUT, &error));
    assert_int_equal(kw_completions_wait(completions, SECOND, &error), 1);
    assert_int_equal(kw_completions_drain(completions, &record, 1, sizeof record, &error), 1);
    assert_int_equal(((const kw_decision *)record.data)->remaining, 1);
    kw_completions_free(completions);
    no_failure(kw_limiter_reset(limiter, "u", 1, KW_DEFAULT_TIMEOUT, &error));
    assert_int_equal(peek(limiter, 0).remaining, 20);
    kw_limiter_free(limiter);
}

static void a_client_without_threads_looks_when_it_is_used(void **state) {
    (void)state;
    kw_limiter *setter = gcra("10/s");
    kw_client *own = client;
    char url[200];
    snprintf(url, sizeof url, "%s?threads=0", server.url);
    no_failure(kw_client_open(url, NULL, &client, &error));
    kw_limiter *limiter = taking("10/s");
    until_limit(limiter, "u", 10);
    set(setter, "u", "2x", 0);
    until_limit(limiter, "u", 20);
    kw_completions *completions;
    no_failure(kw_completions_open(client, &completions, &error));
    set(setter, "u", "3x", 0);
    int64_t looks = state_of(limiter).looks, until = test_now() + 5 * SECOND;
    while (state_of(limiter).looks < looks + 3 && test_now() < until)
        kw_completions_wait(completions, 10000, &error);
    assert_true(state_of(limiter).looks >= looks + 3);
    assert_int_equal(limit_of(limiter, "u"), 30);
    kw_completions_free(completions);
    kw_limiter_free(limiter);
    kw_client_free(client);
    client = own;
    kw_limiter_free(setter);
}

static void closing_while_it_looks(void **state) {
    (void)state;
    kw_client *own = client;
    for (int i = 0; i < 20; i++) {
        no_failure(kw_client_open(server.url, NULL, &client, &error));
        kw_limiter *limiter = taking("10/s"), *second = taking("10/s");
        set(limiter, "u", "2x", 0);
        limit_of(second, "u");
        if (i % 2 == 0) test_sleep(1000 * i);
        if (i % 3 == 0) kw_client_close(client, SECOND, &error);
        kw_limiter_free(limiter);
        if (i % 4 == 0) kw_client_free(client);
        kw_limiter_free(second);
        if (i % 4 != 0) kw_client_free(client);
    }
    client = own;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        limiter_test(who_sets_it_goes_by_it_at_once),
        limiter_test(others_see_it_within_the_bound),
        limiter_test(who_asks_for_none_takes_none),
        limiter_test(hits_ask_for_nothing_more),
        limiter_test(looking_costs_one_small_command),
        limiter_test(debt_in_time_is_carried_over),
        limiter_test(windows_keep_their_count),
        limiter_test(concurrent_and_rates_together),
        limiter_test(a_shadow_lets_a_key_through),
        limiter_test(refunds_give_back_what_was_charged),
        limiter_test(refunds_of_forgotten_limits),
        limiter_test(reservations_are_settled_by_their_own_limits),
        limiter_test(http_tells_the_keys_own_limits),
        limiter_test(remembered_denials_go_with_a_change),
        limiter_test(an_override_ends_by_the_servers_clock),
        limiter_test(an_override_ends_between_looks),
        limiter_test(what_a_limiter_cannot_take_is_told),
        limiter_test(what_is_known_holds_while_the_server_is_gone),
        limiter_test(flushing_everything_clears_them),
        limiter_test(who_was_away_for_long_looks_at_everything),
        limiter_test(ten_thousand),
        limiter_test(every_operation_goes_by_it),
        limiter_test(a_client_without_threads_looks_when_it_is_used),
        limiter_test(closing_while_it_looks),
    };
    return test_run(open_both, close_both);
}
