/*
 * TLS, as a transport uses it: a client for one connection, in steps that never wait. tls_openssl*.c do it; a build
 * without TLS has tls_none.c in their place, which refuses the URL.
 */
#ifndef KW__TLS_H
#define KW__TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "redis/url.h"

/* What the links of one client share: its certificates, read when the first of them connects. */
typedef struct kw__tls kw__tls;

/* One connection. Sending and receiving may happen at the same time, in two threads. */
typedef struct kw__tls_session kw__tls_session;

typedef enum kw__securing {
    KW__SECURED,
    KW__SECURING_GOES_ON, /* when what kw__tls_watch says has come */
    KW__SECURING_FAILED,
} kw__securing;

/* Reads no file yet. KW_UNSUPPORTED in a build without TLS. */
kw_status kw__tls_open(kw__tls **out, kw_error *error);
void kw__tls_free(kw__tls *tls);

/* A session over a connected socket, which stays the caller's. Files that cannot be used are KW_TLS. */
kw_status kw__tls_begin(const kw__url *url, int fd, kw__tls_session **out, kw_error *error);
/* The handshake, as far as it goes now. */
kw__securing kw__tls_shake(kw__tls_session *session, kw_error *error);

/* Both as kw__transport_send and kw__transport_receive. */
ssize_t kw__tls_send(kw__tls_session *session, const char *data, size_t length);
ssize_t kw__tls_receive(kw__tls_session *session, char *data, size_t length);
/* What poll must be asked for, POLLIN and POLLOUT; TLS may have to write in order to read, and the other way round. */
short kw__tls_watch(kw__tls_session *session, bool sending);
/* Bytes, or the end, are here already: no descriptor will tell of them. */
bool kw__tls_has_more(kw__tls_session *session);
/* While nobody sends or receives: whether the peer has closed. */
bool kw__tls_is_stale(kw__tls_session *session);
/* Why sending or receiving said KW__IO_CLOSED; KW_OK when the peer just closed. */
kw_status kw__tls_failure(kw__tls_session *session, kw_error *error);

/* Tells the peer if that can be done without waiting, and frees. NULL is allowed. */
void kw__tls_end(kw__tls_session *session);

#endif
