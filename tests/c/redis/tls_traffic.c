/* Commands and replies over TLS: many threads, loops, large ones, keys that change, connections that end. */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "keywright.h"
#include "redis/command.h"
#include "redis/link.h"
#include "support/server.h"
#include "support/test.h"
#include "support/tls_peer.h"
#include "support/wait.h"

static struct test_server server;
static struct test_certificate ca, good;
static struct test_tls_peer peer;
static kw_error error;

static int start(void **state) {
    (void)state;
    test_server_start(&server, NULL);
    test_certificate_make(&ca, server.directory, "ca", NULL, (struct test_certificate_wish){.is_authority = true});
    test_certificate_make(&good, server.directory, "good", &ca,
                          (struct test_certificate_wish){.names = "IP:127.0.0.1"});
    return 0;
}

static int stop(void **state) {
    (void)state;
    test_certificate_free(&ca);
    test_certificate_free(&good);
    test_server_stop(&server);
    return 0;
}

static void start_peer(struct test_tls_manner manner) {
    test_tls_peer_start(&peer, server.socket, &good, manner);
}

static const char *url_of_peer(const char *more) {
    static char url[256];
    snprintf(url, sizeof url, "rediss://127.0.0.1:%d?ca=%s%s", peer.port, ca.file, more);
    return url;
}

static kw_client *open_client(const char *more) {
    kw_client *client;
    assert_int_equal(kw_client_open(url_of_peer(more), NULL, &client, &error), KW_OK);
    return client;
}

/* Threads */

static kw_limiter *shared;
static atomic_int allowed, denied, failed;

static void *hit_often(void *argument) {
    (void)argument;
    for (int i = 0; i < 200; i++) {
        kw_decision decision;
        kw_status status = kw_limiter_hit(shared, "k", 1, 1, 0, &decision, NULL);
        atomic_fetch_add(status == KW_OK ? &allowed : status == KW_DENIED ? &denied : &failed, 1);
    }
    return NULL;
}

static void hit_from_sixteen_threads(struct test_tls_manner manner, const char *name) {
    pthread_t threads[16];
    start_peer(manner);
    kw_client *client = open_client("");
    atomic_store(&allowed, 0);
    atomic_store(&denied, 0);
    atomic_store(&failed, 0);
    assert_int_equal(kw_limiter_open(client, name, strlen(name), "1000/d", NULL, &shared, &error), KW_OK);
    for (int i = 0; i < 16; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hit_often, NULL), 0);
    for (int i = 0; i < 16; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&failed), 0);
    assert_int_equal(atomic_load(&allowed), 1000);
    assert_int_equal(atomic_load(&denied), 2200);
    assert_int_equal(atomic_load(&peer.connections), 1);
    kw_limiter_free(shared);
    kw_client_free(client);
    test_tls_peer_stop(&peer);
}

static void hits_from_sixteen_threads(void **state) {
    (void)state;
    hit_from_sixteen_threads((struct test_tls_manner){0}, "threads");
    hit_from_sixteen_threads((struct test_tls_manner){.newest = TLS1_2_VERSION}, "threads-1.2");
}

/* Each of the server's words comes under new keys, and makes us answer with ours while another thread may be sending.
 */
static void keys_that_change_all_the_time(void **state) {
    (void)state;
    hit_from_sixteen_threads((struct test_tls_manner){.renews_keys = true}, "keys");
}

/* Loops */

static void hits_by_completions(void **state) {
    (void)state;
    enum { CALLS = 5000 };
    static unsigned char seen[CALLS];
    kw_completions *completions;
    kw_limiter *limiter;
    start_peer((struct test_tls_manner){.record_bytes = 512});
    kw_client *client = open_client("");
    assert_int_equal(kw_completions_open(client, &completions, &error), KW_OK);
    assert_int_equal(kw_limiter_open(client, "loop", 4, "1000/d", NULL, &limiter, &error), KW_OK);
    for (uint64_t tag = 0; tag < CALLS; tag++) {
        assert_int_equal(kw_limiter_submit_hit(limiter, completions, tag, "k", 1, 1, 0, &error), KW_OK);
    }
    int yes = 0;
    for (int got = 0; got < CALLS;) {
        kw_record records[64];
        if (kw_completions_wait(completions, 5000000, &error) <= 0) fail_msg("%d of %d answered", got, CALLS);
        int64_t count = kw_completions_drain(completions, records, 64, sizeof *records, &error);
        for (int64_t i = 0; i < count; i++) {
            assert_true(records[i].status == KW_OK || records[i].status == KW_DENIED);
            yes += records[i].status == KW_OK;
            seen[records[i].tag]++;
        }
        got += (int)count;
    }
    for (int i = 0; i < CALLS; i++)
        assert_int_equal(seen[i], 1);
    assert_int_equal(yes, 1000);
    kw_limiter_free(limiter);
    kw_completions_free(completions);
    kw_client_free(client);
    test_tls_peer_stop(&peer);
}

/* Large ones, by a link alone: commands that no primitive sends. */

struct asked {
    kw__pending pending;
    kw__waiter waiter;
    size_t expected; /* bytes of the reply; 0: an OK */
    bool intact;
    kw_status status;
};

static char pattern(size_t at) {
    return (char)('a' + at % 23);
}

static bool answered(kw__pending *pending, const kw__reply *reply, int64_t received_at) {
    (void)received_at;
    struct asked *asked = (struct asked *)(void *)pending;
    const char *bytes = reply->bytes.data;
    asked->intact =
        reply->kind == KW__REPLY_STRING && reply->bytes.length == (asked->expected != 0 ? asked->expected : 2);
    for (size_t i = 0; asked->intact && i < asked->expected; i++)
        asked->intact = bytes[i] == pattern(i);
    return false;
}

static bool wanted(kw__pending *pending) {
    (void)pending;
    return true;
}

static void has_failed(kw__pending *pending, kw_status status, bool maybe_applied, const kw_error *why) {
    (void)maybe_applied;
    error = *why;
    ((struct asked *)(void *)pending)->status = status;
}

static void connected(kw__link *link, const kw__server *about) {
    (void)link, (void)about;
}

static const kw__link_user user = {
    .answered = answered, .wanted = wanted, .failed = has_failed, .connected = connected};

/* A moment in which a whole reply comes to lie in the socket, so that reading it fills what there is to read into. */
static void let_it_come(void) {
    test_sleep(30000);
}

/* GET of so many bytes, or, with `value`, their SET. */
static void ask(struct asked *asked, const char *key, const char *value, size_t length) {
    kw_error ignored;
    memset(asked, 0, sizeof *asked);
    assert_true(kw__parker_init(&asked->waiter.parker));
    atomic_store(&asked->waiter.left, 1);
    asked->pending.waiter = &asked->waiter;
    asked->expected = value == NULL ? length : 0;
    asked->pending.deadline = kw__now() + 20 * KW__SECOND;
    kw__command command = {.out = &asked->pending.command};
    kw__command_begin(&command, value == NULL ? 2 : 3);
    kw__command_text(&command, value == NULL ? "GET" : "SET");
    kw__command_text(&command, key);
    if (value != NULL) kw__command_bytes(&command, kw__bytes_of(value, length));
    assert_int_equal(kw__command_end(&command, &ignored), KW_OK);
}

static void forget(struct asked *asked) {
    kw__buffer_free(&asked->pending.command);
    kw__parker_free(&asked->waiter.parker);
}

static void wait_blocking(kw__link *link, struct asked *asked) {
    kw__lock(&link->lock);
    kw__link_push(link, &asked->pending);
    kw__link_flush(link);
    kw__unlock(&link->lock);
    let_it_come();
    kw__lock(&link->lock);
    if (!kw__link_await(link, &asked->waiter, kw__now() + 10 * KW__SECOND)) kw__unlock(&link->lock);
}

/* As a loop does it: it waits at the descriptor, and steps. */
static void wait_turning(kw__link *link, struct asked *asked) {
    kw__lock(&link->lock);
    kw__link_push(link, &asked->pending);
    kw__link_turn(link);
    kw__unlock(&link->lock);
    let_it_come();
    while (atomic_load(&asked->waiter.left) > 0) {
        struct pollfd watched = {.fd = link->poller->fd, .events = POLLIN};
        if (poll(&watched, 1, 5000) == 0) fail_msg("the descriptor keeps silent");
        kw__lock(&link->lock);
        kw__link_turn(link);
        kw__unlock(&link->lock);
    }
}

/* The last when the socket has learnt to hold them whole. */
static const size_t sizes[] = {1, 16384, 81920, 131072, 1000003, 8000000, 65500, 65600, 66000, 66500, 70000};

static void exchange_large(void (*wait)(kw__link *link, struct asked *asked), struct test_tls_manner manner) {
    kw__url url;
    kw__link link;
    kw__poller poller;
    kw__counters counters = {0};
    size_t most = 0;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        most = sizes[i] > most ? sizes[i] : most;
    char *value = malloc(most);
    assert_non_null(value);
    for (size_t i = 0; i < most; i++)
        value[i] = pattern(i);
    start_peer(manner);
    assert_int_equal(kw__url_parse(url_of_peer(""), NULL, &url, &error), KW_OK);
    assert_true(kw__link_init(&link, &user, &url, &counters));
    assert_true(kw__poller_open(&poller));
    if (wait == wait_turning) {
        link.poller = &poller;
        assert_true(kw__poller_watch(&poller, link.wake.read_fd, false));
    }
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        if (manner.dribbles && sizes[i] > 131072) continue;
        for (int get = 0; get < 2; get++) {
            struct asked asked;
            ask(&asked, "large", get ? NULL : value, sizes[i]);
            wait(&link, &asked);
            if (atomic_load(&asked.waiter.left) > 0) fail_msg("no answer to %zu bytes", sizes[i]);
            if (asked.status != KW_OK) fail_msg("%zu bytes: %s", sizes[i], error.message);
            assert_true(asked.intact);
            forget(&asked);
        }
    }
    assert_int_equal(atomic_load(&peer.connections), 1);
    kw__lock(&link.lock);
    kw__link_close(&link);
    kw__unlock(&link.lock);
    kw__link_free(&link);
    kw__poller_close(&poller);
    kw__url_free(&url);
    test_tls_peer_stop(&peer);
    free(value);
}

/* Records of such a size that those of 66,000 bytes end in OpenSSL's buffer when ours is full: of the last no poll
 * tells. */
#define AWKWARD 4155

static void large_ones_to_threads(void **state) {
    (void)state;
    exchange_large(wait_blocking, (struct test_tls_manner){0});
    exchange_large(wait_blocking, (struct test_tls_manner){.record_bytes = 512});
    exchange_large(wait_blocking, (struct test_tls_manner){.record_bytes = AWKWARD});
    exchange_large(wait_blocking, (struct test_tls_manner){.newest = TLS1_2_VERSION});
}

static void large_ones_to_loops(void **state) {
    (void)state;
    exchange_large(wait_turning, (struct test_tls_manner){0});
    exchange_large(wait_turning, (struct test_tls_manner){.record_bytes = 512});
    exchange_large(wait_turning, (struct test_tls_manner){.record_bytes = AWKWARD});
}

static void a_few_bytes_at_a_time(void **state) {
    (void)state;
    exchange_large(wait_blocking, (struct test_tls_manner){.dribbles = true});
    exchange_large(wait_turning, (struct test_tls_manner){.dribbles = true, .newest = TLS1_2_VERSION});
}

/* Time */

static void a_handshake_outlives_an_impatient_call(void **state) {
    (void)state;
    start_peer((struct test_tls_manner){.delay_us = 1500000});
    kw_client *client = open_client("");
    int64_t begun = test_now();
    for (int i = 0; i < 3; i++)
        assert_int_equal(kw_client_ping(client, 50000, &error), KW_TIMEOUT);
    assert_true(test_now() - begun >= 150000);
    assert_int_equal(kw_client_ping(client, 10000000, &error), KW_OK);
    assert_int_equal(atomic_load(&peer.connections), 1);
    kw_client_free(client);
    test_tls_peer_stop(&peer);
}

static int64_t own_time(void) {
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (int64_t)time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

/* Waiting for the peer costs no time of the processor, in a call and at the descriptor of a loop. */
static void waiting_costs_nothing(void **state) {
    (void)state;
    kw_completions *completions;
    kw_record record;
    start_peer((struct test_tls_manner){.is_silent = true});
    kw_client *client = open_client("");
    int64_t spent = own_time();
    assert_int_equal(kw_client_ping(client, 500000, &error), KW_TIMEOUT);
    assert_int_equal(kw_completions_open(client, &completions, &error), KW_OK);
    assert_int_equal(kw_client_submit_ping(client, completions, 1, 500000, &error), KW_OK);
    assert_int_equal(kw_completions_wait(completions, 5000000, &error), 1);
    assert_true(own_time() - spent < 100000);
    assert_int_equal(kw_completions_drain(completions, &record, 1, sizeof record, &error), 1);
    assert_int_equal(record.status, KW_TIMEOUT);
    kw_completions_free(completions);
    kw_client_free(client);
    test_tls_peer_stop(&peer);
}

/*
 * The peer wants ever new keys of us and takes none, so that reading cannot go on before something could be written.
 * While it is taken in, no step takes long; when nothing can be written any more, nothing is done at all.
 */
static void a_peer_that_chokes_us_costs_nothing(void **state) {
    (void)state;
    kw__url url;
    kw__link link;
    kw__poller poller;
    kw__counters counters = {0};
    struct asked asked;
    const int little = 2048;
    start_peer((struct test_tls_manner){.wants_keys = true});
    assert_int_equal(kw__url_parse(url_of_peer(""), NULL, &url, &error), KW_OK);
    assert_true(kw__link_init(&link, &user, &url, &counters) && kw__poller_open(&poller));
    link.poller = &poller;
    assert_true(kw__poller_watch(&poller, link.wake.read_fd, false));
    ask(&asked, "none", NULL, 1);
    kw__lock(&link.lock);
    kw__link_push(&link, &asked.pending);
    int64_t begun_at = test_now(), until = begun_at + 20000000, longest = 0, spent;
    int idle = 0;
    while (idle < 10 && test_now() < until) { /* until it has waited ten times to the end */
        int64_t begun = own_time();
        kw__link_turn(&link);
        int64_t took = own_time() - begun;
        longest = took > longest ? took : longest;
        if (link.transport.fd >= 0 && test_now() > begun_at + 700000)
            setsockopt(link.transport.fd, SOL_SOCKET, SO_SNDBUF, &little, sizeof little);
        struct pollfd watched = {.fd = poller.fd, .events = POLLIN};
        idle = poll(&watched, 1, 50) == 0 ? idle + 1 : 0;
    }
    assert_int_equal(idle, 10);
    assert_int_equal(link.state, KW__LINK_GREETING);
    assert_true(longest < 500000);
    spent = own_time();
    assert_false(kw__link_await(&link, &asked.waiter, kw__now() + 500000));
    assert_true(own_time() - spent < 100000);
    assert_int_equal(atomic_load(&asked.waiter.left), 1);
    kw__link_close(&link);
    kw__unlock(&link.lock);
    forget(&asked);
    kw__link_free(&link);
    kw__poller_close(&poller);
    kw__url_free(&url);
    test_tls_peer_stop(&peer);
}

static void *close_soon(void *client) {
    test_sleep(100000);
    kw_client_close(client, 1000000, NULL);
    return NULL;
}

static void a_close_during_the_handshake(void **state) {
    (void)state;
    start_peer((struct test_tls_manner){.is_silent = true});
    kw_client *client = open_client("");
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, close_soon, client), 0);
    int64_t begun = test_now();
    assert_int_equal(kw_client_ping(client, 0, &error), KW_CLOSED);
    assert_in_range(test_now() - begun, 90000, 4000000); /* not by the timeout */
    pthread_join(thread, NULL);
    kw_client_free(client);
    test_tls_peer_stop(&peer);
}

/* Ends */

static bool all_gone(void *argument) {
    (void)argument;
    return atomic_load(&peer.open) == 0;
}

static void a_link_that_was_closed_while_idle(void **state) {
    (void)state;
    kw_stats stats;
    kw_decision decision;
    kw_limiter *limiter;
    start_peer((struct test_tls_manner){0});
    kw_client *client = open_client("");
    assert_int_equal(kw_limiter_open(client, "idle", 4, "10/d", NULL, &limiter, &error), KW_OK);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(kw_limiter_hit(limiter, "k", 1, 1, 0, &decision, &error),
                         KW_OK); /* seen before a byte was written */
        assert_int_equal(decision.remaining, 9 - i);
        test_tls_peer_hang_up(&peer);
        assert_true(test_until(all_gone, NULL));
        test_sleep(5000);
    }
    kw_client_stats(client, &stats, &error);
    assert_int_equal(stats.reconnects, 2);
    kw_limiter_free(limiter);
    kw_client_free(client);
    test_tls_peer_stop(&peer);
}

static void *hang_up_soon(void *ignored) {
    test_sleep(100000);
    test_tls_peer_hang_up(&peer);
    return ignored;
}

static void a_link_that_is_cut_while_it_waits(void **state) {
    (void)state;
    kw_decision decision;
    kw_limiter *limiter;
    start_peer((struct test_tls_manner){0});
    kw_client *client = open_client("");
    assert_int_equal(kw_limiter_open(client, "cut", 3, "10/d", NULL, &limiter, &error), KW_OK);
    assert_int_equal(kw_limiter_hit(limiter, "k", 1, 1, 0, &decision, &error), KW_OK);
    pthread_t thread;
    test_server_signal(&server, SIGSTOP);
    assert_int_equal(pthread_create(&thread, NULL, hang_up_soon, NULL), 0);
    kw_status status = kw_limiter_hit(limiter, "k", 1, 1, 0, &decision, &error);
    test_server_signal(&server, SIGCONT);
    pthread_join(thread, NULL);
    assert_int_equal(status, KW_UNKNOWN);
    assert_int_equal(error.reason, KW_REASON_CLOSED_BY_PEER);
    assert_int_equal(error.maybe_applied, 1);
    assert_int_equal(kw_limiter_hit(limiter, "other", 5, 1, 0, &decision, &error), KW_OK);
    kw_limiter_free(limiter);
    kw_client_free(client);
    test_tls_peer_stop(&peer);
}

static bool has_said_farewell(void *argument) {
    (void)argument;
    return atomic_load(&peer.farewells) == 1;
}

static void a_client_takes_its_leave(void **state) {
    (void)state;
    start_peer((struct test_tls_manner){0});
    kw_client *client = open_client("");
    assert_int_equal(kw_client_ping(client, 0, &error), KW_OK);
    kw_client_free(client);
    assert_true(test_until(has_said_farewell, NULL));
    test_tls_peer_stop(&peer);
}

/* What a child frees is the parent's too: not a byte may leave. */
static void a_forked_child_leaves_the_link_alone(void **state) {
    (void)state;
    int status;
    start_peer((struct test_tls_manner){0});
    kw_client *client = open_client("");
    assert_int_equal(kw_client_ping(client, 0, &error), KW_OK);
    pid_t pid = fork();
    if (pid == 0) {
        kw_client_free(client);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_int_equal(kw_client_ping(client, 0, &error), KW_OK);
    assert_int_equal(atomic_load(&peer.connections), 1);
    assert_int_equal(atomic_load(&peer.farewells), 0);
    kw_client_free(client);
    test_tls_peer_stop(&peer);
}

/* OpenSSL's own allocations are not ours to fail. */
static void every_allocation_may_fail(void **state) {
    (void)state;
    start_peer((struct test_tls_manner){0});
    char url[256];
    snprintf(url, sizeof url, "%s", url_of_peer(""));
    bool asked_more = true;
    for (uint64_t n = 1; asked_more; n++) {
        kw_client *client;
        kw__memory_fail_at(n, false);
        kw_status status = kw_client_open(url, NULL, &client, &error);
        if (status == KW_OK) status = kw_client_ping(client, 0, &error);
        kw_client_free(client);
        asked_more = kw__memory_asked() >= n;
        kw__memory_fail_at(0, false);
        if (status != KW_NO_MEMORY && (status != KW_OK || asked_more)) fail_msg("%d: %s", (int)n, error.message);
        assert_true(n < 200);
    }
    test_tls_peer_stop(&peer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hits_from_sixteen_threads),
        cmocka_unit_test(keys_that_change_all_the_time),
        cmocka_unit_test(hits_by_completions),
        cmocka_unit_test(large_ones_to_threads),
        cmocka_unit_test(large_ones_to_loops),
        cmocka_unit_test(a_few_bytes_at_a_time),
        cmocka_unit_test(a_handshake_outlives_an_impatient_call),
        cmocka_unit_test(waiting_costs_nothing),
        cmocka_unit_test(a_peer_that_chokes_us_costs_nothing),
        cmocka_unit_test(a_close_during_the_handshake),
        cmocka_unit_test(a_link_that_was_closed_while_idle),
        cmocka_unit_test(a_link_that_is_cut_while_it_waits),
        cmocka_unit_test(a_client_takes_its_leave),
        cmocka_unit_test(a_forked_child_leaves_the_link_alone),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return test_run(start, stop);
}
