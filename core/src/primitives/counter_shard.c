/*
 * The shape "shard": totals under tags of their own. Adds go round; one with an operation id always goes to the same
 * shard, where its id lies. What concerns all shards is one command, so the client's one server does it in one step.
 */
#include "primitives/counter.h"

static kw_status add(kw_counter *counter, kw__bytes key, int64_t amount, kw__command *command, kw_error *error) {
    char room[KW__KEY_ROOM];
    uint32_t shard = atomic_fetch_add_explicit(&counter->turn, 1, memory_order_relaxed) % counter->shards;
    (void)error;
    kw__command_begin(command, 3);
    kw__command_text(command, "INCRBY");
    kw__command_bytes(command, kw__key_write_numbered(&counter->frame, key, shard, room));
    kw__command_integer(command, amount);
    return KW_OK;
}

static kw_status added(const kw_counter *counter, int64_t amount, const kw__reply *reply, kw_count *count,
                       kw_error *error) {
    (void)counter;
    return kw__counter_decode_native(amount, reply, count, error);
}

/* 32-bit FNV-1a (Fowler, Noll, Vo). It is part of the contract: every language must find the same shard. */
static uint32_t shard_of(const kw_counter *counter, kw__bytes once) {
    const unsigned char *at = once.data;
    uint32_t hash = UINT32_C(0x811C9DC5);
    for (size_t i = 0; i < once.length; i++)
        hash = (hash ^ at[i]) * UINT32_C(0x01000193);
    return hash % counter->shards;
}

static kw_status add_once(const kw_counter *counter, kw__bytes key, int64_t amount, kw__bytes once,
                          kw__command *command, kw_error *error) {
    return kw__counter_encode_once(counter, key, shard_of(counter, once), amount, once, command, error);
}

static void of_all(const kw_counter *counter, const char *name, kw__bytes key, kw__command *command) {
    char room[KW__KEY_ROOM];
    kw__command_begin(command, 1 + (int)counter->shards);
    kw__command_text(command, name);
    for (uint32_t shard = 0; shard < counter->shards; shard++)
        kw__command_bytes(command, kw__key_write_numbered(&counter->frame, key, shard, room));
}

static void value(const kw_counter *counter, kw__bytes key, kw__command *command) {
    of_all(counter, "MGET", key, command);
}

static kw_status read(const kw_counter *counter, const kw__reply *reply, kw_count *count, kw_error *error) {
    int64_t sum = 0;
    if (reply->kind != KW__REPLY_ARRAY || reply->count != counter->shards) return kw__reply_unexpected("MGET", error);
    for (size_t i = 0; i < reply->count; i++) {
        const kw__reply *shard = reply->elements[i];
        int64_t one = 0;
        if (shard->kind == KW__REPLY_NIL) continue;
        if (shard->kind != KW__REPLY_STRING) return kw__reply_unexpected("MGET", error);
        if (!kw__parse_integer(shard->bytes, &one)) return kw__counter_foreign(error);
        if (one > 0 ? sum > INT64_MAX - one : sum < INT64_MIN - one) {
            return kw__fail(error, KW_SERVER, KW_REASON_OVERFLOW,
                            "the sum of the shards passes 64 bits: reset the counter");
        }
        sum += one;
    }
    return kw__counter_tell(sum, KW_NEVER, count);
}

static void reset(const kw_counter *counter, kw__bytes key, kw__command *command) {
    of_all(counter, "DEL", key, command);
}

const kw__counter_shape kw__counter_shard = {
    .kind = "sharded",
    .encode_add = add,
    .decode_add = added,
    .encode_add_once = add_once,
    .encode_value = value,
    .decode_value = read,
    .encode_reset = reset,
};
