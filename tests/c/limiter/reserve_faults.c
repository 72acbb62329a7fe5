/* Reservations of which no answer came, or a wrong one, or arguments that cannot be. */
#include "base/memory.h"
#include "limiter/reserve_test.h"
#include "primitives/limiter.h"
#include "primitives/limiter_rows.h"
#include "support/proxy.h"
#include "support/refusal.h"

static struct test_proxy proxy;

static kw_stats stats_of(kw_client *of) {
    kw_stats now;
    assert_int_equal(kw_client_stats(of, &now, &error), KW_OK);
    return now;
}

/* The link is cut at every third byte of the reply: each call finds what it did, and has done it once. */
static void what_is_lost_is_asked_again_and_done_once(void **state) {
    (void)state;
    kw_client *behind = NULL;
    kw_limiter *limiter = NULL, *watcher = reserving(KW_ALGORITHM_FIXED_WINDOW, "1000000/d");
    kw_limiter_options options = {.size = sizeof options, .algorithm = KW_ALGORITHM_FIXED_WINDOW, .reservations = 1};
    kw_decision decision;
    test_proxy_start(&proxy, server.socket);
    assert_int_equal(kw_client_open(proxy.url, NULL, &behind, &error), KW_OK);
    assert_int_equal(kw_limiter_open(behind, "api", 3, "1000000/d", &options, &limiter, &error), KW_OK);
    assert_int_equal(kw_limiter_reserve(limiter, "u", 1, 1, "warm", 4, MINUTE, 0, &decision, &error), KW_OK);
    int64_t used = 1;
    for (int64_t bytes = 0; bytes < 60; bytes += 3) {
        char id[16];
        snprintf(id, sizeof id, "%d", (int)bytes);
        test_proxy_cut_after(&proxy, bytes);
        no_failure(kw_limiter_reserve(limiter, "u", 1, 100, id, strlen(id), MINUTE, 0, &decision, &error));
        assert_int_equal(decision.count, 100);
        assert_int_equal(1000000 - peek(watcher, 0).remaining, used + 100);
        test_proxy_cut_after(&proxy, bytes);
        no_failure(kw_limiter_commit(limiter, "u", 1, id, strlen(id), 30, 0, &decision, &error));
        assert_int_equal(decision.count, 30);
        used += 30;
        assert_int_equal(1000000 - peek(watcher, 0).remaining, used);
        char other[18] = "x";
        strcat(other, id);
        test_proxy_cut(&proxy);
        no_failure(kw_limiter_reserve(limiter, "u", 1, 50, other, strlen(other), MINUTE, 0, &decision, &error));
        test_proxy_cut_after(&proxy, bytes);
        no_failure(kw_limiter_cancel(limiter, "u", 1, other, strlen(other), 0, &decision, &error));
        assert_int_equal(1000000 - peek(watcher, 0).remaining, used);
    }
    assert_true(stats_of(behind).retries > 20);
    kw_limiter_free(limiter);
    kw_limiter_free(watcher);
    kw_client_free(behind);
    test_proxy_stop(&proxy);
}

static void scripts_that_were_flushed_are_sent_again(void **state) {
    (void)state;
    kw_limiter *limiter = reserving(KW_ALGORITHM_GCRA, "100/h");
    for (int i = 0; i < 3; i++) {
        char id[2] = {(char)('a' + i), '\0'};
        ask("SCRIPT", "FLUSH");
        assert_int_equal(reserve(limiter, id, 20, MINUTE).status, KW_OK);
        ask("SCRIPT", "FLUSH");
        assert_int_equal(commit(limiter, id, 10).status, KW_OK);
        ask("SCRIPT", "FLUSH");
        assert_int_equal(hit(limiter, 1).remaining, 100 - 11 * (i + 1));
    }
    kw_limiter_free(limiter);
}

/* A server out of memory reserves nothing, and takes back what it has. */
static void a_full_server_takes_back(void **state) {
    (void)state;
    kw_limiter *limiter = reserving(KW_ALGORITHM_GCRA, "100/h");
    kw_decision decision;
    reserve(limiter, "a", 60, MINUTE);
    ask("CONFIG", "SET", "maxmemory", "1");
    assert_int_equal(kw_limiter_reserve(limiter, "u", 1, 1, "b", 1, MINUTE, 0, &decision, &error), KW_SERVER_MEMORY);
    assert_int_equal(commit(limiter, "a", 10).status, KW_OK);
    ask("CONFIG", "SET", "maxmemory", "0");
    assert_int_equal(room(limiter), 90);
    kw_limiter_free(limiter);
}

static void arguments_that_cannot_be(void **state) {
    (void)state;
    kw_limiter *limiter = reserving(KW_ALGORITHM_GCRA, "10/s"), *plain = gcra("10/s");
    kw_decision decision;
    char id[KW_MAX_NAME + 1];
    memset(id, 'i', sizeof id);
    kw_decision good = reserve(limiter, "a", 1, MINUTE);
    int64_t sent = bytes_sent();
#define RESERVE(limiter, cost, id, length, lease)                                                                      \
    kw_limiter_reserve((limiter), "u", 1, (cost), (id), (length), (lease), 0, &decision, &error)
    INVALID(RESERVE(NULL, 1, "a", 1, SECOND), KW_REASON_NULL_HANDLE, "limiter");
    INVALID(RESERVE(limiter, 0, "a", 1, SECOND), KW_REASON_RANGE, "cost");
    INVALID(RESERVE(limiter, INT64_C(1) << 52, "a", 1, SECOND), KW_REASON_RANGE, "cost");
    INVALID(RESERVE(limiter, 1, "", 0, SECOND), KW_REASON_NAME_LENGTH, "id");
    INVALID(RESERVE(limiter, 1, id, sizeof id, SECOND), KW_REASON_NAME_LENGTH, "255");
    INVALID(RESERVE(limiter, 1, "a", 1, 999), KW_REASON_RANGE, "1 ms and a day");
    INVALID(RESERVE(limiter, 1, "a", 1, DAY + 1), KW_REASON_RANGE, "1 ms and a day");
    INVALID(RESERVE(limiter, 1, "a", 1, -1), KW_REASON_RANGE, "lease_us");
    INVALID(RESERVE(plain, 1, "a", 1, SECOND), KW_REASON_OPTION, "options.reservations");
    INVALID(kw_limiter_commit(plain, "u", 1, "a", 1, 1, 0, &decision, &error), KW_REASON_OPTION, "reservations");
    INVALID(kw_limiter_cancel(plain, "u", 1, "a", 1, 0, &decision, &error), KW_REASON_OPTION, "reservations");
    INVALID(kw_limiter_commit(limiter, "u", 1, "a", 1, -1, 0, &decision, &error), KW_REASON_RANGE, "actual");
    INVALID(kw_limiter_cancel(limiter, "u", 1, NULL, 1, 0, &decision, &error), KW_REASON_NULL_ARGUMENT, "id");
    INVALID(kw_limiter_refund(limiter, "u", 1, &good, 1, 0, &error), KW_REASON_DECISION, "cancel that");
    assert_int_equal(bytes_sent(), sent);
    kw_limiter_free(limiter);
    kw_limiter_free(plain);
}

static kw_status decoded(kw_limiter *limiter, int which, const char *text) {
    char *copy = malloc(strlen(text) + 1);
    size_t length = strlen(text);
    assert_non_null(copy);
    memcpy(copy, text, length + 1);
    char *exact = realloc(copy, length > 0 ? length : 1); /* so that a sanitizer sees reading beyond it */
    const kw__reply reply = {.kind = KW__REPLY_STRING, .bytes = kw__bytes_of(exact, length)};
    const kw__limiter_reserve_args reserving_args = {.key = kw__bytes_text("u"), .cost = 1};
    const kw__limiter_commit_args commit_args = {.key = kw__bytes_text("u"), .actual = 1};
    const kw__step step = {.object = &limiter->object,
                           .args = which == 0 ? (const void *)&reserving_args : (const void *)&commit_args};
    kw_decision decision = {0};
    kw_status status = which == 0 ? kw__limiter_reserve_decode(&step, &reply, &decision, &error)
                                  : kw__limiter_commit_decode(&step, &reply, &decision, &error);
    if (status >= KW_OK) {
        assert_int_equal(decision.status, status);
        assert_in_range(decision.remaining, 0, decision.limit);
    }
    free(exact);
    return status;
}

static void replies_of_no_redis(void **state) {
    (void)state;
    kw_limiter *limiter = reserving(KW_ALGORITHM_GCRA, "7/s");
#define STATE " 1767225600 5 1767225600142862001"
#define FULL " 1767225600 5 1767225601000005000"
    assert_int_equal(decoded(limiter, 0, "1 1" STATE), KW_OK);
    assert_int_equal(decoded(limiter, 0, "0 0" FULL), KW_DENIED);
    assert_int_equal(decoded(limiter, 0, "3 0" STATE), KW_CONFLICT);
    assert_int_equal(decoded(limiter, 0, "4 0" STATE), KW_GONE);
    assert_int_equal(decoded(limiter, 0, "5 0" STATE), KW_EXHAUSTED);
    assert_int_equal(decoded(limiter, 0, "6 0 1767225600 5 none"), KW_OK);
    assert_int_equal(decoded(limiter, 1, "1 0" STATE), KW_OK);
    assert_int_equal(decoded(limiter, 1, "2 0 1767225600 5 none"), KW_NOT_FOUND);
    assert_int_equal(decoded(limiter, 1, "3 0" STATE), KW_CONFLICT);
    static const char *const broken[] = {
        "",          "1",         "1 ",        "7 0" STATE, "6 1" STATE,  "x 0" STATE, "-1 0" STATE,       "10" STATE,
        "2 1" STATE, "3 1" STATE, "0 1" STATE, "1 2" STATE, "1  1" STATE, "0 0" STATE, "1 0 1767225600 5", "5 1" STATE};
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        print_message("  \"%s\"\n", broken[i]);
        assert_int_equal(decoded(limiter, 0, broken[i]), KW_PROTOCOL);
        if (strcmp(broken[i], "0 0" STATE) != 0) assert_int_equal(decoded(limiter, 1, broken[i]), KW_PROTOCOL);
    }
    assert_int_equal(decoded(limiter, 1, "0 0" STATE), KW_PROTOCOL);
    assert_int_equal(decoded(limiter, 1, "4 0" STATE), KW_PROTOCOL);
    assert_int_equal(decoded(limiter, 0, "2 0" FULL), KW_PROTOCOL);
    assert_int_equal(decoded(limiter, 0, "1 1 1767225600 5 hello"), KW_WRONG_TYPE);
    const kw__reply nil = {.kind = KW__REPLY_NIL};
    const kw__limiter_reserve_args args = {.key = kw__bytes_text("u"), .cost = 1};
    const kw__step step = {.object = &limiter->object, .args = &args};
    kw_decision decision;
    assert_int_equal(kw__limiter_reserve_decode(&step, &nil, &decision, &error), KW_PROTOCOL);
    kw_limiter_free(limiter);
}

/* ---- allocations ---- */

static int64_t used;
static bool unknown;

static bool done(kw_status status, int64_t by) {
    if (status == KW_OK) used += by;
    if (status == KW_UNKNOWN) unknown = true;
    assert_true(status == KW_OK || status == KW_UNKNOWN || status == KW_NO_MEMORY || status == KW_CONNECTION ||
                (unknown && status == KW_NOT_FOUND));
    return status == KW_OK;
}

static void live(void) {
    kw_client *own = NULL;
    kw_limiter *limiter = NULL;
    kw_decision decision;
    kw_limiter_options options = {.size = sizeof options, .reservations = 1};
    if (kw_client_open(server.url, NULL, &own, &error) == KW_OK &&
        kw_limiter_open(own, "api", 3, "7/d burst 1000", &options, &limiter, &error) == KW_OK) {
        done(kw_limiter_hit(limiter, "u", 1, 50, 0, &decision, &error), 50);
        if (done(kw_limiter_reserve(limiter, "u", 1, 100, "a", 1, MINUTE, 0, &decision, &error), 100)) {
            done(kw_limiter_commit(limiter, "u", 1, "a", 1, 30, 0, &decision, &error), -70);
        }
        if (done(kw_limiter_reserve(limiter, "u", 1, 100, "b", 1, MINUTE, 0, &decision, &error), 100)) {
            done(kw_limiter_cancel(limiter, "u", 1, "b", 1, 0, &decision, &error), -100);
        }
    } else {
        assert_int_equal(error.code, KW_NO_MEMORY);
        assert_null(limiter);
    }
    kw_limiter_free(limiter);
    kw_client_free(own);
}

static void each_allocation_fails(void **state) {
    (void)state;
    kw_limiter *watcher = reserving(KW_ALGORITHM_GCRA, "7/d burst 1000");
    peek(watcher, 1);
    kw__memory_fail_at(UINT64_MAX, false);
    live();
    uint64_t asked = kw__memory_asked();
    assert_true(asked > 10);
    for (uint64_t n = 1; n <= asked; n++) {
        kw__memory_fail_at(0, false);
        ask("FLUSHALL");
        used = 0;
        unknown = false;
        kw__memory_fail_at(n, false);
        live();
        kw__memory_fail_at(0, false);
        if (!unknown) assert_int_equal(peek(watcher, 0).remaining, 1000 - used);
        every_key_ends();
    }
    kw_limiter_free(watcher);
}

/* ---- the clock ---- */

/* A clock that steps back gives nothing, and keeps a reservation for a day at most. */
static void a_clock_that_steps_back(void **state) {
    (void)state;
    kw_limiter *limiter = reserving(KW_ALGORITHM_GCRA, "100/w");
    test_clock_set(&server, YEAR_2100);
    reserve(limiter, "a", 60, MINUTE);
    reserve(limiter, "b", 40, MINUTE);
    test_clock_set(&server, YEAR_2026);
    assert_int_equal(hit(limiter, 1).status, KW_DENIED);
    assert_int_equal(commit(limiter, "b", 40).status, KW_OK); /* it is still the caller's */
    test_clock_advance(&server, DAY - 1);
    assert_int_equal(cancel(limiter, "nobody").status, KW_NOT_FOUND);
    assert_string_equal(ask("ZCARD", RESERVATIONS ":open"), "1");
    test_clock_advance(&server, 1);
    assert_int_equal(commit(limiter, "a", 60).status, KW_NOT_FOUND);
    every_key_ends();
    kw_limiter_free(limiter);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        limiter_test(what_is_lost_is_asked_again_and_done_once),
        limiter_test(scripts_that_were_flushed_are_sent_again),
        limiter_test(a_full_server_takes_back),
        limiter_test(arguments_that_cannot_be),
        limiter_test(replies_of_no_redis),
        limiter_test(each_allocation_fails),
        limiter_test(a_clock_that_steps_back),
    };
    return test_run(open_server, close_server);
}
