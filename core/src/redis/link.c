#include "redis/link.h"

#include <errno.h>
#include <poll.h>

#include "base/clock.h"
#include "base/memory.h"
#include "redis/link_parts.h"

#define MAX_QUEUED_BYTES ((uint64_t)4 << 20) /* written to us and not yet to the socket */
#define IDLE_US 1000                         /* a link idle for longer is looked at before it is trusted */
#define MAX_REPEATS 2                        /* times that one command is sent again after a lost link */

void kw__pendings_add(kw__pendings *list, kw__pending *pending) {
    pending->next = NULL;
    pending->previous = list->last;
    if (list->last != NULL)
        list->last->next = pending;
    else
        list->first = pending;
    list->last = pending;
    list->count++;
}

void kw__pendings_remove(kw__pendings *list, kw__pending *pending) {
    if (pending->previous != NULL)
        pending->previous->next = pending->next;
    else
        list->first = pending->next;
    if (pending->next != NULL)
        pending->next->previous = pending->previous;
    else
        list->last = pending->previous;
    pending->next = pending->previous = NULL;
    list->count--;
}

void kw__pendings_put_before(kw__pendings *list, kw__pendings *first) {
    if (first->first == NULL) return;
    first->last->next = list->first;
    if (list->first != NULL)
        list->first->previous = first->last;
    else
        list->last = first->last;
    list->first = first->first;
    list->count += first->count;
    *first = (kw__pendings){0};
}

bool kw__link_init(kw__link *link, const kw__link_user *user, const kw__url *url, kw__counters *counters) {
    *link = (kw__link){.user = user, .url = url, .counters = counters, .transport = {-1}, .wake = {-1, -1}};
    link->input = kw__malloc(KW__INPUT_BYTES);
    if (link->input == NULL) return false;
    if (!kw__mutex_init(&link->lock)) {
        kw__free(link->input);
        return false;
    }
    if (!kw__signal_open(&link->wake)) {
        kw__mutex_free(&link->lock);
        kw__free(link->input);
        return false;
    }
    return true;
}

void kw__link_free(kw__link *link) {
    kw__lookup_leave(link->lookup);
    kw__transport_close(&link->transport);
    kw__signal_close(&link->wake);
    kw__reader_free(link->reader);
    kw__buffer_free(&link->out);
    kw__buffer_free(&link->sending);
    kw__free(link->input);
    kw__mutex_free(&link->lock);
}

void kw__link_abandon(kw__link *link) {
    kw__transport_abandon(&link->transport);
    kw__signal_close(&link->wake);
}

/* The line */

static bool has_room(const kw__link *link) {
    return link->line.count < (size_t)link->url->max_in_flight && link->queued - link->written < MAX_QUEUED_BYTES;
}

static void doom(kw__link *link, kw__pending *pending, kw_status status, bool maybe_applied) {
    pending->failure = status;
    pending->maybe_applied = maybe_applied;
    pending->place = KW__PLACE_DOOMED;
    kw__pendings_add(&link->doomed, pending);
}

/* Dooms what waits. It may have been sent before, on a link that was lost. */
static void doom_waiting(kw__link *link, kw__pending *pending, kw_status status) {
    kw__pendings_remove(&link->waiting, pending);
    bool unknown = pending->under_way && pending->again != KW__AGAIN_ALWAYS;
    doom(link, pending, unknown ? KW_UNKNOWN : status, pending->under_way);
}

/* Makes the bytes of the first that waits what the server can read, and appends them to what goes out. */
static kw_status write_first(kw__link *link) {
    kw__pending *pending = link->waiting.first;
    uint64_t has = link->greeting.server.capabilities;
    kw_status status = KW_OK;
    if (pending->group != 0)
        status = kw__link_coalesce(link, (size_t)link->url->max_in_flight - link->line.count);
    else if ((pending->capabilities & ~has) != 0)
        status = link->user->rewrite(pending, has, &link->failure);
    if (status != KW_OK) return status;
    if (!kw__buffer_reserve(&link->out, pending->command.length)) {
        link->out.failed = false; /* this one fails; the buffer is as it was */
        return kw__fail_memory(&link->failure);
    }
    kw__buffer_append(&link->out, pending->command.data, pending->command.length);
    return KW_OK;
}

/* From what waits into the line. */
static void enter_line(kw__link *link, uint64_t begin, int64_t now) {
    kw__pending *pending = link->waiting.first;
    kw__pendings_remove(&link->waiting, pending);
    if (pending->under_way) atomic_fetch_add_explicit(&link->counters->retries, 1, memory_order_relaxed);
    pending->under_way = false;
    pending->begin = begin;
    pending->sent_at = now;
    pending->place = KW__PLACE_LINE;
    kw__pendings_add(&link->line, pending);
}

void kw__link_admit(kw__link *link) {
    while (link->state == KW__LINK_UP && !link->broken && link->waiting.first != NULL && has_room(link)) {
        kw__pending *pending = link->waiting.first;
        if (pending->group != 0 && kw__link_hold(link)) continue;
        pending->carries = 0;
        kw_status status = write_first(link);
        if (status != KW_OK) {
            doom_waiting(link, pending, status);
            continue;
        }
        uint64_t begin = link->queued;
        int64_t now = kw__now();
        link->queued += pending->command.length;
        if (pending->group != 0) kw__link_occupy(link, pending);
        for (size_t i = 0; i <= pending->carries; i++)
            enter_line(link, begin, now);
    }
}

/*
 * A link that nobody reads may have been closed by its peer: better seen now than after a command that must not be sent
 * twice. Places of those who left may still stand in its line; the leader reads what came for them before it ends.
 */
static void check_idle(kw__link *link) {
    if (link->state != KW__LINK_UP || link->leader != NULL || link->turning || link->flushing || link->broken) return;
    int64_t now = kw__now(), known = link->last_received > link->looked_at ? link->last_received : link->looked_at;
    if (now - known < IDLE_US) return;
    link->looked_at = now;
    link->broken = kw__transport_is_stale(&link->transport);
}

void kw__link_push(kw__link *link, kw__pending *pending) {
    pending->tries = 0;
    pending->under_way = pending->final = false;
    pending->place = KW__PLACE_WAITING;
    atomic_fetch_add_explicit(&link->counters->in_flight, 1, memory_order_relaxed);
    check_idle(link);
    kw__pendings_add(&link->waiting, pending); /* the next flush admits it */
}

void kw__link_say(kw__link *link, const kw__buffer *bytes) {
    if (link->state != KW__LINK_UP || link->broken) return;
    if (bytes->failed || !kw__buffer_reserve(&link->out, bytes->length)) {
        link->broken = true; /* what is said here must not be lost in silence: a new link says it again */
        return;
    }
    kw__buffer_append(&link->out, bytes->data, bytes->length);
    link->queued += bytes->length;
}

bool kw__link_withdraw(kw__link *link, kw__pending *pending) {
    if (pending->place == KW__PLACE_HELD)
        kw__link_unhold(link, pending);
    else if (pending->place == KW__PLACE_WAITING)
        kw__pendings_remove(&link->waiting, pending);
    else
        return false;
    pending->place = KW__PLACE_NONE;
    atomic_fetch_sub_explicit(&link->counters->in_flight, 1, memory_order_relaxed);
    return true;
}

bool kw__link_was_sent(const kw__pending *pending) {
    if (pending->place == KW__PLACE_DOOMED) return pending->maybe_applied;
    return pending->under_way || pending->place == KW__PLACE_LINE;
}

/* Who sleeps, the longest first */

static void park(kw__link *link, kw__waiter *waiter) {
    waiter->next = NULL;
    waiter->previous = link->parked_last;
    if (link->parked_last != NULL)
        link->parked_last->next = waiter;
    else
        link->parked_first = waiter;
    link->parked_last = waiter;
    waiter->parked = true;
}

static void unpark(kw__link *link, kw__waiter *waiter) {
    if (!waiter->parked) return;
    if (waiter->previous != NULL)
        waiter->previous->next = waiter->next;
    else
        link->parked_first = waiter->next;
    if (waiter->next != NULL)
        waiter->next->previous = waiter->previous;
    else
        link->parked_last = waiter->previous;
    waiter->parked = false;
}

void kw__link_settle(kw__link *link, kw__pending *pending) {
    pending->place = KW__PLACE_NONE;
    atomic_fetch_sub_explicit(&link->counters->in_flight, 1, memory_order_relaxed);
    kw__waiter *waiter = pending->waiter;
    if (waiter == NULL) {
        if (link->user->settle(pending)) link->resumed[link->resumed_count++] = pending;
        return;
    }
    /* From here the waiter may go, and its command be used anew; the waiter's memory stays. */
    if (atomic_fetch_sub_explicit(&waiter->left, 1, memory_order_acq_rel) != 1) return;
    if (waiter == link->leader) return;
    unpark(link, waiter);
    link->woken[link->woken_count++] = waiter;
}

void kw__link_resume(kw__link *link) {
    if (link->woken_count == 0 && link->resumed_count == 0) return;
    kw__unlock(&link->lock);
    for (int i = 0; i < link->woken_count; i++)
        kw__unpark(&link->woken[i]->parker);
    for (int i = 0; i < link->resumed_count; i++)
        link->user->resume(link->resumed[i]);
    link->woken_count = link->resumed_count = 0;
    kw__lock(&link->lock);
}

void kw__link_bury(kw__link *link) {
    while (link->doomed.first != NULL) {
        for (int i = 0; link->doomed.first != NULL && i < KW__LINK_BATCH; i++) {
            kw__pending *pending = link->doomed.first;
            kw__pendings_remove(&link->doomed, pending);
            link->user->failed(pending, pending->failure, pending->maybe_applied, &link->failure);
            kw__link_settle(link, pending);
        }
        kw__link_resume(link);
    }
}

void kw__link_doom_waiting(kw__link *link, kw_status status) {
    while (link->waiting.first != NULL)
        doom_waiting(link, link->waiting.first, status);
}

void kw__link_judge_repeats(kw__link *link) {
    const kw__server *server = &link->greeting.server;
    bool safe = server->killed && server->run_id[0] != '\0' && strcmp(server->run_id, link->lost_run_id) == 0;
    link->lost_id = 0;
    if (safe) return;
    for (kw__pending *pending = link->waiting.first, *next; pending != NULL; pending = next) {
        next = pending->next;
        if (!pending->under_way || pending->again != KW__AGAIN_AFTER_KILLED) continue;
        kw__pendings_remove(&link->waiting, pending);
        kw__fail(&link->failure, KW_UNKNOWN, KW_REASON_CLOSED_BY_PEER, "the server closed the connection");
        doom(link, pending, KW_UNKNOWN, true);
    }
}

/* Whom the next link must kill before anything is sent again. */
static void remember_lost(kw__link *link) {
    link->lost_id = link->greeting.server.client_id;
    memcpy(link->lost_run_id, link->greeting.server.run_id, sizeof link->lost_run_id);
}

/* What was in line when the connection ended: sent again, or doomed. Those not sent stand before those that waited. */
static void clear_line(kw__link *link, kw_status status) {
    kw__pendings again = {0};
    while (link->line.first != NULL) {
        kw__pending *pending = link->line.first;
        bool sent = pending->begin < link->written;
        kw__pendings_remove(&link->line, pending);
        if (pending->group != 0) kw__link_release_held(link, pending);
        bool may_repeat = pending->again != KW__AGAIN_NEVER && pending->tries < MAX_REPEATS && !pending->final;
        bool repeat = !sent || may_repeat;
        if (link->closing || !repeat || !link->user->wanted(pending)) {
            kw_status told = sent && !link->closing && pending->again != KW__AGAIN_ALWAYS ? KW_UNKNOWN : status;
            doom(link, pending, told, sent);
            continue;
        }
        if (sent) {
            pending->tries++;
            pending->under_way = true;
            if (pending->again == KW__AGAIN_AFTER_KILLED) remember_lost(link);
        }
        pending->place = KW__PLACE_WAITING;
        kw__pendings_add(&again, pending);
    }
    kw__pendings_put_before(&link->waiting, &again);
}

void kw__link_tear_down(kw__link *link, kw_status status, const kw_error *error) {
    if (error != NULL) link->failure = *error;
    /* A link that ends before it has answered anything is one more attempt that failed. */
    if (link->state == KW__LINK_UP && !link->proven) kw__link_back_off(link);
    kw__link_drop_connection(link);
    clear_line(link, status);
    if (link->closing) kw__link_doom_waiting(link, status);
}

void kw__link_flush(kw__link *link) {
    kw__link_admit(link);
    if (link->doomed.first != NULL && link->leader != NULL) kw__signal_raise(&link->wake); /* who buries them */
    if (link->flushing || link->broken || link->transport.fd < 0) return;
    if (link->state == KW__LINK_CONNECTING || link->state == KW__LINK_SECURING) return;
    link->flushing = true;
    link->want_write = false;
    while (true) {
        if (link->sending_at == link->sending.length) {
            kw__buffer spare = link->sending;
            link->sending = link->out;
            link->out = spare;
            link->out.length = 0;
            link->sending_at = 0;
            if (link->sending.length == 0) break;
        }
        const char *data = link->sending.data + link->sending_at;
        size_t length = link->sending.length - link->sending_at;
        kw__unlock(&link->lock);
        ssize_t sent = kw__transport_send(&link->transport, data, length);
        kw__lock(&link->lock);
        if (sent == KW__IO_WAIT) {
            link->want_write = true;
            break;
        }
        if (sent == KW__IO_CLOSED) {
            link->broken = true;
            break;
        }
        link->sending_at += (size_t)sent;
        link->written += (uint64_t)sent;
        atomic_fetch_add_explicit(&link->counters->bytes_sent, sent, memory_order_relaxed);
    }
    link->flushing = false;
    /* A leader asleep in poll() must learn of both. */
    if ((link->want_write || link->broken) && link->leader != NULL) kw__signal_raise(&link->wake);
}

/* Reading for all */

/* The leader leaves: the oldest that still waits takes over, and is woken alone. */
static void hand_over(kw__link *link) {
    link->leader = NULL;
    while (link->parked_first != NULL) {
        kw__waiter *waiter = link->parked_first;
        unpark(link, waiter);
        if (atomic_load_explicit(&waiter->left, memory_order_acquire) == 0) continue; /* answered, on its way out */
        link->leader = waiter;
        kw__unpark(&waiter->parker);
        return;
    }
}

static bool is_coming_up(const kw__link *link) {
    return link->state >= KW__LINK_RESOLVING && link->state <= KW__LINK_GREETING;
}

static bool may_receive(const kw__link *link) {
    return link->state >= KW__LINK_SECURING && link->state <= KW__LINK_UP;
}

short kw__link_interest(const kw__link *link) {
    return link->state == KW__LINK_CONNECTING ? POLLOUT : kw__transport_watch(&link->transport, link->want_write);
}

int64_t kw__link_due(const kw__link *link) {
    if (link->doomed.first != NULL || link->broken) return 0;
    if (link->closing) return link->state != KW__LINK_CLOSED || link->waiting.first != NULL ? 0 : INT64_MAX;
    if (link->state == KW__LINK_DOWN)
        return link->waiting.first != NULL || link->keep_up ? link->backoff_until : INT64_MAX;
    if (is_coming_up(link)) return link->address_deadline;
    if (link->line.first == NULL) return INT64_MAX;
    int64_t expected = link->line.first->deadline, heard = link->last_received;
    return kw__deadline(expected > heard ? expected : heard, KW__STALL_US + 1);
}

/* A link that has long been silent past its oldest expired place will not speak again. */
static void check_stall(kw__link *link, int64_t now) {
    if (link->state != KW__LINK_UP || link->line.first == NULL) return;
    if (now <= kw__deadline(link->line.first->deadline, KW__STALL_US) || now - link->last_received <= KW__STALL_US)
        return;
    kw_error error;
    kw__fail(&error, KW_CONNECTION, KW_REASON_CLOSED_BY_PEER,
             "the server has been silent for too long: the link was given up");
    kw__link_tear_down(link, KW_CONNECTION, &error);
}

void kw__link_lost(kw__link *link) {
    kw_error error;
    bool greeting = link->state == KW__LINK_GREETING;
    kw_status status = kw__transport_lost(&link->transport, greeting, &error);
    if (greeting)
        kw__link_handshake_lost(link, status, &error);
    else
        kw__link_tear_down(link, status, &error);
}

/* One round of the leader's work after the descriptors were looked at. */
static void work(kw__link *link, bool readable, bool writable) {
    int64_t now = kw__now();
    if (link->closing) {
        kw_error error;
        kw__fail(&error, KW_CLOSED, KW_REASON_NONE, "the client was closed");
        kw__link_tear_down(link, KW_CLOSED, &error);
        link->state = KW__LINK_CLOSED;
    } else if (link->state == KW__LINK_DOWN) {
        bool wanted = link->waiting.first != NULL || link->keep_up;
        if (wanted && now >= link->backoff_until) kw__link_connect(link);
    } else if (is_coming_up(link) && link->state != KW__LINK_GREETING) {
        kw__link_go_on(link, now, writable || (readable && link->state == KW__LINK_SECURING));
    } else if (link->state == KW__LINK_GREETING && now >= link->address_deadline) {
        kw__link_go_on(link, now, false);
    } else {
        if (writable && link->want_write) kw__link_flush(link);
        bool heard = readable && kw__link_read(link);
        if (link->broken && !heard) kw__link_lost(link); /* not before what had arrived was read */
        check_stall(link, now);
    }
    kw__link_flush(link);
    kw__link_bury(link);
}

/* One round of a leader that may sleep. */
static void lead(kw__link *link, int64_t until) {
    int64_t due = kw__link_due(link);
    struct pollfd watched[2] = {{.fd = link->wake.read_fd, .events = POLLIN},
                                {.fd = link->transport.fd, .events = POLLIN}};
    nfds_t count = link->transport.fd >= 0 ? 2 : 1;
    short interest = watched[1].events = kw__link_interest(link);
    bool more = kw__transport_has_more(&link->transport);
    int timeout = more ? 0 : kw__poll_ms(kw__now(), due < until ? due : until);
    kw__unlock(&link->lock);
    int ready = poll(watched, count, timeout);
    bool interrupted = ready < 0 && errno == EINTR;
    if (ready > 0 && watched[0].revents != 0) kw__signal_lower(&link->wake);
    kw__lock(&link->lock);
    link->leader->interrupted = interrupted;
    int events = ready > 0 && count == 2 ? watched[1].revents : 0;
    bool writable = (events & (POLLOUT | POLLHUP | POLLERR)) != 0;
    bool readable = (events & (POLLIN | POLLHUP | POLLERR)) != 0 || (writable && (interest & POLLIN) == 0);
    work(link, readable || more, writable);
}

bool kw__link_await(kw__link *link, kw__waiter *waiter, int64_t until) {
    while (atomic_load_explicit(&waiter->left, memory_order_acquire) > 0) {
        if (link->leader == NULL) link->leader = waiter;
        if (link->leader == waiter) {
            if (kw__now() >= until) break;
            lead(link, until);
            if (waiter->interruptible && waiter->interrupted) break;
            continue;
        }
        park(link, waiter);
        kw__unlock(&link->lock);
        bool woken = kw__park(&waiter->parker, until);
        /* Answered: it was taken out of the list before, and cannot have been made the leader. */
        if (atomic_load_explicit(&waiter->left, memory_order_acquire) == 0) return true;
        kw__lock(&link->lock);
        unpark(link, waiter);
        if (!woken && link->leader != waiter) break;
    }
    if (link->leader == waiter) hand_over(link);
    /* Asked once more with the lock: an answer that came in the last moment is an answer. */
    bool answered = atomic_load_explicit(&waiter->left, memory_order_acquire) == 0;
    if (answered) kw__unlock(&link->lock);
    return answered;
}

void kw__link_turn(kw__link *link) {
    link->turning = true;
    kw__signal_lower(&link->wake);
    kw__link_state before;
    do { /* what comes up may go on at once: connected, greeted, first commands written */
        before = link->state;
        bool writable = false;
        if (link->state == KW__LINK_CONNECTING || link->want_write) {
            struct pollfd watched = {.fd = link->transport.fd, .events = POLLOUT};
            writable = poll(&watched, 1, 0) > 0;
        }
        work(link, may_receive(link), writable);
    } while (link->state != before && link->state != KW__LINK_DOWN && link->state != KW__LINK_CLOSED);
    short interest = kw__link_interest(link);
    if (link->poller != NULL && link->transport.fd >= 0 && interest != link->watching) {
        kw__poller_watch_for(link->poller, link->transport.fd, interest);
        link->watching = interest;
    }
    if (kw__transport_has_more(&link->transport)) kw__signal_raise(&link->wake); /* for the next turn */
    link->turning = false;
}

/* The end */

void kw__link_close(kw__link *link) {
    link->closing = true;
    if (link->state == KW__LINK_CLOSED && link->waiting.first == NULL) return;
    if (link->leader != NULL) {
        kw__signal_raise(&link->wake);
        return;
    }
    kw__waiter nobody = {0};
    link->leader = &nobody;
    work(link, false, false);
    hand_over(link);
}
