/* Waiting on descriptors: a signal that any thread can raise, and one descriptor that stands for several. */
#ifndef KW__POLLER_H
#define KW__POLLER_H

#include <stdatomic.h>
#include <stdbool.h>

/* A descriptor that is readable while raised: an eventfd, or a pipe where there is none. */
typedef struct kw__signal {
    int read_fd;
    int write_fd;
    atomic_bool raised; /* spares system calls; the descriptor may lag behind it for a moment */
} kw__signal;

bool kw__signal_open(kw__signal *signal);
void kw__signal_close(kw__signal *signal);
void kw__signal_raise(kw__signal *signal);
void kw__signal_lower(kw__signal *signal);

/* A set of descriptors behind one: epoll, or kqueue. Level-triggered; the outside watches poller->fd for reading. */
typedef struct kw__poller {
    int fd;
} kw__poller;

bool kw__poller_open(kw__poller *poller);
void kw__poller_close(kw__poller *poller);
/* Watches fd for reading and, when asked, for writing. Call again to change it. */
bool kw__poller_watch(kw__poller *poller, int fd, bool for_writing);
/* The same for what poll() calls it: POLLIN, POLLOUT or both. */
bool kw__poller_watch_for(kw__poller *poller, int fd, short events);
/* Before the descriptor is closed. */
void kw__poller_forget(kw__poller *poller, int fd);

#endif
