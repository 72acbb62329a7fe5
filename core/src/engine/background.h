/*
 * What runs behind the caller's back: duties (renewals, heartbeats, flushes) and the notification link (subscriptions,
 * invalidation). One native thread a client drives both, started at the first need; a client without threads has them
 * driven by whoever steps or waits.
 *
 * Everything here is guarded by the background's own lock. Callbacks run under it: they set a flag, raise a signal,
 * count; they never call back. Order of locks: a link's, the background's, the links of the background, the client's.
 */
#ifndef KW__BACKGROUND_H
#define KW__BACKGROUND_H

#include "engine/client.h"
#include "engine/row.h"

#define KW__WAITER_ID 16

typedef enum kw__watch_stage {
    KW__WATCH_NEW,      /* to be asked for, or asked for again after a loss */
    KW__WATCH_ASKED,    /* SUBSCRIBE is out */
    KW__WATCH_WATCHING, /* nothing published from here on is missed */
} kw__watch_stage;

/* One who wants to hear of a channel. Its memory is the owner's, who ends it before it goes. */
typedef struct kw__watch kw__watch;
struct kw__watch {
    kw__watch *next;
    kw__watch *previous;
    kw__bytes channel;
    /* A message that begins with another waiter's id is not for this one; one that begins with zeros is for all. */
    unsigned char id[KW__WAITER_ID];
    kw__watch_stage stage;
    void (*watching)(kw__watch *watch); /* at each subscription, the first and those after a loss */
    void (*notified)(kw__watch *watch, kw__bytes payload);
};

/*
 * A cache that is kept true by invalidation. An entry is good only if `epoch` is what it was before it was asked for;
 * losing the link raises it and empties the cache.
 */
typedef struct kw__guard kw__guard;
struct kw__guard {
    kw__guard *next;
    kw__guard *previous;
    kw__bytes prefix; /* of the keys; prefixes of one client do not overlap */
    uint64_t epoch;
    bool live;                                                   /* the server tells of every change */
    void (*invalidated)(kw__guard *guard, const kw__bytes *key); /* NULL: all */
};

/* Something that is done again and again. */
typedef struct kw__duty kw__duty;
struct kw__duty {
    kw__duty *next;
    kw__duty *previous;
    const char *name;
    kw__object *object;
    const kw__row *row;
    int64_t every_us;
    int64_t timeout_us;
    const void *(*arguments)(kw__duty *duty); /* for the next time; copied at once */
    /* Its answer. Returns after how many us it is done again; KW_FOREVER: not any more. */
    int64_t (*answered)(kw__duty *duty, kw_status status, const void *result, const kw_error *error);
    int64_t at; /* when it is due */
    uint64_t tag;
    bool out; /* sent, not answered */
    kw_duty state;
};

kw_status kw__watch_begin(kw_client *client, kw__watch *watch, kw_error *error);
void kw__watch_end(kw_client *client, kw__watch *watch); /* no callback runs after it */
kw_status kw__guard_begin(kw_client *client, kw__guard *guard, kw_error *error);
void kw__guard_end(kw_client *client, kw__guard *guard);
uint64_t kw__guard_epoch(kw_client *client, kw__guard *guard, bool *live);
/* Done the first time after every_us. */
kw_status kw__duty_begin(kw_client *client, kw__duty *duty, kw_error *error);
void kw__duty_end(kw_client *client, kw__duty *duty); /* what is out goes its way; nobody hears of it */
void kw__duty_read(kw_client *client, kw__duty *duty, kw_duty *state);

/* What the public header shows of it. */
kw_status kw__client_background(kw_client *client, kw_background *background, kw_error *error);

/* For a client without threads: one round that does not wait, unless somebody is at it. */
void kw__background_turn(kw_client *client);
/* For a client without threads: the descriptor and the moment that the next round waits for. -1 and INT64_MAX: none. */
int kw__background_fd(kw_client *client);
int64_t kw__background_due(kw_client *client);

/* Ends the thread. Nothing runs after it. */
void kw__background_close(kw_client *client);
void kw__background_free(kw_client *client);
/* In a forked child: closes descriptors, nothing else. */
void kw__background_abandon(kw_client *client);

#endif
