/* The notification link: subscriptions that outlive losses, and invalidation with epochs. RESP2 and RESP3 alike. */
#include "base/clock.h"
#include "engine/background_parts.h"
#include "redis/command.h"

#define QUIET_US (15 * KW__SECOND) /* silence after which the server is asked for a sign of life */
#define DEAD_US (5 * KW__SECOND)   /* and silence after that which ends the link */

static const char invalidation_channel[] = "__redis__:invalidate"; /* of RESP2; RESP3 has a push of its own */

/* Saying */

static void say(kw__background *background, const char *name, const kw__bytes *argument) {
    kw__command command = {.out = &background->words};
    kw__command_begin(&command, argument != NULL ? 2 : 1);
    kw__command_text(&command, name);
    if (argument != NULL) kw__command_bytes(&command, *argument);
}

/* The server forgets the prefixes before and learns the present ones. */
static void say_tracking(kw__background *background) {
    kw__buffer *out = &background->words;
    kw__command command = {.out = out};
    int prefixes = 0;
    for (const kw__guard *guard = background->guards; guard != NULL; guard = guard->next)
        prefixes++;
    kw__command_begin(&command, 3);
    kw__command_text(&command, "CLIENT");
    kw__command_text(&command, "TRACKING");
    kw__command_text(&command, "OFF");
    background->confirming = 1;
    background->refused = false;
    if (prefixes == 0) return;
    bool resp2 = background->link.greeting.server.protocol == 2;
    background->confirming++;
    kw__command_begin(&command, 4 + (resp2 ? 2 : 0) + 2 * prefixes);
    kw__command_text(&command, "CLIENT");
    kw__command_text(&command, "TRACKING");
    kw__command_text(&command, "ON");
    if (resp2) {
        kw__command_text(&command, "REDIRECT");
        kw__command_integer(&command, background->link.greeting.server.client_id);
    }
    kw__command_text(&command, "BCAST");
    for (const kw__guard *guard = background->guards; guard != NULL; guard = guard->next) {
        kw__command_text(&command, "PREFIX");
        kw__command_bytes(&command, guard->prefix);
    }
    if (resp2) say(background, "SUBSCRIBE", &(kw__bytes){invalidation_channel, sizeof invalidation_channel - 1});
}

/* Hearing, with the lock */

static bool is(const kw__reply *reply, const char *text) {
    return reply->kind == KW__REPLY_STRING && kw__bytes_equal(reply->bytes, kw__bytes_text(text));
}

static bool is_for(const kw__watch *watch, kw__bytes payload) {
    static const unsigned char all[KW__WAITER_ID];
    return payload.length < KW__WAITER_ID || memcmp(payload.data, all, KW__WAITER_ID) == 0 ||
           memcmp(payload.data, watch->id, KW__WAITER_ID) == 0;
}

static void invalidate_all(kw__background *background) {
    for (kw__guard *guard = background->guards; guard != NULL; guard = guard->next) {
        guard->epoch++;
        guard->invalidated(guard, NULL);
    }
}

/* The keys that changed; nil when the server forgot everything (FLUSHALL). What is no key may stand for any. */
static void hear_invalidation(kw__background *background, const kw__reply *keys) {
    background->seen.invalidations++;
    if (keys->kind != KW__REPLY_ARRAY) {
        invalidate_all(background);
        return;
    }
    for (size_t i = 0; i < keys->count; i++) {
        kw__bytes key = keys->elements[i]->bytes;
        if (keys->elements[i]->kind != KW__REPLY_STRING) {
            invalidate_all(background);
            continue;
        }
        for (kw__guard *guard = background->guards; guard != NULL; guard = guard->next) {
            if (key.length < guard->prefix.length || memcmp(key.data, guard->prefix.data, guard->prefix.length) != 0)
                continue;
            guard->epoch++;
            guard->invalidated(guard, &key);
        }
    }
}

static void hear_message(kw__background *background, kw__bytes channel, const kw__reply *payload) {
    if (kw__bytes_equal(channel, kw__bytes_of(invalidation_channel, sizeof invalidation_channel - 1))) {
        hear_invalidation(background, payload);
        return;
    }
    if (payload->kind != KW__REPLY_STRING) return;
    background->seen.notifications++;
    for (kw__watch *watch = background->watches, *next; watch != NULL; watch = next) {
        next = watch->next;
        if (kw__bytes_equal(watch->channel, channel) && is_for(watch, payload->bytes))
            watch->notified(watch, payload->bytes);
    }
}

static void hear_subscribed(kw__background *background, kw__bytes channel) {
    for (kw__watch *watch = background->watches; watch != NULL; watch = watch->next) {
        if (watch->stage != KW__WATCH_ASKED || !kw__bytes_equal(watch->channel, channel)) continue;
        watch->stage = KW__WATCH_WATCHING;
        watch->watching(watch);
    }
}

/* From the last confirmation on the server tells of changes; what changed before was not told. */
static void hear_confirmation(kw__background *background, bool refused) {
    if (background->confirming == 0) return;
    background->refused = background->refused || refused;
    if (--background->confirming > 0) return;
    for (kw__guard *guard = background->guards; guard != NULL; guard = guard->next)
        guard->live = !background->refused;
    invalidate_all(background);
}

static void hear_error(kw__background *background, const kw__reply *reply) {
    kw_error error;
    kw__reply_failure(reply, &error);
    background->seen.failures++;
    memcpy(background->seen.last_error, error.server, sizeof error.server);
    hear_confirmation(background, true);
}

static void hear(kw__link *link, const kw__reply *reply) {
    kw__background *background = link->owner;
    kw__lock(&background->lock);
    background->heard_at = kw__now();
    background->asked_at = 0;
    if (reply->kind == KW__REPLY_ERROR) hear_error(background, reply);
    if (is(reply, "OK")) hear_confirmation(background, false);
    bool named = (reply->kind == KW__REPLY_PUSH || reply->kind == KW__REPLY_ARRAY) && reply->count >= 2;
    bool has_channel = named && reply->elements[1]->kind == KW__REPLY_STRING;
    if (has_channel && is(reply->elements[0], "message") && reply->count == 3) {
        hear_message(background, reply->elements[1]->bytes, reply->elements[2]);
    } else if (has_channel && is(reply->elements[0], "subscribe")) {
        hear_subscribed(background, reply->elements[1]->bytes);
    } else if (named && is(reply->elements[0], "invalidate")) {
        hear_invalidation(background, reply->elements[1]);
    }
    kw__unlock(&background->lock);
}

/* By the link, with its lock: only marks, for the background's lock comes first. */
static void came_up(kw__link *link, const kw__server *server) {
    (void)server;
    atomic_store(&((kw__background *)link->owner)->came_up, true);
}

static void went_down(kw__link *link) {
    kw__background *background = link->owner;
    atomic_store(&background->came_up, false); /* it may have come up since the last round, and is gone again */
    atomic_store(&background->went_down, true);
}

const kw__link_user kw__notification_user = {.connected = came_up, .pushed = hear, .lost = went_down};

/* Rounds */

/* After a loss nothing is known: caches are empty, subscriptions are asked for again. */
static void take_loss(kw__background *background) {
    background->is_up = false;
    background->seen.losses++;
    for (kw__guard *guard = background->guards; guard != NULL; guard = guard->next)
        guard->live = false;
    invalidate_all(background);
    for (kw__watch *watch = background->watches; watch != NULL; watch = watch->next)
        watch->stage = KW__WATCH_NEW;
}

/* False when it can be said on a new link only. */
static bool ask_for_new(kw__background *background, int64_t now) {
    /* A subscriber of RESP2 may say nothing but subscriptions: prefixes come first. */
    if (background->retrack && background->has_spoken && background->link.greeting.server.protocol == 2) return false;
    if (background->retrack) {
        for (kw__guard *guard = background->guards; guard != NULL; guard = guard->next)
            guard->live = false;
        say_tracking(background);
        background->retrack = false;
        background->has_spoken = true;
    }
    for (kw__watch *watch = background->watches; watch != NULL; watch = watch->next) {
        if (watch->stage != KW__WATCH_NEW) continue;
        say(background, "SUBSCRIBE", &watch->channel);
        watch->stage = KW__WATCH_ASKED;
        background->has_spoken = true;
    }
    if (background->asked_at == 0 && now - background->heard_at >= QUIET_US) {
        say(background, "PING", NULL);
        background->asked_at = now;
    }
    return true;
}

int64_t kw__watch_due(const kw__background *background) {
    if (!background->is_up) return INT64_MAX;
    return background->asked_at != 0 ? background->asked_at + DEAD_US : background->heard_at + QUIET_US;
}

void kw__watch_round(kw__background *background, int64_t now) {
    kw__link *link = &background->link;
    kw__lock(&background->lock);
    if (atomic_exchange(&background->went_down, false) && background->is_up) take_loss(background);
    if (atomic_exchange(&background->came_up, false)) {
        background->is_up = true;
        background->heard_at = now;
        background->asked_at = 0;
        background->confirming = 0;
        background->has_spoken = false;
        background->retrack = background->guards != NULL;
    }
    bool wanted = background->watches != NULL || background->guards != NULL;
    bool dead = background->is_up && background->asked_at != 0 && now - background->asked_at >= DEAD_US;
    if (background->is_up && !ask_for_new(background, now)) dead = true;
    kw__lock(&link->lock);
    link->keep_up = wanted;
    if (dead)
        link->broken = true;
    else if (background->words.length > 0 || background->words.failed)
        kw__link_say(link, &background->words);
    kw__buffer_clear(&background->words);
    kw__unlock(&background->lock);
    kw__link_turn(link);
    kw__unlock(&link->lock);
    /* What the link told just now is acted on at once. */
    if (atomic_load(&background->came_up) || atomic_load(&background->went_down)) kw__background_wake(background);
}

/* Beginning and ending */

kw_status kw__watch_begin(kw_client *client, kw__watch *watch, kw_error *error) {
    kw__background *background;
    kw_status status = kw__background_of(client, &background, error);
    if (status != KW_OK) return status;
    kw__lock(&background->lock);
    watch->stage = KW__WATCH_NEW;
    watch->previous = NULL;
    watch->next = background->watches;
    if (watch->next != NULL) watch->next->previous = watch;
    background->watches = watch;
    kw__unlock(&background->lock);
    kw__background_wake(background);
    return KW_OK;
}

void kw__watch_end(kw_client *client, kw__watch *watch) {
    kw__background *background = client->background;
    kw__lock(&background->lock);
    if (watch->previous != NULL)
        watch->previous->next = watch->next;
    else
        background->watches = watch->next;
    if (watch->next != NULL) watch->next->previous = watch->previous;
    bool others = false;
    for (const kw__watch *other = background->watches; other != NULL && !others; other = other->next) {
        others = kw__bytes_equal(other->channel, watch->channel);
    }
    if (!others && background->is_up && watch->stage != KW__WATCH_NEW) say(background, "UNSUBSCRIBE", &watch->channel);
    kw__unlock(&background->lock);
    kw__background_wake(background);
}

kw_status kw__guard_begin(kw_client *client, kw__guard *guard, kw_error *error) {
    kw__background *background;
    kw_status status = kw__background_of(client, &background, error);
    if (status != KW_OK) return status;
    kw__lock(&background->lock);
    guard->previous = NULL;
    guard->next = background->guards;
    if (guard->next != NULL) guard->next->previous = guard;
    background->guards = guard;
    background->retrack = true;
    kw__unlock(&background->lock);
    kw__background_wake(background);
    return KW_OK;
}

void kw__guard_end(kw_client *client, kw__guard *guard) {
    kw__background *background = client->background;
    kw__lock(&background->lock);
    if (guard->previous != NULL)
        guard->previous->next = guard->next;
    else
        background->guards = guard->next;
    if (guard->next != NULL) guard->next->previous = guard->previous;
    background->retrack = true;
    kw__unlock(&background->lock);
    kw__background_wake(background);
}

uint64_t kw__guard_epoch(kw_client *client, kw__guard *guard, bool *live) {
    kw__background *background = client->background;
    kw__lock(&background->lock);
    uint64_t epoch = guard->epoch;
    *live = guard->live && background->is_up;
    kw__unlock(&background->lock);
    return epoch;
}
