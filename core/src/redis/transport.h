/* Sockets: non-blocking, closed on exec, without SIGPIPE. TLS is hidden here: the link knows only these functions. */
#ifndef KW__TRANSPORT_H
#define KW__TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "redis/tls.h"

/* What send and receive return besides a count. */
#define KW__IO_WAIT (-1)   /* nothing now */
#define KW__IO_CLOSED (-2) /* the peer has closed or reset it */

typedef struct kw__transport {
    int fd;               /* -1: none */
    kw__tls_session *tls; /* NULL: what is sent goes out as it is */
} kw__transport;

typedef struct kw__address {
    struct sockaddr_storage storage;
    socklen_t length;
} kw__address;

/* Takes over a socket that is connected already. */
void kw__transport_adopt(kw__transport *transport, int fd);
/* Begins to connect. KW_OK: connected or on its way (wait until it is writable, then ask kw__transport_connected). */
kw_status kw__transport_connect(kw__transport *transport, const kw__address *address, kw_error *error);
/* After it became writable: KW_OK, or why it failed. */
kw_status kw__transport_connected(kw__transport *transport, kw_error *error);
/* Connected: agrees on TLS where the URL asks for it, step by step; KW__SECURED at once where it does not. */
kw__securing kw__transport_secure(kw__transport *transport, const kw__url *url, kw_error *error);
ssize_t kw__transport_send(kw__transport *transport, const char *data, size_t length);
ssize_t kw__transport_receive(kw__transport *transport, char *data, size_t length);
/* What must be waited for, POLLIN and POLLOUT, in order to receive, and to send where that was told to wait. */
short kw__transport_watch(const kw__transport *transport, bool sending);
/* Whether to receive before waiting: what was received already is not seen by poll(). */
bool kw__transport_has_more(const kw__transport *transport);
/* Why sending or receiving said KW__IO_CLOSED; `greeting`: before the peer had said a word. */
kw_status kw__transport_lost(const kw__transport *transport, bool greeting, kw_error *error);
/* Whether the first words of a peer that should not speak TLS are those of TLS. */
bool kw__transport_is_alert(const kw__transport *transport, const char *data, size_t length);
/*
 * Whether a connection that nobody reads was closed by its peer; on Linux also when there is something to be read
 * before the end. Costs one system call, two with TLS.
 */
bool kw__transport_is_stale(kw__transport *transport);
void kw__transport_close(kw__transport *transport);
/* In a forked child: closes the descriptor, and says nothing to the peer, which is the parent's. */
void kw__transport_abandon(kw__transport *transport);

/* A Unix socket's address; false when the path is too long. */
bool kw__address_unix(kw__address *address, const char *path);

#endif
