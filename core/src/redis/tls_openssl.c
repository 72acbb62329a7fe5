/* Connections by OpenSSL, 1.1.1 or 3. */
#include "redis/tls_openssl.h"

#include <arpa/inet.h>
#include <limits.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <pthread.h>

#include "base/clock.h"
#include "base/memory.h"

/*
 * What one step reads at most, and how long it goes on reading. OpenSSL takes in what is meant for itself (new keys,
 * say) for as long as there is more: a peer that never stops must not keep a thread beyond its deadline.
 */
#define STEP_BYTES ((size_t)80 << 10)
#define STEP_US 5000

/* The socket beneath, as OpenSSL sees one: its own would raise SIGPIPE. */

static int write_socket(BIO *bio, const char *data, int length) {
    kw__tls_session *session = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    ssize_t sent = kw__transport_send(&session->socket, data, (size_t)length);
    if (sent >= 0) return (int)sent;
    if (sent == KW__IO_WAIT)
        BIO_set_retry_write(bio);
    else
        session->cut = true;
    return -1;
}

static int read_socket(BIO *bio, char *data, int length) {
    kw__tls_session *session = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    bool has_read = session->budget < STEP_BYTES;
    if (session->budget == 0 || (has_read && kw__now() > session->step_until)) {
        BIO_set_retry_read(bio);
        return -1;
    }
    size_t most = (size_t)length < session->budget ? (size_t)length : session->budget;
    ssize_t received = kw__transport_receive(&session->socket, data, most);
    if (received > 0) {
        if (!session->touched) session->first = data[0];
        session->touched = true;
        session->budget -= (size_t)received;
        return (int)received;
    }
    if (received == KW__IO_WAIT) {
        session->dry = true;
        BIO_set_retry_read(bio);
        return -1;
    }
    session->cut = true;
    return 0;
}

static long control_socket(BIO *bio, int command, long number, void *pointer) {
    (void)number, (void)pointer;
    kw__tls_session *session = BIO_get_data(bio);
    if (command == BIO_CTRL_EOF) return session->cut;
    return command == BIO_CTRL_FLUSH;
}

static BIO_METHOD *method;
static pthread_once_t prepared = PTHREAD_ONCE_INIT;

static void prepare(void) {
#if defined(OPENSSL_INIT_NO_ATEXIT)
    /* Threads may be inside when the process ends: what they use must not be taken away then. */
    if (OPENSSL_init_ssl(OPENSSL_INIT_NO_ATEXIT, NULL) != 1) return;
#endif
    BIO_METHOD *made = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "keywright");
    if (made == NULL) return;
    BIO_meth_set_write(made, write_socket);
    BIO_meth_set_read(made, read_socket);
    BIO_meth_set_ctrl(made, control_socket);
    method = made;
}

/* What a client's links share */

kw_status kw__tls_open(kw__tls **out, kw_error *error) {
    *out = NULL;
    kw__tls *tls = kw__calloc(1, sizeof *tls);
    if (tls == NULL || !kw__mutex_init(&tls->lock)) {
        kw__free(tls);
        return kw__fail_memory(error);
    }
    *out = tls;
    return KW_OK;
}

void kw__tls_free(kw__tls *tls) {
    if (tls == NULL) return;
    SSL_CTX_free(tls->context);
    kw__mutex_free(&tls->lock);
    kw__free(tls);
}

static SSL *make_ssl(kw__tls_session *session, kw_error *error) {
    kw__tls *tls = session->url->tls;
    SSL *ssl = NULL;
    kw__lock(&tls->lock);
    if (tls->context == NULL)
        tls->context = kw__tls_make_context(session->url, tls->trusted, sizeof tls->trusted, error);
    if (tls->context != NULL) {
        ssl = SSL_new(tls->context);
        if (ssl == NULL) kw__fail_memory(error);
        memcpy(session->trusted, tls->trusted, sizeof session->trusted);
    }
    kw__unlock(&tls->lock);
    return ssl;
}

/* After a failure the files are read anew: a certificate may have been renewed. */
static void forget_context(kw__tls_session *session) {
    kw__tls *tls = session->url->tls;
    kw__lock(&tls->lock);
    if (tls->context == SSL_get_SSL_CTX(session->ssl)) {
        SSL_CTX_free(tls->context);
        tls->context = NULL;
    }
    kw__unlock(&tls->lock);
}

/* Connections */

/* Whom the certificate must be for. An address stands in it as such, and is not told to the server beforehand. */
static bool name_server(kw__tls_session *session) {
    char name[256];
    unsigned char address[16];
    size_t length = strcspn(session->url->server_name, "%"); /* the interface behind a local IPv6 address */
    if (length >= sizeof name) return false;
    memcpy(name, session->url->server_name, length);
    if (length > 1 && name[length - 1] == '.') length--;
    name[length] = '\0';
    bool full = session->url->verify == KW__VERIFY_FULL;
    if (inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1) {
        return !full || X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session->ssl), name) == 1;
    }
    if (SSL_set_tlsext_host_name(session->ssl, name) != 1) return false;
    if (!full) return true;
    SSL_set_hostflags(session->ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set1_host(session->ssl, name) == 1;
}

static bool set_up(kw__tls_session *session) {
    BIO *bio = BIO_new(method);
    if (bio == NULL) return false;
    BIO_set_data(bio, session);
    BIO_set_init(bio, 1);
    SSL_set_bio(session->ssl, bio, bio);
    SSL_set_app_data(session->ssl, session);
    SSL_set_connect_state(session->ssl);
    return name_server(session);
}

kw_status kw__tls_begin(const kw__url *url, int fd, kw__tls_session **out, kw_error *error) {
    *out = NULL;
    pthread_once(&prepared, prepare);
    kw__tls_session *session = method != NULL ? kw__calloc(1, sizeof *session) : NULL;
    if (session == NULL || !kw__mutex_init(&session->lock)) {
        kw__free(session);
        return kw__fail_memory(error);
    }
    session->url = url;
    session->socket.fd = fd;
    session->ssl = make_ssl(session, error);
    if (session->ssl != NULL && set_up(session)) {
        *out = session;
        return KW_OK;
    }
    kw_status status = session->ssl == NULL && error != NULL ? error->code : kw__fail_memory(error);
    kw__tls_end(session);
    return status;
}

static void begin_step(kw__tls_session *session) {
    session->budget = STEP_BYTES;
    session->step_until = kw__now() + STEP_US;
    session->dry = false;
    ERR_clear_error();
}

/* What a step of OpenSSL came to that did not succeed. */
static ssize_t outcome(kw__tls_session *session, int result, bool reading) {
    int kind = SSL_get_error(session->ssl, result);
    if (reading) {
        atomic_store(&session->reading_waits_to_write, kind == SSL_ERROR_WANT_WRITE);
        atomic_store(&session->more, kind == SSL_ERROR_WANT_READ && !session->dry); /* the budget was used up */
    } else {
        atomic_store(&session->sending_waits_to_read, kind == SSL_ERROR_WANT_READ);
        if (kind == SSL_ERROR_WANT_READ && SSL_has_pending(session->ssl) == 1) atomic_store(&session->more, true);
    }
    if (kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE) return KW__IO_WAIT;
    if (kind == SSL_ERROR_ZERO_RETURN) session->cut = true;
    /* A socket that takes no more may still have something to say. */
    if (!reading && kind == SSL_ERROR_SYSCALL) return KW__IO_CLOSED;
    session->over = true;
    atomic_store(&session->more, true);
    kw__tls_explain(session);
    if (session->failure.code == KW_TLS) forget_context(session);
    ERR_clear_error();
    return KW__IO_CLOSED;
}

kw__securing kw__tls_shake(kw__tls_session *session, kw_error *error) {
    begin_step(session);
    int result = SSL_do_handshake(session->ssl);
    if (result == 1) {
        session->secured = true;
        atomic_store(&session->reading_waits_to_write, false);
        atomic_store(&session->more, SSL_has_pending(session->ssl) == 1);
        return KW__SECURED;
    }
    if (outcome(session, result, true) == KW__IO_WAIT) return KW__SECURING_GOES_ON;
    kw__error_copy(error, &session->failure);
    return KW__SECURING_FAILED;
}

static int at_most(size_t length) {
    return length < INT_MAX ? (int)length : INT_MAX;
}

ssize_t kw__tls_send(kw__tls_session *session, const char *data, size_t length) {
    kw__lock(&session->lock);
    ssize_t sent = KW__IO_CLOSED;
    if (!session->over) {
        begin_step(session);
        int result = SSL_write(session->ssl, data, at_most(length));
        sent = result > 0 ? result : outcome(session, result, false);
        if (result > 0) atomic_store(&session->sending_waits_to_read, false);
    }
    kw__unlock(&session->lock);
    return sent;
}

/*
 * Takes all that OpenSSL holds, for no descriptor tells of it: `more` is what did not fit. The end is held back until
 * what came before it has been given out.
 */
ssize_t kw__tls_receive(kw__tls_session *session, char *data, size_t length) {
    size_t taken = 0;
    ssize_t status = KW__IO_WAIT;
    bool goes_on = true;
    kw__lock(&session->lock);
    begin_step(session);
    while (goes_on && !session->over && taken < length) {
        ERR_clear_error();
        int result = SSL_read(session->ssl, data + taken, at_most(length - taken));
        if (result > 0) {
            taken += (size_t)result;
            session->heard = true;
            atomic_store(&session->reading_waits_to_write, false);
            goes_on = SSL_has_pending(session->ssl) == 1;
            atomic_store(&session->more, goes_on);
        } else {
            status = outcome(session, result, true);
            goes_on = false;
        }
    }
    if (session->over) status = KW__IO_CLOSED;
    kw__unlock(&session->lock);
    return taken > 0 ? (ssize_t)taken : status;
}

short kw__tls_watch(kw__tls_session *session, bool sending) {
    int events = atomic_load(&session->reading_waits_to_write) ? POLLOUT : POLLIN;
    if (sending) events |= atomic_load(&session->sending_waits_to_read) ? POLLIN : POLLOUT;
    return (short)events;
}

bool kw__tls_has_more(kw__tls_session *session) {
    return atomic_load(&session->more);
}

bool kw__tls_is_stale(kw__tls_session *session) {
    kw__lock(&session->lock);
    if (!session->over) {
        char byte;
        begin_step(session);
        int result = SSL_peek(session->ssl, &byte, 1);
        if (result > 0)
            atomic_store(&session->more, true);
        else
            outcome(session, result, true);
    }
    bool stale = session->over;
    kw__unlock(&session->lock);
    return stale;
}

kw_status kw__tls_failure(kw__tls_session *session, kw_error *error) {
    kw__lock(&session->lock);
    kw_status status = session->failure.code;
    if (status != KW_OK) kw__error_copy(error, &session->failure);
    kw__unlock(&session->lock);
    return status;
}

void kw__tls_end(kw__tls_session *session) {
    if (session == NULL) return;
    if (session->ssl != NULL) {
        ERR_clear_error();
        if (session->secured && !session->over && !session->cut)
            SSL_shutdown(session->ssl); /* says so, and does not wait */
        SSL_free(session->ssl);
        ERR_clear_error();
    }
    kw__mutex_free(&session->lock);
    kw__free(session);
}
