/*
 * What a limiter knows and decides by itself: how often it said what, which denials it remembers, and what it answers
 * when the server cannot be asked.
 */
#ifndef KW__LIMITER_LOCAL_H
#define KW__LIMITER_LOCAL_H

#include <stdatomic.h>

#include "primitives/gcra.h"
#include "primitives/limit_text.h"
#include "primitives/limiter_breaker.h"
#include "primitives/limiter_places.h"
#include "primitives/limiter_tokens.h"

/* What is asked about a key. */
typedef struct kw__hit {
    kw__bytes key;
    int64_t cost;
    int64_t patience_us; /* how far ahead it may be booked, 0 for a plain hit */
    bool up_to;          /* as much as fits */
    int64_t lease_us;    /* how long the permits of a concurrent limit are held at least */
    int64_t together;    /* so many equal hits are one command; 1 or 0: it goes alone */
    int64_t index;       /* which of them this one is */
} kw__hit;

typedef struct kw__denial {
    uint64_t hash; /* of the key; 0: an empty place */
    int64_t until; /* monotonic: for how long it answers */
    int64_t cost;  /* it denied so much, and denies more */
    int64_t sent_at;
    int64_t retry_after_us;
    int64_t reset_after_us;
    int64_t decided_at_us;
    int64_t limit;
    int64_t remaining;
    int32_t denied_by;
    int32_t binding;
} kw__denial;

/* Those that share places. */
typedef struct kw__denials {
    int64_t forgotten_at; /* when one of their keys last changed by this client's doing */
    kw__denial places[KW__WAYS];
} kw__denials;

/* A key's theoretical arrival times under the limiter's share, monotonic. */
typedef struct kw__fallback {
    uint64_t hash;
    int64_t touched;
    kw__gcra_time tats[KW__LIMITS_MAX];
} kw__fallback;

typedef struct kw__limiter_local {
    kw__places places;
    kw__denials *denials;
    size_t denial_count; /* places, or 0 */
    kw__fallback *fallbacks;
    size_t fallback_count;
    kw__tokens tokens;
    kw__breaker breaker;
    atomic_int_least64_t admitted, denied, failed, near_limit, shadow_denied, answered_locally, leased;
} kw__limiter_local;

typedef struct kw__rule kw__rule;

/* The part of a rule's limit that a fallback admits; number is how errors call it. */
kw_status kw__limiter_take_share(kw__rule *rule, const kw_limit *limit, int number, int32_t percent, kw_error *error);
/* Makes what the limiter's settings ask for; kw__limiter_local_free also after a failure. */
kw_status kw__limiter_local_init(kw_limiter *limiter, kw_error *error);
void kw__limiter_local_free(kw_limiter *limiter);

/* What a hit that goes to the server knows of its own asking. */
typedef struct kw__asking {
    kw__passage passage;
    int64_t tokens; /* with how many; 0: plainly */
    uint64_t request;
} kw__asking;

/* Whether the policy answers, for the server is absent; if not, passage must be told how the hit ended. */
bool kw__limiter_is_shut(kw_limiter *limiter, const kw__hit *hit, int64_t now, int64_t deadline, kw__passage *passage,
                         kw_decision *decision);
void kw__limiter_passed(kw_limiter *limiter, kw_status status, int64_t now, const kw__passage *passage);

/*
 * Whether a hit is answered without the server: from tokens, by a denial that is remembered, or by the policy while the
 * server is absent. If not, it goes there until the deadline, and asking must be told how that ended.
 */
bool kw__limiter_answer_alone(kw_limiter *limiter, const kw__hit *hit, int64_t now, int64_t deadline,
                              kw__asking *asking, kw_decision *decision);
/* How it ended, a failure or the decision; what the caller is told, and what is kept of it. */
kw_status kw__limiter_conclude(kw_limiter *limiter, const kw__hit *hit, const kw__asking *asking, kw_status status,
                               int64_t sent_at, int64_t now, kw_decision *decision);

/* Whether a denial that is remembered answers for the key. */
bool kw__limiter_recall(kw_limiter *limiter, kw__bytes key, int64_t cost, int64_t now, kw_decision *decision);
/* Remembers a denial, unless what it speaks of has changed since it was sent. */
void kw__limiter_remember(kw_limiter *limiter, const kw__hit *hit, int64_t sent_at, const kw_decision *decision);
/*
 * The key's state changes by this client's doing. To be told before that is sent, so that nothing is answered by what
 * was, and again when it was answered: a hit may have been denied in between.
 */
void kw__limiter_forget(kw_limiter *limiter, kw__bytes key);
/* Whether the policy answers for the failure; then it has written the decision. */
bool kw__limiter_decide_alone(kw_limiter *limiter, const kw__hit *hit, kw_status failure, int64_t now,
                              kw_decision *decision);
/* The same by another policy. */
bool kw__limiter_decide_by(kw_limiter *limiter, kw_on_failure policy, const kw__hit *hit, kw_status failure,
                           int64_t now, kw_decision *decision);
/* What a decision begins as that no server made. */
void kw__limiter_begin_alone(const kw_limiter *limiter, kw__bytes key, kw_decided_by reason, kw_decision *decision);
/* Gives back to the shares what a fallback charged. */
void kw__limiter_give_back(kw_limiter *limiter, kw__bytes key, int64_t count, int64_t now);
/* Counts an answer, or with a negative status a failure. */
void kw__limiter_count(kw_limiter *limiter, kw_status status, const kw_decision *decision);
kw_status kw__limiter_stats(kw_limiter *limiter, kw_hit_counts *counts, kw_error *error);

#endif
