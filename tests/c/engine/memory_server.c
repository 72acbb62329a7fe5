/*
 * Each allocation fails once in the life of a client of a real server: submitted calls, a link that is lost and made
 * anew, a duty, a subscription, a cache. What callers are told stays true, and once there is memory again everything
 * that goes on behind their backs goes on.
 */
#include <dirent.h>

#include "base/memory.h"
#include "faults/faults_test.h"

enum { CALLS = 6 };

static int64_t ok, maybe;

static void note(kw_status status, const kw_error *failure) {
    bool expected = status == KW_OK || status == KW_NO_MEMORY || status == KW_CONNECTION || status == KW_UNKNOWN ||
                    status == KW_CANCELLED || status == KW_TIMEOUT;
    if (!expected) fail_msg("%s: %s", kw_status_name(status), failure->message);
    ok += status == KW_OK;
    maybe += status < 0 && failure->maybe_applied;
}

static void take_records(kw_completions *completions, int count) {
    int64_t until = test_now() + 5000000;
    while (count > 0) {
        kw_record records[CALLS];
        assert_true(test_now() < until); /* each has its record, memory or not */
        if (kw_completions_wait(completions, 100000, &error) <= 0) continue;
        int64_t taken = kw_completions_drain(completions, records, CALLS, sizeof records[0], &error);
        for (int64_t i = 0; i < taken; i++)
            note(records[i].status, records[i].data);
        count -= (int)taken;
    }
}

/* Submits hits, and cancels one; the answers. */
static void submit(kw_limiter *limiter, kw_completions *completions) {
    int out = 0;
    for (uint64_t tag = 0; tag < CALLS; tag++) {
        kw_status status = kw_limiter_submit_hit(limiter, completions, tag, "u", 1, 1, 0, &error);
        if (status == KW_OK)
            out++;
        else
            assert_int_equal(status, KW_NO_MEMORY);
    }
    kw_completions_step(completions, &error);
    kw_completions_cancel(completions, 2, &error);
    take_records(completions, out);
}

static void kill_links(void) {
    free(test_server_command(&server, "CLIENT", "KILL", "TYPE", "normal", (char *)NULL));
    free(test_server_command(&server, "CLIENT", "KILL", "TYPE", "pubsub", (char *)NULL));
    test_sleep(2000);
}

static void publish(void) {
    free(test_server_command(&server, "PUBLISH", "channel", "hello", (char *)NULL));
}

/* What goes on behind the back */

static bool beats(void *beat) {
    kw_duty duty;
    return kw_beat_state(beat, &duty, &error) == KW_OK && duty.runs > 0 && duty.failed_in_a_row == 0;
}

static bool hears(void *listener) {
    kw_listener_heard heard;
    publish();
    return kw_listener_state(listener, &heard, &error) == KW_OK && heard.messages > 0;
}

static bool is_told(void *shelf) {
    kw_shelf_state state;
    free(test_server_command(&server, "SET", "kw:shelf", "1", (char *)NULL));
    return kw_shelf_read(shelf, &state, &error) == KW_OK && state.live && state.keys > 0;
}

static bool answers(void *limiter) {
    kw_decision decision;
    kw_error failure;
    kw_status status = kw_limiter_hit(limiter, "u", 1, 1, 0, &decision, &failure);
    note(status, &failure);
    return status == KW_OK;
}

struct life {
    kw_limiter *limiter;
    kw_completions *completions;
    kw_beat *beat;
    kw_listener *listener;
    kw_shelf *shelf;
};

static void begin(struct life *life) {
    kw_listener_heard heard;
    kw_limiter_options options = {.size = sizeof options, .algorithm = KW_ALGORITHM_FIXED_WINDOW};
    kw_limiter_open(client, "api", 3, "1000000000/d", &options, &life->limiter, &error);
    kw_completions_open(client, &life->completions, &error);
    kw_beat_open(client, 2000, &life->beat, &error);
    kw_listener_open(client, "channel", 7, &life->listener, &error);
    kw_shelf_open(client, "kw:", 3, &life->shelf, &error);
    if (life->listener != NULL) kw_listener_state(life->listener, &heard, &error);
}

static void use(struct life *life) {
    if (life->limiter != NULL) answers(life->limiter);
    if (life->limiter != NULL && life->completions != NULL) submit(life->limiter, life->completions);
    kill_links();
    if (life->limiter != NULL) answers(life->limiter);
    if (life->limiter != NULL && life->completions != NULL) submit(life->limiter, life->completions);
    publish();
}

/* There is memory again: all that was made works. */
static void recover(struct life *life) {
    if (life->limiter != NULL) assert_true(test_until(answers, life->limiter));
    if (life->limiter != NULL && life->completions != NULL) submit(life->limiter, life->completions);
    if (life->beat != NULL) assert_true(test_until(beats, life->beat));
    if (life->listener != NULL) assert_true(test_until(hears, life->listener));
    if (life->shelf != NULL) assert_true(test_until(is_told, life->shelf));
}

static void end(struct life *life) {
    kw_shelf_free(life->shelf);
    kw_listener_free(life->listener);
    kw_beat_free(life->beat);
    kw_completions_free(life->completions);
    kw_limiter_free(life->limiter);
    kw_client_free(client);
}

static int descriptors(void) {
    int count = 0;
    DIR *directory = opendir("/dev/fd");
    while (directory != NULL && readdir(directory) != NULL)
        count++;
    if (directory != NULL) closedir(directory);
    return count;
}

static char url[160];

/* One life, with the n-th allocation or all from there on failing. */
static void live(uint64_t n, bool forever) {
    struct life life = {0};
    int before = descriptors();
    test_server_expect(&server, "OK", "FLUSHALL");
    ok = maybe = 0;
    kw__memory_fail_at(n, forever);
    client = NULL;
    if (kw_client_open(url, NULL, &client, &error) == KW_OK) {
        begin(&life);
        use(&life);
        kw__memory_fail_at(0, false);
        recover(&life);
        kw__memory_fail_at(1, true); /* the end needs none */
        end(&life);
    }
    kw__memory_fail_at(0, false);
    assert_int_equal(descriptors(), before);
    assert_in_range(charged("api", "u"), ok, ok + maybe);
}

static void each_allocation_fails(const char *query) {
    snprintf(url, sizeof url, "%s?timeout=150ms&connect_timeout=150ms%s", server.url, query);
    kw__memory_fail_at(UINT64_MAX, false);
    struct life life = {0};
    assert_int_equal(kw_client_open(url, NULL, &client, &error), KW_OK);
    begin(&life);
    use(&life);
    recover(&life);
    uint64_t count = kw__memory_asked();
    kw__memory_fail_at(0, false);
    end(&life);
    print_message("%d allocations\n", (int)count);
    assert_in_range(count, 40, 2000);
    for (uint64_t n = 1; n <= count; n++)
        live(n, false);
    for (uint64_t n = 1; n <= count; n += count / 12)
        live(n, true);
}

static void in_resp3(void **state) {
    (void)state;
    each_allocation_fails("");
}

static void in_resp2(void **state) {
    (void)state;
    each_allocation_fails("&protocol=2");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(in_resp3), cmocka_unit_test(in_resp2)};
    return test_run(start_server, stop_server);
}
