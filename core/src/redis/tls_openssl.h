/* What the files that use OpenSSL share: tls_openssl.c (connections), tls_openssl_context.c (files),
 * tls_openssl_failure.c. */
#ifndef KW__TLS_OPENSSL_H
#define KW__TLS_OPENSSL_H

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdatomic.h>

#include "base/sync.h"
#include "redis/tls.h"
#include "redis/transport.h"

struct kw__tls {
    kw__mutex lock;   /* of what follows */
    SSL_CTX *context; /* NULL until the first connect, and after a handshake that failed: files may be exchanged */
    char trusted[160];
};

struct kw__tls_session {
    SSL *ssl;
    kw__mutex lock; /* an SSL must not be used by two threads at once; never held while waiting */
    const kw__url *url;
    kw__transport socket; /* the bare one beneath */

    /* Looked at without the lock. */
    atomic_bool reading_waits_to_write;
    atomic_bool sending_waits_to_read;
    atomic_bool more;

    bool secured;       /* the handshake is done */
    bool heard;         /* a word of the server's came through it */
    bool over;          /* nothing more can be received */
    bool cut;           /* the socket was closed or reset */
    size_t budget;      /* bytes that this step may still read, */
    int64_t step_until; /* until then; */
    bool dry;           /* and whether it found the socket empty before */
    bool touched;       /* a byte came, the first of them: */
    char first;
    bool asked; /* for a certificate that we have not got */

    /* Why the certificate was refused. */
    int problem;
    int depth;
    char detail[128];
    char trusted[160];

    kw_error failure; /* KW_OK: none, but that the peer may have closed */
};

/* Reads the files that the URL names. NULL and KW_TLS when one cannot be used. */
SSL_CTX *kw__tls_make_context(const kw__url *url, char *trusted, size_t capacity, kw_error *error);

/* OpenSSL's verify callback: remembers why. */
int kw__tls_judge_certificate(int good, X509_STORE_CTX *store);
/* OpenSSL's client_cert_cb: remembers that the server asked. */
int kw__tls_was_asked(SSL *ssl, X509 **certificate, EVP_PKEY **key);
/* After OpenSSL failed for good: makes session->failure from its error queue and what was remembered. */
void kw__tls_explain(kw__tls_session *session);

#endif
