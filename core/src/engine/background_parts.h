/* What the files of the background share: background.c (thread and rounds), watch.c (notifications), duty.c. */
#ifndef KW__BACKGROUND_PARTS_H
#define KW__BACKGROUND_PARTS_H

#include "engine/background.h"
#include "engine/completions.h"

struct kw__background {
    kw_client *client; /* not held: the client ends the background */
    kw__mutex lock;
    kw__poller poller;
    kw__signal signal; /* something new to do */
    bool has_thread;
    pthread_t thread;
    atomic_bool stopping;
    atomic_bool turning; /* somebody is at a round */

    kw__link link;       /* the notification link */
    atomic_bool came_up; /* set by the link, seen by the next round */
    atomic_bool went_down;
    bool is_up;
    int64_t heard_at; /* when the server said the last thing */
    int64_t asked_at; /* when it was asked for a sign of life, 0: not since */
    kw__buffer words; /* what is said next */
    kw__watch *watches;
    kw__guard *guards;
    bool retrack;    /* the set of prefixes changed */
    int confirming;  /* replies until the server tells of changes */
    bool refused;    /* one of them was an error */
    bool has_spoken; /* on this link: in RESP2 nothing but subscriptions may follow */

    kw__duty *duties;
    uint64_t last_tag;
    kw_completions *completions; /* of the duties' calls */
    kw_background seen;
};

/* The client's background, made and started if need be. */
kw_status kw__background_of(kw_client *client, kw__background **background, kw_error *error);
void kw__background_wake(kw__background *background);

/* watch.c */
extern const kw__link_user kw__notification_user;
void kw__watch_round(kw__background *background, int64_t now);
int64_t kw__watch_due(const kw__background *background);

/* duty.c */
void kw__duty_round(kw__background *background, int64_t now);
int64_t kw__duty_due(const kw__background *background);

#endif
