/*
 * The server is killed and started again, three times, under the load of 16 threads and a loop. It keeps its keys in an
 * append-only file. Callers see documented statuses only, what they are told agrees with what was kept, and the client
 * holds no more than before.
 */
#include <dirent.h>

#include "engine/call.h"
#include "faults/faults_test.h"

enum { THREADS = 16, RESTARTS = 3 };

static kw_limiter *limiter;
static atomic_bool over;
static atomic_int unexpected;
static atomic_int_least64_t seen[64]; /* by status */
static atomic_int_least64_t maybe;

static void note(kw_status status, const kw_error *failure) {
    bool documented = status == KW_OK || status == KW_UNKNOWN || status == KW_TIMEOUT || status == KW_CONNECTION ||
                      status == KW_LOADING;
    if (!documented) {
        atomic_fetch_add(&unexpected, 1);
        print_error("%s: %s %s\n", kw_status_name(status), failure->message, failure->server);
        return;
    }
    atomic_fetch_add(&seen[-status], 1);
    if (status == KW_OK) return;
    bool sent = status == KW_UNKNOWN || (status == KW_TIMEOUT && failure->maybe_applied);
    if (status != KW_TIMEOUT && failure->maybe_applied != sent) atomic_fetch_add(&unexpected, 1);
    atomic_fetch_add(&maybe, sent);
}

static void *call_all_the_time(void *unused) {
    while (!atomic_load(&over)) {
        kw_decision decision;
        kw_error failure;
        note(kw_limiter_hit(limiter, "u", 1, 1, 400000, &decision, &failure), &failure);
    }
    return unused;
}

static void *submit_all_the_time(void *unused) {
    enum { AT_ONCE = 32 };
    kw_completions *completions;
    kw_error failure;
    uint64_t tag = 0, out = 0;
    if (kw_completions_open(client, &completions, &failure) != KW_OK) return unused;
    while (!atomic_load(&over) || out > 0) {
        for (; out < AT_ONCE && !atomic_load(&over); out++) {
            kw_status status = kw_limiter_submit_hit(limiter, completions, tag++, "u", 1, 1, 400000, &failure);
            if (status != KW_OK) atomic_fetch_add(&unexpected, 1);
        }
        kw_record records[AT_ONCE];
        if (kw_completions_wait(completions, 2000000, &failure) <= 0) {
            atomic_fetch_add(&unexpected, 1); /* a record that does not come */
            break;
        }
        int64_t count = kw_completions_drain(completions, records, AT_ONCE, sizeof records[0], &failure);
        for (int64_t i = 0; i < count; i++)
            note(records[i].status, records[i].data);
        out -= (uint64_t)count;
    }
    kw_completions_free(completions);
    return unused;
}

static int descriptors(void) {
    int count = 0;
    DIR *directory = opendir("/dev/fd");
    if (directory == NULL) return 0;
    while (readdir(directory) != NULL)
        count++;
    closedir(directory);
    return count;
}

static size_t calls_in_pool(void) {
    size_t count = 0;
    for (const kw__call *call = client->pool; call != NULL; call = call->next)
        count++;
    return count;
}

/* Something to load, so that callers meet a server that is loading. */
static void fill(void) {
    static const char script[] = "for i = 1, 50000 do redis.call('SET', 'filler' .. i, string.rep('x', 100)) end";
    free(test_server_command(&server, "EVAL", script, "0", (char *)NULL));
}

static void everything_goes_on(void **state) {
    (void)state;
    pthread_t threads[THREADS + 1];
    char url[256];
    snprintf(url, sizeof url, "%s?connect_timeout=2s", server.url);
    assert_int_equal(kw_client_open(url, NULL, &client, &error), KW_OK);
    limiter = open_window("api");
    assert_int_equal(hit(limiter, "u", 0), KW_OK);
    atomic_store(&seen[0], 1);
    fill();
    int held = descriptors();
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, call_all_the_time, NULL), 0);
    }
    assert_int_equal(pthread_create(&threads[THREADS], NULL, submit_all_the_time, NULL), 0);
    for (int i = 0; i < RESTARTS; i++) {
        int64_t answered = atomic_load(&seen[0]);
        test_sleep(200000);
        test_server_restart(&server, i * 60000);
        assert_true(atomic_load(&seen[0]) > answered);
    }
    test_sleep(600000); /* the longest pause between attempts is a second */
    int64_t answered = atomic_load(&seen[0]);
    test_sleep(500000);
    assert_true(atomic_load(&seen[0]) > answered + 100);
    atomic_store(&over, true);
    for (int i = 0; i <= THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(hit(limiter, "u", 0), KW_OK);
    atomic_fetch_add(&seen[0], 1);
    print_message("%lld OK, %lld UNKNOWN, %lld TIMEOUT, %lld CONNECTION, %lld LOADING\n",
                  (long long)atomic_load(&seen[0]), (long long)atomic_load(&seen[-KW_UNKNOWN]),
                  (long long)atomic_load(&seen[-KW_TIMEOUT]), (long long)atomic_load(&seen[-KW_CONNECTION]),
                  (long long)atomic_load(&seen[-KW_LOADING]));
    assert_int_equal(atomic_load(&unexpected), 0);
    assert_in_range(charged("api", "u"), atomic_load(&seen[0]), atomic_load(&seen[0]) + atomic_load(&maybe));
    assert_true(atomic_load(&seen[-KW_UNKNOWN]) > 0);
    assert_true(atomic_load(&seen[-KW_LOADING]) > 0);
    assert_int_equal(descriptors(), held);
    /* Whoever gave up left a call in its place, and may have begun another before its reply came. */
    assert_in_range(calls_in_pool(), 1, 2 * (THREADS + 32) + (size_t)atomic_load(&seen[-KW_TIMEOUT]));
    assert_int_equal(stats().in_flight, 0);
    kw_limiter_free(limiter);
    kw_client_free(client);
}

static int start(void **state) {
    (void)state;
    /* Without fsync each command is written before it is answered; with one a second that may wait for two. */
    static const char *const arguments[] = {
        "--appendonly", "yes", "--appendfsync", "no", "--loading-process-events-interval-bytes", "1024", NULL};
    test_server_start(&server, arguments);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(everything_goes_on)};
    return test_run(start, stop_server);
}
