#include "base/poller.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <unistd.h>

#if defined(__linux__)
#include <sys/epoll.h>
#include <sys/eventfd.h>
#else
#include <sys/event.h>
#include <sys/time.h>
#include <sys/types.h>
#endif

#if defined(__linux__)

bool kw__signal_open(kw__signal *signal) {
    signal->read_fd = signal->write_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return signal->read_fd >= 0;
}

#else

bool kw__signal_open(kw__signal *signal) {
    int ends[2];
    signal->read_fd = signal->write_fd = -1;
    if (pipe(ends) != 0) return false;
    for (int i = 0; i < 2; i++) {
        fcntl(ends[i], F_SETFD, FD_CLOEXEC);
        fcntl(ends[i], F_SETFL, O_NONBLOCK);
    }
    signal->read_fd = ends[0];
    signal->write_fd = ends[1];
    return true;
}

#endif

void kw__signal_close(kw__signal *signal) {
    if (signal->write_fd >= 0 && signal->write_fd != signal->read_fd) close(signal->write_fd);
    if (signal->read_fd >= 0) close(signal->read_fd);
    signal->read_fd = signal->write_fd = -1;
}

void kw__signal_raise(kw__signal *signal) {
    if (atomic_exchange(&signal->raised, true)) return;
    uint64_t one = 1;
    /* A full pipe or counter is as good as raised; EINTR cannot happen without blocking. */
    ssize_t ignored = write(signal->write_fd, &one, sizeof one);
    (void)ignored;
}

void kw__signal_lower(kw__signal *signal) {
    if (!atomic_load(&signal->raised)) return;
    uint64_t counts[8];
    /* Marked but not written yet: the write will come, and the next lowering must find the mark. */
    if (read(signal->read_fd, counts, sizeof counts) < 0) return;
    /* Not before it was read, or a raising in between would be read too and leave a mark that nothing stands behind.
     * Who raised it in between did so before this, and what it was about is seen behind this. */
    atomic_exchange(&signal->raised, false);
}

#if defined(__linux__)

bool kw__poller_open(kw__poller *poller) {
    poller->fd = epoll_create1(EPOLL_CLOEXEC);
    return poller->fd >= 0;
}

bool kw__poller_watch_for(kw__poller *poller, int fd, short events) {
    uint32_t wanted = ((events & POLLIN) != 0 ? EPOLLIN : 0u) | ((events & POLLOUT) != 0 ? EPOLLOUT : 0u);
    struct epoll_event event = {.events = wanted, .data.fd = fd};
    if (epoll_ctl(poller->fd, EPOLL_CTL_MOD, fd, &event) == 0) return true;
    return errno == ENOENT && epoll_ctl(poller->fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

void kw__poller_forget(kw__poller *poller, int fd) {
    epoll_ctl(poller->fd, EPOLL_CTL_DEL, fd, NULL);
}

#else

bool kw__poller_open(kw__poller *poller) {
    poller->fd = kqueue();
    if (poller->fd >= 0) fcntl(poller->fd, F_SETFD, FD_CLOEXEC);
    return poller->fd >= 0;
}

/* Taking out what was not watched is no failure. */
static bool change(kw__poller *poller, int fd, int16_t filter, bool wanted) {
    struct kevent one;
    EV_SET(&one, fd, filter, wanted ? EV_ADD : EV_DELETE, 0, 0, NULL);
    return kevent(poller->fd, &one, 1, NULL, 0, NULL) == 0 || (!wanted && errno == ENOENT);
}

bool kw__poller_watch_for(kw__poller *poller, int fd, short events) {
    bool reading = change(poller, fd, EVFILT_READ, (events & POLLIN) != 0);
    return change(poller, fd, EVFILT_WRITE, (events & POLLOUT) != 0) && reading;
}

void kw__poller_forget(kw__poller *poller, int fd) {
    struct kevent changes[2];
    EV_SET(&changes[0], fd, EVFILT_READ, EV_DELETE, 0, 0, NULL);
    EV_SET(&changes[1], fd, EVFILT_WRITE, EV_DELETE, 0, 0, NULL);
    kevent(poller->fd, &changes[0], 1, NULL, 0, NULL);
    kevent(poller->fd, &changes[1], 1, NULL, 0, NULL);
}

#endif

bool kw__poller_watch(kw__poller *poller, int fd, bool for_writing) {
    return kw__poller_watch_for(poller, fd, for_writing ? POLLIN | POLLOUT : POLLIN);
}

void kw__poller_close(kw__poller *poller) {
    if (poller->fd >= 0) close(poller->fd);
    poller->fd = -1;
}
