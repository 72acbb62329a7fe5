/* Completions: submitted calls, a link of their own, and records to be drained. One descriptor for an event loop. */
#ifndef KW__COMPLETIONS_H
#define KW__COMPLETIONS_H

#include "engine/tag_map.h"
#include "engine/timers.h"

/* Everything below `link` is guarded by the link's lock. */
struct kw_completions {
    kw__object object;
    kw_completions *next; /* in the client's list, under the client's lock */
    kw_completions *previous;
    kw__poller poller;
    kw__signal signal; /* readable: records wait, or another thread submitted */
    kw__link link;
    bool signalled;
    bool stepping; /* one thread at a time does the work */
    kw__tag_map tags;
    kw__timers timers;
    kw__call *noticed; /* calls whose channel told something; under the client's lock */
    kw__call *arrived; /* outcomes to react to, the latest first */
    kw__call *ready;   /* records to be drained, the oldest first */
    kw__call *ready_last;
    size_t ready_count;
    size_t open_calls;
    int sleepers;        /* threads in wait */
    int64_t slept_until; /* by when the last of them looks again by itself, at the latest */
    kw__buffer block;    /* what the last drain handed out */
};

kw_status kw__completions_open(kw_client *client, kw_completions **completions, kw_error *error);
void kw__completions_free(kw_completions *completions);
int32_t kw__completions_fd(const kw_completions *completions);
int32_t kw__completions_timeout_ms(const kw_completions *completions);
/* When step must be called for what these completions have under way. */
int64_t kw__completions_due(kw_completions *completions);
int64_t kw__completions_step(kw_completions *completions, kw_error *error);
int64_t kw__completions_drain(kw_completions *completions, kw_record *records, int64_t capacity, size_t stride,
                              kw_error *error);
int64_t kw__completions_wait(kw_completions *completions, int64_t timeout_us, kw_error *error);
kw_status kw__completions_cancel(kw_completions *completions, uint64_t tag, kw_error *error);

kw_status kw__submit(kw__object *object, kw_completions *completions, uint64_t tag, const kw__row *row,
                     const void *args, int64_t timeout_us, kw_error *error);

/*
 * The completions of the client's background: they hold no client, for the client ends them, and stand in no list. NULL
 * when memory or descriptors are out.
 */
kw_completions *kw__completions_of_background(kw_client *client);
void kw__completions_free_of_background(kw_completions *completions);
/* In a forked child: closes descriptors, nothing else. */
void kw__completions_abandon(kw_completions *completions);

/* By the link of the completions, with its lock: the outcome of a call's send is there. */
void kw__completions_arrived(kw__call *call);
/* The client is being closed: every tag gets its record. */
void kw__completions_close_all(kw_client *client);

#endif
