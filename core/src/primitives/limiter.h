/*
 * A limiter: a name, a limit, and the shape in which the state of its keys is kept. The two shapes, "tat" for GCRA and
 * "window" for fixed windows, fill one table each; nothing outside them asks which algorithm a limiter has.
 */
#ifndef KW__LIMITER_H
#define KW__LIMITER_H

#include "engine/object.h"
#include "primitives/gcra.h"
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
    kw__gcra gcra; /* under GCRA */
};

/*
 * How one algorithm keeps its state. A cost is 1 to the capacity where a hit is encoded, 0 to the capacity where a state is
 * judged. The decision that decode and judge fill comes blank: kw__limiter_blank.
 */
struct kw__shape {
    const char *name; /* the beginning of the key's part */
    bool books_ahead; /* a wait is booked in the server and needs no second asking */
    kw_status (*prepare)(kw_limiter *limiter, const kw_limit *limit, kw_error *error);
    void (*encode_hit)(const kw_limiter *limiter, kw__bytes key, int64_t cost, int64_t patience_us, kw__command *command);
    kw_status (*decode_hit)(const kw_limiter *limiter, int64_t cost, const kw__reply *reply, kw_decision *decision,
        kw_error *error);
    /* What a hit would be answered, from the value of the key (NULL: there is none). */
    kw_status (*judge)(const kw_limiter *limiter, int64_t cost, int64_t now, const kw__bytes *value, kw_decision *decision,
        kw_error *error);
    void (*encode_refund)(const kw_limiter *limiter, kw__bytes key, const kw_decision *decision, int64_t count,
        kw__command *command);
};

extern const kw__shape kw__shape_gcra;
extern const kw__shape kw__shape_window;

kw_status kw__limiter_open(kw_client *client, kw__bytes name, const char *limits, const kw_limiter_options *options,
    kw_limiter **limiter, kw_error *error);
void kw__limiter_free(kw_limiter *limiter);

/* A moment of the server's clock, and every sum in us that a script makes, stays below this: Lua counts in doubles. */
#define KW__SERVER_TIME_MAX (INT64_C(1) << 53)

/* The steps of a hit, shared by hit, peek and wait. patience_us is how far ahead it may be booked, 0 for a plain hit. */
kw_status kw__limiter_encode_hit(const kw_limiter *limiter, kw__bytes key, int64_t cost, int64_t patience_us,
    kw__command *command, kw_error *error);
kw_status kw__limiter_decode_hit(const kw_limiter *limiter, int64_t cost, const kw__reply *reply, kw_decision *decision,
    kw_error *error);
kw_status kw__limiter_encode_refund(const kw_limiter *limiter, kw__bytes key, const kw_decision *decision, int64_t count,
    kw__command *command, kw_error *error);
kw_status kw__limiter_decode_refund(const kw__reply *reply, kw_error *error);

/* For the shapes: a script's begin with its one key. */
void kw__limiter_script(const kw_limiter *limiter, const kw__script *script, kw__bytes key, kw__command *command);
/* For the shapes: the key holds what no limiter wrote. */
kw_status kw__limiter_foreign(kw_error *error);

#endif
