/* Whom TLS lets through, and what is said about the others. The certificates are made here. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "keywright.h"
#include "support/server.h"
#include "support/test.h"
#include "support/tls_peer.h"
#include "support/wait.h"

#define HERE "DNS:localhost,IP:127.0.0.1"

/* A server without TLS, and certificates in its folder, which goes with it. */
static struct world {
    struct test_server server;
    struct test_certificate ca, other_ca, between, good, below, elsewhere, expired, early, lonely, named, client,
        stranger;
} world;

static kw_error error;

static void make(struct test_certificate *made, const char *name, const struct test_certificate *issuer,
                 struct test_certificate_wish wish) {
    test_certificate_make(made, world.server.directory, name, issuer, wish);
}

static int start(void **state) {
    (void)state;
    unsetenv("SSL_CERT_FILE");
    unsetenv("SSL_CERT_DIR");
    test_server_start(&world.server, NULL);
    const struct test_certificate_wish authority = {.is_authority = true}, here = {.names = HERE}, bare = {0};
    make(&world.ca, "ca", NULL, authority);
    make(&world.other_ca, "other-ca", NULL, authority);
    make(&world.between, "between", &world.ca, authority);
    make(&world.good, "good", &world.ca, here);
    make(&world.below, "below", &world.between, (struct test_certificate_wish){.names = HERE, .chain = &world.between});
    make(&world.elsewhere, "elsewhere", &world.ca,
         (struct test_certificate_wish){.names = "DNS:cache.example.com,DNS:*.inner.example.com,IP:10.1.2.3"});
    make(&world.expired, "expired", &world.ca,
         (struct test_certificate_wish){.names = HERE, .from = -7200, .until = -3600});
    make(&world.early, "early", &world.ca, (struct test_certificate_wish){.names = HERE, .from = 7200, .until = 9000});
    make(&world.lonely, "lonely", NULL, here);
    make(&world.named, "localhost", &world.ca, bare);
    make(&world.client, "client", &world.ca, bare);
    make(&world.stranger, "stranger", &world.other_ca, (struct test_certificate_wish){.is_rsa = true});
    return 0;
}

static int stop(void **state) {
    (void)state;
    struct test_certificate *all = &world.ca;
    while (all <= &world.stranger)
        test_certificate_free(all++);
    test_server_stop(&world.server);
    return 0;
}

/* One ping of a new client, and how it ended. The query begins with '?'. */
static kw_status ping_by(const char *scheme, const char *host, int port, const char *query,
                         const kw_client_options *options) {
    kw_client *client;
    char url[1024];
    snprintf(url, sizeof url, "%s://%s:%d%s", scheme, host, port, query);
    kw_status opened = kw_client_open(url, options, &client, &error);
    if (opened != KW_OK) fail_msg("%s: %s", url, error.message);
    kw_status status = kw_client_ping(client, 0, &error);
    if (status < 0) {
        assert_int_equal(error.code, status);
        assert_int_equal(error.maybe_applied, 0);
    }
    kw_client_free(client);
    return status;
}

static void expect(kw_status status, kw_status wanted, kw_reason reason, const char *says) {
    if (status != wanted || (status < 0 && (error.reason != reason || strstr(error.message, says) == NULL))) {
        fail_msg("status %d, reason %d: %s (%s)", (int)status, (int)error.reason, error.message, error.server);
    }
}

/* A query with our CA, and more behind it. */
static const char *trusting(const char *more) {
    static char query[640];
    snprintf(query, sizeof query, "?ca=%s%s", world.ca.file, more);
    return query;
}

/* A ping of a peer that is there for it alone. */
static kw_status meet(const struct test_certificate *certificate, struct test_tls_manner manner, const char *host,
                      const char *query) {
    struct test_tls_peer peer;
    test_tls_peer_start(&peer, world.server.socket, certificate, manner);
    kw_status status = ping_by("rediss", host, peer.port, query, NULL);
    test_tls_peer_stop(&peer);
    return status;
}

static const struct test_tls_manner well = {0};

static void a_good_chain(void **state) {
    (void)state;
    struct test_tls_peer peer;
    test_tls_peer_start(&peer, world.server.socket, &world.good, well);
    expect(ping_by("rediss", "localhost", peer.port, trusting(""), NULL), KW_OK, 0, "");
    assert_string_equal(peer.asked_for, "localhost");
    expect(ping_by("valkeys", "127.0.0.1", peer.port, trusting("&protocol=2"), NULL), KW_OK, 0, "");
    assert_string_equal(peer.asked_for, ""); /* addresses are not told */
    expect(ping_by("rediss", "127.0.0.1", peer.port, trusting("&server_name=localhost"), NULL), KW_OK, 0, "");
    assert_string_equal(peer.asked_for, "localhost");
    expect(ping_by("rediss", "localhost", peer.port, trusting("&server_name=127.0.0.1"), NULL), KW_OK, 0, "");
    assert_string_equal(peer.asked_for, "");
    test_tls_peer_stop(&peer);
}

static void a_chain_of_three(void **state) {
    (void)state;
    char query[256];
    expect(meet(&world.below, well, "localhost", trusting("")), KW_OK, 0, "");
    /* Whoever is trusted is trusted, also one in between. */
    snprintf(query, sizeof query, "?ca=%s", world.between.file);
    expect(meet(&world.below, well, "localhost", query), KW_OK, 0, "");
}

static void a_certificate_with_a_common_name_alone(void **state) {
    (void)state;
    expect(meet(&world.named, well, "localhost", trusting("")), KW_OK, 0, "");
    expect(meet(&world.named, well, "127.0.0.1", trusting("")), KW_TLS, KW_REASON_TLS_NAME, "but for localhost");
}

static void an_older_version(void **state) {
    (void)state;
    expect(meet(&world.good, (struct test_tls_manner){.newest = TLS1_2_VERSION}, "localhost", trusting("")), KW_OK, 0,
           "");
    const struct test_tls_manner outdated = {.oldest = TLS1_VERSION, .newest = TLS1_1_VERSION};
    expect(meet(&world.good, outdated, "localhost", trusting("")), KW_TLS, KW_REASON_TLS_HANDSHAKE,
           "neither 1.2 nor 1.3");
    assert_int_equal(error.retryable, 0);
}

static void a_ca_that_is_not_trusted(void **state) {
    (void)state;
    char query[256];
    snprintf(query, sizeof query, "?ca=%s", world.other_ca.file);
    expect(meet(&world.good, well, "localhost", query), KW_TLS, KW_REASON_TLS_UNKNOWN_CA, world.other_ca.file);
    assert_int_equal(error.retryable, 0);
    expect(meet(&world.good, well, "localhost", strcat(query, "&verify=chain")), KW_TLS, KW_REASON_TLS_UNKNOWN_CA,
           "name its CA by ca=");
    expect(meet(&world.lonely, well, "localhost", trusting("")), KW_TLS, KW_REASON_TLS_UNKNOWN_CA, "self");
    snprintf(query, sizeof query, "?ca=%s", world.lonely.file);
    expect(meet(&world.lonely, well, "localhost", query), KW_OK, 0, "");
}

static void a_certificate_for_another_name(void **state) {
    (void)state;
    expect(meet(&world.elsewhere, well, "localhost", trusting("")), KW_TLS, KW_REASON_TLS_NAME,
           "not for localhost but for cache.example.com, *.inner.example.com, 10.1.2.3");
    expect(meet(&world.elsewhere, well, "127.0.0.1", trusting("")), KW_TLS, KW_REASON_TLS_NAME,
           "not for 127.0.0.1 but for");
    assert_int_equal(error.retryable, 0);
    expect(meet(&world.elsewhere, well, "localhost", trusting("&server_name=cache.example.com")), KW_OK, 0, "");
    expect(meet(&world.elsewhere, well, "localhost", trusting("&server_name=cache.example.com.")), KW_OK, 0, "");
    expect(meet(&world.elsewhere, well, "localhost", trusting("&server_name=a.inner.example.com")), KW_OK, 0, "");
    expect(meet(&world.elsewhere, well, "localhost", trusting("&server_name=10.1.2.3")), KW_OK, 0, "");
    expect(meet(&world.elsewhere, well, "localhost", trusting("&server_name=a.b.inner.example.com")), KW_TLS,
           KW_REASON_TLS_NAME, "");
    expect(meet(&world.elsewhere, well, "localhost", trusting("&verify=chain")), KW_OK, 0, "");
}

static void a_certificate_out_of_its_time(void **state) {
    (void)state;
    expect(meet(&world.expired, well, "localhost", trusting("")), KW_TLS, KW_REASON_TLS_EXPIRED, "expired at 20");
    assert_int_equal(error.retryable, 0);
    expect(meet(&world.early, well, "localhost", trusting("")), KW_TLS, KW_REASON_TLS_EXPIRED, "not valid before 20");
    expect(meet(&world.expired, well, "localhost", trusting("&verify=chain")), KW_TLS, KW_REASON_TLS_EXPIRED, "");
}

static void nothing_is_verified_on_demand(void **state) {
    (void)state;
    expect(meet(&world.expired, well, "localhost", "?verify=none"), KW_OK, 0, "");
    expect(meet(&world.elsewhere, well, "localhost", "?verify=none"), KW_OK, 0, "");
    expect(meet(&world.lonely, well, "127.0.0.1", "?verify=none"), KW_OK, 0, "");
}

static void a_port_without_tls(void **state) {
    (void)state;
    const struct test_tls_manner talks = {.answer = "-ERR unknown command\r\n"},
                                 web = {.answer = "HTTP/1.1 400 Bad Request\r\n\r\n"};
    expect(meet(NULL, talks, "localhost", trusting("")), KW_TLS, KW_REASON_TLS_PLAIN_PORT, "use redis://");
    assert_int_equal(error.retryable, 0);
    expect(meet(NULL, web, "localhost", trusting("")), KW_TLS, KW_REASON_TLS_PLAIN_PORT,
           "does not speak TLS at this port");
}

static void a_port_that_keeps_silent(void **state) {
    (void)state;
    int64_t begun = test_now();
    const struct test_tls_manner silent = {.is_silent = true}, plain = {.is_plain = true};
    expect(meet(NULL, silent, "127.0.0.1", trusting("&connect_timeout=300ms")), KW_CONNECTION,
           KW_REASON_CONNECT_TIMEOUT, "does it speak TLS at that port? if not, use redis://");
    assert_in_range(test_now() - begun, 300000, 3000000);
    /* As a server of ours does at its port without TLS: it waits for the end of a line. */
    expect(meet(NULL, plain, "127.0.0.1", trusting("&connect_timeout=300ms")), KW_CONNECTION, KW_REASON_CONNECT_TIMEOUT,
           "use redis://");
    begun = test_now();
    expect(meet(NULL, silent, "127.0.0.1", trusting("&timeout=100ms&connect_timeout=200ms")), KW_CONNECTION,
           KW_REASON_CONNECT_TIMEOUT, "TLS");
    assert_in_range(test_now() - begun, 200000, 2000000);
}

static void a_handshake_that_is_cut(void **state) {
    (void)state;
    const struct test_tls_manner cuts = {.cuts = true};
    expect(meet(NULL, cuts, "localhost", trusting("")), KW_TLS, KW_REASON_TLS_HANDSHAKE, "closed the connection");
    assert_int_equal(error.retryable, 1);
}

static void a_port_with_tls_by_a_plain_url(void **state) {
    (void)state;
    struct test_tls_peer peer;
    test_tls_peer_start(&peer, world.server.socket, &world.good, well);
    kw_status status = ping_by("redis", "localhost", peer.port, "", NULL);
    test_tls_peer_stop(&peer);
    expect(status, KW_CONNECTION, KW_REASON_CLOSED_BY_PEER, "does it expect TLS? use rediss://");
    /* Others send an alert: unexpected_message, of TLS 1.2. */
    test_tls_peer_start(&peer, NULL, NULL, (struct test_tls_manner){.answer = "\x15\x03\x03\x02\x02\x0A"});
    status = ping_by("redis", "localhost", peer.port, "", NULL);
    test_tls_peer_stop(&peer);
    expect(status, KW_PROTOCOL, KW_REASON_TLS_EXPECTED, "use rediss://");
}

static void ask_for_certificate(int newest) {
    const struct test_tls_manner asks = {.client_ca_file = world.ca.file, .newest = newest};
    char more[400];
    expect(meet(&world.good, asks, "localhost", trusting("")), KW_TLS, KW_REASON_TLS_CLIENT_CERTIFICATE,
           "give one by cert=");
    assert_int_equal(error.retryable, 0);
    snprintf(more, sizeof more, "&cert=%s&key=%s", world.client.file, world.client.key_file);
    expect(meet(&world.good, asks, "localhost", trusting(more)), KW_OK, 0, "");
    snprintf(more, sizeof more, "&cert=%s&key=%s", world.stranger.file, world.stranger.key_file);
    expect(meet(&world.good, asks, "localhost", trusting(more)), KW_TLS, KW_REASON_TLS_CLIENT_CERTIFICATE,
           "refuses the client certificate");
    assert_non_null(strstr(error.server, "unknown ca"));
}

static void a_client_certificate(void **state) {
    (void)state;
    ask_for_certificate(TLS1_2_VERSION); /* where the handshake fails */
    ask_for_certificate(0);              /* where it is told after it */
}

static void certificate_and_key_in_one_file(void **state) {
    (void)state;
    char path[128], more[200], line[4096];
    snprintf(path, sizeof path, "%s/both.pem", world.server.directory);
    FILE *both = fopen(path, "w");
    const char *const parts[] = {world.client.key_file, world.client.file};
    for (int i = 0; i < 2; i++) {
        FILE *part = fopen(parts[i], "r");
        while (fgets(line, sizeof line, part) != NULL)
            fputs(line, both);
        fclose(part);
    }
    fclose(both);
    snprintf(more, sizeof more, "&cert=%s", path);
    expect(meet(&world.good, (struct test_tls_manner){.client_ca_file = world.ca.file}, "localhost", trusting(more)),
           KW_OK, 0, "");
}

static void a_directory_of_cas(void **state) {
    (void)state;
    char folder[96], query[128];
    snprintf(folder, sizeof folder, "%s/cas", world.server.directory);
    snprintf(query, sizeof query, "?ca=%s", folder);
    assert_int_equal(mkdir(folder, 0700), 0);
    expect(meet(&world.good, well, "localhost", query), KW_TLS, KW_REASON_TLS_FILE, "openssl rehash");
    test_certificate_write_hashed(&world.other_ca, folder);
    expect(meet(&world.good, well, "localhost", query), KW_TLS, KW_REASON_TLS_UNKNOWN_CA, folder);
    test_certificate_write_hashed(&world.ca, folder);
    expect(meet(&world.good, well, "localhost", query), KW_OK, 0, "");
}

static void cas_by_the_environment(void **state) {
    (void)state;
    char folder[96], list[200];
    snprintf(folder, sizeof folder, "%s/named", world.server.directory);
    snprintf(list, sizeof list, "/nowhere:%s", folder);
    assert_int_equal(mkdir(folder, 0700), 0);
    test_certificate_write_hashed(&world.ca, folder);
    kw_status told[5];
    setenv("SSL_CERT_FILE", world.ca.file, 1);
    told[0] = meet(&world.good, well, "localhost", "");
    setenv("SSL_CERT_FILE", world.other_ca.file, 1);
    told[1] = meet(&world.good, well, "localhost", "");
    kw_reason reason = error.reason;
    bool says = strstr(error.message, "SSL_CERT_FILE=") != NULL;
    told[2] = meet(&world.good, well, "localhost", trusting("")); /* the URL comes first */
    setenv("SSL_CERT_DIR", list, 1);
    told[3] = meet(&world.good, well, "localhost", "");
    setenv("SSL_CERT_FILE", "/nowhere", 1);
    told[4] = meet(&world.good, well, "localhost", "");
    setenv("SSL_CERT_DIR", "/nowhere", 1);
    kw_status nowhere = meet(&world.good, well, "localhost", "");
    unsetenv("SSL_CERT_FILE");
    unsetenv("SSL_CERT_DIR");
    expect(nowhere, KW_TLS, KW_REASON_TLS_FILE, "SSL_CERT_FILE=/nowhere and SSL_CERT_DIR=/nowhere");
    const kw_status wanted[5] = {KW_OK, KW_TLS, KW_OK, KW_OK, KW_OK};
    assert_memory_equal(told, wanted, sizeof told);
    assert_int_equal(reason, KW_REASON_TLS_UNKNOWN_CA);
    assert_true(says);
}

static void write_text(const char *path, const char *text) {
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void files_that_cannot_be_used(void **state) {
    (void)state;
    char junk[128], locked[128], more[400];
    snprintf(junk, sizeof junk, "%s/junk", world.server.directory);
    snprintf(locked, sizeof locked, "%s/locked", world.server.directory);
    write_text(junk, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    test_certificate_write_locked_key(&world.client, locked);
    const struct {
        const char *query;
        const char *says;
    } cases[] = {
        {"?ca=/nowhere", "ca names /nowhere, which cannot be read: No such file"},
        {"?ca=/dev/null", "ca names /dev/null, which cannot be read: it is no file"},
        {"?ca=~junk", "holds no CA certificates"},
        {"?ca=~ca.crt&cert=/nowhere", "cert names /nowhere"},
        {"?ca=~ca.crt&cert=~client.crt&key=/nowhere", "key names /nowhere"},
        {"?ca=~ca.crt&cert=~junk&key=~client.key", "holds no certificate"},
        {"?ca=~ca.crt&cert=~client.crt", "holds no key"},
        {"?ca=~ca.crt&cert=~client.crt&key=~junk", "holds no key"},
        {"?ca=~ca.crt&cert=~client.crt&key=~locked", "without a password"},
        {"?ca=~ca.crt&cert=~client.crt&key=~other-ca.key", "is not the key of"},
        {"?ca=~ca.crt&cert=~client.crt&key=~stranger.key", "is not the key of"}, /* of another kind */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t used = 0;
        for (const char *at = cases[i].query; *at != '\0'; at++) {
            used += (size_t)snprintf(more + used, sizeof more - used, *at == '~' ? "%s/" : "%.1s",
                                     *at == '~' ? world.server.directory : at);
        }
        expect(meet(&world.good, well, "localhost", more), KW_TLS, KW_REASON_TLS_FILE, cases[i].says);
        assert_int_equal(error.retryable, 0);
    }
}

/* A key that is locked, in a process that has a terminal at which OpenSSL could ask for the password. */
static void nobody_is_asked_at_the_terminal(void **state) {
    (void)state;
    struct test_tls_peer peer;
    char locked[128], more[400], asked[64];
    snprintf(locked, sizeof locked, "%s/locked-too", world.server.directory);
    test_certificate_write_locked_key(&world.client, locked);
    snprintf(more, sizeof more, "&cert=%s&key=%s", world.client.file, locked);
    int terminal = posix_openpt(O_RDWR | O_NOCTTY);
    if (terminal < 0 || grantpt(terminal) != 0 || unlockpt(terminal) != 0) test_skip("there are no terminals here");
    test_tls_peer_start(&peer, world.server.socket, &world.good, well);
    const char *query = trusting(more);
    pid_t pid = fork();
    if (pid == 0) {
        alarm(5);
        setsid();
        int own = open(ptsname(terminal), O_RDWR);
        _exit(own >= 0 && ioctl(own, TIOCSCTTY, 0) == 0 &&
                      ping_by("rediss", "127.0.0.1", peer.port, query, NULL) == KW_TLS &&
                      error.reason == KW_REASON_TLS_FILE
                  ? 0
                  : 1);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    test_tls_peer_stop(&peer);
    fcntl(terminal, F_SETFL, O_NONBLOCK);
    ssize_t said = read(terminal, asked, sizeof asked);
    close(terminal);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_true(said <= 0);
}

/* The files are read again after a failure: nobody must restart a program for a certificate that was renewed. */
static void files_that_are_exchanged(void **state) {
    (void)state;
    struct test_tls_peer peer;
    kw_client *client;
    char path[128], url[256];
    snprintf(path, sizeof path, "%s/changing.crt", world.server.directory);
    test_tls_peer_start(&peer, world.server.socket, &world.good, well);
    snprintf(url, sizeof url, "rediss://localhost:%d?ca=%s", peer.port, path);
    assert_int_equal(kw_client_open(url, NULL, &client, &error), KW_OK); /* nothing is read yet */
    expect(kw_client_ping(client, 0, &error), KW_TLS, KW_REASON_TLS_FILE, path);
    assert_int_equal(symlink(world.other_ca.file, path), 0);
    expect(kw_client_ping(client, 0, &error), KW_TLS, KW_REASON_TLS_UNKNOWN_CA, path);
    unlink(path);
    assert_int_equal(symlink(world.ca.file, path), 0);
    expect(kw_client_ping(client, 0, &error), KW_OK, 0, "");
    kw_client_free(client);
    test_tls_peer_stop(&peer);
}

static void the_same_by_options(void **state) {
    (void)state;
    struct test_tls_peer peer;
    const struct test_tls_manner asks = {.client_ca_file = world.ca.file};
    kw_client_options options = {.size = sizeof options, .ca_file = world.ca.file, .server_name = "cache.example.com"};
    options.cert_file = world.client.file;
    options.key_file = world.client.key_file;
    test_tls_peer_start(&peer, world.server.socket, &world.elsewhere, asks);
    expect(ping_by("rediss", "localhost", peer.port, "", &options), KW_OK, 0, "");
    assert_string_equal(peer.asked_for, "cache.example.com");
    expect(ping_by("rediss", "localhost", peer.port, "?server_name=localhost", &options), KW_TLS, KW_REASON_TLS_NAME,
           "localhost");
    options.server_name = NULL;
    expect(ping_by("rediss", "localhost", peer.port, "", &options), KW_TLS, KW_REASON_TLS_NAME, "localhost");
    options.verify = "chain";
    expect(ping_by("rediss", "localhost", peer.port, "", &options), KW_OK, 0, "");
    expect(ping_by("rediss", "localhost", peer.port, "?verify=full", &options), KW_TLS, KW_REASON_TLS_NAME,
           "localhost");
    test_tls_peer_stop(&peer);
}

/* The server's own TLS */

static int free_port(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    close(fd);
    return ntohs(address.sin_port);
}

static bool is_open(int port) {
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    bool open = connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
    close(fd);
    return open;
}

/* Whether the server's program listens with TLS. All of Valkey's have the settings, those without TLS end when they
 * meet them. */
static bool server_has_tls(const char *settings, int port) {
    char path[512] = "";
    const char *named = getenv("KEYWRIGHT_SERVER");
    char *info = test_server_command(&world.server, "INFO", "server", (char *)NULL);
    const char *found = strstr(info, "executable:");
    if (named != NULL && *named != '\0')
        snprintf(path, sizeof path, "%s", named);
    else if (found != NULL)
        sscanf(found, "executable:%511[^\r\n]", path);
    free(info);
    pid_t pid = fork();
    if (pid == 0) {
        int nothing = open("/dev/null", O_RDWR);
        for (int fd = 0; fd < 3; fd++)
            dup2(nothing, fd);
        execl(path, path, settings, (char *)NULL);
        _exit(1);
    }
    bool listens = false;
    int64_t until = test_now() + 10000000;
    while (!listens && test_now() < until && waitpid(pid, NULL, WNOHANG) == 0) {
        test_sleep(10000);
        listens = is_open(port);
    }
    if (kill(pid, SIGKILL) == 0) waitpid(pid, NULL, 0);
    return listens;
}

static void write_settings(char *path, size_t size, int port, int plain_port) {
    char text[600];
    snprintf(path, size, "%s/tls.conf", world.server.directory);
    snprintf(text, sizeof text,
             "bind 127.0.0.1\nport %d\ntls-port %d\ntls-ca-cert-file %s\ntls-cert-file %s\ntls-key-file %s\n",
             plain_port, port, world.ca.file, world.good.file, world.good.key_file);
    write_text(path, text);
}

static void a_server_with_tls_of_its_own(void **state) {
    (void)state;
    struct test_server server;
    char more[400], settings[96];
    int port = free_port(), plain_port = free_port();
    write_settings(settings, sizeof settings, port, plain_port);
    if (!server_has_tls(settings, port)) test_skip("the server was built without TLS");
    const char *const arguments[] = {"--include", settings, NULL};
    test_server_start(&server, arguments);
    expect(ping_by("rediss", "localhost", port, trusting(""), NULL), KW_TLS, KW_REASON_TLS_CLIENT_CERTIFICATE,
           "give one by cert=");
    snprintf(more, sizeof more, "&cert=%s&key=%s", world.client.file, world.client.key_file);
    expect(ping_by("rediss", "localhost", port, trusting(more), NULL), KW_OK, 0, "");
    snprintf(more, sizeof more, "&cert=%s&key=%s", world.stranger.file, world.stranger.key_file);
    expect(ping_by("rediss", "localhost", port, trusting(more), NULL), KW_TLS, KW_REASON_TLS_CLIENT_CERTIFICATE,
           "refuses");
    test_server_expect(&server, "OK", "CONFIG", "SET", "tls-auth-clients", "no");
    expect(ping_by("rediss", "127.0.0.1", port, trusting(""), NULL), KW_OK, 0, "");
    kw_status status = ping_by("rediss", "127.0.0.1", plain_port, trusting("&connect_timeout=300ms"), NULL);
    assert_true(status == KW_CONNECTION || (status == KW_TLS && error.reason == KW_REASON_TLS_PLAIN_PORT));
    assert_non_null(strstr(error.message, "use redis://"));
    status = ping_by("redis", "127.0.0.1", port, "", NULL);
    assert_true(status == KW_CONNECTION || (status == KW_PROTOCOL && error.reason == KW_REASON_TLS_EXPECTED));
    assert_non_null(strstr(error.message, "use rediss://"));
    test_server_stop(&server);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_chain),
        cmocka_unit_test(a_chain_of_three),
        cmocka_unit_test(a_certificate_with_a_common_name_alone),
        cmocka_unit_test(an_older_version),
        cmocka_unit_test(a_ca_that_is_not_trusted),
        cmocka_unit_test(a_certificate_for_another_name),
        cmocka_unit_test(a_certificate_out_of_its_time),
        cmocka_unit_test(nothing_is_verified_on_demand),
        cmocka_unit_test(a_port_without_tls),
        cmocka_unit_test(a_port_that_keeps_silent),
        cmocka_unit_test(a_handshake_that_is_cut),
        cmocka_unit_test(a_port_with_tls_by_a_plain_url),
        cmocka_unit_test(a_client_certificate),
        cmocka_unit_test(certificate_and_key_in_one_file),
        cmocka_unit_test(a_directory_of_cas),
        cmocka_unit_test(cas_by_the_environment),
        cmocka_unit_test(files_that_cannot_be_used),
        cmocka_unit_test(nobody_is_asked_at_the_terminal),
        cmocka_unit_test(files_that_are_exchanged),
        cmocka_unit_test(the_same_by_options),
        cmocka_unit_test(a_server_with_tls_of_its_own),
    };
    return test_run(start, stop);
}
