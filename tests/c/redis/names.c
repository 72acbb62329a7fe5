/*
 * Names of hosts, and the addresses behind them: a name server that hangs holds nobody past a deadline, addresses are
 * tried in turn, and what comes too late is dropped. The resolver is this program's own.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "keywright.h"
#include "support/server.h"
#include "support/test.h"
#include "support/wait.h"

#if defined(__has_feature)
#if __has_feature(thread_sanitizer) && !defined(__SANITIZE_THREAD__)
#define __SANITIZE_THREAD__ 1 /* clang's word for it */
#endif
#endif

static struct test_server server;
static int port;
static kw_error error;

/* The resolver */

enum { ADDRESSES_MAX = 4, MOST_LOOKUPS = 32 };

static const char *addresses[ADDRESSES_MAX + 1]; /* what every name stands for, NULL at the end; none: not found */
static atomic_bool hangs;
static atomic_int asked, waiting;

struct found {
    struct addrinfo info;
    struct sockaddr_in address;
};

int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **out) {
    (void)host, (void)hints;
    atomic_fetch_add(&asked, 1);
    atomic_fetch_add(&waiting, 1);
    while (atomic_load(&hangs))
        test_sleep(1000);
    *out = NULL;
    for (int i = ADDRESSES_MAX - 1; i >= 0; i--) {
        if (addresses[i] == NULL) continue;
        struct found *found = calloc(1, sizeof *found);
        if (found == NULL) abort();
        found->address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(service))};
        inet_pton(AF_INET, addresses[i], &found->address.sin_addr);
        found->info.ai_family = AF_INET;
        found->info.ai_socktype = SOCK_STREAM;
        found->info.ai_addr = (struct sockaddr *)&found->address;
        found->info.ai_addrlen = sizeof found->address;
        found->info.ai_next = *out;
        *out = &found->info;
    }
    int outcome = *out == NULL ? EAI_NONAME : 0;
    atomic_fetch_sub(&waiting, 1); /* from here on the test may change what names stand for */
    return outcome;
}

void freeaddrinfo(struct addrinfo *found) {
    while (found != NULL) {
        struct addrinfo *next = found->ai_next;
        free(found);
        found = next;
    }
}

static void names_stand_for(const char *first, const char *second) {
    memset(addresses, 0, sizeof addresses);
    addresses[0] = first;
    addresses[1] = second;
}

static bool nobody_asks(void *unused) {
    (void)unused;
    return atomic_load(&waiting) == 0;
}

/* Each test begins so, whatever the one before it left. */
static int begin(void **state) {
    (void)state;
    atomic_store(&hangs, false);
    assert_true(test_until(nobody_asks, NULL));
    test_sleep(50000); /* the threads have given their places back */
    names_stand_for("127.0.0.1", NULL);
    atomic_store(&asked, 0);
    return 0;
}

static kw_client *open_client(const char *host, int at, const char *query) {
    kw_client *client;
    char url[200];
    snprintf(url, sizeof url, "redis://%s:%d%s", host, at, query);
    assert_int_equal(kw_client_open(url, NULL, &client, &error), KW_OK);
    return client;
}

static int free_port(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    close(fd);
    return ntohs(address.sin_port);
}

/* Deadlines */

static void a_name_server_that_hangs(void **state) {
    (void)state;
    kw_client *client = open_client("slow.test", port, "?connect_timeout=1500ms");
    atomic_store(&hangs, true);
    int64_t begun = test_now();
    for (int i = 0; i < 3; i++) {
        assert_int_equal(kw_client_ping(client, 50000, &error), KW_TIMEOUT);
        assert_int_equal(error.maybe_applied, 0);
    }
    assert_in_range(test_now() - begun, 150000, 1300000);
    assert_int_equal(atomic_load(&asked), 1); /* it goes on behind the calls that had no patience for it */
    assert_int_equal(kw_client_ping(client, 5000000, &error), KW_RESOLVE);
    assert_in_range(test_now() - begun, 1500000, 4500000); /* the connect budget, not the call's deadline */
    assert_int_equal(error.retryable, 1);
    assert_int_equal(error.maybe_applied, 0);
    assert_int_equal(error.reason, KW_REASON_CONNECT_TIMEOUT);
    assert_non_null(strstr(error.message, "looking up redis://slow.test"));
    assert_non_null(strstr(error.message, "connect timeout"));
    atomic_store(&hangs, false);
    assert_int_equal(kw_client_ping(client, 5000000, &error), KW_OK);
    kw_client_free(client);
}

static void the_lookup_of_an_impatient_call_serves_the_next(void **state) {
    (void)state;
    kw_client *client = open_client("slow.test", port, "");
    atomic_store(&hangs, true);
    assert_int_equal(kw_client_ping(client, 30000, &error), KW_TIMEOUT);
    atomic_store(&hangs, false);
    assert_int_equal(kw_client_ping(client, 5000000, &error), KW_OK);
    assert_int_equal(atomic_load(&asked), 1);
    kw_client_free(client);
}

static void submitted_calls_wait_no_longer_either(void **state) {
    (void)state;
    kw_completions *completions;
    kw_record record;
    kw_client *client = open_client("slow.test", port, "");
    assert_int_equal(kw_completions_open(client, &completions, &error), KW_OK);
    atomic_store(&hangs, true);
    int64_t begun = test_now();
    assert_int_equal(kw_client_submit_ping(client, completions, 1, 500000, &error), KW_OK);
    assert_int_equal(kw_completions_step(completions, &error), 0);
    assert_true(test_now() - begun < 400000); /* a step does not wait at all */
    assert_int_equal(kw_completions_wait(completions, 5000000, &error), 1);
    assert_in_range(test_now() - begun, 500000, 3000000);
    assert_int_equal(kw_completions_drain(completions, &record, 1, sizeof record, &error), 1);
    assert_int_equal(record.status, KW_TIMEOUT);
    assert_int_equal(kw_client_submit_ping(client, completions, 2, 5000000, &error), KW_OK);
    atomic_store(&hangs, false);
    assert_int_equal(kw_completions_wait(completions, 5000000, &error), 1); /* woken by the answer */
    assert_int_equal(kw_completions_drain(completions, &record, 1, sizeof record, &error), 1);
    assert_int_equal(record.status, KW_OK);
    kw_completions_free(completions);
    kw_client_free(client);
}

static void *close_soon(void *client) {
    test_sleep(50000);
    kw_client_close(client, 1000000, NULL);
    return NULL;
}

static void a_close_waits_for_no_name(void **state) {
    (void)state;
    pthread_t thread;
    kw_client *client = open_client("slow.test", port, "");
    atomic_store(&hangs, true);
    assert_int_equal(pthread_create(&thread, NULL, close_soon, client), 0);
    int64_t begun = test_now();
    assert_int_equal(kw_client_ping(client, 5000000, &error), KW_CLOSED);
    assert_true(test_now() - begun < 2000000);
    pthread_join(thread, NULL);
    kw_client_free(client); /* the answer comes when nobody is there any more */
}

/* Threads that hang are not made without end. */
static void many_names_that_hang(void **state) {
    (void)state;
    kw_client *clients[MOST_LOOKUPS + 1];
    atomic_store(&hangs, true);
    for (int i = 0; i <= MOST_LOOKUPS; i++) {
        clients[i] = open_client("slow.test", port, "");
        kw_status status = kw_client_ping(clients[i], 2000, &error);
        assert_int_equal(status, i < MOST_LOOKUPS ? KW_TIMEOUT : KW_RESOLVE);
    }
    assert_non_null(strstr(error.message, "is the name server reachable?"));
    assert_int_equal(error.retryable, 1);
    kw_client *literal = open_client("127.0.0.1", port, "");
    assert_int_equal(kw_client_ping(literal, 0, &error), KW_OK); /* who needs no name is not held up */
    kw_client_free(literal);
    for (int i = 0; i < MOST_LOOKUPS; i++)
        kw_client_free(clients[i]);
    kw_status status = kw_client_ping(clients[MOST_LOOKUPS], 2000, &error);
    assert_true(status == KW_RESOLVE || status == KW_TIMEOUT); /* those who left do not make room */
    atomic_store(&hangs, false);
    assert_int_equal(kw_client_ping(clients[MOST_LOOKUPS], 5000000, &error), KW_OK);
    kw_client_free(clients[MOST_LOOKUPS]);
}

/* A child has none of the threads that hang in its parent, and room for its own. */
static void a_child_of_one_whose_names_hang(void **state) {
    (void)state;
#if defined(__SANITIZE_THREAD__)
    test_skip("ThreadSanitizer lets no child of a program with threads start one");
#endif
    kw_client *clients[MOST_LOOKUPS];
    atomic_store(&hangs, true);
    for (int i = 0; i < MOST_LOOKUPS; i++) {
        clients[i] = open_client("slow.test", port, "");
        assert_int_equal(kw_client_ping(clients[i], 1000, &error), KW_TIMEOUT);
    }
    pid_t pid = fork();
    if (pid == 0) {
        alarm(10);
        atomic_store(&hangs, false);
        kw_client *own = open_client("slow.test", port, "");
        _exit(kw_client_ping(own, 0, &error) == KW_OK ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    for (int i = 0; i < MOST_LOOKUPS; i++)
        kw_client_free(clients[i]);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* Addresses */

static void a_name_that_nobody_knows(void **state) {
    (void)state;
    names_stand_for(NULL, NULL);
    kw_client *client = open_client("nowhere.test", port, "");
    int64_t begun = test_now();
    assert_int_equal(kw_client_ping(client, 0, &error), KW_RESOLVE);
    assert_true(test_now() - begun < 1000000);
    assert_non_null(strstr(error.message, "nowhere.test was not found"));
    assert_non_null(strstr(error.message, "check the name in the URL"));
    names_stand_for("127.0.0.1", NULL); /* asked again, not remembered */
    assert_int_equal(kw_client_ping(client, 0, &error), KW_OK);
    kw_client_free(client);
}

/* A socket at another loopback address, or -1 where there is one alone. */
static int bind_other(int at) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)at)};
    inet_pton(AF_INET, "127.0.0.2", &address.sin_addr);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) == 0) return fd;
    close(fd);
    return -1;
}

static void one_that_refuses_is_passed_over(void **state) {
    (void)state;
    int fd = bind_other(port); /* bound and not listening */
    if (fd < 0) test_skip("there is one loopback address alone");
    names_stand_for("127.0.0.2", "127.0.0.1");
    kw_client *client = open_client("two.test", port, "");
    assert_int_equal(kw_client_ping(client, 1000000, &error), KW_OK);
    kw_client_free(client);
    names_stand_for("127.0.0.2", NULL);
    client = open_client("two.test", port, "");
    assert_int_equal(kw_client_ping(client, 1000000, &error), KW_CONNECTION);
    assert_int_equal(error.reason, KW_REASON_REFUSED);
    assert_non_null(strstr(error.message, "is the server running?"));
    kw_client_free(client);
    close(fd);
}

/* No address may use up the time of those behind it. */
static void one_that_keeps_silent_is_passed_over(void **state) {
    (void)state;
#if defined(__linux__)
    int fd = bind_other(port), full[4];
    if (fd < 0) test_skip("there is one loopback address alone");
    struct sockaddr_in address;
    socklen_t length = sizeof address;
    assert_int_equal(listen(fd, 0), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    for (int i = 0; i < 4; i++) { /* nobody takes them: whoever comes after hears nothing */
        full[i] = socket(AF_INET, SOCK_STREAM, 0);
        fcntl(full[i], F_SETFL, O_NONBLOCK);
        connect(full[i], (struct sockaddr *)&address, sizeof address);
    }
    names_stand_for("127.0.0.2", "127.0.0.1");
    kw_client *client = open_client("two.test", port, "?connect_timeout=2s");
    int64_t begun = test_now();
    assert_int_equal(kw_client_ping(client, 0, &error), KW_OK);
    assert_in_range(test_now() - begun, 900000, 1950000); /* half of the budget each */
    kw_client_free(client);
    for (int i = 0; i < 4; i++)
        close(full[i]);
    close(fd);
#else
    test_skip("whether a full backlog keeps silent is the system's choice");
#endif
}

/* The socket */

/* The library's own end of a connection to that port, or -1. */
static int find_socket(int to) {
    for (int fd = 3; fd < 1024; fd++) {
        struct sockaddr_in peer;
        socklen_t length = sizeof peer;
        if (getpeername(fd, (struct sockaddr *)&peer, &length) == 0 && peer.sin_family == AF_INET &&
            ntohs(peer.sin_port) == to)
            return fd;
    }
    return -1;
}

static int option(int fd, int level, int name) {
    int value = -1;
    socklen_t length = sizeof value;
    assert_int_equal(getsockopt(fd, level, name, &value, &length), 0);
    return value;
}

static void a_socket_is_kept_alive_and_goes_to_no_child(void **state) {
    (void)state;
    kw_client *client = open_client("good.test", port, "");
    assert_int_equal(kw_client_ping(client, 0, &error), KW_OK);
    int fd = find_socket(port);
    assert_true(fd >= 0);
    assert_true(option(fd, SOL_SOCKET, SO_KEEPALIVE) != 0);
    assert_true(option(fd, IPPROTO_TCP, TCP_NODELAY) != 0);
#if defined(TCP_KEEPIDLE)
    int idle = option(fd, IPPROTO_TCP, TCP_KEEPIDLE), pause = option(fd, IPPROTO_TCP, TCP_KEEPINTVL);
    assert_in_range(idle + pause * option(fd, IPPROTO_TCP, TCP_KEEPCNT), 20, 40); /* about 30 s of silence */
#endif
    assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    assert_true((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
    kw_client_free(client);
    assert_int_equal(find_socket(port), -1);
}

static int start(void **state) {
    (void)state;
    char text[16];
    port = free_port();
    snprintf(text, sizeof text, "%d", port);
    const char *const arguments[] = {"--port", text, "--bind", "127.0.0.1", NULL};
    test_server_start(&server, arguments);
    return 0;
}

static int stop(void **state) {
    (void)state;
    test_server_stop(&server);
    return 0;
}

#define names_test(name) cmocka_unit_test_setup(name, begin)

int main(void) {
    const struct CMUnitTest tests[] = {
        names_test(a_name_server_that_hangs),
        names_test(the_lookup_of_an_impatient_call_serves_the_next),
        names_test(submitted_calls_wait_no_longer_either),
        names_test(a_close_waits_for_no_name),
        names_test(many_names_that_hang),
        names_test(a_child_of_one_whose_names_hang),
        names_test(a_name_that_nobody_knows),
        names_test(one_that_refuses_is_passed_over),
        names_test(one_that_keeps_silent_is_passed_over),
        names_test(a_socket_is_kept_alive_and_goes_to_no_child),
    };
    return test_run(start, stop);
}
