/* Whom one can meet behind an address, and what each is told apart by. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "keywright.h"
#include "support/fake.h"
#include "support/server.h"
#include "support/test.h"
#include "support/wait.h"

static kw_error error;

/* One ping of a new client, and how it ended. */
static kw_status ping(const char *url) {
    kw_client *client;
    assert_int_equal(kw_client_open(url, NULL, &client, &error), KW_OK);
    kw_status status = kw_client_ping(client, 0, &error);
    kw_client_free(client);
    return status;
}

static kw_status ping_fake(const char *answer, size_t length, bool closes) {
    struct test_fake fake;
    char url[160];
    test_fake_start(&fake, answer, length, closes);
    snprintf(url, sizeof url, "%s?timeout=300ms&connect_timeout=300ms", fake.url);
    kw_status status = ping(url);
    test_fake_stop(&fake);
    return status;
}

#define FAKE(answer, closes) ping_fake(answer, sizeof(answer) - 1, closes)

static void nobody_is_there(void **state) {
    (void)state;
    int64_t begun = test_now();
    assert_int_equal(ping("unix:///tmp/kw-nobody-listens-here"), KW_CONNECTION);
    assert_int_equal(error.reason, KW_REASON_REFUSED);
    assert_int_equal(error.retryable, 1);
    assert_int_equal(error.maybe_applied, 0);
    assert_non_null(strstr(error.message, "kw-nobody-listens-here"));
    assert_true(test_now() - begun < 2000000); /* at once, not at the deadline */
}

static void a_port_without_a_server(void **state) {
    (void)state;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof address;
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0); /* bound and not listening */
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    char url[64];
    snprintf(url, sizeof url, "redis://127.0.0.1:%d", ntohs(address.sin_port));
    assert_int_equal(ping(url), KW_CONNECTION);
    snprintf(url, sizeof url, "redis://localhost:%d", ntohs(address.sin_port)); /* a name, and its addresses in turn */
    assert_int_equal(ping(url), KW_CONNECTION);
    close(fd);
}

static void a_name_that_is_none(void **state) {
    (void)state;
    kw_status status = ping("redis://no-such-host.invalid?timeout=2s&connect_timeout=2s");
    assert_int_equal(status, KW_RESOLVE);
    assert_non_null(strstr(error.message, "no-such-host.invalid"));
}

static void one_who_never_answers(void **state) {
    (void)state;
    int64_t begun = test_now();
    assert_int_equal(ping_fake(NULL, 0, false), KW_CONNECTION); /* by the connect budget: no link came up */
    assert_in_range(test_now() - begun, 300000, 3000000);
    assert_int_equal(error.reason, KW_REASON_CONNECT_TIMEOUT);
    assert_non_null(strstr(error.message, "connect timeout: is it a server of Redis"));
}

static void one_who_hangs_up(void **state) {
    (void)state;
    assert_int_equal(ping_fake(NULL, 0, true), KW_CONNECTION);
    assert_int_equal(error.reason, KW_REASON_CLOSED_BY_PEER);
}

static void a_web_server(void **state) {
    (void)state;
    assert_int_equal(FAKE("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", true), KW_PROTOCOL);
    assert_non_null(strstr(error.message, "check host and port"));
}

static void one_who_talks_nonsense(void **state) {
    (void)state;
    assert_int_equal(FAKE("\x16\x03\x01\x02\x00\x01\xff", false), KW_PROTOCOL);
    assert_int_equal(FAKE("*2000000\r\n", false), KW_PROTOCOL);
    assert_int_equal(FAKE("$99999999999999999999\r\n", false), KW_PROTOCOL);
    assert_int_equal(
        FAKE(
            "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n",
            false),
        KW_PROTOCOL);
}

static void half_a_reply(void **state) {
    (void)state;
    assert_int_equal(FAKE("%3\r\n$6\r\nser", true), KW_CONNECTION);
    assert_int_equal(error.reason, KW_REASON_CLOSED_BY_PEER);
    assert_int_equal(FAKE("%3\r\n$6\r\nser", false), KW_CONNECTION); /* the connect budget */
    assert_int_equal(error.reason, KW_REASON_CONNECT_TIMEOUT);
}

static const char old_redis[] = "%2\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$5\r\n6.2.9\r\n+OK\r\n"
                                "$21\r\nredis_version:6.2.9\r\n\r\n*1\r\n$6\r\nmaster\r\n:1\r\n";
static const char old_valkey[] = "%2\r\n$6\r\nserver\r\n$6\r\nvalkey\r\n$7\r\nversion\r\n$5\r\n7.1.0\r\n+OK\r\n"
                                 "-NOPERM no\r\n-NOPERM no\r\n-NOPERM no\r\n";

static void one_who_is_too_old(void **state) {
    (void)state;
    assert_int_equal(FAKE(old_redis, false), KW_TOO_OLD);
    assert_non_null(strstr(error.message, "6.2.9"));
    assert_int_equal(FAKE(old_valkey, false), KW_TOO_OLD);
    assert_non_null(strstr(error.message, "Valkey 7.1.0"));
}

static void a_full_server(void **state) {
    (void)state;
    assert_int_equal(FAKE("-ERR max number of clients reached\r\n", true), KW_CONNECTION);
    assert_int_equal(error.reason, KW_REASON_MAX_CLIENTS);
    assert_non_null(strstr(error.message, "maxclients"));
}

static void a_server_with_a_password(void **state) {
    (void)state;
    struct test_server server;
    char url[200];
    test_server_start(&server, NULL);
    test_server_expect(&server, "OK", "CONFIG", "SET", "requirepass", "se:cret");
    snprintf(url, sizeof url, "unix://:se%%3Acret@%s", server.socket);
    assert_int_equal(ping(url), KW_OK);
    snprintf(url, sizeof url, "unix://default:se%%3Acret@%s?protocol=2", server.socket);
    assert_int_equal(ping(url), KW_OK);
    snprintf(url, sizeof url, "unix://:wrong@%s", server.socket);
    assert_int_equal(ping(url), KW_AUTH);
    assert_null(strstr(error.message, "wrong:"));
    snprintf(url, sizeof url, "unix://:wrong@%s?protocol=2", server.socket);
    assert_int_equal(ping(url), KW_AUTH);
    assert_int_equal(ping(server.url), KW_AUTH);
    assert_true(error.server[0] != '\0');
    test_server_stop(&server);
}

static kw_status hit(kw_client *client, const char *limits, kw_decision *decision) {
    kw_limiter *limiter;
    assert_int_equal(kw_limiter_open(client, "api", 3, limits, NULL, &limiter, &error), KW_OK);
    kw_status status = kw_limiter_hit(limiter, "k", 1, 1, 0, decision, &error);
    kw_limiter_free(limiter);
    return status;
}

/* Opens a client on the server, lets `prepare` spoil it, and says how a hit ends. */
static kw_status hit_server(struct test_server *server, const char *query) {
    kw_client *client;
    kw_decision decision;
    char url[200];
    snprintf(url, sizeof url, "%s%s", server->url, query);
    assert_int_equal(kw_client_open(url, NULL, &client, &error), KW_OK);
    kw_status status = hit(client, "10/s", &decision);
    kw_client_free(client);
    return status;
}

static void both_protocols(void **state) {
    struct test_server *server = *state;
    kw_client *client;
    kw_info info;
    char url[200];
    for (int protocol = 2; protocol <= 3; protocol++) {
        snprintf(url, sizeof url, "%s?protocol=%d&database=3&client_name=me", server->url, protocol);
        assert_int_equal(kw_client_open(url, NULL, &client, &error), KW_OK);
        assert_int_equal(kw_client_info(client, 0, &info, &error), KW_OK);
        assert_int_equal(info.protocol, protocol);
        assert_int_equal(info.role, KW_ROLE_PRIMARY);
        assert_true(info.version_number >= 7000000);
        assert_true(info.client_id > 0);
        char *list = test_server_command(server, "CLIENT", "LIST", (char *)NULL);
        assert_non_null(strstr(list, "name=me"));
        assert_non_null(strstr(list, "db=3"));
        free(list);
        kw_client_free(client);
    }
}

static void a_user_without_rights(void **state) {
    struct test_server *server = *state;
    test_server_expect(server, "OK", "ACL", "SETUSER", "poor", "on", ">pw", "~*", "+ping", "+select");
    char url[200];
    snprintf(url, sizeof url, "unix://poor:pw@%s", server->socket);
    assert_int_equal(ping(url), KW_OK); /* neither SETNAME nor INFO nor ROLE: it does without */
    kw_client *client;
    kw_decision decision;
    assert_int_equal(kw_client_open(url, NULL, &client, &error), KW_OK);
    assert_int_equal(hit(client, "10/s", &decision), KW_PERMISSION);
    assert_non_null(strstr(error.server, "NOPERM"));
    kw_client_free(client);
}

static void a_database_that_is_none(void **state) {
    struct test_server *server = *state;
    assert_int_equal(hit_server(server, "?database=9999"), KW_SERVER);
    assert_non_null(strstr(error.message, "9999"));
}

static void a_replica(void **state) {
    struct test_server *server = *state;
    char *ignored = test_server_command(server, "REPLICAOF", "127.0.0.1", "1", (char *)NULL);
    free(ignored);
    kw_status status = hit_server(server, "");
    test_server_expect(server, "OK", "REPLICAOF", "NO", "ONE");
    assert_int_equal(status, KW_READONLY);
    assert_int_equal(error.retryable, 1);
}

static void a_server_without_memory(void **state) {
    struct test_server *server = *state;
    test_server_expect(server, "OK", "CONFIG", "SET", "maxmemory", "1");
    kw_status status = hit_server(server, "");
    test_server_expect(server, "OK", "CONFIG", "SET", "maxmemory", "0");
    assert_int_equal(status, KW_SERVER_MEMORY);
}

static void a_server_that_stopped(void **state) {
    struct test_server *server = *state;
    kw_client *client;
    kw_decision decision;
    char url[200];
    snprintf(url, sizeof url, "%s?timeout=200ms", server->url);
    assert_int_equal(kw_client_open(url, NULL, &client, &error), KW_OK);
    assert_int_equal(hit(client, "10/s", &decision), KW_OK);
    test_server_signal(server, SIGSTOP);
    int64_t begun = test_now();
    kw_status status = hit(client, "10/s", &decision);
    int64_t took = test_now() - begun;
    test_server_signal(server, SIGCONT);
    assert_int_equal(status, KW_TIMEOUT);
    assert_in_range(took, 200000, 1500000);
    assert_int_equal(error.maybe_applied, 1);
    assert_int_equal(hit(client, "10/s", &decision),
                     KW_OK); /* the same link goes on, and nobody got another's answer */
    kw_client_free(client);
}

static void a_server_that_was_restarted(void **state) {
    (void)state;
    struct test_server server;
    kw_client *client;
    test_server_start(&server, NULL);
    assert_int_equal(kw_client_open(server.url, NULL, &client, &error), KW_OK);
    kw_decision decision;
    assert_int_equal(hit(client, "10/s", &decision), KW_OK);
    char *killed = test_server_command(&server, "CLIENT", "KILL", "TYPE", "normal", (char *)NULL);
    free(killed);
    test_sleep(20000);
    assert_int_equal(hit(client, "10/s", &decision), KW_OK); /* seen before a byte was written */
    kw_stats stats;
    kw_client_stats(client, &stats, &error);
    assert_int_equal(stats.reconnects, 1);
    test_server_signal(&server, SIGKILL);
    test_sleep(50000);
    int64_t begun = test_now();
    assert_int_equal(hit(client, "10/s", &decision), KW_CONNECTION);
    assert_true(test_now() - begun < 2000000);
    kw_client_free(client);
    test_server_stop(&server);
}

static int start(void **state) {
    static struct test_server server;
    test_server_start(&server, NULL);
    *state = &server;
    return 0;
}

static int stop(void **state) {
    test_server_stop(*state);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_is_there),
        cmocka_unit_test(a_port_without_a_server),
        cmocka_unit_test(a_name_that_is_none),
        cmocka_unit_test(one_who_never_answers),
        cmocka_unit_test(one_who_hangs_up),
        cmocka_unit_test(a_web_server),
        cmocka_unit_test(one_who_talks_nonsense),
        cmocka_unit_test(half_a_reply),
        cmocka_unit_test(one_who_is_too_old),
        cmocka_unit_test(a_full_server),
        cmocka_unit_test(a_server_with_a_password),
        cmocka_unit_test(both_protocols),
        cmocka_unit_test(a_user_without_rights),
        cmocka_unit_test(a_database_that_is_none),
        cmocka_unit_test(a_replica),
        cmocka_unit_test(a_server_without_memory),
        cmocka_unit_test(a_server_that_stopped),
        cmocka_unit_test(a_server_that_was_restarted),
    };
    return test_run(start, stop);
}
