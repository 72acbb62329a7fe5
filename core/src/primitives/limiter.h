/*
 * A limiter: a name, a limit, and the shape in which the state of its keys is kept. The two shapes, "tat" for GCRA and
 * "window" for fixed windows, fill one table each; nothing outside them asks which algorithm a limiter has.
 */
#ifndef KW__LIMITER_H
#define KW__LIMITER_H

#include "engine/object.h"
#include "primitives/gcra.h"
#include "primitives/http_fields.h"
#include "primitives/keys.h"
#include "redis/command.h"
#include "redis/reply.h"

typedef struct kw__shape kw__shape;

struct kw_limiter {
    kw__object object;
    const kw__shape *shape;
    kw__key_frame frame;
    int64_t capacity; /* the burst under GCRA, the limit of a window */
    int64_t period_us;
    int64_t max_wait_us;
    uint64_t origin; /* what the fingerprints of its decisions begin with */
    kw__gcra gcra;   /* under GCRA */
    kw_limit limit;  /* as it was written */
    char *name;      /* as it was given: what HTTP fields call it */
    size_t name_length;
};

/* What every script of a limiter answers. */
typedef struct kw__limiter_state {
    bool charged;
    int64_t now;     /* the server's clock, Unix us */
    kw__bytes value; /* of the key, as it is now; empty when there is none */
} kw__limiter_state;

/* How one algorithm keeps its state. Costs are 1 to the capacity. */
struct kw__shape {
    const char *name; /* the beginning of the key's part */
    bool books_ahead; /* a wait is booked in the server and needs no second asking */
    kw__http_quota quota;
    kw_status (*prepare)(kw_limiter *limiter, const kw_limit *limit, kw_error *error);
    void (*encode_hit)(const kw_limiter *limiter, kw__bytes key, int64_t cost, int64_t patience_us,
                       kw__command *command);
    /*
     * Fills in remaining, reset_after_us and retry_after_us: how long until cost fits (0: now; cost may be 0). Of a hit
     * that was charged it fills in delay_us and what a refund reads, instead of retry_after_us.
     */
    kw_status (*describe)(const kw_limiter *limiter, const kw__limiter_state *state, int64_t cost,
                          kw_decision *decision, kw_error *error);
    void (*encode_refund)(const kw_limiter *limiter, kw__bytes key, const kw_decision *decision, int64_t count,
                          kw__command *command);
};

extern const kw__shape kw__shape_gcra;
extern const kw__shape kw__shape_window;

kw_status kw__limiter_open(kw_client *client, kw__bytes name, const char *limits, const kw_limiter_options *options,
                           kw_limiter **limiter, kw_error *error);
void kw__limiter_free(kw_limiter *limiter);
kw_status kw__limiter_http_fields(const kw_limiter *limiter, const kw_decision *decision, kw__bytes partition,
                                  int32_t style, char *fields, size_t capacity, size_t *length, kw_error *error);
kw_status kw__limiter_http_problem(const kw_limiter *limiter, const kw_decision *decision, char *problem,
                                   size_t capacity, size_t *length, kw_error *error);

/* Every moment of the server's clock, and every sum in us that a script makes, stays below this: Lua counts in doubles.
 */
#define KW__SERVER_TIME_MAX (INT64_C(1) << 53)
/* Every moment that a state holds has 16 digits, which Unix us have had since 2001. */
#define KW__STATE_TIME_MIN INT64_C(1000000000000000)

/* The steps of a hit, shared by hit, peek and wait. patience_us is how far ahead it may be booked, 0 for a plain hit.
 */
kw_status kw__limiter_encode_hit(const kw_limiter *limiter, kw__bytes key, int64_t cost, int64_t patience_us,
                                 kw__command *command, kw_error *error);
kw_status kw__limiter_decode_hit(const kw_limiter *limiter, kw__bytes key, int64_t cost, const kw__reply *reply,
                                 kw_decision *decision, kw_error *error);
kw_status kw__limiter_encode_refund(const kw_limiter *limiter, kw__bytes key, const kw_decision *decision,
                                    int64_t count, kw__command *command, kw_error *error);
kw_status kw__limiter_decode_refund(const kw__reply *reply, kw_error *error);

/* For the shapes: a script's begin with its one key. */
void kw__limiter_script(const kw_limiter *limiter, const kw__script *script, kw__bytes key, kw__command *command);
/* For the shapes: the key holds what no limiter wrote. */
kw_status kw__limiter_foreign(kw_error *error);

#endif
