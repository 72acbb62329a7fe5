/*
 * A limiter: a name and its rules, each one limit and the shape in which the state of its keys is kept. A shape fills a
 * table; nothing outside them asks which algorithm a rule has.
 *
 * One rule of a shape that has a script of its own goes by that. Everything else goes by limits_hit, which decides any
 * number of rules in one step, all or nothing.
 */
#ifndef KW__LIMITER_H
#define KW__LIMITER_H

#include "engine/object.h"
#include "primitives/gcra.h"
#include "primitives/http_fields.h"
#include "primitives/keys.h"
#include "primitives/limit_text.h"
#include "primitives/limiter_local.h"
#include "redis/command.h"
#include "redis/reply.h"

typedef struct kw__shape kw__shape;
typedef struct kw__overrides kw__overrides;

/* What the options of a limiter say, each checked, defaults filled in. */
typedef struct kw__limiter_settings {
    const kw__shape *shape; /* of rules that bound a rate */
    bool shadow;
    bool charge_denials;
    bool reservations;
    bool coalesce;
    int64_t max_wait_us;
    int64_t block_us; /* 0: no blocks */
    int64_t block_max_us;
    int64_t lease_us;
    int64_t zone_us;
    kw_align align;
    kw_on_failure on_failure;
    int32_t local_share; /* percent */
    int64_t timeout_us;  /* 0: the client's */
    int64_t denial_cache;
    int64_t denial_ttl_us;
    int64_t token_lease; /* 0: none */
    int64_t token_ttl_us;
    int64_t overrides_us; /* 0: takes none */
} kw__limiter_settings;

/* What is kept of reservations beside the states: records by id, and two orders of ids. */
#define KW__RESERVATION_KEYS 3

typedef struct kw__rule {
    const kw__shape *shape;
    kw__key_frame frame;
    bool shadow;
    bool plain;       /* reading its state alone tells all of it */
    bool indivisible; /* its numbers are too large for a script to tell how many fit */
    int64_t capacity; /* the burst under GCRA, the limit of a window, the permits of a concurrent limit */
    int64_t period_us;
    kw__gcra gcra;                   /* under GCRA */
    kw__gcra share;                  /* what a fallback admits by itself; parts 0: everything */
    int64_t unit_us, units;          /* of a sliding counter */
    int64_t aligned, span, shift_us; /* of a fixed window */
} kw__rule;

struct kw_limiter {
    kw__object object;
    atomic_int users; /* who opened it, and joint limiters: the last that gives it up ends what goes on behind it */
    kw__limiter_settings settings;
    bool books_ahead; /* every rule does */
    int64_t capacity; /* the least of those that deny */
    char *name;       /* as it was given: what HTTP fields call it */
    size_t name_length;
    kw_limit *limits; /* as they were written; behind the rules */
    uint64_t origin;  /* what the fingerprints of its decisions begin with */
    uint64_t terms;   /* what tells an override's decisions from those by the limiter's own limits; 0: they are these */
    kw_limiter *of;   /* held: the limiter that this one overrides, which owns what both have; NULL: it is none */
    kw__overrides *overrides; /* those of its keys; NULL: it takes none */
    kw__limiter_local *local;
    kw__key_frame blocks;                             /* of the keys that hold blocks, when there are any */
    kw__key_frame reservations[KW__RESERVATION_KEYS]; /* records, open, settled: when it takes them */
    int count;
    kw__rule rules[];
};

/* What a rule says about a cost. */
typedef struct kw__outlook {
    int64_t remaining;
    int64_t reset_after_us;
    int64_t retry_after_us; /* how long until the cost fits, 0: now. Of what was charged: 0 */
    int64_t delay_us;       /* of what was charged, and what a refund reads: */
    int64_t settles_us;
    int64_t settles_rest;
    int64_t lease;
} kw__outlook;

/* Room for six numbers. */
#define KW__RESERVED_ROOM 128

/* Room for a state's text. */
#define KW__STATE_ROOM 64

/* How one algorithm keeps its state. Costs are 1 to the capacity, but 0 where describe is told that nobody asks. */
struct kw__shape {
    const char *name; /* the beginning of the key's part */
    bool books_ahead; /* a wait is booked in the server and needs no second asking */
    kw__http_quota quota;
    bool settles_at_once; /* what was charged counts in full up to settles_us, and no longer */
    bool plain;           /* its state is a string, which reading alone tells unless prepare says otherwise */
    kw_status (*prepare)(kw__rule *rule, const kw_limit *limit, const kw__limiter_settings *settings, kw_error *error);
    /* By a script of its own, whose keys are this one; or NULL. Not when settings ask for more than admit or deny. */
    bool (*has_script)(const kw__rule *rule);
    void (*encode_alone)(const kw__rule *rule, kw__bytes key, int64_t cost, int64_t patience_us, kw__command *command);
    /* Or by a script whose key is this one and whose words are the cost and the terms below; or NULL. */
    const kw__script *alone;
    /* By a script for several equal hits, which answers how many were charged; or NULL: they go by limits_hit. */
    void (*encode_together)(const kw__rule *rule, kw__bytes key, int64_t cost, int64_t hits, kw__command *command);
    /* By a script for several rules of this shape; or NULL. */
    void (*encode_several)(const kw__rule *rules, int count, kw__bytes key, int64_t cost, int64_t patience_us,
                           kw__command *command);
    /* Its words for limits_hit. */
    int terms;
    void (*write_terms)(const kw__rule *rule, int64_t cost, int64_t patience_us, bool up_to, kw__command *command);
    /* What state means, empty when there is none; charged tells that the cost is in it. */
    kw_status (*describe)(const kw__rule *rule, kw__bytes state, int64_t now, int64_t cost, bool charged,
                          kw__outlook *outlook, kw_error *error);
    /* How long until a cost fits that is `more` above one that was denied for retry_us; -1: the state alone tells.
     * Or NULL: it always does. */
    int64_t (*wait_for_more)(const kw__rule *rule, int64_t retry_us, int64_t more);
    /* What the state was at the same moment before so much was charged, at most the capacity; empty when there is no
     * such state. NULL: hits of such rules are not coalesced. */
    kw__bytes (*rewind)(const kw__rule *rule, kw__bytes state, int64_t now, int64_t later, char room[KW__STATE_ROOM]);
    /* Its words for limits_refund; whether a key stands beside the rule's that lists refunds. */
    int refund_terms;
    bool lists_refunds;
    void (*write_refund)(const kw__rule *rule, const kw_decision *decision, int index, int64_t count,
                         kw__command *command);
    /* What a reservation's record must know of the rule to give back, as one word; NULL: nothing. */
    void (*write_reserved)(const kw__rule *rule, char out[KW__RESERVED_ROOM]);
};

extern const kw__shape kw__shape_gcra;
extern const kw__shape kw__shape_window;
extern const kw__shape kw__shape_counter;
extern const kw__shape kw__shape_log;
extern const kw__shape kw__shape_leases;

kw_status kw__limiter_open(kw_client *client, kw__bytes name, const char *limits, const kw_limiter_options *options,
                           kw_limiter **limiter, kw_error *error);
void kw__limiter_free(kw_limiter *limiter);
/* For joint limiters: takes it into use, held; and gives it up, still held. */
void kw__limiter_use(kw_limiter *limiter);
void kw__limiter_give_up(kw_limiter *limiter);
int64_t kw__limiter_lease_us(const kw_limiter *limiter);
kw_status kw__limiter_read_options(const kw_limiter_options *options, kw__limiter_settings *settings, kw_error *error);
/* An option that cannot be, and how it must be; or that must be 0 beside another, and why. */
kw_status kw__fail_option(kw_error *error, const char *name, int64_t value, const char *rule);
kw_status kw__fail_option_with(kw_error *error, const char *name, int64_t value, const char *other, const char *why);

/* The deadline of calls that name none: 50 ms where a failure policy answers, 0 (the client's) else. */
kw_status kw__limiter_read_timeout(int64_t value, kw_on_failure policy, int64_t *out, kw_error *error);

kw_status kw__limiter_http_fields(const kw_limiter *limiter, const kw_decision *decision, kw__bytes partition,
                                  int32_t style, char *fields, size_t capacity, size_t *length, kw_error *error);
kw_status kw__limiter_http_problem(const kw_limiter *limiter, const kw_decision *decision, char *problem,
                                   size_t capacity, size_t *length, kw_error *error);

kw_status kw__limiter_overrides_state(kw_limiter *limiter, kw_overrides_state *state, kw_error *error);

/* Every moment of the server's clock, and every sum in us that a script makes, stays below this: Lua counts in doubles.
 */
#define KW__SERVER_TIME_MAX (INT64_C(1) << 53)
/* Every moment that a state holds has 16 digits, which Unix us have had since 2001. */
#define KW__STATE_TIME_MIN INT64_C(1000000000000000)
#define KW__DAY_US INT64_C(86400000000)
/* A concurrent limit keeps every lease. */
#define KW__PERMITS_MAX 100000

/* The steps of a hit, shared by hit, hit_up_to and wait. */
kw_status kw__limiter_encode_hit(const kw_limiter *limiter, const kw__hit *hit, kw__command *command, kw_error *error);
kw_status kw__limiter_decode_hit(const kw_limiter *limiter, const kw__hit *hit, const kw__reply *reply,
                                 kw_decision *decision, kw_error *error);
kw_status kw__limiter_encode_look(const kw_limiter *limiter, kw__bytes key, int64_t cost, kw__command *command,
                                  kw_error *error);
kw_status kw__limiter_decode_look(const kw_limiter *limiter, kw__bytes key, int64_t cost, const kw__reply *reply,
                                  kw_decision *decision, kw_error *error);
kw_status kw__limiter_encode_refund(const kw_limiter *limiter, kw__bytes key, const kw_decision *decision,
                                    int64_t count, kw__command *command, kw_error *error);
/* Whether a refund of a decision that this limiter takes would have nothing to give back. */
bool kw__limiter_refunds_nothing(const kw_limiter *limiter, kw__bytes key, const kw_decision *decision);
kw_status kw__limiter_decode_refund(const kw__reply *reply, kw_error *error);
kw_status kw__limiter_encode_renew(const kw_limiter *limiter, kw__bytes key, const kw_decision *decision,
                                   kw__command *command, kw_error *error);
kw_status kw__limiter_encode_release(const kw_limiter *limiter, kw__bytes key, const kw_decision *decision,
                                     kw__command *command, kw_error *error);

/* Hits that go as one: whether this limiter's can, and their command. */
kw_status kw__limiter_check_coalesce(const kw_limiter *limiter, kw_error *error);
kw_status kw__limiter_encode_together(const kw_limiter *limiter, const kw__hit *hit, kw__command *command,
                                      kw_error *error);

/* For reservations: how many keys a command has beside its limits' own, and these; the words of all rules; decisions of
 * what a script told of a charge. */
void kw__limiter_begin(const kw_limiter *limiter, const kw__script *script, bool blocks, kw__bytes key, int words,
                       kw__command *command);
void kw__limiter_write_rules(const kw_limiter *limiter, const kw__hit *hit, kw__command *command);
kw_status kw__limiter_decode_charge(const kw_limiter *limiter, const kw__hit *hit, const kw__reply *reply,
                                    kw_decision *decision, kw_error *error);

/*
 * For joint limiters, whose scripts tell of the rules of several: how many words a limiter's rules take; the head of a
 * reply, and what of it is left; one limiter's decision by its states, which are taken from there. Its status is KW_OK:
 * whether the whole was admitted others decide, and retry_after_us tells whether this one denies.
 */
typedef struct kw__told {
    int64_t charged;
    int64_t now;
    kw__bytes rest;
} kw__told;
int kw__limiter_count_terms(const kw_limiter *limiter);
bool kw__limiter_read_told(const kw__reply *reply, kw__told *told);
kw_status kw__limiter_decide_part(const kw_limiter *limiter, const kw__hit *hit, kw__told *told, kw_decision *decision,
                                  kw_error *error);

/* What decisions about a key are known by. The lowest bits tell by which limits. */
#define KW__TERMS_BITS 24
uint64_t kw__limiter_origin(const kw_limiter *limiter, kw__bytes key);

/* Whether a decision is of this limiter and key, by whichever limits. */
bool kw__limiter_is_of(const kw_limiter *limiter, kw__bytes key, const kw_decision *decision);
/* Whether a decision of its own can be the record of an admission. */
bool kw__limiter_could_refund(const kw_limiter *limiter, const kw_decision *decision);

/* A limiter that differs from another in its limits alone, of which it has as many, under that one's labels. */
kw_status kw__limiter_make_override(kw_limiter *of, const kw_limit *limits, kw_limiter **out, kw_error *error);

/* For the shapes: the key of a rule; a script's begin with that key alone. */
void kw__rule_key(const kw__rule *rule, kw__bytes key, kw__command *command);
void kw__limiter_reservations_key(const kw_limiter *limiter, int index, kw__bytes key, kw__command *command);
void kw__rule_refunds_key(const kw__rule *rule, kw__bytes key, kw__command *command);
void kw__rule_script(const kw__rule *rule, const kw__script *script, kw__bytes key, kw__command *command);
/* For the shapes: the key holds what no limiter wrote. */
kw_status kw__limiter_foreign(kw_error *error);
/* For the shapes: only GCRA has bursts. */
kw_status kw__limiter_no_burst(const kw_limit *limit, kw_error *error);
/* For the shapes whose terms are these two. */
void kw__write_capacity_and_period(const kw__rule *rule, int64_t cost, int64_t patience_us, bool up_to,
                                   kw__command *command);
/* For the shapes: reads "a:b:c", numbers that are 0 and more. */
bool kw__read_numbers(kw__bytes text, int64_t *numbers, int count);

#endif
