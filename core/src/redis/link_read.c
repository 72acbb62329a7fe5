/* Replies: taken from the socket, matched with the line, given to the user in batches. */
#include "base/clock.h"
#include "redis/link_parts.h"

/* The handshake's replies come before any of the line's. */
static bool greet(kw__link *link, const kw__reply *reply) {
    bool done = false;
    kw_error error;
    kw__error_clear(&error);
    size_t before = link->out.length;
    kw_status status = kw__greeting_reply(&link->greeting, reply, &link->out, &done, &error);
    link->queued += link->out.length - before;
    if (status != KW_OK) {
        kw__link_greeting_failed(link, status, &error);
        return false;
    }
    if (done) kw__link_is_up(link);
    return true;
}

/* The replies cannot be read on. */
static void unreadable(kw__link *link, kw_status status, const kw_error *error) {
    /* Asked again, the answer would be no smaller. */
    kw__pending *first = link->line.first;
    for (size_t left = first != NULL ? first->carries + 1 : 0; left > 0 && error->reason == KW_REASON_REPLY_SIZE;
         left--) {
        first->final = true;
        first = first->next;
    }
    kw__link_tear_down(link, status, error);
}

/* The reply that nobody asked for. */
static void unasked(kw__link *link) {
    kw_error error;
    kw__fail(&error, KW_PROTOCOL, KW_REASON_NONE,
             "the server sent a reply that nobody asked for: the link was given up");
    kw__link_tear_down(link, KW_PROTOCOL, &error);
}

/* What one round over the parsed replies gave. */
typedef struct decoded {
    kw__pending *answered[KW__LINK_BATCH];
    bool again[KW__LINK_BATCH]; /* its command was written anew and must be sent again */
    int count;
    bool full;  /* there may be more */
    bool heard; /* anything at all */
    bool stray; /* a reply without a command */
    kw_status status;
    kw_error error;
} decoded;

/* The command behind one that was answered, without the lock. */
static kw__pending *behind(kw__link *link, kw__pending *pending, kw__pending **last) {
    /* Only the leader takes out of the line, and only the last one's neighbour can change. */
    if (pending != *last) return pending->next;
    kw__lock(&link->lock);
    *last = link->line.last; /* the last seen from here: others may have been added behind it since */
    kw__pending *next = pending->next;
    kw__unlock(&link->lock);
    return next;
}

/* Gives a reply to its command and all that the command carries; what stands behind them is the next. */
static kw__pending *share(kw__link *link, kw__pending *carrier, kw__pending **last, const kw__reply *reply, int64_t now,
                          decoded *batch) {
    kw__pending *next = carrier;
    for (size_t left = carrier->carries + 1; left > 0; left--) {
        batch->answered[batch->count] = next;
        batch->again[batch->count++] = link->user->answered(next, reply, now);
        next = behind(link, next, last);
    }
    return next;
}

/* Gives replies to their commands, a batch at the most, without the lock. `next` and `last` are the ends of the line.
 */
static void decode_batch(kw__link *link, kw__pending *next, kw__pending *last, uint64_t offered, int64_t now,
                         decoded *batch) {
    batch->count = 0;
    batch->heard = batch->stray = batch->full = false;
    while (true) {
        const kw__reply *reply;
        batch->full = (size_t)batch->count + (next != NULL ? next->carries : 0) >= KW__LINK_BATCH;
        if (batch->full) return;
        batch->status = kw__reader_next(link->reader, &reply, &batch->error);
        if (batch->status != KW_OK || reply == NULL) return;
        bool unasked_for = reply->kind == KW__REPLY_PUSH || link->subscriber;
        if (!unasked_for && (next == NULL || next->begin >= offered)) {
            batch->stray = true;
            return;
        }
        batch->heard = true;
        if (unasked_for) {
            if (link->user->pushed != NULL) link->user->pushed(link, reply);
            continue;
        }
        next = share(link, next, &last, reply, now, batch);
    }
}

/* Makes visible what was decoded, with the lock; what must be sent again waits again. */
static void settle_batch(kw__link *link, const decoded *batch) {
    if (batch->heard) {
        link->proven = true;
        link->failures = 0;
    }
    for (int i = 0; i < batch->count; i++) {
        kw__pending *pending = batch->answered[i];
        kw__pendings_remove(&link->line, pending);
        if (pending->group != 0) kw__link_release_held(link, pending);
        if (batch->again[i] && link->user->wanted(pending)) {
            atomic_fetch_add_explicit(&link->counters->retries, 1, memory_order_relaxed);
            pending->place = KW__PLACE_WAITING;
            kw__pendings_add(&link->waiting, pending);
        } else {
            kw__link_settle(link, pending);
        }
    }
    if (batch->count > 0)
        kw__link_flush(link); /* before waking: a NOSCRIPT's second sending should not wait for that */
    kw__link_resume(link);
}

/* Answers what is there to be answered. Returns false when the link went down. */
static bool answer(kw__link *link, int64_t now) {
    decoded batch;
    do {
        kw__pending *first = link->line.first, *last = link->line.last;
        uint64_t offered = link->written; /* what stands behind it in the stream cannot have been answered */
        if (link->flushing) offered += link->sending.length - link->sending_at;
        kw__unlock(&link->lock);
        decode_batch(link, first, last, offered, now, &batch);
        kw__lock(&link->lock);
        settle_batch(link, &batch);
        if (batch.stray) {
            unasked(link);
            return false;
        }
        if (batch.status != KW_OK) {
            unreadable(link, batch.status, &batch.error);
            return false;
        }
    } while (batch.full);
    return true;
}

bool kw__link_read(kw__link *link) {
    kw__unlock(&link->lock);
    ssize_t received = kw__transport_receive(&link->transport, link->input, KW__INPUT_BYTES);
    int64_t now = kw__now();
    kw__lock(&link->lock);
    if (received == KW__IO_WAIT) return false;
    kw_error error;
    if (received == KW__IO_CLOSED) {
        kw__link_lost(link);
        return false;
    }
    if (link->state == KW__LINK_GREETING && link->greeting.answered == 0 &&
        kw__transport_is_alert(&link->transport, link->input, (size_t)received)) {
        kw__fail(&error, KW_PROTOCOL, KW_REASON_TLS_EXPECTED, "%s answers in TLS: use rediss:// or valkeys://",
                 link->url->shown);
        kw__link_greeting_failed(link, KW_PROTOCOL, &error);
        return false;
    }
    link->last_received = now;
    atomic_fetch_add_explicit(&link->counters->bytes_received, received, memory_order_relaxed);
    kw_status status = kw__reader_feed(link->reader, link->input, (size_t)received, &error);
    while (status == KW_OK && link->state == KW__LINK_GREETING) {
        const kw__reply *reply;
        status = kw__reader_next(link->reader, &reply, &error);
        if (status != KW_OK || reply == NULL) break;
        if (reply->kind != KW__REPLY_PUSH && !greet(link, reply)) return false;
    }
    if (status != KW_OK) {
        if (link->state == KW__LINK_GREETING)
            kw__link_greeting_failed(link, status, &error);
        else
            unreadable(link, status, &error);
        return false;
    }
    return link->state != KW__LINK_UP || answer(link, now);
}
