/* Every allocation of a limiter's life fails once: an error each time, and nothing was charged that was not told of. */
#include "base/memory.h"
#include "limiter/limiter_test.h"

static int64_t charged;
static bool unknown;

static void count(kw_status status, int64_t by) {
    if (status == KW_OK)
        charged += by;
    else if (status == KW_UNKNOWN)
        unknown = true;
    else
        assert_true(status == KW_NO_MEMORY || status == KW_CONNECTION);
}

static void live(void) {
    kw_client *own = NULL;
    kw_limiter *limiter = NULL;
    kw_decision decision = {0}, decisions[3];
    if (kw_client_open(server.url, NULL, &own, &error) == KW_OK &&
        kw_limiter_open(own, "api", 3, "7/h burst 1000", NULL, &limiter, &error) == KW_OK) {
        kw_status status = kw_limiter_hit(limiter, "u", 1, 5, 0, &decision, &error);
        count(status, 5);
        if (status == KW_OK) count(kw_limiter_refund(limiter, "u", 1, &decision, 2, 0, &error), -2);
        count(kw_limiter_peek(limiter, "u", 1, 1, 0, &decision, &error), 0);
        count(kw_limiter_wait(limiter, "u", 1, 3, SECOND, 0, &decision, &error), 3);
        kw_limiter_hit_args items[3] = {0};
        for (int i = 0; i < 3; i++) {
            items[i] = (kw_limiter_hit_args){.size = sizeof items[0], .key = "u", .key_length = 1, .cost = 1};
        }
        memset(decisions, 0, sizeof decisions);
        kw_limiter_hit_many(limiter, items, 3, 0, decisions, &error);
        for (int i = 0; i < 3; i++)
            count(decisions[i].status, 1);
    } else {
        assert_int_equal(error.code, KW_NO_MEMORY);
        assert_null(limiter);
    }
    kw_limiter_free(limiter);
    kw_client_free(own);
}

static void each_allocation_fails(void **state) {
    (void)state;
    test_clock_freeze(&server);
    kw_limiter *watcher = gcra("7/h burst 1000");
    hit(watcher, 0);
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
        kw_decision seen = peek(watcher, 1);
        if (!unknown) assert_int_equal(seen.remaining, 1000 - charged);
        every_key_ends();
    }
    kw_limiter_free(watcher);
}

/* All that a limiter can be made of. */
static kw_status open_full(kw_limiter **limiter) {
    static const char limits[] = "1/s; 2/m; 3/h; 4/d; 5/w; 6/month; 7/year; 8 concurrent as slots";
    const kw_limiter_options options = {.size = sizeof options, .block_us = SECOND};
    return kw_limiter_open(client, "full", 4, limits, &options, limiter, &error);
}

static void each_allocation_of_opening_fails(void **state) {
    (void)state;
    kw_limiter *limiter = NULL;
    kw__memory_fail_at(UINT64_MAX, false);
    no_failure(open_full(&limiter));
    uint64_t asked = kw__memory_asked();
    kw__memory_fail_at(0, false);
    kw_limiter_free(limiter);
    assert_true(asked >= 10); /* the limiter, its name, a frame of keys for each limit and for blocks */
    for (uint64_t n = 1; n <= asked; n++) {
        kw__memory_fail_at(n, false);
        kw_status status = open_full(&limiter);
        kw__memory_fail_at(0, false);
        assert_int_equal(status, KW_NO_MEMORY);
        assert_null(limiter);
    }
    no_failure(open_full(&limiter));
    kw_decision decision = hit(limiter, 1);
    assert_int_equal(decision.limits, 8);
    assert_int_equal(hit(limiter, 1).reason, KW_DECIDED_BY_BLOCK);
    assert_string_equal(ask("DBSIZE"), "9");
    every_key_ends();
    kw_limiter_free(limiter);
}

/* What a limiter can keep to itself. */
static kw_status open_local(kw_limiter **limiter) {
    const kw_limiter_options options = {
        .size = sizeof options, .token_lease = 8, .denial_cache = 4, .on_failure = KW_ON_FAILURE_LOCAL};
    return kw_limiter_open(client, "local", 5, "10/s; 1000/h", &options, limiter, &error);
}

static void each_allocation_of_tables_fails(void **state) {
    (void)state;
    kw_limiter *limiter = NULL;
    kw__memory_fail_at(UINT64_MAX, false);
    no_failure(open_local(&limiter));
    uint64_t asked = kw__memory_asked();
    kw__memory_fail_at(0, false);
    kw_limiter_free(limiter);
    assert_true(asked >= 8); /* the limiter, its name, two frames, what it knows by itself and three tables of that */
    for (uint64_t n = 1; n <= asked; n++) {
        kw__memory_fail_at(n, false);
        kw_status status = open_local(&limiter);
        kw__memory_fail_at(0, false);
        assert_int_equal(status, KW_NO_MEMORY);
        assert_null(limiter);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {limiter_test(each_allocation_fails),
                                       limiter_test(each_allocation_of_opening_fails),
                                       limiter_test(each_allocation_of_tables_fails)};
    return test_run(open_server, close_server);
}
