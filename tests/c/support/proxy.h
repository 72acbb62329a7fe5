/*
 * A fault proxy between a client and a private server, on Unix sockets, or on ports for what needs one. It lets
 * everything through until it is told otherwise: it holds bytes up, swallows them, stops reading, cuts links in the
 * middle of a reply.
 *
 * Whatever it does could happen in a network. No byte is doubled, turned round or left out of the middle: a direction
 * that has swallowed one byte stays silent for as long as its link lives. Only test_proxy_spoil does what takes an
 * attacker.
 */
#ifndef KW_TEST_PROXY_H
#define KW_TEST_PROXY_H

#include <stdbool.h>
#include <stdint.h>

enum test_way { TEST_TO_SERVER, TEST_TO_CLIENT };

struct test_proxy {
    struct test_proxy_inner *inner;
    int port; /* of the one on ports, else 0 */
    char path[80];
    char url[96]; /* unix://..., for the client */
};

struct test_proxy_seen {
    int64_t links;        /* accepted so far */
    int64_t open;         /* of these still open towards the client */
    int64_t cut;          /* closed by the proxy */
    int64_t passed[2];    /* bytes that went through, each way */
    int64_t swallowed[2]; /* bytes that did not */
};

/* The socket of the server need not be there yet: a link is refused while nobody listens at it. */
void test_proxy_start(struct test_proxy *proxy, const char *server_socket);
/* The same on a port of 127.0.0.1, before a server at another; it has no url. */
void test_proxy_start_on_port(struct test_proxy *proxy, int server_port);
void test_proxy_stop(struct test_proxy *proxy);

/* All of these hold from now on, for the links that are open and for those to come. */
void test_proxy_delay(struct test_proxy *proxy, enum test_way way, int64_t us);
void test_proxy_swallow(struct test_proxy *proxy, enum test_way way, bool on);
/* Reads nothing of that way: whoever sends finds the buffers of the system full after a while. */
void test_proxy_stall(struct test_proxy *proxy, enum test_way way, bool on);
/* Each link to come is cut when so many bytes have gone to the client; 0: as soon as it is accepted; -1: not. */
void test_proxy_cut_new_after(struct test_proxy *proxy, int64_t bytes);

/* All of these hold once, for the links that are open now. */
/* The client's side is closed. What was on its way to the server arrives there all the same, at its time. */
void test_proxy_cut(struct test_proxy *proxy);
/* The same as soon as so many further bytes have gone to the client: in the middle of a reply. */
void test_proxy_cut_after(struct test_proxy *proxy, int64_t bytes);
/* One bit of the byte that comes to the client after so many others is turned round. */
void test_proxy_spoil(struct test_proxy *proxy, int64_t bytes);
/* Says towards that side that nothing more will come; the other way goes on. */
void test_proxy_half_close(struct test_proxy *proxy, enum test_way way);

struct test_proxy_seen test_proxy_seen(struct test_proxy *proxy);

/* Keeps what passes to the server from now on, as text (64 KiB of it). */
void test_proxy_record(struct test_proxy *proxy);
/* What was kept; free it. */
char *test_proxy_recorded(struct test_proxy *proxy);

#endif
