/* A peer on a port of its own that speaks TLS, and passes on what it is told to a private server behind it. */
#ifndef KW_TEST_TLS_PEER_H
#define KW_TEST_TLS_PEER_H

#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "support/certificates.h"

#define TEST_TLS_CONNECTIONS 256

/* How it behaves; zero is a good one. */
struct test_tls_manner {
    const char *client_ca_file; /* asks for a client certificate that this CA signed */
    int newest;                 /* TLS1_2_VERSION: no newer one */
    int oldest;                 /* with newest: also what no longer counts as safe */
    int64_t delay_us;           /* before its part of the handshake */
    bool is_silent;             /* takes connections and says nothing */
    bool cuts;                  /* hangs up when it has heard the first words */
    const char *answer;         /* to the first words, in place of all else */
    bool is_plain;              /* passes on without TLS */
    bool dribbles;              /* its bytes come a few at a time */
    bool renews_keys;           /* before every word that it passes on */
    bool wants_keys;            /* asks for new keys again and again, and reads nothing */
    int record_bytes;           /* in a record, 512 at least; 0: as many as fit */
};

struct test_tls_peer {
    struct test_tls_manner manner;
    const char *upstream; /* path of the server's Unix socket */
    SSL_CTX *context;
    int listener;
    int port;
    atomic_int connections; /* taken so far */
    atomic_int open;
    atomic_int farewells; /* clients that said they were going */
    char asked_for[128];  /* the name that the last client asked for, "" when it asked for none */
    pthread_t thread;
    pthread_mutex_t lock;
    int ends[TEST_TLS_CONNECTIONS]; /* of connections, -1 when closed */
    pthread_t threads[TEST_TLS_CONNECTIONS];
};

/* Listens on 127.0.0.1 with that certificate (NULL: none is needed). What is pointed to must outlive it. */
void test_tls_peer_start(struct test_tls_peer *peer, const char *upstream, const struct test_certificate *certificate,
                         struct test_tls_manner manner);
void test_tls_peer_stop(struct test_tls_peer *peer);
/* Ends all connections, saying so in TLS; new ones are taken. */
void test_tls_peer_hang_up(struct test_tls_peer *peer);

#endif
