/*
 * A denial and what makes room, passing each other: whichever is sent first and answered last, no denial of the time
 * before is remembered after. Completions have a link of their own, so what they sent stays unread until they step.
 */
#include "limiter/limiter_test.h"

static kw_completions *completions;
static kw_limiter *limiter;
static kw_decision charged;

/* What makes room for one more, by completions or blocking. */
typedef struct way {
    const char *limit;
    kw_limiter_options options;
    void (*take)(void);
    void (*submit)(uint64_t tag);
} way;

static void take_all(void) {
    charged = hit(limiter, 2);
}

static void reserve_all(void) {
    no_failure(kw_limiter_reserve(limiter, "u", 1, 2, "a", 1, MINUTE, 0, &charged, &error));
}

static void submit_refund(uint64_t tag) {
    no_failure(kw_limiter_submit_refund(limiter, completions, tag, "u", 1, &charged, 2, 0, &error));
}

static void submit_reset(uint64_t tag) {
    no_failure(kw_limiter_submit_reset(limiter, completions, tag, "u", 1, 0, &error));
}

static void submit_release(uint64_t tag) {
    no_failure(kw_limiter_submit_release(limiter, completions, tag, "u", 1, &charged, 0, &error));
}

static void submit_commit(uint64_t tag) {
    no_failure(kw_limiter_submit_commit(limiter, completions, tag, "u", 1, "a", 1, 0, 0, &error));
}

static void submit_cancel(uint64_t tag) {
    no_failure(kw_limiter_submit_cancel(limiter, completions, tag, "u", 1, "a", 1, 0, &error));
}

static const way ways[] = {
    {"2/h", {.denial_cache = 4}, take_all, submit_refund},
    {"2/h", {.denial_cache = 4}, take_all, submit_reset},
    {"2 concurrent", {.denial_cache = 4}, take_all, submit_release},
    {"2/h", {.denial_cache = 4, .reservations = 1}, reserve_all, submit_commit},
    {"2/h", {.denial_cache = 4, .reservations = 1}, reserve_all, submit_cancel},
};

static void drain(void) {
    kw_record record;
    while (kw_completions_drain(completions, &record, 1, sizeof record, &error) > 0)
        no_failure(record.status);
}

static void answer_all(void) {
    assert_true(kw_completions_wait(completions, 5 * SECOND, &error) >= 1);
    drain();
}

/* Completions whose link is up, and a limiter of which nothing is left. */
static void begin(void **state, const way *which) {
    clean(state);
    limiter = open_limiter("api", which->limit, which->options);
    no_failure(kw_completions_open(client, &completions, &error));
    no_failure(kw_limiter_submit_hit(limiter, completions, 9, "u", 1, 0, 0, &error));
    answer_all();
    which->take();
}

static void end(void) {
    kw_completions_free(completions);
    kw_limiter_free(limiter);
}

/* How many scripts the server has run. */
static long long scripts(void) {
    const char *at = strstr(ask("INFO", "commandstats"), "cmdstat_evalsha:calls=");
    return at == NULL ? 0 : number(strchr(at, '=') + 1);
}

static bool has_run(void *count) {
    return scripts() >= *(long long *)count;
}

static void a_denial_that_was_sent_before_is_not_remembered_after(void **state) {
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        begin(state, &ways[i]);
        long long seen = scripts() + 1;
        kw_completions *first = completions, *second;
        no_failure(kw_limiter_submit_hit(limiter, completions, 1, "u", 1, 1, 0, &error));
        kw_completions_step(completions, &error); /* sent; its answer waits to be read */
        assert_true(test_until(has_run, &seen));
        no_failure(kw_completions_open(client, &second, &error));
        completions = second;
        ways[i].submit(2);
        answer_all();
        kw_completions_free(second);
        completions = first;
        answer_all(); /* the denial */
        kw_decision decision = hit(limiter, 1);
        assert_int_equal(decision.reason, KW_DECIDED_BY_SERVER);
        assert_int_equal(decision.status, KW_OK);
        end();
    }
}

static void a_denial_that_came_while_it_was_on_its_way_is_forgotten(void **state) {
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        begin(state, &ways[i]);
        ways[i].submit(1); /* not sent before the completions step */
        assert_int_equal(hit(limiter, 1).status, KW_DENIED);
        assert_int_equal(hit(limiter, 1).reason, KW_DECIDED_BY_DENIAL_CACHE);
        answer_all();
        kw_decision decision = hit(limiter, 1);
        assert_int_equal(decision.reason, KW_DECIDED_BY_SERVER);
        assert_int_equal(decision.status, KW_OK);
        end();
    }
}

/* What a wait that ends early has booked goes back as a refund does. */
static void a_wait_that_is_cancelled_forgets_too(void **state) {
    clean(state);
    test_clock_set(&server, YEAR_2026);
    limiter = open_limiter("api", "1/m", (kw_limiter_options){.denial_cache = 4, .denial_ttl_us = MINUTE});
    no_failure(kw_completions_open(client, &completions, &error));
    hit(limiter, 1);
    no_failure(kw_limiter_submit_wait(limiter, completions, 1, "u", 1, 1, MINUTE, 0, &error));
    for (int i = 0; i < 1000 && peek(limiter, 1).reset_after_us != 2 * MINUTE; i++)
        kw_completions_step(completions, &error);
    assert_int_equal(hit(limiter, 1).retry_after_us, 2 * MINUTE);
    assert_int_equal(hit(limiter, 1).reason, KW_DECIDED_BY_DENIAL_CACHE);
    no_failure(kw_completions_cancel(completions, 1, &error));
    for (int i = 0; i < 1000 && peek(limiter, 1).reset_after_us != MINUTE; i++)
        kw_completions_step(completions, &error);
    kw_completions_step(completions, &error);
    kw_decision decision = hit(limiter, 1);
    assert_int_equal(decision.reason, KW_DECIDED_BY_SERVER);
    assert_in_range(decision.retry_after_us, 1, MINUTE);
    end();
}

/* Keys that share a place do not forget each other's denials, but for those under way. */
static void another_key_keeps_its_denial(void **state) {
    clean(state);
    limiter = open_limiter("api", "1/h", (kw_limiter_options){.denial_cache = 4});
    kw_decision decision;
    const char *const keys[] = {"u", "v"};
    for (int i = 0; i < 2; i++) {
        no_failure(kw_limiter_hit(limiter, keys[i], 1, 1, 0, &decision, &error));
        no_failure(kw_limiter_hit(limiter, keys[i], 1, 1, 0, &decision, &error));
    }
    no_failure(kw_limiter_reset(limiter, "u", 1, 0, &error));
    no_failure(kw_limiter_hit(limiter, "v", 1, 1, 0, &decision, &error));
    assert_int_equal(decision.reason, KW_DECIDED_BY_DENIAL_CACHE);
    kw_limiter_free(limiter);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        limiter_test(a_denial_that_was_sent_before_is_not_remembered_after),
        limiter_test(a_denial_that_came_while_it_was_on_its_way_is_forgotten),
        limiter_test(a_wait_that_is_cancelled_forgets_too),
        limiter_test(another_key_keeps_its_denial),
    };
    return test_run(open_server, close_server);
}
