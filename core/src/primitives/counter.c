#include "primitives/counter.h"

#include "base/memory.h"
#include "base/random.h"
#include "engine/client.h"
#include "primitives/counter_rows.h"
#include "primitives/primitives_scripts.h"

/* ---- opening ---- */

static void destroy(kw__object *object) {
    kw_counter *counter = (kw_counter *)object;
    kw__key_frame_free(&counter->frame);
    kw__key_frame_free(&counter->ids);
    kw__key_frame_free(&counter->older_ids);
    kw__free(counter);
}

/* One frame for the counts, and two for the operation ids beside them. */
static bool build_frames(kw_counter *counter, const char *prefix, kw__bytes name) {
    char part[96];
    kw__counter_part(counter, part);
    size_t length = strlen(part);
    if (!kw__key_frame_init(&counter->frame, prefix, "counter", name, part)) return false;
    memcpy(part + length, ":once", 6);
    if (!kw__key_frame_init(&counter->ids, prefix, "counter", name, part)) return false;
    memcpy(part + length, ":once:older", 12);
    return kw__key_frame_init(&counter->older_ids, prefix, "counter", name, part);
}

kw_status kw__counter_open(kw_client *client, kw__bytes name, const kw_counter_options *options, kw_counter **counter,
                           kw_error *error) {
    *counter = NULL;
    kw_counter read = {0};
    kw_status status = kw__client_check(client, error);
    if (status == KW_OK) status = kw__counter_read_options(options, &read, error);
    if (status != KW_OK) return status;
    kw_counter *made = kw__malloc(sizeof *made);
    if (made == NULL) return kw__fail_memory(error);
    memcpy(made, &read, sizeof read);
    /* Counters of many processes do not all begin with the same shard. */
    atomic_init(&made->turn, made->shards > 0 ? (unsigned)kw__random_below(made->shards) : 0);
    if (!build_frames(made, client->url.prefix, name)) {
        kw__key_frame_free(&made->frame);
        kw__key_frame_free(&made->ids);
        kw__free(made);
        return kw__fail_memory(error);
    }
    kw__object_init(&made->object, client, destroy);
    *counter = made;
    return KW_OK;
}

void kw__counter_free(kw_counter *counter) {
    if (counter != NULL) kw__object_release(&counter->object);
}

/* ---- what the shapes share ---- */

void kw__counter_id_keys(const kw_counter *counter, kw__bytes key, uint32_t shard, kw__command *command) {
    char room[KW__KEY_ROOM];
    const kw__key_frame *frames[] = {&counter->ids, &counter->older_ids};
    for (int i = 0; i < 2; i++) {
        kw__command_bytes(command, counter->shards > 0 ? kw__key_write_numbered(frames[i], key, shard, room)
                                                       : kw__key_write(frames[i], key, room));
    }
}

void kw__counter_ids(const kw_counter *counter, kw__bytes once, kw__command *command) {
    kw__command_bytes(command, once);
    kw__command_integer(command, counter->remember_us);
    kw__command_integer(command, counter->remember_max);
}

static kw_status not_offered(const kw_counter *counter, const char *what, kw_error *error) {
    return kw__fail(error, KW_INVALID, KW_REASON_OPTION, "a %s counter has no %s: only exact counters have",
                    counter->shape->kind, what);
}

/* ---- rows ---- */

static kw_counter *counter_of(const kw__step *step) {
    return (kw_counter *)step->object;
}

static kw_status encode_value(const kw_counter *counter, kw__bytes key, kw__command *command, kw_error *error) {
    counter->shape->encode_value(counter, key, command);
    return kw__command_end(command, error);
}

kw_status kw__counter_add_encode(const kw__step *step, kw__command *command, kw_error *error) {
    const kw__counter_add_args *args = step->args;
    kw_counter *counter = counter_of(step);
    if (args->amount == 0) return encode_value(counter, args->key, command, error);
    kw_status status = counter->shape->encode_add(counter, args->key, args->amount, command, error);
    return status == KW_OK ? kw__command_end(command, error) : status;
}

kw_status kw__counter_add_decode(const kw__step *step, const kw__reply *reply, void *answer, kw_error *error) {
    const kw__counter_add_args *args = step->args;
    const kw_counter *counter = counter_of(step);
    if (args->amount != 0) return counter->shape->decode_add(counter, args->amount, reply, answer, error);
    if (reply->kind == KW__REPLY_ERROR) return kw__reply_failure(reply, error);
    return counter->shape->decode_value(counter, reply, answer, error);
}

kw_status kw__counter_add_once_encode(const kw__step *step, kw__command *command, kw_error *error) {
    const kw__counter_add_once_args *args = step->args;
    const kw_counter *counter = counter_of(step);
    kw_status status = counter->shape->encode_add_once(counter, args->key, args->amount, args->once, command, error);
    return status == KW_OK ? kw__command_end(command, error) : status;
}

kw_status kw__counter_add_once_decode(const kw__step *step, const kw__reply *reply, void *answer, kw_error *error) {
    const kw__counter_add_once_args *args = step->args;
    return kw__counter_decode(counter_of(step), args->amount, reply, answer, error);
}

kw_status kw__counter_value_encode(const kw__step *step, kw__command *command, kw_error *error) {
    const kw__counter_value_args *args = step->args;
    return encode_value(counter_of(step), args->key, command, error);
}

kw_status kw__counter_value_decode(const kw__step *step, const kw__reply *reply, void *answer, kw_error *error) {
    const kw_counter *counter = counter_of(step);
    return counter->shape->decode_value(counter, reply, answer, error);
}

kw_status kw__counter_take_encode(const kw__step *step, kw__command *command, kw_error *error) {
    const kw__counter_take_args *args = step->args;
    const kw_counter *counter = counter_of(step);
    if (!counter->shape->takes) return not_offered(counter, "take", error);
    kw__counter_script(counter, &kw__script_counter_take, args->key, command);
    kw__command_integer(command, counter->expiry);
    return kw__command_end(command, error);
}

kw_status kw__counter_take_decode(const kw__step *step, const kw__reply *reply, void *answer, kw_error *error) {
    return kw__counter_decode(counter_of(step), 0, reply, answer, error);
}

kw_status kw__counter_take_once_encode(const kw__step *step, kw__command *command, kw_error *error) {
    const kw__counter_take_once_args *args = step->args;
    const kw_counter *counter = counter_of(step);
    if (!counter->shape->takes) return not_offered(counter, "take", error);
    kw__counter_script(counter, &kw__script_counter_take_once, args->key, command);
    kw__counter_id_keys(counter, args->key, 0, command);
    kw__command_integer(command, counter->expiry);
    kw__counter_ids(counter, args->once, command);
    return kw__command_end(command, error);
}

kw_status kw__counter_take_once_decode(const kw__step *step, const kw__reply *reply, void *answer, kw_error *error) {
    return kw__counter_decode(counter_of(step), 0, reply, answer, error);
}

kw_status kw__counter_set_encode(const kw__step *step, kw__command *command, kw_error *error) {
    const kw__counter_set_args *args = step->args;
    const kw_counter *counter = counter_of(step);
    if (counter->shape->encode_set == NULL) return not_offered(counter, "set", error);
    if (args->value < counter->min || args->value > counter->max) {
        return kw__fail(error, KW_INVALID, KW_REASON_RANGE,
                        "value is %lld and must lie within the counter's bounds, %lld to %lld", (long long)args->value,
                        (long long)counter->min, (long long)counter->max);
    }
    counter->shape->encode_set(counter, args->key, args->value, command);
    return kw__command_end(command, error);
}

/* SET says OK, the script the end of the count. */
kw_status kw__counter_set_decode(const kw__step *step, const kw__reply *reply, void *answer, kw_error *error) {
    (void)step;
    (void)answer;
    return reply->kind == KW__REPLY_STRING ? KW_OK : kw__reply_unexpected("counter", error);
}

kw_status kw__counter_reset_encode(const kw__step *step, kw__command *command, kw_error *error) {
    const kw__counter_reset_args *args = step->args;
    const kw_counter *counter = counter_of(step);
    counter->shape->encode_reset(counter, args->key, command);
    return kw__command_end(command, error);
}

kw_status kw__counter_reset_decode(const kw__step *step, const kw__reply *reply, void *answer, kw_error *error) {
    (void)step;
    (void)answer;
    return reply->kind == KW__REPLY_INTEGER ? KW_OK : kw__reply_unexpected("DEL", error);
}
