/* A name with two addresses: who is silent or hangs up behind the first does not stand in the way of the second. */
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "keywright.h"
#include "support/server.h"
#include "support/test.h"
#include "support/tls_peer.h"
#include "support/wait.h"

static struct test_server server;
static struct test_certificate ca, good, foreign;
static kw_error error;

/* In place of the system's: every name has two addresses. They lie on one machine, and differ by the port. */
static int ports[2];

struct pair {
    struct addrinfo info[2];
    struct sockaddr_in address[2];
};

int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **found) {
    (void)host, (void)service, (void)hints;
    struct pair *pair = calloc(1, sizeof *pair);
    if (pair == NULL) return EAI_MEMORY;
    for (int i = 0; i < 2; i++) {
        pair->address[i] = (struct sockaddr_in){
            .sin_family = AF_INET, .sin_port = htons((uint16_t)ports[i]), .sin_addr = {htonl(INADDR_LOOPBACK)}};
        pair->info[i] = (struct addrinfo){.ai_family = AF_INET,
                                          .ai_socktype = SOCK_STREAM,
                                          .ai_addr = (struct sockaddr *)&pair->address[i],
                                          .ai_addrlen = sizeof pair->address[i],
                                          .ai_next = i == 0 ? &pair->info[1] : NULL};
    }
    *found = pair->info;
    return 0;
}

void freeaddrinfo(struct addrinfo *found) {
    free(found);
}

static struct test_tls_peer peers[2];

static const struct test_tls_manner well = {0}, plain = {.is_plain = true}, cuts = {.cuts = true},
                                    silent = {.is_silent = true};

static void start_peers(struct test_tls_manner first, struct test_tls_manner second) {
    const struct test_tls_manner manners[2] = {first, second};
    for (int i = 0; i < 2; i++) {
        test_tls_peer_start(&peers[i], server.socket, &good, manners[i]);
        ports[i] = peers[i].port;
    }
}

static void stop_peers(void) {
    for (int i = 0; i < 2; i++)
        test_tls_peer_stop(&peers[i]);
}

static kw_client *open_client(const char *scheme) {
    char url[256];
    kw_client *client;
    snprintf(url, sizeof url, "%s://somewhere.test?timeout=300ms&connect_timeout=600ms%s%s", scheme,
             strcmp(scheme, "rediss") == 0 ? "&ca=" : "", strcmp(scheme, "rediss") == 0 ? ca.file : "");
    if (kw_client_open(url, NULL, &client, &error) != KW_OK) fail_msg("%s: %s", url, error.message);
    return client;
}

/* A blocking call, and how long it took. */
static kw_status ping(const char *scheme, int64_t *took) {
    kw_client *client = open_client(scheme);
    int64_t begun = test_now();
    kw_status status = kw_client_ping(client, 0, &error);
    *took = test_now() - begun;
    kw_client_free(client);
    return status;
}

/* The same by completions, whose descriptors a poller watches. */
static kw_status submitted_ping(const char *scheme) {
    kw_client *client = open_client(scheme);
    kw_completions *completions;
    kw_record record;
    assert_int_equal(kw_completions_open(client, &completions, &error), KW_OK);
    assert_int_equal(kw_client_submit_ping(client, completions, 1, 0, &error), KW_OK);
    assert_int_equal(kw_completions_wait(completions, 3000000, &error), 1);
    assert_int_equal(kw_completions_drain(completions, &record, 1, sizeof record, &error), 1);
    if (record.status < 0) error = *(const kw_error *)record.data;
    kw_completions_free(completions);
    kw_client_free(client);
    return record.status;
}

static void the_next_one_serves(const char *scheme, struct test_tls_manner first, struct test_tls_manner second) {
    int64_t took;
    start_peers(first, second);
    if (ping(scheme, &took) != KW_OK) fail_msg("%s", error.message);
    assert_in_range(took, first.is_silent ? 300000 : 0, first.is_silent ? 890000 : 590000); /* its share, or nothing */
    if (submitted_ping(scheme) != KW_OK) fail_msg("%s", error.message);
    stop_peers();
    assert_int_equal(atomic_load(&peers[0].connections), 2);
    assert_int_equal(atomic_load(&peers[1].connections), 2);
}

static void one_hangs_up_over_tls(void **state) {
    (void)state;
    the_next_one_serves("rediss", cuts, well);
}

static void one_is_silent_over_tls(void **state) {
    (void)state;
    the_next_one_serves("rediss", silent, well);
}

static void one_hangs_up_when_greeted(void **state) {
    (void)state;
    the_next_one_serves("redis", cuts, plain);
}

static void one_is_silent_when_greeted(void **state) {
    (void)state;
    the_next_one_serves("redis", silent, plain);
}

/* What is refused for the name is refused at once. */
static void a_certificate_is_refused(void **state) {
    (void)state;
    int64_t took;
    start_peers(well, well);
    test_tls_peer_stop(&peers[0]);
    test_tls_peer_start(&peers[0], server.socket, &foreign, well);
    ports[0] = peers[0].port;
    assert_int_equal(ping("rediss", &took), KW_TLS);
    assert_int_equal(error.reason, KW_REASON_TLS_UNKNOWN_CA);
    stop_peers();
    assert_int_equal(atomic_load(&peers[1].connections), 0);
}

static void a_password_is_refused(void **state) {
    (void)state;
    int64_t took;
    start_peers(plain, plain);
    test_server_expect(&server, "OK", "CONFIG", "SET", "requirepass", "secret");
    kw_status status = ping("redis", &took);
    test_server_expect(&server, "OK", "AUTH", "secret");
    test_server_expect(&server, "OK", "CONFIG", "SET", "requirepass", "");
    stop_peers();
    assert_int_equal(status, KW_AUTH);
    assert_int_equal(atomic_load(&peers[1].connections), 0);
}

/* Nobody helps: the one who had answered the telephone is told of. */
static void nobody_serves(void **state) {
    (void)state;
    int64_t took;
    start_peers(cuts, well);
    test_tls_peer_stop(&peers[1]); /* its port refuses */
    assert_int_equal(ping("rediss", &took), KW_TLS);
    assert_non_null(strstr(error.message, "during the handshake of TLS"));
    test_tls_peer_stop(&peers[0]);

    start_peers(silent, silent);
    assert_int_equal(ping("redis", &took), KW_CONNECTION);
    stop_peers();
    assert_in_range(took, 600000, 890000); /* by the connect budget, however many addresses there are */
    assert_int_equal(atomic_load(&peers[1].connections), 1);
}

static int start(void **state) {
    (void)state;
    unsetenv("SSL_CERT_FILE");
    unsetenv("SSL_CERT_DIR");
    test_server_start(&server, NULL);
    test_certificate_make(&ca, server.directory, "ca", NULL, (struct test_certificate_wish){.is_authority = true});
    test_certificate_make(&good, server.directory, "good", &ca,
                          (struct test_certificate_wish){.names = "DNS:somewhere.test"});
    test_certificate_make(&foreign, server.directory, "foreign", NULL,
                          (struct test_certificate_wish){.names = "DNS:somewhere.test"});
    return 0;
}

static int stop(void **state) {
    (void)state;
    test_certificate_free(&ca);
    test_certificate_free(&good);
    test_certificate_free(&foreign);
    test_server_stop(&server);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_hangs_up_over_tls),
        cmocka_unit_test(one_is_silent_over_tls),
        cmocka_unit_test(one_hangs_up_when_greeted),
        cmocka_unit_test(one_is_silent_when_greeted),
        cmocka_unit_test(a_certificate_is_refused),
        cmocka_unit_test(a_password_is_refused),
        cmocka_unit_test(nobody_serves),
    };
    return test_run(start, stop);
}
