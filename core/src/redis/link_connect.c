/* Coming up: name, addresses in turn, handshake. All of it outlives the call that began it. */
#include <sched.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/random.h"
#include "redis/extra_scheme.h"
#include "redis/link_parts.h"

#define FIRST_BACKOFF_US 10000
#define LONGEST_BACKOFF_US KW__SECOND

void kw__link_drop_connection(kw__link *link) {
    while (link->flushing) { /* the flusher is inside one send that does not block */
        kw__unlock(&link->lock);
        sched_yield();
        kw__lock(&link->lock);
    }
    if (link->poller != NULL && link->transport.fd >= 0) kw__poller_forget(link->poller, link->transport.fd);
    kw__transport_close(&link->transport);
    kw__lookup_leave(link->lookup);
    link->lookup = NULL;
    kw__reader_free(link->reader);
    link->reader = NULL;
    link->out.length = link->sending.length = link->sending_at = 0;
    link->out.failed = link->sending.failed = false;
    link->broken = link->want_write = false;
    bool was_up = link->state == KW__LINK_UP;
    link->state = KW__LINK_DOWN;
    atomic_store(&link->is_up, false);
    if (was_up && link->user->lost != NULL) link->user->lost(link);
}

void kw__link_back_off(kw__link *link) {
    int64_t backoff = FIRST_BACKOFF_US << (link->failures < 7 ? link->failures : 7);
    if (backoff > LONGEST_BACKOFF_US) backoff = LONGEST_BACKOFF_US;
    link->failures++;
    link->backoff_until = kw__now() + backoff / 2 + (int64_t)kw__random_below((uint64_t)backoff / 2 + 1);
}

/* This attempt is over: all that waited for it are told, and the next one waits a little. */
static void give_up(kw__link *link, kw_status status, const kw_error *error) {
    if (error != &link->failure) link->failure = *error;
    kw__link_tear_down(link, status, NULL);
    kw__link_back_off(link);
    kw__link_doom_waiting(link, status);
}

/* No address may use up the time of those behind it; at each stage it has its share of what is left. */
static void share_time(kw__link *link) {
    int64_t now = kw__now(), left = (int64_t)(link->address_count - link->address_at);
    link->address_deadline = now + (link->connect_deadline - now) / left;
}

/* Connected: a reader of its own, and the first words. */
static void greet(kw__link *link) {
    link->queued = link->written = 0;
    link->out.length = 0;
    link->reader = kw__reader_open();
    kw__greeting_begin(&link->greeting, link->url, link->lost_id, &link->out);
    if (link->reader == NULL || link->out.failed) {
        kw_error error;
        give_up(link, kw__fail_memory(&error), &error);
        return;
    }
    link->queued = link->out.length;
    link->state = KW__LINK_GREETING;
    share_time(link);
    link->last_received = kw__now();
    kw__link_flush(link);
}

/* What TLS computes and reads is done without the lock. */
static void secure(kw__link *link) {
    kw_error error;
    kw__unlock(&link->lock);
    kw__securing step = kw__transport_secure(&link->transport, link->url, &error);
    kw__lock(&link->lock);
    if (step == KW__SECURED)
        greet(link);
    else if (step == KW__SECURING_FAILED)
        kw__link_handshake_lost(link, error.code, &error);
}

/* Connected: TLS comes before the first words. */
static void begin_to_secure(kw__link *link) {
    link->state = KW__LINK_SECURING;
    share_time(link);
    secure(link);
}

/* The descriptor is new: completions must watch it. */
static void watch(kw__link *link) {
    link->watching = kw__link_interest(link);
    if (link->poller != NULL) kw__poller_watch_for(link->poller, link->transport.fd, link->watching);
}

/* No address is left. Who had taken the connection tells more than who had not. */
static void give_up_all(kw__link *link, const kw_error *last) {
    if (link->refusal.code != KW_OK) {
        give_up(link, link->refusal.code, &link->refusal);
        return;
    }
    char cause[160];
    snprintf(cause, sizeof cause, "%.159s", last->message);
    kw_error error;
    kw__fail(&error, KW_CONNECTION, last->reason, "no connection to %s: %s", link->url->shown, cause);
    give_up(link, KW_CONNECTION, &error);
}

/* Tries the addresses from address_at on, until one is on its way. */
static void try_addresses(kw__link *link, kw_error *last) {
    while (link->address_at < link->address_count) {
        kw_status status = kw__transport_connect(&link->transport, &link->addresses[link->address_at], last);
        if (status == KW_OK) {
            link->state = KW__LINK_CONNECTING;
            share_time(link);
            watch(link);
            return;
        }
        link->address_at++;
    }
    give_up_all(link, last);
}

static void next_address(kw__link *link, kw_error *last) {
    kw__link_drop_connection(link);
    link->address_at++;
    try_addresses(link, last);
}

/*
 * Ended or silent during the handshake. Behind the next address may be somebody else; a refusal (of a certificate, say)
 * is for the name, and would be the same there.
 */
void kw__link_handshake_lost(kw__link *link, kw_status status, kw_error *error) {
    if (!error->retryable || link->address_at + 1 >= link->address_count) {
        give_up(link, status, error);
        return;
    }
    link->refusal = *error;
    next_address(link, error);
}

static void connect_extra(kw__link *link) {
    int fd = kw__extra_scheme_of_tests->connect(link->client);
    if (fd < 0) {
        kw_error error;
        kw__fail(&error, KW_CONNECTION, KW_REASON_REFUSED, "the test endpoint is closed");
        give_up(link, KW_CONNECTION, &error);
        return;
    }
    kw__transport_adopt(&link->transport, fd);
    watch(link);
    greet(link);
}

void kw__link_connect(kw__link *link) {
    const kw__url *url = link->url;
    kw_error error;
    kw__error_clear(&error);
    kw__error_clear(&link->refusal);
    link->connect_deadline = link->address_deadline = kw__deadline(kw__now(), url->connect_timeout_us);
    link->address_at = 0;
    link->address_count = 1;
    if (url->kind == KW__ADDRESS_EXTRA) {
        connect_extra(link);
    } else if (url->kind == KW__ADDRESS_UNIX) {
        if (kw__address_unix(&link->addresses[0], url->path)) {
            try_addresses(link, &error);
        } else {
            kw__fail(&error, KW_CONNECTION, KW_REASON_REFUSED, "the path of the socket is too long for this system: %s",
                     url->path);
            give_up(link, KW_CONNECTION, &error);
        }
    } else if (kw__resolve_literal(url->host, url->port, &link->addresses[0])) {
        try_addresses(link, &error);
    } else {
        kw_status status = kw__lookup_begin(url->host, url->port, &link->wake, &link->lookup, &error);
        if (status == KW_OK)
            link->state = KW__LINK_RESOLVING;
        else
            give_up(link, status, &error);
    }
}

static void resolved(kw__link *link) {
    kw_error error;
    kw__error_clear(&error);
    kw_status status = kw__lookup_result(link->lookup, link->addresses, &link->address_count, &error);
    kw__lookup_leave(link->lookup);
    link->lookup = NULL;
    link->state = KW__LINK_CONNECTING;
    if (status == KW_OK)
        try_addresses(link, &error);
    else
        give_up(link, status, &error);
}

static kw_status took_too_long(const kw__link *link, kw_status status, kw_error *error) {
    static const struct {
        const char *doing;
        const char *hint;
    } stages[] = {
        [KW__LINK_RESOLVING] = {"looking up", "is the name server reachable?"},
        [KW__LINK_CONNECTING] = {"connecting to", "are host and port right, and does no firewall stand between?"},
        [KW__LINK_SECURING] = {"agreeing on TLS with", "does it speak TLS at that port? if not, use redis://"},
        [KW__LINK_GREETING] = {"shaking hands with", "is it a server of Redis or Valkey, and not busy?"},
    };
    return kw__fail(error, status, KW_REASON_CONNECT_TIMEOUT, "%s %s took longer than the connect timeout: %s",
                    stages[link->state].doing, link->url->shown, stages[link->state].hint);
}

void kw__link_go_on(kw__link *link, int64_t now, bool ready) {
    kw_error error;
    kw__error_clear(&error);
    if (link->state == KW__LINK_RESOLVING && kw__lookup_is_done(link->lookup)) {
        resolved(link);
    } else if (link->state == KW__LINK_CONNECTING && ready) {
        if (kw__transport_connected(&link->transport, &error) != KW_OK)
            next_address(link, &error);
        else if (link->url->tls != NULL)
            begin_to_secure(link);
        else
            greet(link);
    } else if (now >= link->address_deadline) {
        kw_status status = link->state == KW__LINK_RESOLVING ? KW_RESOLVE : KW_CONNECTION;
        took_too_long(link, status, &error);
        bool goes_on = link->address_at + 1 < link->address_count || link->refusal.code != KW_OK;
        if (link->state == KW__LINK_CONNECTING && goes_on)
            next_address(link, &error);
        else
            kw__link_handshake_lost(link, status, &error);
    } else if (link->state == KW__LINK_SECURING && ready) {
        secure(link);
    }
}

void kw__link_greeting_failed(kw__link *link, kw_status status, const kw_error *error) {
    give_up(link, status, error);
}

void kw__link_is_up(kw__link *link) {
    link->state = KW__LINK_UP;
    atomic_store(&link->is_up, true);
    link->proven = false;
    link->backoff_until = 0;
    atomic_fetch_add_explicit(&link->counters->links, 1, memory_order_relaxed);
    if (link->was_up) atomic_fetch_add_explicit(&link->counters->reconnects, 1, memory_order_relaxed);
    link->was_up = true;
    link->user->connected(link, &link->greeting.server);
    kw__link_judge_repeats(link);
    kw__link_admit(link);
}
