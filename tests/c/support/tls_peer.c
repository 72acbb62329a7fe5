#include "support/tls_peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/connection.h"
#include "support/test.h"
#include "support/wait.h"

struct visit {
    struct test_tls_peer *peer;
    int at; /* its place in ends */
    int client;
};

static bool send_all(int to, const char *data, size_t length) {
    while (length > 0) {
        ssize_t sent = send(to, data, length, MSG_NOSIGNAL);
        if (sent <= 0) return false;
        data += sent;
        length -= (size_t)sent;
    }
    return true;
}

/* Copies both ways without TLS; to the first, `most` bytes at a time. */
static void copy(int one, int other, size_t most) {
    char data[16384];
    struct pollfd watched[2] = {{.fd = one, .events = POLLIN}, {.fd = other, .events = POLLIN}};
    while (poll(watched, 2, -1) > 0) {
        for (int i = 0; i < 2; i++) {
            if (watched[i].revents == 0) continue;
            ssize_t received = recv(watched[i].fd, data, i == 1 && most > 0 ? most : sizeof data, 0);
            if (received <= 0 || !send_all(watched[1 - i].fd, data, (size_t)received)) return;
        }
    }
}

/* What came from the client; false when it has gone. */
static bool pass_up(SSL *ssl, int upstream) {
    char data[16384];
    do {
        int received = SSL_read(ssl, data, sizeof data);
        if (received <= 0) return SSL_get_error(ssl, received) == SSL_ERROR_WANT_READ;
        if (!send_all(upstream, data, (size_t)received)) return false;
    } while (SSL_pending(ssl) > 0);
    return true;
}

static bool pass_down(struct test_tls_peer *peer, SSL *ssl, int upstream) {
    char data[65536];
    ssize_t received = recv(upstream, data, sizeof data, 0);
    if (received <= 0) return false;
    if (peer->manner.renews_keys) SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED);
    return SSL_write(ssl, data, (int)received) == received;
}

static void serve(struct test_tls_peer *peer, SSL *ssl, int client) {
    if (peer->manner.delay_us > 0) test_sleep(peer->manner.delay_us);
    if (SSL_accept(ssl) != 1) return;
    while (peer->manner.wants_keys) {
        if (SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED) != 1 || SSL_do_handshake(ssl) != 1) return;
    }
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    pthread_mutex_lock(&peer->lock);
    snprintf(peer->asked_for, sizeof peer->asked_for, "%s", name != NULL ? name : "");
    pthread_mutex_unlock(&peer->lock);
    int upstream = test_connection_open(peer->upstream);
    struct pollfd watched[2] = {{.fd = client, .events = POLLIN}, {.fd = upstream, .events = POLLIN}};
    bool goes_on = upstream >= 0;
    while (goes_on && poll(watched, 2, -1) > 0) {
        if (watched[0].revents != 0) goes_on = pass_up(ssl, upstream);
        if (goes_on && watched[1].revents != 0) goes_on = pass_down(peer, ssl, upstream);
    }
    if ((SSL_get_shutdown(ssl) & SSL_RECEIVED_SHUTDOWN) != 0) atomic_fetch_add(&peer->farewells, 1);
    SSL_shutdown(ssl);
    if (upstream >= 0) close(upstream);
}

static void serve_tls(struct test_tls_peer *peer, int client) {
    SSL *ssl = SSL_new(peer->context);
    SSL_clear_mode(ssl, SSL_MODE_AUTO_RETRY); /* what is no data must not make it block */
    SSL_set_fd(ssl, client);
    serve(peer, ssl, client);
    SSL_free(ssl);
}

struct dribble {
    int client;
    int inner;
};

static void *dribble(void *argument) {
    struct dribble *ends = argument;
    copy(ends->client, ends->inner, 7);
    shutdown(ends->client, SHUT_RDWR);
    shutdown(ends->inner, SHUT_RDWR);
    return NULL;
}

static void serve_dribbling(struct test_tls_peer *peer, int client) {
    int pair[2];
    pthread_t thread;
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) return;
    struct dribble ends = {client, pair[0]};
    pthread_create(&thread, NULL, dribble, &ends);
    serve_tls(peer, pair[1]);
    shutdown(pair[1], SHUT_RDWR);
    pthread_join(thread, NULL);
    close(pair[0]);
    close(pair[1]);
}

static void serve_plain(struct test_tls_peer *peer, int client) {
    int upstream = test_connection_open(peer->upstream);
    if (upstream >= 0) copy(client, upstream, 0);
    if (upstream >= 0) close(upstream);
}

static void *receive(void *argument) {
    struct visit visit = *(struct visit *)argument;
    sigset_t pipes; /* of this thread: the library under test must raise none */
    sigemptyset(&pipes);
    sigaddset(&pipes, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipes, NULL);
    struct test_tls_peer *peer = visit.peer;
    char heard[4096];
    free(argument);
    if (peer->manner.is_silent || peer->manner.answer != NULL) {
        const char *answer = peer->manner.answer;
        while (recv(visit.client, heard, sizeof heard, 0) > 0) {
            if (answer != NULL && !send_all(visit.client, answer, strlen(answer))) break;
        }
    } else if (peer->manner.cuts) {
        (void)!recv(visit.client, heard, sizeof heard, 0);
    } else if (peer->manner.is_plain) {
        serve_plain(peer, visit.client);
    } else if (peer->manner.dribbles) {
        serve_dribbling(peer, visit.client);
    } else {
        serve_tls(peer, visit.client);
    }
    pthread_mutex_lock(&peer->lock);
    peer->ends[visit.at] = -1;
    pthread_mutex_unlock(&peer->lock);
    close(visit.client);
    atomic_fetch_sub(&peer->open, 1);
    return NULL;
}

static void *take(void *argument) {
    struct test_tls_peer *peer = argument;
    while (atomic_load(&peer->connections) < TEST_TLS_CONNECTIONS) {
        int client = accept(peer->listener, NULL, NULL);
        if (client < 0) break;
        int on = 1;
        setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        int at = atomic_load(&peer->connections);
        struct visit *visit = malloc(sizeof *visit);
        *visit = (struct visit){peer, at, client};
        pthread_mutex_lock(&peer->lock);
        peer->ends[at] = client;
        pthread_mutex_unlock(&peer->lock);
        atomic_fetch_add(&peer->open, 1);
        pthread_create(&peer->threads[at], NULL, receive, visit);
        atomic_store(&peer->connections, at + 1);
    }
    return NULL;
}

static SSL_CTX *make_context(const struct test_certificate *certificate, const struct test_tls_manner *manner) {
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    assert_non_null(context);
    if (manner->oldest != 0) {
        SSL_CTX_set_security_level(context, 0);
        SSL_CTX_set_min_proto_version(context, manner->oldest);
    }
    if (manner->record_bytes != 0) SSL_CTX_set_max_send_fragment(context, (size_t)manner->record_bytes);
    if (manner->newest != 0) SSL_CTX_set_max_proto_version(context, manner->newest);
    assert_int_equal(SSL_CTX_use_certificate_chain_file(context, certificate->file), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey_file(context, certificate->key_file, SSL_FILETYPE_PEM), 1);
    if (manner->client_ca_file != NULL) {
        assert_int_equal(SSL_CTX_load_verify_locations(context, manner->client_ca_file, NULL), 1);
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    }
    return context;
}

void test_tls_peer_start(struct test_tls_peer *peer, const char *upstream, const struct test_certificate *certificate,
                         struct test_tls_manner manner) {
    *peer = (struct test_tls_peer){.manner = manner, .upstream = upstream};
    if (certificate != NULL) peer->context = make_context(certificate, &manner);
    pthread_mutex_init(&peer->lock, NULL);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof address;
    peer->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(peer->listener >= 0);
    int room = 4096; /* what it does not read soon fills the sender's buffer */
    if (manner.wants_keys) setsockopt(peer->listener, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    assert_int_equal(bind(peer->listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(peer->listener, 64), 0);
    assert_int_equal(getsockname(peer->listener, (struct sockaddr *)&address, &length), 0);
    peer->port = ntohs(address.sin_port);
    assert_int_equal(pthread_create(&peer->thread, NULL, take, peer), 0);
}

void test_tls_peer_hang_up(struct test_tls_peer *peer) {
    pthread_mutex_lock(&peer->lock);
    for (int i = 0; i < TEST_TLS_CONNECTIONS && i < atomic_load(&peer->connections); i++) {
        if (peer->ends[i] >= 0) shutdown(peer->ends[i], SHUT_RD);
    }
    pthread_mutex_unlock(&peer->lock);
}

void test_tls_peer_stop(struct test_tls_peer *peer) {
    shutdown(peer->listener, SHUT_RDWR);
    pthread_join(peer->thread, NULL);
    close(peer->listener);
    pthread_mutex_lock(&peer->lock);
    for (int i = 0; i < atomic_load(&peer->connections); i++) {
        if (peer->ends[i] >= 0) shutdown(peer->ends[i], SHUT_RDWR);
    }
    pthread_mutex_unlock(&peer->lock);
    for (int i = 0; i < atomic_load(&peer->connections); i++)
        pthread_join(peer->threads[i], NULL);
    SSL_CTX_free(peer->context);
    pthread_mutex_destroy(&peer->lock);
}
