/*
 * Hits that go as one command are answered as if they had come one after another: the same hits are made by two
 * clients on two databases, together and in a row, at one moment, and everything is compared.
 */
#include <pthread.h>

#include "limiter/overrides_test.h"

enum { MOST = 300 };

static kw_client *in_a_row; /* on database 1, where nothing is coalesced */
static kw_limiter *together, *serial, *wider[2];
static kw_limiter_hit_args items[MOST];
static kw_decision decisions[2][MOST];
static size_t count;

static int open_both(void **state) {
    char url[160];
    if (open_server(state) != 0) return -1;
    snprintf(url, sizeof url, "%s?database=1", server.url);
    return kw_client_open(url, NULL, &in_a_row, &error);
}

static int close_both(void **state) {
    kw_client_free(in_a_row);
    return close_server(state);
}

static kw_limiter *open_of(kw_client *of, const char *limit, kw_limiter_options options) {
    kw_limiter *limiter = NULL;
    options.size = sizeof options;
    kw_status status = kw_limiter_open(of, "api", 3, limit, &options, &limiter, &error);
    if (status != KW_OK) fail_msg("%s: %s", limit, error.message);
    return limiter;
}

static void open_limiters(const char *limit, kw_limiter_options options) {
    serial = open_of(in_a_row, limit, options);
    options.coalesce = 1;
    together = open_of(client, limit, options);
}

static void close_limiters(void) {
    kw_limiter_free(together);
    kw_limiter_free(serial);
    together = serial = NULL;
}

/* Adds so many hits of that cost to what is hit next. */
static void add(size_t hits, int64_t cost) {
    for (; hits > 0; hits--, count++) {
        assert_true(count < MOST);
        items[count] = (kw_limiter_hit_args){.size = sizeof items[0], .key = "u", .key_length = 1, .cost = cost};
    }
}

/* Everything that lies in a database: keys, values and when they end. */
static void describe_database(const char *database, char *out, size_t size) {
    char keys[1024], *rest = NULL;
    ask("SELECT", database);
    keep(keys, sizeof keys, ask("KEYS", "*"));
    out[0] = '\0';
    const char *sorted[16];
    size_t found = 0;
    for (char *key = strtok_r(keys, "\n", &rest); key != NULL; key = strtok_r(NULL, "\n", &rest)) {
        assert_true(found < 16);
        size_t at = found++;
        for (; at > 0 && strcmp(sorted[at - 1], key) > 0; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = key;
    }
    for (size_t i = 0; i < found; i++) {
        char value[4096], ends[32];
        bool list = strcmp(ask("TYPE", sorted[i]), "list") == 0;
        keep(value, sizeof value, list ? ask("LRANGE", sorted[i], "0", "-1") : ask("GET", sorted[i]));
        keep(ends, sizeof ends, ask("PEXPIRETIME", sorted[i]));
        size_t length = strlen(out);
        snprintf(out + length, size - length, "%s = %s until %s\n", sorted[i], value, ends);
    }
    ask("SELECT", "0");
}

static void assert_databases_are_alike(void) {
    static char one[16384], other[16384];
    describe_database("0", one, sizeof one);
    describe_database("1", other, sizeof other);
    assert_string_equal(one, other);
}

/* Makes the hits, together and in a row. */
static void hit_both(void) {
    no_failure(kw_limiter_hit_many(together, items, count, 0, decisions[0], &error));
    for (size_t i = 0; i < count; i++)
        no_failure(kw_limiter_hit(serial, "u", 1, items[i].cost, 0, &decisions[1][i], &error));
    for (size_t i = 0; i < count; i++) {
        const kw_decision *one = &decisions[0][i], *other = &decisions[1][i];
        if (memcmp(one, other, sizeof *one) == 0) continue;
        fail_msg("hit %zu of %zu: %d, remaining %lld, retry %lld, reset %lld, settles %lld, rest %lld; and not %d, "
                 "%lld, %lld, %lld, %lld, %lld",
                 i, count, one->status, (long long)one->remaining, (long long)one->retry_after_us,
                 (long long)one->reset_after_us, (long long)one->settles_at_us[0], (long long)one->settles_rest[0],
                 other->status, (long long)other->remaining, (long long)other->retry_after_us,
                 (long long)other->reset_after_us, (long long)other->settles_at_us[0],
                 (long long)other->settles_rest[0]);
    }
    assert_databases_are_alike();
}

static void refund_both(size_t i, int64_t amount) {
    no_failure(kw_limiter_refund(together, "u", 1, &decisions[0][i], amount, 0, &error));
    no_failure(kw_limiter_refund(serial, "u", 1, &decisions[1][i], amount, 0, &error));
    assert_databases_are_alike();
}

/* The server knows the scripts, so that no NOSCRIPT mixes up who comes first. */
static void warm_up(void) {
    count = 0;
    add(2, 1);
    no_failure(kw_limiter_hit_many(together, items, 2, 0, decisions[0], &error));
    count = 0;
    ask("FLUSHALL");
}

static uint64_t drawn;

static int64_t draw(int64_t below) {
    drawn = drawn * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (int64_t)((drawn >> 33) % (uint64_t)below);
}

/* A run of hits: mostly of 1, sometimes of anything up to what fits and beyond. */
static void draw_hits(void) {
    count = 0;
    int64_t capacity = decisions[1][0].limit > 0 ? decisions[1][0].limit : 10;
    for (int64_t runs = 1 + draw(3); runs > 0; runs--) {
        int64_t cost = draw(4) > 0 ? 1 + draw(3) : draw(capacity + 2);
        add((size_t)(draw(4) > 0 ? 1 + draw(12) : 1 + draw(80)), cost);
    }
}

static void move(int64_t now) {
    test_clock_set(&server, now);
    for (int database = 0; database < 2; database++) { /* what has expired goes now, not at some other moment */
        ask("SELECT", database == 0 ? "0" : "1");
        char keys[1024], *rest = NULL;
        keep(keys, sizeof keys, ask("KEYS", "*"));
        for (char *key = strtok_r(keys, "\n", &rest); key != NULL; key = strtok_r(NULL, "\n", &rest))
            ask("EXISTS", key);
    }
    ask("SELECT", "0");
}

static void persist_all(void) {
    for (int database = 0; database < 2; database++) {
        ask("SELECT", database == 0 ? "0" : "1");
        char keys[1024], *rest = NULL;
        keep(keys, sizeof keys, ask("KEYS", "*"));
        for (char *key = strtok_r(keys, "\n", &rest); key != NULL; key = strtok_r(NULL, "\n", &rest))
            ask("PERSIST", key);
    }
    ask("SELECT", "0");
}

static const struct {
    const char *limit;
    kw_algorithm algorithm;
    kw_align align;
} kinds[] = {
    {"10/s burst 20", KW_ALGORITHM_GCRA, 0},
    {"7/s burst 30", KW_ALGORITHM_GCRA, 0},
    {"3 per 10 ms burst 5", KW_ALGORITHM_GCRA, 0},
    {"1009/s burst 90", KW_ALGORITHM_GCRA, 0},
    {"100003/d burst 50", KW_ALGORITHM_GCRA, 0},
    {"997/us", KW_ALGORITHM_GCRA, 0},
    {"10/s", KW_ALGORITHM_FIXED_WINDOW, KW_ALIGN_FIRST_HIT},
    {"10/s", KW_ALGORITHM_FIXED_WINDOW, KW_ALIGN_CLOCK},
    {"30/month", KW_ALGORITHM_FIXED_WINDOW, KW_ALIGN_CALENDAR},
    {"10/s", KW_ALGORITHM_SLIDING_COUNTER, 0},
    {"1003/m", KW_ALGORITHM_SLIDING_COUNTER, 0},
    {"10/s", KW_ALGORITHM_SLIDING_LOG, 0},
    {"120/m", KW_ALGORITHM_SLIDING_LOG, 0},
    {"10/s burst 20; 50/m; 7 per 3 s burst 9", KW_ALGORITHM_GCRA, 0},
    {"10/s; 50/m", KW_ALGORITHM_GCRA, 0},
    {"10/s; 50/m", KW_ALGORITHM_FIXED_WINDOW, KW_ALIGN_CLOCK},
    {"10/s; 50/m", KW_ALGORITHM_SLIDING_COUNTER, 0},
    {"10/s; 25/m", KW_ALGORITHM_SLIDING_LOG, 0},
};

/* One step of the random run; the moment it leaves. */
static int64_t take_step(int64_t now) {
    int64_t kind = draw(10);
    if (kind < 6 || count == 0) {
        draw_hits();
        hit_both();
    } else if (kind < 8) {
        size_t i = (size_t)draw((int64_t)count);
        if (decisions[1][i].count > 0) {
            refund_both(i, 1 + draw(decisions[1][i].count));
            count = 0; /* each part is refunded once */
        }
    } else if (kind == 8) {
        persist_all();
    }
    kind = draw(6);
    int64_t retry = count > 0 ? decisions[1][count - 1].retry_after_us : 0;
    if (kind == 0)
        now += draw(3);
    else if (kind == 1)
        now += draw(400000);
    else if (kind == 2 && retry != KW_NEVER && retry < 60 * SECOND)
        now += retry - draw(2);
    else if (kind == 3 && draw(8) == 0)
        now -= draw(3 * SECOND);
    else if (kind == 4 && draw(8) == 0)
        now += draw(100 * SECOND);
    move(now);
    return now;
}

static void answers_are_those_of_serial_execution(void **state) {
    test_clock_require_exact(&server);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        clean(state);
        test_clock_set(&server, YEAR_2026);
        open_limiters(kinds[i].limit, (kw_limiter_options){.algorithm = kinds[i].algorithm, .align = kinds[i].align});
        warm_up();
        drawn = i;
        memset(decisions, 0, sizeof decisions);
        int64_t now = YEAR_2026 + 12345678;
        move(now);
        for (int step = 0; step < 150; step++)
            now = take_step(now);
        close_limiters();
    }
}

/* A state that another limit left: its debt is beyond what this one gives, its rest is another's, its window ends
 * later. */
static void what_must_be_mended_is(void **state) {
    test_clock_require_exact(&server);
    static const struct {
        const char *limit, *before;
        kw_algorithm algorithm;
    } left[] = {
        {"10/m as plan", "200/d as plan", KW_ALGORITHM_GCRA},
        {"1/s burst 150 as plan", "7/s burst 200 as plan", KW_ALGORITHM_GCRA},
        {"3/s burst 150 as plan", "7/s burst 200 as plan", KW_ALGORITHM_GCRA},
        {"1/s burst 150 as plan; 2/s burst 160 as other", "7/s burst 200 as plan", KW_ALGORITHM_GCRA},
        {"10/m as plan", "200/d as plan", KW_ALGORITHM_FIXED_WINDOW},
        {"10/m as plan", "200/d as plan", KW_ALGORITHM_SLIDING_COUNTER},
        {"10/m as plan", "200/d as plan", KW_ALGORITHM_SLIDING_LOG},
    };
    for (size_t i = 0; i < sizeof left / sizeof left[0]; i++) {
        clean(state);
        test_clock_set(&server, YEAR_2026);
        kw_limiter_options options = {.algorithm = left[i].algorithm};
        open_limiters(left[i].limit, options);
        wider[0] = open_of(client, left[i].before, options);
        wider[1] = open_of(in_a_row, left[i].before, options);
        warm_up();
        for (int64_t charged = 0; charged < 200; charged += 39) {
            ask("FLUSHALL");
            for (int j = 0; j < 2 && charged > 0; j++)
                no_failure(kw_limiter_hit(wider[j], "u", 1, charged, 0, &decisions[j][0], &error));
            for (int turn = 0; turn < 3; turn++) {
                count = 0;
                add(12, 1 + turn);
                add(100, 20);
                hit_both();
                test_clock_advance(&server, turn == 0 ? -5 * DAY : 30 * SECOND);
            }
            test_clock_set(&server, YEAR_2026);
        }
        kw_limiter_free(wider[0]);
        kw_limiter_free(wider[1]);
        close_limiters();
    }
}

static long long commands_run(void) {
    char text[4096];
    keep(text, sizeof text, ask("INFO", "commandstats"));
    long long calls = 0;
    for (const char *at = text; (at = strstr(at, "cmdstat_eval")) != NULL; at++)
        calls += number(strstr(at, "calls=") + 6);
    return calls;
}

static void hits_go_in_few_commands(void **state) {
    (void)state;
    test_clock_freeze(&server);
    open_limiters("100/h", (kw_limiter_options){0});
    warm_up();
    add(300, 1);
    ask("CONFIG", "RESETSTAT");
    no_failure(kw_limiter_hit_many(together, items, 300, 0, decisions[0], &error));
    assert_int_equal(commands_run(), 2); /* 256 at most go as one */
    int yes = 0;
    for (int i = 0; i < 300; i++)
        yes += decisions[0][i].status == KW_OK;
    assert_int_equal(yes, 100);
    /* What can charge nothing goes alone; what would charge another amount goes by itself. */
    count = 0;
    add(2, 0);
    add(2, 101);
    add(2, 1);
    ask("CONFIG", "RESETSTAT");
    no_failure(kw_limiter_hit_many(together, items, count, 0, decisions[0], &error));
    assert_int_equal(commands_run(), 5);
    kw_hit_counts counts;
    assert_int_equal(kw_limiter_stats(together, &counts, &error), KW_OK);
    assert_int_equal(counts.admitted, 2 + 100 + 2);
    assert_int_equal(counts.denied, 200 + 4);
    close_limiters();
}

static void a_flush_of_scripts_is_not_seen(void **state) {
    (void)state;
    test_clock_freeze(&server);
    open_limiters("100/h; 1000/d", (kw_limiter_options){0});
    count = 0;
    add(60, 1);
    for (int round = 0; round < 3; round++) {
        ask("SCRIPT", "FLUSH");
        no_failure(kw_limiter_hit_many(together, items, 60, 0, decisions[0], &error));
        int yes = 0;
        for (int i = 0; i < 60; i++)
            yes += decisions[0][i].status == KW_OK;
        assert_int_equal(yes, round == 0 ? 60 : round == 1 ? 40 : 0);
    }
    close_limiters();
}

static void a_foreign_key_is_each_ones_failure(void **state) {
    for (int i = 0; i < 2; i++) {
        clean(state);
        open_limiters(i == 0 ? "10/s" : "10/s; 20/m", (kw_limiter_options){0});
        warm_up();
        add(3, 1);
        ask("SET", TAT_KEY, "hello");
        assert_int_equal(kw_limiter_hit_many(together, items, 3, 0, decisions[0], &error), KW_WRONG_TYPE);
        for (int j = 0; j < 3; j++)
            assert_int_equal(decisions[0][j].status, KW_WRONG_TYPE);
        close_limiters();
    }
}

static void a_denial_is_remembered_of_each(void **state) {
    (void)state;
    test_clock_freeze(&server);
    open_limiters("10/h", (kw_limiter_options){.denial_cache = 100});
    warm_up();
    add(12, 1);
    no_failure(kw_limiter_hit_many(together, items, 12, 0, decisions[0], &error));
    assert_int_equal(decisions[0][9].status, KW_OK);
    assert_int_equal(decisions[0][10].status, KW_DENIED);
    assert_int_equal(decisions[0][11].reason, KW_DECIDED_BY_SERVER);
    no_failure(kw_limiter_hit_many(together, items, 12, 0, decisions[0], &error));
    assert_int_equal(decisions[0][0].reason, KW_DECIDED_BY_DENIAL_CACHE);
    close_limiters();
}

static void a_key_goes_by_its_override(void **state) {
    (void)state;
    test_clock_freeze(&server);
    open_limiters("10/h", (kw_limiter_options){.overrides_us = LOOKS});
    set(together, "u", "3/h", 0);
    INVALID(kw_limiter_set_override(together, "u", 1, "3/h shadow", 10, 0, 0, &(kw_override_change){0}, &error),
            KW_REASON_OPTION, "with shadow");
    count = 0;
    add(12, 1);
    no_failure(kw_limiter_hit_many(together, items, count, 0, decisions[0], &error));
    for (int i = 0; i < 12; i++) {
        assert_int_equal(decisions[0][i].status, i < 3 ? KW_OK : KW_DENIED);
        assert_int_equal(decisions[0][i].limit, 3);
        assert_int_equal(decisions[0][i].remaining, i < 3 ? 2 - i : 0);
    }
    clear(together, "u");
    no_failure(kw_limiter_hit_many(together, items, count, 0, decisions[0], &error));
    assert_int_equal(decisions[0][0].limit, 10);
    close_limiters();
}

static void refuse(kw_limiter_options options, const char *limit, const char *says) {
    kw_limiter *limiter = NULL;
    options.size = sizeof options;
    options.coalesce = 1;
    INVALID(kw_limiter_open(client, "a", 1, limit, &options, &limiter, &error), KW_REASON_OPTION, says);
}

static void what_cannot_go_together(void **state) {
    (void)state;
    kw_limiter_options options = {.size = sizeof options, .coalesce = 2};
    kw_limiter *limiter = NULL;
    INVALID(kw_limiter_open(client, "a", 1, "1/s", &options, &limiter, &error), KW_REASON_OPTION, "coalesce is 2");
    refuse((kw_limiter_options){.shadow = 1}, "1/s", "with shadow");
    refuse((kw_limiter_options){0}, "1/s; 10/m shadow", "with shadow");
    refuse((kw_limiter_options){.charge_denials = 1}, "1/s", "with charge_denials");
    refuse((kw_limiter_options){.block_us = SECOND}, "1/s", "with block_us");
    refuse((kw_limiter_options){.reservations = 1}, "1/s", "with reservations");
    refuse((kw_limiter_options){.algorithm = KW_ALGORITHM_CONCURRENCY}, "5 concurrent", "with a concurrent limit");
    refuse((kw_limiter_options){0}, "1/s; 5 concurrent", "with a concurrent limit");
    refuse((kw_limiter_options){0}, "7/d burst 110000", "104 days");
    kw_limiter_free(open_limiter("a", "7/d burst 100000", (kw_limiter_options){.coalesce = 1}));
}

/* Threads of one client, with the clock frozen: exactly the limit, and as many remain as follow. */
enum { THREADS = 32, TURNS = 10, LIMIT = 100 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int remained[LIMIT], denied, wrong;

static void *hit_often(void *argument) {
    (void)argument;
    for (int i = 0; i < TURNS; i++) {
        kw_decision decision;
        kw_error own;
        kw_status status = kw_limiter_hit(together, "u", 1, 1, 0, &decision, &own);
        pthread_mutex_lock(&lock);
        if (status == KW_OK && decision.remaining >= 0 && decision.remaining < LIMIT)
            remained[decision.remaining]++;
        else if (status == KW_DENIED)
            denied++;
        else
            wrong++;
        pthread_mutex_unlock(&lock);
    }
    return NULL;
}

static void threads_are_admitted_exactly_the_limit(void **state) {
    static const char *const limits[] = {"100/h", "100/h; 300 per 2 h"};
    for (int kind = 0; kind < 8; kind++) {
        clean(state);
        test_clock_freeze(&server);
        open_limiters(limits[kind / 4], (kw_limiter_options){.algorithm = kind % 4});
        memset(remained, 0, sizeof remained);
        denied = wrong = 0;
        pthread_t threads[THREADS];
        for (int i = 0; i < THREADS; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, hit_often, NULL), 0);
        for (int i = 0; i < THREADS; i++)
            pthread_join(threads[i], NULL);
        assert_int_equal(wrong, 0);
        assert_int_equal(denied, THREADS * TURNS - LIMIT);
        for (int i = 0; i < LIMIT; i++)
            assert_int_equal(remained[i], 1);
        close_limiters();
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        clean_test(answers_are_those_of_serial_execution),
        clean_test(what_must_be_mended_is),
        clean_test(hits_go_in_few_commands),
        clean_test(a_flush_of_scripts_is_not_seen),
        clean_test(a_foreign_key_is_each_ones_failure),
        clean_test(a_denial_is_remembered_of_each),
        clean_test(a_key_goes_by_its_override),
        clean_test(what_cannot_go_together),
        clean_test(threads_are_admitted_exactly_the_limit),
    };
    return test_run(open_both, close_both);
}
