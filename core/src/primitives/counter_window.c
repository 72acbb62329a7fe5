/* The shape "window": a ring of buckets in a hash, turned by the script that adds; its sums stay below 2^53. */
#include "primitives/counter.h"
#include "primitives/primitives_scripts.h"

#define MOST ((INT64_C(1) << 53) - 1)

static kw_status check(int64_t amount, kw_error *error) {
    if (amount >= -MOST && amount <= MOST) return KW_OK;
    return kw__fail(error, KW_INVALID, KW_REASON_RANGE,
                    "amount is %lld; to a window less than 2^53 can be added, either way", (long long)amount);
}

static void geometry(const kw_counter *counter, kw__command *command) {
    kw__command_integer(command, counter->width_us);
    kw__command_integer(command, counter->buckets);
}

static kw_status add(kw_counter *counter, kw__bytes key, int64_t amount, kw__command *command, kw_error *error) {
    kw_status status = check(amount, error);
    if (status != KW_OK) return status;
    kw__counter_script(counter, &kw__script_counter_window_add, key, command);
    kw__command_integer(command, amount);
    geometry(counter, command);
    return KW_OK;
}

static kw_status added(const kw_counter *counter, int64_t amount, const kw__reply *reply, kw_count *count,
                       kw_error *error) {
    if (reply->kind == KW__REPLY_ERROR) return kw__reply_failure(reply, error);
    return kw__counter_decode(counter, amount, reply, count, error);
}

static kw_status add_once(const kw_counter *counter, kw__bytes key, int64_t amount, kw__bytes once,
                          kw__command *command, kw_error *error) {
    kw_status status = check(amount, error);
    if (status != KW_OK) return status;
    kw__counter_script(counter, &kw__script_counter_window_add_once, key, command);
    kw__counter_id_keys(counter, key, 0, command);
    kw__command_integer(command, amount);
    geometry(counter, command);
    kw__counter_ids(counter, once, command);
    return KW_OK;
}

static void value(const kw_counter *counter, kw__bytes key, kw__command *command) {
    kw__counter_script(counter, &kw__script_counter_window_value, key, command);
    geometry(counter, command);
}

static kw_status read(const kw_counter *counter, const kw__reply *reply, kw_count *count, kw_error *error) {
    return kw__counter_decode(counter, 0, reply, count, error);
}

static void reset(const kw_counter *counter, kw__bytes key, kw__command *command) {
    char room[KW__KEY_ROOM];
    kw__command_begin(command, 2);
    kw__command_text(command, "DEL");
    kw__command_bytes(command, kw__key_write(&counter->frame, key, room));
}

const kw__counter_shape kw__counter_window = {
    .kind = "windowed",
    .encode_add = add,
    .decode_add = added,
    .encode_add_once = add_once,
    .encode_value = value,
    .decode_value = read,
    .encode_reset = reset,
};
