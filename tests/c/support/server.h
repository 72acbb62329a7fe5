/* A private server for a test program: on a Unix socket in a folder of its own, gone when the program is
 * gone, however it ends. The binary is KEYWRIGHT_SERVER, else redis-server or valkey-server on PATH. */
#ifndef KW_TEST_SERVER_H
#define KW_TEST_SERVER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct test_clock;

struct test_server {
    pid_t pid;                /* of the server itself: for signals */
    pid_t guard;              /* of the shell that watches over it */
    int life;                 /* closed, the guard kills the server and removes the folder */
    int connection;           /* of test_server_command, or -1 */
    struct test_clock *clock; /* NULL where the clock cannot be moved */
    int clock_is_exact;       /* it can be held to the microsecond */
    char directory[64];
    char socket[80];
    char url[96]; /* unix://... */
};

/* Starts a server and waits until it answers; the test fails when it does not. `arguments` (may be NULL) are
 * further ones for its command line, NULL at the end. */
void test_server_start(struct test_server *server, const char *const *arguments);
void test_server_stop(struct test_server *server);

/* Kills the server, waits, and starts it again on the same socket, in the same folder: with --appendonly yes it has its
 * keys again. Returns when it answers. */
void test_server_restart(struct test_server *server, int64_t absent_us);

/* Sends a signal to the server (SIGSTOP, SIGCONT, SIGKILL). */
void test_server_signal(struct test_server *server, int signal);

/* Runs one command over a connection of the helper's own and gives the reply as text: a status, an integer or
 * a string as it is, nil as "(nil)", an error with its '-', an array one element a line. Free it. The list of
 * arguments ends with NULL. */
char *test_server_command(struct test_server *server, const char *command, ...)
    __attribute__((sentinel, warn_unused_result));

/* The same, with arguments of any bytes. */
char *test_server_command_bytes(struct test_server *server, size_t count, const char *const *arguments,
                                const size_t *lengths) __attribute__((warn_unused_result));

/* Runs a command and checks that the reply is `expected`. */
#define test_server_expect(server, expected, ...)                                                                      \
    do {                                                                                                               \
        char *reply_ = test_server_command((server), __VA_ARGS__, (char *)NULL);                                       \
        assert_string_equal(reply_, expected);                                                                         \
        free(reply_);                                                                                                  \
    } while (0)

/* For cmocka: one server for a group of tests (*state is a struct test_server *), emptied before each test if
 * test_server_flush is the test's setup. */
int test_server_setup(void **state);
int test_server_teardown(void **state);
int test_server_flush(void **state);

#endif
