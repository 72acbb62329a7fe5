/*
 * A counter: a name, and the shape in which the counts of its keys are kept. Four shapes fill one table each; nothing
 * outside them asks which kind a counter is.
 *
 *     total    a whole number, permanent
 *     timed    and day, week, month, year: the count's end, 16 digits, and the number behind it
 *     window   a ring of buckets
 *     shard    totals, each under a tag of its own
 */
#ifndef KW__COUNTER_H
#define KW__COUNTER_H

#include "engine/object.h"
#include "primitives/keys.h"
#include "redis/command.h"
#include "redis/reply.h"

typedef struct kw__counter_shape kw__counter_shape;

struct kw_counter {
    kw__object object;
    const kw__counter_shape *shape;
    kw__key_frame frame;
    kw__key_frame ids, older_ids; /* beside each key: the operation ids that it remembers */
    int64_t min;
    int64_t max;
    bool bounded;
    bool saturates;
    int expiry; /* what the scripts call so: 0 never, else 1 more than its kw_expiry */
    int64_t span;
    int64_t ttl_us;   /* of a count with an end in us, else 0 */
    int64_t width_us; /* of a bucket */
    int64_t buckets;
    uint32_t shards;
    atomic_uint turn; /* which shard is next */
    int64_t remember_us;
    int64_t remember_max;
};

/* How a kind of count is kept. What is NULL it does not offer. */
struct kw__counter_shape {
    const char *kind; /* for messages */
    kw_status (*encode_add)(kw_counter *counter, kw__bytes key, int64_t amount, kw__command *command, kw_error *error);
    kw_status (*decode_add)(const kw_counter *counter, int64_t amount, const kw__reply *reply, kw_count *count,
                            kw_error *error);
    kw_status (*encode_add_once)(const kw_counter *counter, kw__bytes key, int64_t amount, kw__bytes once,
                                 kw__command *command, kw_error *error);
    void (*encode_value)(const kw_counter *counter, kw__bytes key, kw__command *command);
    kw_status (*decode_value)(const kw_counter *counter, const kw__reply *reply, kw_count *count, kw_error *error);
    void (*encode_set)(const kw_counter *counter, kw__bytes key, int64_t value, kw__command *command);
    void (*encode_reset)(const kw_counter *counter, kw__bytes key, kw__command *command);
    bool takes;
};

extern const kw__counter_shape kw__counter_total;
extern const kw__counter_shape kw__counter_timed;
extern const kw__counter_shape kw__counter_window;
extern const kw__counter_shape kw__counter_shard;

kw_status kw__counter_open(kw_client *client, kw__bytes name, const kw_counter_options *options, kw_counter **counter,
                           kw_error *error);
void kw__counter_free(kw_counter *counter);

/* counter_options.c: checks the options and fills in the counter's shape and numbers. */
kw_status kw__counter_read_options(const kw_counter_options *options, kw_counter *counter, kw_error *error);
/* The end of the key's part: "total", "timed", "day", "window:5000000x60", "shard:8"; part has room for 64 bytes. */
void kw__counter_part(const kw_counter *counter, char *part);

/* For the shapes, counter_exact.c and counter_reply.c. */

/* The key as it lies in the server, the whole of it: what every script of a counter begins with. */
void kw__counter_script(const kw_counter *counter, const kw__script *script, kw__bytes key, kw__command *command);
/* counter_add_once on the keys of that shard, 0 when there are no shards. */
kw_status kw__counter_encode_once(const kw_counter *counter, kw__bytes key, uint32_t shard, int64_t amount,
                                  kw__bytes once, kw__command *command, kw_error *error);
/* What follows the state in a script with an operation id. */
void kw__counter_ids(const kw_counter *counter, kw__bytes once, kw__command *command);
/* The keys of the operation ids beside a key. */
void kw__counter_id_keys(const kw_counter *counter, kw__bytes key, uint32_t shard, kw__command *command);
kw_status kw__counter_encode_add_script(const kw_counter *counter, kw__bytes key, int64_t amount, kw__command *command,
                                        kw_error *error);

/* Takes the answer of a script apart; amount is what was asked to be added, 0 where nothing was. */
kw_status kw__counter_decode(const kw_counter *counter, int64_t amount, const kw__reply *reply, kw_count *count,
                             kw_error *error);
/* INCRBY: its number, or its two errors. */
kw_status kw__counter_decode_native(int64_t amount, const kw__reply *reply, kw_count *count, kw_error *error);
/* Writes a reply that says how a count stands, and nothing more. */
kw_status kw__counter_tell(int64_t value, int64_t expires_after_us, kw_count *count);
/* The key holds what no counter wrote. */
kw_status kw__counter_foreign(kw_error *error);

/* Moments of the server's clock, in us: of states, and the bound of what Lua computes with. */
#define KW__COUNTER_TIME_MIN INT64_C(1000000000000000)
#define KW__COUNTER_TIME_MAX (INT64_C(1) << 53)

#endif
