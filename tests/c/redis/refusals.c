/*
 * What a server in trouble answers, and what becomes of it: a status of its own, a message that says what to do, the
 * server's words, and the truth about what may be tried again.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keywright.h"
#include "redis/reply.h"
#include "support/connection.h"
#include "support/server.h"
#include "support/test.h"
#include "support/wait.h"

static kw_error error;

/* Every first word that a server may begin an error with, and those that are none of these. */
static void words_of_servers(void **state) {
    (void)state;
    static const struct {
        const char *words;
        kw_status status;
        bool retryable;
        const char *says;
    } answers[] = {
        {"WRONGTYPE Operation against a key", KW_WRONG_TYPE, false, "prefix"},
        {"READONLY You can't write against a read only replica.", KW_READONLY, true, "primary"},
        {"LOADING Redis is loading the dataset in memory", KW_LOADING, true, "loading"},
        {"OOM command not allowed when used memory > 'maxmemory'.", KW_SERVER_MEMORY, true, "maxmemory"},
        {"OOM", KW_SERVER_MEMORY, true, "maxmemory"},
        {"NOPERM this user has no permissions", KW_PERMISSION, false, "ACL"},
        {"NOAUTH Authentication required.", KW_AUTH, false, "password"},
        {"WRONGPASS invalid username-password pair", KW_AUTH, false, "URL"},
        {"MISCONF Redis is configured to save RDB snapshots", KW_SERVER, false, "log"},
        {"BUSY Redis is busy running a script.", KW_SERVER, false, "SCRIPT KILL"},
        {"MASTERDOWN Link with MASTER is down", KW_READONLY, true, "primary"},
        {"NOREPLICAS Not enough good replicas to write.", KW_SERVER, false, "min-replicas-to-write"},
        {"MOVED 3999 127.0.0.1:6381", KW_UNSUPPORTED, false, "cluster"},
        {"CLUSTERDOWN The cluster is down", KW_SERVER, false, "cluster"},
        {"ERR max number of clients reached", KW_CONNECTION, true, "maxclients"},
        {"ERR something else", KW_SERVER, false, "error"},
        {"LOADINGS is no word", KW_SERVER, false, "error"},
        {"oom in small letters", KW_SERVER, false, "error"},
        {"", KW_SERVER, false, "error"},
    };
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        kw__reply reply = {.kind = KW__REPLY_ERROR, .bytes = kw__bytes_text(answers[i].words)};
        assert_int_equal(kw__reply_failure(&reply, &error), answers[i].status);
        assert_int_equal(error.code, answers[i].status);
        assert_int_equal(error.retryable, answers[i].retryable);
        assert_int_equal(error.maybe_applied, 0);
        assert_string_equal(error.server, answers[i].words);
        if (strstr(error.message, answers[i].says) == NULL) {
            fail_msg("\"%s\" does not say \"%s\"", error.message, answers[i].says);
        }
    }
}

static void words_that_are_too_many(void **state) {
    (void)state;
    char words[400] = "ERR ";
    while (strlen(words) < sizeof words - 4)
        strcat(words, "\xE2\x82\xAC"); /* three bytes each, never cut */
    kw__reply reply = {.kind = KW__REPLY_ERROR, .bytes = kw__bytes_text(words)};
    assert_int_equal(kw__reply_failure(&reply, &error), KW_SERVER);
    size_t length = strlen(error.server);
    assert_in_range(length, sizeof error.server - 4, sizeof error.server - 1);
    assert_int_equal((length - 4) % 3, 0);
    reply.bytes = kw__bytes_of("ERR a\r\nb\0c\x1B[2J\xFF", 15);
    kw__reply_failure(&reply, &error);
    assert_string_equal(error.server, "ERR a??b?c?[2J?"); /* nothing that a terminal would obey */
}

/* Real servers */

static struct test_server server;
static kw_client *client;
static kw_limiter *limiter;

static kw_status hit(void) {
    kw_decision decision;
    return kw_limiter_hit(limiter, "u", 1, 1, 0, &decision, &error);
}

static void open_on(const struct test_server *of) {
    assert_int_equal(kw_client_open(of->url, NULL, &client, &error), KW_OK);
    assert_int_equal(kw_limiter_open(client, "api", 3, "1000/s", NULL, &limiter, &error), KW_OK);
}

static void close_it(void) {
    kw_limiter_free(limiter);
    kw_client_free(client);
}

static void refused(kw_status status, bool retryable, const char *server_says) {
    assert_int_equal(hit(), status);
    assert_int_equal(error.retryable, retryable);
    assert_int_equal(error.maybe_applied, 0);
    if (strstr(error.server, server_says) == NULL) fail_msg("the server said \"%s\"", error.server);
}

static void config(const char *name, const char *value) {
    test_server_expect(&server, "OK", "CONFIG", "SET", name, value);
}

static void too_few_replicas(void **state) {
    (void)state;
    open_on(&server);
    assert_int_equal(hit(), KW_OK);
    config("min-replicas-to-write", "1");
    refused(KW_SERVER, false, "NOREPLICAS");
    config("min-replicas-to-write", "0");
    assert_int_equal(hit(), KW_OK);
    close_it();
}

static void a_replica_without_its_primary(void **state) {
    (void)state;
    config("replica-serve-stale-data", "no");
    free(test_server_command(&server, "REPLICAOF", "127.0.0.1", "1", (char *)NULL));
    open_on(&server);
    kw_decision decision;
    kw_status status = kw_limiter_peek(limiter, "u", 1, 1, 0, &decision, &error); /* a write is told READONLY */
    kw_error told = error;
    test_server_expect(&server, "OK", "REPLICAOF", "NO", "ONE");
    config("replica-serve-stale-data", "yes");
    assert_int_equal(status, KW_READONLY);
    assert_int_equal(told.retryable, 1);
    assert_non_null(strstr(told.server, "MASTERDOWN"));
    close_it();
}

static void *run_without_end(void *unused) {
    static const char *const words[] = {"EVAL", "while true do end", "0"};
    static const size_t lengths[] = {4, 17, 1};
    int connection = test_connection_open(server.socket);
    free(test_connection_call(connection, 3, words, lengths));
    return unused;
}

static void a_script_that_does_not_end(void **state) {
    (void)state;
    pthread_t thread;
    open_on(&server);
    assert_int_equal(hit(), KW_OK);
    config("lua-time-limit", "20");
    assert_int_equal(pthread_create(&thread, NULL, run_without_end, NULL), 0);
    int64_t until = test_now() + 5000000;
    while (hit() == KW_OK && test_now() < until)
        test_sleep(1000);
    refused(KW_SERVER, false, "BUSY");
    assert_non_null(strstr(error.message, "SCRIPT KILL"));
    test_server_expect(&server, "OK", "SCRIPT", "KILL");
    pthread_join(thread, NULL);
    assert_int_equal(hit(), KW_OK);
    close_it();
}

/* For as long as it loads, each call is told at once: by a link that was up before, and by one that is made meanwhile.
 */
static void *load_again(void *of) {
    static const char *const words[] = {"DEBUG", "RELOAD"};
    static const size_t lengths[] = {5, 6};
    int connection = test_connection_open(((struct test_server *)of)->socket);
    free(test_connection_call(connection, 2, words, lengths));
    close(connection);
    return NULL;
}

static void a_server_that_loads_its_data(void **state) {
    (void)state;
    struct test_server slow;
    pthread_t thread;
    kw_client *other;
    kw_decision decision;
    static const char *const arguments[] = {"--enable-debug-command",
                                            "yes",
                                            "--loading-process-events-interval-bytes",
                                            "1024",
                                            "--rdbcompression",
                                            "no",
                                            NULL};
    static const char fill[] = "for i = 1, 2000 do redis.call('SET', 'filler' .. i, string.rep('x', 100)) end";
    test_server_start(&slow, arguments);
    free(test_server_command(&slow, "EVAL", fill, "0", (char *)NULL));
    open_on(&slow);
    assert_int_equal(hit(), KW_OK);
    test_server_expect(&slow, "OK", "CONFIG", "SET", "key-load-delay", "5000"); /* ten seconds */
    assert_int_equal(pthread_create(&thread, NULL, load_again, &slow), 0);
    int64_t until = test_now() + 5000000;
    while (hit() == KW_OK && test_now() < until)
        test_sleep(1000);
    int64_t begun = test_now();
    refused(KW_LOADING, true, "LOADING");
    assert_non_null(strstr(error.message, "try again shortly"));
    assert_int_equal(kw_limiter_peek(limiter, "u", 1, 1, 0, &decision, &error), KW_LOADING);
    assert_int_equal(kw_client_open(slow.url, NULL, &other, &error), KW_OK);
    kw_status status = kw_client_ping(other, 0, &error);
    assert_int_equal(status, KW_LOADING);
    assert_int_equal(error.retryable, 1);
    assert_true(test_now() - begun < 4000000);
    test_server_expect(&slow, "OK", "CONFIG", "SET", "key-load-delay", "0");
    pthread_join(thread, NULL);
    assert_int_equal(hit(), KW_OK); /* the same link goes on */
    assert_int_equal(kw_limiter_peek(limiter, "u", 1, 1, 0, &decision, &error), KW_OK);
    test_server_expect(&slow, "1", "EXISTS", "filler2000"); /* what was kept came back */
    assert_int_equal(kw_client_ping(other, 0, &error), KW_OK);
    kw_client_free(other);
    close_it();
    test_server_stop(&slow);
}

/* What takes is refused whole; what gives back and what only looks is done. */
static void a_server_without_memory(void **state) {
    (void)state;
    kw_decision charged, decision;
    open_on(&server);
    assert_int_equal(kw_limiter_reset(limiter, "u", 1, 0, &error), KW_OK);
    assert_int_equal(kw_limiter_hit(limiter, "u", 1, 5, 0, &charged, &error), KW_OK);
    config("maxmemory", "1");
    refused(KW_SERVER_MEMORY, true, "OOM");
    assert_non_null(strstr(error.message, "raise maxmemory or free keys"));
    kw_status peeked = kw_limiter_peek(limiter, "u", 1, 1, 0, &decision, &error);
    kw_status refunded = kw_limiter_refund(limiter, "u", 1, &charged, 5, 0, &error);
    kw_status reset = kw_limiter_reset(limiter, "u", 1, 0, &error);
    config("maxmemory", "0");
    assert_int_equal(peeked, KW_OK);
    assert_int_equal(refunded, KW_OK);
    assert_int_equal(reset, KW_OK);
    test_server_expect(&server, "0", "EXISTS", "kw:limiter:{api:u}:tat:1000000");
    assert_int_equal(hit(), KW_OK);
    close_it();
}

/* It cannot save, and is set to take no writes then. */
static void a_server_that_cannot_save(void **state) {
    (void)state;
    struct test_server stuck;
    static const char *const arguments[] = {"--save", "3600 1000000", NULL};
    test_server_start(&stuck, arguments);
    open_on(&stuck);
    assert_int_equal(hit(), KW_OK);
    char dump[128];
    snprintf(dump, sizeof dump, "%s/dump.rdb", stuck.directory);
    assert_int_equal(mkdir(dump, 0700), 0); /* in the place of the file */
    free(test_server_command(&stuck, "BGSAVE", (char *)NULL));
    int64_t until = test_now() + 5000000;
    while (hit() == KW_OK && test_now() < until)
        test_sleep(5000);
    refused(KW_SERVER, false, "MISCONF");
    assert_non_null(strstr(error.message, "see its log"));
    test_server_expect(&stuck, "OK", "CONFIG", "SET", "stop-writes-on-bgsave-error", "no");
    assert_int_equal(hit(), KW_OK);
    close_it();
    test_server_stop(&stuck);
}

/* Beside the test's own connection there is room for nobody. */
static void no_room_for_another_client(void **state) {
    (void)state;
    config("maxclients", "1");
    open_on(&server);
    kw_status status = hit();
    kw_error told = error;
    config("maxclients", "1000");
    assert_int_equal(status, KW_CONNECTION);
    assert_int_equal(told.reason, KW_REASON_MAX_CLIENTS);
    assert_int_equal(told.retryable, 1);
    assert_int_equal(told.maybe_applied, 0);
    assert_non_null(strstr(told.message, "maxclients"));
    assert_int_equal(hit(), KW_OK);
    close_it();
}

static void a_key_of_ours_that_is_not_ours(void **state) {
    (void)state;
    static const char key[] = "kw:limiter:{api:u}:tat:1000000";
    open_on(&server);
    free(test_server_command(&server, "DEL", key, (char *)NULL));
    free(test_server_command(&server, "LPUSH", key, "somebody's list", (char *)NULL));
    refused(KW_WRONG_TYPE, false, "WRONGTYPE");
    char *kept = test_server_command(&server, "LRANGE", key, "0", "-1", (char *)NULL);
    assert_string_equal(kept, "somebody's list");
    free(kept);
    assert_int_equal(kw_limiter_reset(limiter, "u", 1, 0, &error), KW_OK);
    assert_int_equal(hit(), KW_OK);
    close_it();
}

static void a_member_of_a_cluster(void **state) {
    (void)state;
    struct test_server member;
    static const char *const arguments[] = {"--cluster-enabled", "yes", "--port", "0", NULL};
    test_server_start(&member, arguments);
    open_on(&member);
    assert_int_equal(hit(), KW_SERVER); /* no slot is served */
    assert_non_null(strstr(error.server, "CLUSTERDOWN"));
    close_it();
    test_server_stop(&member);
}

static int start(void **state) {
    (void)state;
    test_server_start(&server, NULL);
    return 0;
}

static int stop(void **state) {
    (void)state;
    test_server_stop(&server);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_of_servers),           cmocka_unit_test(words_that_are_too_many),
        cmocka_unit_test(too_few_replicas),           cmocka_unit_test(a_replica_without_its_primary),
        cmocka_unit_test(a_script_that_does_not_end), cmocka_unit_test(a_server_that_loads_its_data),
        cmocka_unit_test(a_server_without_memory),    cmocka_unit_test(a_server_that_cannot_save),
        cmocka_unit_test(no_room_for_another_client), cmocka_unit_test(a_key_of_ours_that_is_not_ours),
        cmocka_unit_test(a_member_of_a_cluster),
    };
    return test_run(start, stop);
}
