/* Starting and stopping a private server. A shell stands between: it waits at a pipe whose other end only
 * this program holds, so that it kills the server and removes the folder also when the program crashes or is
 * killed. */
#include "support/server.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "support/clock.h"
#include "support/connection.h"
#include "support/test.h"

extern char **environ;

/* $1 the folder, $2 the clock library or nothing, the rest is the server's command line. A line at the pipe starts the
 * server anew, its end ends everything. */
static const char guard_script[] =
    "directory=$1; library=$2; shift 2\n"
    "trap '' INT TERM HUP\n"
    "while true; do\n"
    "  if [ -n \"$library\" ]; then\n"
    "    LD_PRELOAD=$library KEYWRIGHT_TEST_CLOCK=$directory/clock \"$@\" </dev/null >\"$directory/output\" 2>&1 &\n"
    "  else\n"
    "    \"$@\" </dev/null >\"$directory/output\" 2>&1 &\n"
    "  fi\n"
    "  echo $! >\"$directory/pid.part\"; mv \"$directory/pid.part\" \"$directory/pid\"\n"
    "  read -r _; ended=$?\n"
    "  kill -9 $! 2>/dev/null; wait 2>/dev/null\n"
    "  [ $ended = 0 ] || break\n"
    "done\n"
    "rm -rf \"$directory\"\n";

enum { ARGUMENTS_MAX = 64, START_TIMEOUT_MS = 10000 };

static void sleep_ms(long ms) {
    struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&pause, NULL);
}

static int on_path(const char *name, char *found, size_t size) {
    const char *path = getenv("PATH");
    while (path != NULL && *path != '\0') {
        size_t length = strcspn(path, ":");
        snprintf(found, size, "%.*s/%s", (int)length, path, name);
        if (access(found, X_OK) == 0) return 1;
        path += length + (path[length] == ':');
    }
    return 0;
}

static void find_binary(char *binary, size_t size) {
    const char *named = getenv("KEYWRIGHT_SERVER");
    if (named != NULL && *named != '\0')
        snprintf(binary, size, "%s", named);
    else if (!on_path("redis-server", binary, size) && !on_path("valkey-server", binary, size))
        fail_msg("no redis-server or valkey-server on PATH; set KEYWRIGHT_SERVER");
}

static void start_guard(struct test_server *server, char *const *command) {
    int life[2];
    assert_int_equal(pipe(life), 0);
    fcntl(life[0], F_SETFD, FD_CLOEXEC);
    fcntl(life[1], F_SETFD, FD_CLOEXEC);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, life[0], STDIN_FILENO);
    int failed = posix_spawn(&server->guard, "/bin/sh", &actions, NULL, command, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(life[0]);
    if (failed) fail_msg("cannot start /bin/sh: %s", strerror(failed));
    server->life = life[1];
}

static void show_output(const struct test_server *server) {
    char path[96], line[512];
    snprintf(path, sizeof path, "%s/output", server->directory);
    FILE *output = fopen(path, "r");
    if (output == NULL) return;
    while (fgets(line, sizeof line, output) != NULL)
        print_error("%s", line);
    fclose(output);
}

static void wait_until_up(struct test_server *server) {
    char path[96];
    snprintf(path, sizeof path, "%s/pid", server->directory);
    for (int waited = 0; waited < START_TIMEOUT_MS; waited += 5) {
        FILE *file = server->pid == 0 ? fopen(path, "r") : NULL;
        if (file != NULL) {
            int pid = 0;
            if (fscanf(file, "%d", &pid) == 1) server->pid = pid;
            fclose(file);
        }
        if (server->connection < 0) server->connection = test_connection_open(server->socket);
        if (server->pid != 0 && server->connection >= 0) {
            char *reply = test_server_command(server, "PING", (char *)NULL);
            int up = strcmp(reply, "PONG") == 0;
            free(reply);
            if (up) return;
        }
        sleep_ms(5);
    }
    show_output(server);
    test_server_stop(server);
    fail_msg("the test server did not start");
}

void test_server_start(struct test_server *server, const char *const *arguments) {
    char binary[512];
    *server = (struct test_server){.connection = -1, .life = -1};
    find_binary(binary, sizeof binary);
    /* Not TMPDIR: the path of a Unix socket has about a hundred bytes. */
    snprintf(server->directory, sizeof server->directory, "/tmp/keywright-test-XXXXXX");
    assert_non_null(mkdtemp(server->directory));
    snprintf(server->socket, sizeof server->socket, "%s/socket", server->directory);
    snprintf(server->url, sizeof server->url, "unix://%s", server->socket);

    const char *library = test_clock_library();
    if (library != NULL) {
        char file[96];
        snprintf(file, sizeof file, "%s/clock", server->directory);
        server->clock = test_clock_open(file);
    }
    const char *command[ARGUMENTS_MAX] = {"sh",
                                          "-c",
                                          guard_script,
                                          "sh",
                                          server->directory,
                                          library != NULL ? library : "",
                                          binary,
                                          "--port",
                                          "0",
                                          "--unixsocket",
                                          server->socket,
                                          "--dir",
                                          server->directory,
                                          "--save",
                                          "",
                                          "--appendonly",
                                          "no"};
    size_t count = 17;
    for (; arguments != NULL && *arguments != NULL; arguments++) {
        assert_true(count < ARGUMENTS_MAX - 1);
        command[count++] = *arguments;
    }
    start_guard(server, (char *const *)(uintptr_t)command);
    wait_until_up(server);
    if (server->clock != NULL) test_clock_try(server);
}

void test_server_restart(struct test_server *server, int64_t absent_us) {
    char path[96];
    test_server_signal(server, SIGKILL);
    snprintf(path, sizeof path, "%s/pid", server->directory);
    unlink(path); /* of the server before */
    if (server->connection >= 0) close(server->connection);
    server->connection = -1;
    server->pid = 0;
    for (int left; (left = test_connection_open(server->socket)) >= 0; sleep_ms(1))
        close(left); /* it is dying */
    sleep_ms((long)(absent_us / 1000));
    assert_int_equal(write(server->life, "\n", 1), 1);
    wait_until_up(server);
}

void test_server_stop(struct test_server *server) {
    if (server->connection >= 0) close(server->connection);
    server->connection = -1;
    if (server->life >= 0) close(server->life);
    server->life = -1;
    if (server->guard > 0)
        while (waitpid(server->guard, NULL, 0) < 0 && errno == EINTR)
            continue;
    server->guard = 0;
    server->pid = 0;
    test_clock_close(server->clock);
    server->clock = NULL;
}

void test_server_signal(struct test_server *server, int signal) {
    assert_true(server->pid > 0);
    assert_int_equal(kill(server->pid, signal), 0);
}

int test_server_setup(void **state) {
    struct test_server *server = calloc(1, sizeof *server);
    if (server == NULL) return -1;
    test_server_start(server, NULL);
    *state = server;
    return 0;
}

int test_server_teardown(void **state) {
    struct test_server *server = *state;
    if (server != NULL) test_server_stop(server);
    free(server);
    return 0;
}

int test_server_flush(void **state) {
    struct test_server *server = *state;
    if (server->clock != NULL) test_clock_reset(server->clock);
    char *reply = test_server_command(server, "FLUSHALL", (char *)NULL);
    int failed = strcmp(reply, "OK") != 0;
    free(reply);
    return failed ? -1 : 0;
}
