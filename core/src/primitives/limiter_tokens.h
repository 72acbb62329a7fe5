/*
 * Leases of tokens: a client takes several tokens of a key from the server at once and answers hits from them itself.
 *
 * The server has charged them all, so what a client may admit beyond what the server would now is what it holds: less
 * than a lease of each key, for there is one at a time. A lease is asked for by a hit of 1 while nothing is held, and
 * ends token_ttl_us after that was sent, or where what was charged stops counting (a fixed window's end). What is left
 * then is lost. It begins with one token, which is a plain hit, doubles while it is spent in less than half its time,
 * and falls to what was spent: so a key that few hit loses nothing. It does not grow by a denial. After a failure,
 * which may have charged what nobody holds, it begins anew, not before token_ttl_us.
 */
#ifndef KW__LIMITER_TOKENS_H
#define KW__LIMITER_TOKENS_H

#include "primitives/limiter_places.h"

/* What is held of a key. All times are monotonic, but decided_at_us. */
typedef struct kw__held {
    uint64_t hash;         /* of the key; 0: an empty place */
    uint64_t request;      /* the latest; 0: it was forgotten */
    int64_t size;          /* how many the next one asks for */
    int64_t asked_at;      /* when the latest was */
    int64_t request_until; /* by when it is over; 0: none is out */
    int64_t quiet_until;   /* the server has denied: none before */
    int64_t until;         /* of the lease */
    int64_t granted;
    int64_t left;
    int64_t sent_at;
    int64_t decided_at_us;
    int64_t limit;
    int64_t remaining; /* when all were charged */
    int64_t reset_after_us;
    int64_t binding;
} kw__held;

/* Those that share places. */
typedef struct kw__helds {
    uint64_t requests; /* so many were made */
    kw__held places[KW__WAYS];
} kw__helds;

typedef struct kw__tokens {
    kw__helds *helds;
    size_t count; /* places, or 0 */
} kw__tokens;

/* Whether the limiter can lease tokens, as its settings want; init makes the table besides. */
kw_status kw__tokens_check(const kw_limiter *limiter, kw_error *error);
kw_status kw__tokens_init(kw_limiter *limiter, kw_error *error);
void kw__tokens_free(kw_limiter *limiter);

/* Whether what is held answers a hit of that cost; then it has written the decision. */
bool kw__tokens_spend(kw_limiter *limiter, kw__bytes key, int64_t cost, int64_t now, kw_decision *decision);
/*
 * With how many tokens a hit of 1 goes to the server, which must end by the deadline; 0: it goes plainly. `request` is
 * what it is known by.
 */
int64_t kw__tokens_ask(kw_limiter *limiter, kw__bytes key, int64_t now, int64_t deadline, uint64_t *request);
/* Such a hit was answered by a decision on all its tokens, which becomes one on a hit of 1; the rest is held. */
void kw__tokens_keep(kw_limiter *limiter, kw__bytes key, uint64_t request, int64_t sent_at, int64_t now,
                     kw_decision *decision);
/* Or it was denied, for so long, or failed: KW_NEVER. */
void kw__tokens_none(kw_limiter *limiter, kw__bytes key, uint64_t request, int64_t now, int64_t retry_after_us);
/* A hit that was answered from a lease is taken back; once that is over, or another is asked for, it is lost. */
void kw__tokens_give_back(kw_limiter *limiter, kw__bytes key, const kw_decision *decision, int64_t count, int64_t now);
/* The key begins anew: what is held or on its way does not count any more. */
void kw__tokens_forget(kw_limiter *limiter, kw__bytes key);

#endif
