#include "redis/transport.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/un.h>
#include <unistd.h>

#if !defined(MSG_NOSIGNAL)
#define MSG_NOSIGNAL 0 /* macOS: SO_NOSIGPIPE on the socket instead */
#endif

static void set(int fd, int level, int option, int value) {
    setsockopt(fd, level, option, &value, sizeof value);
}

static int make_socket(int family) {
#if defined(SOCK_CLOEXEC) && defined(SOCK_NONBLOCK)
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
#else
    int fd = socket(family, SOCK_STREAM, 0);
    if (fd >= 0) {
        fcntl(fd, F_SETFD, FD_CLOEXEC);
        fcntl(fd, F_SETFL, O_NONBLOCK);
    }
#endif
    if (fd < 0) return -1;
#if defined(SO_NOSIGPIPE)
    set(fd, SOL_SOCKET, SO_NOSIGPIPE, 1);
#endif
    if (family != AF_UNIX) {
        set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
        set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
#if defined(TCP_KEEPIDLE)
        set(fd, IPPROTO_TCP, TCP_KEEPIDLE, 15);
        set(fd, IPPROTO_TCP, TCP_KEEPINTVL, 5);
        set(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
#endif
    }
    return fd;
}

static kw_status fail(int problem, kw_error *error) {
    if (problem == ECONNREFUSED || problem == ENOENT) {
        return kw__fail(error, KW_CONNECTION, KW_REASON_REFUSED, "nobody listens there (%s): is the server running?",
                        strerror(problem));
    }
    return kw__fail(error, KW_CONNECTION, KW_REASON_REFUSED, "the connection could not be made: %s", strerror(problem));
}

void kw__transport_adopt(kw__transport *transport, int fd) {
    transport->fd = fd;
}

kw_status kw__transport_connect(kw__transport *transport, const kw__address *address, kw_error *error) {
    transport->fd = make_socket(address->storage.ss_family);
    if (transport->fd < 0) return fail(errno, error);
    int made;
    do {
        made = connect(transport->fd, (const struct sockaddr *)&address->storage, address->length);
    } while (made != 0 && errno == EINTR);
    if (made == 0 || errno == EINPROGRESS) return KW_OK;
    /* A Unix socket whose backlog is full says EAGAIN, and has no way to wait for it. */
    kw_status status = fail(errno, error);
    kw__transport_close(transport);
    return status;
}

kw_status kw__transport_connected(kw__transport *transport, kw_error *error) {
    int problem = 0;
    socklen_t length = sizeof problem;
    if (getsockopt(transport->fd, SOL_SOCKET, SO_ERROR, &problem, &length) != 0) problem = errno;
    return problem == 0 ? KW_OK : fail(problem, error);
}

kw__securing kw__transport_secure(kw__transport *transport, const kw__url *url, kw_error *error) {
    if (url->tls == NULL) return KW__SECURED;
    if (transport->tls == NULL && kw__tls_begin(url, transport->fd, &transport->tls, error) != KW_OK) {
        return KW__SECURING_FAILED;
    }
    return kw__tls_shake(transport->tls, error);
}

ssize_t kw__transport_send(kw__transport *transport, const char *data, size_t length) {
    if (transport->tls != NULL) return kw__tls_send(transport->tls, data, length);
    ssize_t sent;
    do {
        sent = send(transport->fd, data, length, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    if (sent >= 0) return sent;
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS ? KW__IO_WAIT : KW__IO_CLOSED;
}

ssize_t kw__transport_receive(kw__transport *transport, char *data, size_t length) {
    if (transport->tls != NULL) return kw__tls_receive(transport->tls, data, length);
    ssize_t received;
    do {
        received = recv(transport->fd, data, length, 0);
    } while (received < 0 && errno == EINTR);
    if (received > 0) return received;
    if (received == 0) return KW__IO_CLOSED;
    return errno == EAGAIN || errno == EWOULDBLOCK ? KW__IO_WAIT : KW__IO_CLOSED;
}

short kw__transport_watch(const kw__transport *transport, bool sending) {
    if (transport->tls != NULL) return kw__tls_watch(transport->tls, sending);
    return sending ? POLLIN | POLLOUT : POLLIN;
}

bool kw__transport_has_more(const kw__transport *transport) {
    return transport->tls != NULL && kw__tls_has_more(transport->tls);
}

kw_status kw__transport_lost(const kw__transport *transport, bool greeting, kw_error *error) {
    kw_status status = transport->tls != NULL ? kw__tls_failure(transport->tls, error) : KW_OK;
    if (status != KW_OK) return status;
    return kw__fail(error, KW_CONNECTION, KW_REASON_CLOSED_BY_PEER,
                    greeting && transport->tls == NULL
                        ? "the server closed the connection during the handshake: does it expect TLS? use rediss://"
                        : "the server closed the connection");
}

bool kw__transport_is_alert(const kw__transport *transport, const char *data, size_t length) {
    return transport->tls == NULL && length >= 2 && data[0] == 0x15 && data[1] == 0x03;
}

static bool has_hung_up(int fd) {
#if defined(POLLRDHUP)
    struct pollfd watched = {.fd = fd, .events = POLLRDHUP};
    return poll(&watched, 1, 0) > 0;
#else
    char byte;
    ssize_t seen = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return seen == 0 || (seen < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
#endif
}

bool kw__transport_is_stale(kw__transport *transport) {
    return has_hung_up(transport->fd) || (transport->tls != NULL && kw__tls_is_stale(transport->tls));
}

void kw__transport_close(kw__transport *transport) {
    kw__tls_end(transport->tls);
    transport->tls = NULL;
    kw__transport_abandon(transport);
}

void kw__transport_abandon(kw__transport *transport) {
    if (transport->fd >= 0) close(transport->fd);
    transport->fd = -1;
}

bool kw__address_unix(kw__address *address, const char *path) {
    struct sockaddr_un *unix_address = (struct sockaddr_un *)&address->storage;
    size_t length = strlen(path);
    if (length >= sizeof unix_address->sun_path) return false;
    memset(address, 0, sizeof *address);
    unix_address->sun_family = AF_UNIX;
    memcpy(unix_address->sun_path, path, length + 1);
    address->length = sizeof *unix_address;
    return true;
}
