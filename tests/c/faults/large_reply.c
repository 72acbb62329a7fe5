/*
 * A reply larger than the bound of 64 MiB ends the link on which it comes, and nothing more: the caller is told, the
 * memory goes back, and the next call has a link again.
 */
#include <sys/resource.h>

#include "faults/faults_test.h"
#include "redis/reader.h"

enum { MIB = 1 << 20 };

static kw_limiter *limiter;

/* Under GCRA a look gives back the whole value of the key. */
static void put_value(size_t bytes) {
    char offset[32];
    snprintf(offset, sizeof offset, "%zu", bytes - 1);
    free(test_server_command(&server, "SETRANGE", "kw:limiter:{api:u}:tat:60000000", offset, "x", (char *)NULL));
}

/* A hit that costs nothing only looks, and is not asked again. */
static kw_status look(void) {
    kw_decision decision;
    return kw_limiter_hit(limiter, "u", 1, 0, 20000000, &decision, &error);
}

static int open_all(void **state) {
    (void)state;
    char url[256];
    test_server_expect(&server, "OK", "FLUSHALL");
    snprintf(url, sizeof url, "%s?timeout=20s", server.url);
    assert_int_equal(kw_client_open(url, NULL, &client, &error), KW_OK);
    assert_int_equal(kw_limiter_open(client, "api", 3, "10/m", NULL, &limiter, &error), KW_OK);
    assert_int_equal(look(), KW_OK);
    return 0;
}

static int close_all(void **state) {
    (void)state;
    kw_limiter_free(limiter);
    kw_client_free(client);
    return 0;
}

#define large_test(name) cmocka_unit_test_setup_teardown(name, open_all, close_all)

/* Others share the link. What they are told is true. */
static atomic_bool over;
static atomic_int unexpected, ok, maybe;

static void *hit_all_the_time(void *window) {
    while (!atomic_load(&over)) {
        kw_decision decision;
        kw_error failure;
        kw_status status = kw_limiter_hit(window, "v", 1, 1, 0, &decision, &failure);
        if (status == KW_OK)
            atomic_fetch_add(&ok, 1);
        else if (status == KW_UNKNOWN && failure.maybe_applied)
            atomic_fetch_add(&maybe, 1);
        else
            atomic_fetch_add(&unexpected, 1);
    }
    return NULL;
}

static void beyond_the_bound(void **state) {
    (void)state;
    enum { THREADS = 4 };
    pthread_t threads[THREADS];
    kw_limiter *window = open_window("api");
    put_value(KW__READER_MAX_BYTES + 1024);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, hit_all_the_time, window), 0);
    }
    test_sleep(50000);
    assert_int_equal(look(), KW_UNKNOWN);
    assert_non_null(strstr(error.message, "bounds"));
    test_sleep(50000);
    atomic_store(&over, true);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&unexpected), 0);
    assert_true(atomic_load(&ok) > 0);
    assert_in_range(charged("api", "v"), atomic_load(&ok), atomic_load(&ok) + atomic_load(&maybe));
    kw_limiter_free(window);
    free(test_server_command(&server, "DEL", "kw:limiter:{api:u}:tat:60000000", (char *)NULL));
    assert_int_equal(look(), KW_OK);
}

/* A question whose answer is too large is not asked again: the answer would be no smaller. */
static void beyond_the_bound_of_a_question(void **state) {
    (void)state;
    kw_decision decision;
    put_value(KW__READER_MAX_BYTES + 1024);
    int64_t asked = runs_of("evalsha") + runs_of("eval"), retries = stats().retries;
    assert_int_equal(kw_limiter_peek(limiter, "u", 1, 1, 0, &decision, &error), KW_PROTOCOL);
    assert_int_equal(error.reason, KW_REASON_REPLY_SIZE);
    assert_int_equal(error.retryable, 0);
    assert_int_equal(error.maybe_applied, 0);
    assert_non_null(strstr(error.message, "ask for less"));
    assert_in_range(stats().retries - retries, 0, 1); /* a script that the server had to be told */
    assert_in_range(runs_of("evalsha") + runs_of("eval") - asked, 1, 2);
    free(test_server_command(&server, "DEL", "kw:limiter:{api:u}:tat:60000000", (char *)NULL));
    assert_int_equal(kw_limiter_peek(limiter, "u", 1, 1, 0, &decision, &error), KW_OK);
}

/* A reply and its copy, however often one comes; a sanitizer keeps some more for a while. */
static void what_it_costs(void **state) {
    (void)state;
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
#if defined(__APPLE__)
    long most = usage.ru_maxrss / MIB;
#else
    long most = usage.ru_maxrss / 1024;
#endif
    print_message("%ld MiB at most\n", most);
    assert_in_range(most, 1, 600);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        large_test(beyond_the_bound),
        large_test(beyond_the_bound_of_a_question),
        cmocka_unit_test(what_it_costs),
    };
    return test_run(start_server, stop_server);
}
