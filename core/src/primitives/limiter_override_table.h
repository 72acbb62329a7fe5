/*
 * Overrides: limits of single keys, kept in the server, known here by looking again and again. An override is a limiter
 * too: of the same name, keys and settings, with other limits. The table lies in the limiter that was opened.
 */
#ifndef KW__LIMITER_OVERRIDE_TABLE_H
#define KW__LIMITER_OVERRIDE_TABLE_H

#include "engine/background.h"
#include "primitives/limiter.h"

/* How many a limiter's name may have; one costs about 600 bytes, its key, and 250 bytes for each further limit. */
#define KW__OVERRIDES_MAX 10000

/* A key that has an override, or had one of late. */
typedef struct kw__overridden kw__overridden;
struct kw__overridden {
    kw__overridden *next;
    uint64_t fingerprint; /* of limiter and key: what decisions by the limiter's own limits have as their origin */
    kw_limiter *limiter;  /* held; NULL: the limiter's own limits hold */
    kw_limiter *previous; /* held: what decided before, for refunds */
    int64_t version;
    int64_t ends_at_us; /* 0: never */
    int64_t told_at;    /* monotonic: when this client set or cleared it; 0: by looking */
    uint64_t round;     /* of looking at everything, in which it was there */
    bool ended;
    bool ignored; /* there is one that this limiter cannot take */
    size_t key_length;
    char key[];
};

typedef struct kw__look_args {
    int64_t since;
} kw__look_args;

typedef struct kw__overrides {
    kw__mutex lock; /* of what follows, but for the duty; taken inside the background's and a link's */
    kw__overridden **buckets;
    size_t bucket_count; /* a power of two */
    size_t entries;
    int64_t held, ignored;
    int64_t since; /* the change up to which all is known; -1: never looked */
    uint64_t round;
    bool whole;        /* everything is being looked at, in several steps */
    bool lacking;      /* the last look could not be kept for want of memory */
    bool more;         /* the server has more to tell at once */
    bool closed;       /* the limiter was freed: calls in flight put nothing in any more */
    int64_t offset;    /* of the server's clock, Unix us, to this machine's monotonic one */
    int64_t seen_at;   /* monotonic */
    atomic_bool begun; /* the duty is begun, or somebody is at it */
    atomic_bool looks; /* it was */
    atomic_bool empty; /* no key has any: nothing to lock for */
    int64_t asked_at;  /* by the duty alone, as what follows */
    kw__look_args args;
    kw__duty duty;
} kw__overrides;

/* Makes the table of a limiter whose settings ask for one. kw__overrides_free also after a failure. */
kw_status kw__overrides_init(kw_limiter *limiter, kw_error *error);
/* The limiter is given up: nothing looks any more, and what is known is let go of. */
void kw__overrides_close(kw_limiter *limiter);
void kw__overrides_free(kw_limiter *limiter);

/* The limits that a text means for the limiter, as many as it has; each under the label that it stands for. */
kw_status kw__override_read(const kw_limiter *limiter, kw__bytes text, kw_limit *limits, kw_error *error);

/* What is known of one key. `told_at`, monotonic: by this client's own doing; 0: by a look that was sent at `sent_at`.
 */
typedef struct kw__override_change {
    kw__bytes key;
    kw__bytes limits; /* empty: none any more */
    int64_t version;
    int64_t ends_at_us;
    int64_t told_at;
    int64_t sent_at;
} kw__override_change;

/* False: no memory, and nothing is changed. */
bool kw__overrides_put(kw_limiter *limiter, const kw__override_change *change);
/* The server's clock said so and was heard at that monotonic moment. */
void kw__overrides_tell_time(kw_limiter *limiter, int64_t server_us, int64_t received_at);

/* The limiter that decides about a key now, held: one of its overrides, or itself. */
kw_limiter *kw__overrides_serving(kw_limiter *limiter, kw__bytes key);

/* The same for a call that begins: sees to it that somebody looks. */
kw_limiter *kw__overrides_begin(kw_limiter *limiter, kw__bytes key);

/* Whether the key's limits are still those of the limiter that was asked. */
bool kw__overrides_still_serves(kw_limiter *limiter, kw__bytes key);

/* The override that made a decision, held; NULL when none did that is known: the limiter itself, perhaps. */
kw_limiter *kw__overrides_made(const kw_limiter *limiter, const kw_decision *decision);

/* overrides_read: the command, and the list that its reply is, a head before its items. */
typedef struct kw__look_head {
    int64_t reached;
    int64_t whole;
    int64_t more;
    int64_t now;
    int64_t reserved[2];
} kw__look_head;

kw_status kw__overrides_encode_read(const kw_limiter *limiter, int64_t since, int64_t most, bool follow,
                                    kw__command *command, kw_error *error);
kw_status kw__overrides_decode_read(const kw__reply *reply, bool with_head, kw_list **list, kw_error *error);

#endif
