/*
 * The shapes "total" and "timed": whole numbers of 64 bits. A total without bounds is counted by INCRBY; what must look
 * at a bound or at an end before it writes is counted by scripts.
 */
#include "primitives/counter.h"
#include "primitives/primitives_scripts.h"

/* What the scripts that add take after their keys. */
static void write_amount(const kw_counter *counter, int64_t amount, kw__command *command) {
    kw__command_integer(command, amount);
    kw__command_integer(command, amount < 0 ? counter->min : counter->max);
    kw__command_integer(command, counter->saturates);
    kw__command_integer(command, counter->expiry);
    kw__command_integer(command, counter->span);
}

void kw__counter_script(const kw_counter *counter, const kw__script *script, kw__bytes key, kw__command *command) {
    char room[KW__KEY_ROOM];
    kw__command_script(command, script);
    kw__command_bytes(command, kw__key_write(&counter->frame, key, room));
}

static void native(const kw_counter *counter, const char *name, int words, kw__bytes key, kw__command *command) {
    char room[KW__KEY_ROOM];
    kw__command_begin(command, words);
    kw__command_text(command, name);
    kw__command_bytes(command, kw__key_write(&counter->frame, key, room));
}

kw_status kw__counter_encode_add_script(const kw_counter *counter, kw__bytes key, int64_t amount, kw__command *command,
                                        kw_error *error) {
    (void)error;
    kw__counter_script(counter, &kw__script_counter_add, key, command);
    write_amount(counter, amount, command);
    return KW_OK;
}

static kw_status total_add(kw_counter *counter, kw__bytes key, int64_t amount, kw__command *command, kw_error *error) {
    if (counter->bounded) return kw__counter_encode_add_script(counter, key, amount, command, error);
    native(counter, "INCRBY", 3, key, command);
    kw__command_integer(command, amount);
    return KW_OK;
}

static kw_status total_added(const kw_counter *counter, int64_t amount, const kw__reply *reply, kw_count *count,
                             kw_error *error) {
    if (!counter->bounded) return kw__counter_decode_native(amount, reply, count, error);
    if (reply->kind == KW__REPLY_ERROR) return kw__reply_failure(reply, error);
    return kw__counter_decode(counter, amount, reply, count, error);
}

static kw_status timed_add(kw_counter *counter, kw__bytes key, int64_t amount, kw__command *command, kw_error *error) {
    return kw__counter_encode_add_script(counter, key, amount, command, error);
}

static kw_status timed_added(const kw_counter *counter, int64_t amount, const kw__reply *reply, kw_count *count,
                             kw_error *error) {
    if (reply->kind == KW__REPLY_ERROR) return kw__reply_failure(reply, error);
    return kw__counter_decode(counter, amount, reply, count, error);
}

kw_status kw__counter_encode_once(const kw_counter *counter, kw__bytes key, uint32_t shard, int64_t amount,
                                  kw__bytes once, kw__command *command, kw_error *error) {
    char room[KW__KEY_ROOM];
    (void)error;
    kw__command_script(command, &kw__script_counter_add_once);
    kw__command_bytes(command, counter->shards > 0 ? kw__key_write_numbered(&counter->frame, key, shard, room)
                                                   : kw__key_write(&counter->frame, key, room));
    kw__counter_id_keys(counter, key, shard, command);
    write_amount(counter, amount, command);
    kw__counter_ids(counter, once, command);
    return KW_OK;
}

static kw_status add_once(const kw_counter *counter, kw__bytes key, int64_t amount, kw__bytes once,
                          kw__command *command, kw_error *error) {
    return kw__counter_encode_once(counter, key, 0, amount, once, command, error);
}

static void total_value(const kw_counter *counter, kw__bytes key, kw__command *command) {
    native(counter, "GET", 2, key, command);
}

static kw_status total_read(const kw_counter *counter, const kw__reply *reply, kw_count *count, kw_error *error) {
    int64_t value = 0;
    (void)counter;
    if (reply->kind != KW__REPLY_NIL && reply->kind != KW__REPLY_STRING) return kw__reply_unexpected("GET", error);
    if (reply->kind == KW__REPLY_STRING && !kw__parse_integer(reply->bytes, &value)) return kw__counter_foreign(error);
    return kw__counter_tell(value, KW_NEVER, count);
}

static void timed_value(const kw_counter *counter, kw__bytes key, kw__command *command) {
    kw__counter_script(counter, &kw__script_state, key, command);
}

/* "0 seconds microseconds text", as script state answers. */
static kw_status timed_read(const kw_counter *counter, const kw__reply *reply, kw_count *count, kw_error *error) {
    const char *text = reply->bytes.data;
    int64_t clock[3], ends, value;
    size_t at = 0;
    if (reply->kind != KW__REPLY_STRING) return kw__reply_unexpected("counter", error);
    for (int i = 0; i < 3; i++) {
        const char *end = at < reply->bytes.length ? memchr(text + at, ' ', reply->bytes.length - at) : NULL;
        if (end == NULL || !kw__parse_integer(kw__bytes_of(text + at, (size_t)(end - text) - at), &clock[i])) {
            return kw__reply_unexpected("counter", error);
        }
        at = (size_t)(end - text) + 1;
    }
    if (clock[0] != 0 || clock[1] < 0 || clock[1] >= KW__COUNTER_TIME_MAX / 1000000 || clock[2] < 0 ||
        clock[2] >= 1000000) {
        return kw__reply_unexpected("counter", error);
    }
    kw__bytes state = kw__bytes_of(text + at, reply->bytes.length - at);
    if (kw__bytes_equal(state, kw__bytes_text("none"))) return kw__counter_tell(0, KW_NEVER, count);
    if (state.length < 17 || !kw__parse_integer(kw__bytes_of(text + at, 16), &ends) ||
        !kw__parse_integer(kw__bytes_of(text + at + 16, state.length - 16), &value) || ends < KW__COUNTER_TIME_MIN ||
        ends >= KW__COUNTER_TIME_MAX) {
        return kw__counter_foreign(error);
    }
    int64_t left = ends - (clock[1] * 1000000 + clock[2]);
    if (left <= 0) return kw__counter_tell(0, KW_NEVER, count);
    return kw__counter_tell(value, counter->ttl_us > 0 && left > counter->ttl_us ? counter->ttl_us : left, count);
}

static void total_set(const kw_counter *counter, kw__bytes key, int64_t value, kw__command *command) {
    native(counter, "SET", 3, key, command);
    kw__command_integer(command, value);
}

static void timed_set(const kw_counter *counter, kw__bytes key, int64_t value, kw__command *command) {
    kw__counter_script(counter, &kw__script_counter_set, key, command);
    kw__command_integer(command, value);
    kw__command_integer(command, counter->expiry);
    kw__command_integer(command, counter->span);
}

static void reset(const kw_counter *counter, kw__bytes key, kw__command *command) {
    native(counter, "DEL", 2, key, command);
}

const kw__counter_shape kw__counter_total = {
    .kind = "permanent",
    .encode_add = total_add,
    .decode_add = total_added,
    .encode_add_once = add_once,
    .encode_value = total_value,
    .decode_value = total_read,
    .encode_set = total_set,
    .encode_reset = reset,
    .takes = true,
};

const kw__counter_shape kw__counter_timed = {
    .kind = "timed",
    .encode_add = timed_add,
    .decode_add = timed_added,
    .encode_add_once = add_once,
    .encode_value = timed_value,
    .decode_value = timed_read,
    .encode_set = timed_set,
    .encode_reset = reset,
    .takes = true,
};
