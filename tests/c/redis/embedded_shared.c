/* The server of embedded:///directory, which several processes share: coming, going, and what is left behind. */
#include <sys/un.h>

#include "base/memory.h"
#include "redis/embedded_test.h"

static char directory[512];
static char url[600];

/* A shared directory called `name` in the scratch directory. */
static void use_directory(const char *name) {
    snprintf(directory, sizeof directory, "%s/%s", scratch, name);
    snprintf(url, sizeof url, "embedded://%s", directory);
}

static bool has(const char *name) {
    char path[600];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    return exists(path);
}

static void expect_ended(pid_t server) {
    eventually(!is_running(server));
    eventually(!has("keywright.sock") && !has("keywright.life") && !has("keywright.closing"));
}

/* The two shells that watch over a server: the one that waits for it, and the one that reads the FIFO. */
static void find_supervisor(pid_t server, pid_t shells[2]) {
    char command[512];
#if defined(__linux__) /* a bare system has no ps */
    static const char processes[] = "cat /proc/[0-9]*/stat 2>/dev/null | sed 's/(.*)/x/' | awk '{print $1, $4}'";
#else
    static const char processes[] = "ps -A -o pid= -o ppid=";
#endif
    snprintf(command, sizeof command,
             "%s | awk '{parent[$1] = $2} END {print parent[%d]; for (p in parent)"
             " if (parent[p] == parent[%d] && p != %d) print p}'",
             processes, (int)server, (int)server, (int)server);
    FILE *output = popen(command, "r");
    assert_non_null(output);
    int waits = 0, reads = 0;
    assert_int_equal(fscanf(output, "%d %d", &waits, &reads), 2);
    pclose(output);
    shells[0] = waits;
    shells[1] = reads;
}

static void kill_supervisor(pid_t server) {
    pid_t shells[2];
    find_supervisor(server, shells);
    assert_int_equal(kill(shells[0], SIGKILL), 0);
    assert_int_equal(kill(shells[1], SIGKILL), 0);
    eventually(!is_running(shells[0]) && !is_running(shells[1]));
}

static void data_survives_the_last_to_go(void **state) {
    (void)state;
    use_directory("data");
    own_server server;
    start(&server, url);
    assert_string_equal(server.home, directory);
    struct stat found;
    assert_int_equal(stat(directory, &found), 0);
    assert_int_equal(found.st_mode & 0777, 0700);
    expect_reply(&server, "appendonly\nyes", "CONFIG", "GET", "appendonly");
    expect_reply(&server, "port\n0", "CONFIG", "GET", "port");
    expect_reply(&server, "OK", "SET", "key", "value");
    pid_t first = server.pid;
    let_go(&server);
    start(&server, url); /* at once, while the first may be closing down */
    expect_reply(&server, "value", "GET", "key", NULL);
    let_go(&server);
    expect_ended(server.pid);
    start(&server, url);
    assert_int_not_equal(server.pid, first);
    expect_reply(&server, "value", "GET", "key", NULL);
    let_go(&server);
    expect_ended(server.pid);
}

static void two_processes_share_it(void **state) {
    (void)state;
    use_directory("data");
    own_server theirs, ours;
    pid_t child = in_a_process(start_and_tell, url, &theirs, sizeof theirs);
    start(&ours, url);
    assert_int_equal(ours.pid, theirs.pid);
    expect_reply(&ours, "OK", "SET", "key", "value");
    kill_and_wait(child); /* it had started the server, which goes on for us */
    sleep_ms(300);
    expect_reply(&ours, "value", "GET", "key", NULL);
    let_go(&ours);
    expect_ended(ours.pid);
}

static void it_ends_when_all_were_killed(void **state) {
    (void)state;
    use_directory("data");
    own_server first, second;
    pid_t one = in_a_process(start_and_tell, url, &first, sizeof first);
    pid_t other = in_a_process(start_and_tell, url, &second, sizeof second);
    assert_int_equal(first.pid, second.pid);
    kill_and_wait(one);
    sleep_ms(300);
    assert_true(is_running(first.pid));
    kill_and_wait(other);
    expect_ended(first.pid);
}

static void two_clients_of_one_process_share_it(void **state) {
    (void)state;
    use_directory("data");
    own_server one, other;
    start(&one, url);
    char same[1200];
    snprintf(same, sizeof same, "embedded://%s/../data/", directory);
    start(&other, same);
    assert_int_equal(one.pid, other.pid);
    assert_string_equal(one.url.shown, other.url.shown);
    let_go(&one);
    sleep_ms(300);
    expect_reply(&other, "PONG", "PING", NULL, NULL);
    let_go(&other);
    expect_ended(other.pid);
}

enum { USERS = 6, ROUNDS = 12 };

/* Comes and goes quickly, so that it meets servers that start, run and close. */
static void come_and_go(int user) {
    for (int round = 0; round < ROUNDS; round++) {
        own_server server;
        start(&server, url);
        char *reply = ask(server.connection, "INCR", "count", NULL);
        assert_true(reply != NULL && atoi(reply) > 0);
        free(reply);
        let_go(&server);
        sleep_ms((user + 1) * (round % 4) * 3);
    }
}

static void no_coming_and_going_loses_a_write(void **state) {
    (void)state;
    use_directory("data");
    pid_t users[USERS];
    for (int i = 0; i < USERS; i++) {
        users[i] = fork();
        assert_true(users[i] >= 0);
        if (users[i] == 0) {
            setenv("CMOCKA_TEST_ABORT", "1", 1);
            come_and_go(i);
            _exit(0);
        }
    }
    for (int i = 0; i < USERS; i++) {
        int status = -1;
        while (waitpid(users[i], &status, 0) < 0 && errno == EINTR)
            continue;
        assert_int_equal(status, 0);
    }
    own_server server;
    start(&server, url);
    char expected[16];
    snprintf(expected, sizeof expected, "%d", USERS * ROUNDS);
    expect_reply(&server, expected, "GET", "count", NULL);
    let_go(&server);
    expect_ended(server.pid);
}

/*
 * Between the end of the file and the moment when the FIFO's name is gone somebody may still come. How long that is
 * depends on the machine, so it is tried with many delays: whoever has come in must not see the server end under it.
 */
static void who_comes_as_the_last_goes_keeps_the_server(void **state) {
    (void)state;
    use_directory("data");
    own_server server;
    start(&server, url);
    int kept = 0;
    for (int delay_us = 0; delay_us < 4000; delay_us += 200) {
        pid_t before = server.pid;
        let_go(&server);
        usleep((useconds_t)delay_us);
        start(&server, url);
        sleep_ms(150); /* a server that was told to end has done so by now */
        assert_true(is_running(server.pid));
        expect_reply(&server, "PONG", "PING", NULL, NULL);
        own_server other; /* and others still find it */
        start(&other, url);
        assert_int_equal(other.pid, server.pid);
        let_go(&other);
        kept += server.pid == before;
    }
    print_message("%d of 20 came in time\n", kept);
    let_go(&server);
    expect_ended(server.pid);
}

static void it_recovers_after_everything_was_killed(void **state) {
    (void)state;
    use_directory("data");
    own_server theirs, ours;
    pid_t child = in_a_process(start_and_tell, url, &theirs, sizeof theirs);
    int connection = test_connection_open(theirs.socket);
    char *reply = ask(connection, "SET", "key", "value");
    assert_string_equal(reply, "OK");
    free(reply);
    close(connection);
    kill_supervisor(theirs.pid);
    kill(theirs.pid, SIGKILL);
    kill_and_wait(child);
    eventually(!is_running(theirs.pid));
    assert_true(has("keywright.sock") && has("keywright.life"));

    start(&ours, url);
    expect_reply(&ours, "value", "GET", "key", NULL);
    let_go(&ours);
    expect_ended(ours.pid);
}

static void it_recovers_when_the_server_crashed(void **state) {
    (void)state;
    use_directory("data");
    own_server old, new;
    start(&old, url);
    expect_reply(&old, "OK", "SET", "key", "value");
    kill(old.pid, SIGKILL);
    start(&new, url);
    expect_reply(&new, "value", "GET", "key", NULL);
    let_go(&new);
    sleep_ms(300);
    assert_true(is_running(new.pid)); /* who was there before the crash counts */
    close(old.connection);
    old.connection = test_connection_open(old.url.path);
    expect_reply(&old, "value", "GET", "key", NULL);
    let_go(&old);
    expect_ended(new.pid);
}

static void a_server_without_supervisor_is_replaced(void **state) {
    (void)state;
    use_directory("data");
    own_server old, new;
    start(&old, url);
    expect_reply(&old, "OK", "SET", "key", "value");
    kill_supervisor(old.pid);
    start(&new, url);
    assert_int_not_equal(new.pid, old.pid);
    eventually(!is_running(old.pid));
    expect_reply(&new, "value", "GET", "key", NULL);
    let_go(&old);
    let_go(&new);
    expect_ended(new.pid);
}

static void its_socket_lies_elsewhere_when_the_path_is_too_long(void **state) {
    (void)state;
    char name[121];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    use_directory(name);
    own_server theirs, ours;
    pid_t child = in_a_process(start_and_tell, url, &theirs, sizeof theirs);
    start(&ours, url);
    assert_int_equal(ours.pid, theirs.pid);
    assert_string_equal(ours.socket, theirs.socket);
    assert_true(strlen(ours.url.path) < sizeof(((struct sockaddr_un *)0)->sun_path));
    assert_int_equal(strncmp(ours.home, scratch, strlen(scratch)), 0);
    expect_reply(&ours, "OK", "SET", "key", "value");

    /* A crash does not move it, for those who are there know where it was. */
    kill(ours.pid, SIGKILL);
    own_server again;
    start(&again, url);
    assert_int_not_equal(again.pid, ours.pid);
    assert_string_equal(again.socket, ours.socket);
    expect_reply(&again, "value", "GET", "key", NULL);
    let_go(&again);
    let_go(&ours);
    kill_and_wait(child);
    expect_ended(again.pid);
    assert_false(exists(again.home));
}

static void what_cannot_be_a_directory_is_refused(void **state) {
    (void)state;
    char file[600], text[1200];
    use_directory("data");
    snprintf(file, sizeof file, "%s/file", scratch);
    fclose(fopen(file, "w"));
    const char *const suffixes[] = {"/nowhere/data", "/file"};
    for (size_t i = 0; i < 2; i++) {
        snprintf(text, sizeof text, "embedded://%s%s", scratch, suffixes[i]);
        own_server server;
        kw_error error;
        assert_int_equal(try_start(&server, text, &error), KW_CONNECTION);
        assert_int_equal(error.reason, KW_REASON_SERVER_START);
        assert_non_null(strstr(error.message, suffixes[i]));
    }
    char longest[5000] = "embedded:///";
    memset(longest + strlen(longest), 'x', 4900);
    own_server server;
    kw_error error;
    assert_int_equal(try_start(&server, longest, &error), KW_CONNECTION);
    assert_int_equal(error.reason, KW_REASON_SERVER_START);
}

static void a_directory_that_everybody_can_write_to_is_refused(void **state) {
    (void)state;
    use_directory("data");
    assert_int_equal(mkdir(directory, 0700), 0);
    assert_int_equal(chmod(directory, 01777), 0);
    own_server server;
    kw_error error;
    assert_int_equal(try_start(&server, url, &error), KW_CONNECTION);
    assert_int_equal(error.reason, KW_REASON_SERVER_START);
    assert_non_null(strstr(error.message, "directory of your own"));
    assert_int_equal(rmdir(directory), 0); /* nothing was put into it */
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    use_directory("data");
    kw_status status = KW_NO_MEMORY;
    for (uint64_t n = 1; status != KW_OK; n++) {
        kw__url parsed;
        kw__embedded *embedded;
        assert_int_equal(kw__url_parse(url, NULL, &parsed, NULL), KW_OK);
        kw__memory_fail_at(n, false);
        status = kw__embedded_start(&parsed, &embedded, NULL);
        kw__memory_fail_at(0, false);
        if (status != KW_OK) assert_int_equal(status, KW_NO_MEMORY);
        kw__embedded_release(embedded);
        kw__url_free(&parsed);
    }
    eventually(!has("keywright.sock") && !has("keywright.life") && !has("keywright.closing"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        embedded_test(data_survives_the_last_to_go),
        embedded_test(two_processes_share_it),
        embedded_test(it_ends_when_all_were_killed),
        embedded_test(two_clients_of_one_process_share_it),
        embedded_test(no_coming_and_going_loses_a_write),
        embedded_test(who_comes_as_the_last_goes_keeps_the_server),
        embedded_test(it_recovers_after_everything_was_killed),
        embedded_test(it_recovers_when_the_server_crashed),
        embedded_test(a_server_without_supervisor_is_replaced),
        embedded_test(its_socket_lies_elsewhere_when_the_path_is_too_long),
        embedded_test(what_cannot_be_a_directory_is_refused),
        embedded_test(a_directory_that_everybody_can_write_to_is_refused),
        embedded_test(every_allocation_may_fail),
    };
    return test_run(NULL, NULL);
}
