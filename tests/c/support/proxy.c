#include "support/proxy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "support/test.h"
#include "support/wait.h"

#if !defined(MSG_NOSIGNAL)
#define MSG_NOSIGNAL 0
#endif

enum { PIECE_MAX = 16384, HELD_MAX = 1 << 20, RECORD_MAX = 1 << 16, LINKS_MAX = 512 };

/* Bytes on their way, and when they may go on. */
struct piece {
    struct piece *next;
    int64_t due;
    size_t length;
    size_t at;
    char data[];
};

struct pipe_way {
    struct piece *first;
    struct piece *last;
    size_t held;
    bool silent; /* has swallowed something, or was told to end */
};

/* The thread alone makes and frees links; who holds the lock may close a client's side. */
struct link {
    struct link *next;
    int end[2];       /* of the server, of the client; -1: closed. Indexed by the way that leads there. */
    bool ended;       /* the server has hung up: the client is told when it has what was on its way */
    int64_t cut_at;   /* so many more bytes to the client; -1: no end */
    int64_t spoil_at; /* so many more, and one is spoiled; -1: none */
    struct pipe_way way[2];
};

struct test_proxy_inner {
    pthread_mutex_t lock;
    pthread_t thread;
    int listener;
    int wake[2];
    bool stopping;
    char server[108];
    int server_port; /* 0: at the socket */
    struct link *links;
    int64_t delay[2];
    bool swallow[2];
    bool stall[2];
    int64_t cut_new_after;
    struct test_proxy_seen seen;
    bool recording;
    size_t recorded;
    char record[RECORD_MAX + 1];
};

static enum test_way other(enum test_way way) {
    return way == TEST_TO_SERVER ? TEST_TO_CLIENT : TEST_TO_SERVER;
}

static void make_nonblocking(int fd) {
    fcntl(fd, F_SETFL, O_NONBLOCK);
    fcntl(fd, F_SETFD, FD_CLOEXEC);
}

/* Links, with the lock */

static void drop_held(struct pipe_way *pipe) {
    while (pipe->first != NULL) {
        struct piece *next = pipe->first->next;
        free(pipe->first);
        pipe->first = next;
    }
    pipe->last = NULL;
    pipe->held = 0;
}

static void close_end(struct test_proxy_inner *proxy, struct link *link, enum test_way towards) {
    if (link->end[towards] < 0) return;
    close(link->end[towards]);
    link->end[towards] = -1;
    drop_held(&link->way[towards]);
    if (towards == TEST_TO_CLIENT) proxy->seen.open--;
}

static void cut(struct test_proxy_inner *proxy, struct link *link) {
    if (link->end[TEST_TO_CLIENT] < 0) return;
    /* On ports every other one is a reset, which may overtake what was sent before. */
    const struct linger at_once = {.l_onoff = 1};
    if (proxy->server_port != 0 && proxy->seen.cut % 2 == 1)
        setsockopt(link->end[TEST_TO_CLIENT], SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    proxy->seen.cut++;
    close_end(proxy, link, TEST_TO_CLIENT);
}

static struct sockaddr_in here(int port) {
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
}

static int connect_to(const struct test_proxy_inner *proxy) {
    struct sockaddr_un path = {.sun_family = AF_UNIX};
    struct sockaddr_in port = here(proxy->server_port);
    snprintf(path.sun_path, sizeof path.sun_path, "%s", proxy->server);
    bool by_port = proxy->server_port != 0;
    int fd = socket(by_port ? AF_INET : AF_UNIX, SOCK_STREAM, 0);
    int made = by_port ? connect(fd, (struct sockaddr *)&port, sizeof port)
                       : connect(fd, (struct sockaddr *)&path, sizeof path);
    if (made == 0) return fd;
    if (fd >= 0) close(fd);
    return -1;
}

static void accept_one(struct test_proxy_inner *proxy) {
    int client = accept(proxy->listener, NULL, NULL);
    if (client < 0) return;
    proxy->seen.links++;
    int server = proxy->cut_new_after == 0 ? -1 : connect_to(proxy);
    struct link *link = server >= 0 ? calloc(1, sizeof *link) : NULL;
    if (link == NULL) {
        proxy->seen.cut++;
        if (server >= 0) close(server);
        close(client);
        return;
    }
    make_nonblocking(client);
    make_nonblocking(server);
    if (proxy->server_port != 0) {
        int on = 1;
        setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    link->end[TEST_TO_SERVER] = server;
    link->end[TEST_TO_CLIENT] = client;
    link->cut_at = proxy->cut_new_after;
    link->spoil_at = -1;
    link->next = proxy->links;
    proxy->links = link;
    proxy->seen.open++;
}

static void hold(struct test_proxy_inner *proxy, struct link *link, enum test_way way, const char *data,
                 size_t length) {
    struct pipe_way *pipe = &link->way[way];
    if (proxy->swallow[way]) pipe->silent = true;
    bool lost = pipe->silent || link->end[way] < 0;
    struct piece *piece = lost ? NULL : malloc(sizeof *piece + length);
    if (piece == NULL) {
        proxy->seen.swallowed[way] += (int64_t)length;
        return;
    }
    *piece = (struct piece){.due = test_now() + proxy->delay[way], .length = length};
    memcpy(piece->data, data, length);
    if (pipe->last != NULL)
        pipe->last->next = piece;
    else
        pipe->first = piece;
    pipe->last = piece;
    pipe->held += length;
}

/* Reads what one end says, once. */
static void hear(struct test_proxy_inner *proxy, struct link *link, enum test_way way) {
    char data[PIECE_MAX];
    ssize_t got = recv(link->end[other(way)], data, sizeof data, 0);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return;
    if (got > 0)
        hold(proxy, link, way, data, (size_t)got);
    else if (way == TEST_TO_CLIENT)
        link->ended = true;
    else
        close_end(proxy, link, TEST_TO_CLIENT);
}

static void note(struct test_proxy_inner *proxy, const char *data, size_t length) {
    if (!proxy->recording) return;
    for (size_t i = 0; i < length && proxy->recorded < RECORD_MAX; i++) {
        proxy->record[proxy->recorded++] = data[i] != '\0' ? data[i] : '?';
    }
}

static void spoil(struct link *link, struct piece *piece) {
    if (link->spoil_at < 0 || link->spoil_at >= (int64_t)(piece->length - piece->at)) return;
    piece->data[piece->at + (size_t)link->spoil_at] ^= 1;
    link->spoil_at = -1;
}

/* Passes on what is due, as far as the other end takes it. */
static void pass(struct test_proxy_inner *proxy, struct link *link, enum test_way way, int64_t now) {
    struct pipe_way *pipe = &link->way[way];
    while (pipe->first != NULL && pipe->first->due <= now && link->end[way] >= 0) {
        struct piece *piece = pipe->first;
        size_t length = piece->length - piece->at;
        bool limited = way == TEST_TO_CLIENT && link->cut_at >= 0;
        if (way == TEST_TO_CLIENT) spoil(link, piece);
        if (limited && (int64_t)length > link->cut_at) length = (size_t)link->cut_at;
        ssize_t sent = length == 0 ? 0 : send(link->end[way], piece->data + piece->at, length, MSG_NOSIGNAL);
        if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return;
        if (sent < 0) {
            close_end(proxy, link, way);
            return;
        }
        if (way == TEST_TO_SERVER) note(proxy, piece->data + piece->at, (size_t)sent);
        proxy->seen.passed[way] += sent;
        piece->at += (size_t)sent;
        pipe->held -= (size_t)sent;
        if (way == TEST_TO_CLIENT && link->spoil_at >= 0) link->spoil_at -= sent;
        if (limited && (link->cut_at -= sent) <= 0) {
            cut(proxy, link);
            return;
        }
        if (piece->at < piece->length) continue;
        pipe->first = piece->next;
        if (pipe->first == NULL) pipe->last = NULL;
        free(piece);
    }
}

/* Whether nothing is left to do for a link. A server's side stays until it has all that was on its way to it. */
static bool is_over(struct test_proxy_inner *proxy, struct link *link) {
    if (link->ended && link->way[TEST_TO_CLIENT].first == NULL) {
        close_end(proxy, link, TEST_TO_CLIENT);
        close_end(proxy, link, TEST_TO_SERVER);
    }
    if (link->end[TEST_TO_SERVER] < 0) close_end(proxy, link, TEST_TO_CLIENT);
    if (link->end[TEST_TO_CLIENT] < 0 && link->way[TEST_TO_SERVER].first == NULL)
        close_end(proxy, link, TEST_TO_SERVER);
    return link->end[TEST_TO_CLIENT] < 0 && link->end[TEST_TO_SERVER] < 0;
}

static void remove_ended(struct test_proxy_inner *proxy) {
    for (struct link **at = &proxy->links; *at != NULL;) {
        struct link *link = *at;
        if (!is_over(proxy, link)) {
            at = &link->next;
            continue;
        }
        *at = link->next;
        free(link);
    }
}

/* The thread */

/* What to wait for at one end: that it says something, that it takes something. */
static struct pollfd watch(const struct test_proxy_inner *proxy, const struct link *link, enum test_way towards,
                           int64_t now, int64_t *next) {
    enum test_way from = other(towards);
    struct pollfd watched = {.fd = link->end[towards]};
    const struct pipe_way *in = &link->way[from], *out = &link->way[towards];
    bool reads = !proxy->stall[from] && in->held < HELD_MAX && !(towards == TEST_TO_SERVER && link->ended);
    if (reads) watched.events |= POLLIN;
    if (out->first != NULL && out->first->due <= now)
        watched.events |= POLLOUT;
    else if (out->first != NULL && out->first->due < *next)
        *next = out->first->due;
    if (watched.events == 0) watched.fd = -1; /* else its hanging up would be told again and again */
    return watched;
}

static void serve(struct test_proxy_inner *proxy, struct link *link, enum test_way towards,
                  const struct pollfd *watched, int64_t now) {
    if (watched->fd < 0 || watched->fd != link->end[towards]) return; /* closed meanwhile */
    bool hears = (watched->events & POLLIN) != 0 && !proxy->stall[other(towards)];
    if (hears && (watched->revents & (POLLIN | POLLHUP | POLLERR)) != 0) {
        hear(proxy, link, other(towards));
        pass(proxy, link, other(towards), now);
    }
    if ((watched->revents & (POLLOUT | POLLHUP | POLLERR)) != 0) pass(proxy, link, towards, now);
}

static void *run(void *argument) {
    struct test_proxy_inner *proxy = argument;
    static _Thread_local struct pollfd watched[2 + 2 * LINKS_MAX];
    pthread_mutex_lock(&proxy->lock);
    while (!proxy->stopping) {
        int64_t now = test_now(), next = now + 1000000;
        nfds_t count = 2;
        watched[0] = (struct pollfd){.fd = proxy->wake[0], .events = POLLIN};
        watched[1] = (struct pollfd){.fd = proxy->listener, .events = POLLIN};
        for (struct link *link = proxy->links; link != NULL && count < 2 * LINKS_MAX; link = link->next) {
            watched[count++] = watch(proxy, link, TEST_TO_SERVER, now, &next);
            watched[count++] = watch(proxy, link, TEST_TO_CLIENT, now, &next);
        }
        pthread_mutex_unlock(&proxy->lock);
        int64_t wait = (next - now + 999) / 1000;
        poll(watched, count, (int)wait);
        pthread_mutex_lock(&proxy->lock);
        char words[64];
        if (watched[0].revents != 0) (void)!read(proxy->wake[0], words, sizeof words);
        now = test_now();
        nfds_t at = 2;
        for (struct link *link = proxy->links; link != NULL && at < count; link = link->next, at += 2) {
            serve(proxy, link, TEST_TO_SERVER, &watched[at], now);
            serve(proxy, link, TEST_TO_CLIENT, &watched[at + 1], now);
            pass(proxy, link, TEST_TO_SERVER, now);
            pass(proxy, link, TEST_TO_CLIENT, now);
        }
        remove_ended(proxy);
        if (watched[1].revents != 0) accept_one(proxy); /* last: it changes the list */
    }
    pthread_mutex_unlock(&proxy->lock);
    return NULL;
}

/* Ready to listen: what both kinds have. */
static struct test_proxy_inner *make(struct test_proxy *proxy, int family, const struct sockaddr *address,
                                     socklen_t length) {
    struct test_proxy_inner *inner = calloc(1, sizeof *inner);
    assert_non_null(inner);
    inner->cut_new_after = -1;
    inner->listener = socket(family, SOCK_STREAM, 0);
    assert_true(inner->listener >= 0);
    assert_int_equal(bind(inner->listener, address, length), 0);
    assert_int_equal(listen(inner->listener, 128), 0);
    make_nonblocking(inner->listener);
    assert_int_equal(pipe(inner->wake), 0);
    make_nonblocking(inner->wake[0]);
    make_nonblocking(inner->wake[1]);
    assert_int_equal(pthread_mutex_init(&inner->lock, NULL), 0);
    proxy->inner = inner;
    return inner;
}

void test_proxy_start(struct test_proxy *proxy, const char *server_socket) {
    static int number;
    *proxy = (struct test_proxy){0};
    snprintf(proxy->path, sizeof proxy->path, "/tmp/kw-proxy-%ld-%d", (long)getpid(), number++);
    snprintf(proxy->url, sizeof proxy->url, "unix://%s", proxy->path);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", proxy->path);
    unlink(proxy->path);
    struct test_proxy_inner *inner = make(proxy, AF_UNIX, (struct sockaddr *)&address, sizeof address);
    snprintf(inner->server, sizeof inner->server, "%s", server_socket);
    assert_int_equal(pthread_create(&inner->thread, NULL, run, inner), 0);
}

void test_proxy_start_on_port(struct test_proxy *proxy, int server_port) {
    *proxy = (struct test_proxy){0};
    struct sockaddr_in address = here(0);
    socklen_t length = sizeof address;
    struct test_proxy_inner *inner = make(proxy, AF_INET, (struct sockaddr *)&address, length);
    assert_int_equal(getsockname(inner->listener, (struct sockaddr *)&address, &length), 0);
    proxy->port = ntohs(address.sin_port);
    inner->server_port = server_port;
    assert_int_equal(pthread_create(&inner->thread, NULL, run, inner), 0);
}

/* Telling it something */

static struct test_proxy_inner *take(struct test_proxy *proxy) {
    pthread_mutex_lock(&proxy->inner->lock);
    return proxy->inner;
}

static void give(struct test_proxy_inner *inner) {
    (void)!write(inner->wake[1], "", 1);
    pthread_mutex_unlock(&inner->lock);
}

void test_proxy_stop(struct test_proxy *proxy) {
    struct test_proxy_inner *inner = take(proxy);
    inner->stopping = true;
    give(inner);
    pthread_join(inner->thread, NULL);
    while (inner->links != NULL) {
        struct link *link = inner->links;
        inner->links = link->next;
        close_end(inner, link, TEST_TO_CLIENT);
        close_end(inner, link, TEST_TO_SERVER);
        free(link);
    }
    close(inner->listener);
    close(inner->wake[0]);
    close(inner->wake[1]);
    if (proxy->port == 0) unlink(proxy->path);
    pthread_mutex_destroy(&inner->lock);
    free(inner);
    proxy->inner = NULL;
}

void test_proxy_delay(struct test_proxy *proxy, enum test_way way, int64_t us) {
    struct test_proxy_inner *inner = take(proxy);
    inner->delay[way] = us;
    give(inner);
}

void test_proxy_swallow(struct test_proxy *proxy, enum test_way way, bool on) {
    struct test_proxy_inner *inner = take(proxy);
    inner->swallow[way] = on;
    give(inner);
}

void test_proxy_stall(struct test_proxy *proxy, enum test_way way, bool on) {
    struct test_proxy_inner *inner = take(proxy);
    inner->stall[way] = on;
    give(inner);
}

void test_proxy_cut_new_after(struct test_proxy *proxy, int64_t bytes) {
    struct test_proxy_inner *inner = take(proxy);
    inner->cut_new_after = bytes;
    give(inner);
}

void test_proxy_cut(struct test_proxy *proxy) {
    struct test_proxy_inner *inner = take(proxy);
    for (struct link *link = inner->links; link != NULL; link = link->next)
        cut(inner, link);
    give(inner);
}

void test_proxy_cut_after(struct test_proxy *proxy, int64_t bytes) {
    struct test_proxy_inner *inner = take(proxy);
    for (struct link *link = inner->links; link != NULL; link = link->next)
        link->cut_at = bytes;
    give(inner);
}

void test_proxy_spoil(struct test_proxy *proxy, int64_t bytes) {
    struct test_proxy_inner *inner = take(proxy);
    for (struct link *link = inner->links; link != NULL; link = link->next)
        link->spoil_at = bytes;
    give(inner);
}

void test_proxy_half_close(struct test_proxy *proxy, enum test_way way) {
    struct test_proxy_inner *inner = take(proxy);
    for (struct link *link = inner->links; link != NULL; link = link->next) {
        if (link->end[way] < 0) continue;
        link->way[way].silent = true;
        drop_held(&link->way[way]);
        shutdown(link->end[way], SHUT_WR);
    }
    give(inner);
}

struct test_proxy_seen test_proxy_seen(struct test_proxy *proxy) {
    struct test_proxy_inner *inner = take(proxy);
    struct test_proxy_seen seen = inner->seen;
    give(inner);
    return seen;
}

void test_proxy_record(struct test_proxy *proxy) {
    struct test_proxy_inner *inner = take(proxy);
    inner->recording = true;
    inner->recorded = 0;
    give(inner);
}

char *test_proxy_recorded(struct test_proxy *proxy) {
    struct test_proxy_inner *inner = take(proxy);
    char *text = malloc(inner->recorded + 1);
    if (text != NULL) {
        memcpy(text, inner->record, inner->recorded);
        text[inner->recorded] = '\0';
    }
    give(inner);
    assert_non_null(text);
    return text;
}
