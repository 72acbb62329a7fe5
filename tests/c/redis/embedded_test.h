/* What the tests of the private server share: a folder that must be empty in the end, and looking at processes. */
#ifndef KW_EMBEDDED_TEST_H
#define KW_EMBEDDED_TEST_H

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "redis/embedded.h"
#include "support/connection.h"
#include "support/test.h"

/* A server of one's own, as kw_client_open starts it. */
typedef struct own_server {
    kw__url url;
    kw__embedded *embedded;
    int connection;
    pid_t pid;
    char socket[256];
    char home[256]; /* the directory of its socket */
} own_server;

static char scratch[64];

static inline void sleep_ms(long ms) {
    usleep((useconds_t)ms * 1000);
}

/*
 * Waits up to 25 s for something to become true: a server that does not end is killed after 10 s only, and one that has
 * to bring its file to a busy disk may need them.
 */
#define PATIENCE (25 * KW__SECOND)
#define eventually(condition)                                                                                          \
    do {                                                                                                               \
        int64_t until_ = kw__now() + PATIENCE;                                                                         \
        while (!(condition) && kw__now() < until_)                                                                     \
            sleep_ms(5);                                                                                               \
        assert_true(condition);                                                                                        \
    } while (0)

/* A zombie does not run; whose child it has become need not have waited for it yet. */
static inline bool is_running(pid_t pid) {
    if (kill(pid, 0) != 0 && errno == ESRCH) return false;
    char text[64];
#if defined(__linux__) /* a bare system has no ps */
    snprintf(text, sizeof text, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(text, "r");
    if (file == NULL) return false;
    char state = 'Z';
    int read = fscanf(file, "%*d (%*[^)]) %c", &state);
    fclose(file);
    return read == 1 && state != 'Z';
#else
    snprintf(text, sizeof text, "ps -o stat= -p %d | grep -qv '^Z'", (int)pid);
    return system(text) == 0;
#endif
}

static inline bool exists(const char *path) {
    struct stat found;
    return lstat(path, &found) == 0;
}

/* The reply to one command; its caller frees it. */
static inline char *ask(int connection, const char *name, const char *first, const char *second) {
    const char *arguments[] = {name, first, second};
    size_t count = first == NULL ? 1 : second == NULL ? 2 : 3;
    size_t lengths[3] = {0};
    for (size_t i = 0; i < count; i++)
        lengths[i] = strlen(arguments[i]);
    return test_connection_call(connection, count, arguments, lengths);
}

static inline void expect_reply(const own_server *server, const char *expected, const char *name, const char *first,
                                const char *second) {
    char *reply = ask(server->connection, name, first, second);
    assert_non_null(reply);
    assert_string_equal(reply, expected);
    free(reply);
}

static inline kw_status try_start(own_server *server, const char *text, kw_error *error) {
    *server = (own_server){.connection = -1};
    memset(error, 0, sizeof *error);
    assert_int_equal(kw__url_parse(text, NULL, &server->url, error), KW_OK);
    kw_status status = kw__embedded_start(&server->url, &server->embedded, error);
    if (status != KW_OK) {
        assert_null(server->embedded);
        assert_int_equal(server->url.kind, KW__ADDRESS_EMBEDDED);
        assert_null(server->url.path);
        kw__url_free(&server->url);
    }
    return status;
}

static inline void start(own_server *server, const char *text) {
    kw_error error;
    if (try_start(server, text, &error) != KW_OK) fail_msg("%s: %s (%s)", text, error.message, error.server);
    assert_int_equal(server->url.kind, KW__ADDRESS_UNIX);
    server->connection = test_connection_open(server->url.path);
    assert_true(server->connection >= 0);
    char *information = ask(server->connection, "INFO", "server", NULL);
    const char *line = information != NULL ? strstr(information, "process_id:") : NULL;
    assert_non_null(line);
    server->pid = (pid_t)atoi(line + strlen("process_id:"));
    free(information);
    snprintf(server->socket, sizeof server->socket, "%s", server->url.path);
    snprintf(server->home, sizeof server->home, "%s", server->url.path);
    *strrchr(server->home, '/') = '\0';
}

static inline void let_go(own_server *server) {
    if (server->connection >= 0) close(server->connection);
    kw__embedded_release(server->embedded);
    kw__url_free(&server->url);
}

static inline void expect_gone(const own_server *server) {
    eventually(!is_running(server->pid));
    eventually(!exists(server->home));
}

/*
 * A process of its own that runs `body` and then waits to be killed, or for the end of the test program. What body
 * writes to `out` is read into told.
 */
static inline pid_t in_a_process(void (*body)(int out, void *argument), void *argument, void *told, size_t size) {
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    pid_t parent = getpid(), child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        setenv("CMOCKA_TEST_ABORT", "1", 1); /* a failure here must not go on to the next test */
        close(pipes[0]);
        body(pipes[1], argument);
        close(pipes[1]);
        while (getppid() == parent)
            sleep_ms(50);
        _exit(0);
    }
    close(pipes[1]);
    size_t got = 0;
    ssize_t length = 1;
    while (got < size && (length > 0 || (length < 0 && errno == EINTR))) {
        length = read(pipes[0], (char *)told + got, size - got);
        got += length > 0 ? (size_t)length : 0;
    }
    close(pipes[0]);
    assert_int_equal(got, size);
    return child;
}

static inline void kill_and_wait(pid_t child) {
    assert_int_equal(kill(child, SIGKILL), 0);
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
        continue;
}

/* Starts a server, keeps it, and tells of it; pointers and descriptors mean nothing to who is told. */
static inline void start_and_tell(int out, void *url) {
    own_server server;
    start(&server, url);
    close(server.connection);
    server.connection = -1;
    assert_int_equal(write(out, &server, sizeof server), (ssize_t)sizeof server);
}

/* A program that takes the place of a server. */
static inline void write_program(const char *name, const char *script) {
    char path[256];
    snprintf(path, sizeof path, "%s/%s", scratch, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "#!/bin/sh\n%s\n", script);
    fclose(file);
    assert_int_equal(chmod(path, 0700), 0);
}

static inline int remove_entry(const char *path, const struct stat *found, int kind, struct FTW *place) {
    (void)found;
    (void)kind;
    (void)place;
    return remove(path);
}

static inline int open_descriptors(void) {
    int count = 0;
    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static int descriptors_before;

static inline int make_scratch(void **state) {
    (void)state;
    descriptors_before = open_descriptors();
    snprintf(scratch, sizeof scratch, "/tmp/embedded-test-XXXXXX");
    return mkdtemp(scratch) != NULL && setenv("TMPDIR", scratch, 1) == 0 ? 0 : -1;
}

static inline bool has_home_left(void) {
    char command[128];
    snprintf(command, sizeof command, "ls %s | grep -q '^keywright-'", scratch);
    return system(command) == 0;
}

/* No test may leave a directory of a private server behind, or a descriptor open. */
static inline int remove_scratch(void **state) {
    (void)state;
    int64_t until = kw__now() + PATIENCE;
    while (has_home_left() && kw__now() < until)
        sleep_ms(20);
    int left = has_home_left();
    nftw(scratch, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    unsetenv("TMPDIR");
    if (left) print_error("a private server's directory was left behind\n");
    int opened = open_descriptors() - descriptors_before;
    if (opened != 0) print_error("%d more descriptors are open than before\n", opened);
    return left || opened != 0;
}

#define embedded_test(name) cmocka_unit_test_setup_teardown(name, make_scratch, remove_scratch)

#endif
