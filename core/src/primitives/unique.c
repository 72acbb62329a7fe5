#include "primitives/unique.h"

#include "base/memory.h"
#include "engine/client.h"
#include "primitives/primitives_scripts.h"
#include "primitives/unique_rows.h"

#define DEFAULT_EXACT 256
#define EXACT_MAX 10000
#define TTL_MAX_US INT64_C(315360000000000)

/* ---- opening ---- */

/* Whether the caller's record, whose size tells its version, has the field. */
#define HAS(options, field)                                                                                            \
    ((options) != NULL && (options)->size >= offsetof(kw_unique_options, field) + sizeof((kw_unique_options){0}.field))

static kw_status out_of_range(const char *name, int64_t value, int64_t most, kw_error *error) {
    return kw__fail(error, KW_INVALID, KW_REASON_OPTION, "options.%s is %lld and must be between 0 and %lld", name,
                    (long long)value, (long long)most);
}

static kw_status read_options(const kw_unique_options *options, kw_unique *out, kw_error *error) {
    if (HAS(options, flags) && options->flags != 0) {
        return kw__fail(error, KW_INVALID, KW_REASON_OPTION, "options.flags is %u and must be 0",
                        (unsigned)options->flags);
    }
    int64_t exact = HAS(options, exact_until) ? options->exact_until : 0;
    int64_t ttl = HAS(options, ttl_us) ? options->ttl_us : 0;
    int64_t sliding = HAS(options, sliding) ? options->sliding : 0;
    if (exact < 0 || exact > EXACT_MAX) return out_of_range("exact_until", exact, EXACT_MAX, error);
    if (ttl < 0 || ttl > TTL_MAX_US) return out_of_range("ttl_us", ttl, TTL_MAX_US, error);
    if (sliding != 0 && sliding != 1) return out_of_range("sliding", sliding, 1, error);
    if (sliding == 1 && ttl == 0) {
        return kw__fail(error, KW_INVALID, KW_REASON_OPTION,
                        "options.sliding needs a ttl_us: there is nothing to slide");
    }
    out->exact_until = exact > 0 ? exact : DEFAULT_EXACT;
    out->ttl_us = ttl;
    out->sliding = sliding == 1;
    return KW_OK;
}

static void destroy(kw__object *object) {
    kw_unique *unique = (kw_unique *)object;
    kw__key_frames_free(unique->frames, KW__UNIQUE_PARTS);
    kw__free(unique);
}

kw_status kw__unique_open(kw_client *client, kw__bytes name, const kw_unique_options *options, kw_unique **unique,
                          kw_error *error) {
    static const char *const parts[] = {"exact", "sketch", "ends"};
    kw_status status = kw__client_check(client, error);
    if (status != KW_OK) return status;
    kw_unique *made = kw__calloc(1, sizeof *made);
    if (made == NULL) return kw__fail_memory(error);
    status = read_options(options, made, error);
    if (status == KW_OK &&
        !kw__key_frames_init(made->frames, parts, KW__UNIQUE_PARTS, client->url.prefix, "unique", name)) {
        status = kw__fail_memory(error);
    }
    if (status != KW_OK) {
        destroy(&made->object);
        return status;
    }
    kw__object_init(&made->object, client, destroy);
    *unique = made;
    return KW_OK;
}

void kw__unique_free(kw_unique *unique) {
    if (unique != NULL) kw__object_release(&unique->object);
}

/* ---- operations ---- */

static const kw_unique *unique_of(const kw__step *step) {
    return (const kw_unique *)step->object;
}

static void write_keys(const kw_unique *unique, kw__bytes key, kw__command *command) {
    for (int i = 0; i < KW__UNIQUE_PARTS; i++) {
        char room[KW__KEY_ROOM];
        kw__command_bytes(command, kw__key_write(&unique->frames[i], key, room));
    }
}

/* Both scripts answer alike. A peer that is no Redis may answer anything. */
static kw_status decode(const kw__reply *reply, kw_cardinality *cardinality, kw_error *error) {
    int64_t told[KW__UNIQUE_ADD_REPLIES];
    kw_status status = kw__reply_integers(reply, KW__UNIQUE_ADD_REPLIES, told, error);
    if (status != KW_OK) return status;
    int64_t novelty = told[KW__UNIQUE_ADD_NOVELTY], exact = told[KW__UNIQUE_ADD_EXACT];
    int64_t left = told[KW__UNIQUE_ADD_EXPIRES_AFTER_US];
    if (novelty < KW_NOVELTY_KNOWN || novelty > KW_NOVELTY_UNTOLD || exact < 0 || exact > 1 || left < -1 ||
        told[KW__UNIQUE_ADD_MEMBERS] < 0) {
        return kw__reply_unexpected("unique", error);
    }
    *cardinality = (kw_cardinality){
        .novelty = (int32_t)novelty,
        .members = told[KW__UNIQUE_ADD_MEMBERS],
        .exact = exact,
        .expires_after_us = left < 0 ? KW_NEVER : left,
    };
    return KW_OK;
}

kw_status kw__unique_add_encode(const kw__step *step, kw__command *command, kw_error *error) {
    const kw__unique_add_args *args = step->args;
    const kw_unique *unique = unique_of(step);
    kw__command_script(command, &kw__script_unique_add);
    write_keys(unique, args->key, command);
    kw__command_bytes(command, args->member);
    kw__command_integer(command, unique->exact_until);
    kw__command_integer(command, unique->ttl_us);
    kw__command_integer(command, unique->sliding);
    return kw__command_end(command, error);
}

kw_status kw__unique_add_decode(const kw__step *step, const kw__reply *reply, void *result, kw_error *error) {
    (void)step;
    return decode(reply, result, error);
}

kw_status kw__unique_count_encode(const kw__step *step, kw__command *command, kw_error *error) {
    const kw__unique_count_args *args = step->args;
    kw__command_script(command, &kw__script_unique_count);
    write_keys(unique_of(step), args->key, command);
    return kw__command_end(command, error);
}

kw_status kw__unique_count_decode(const kw__step *step, const kw__reply *reply, void *result, kw_error *error) {
    (void)step;
    return decode(reply, result, error);
}

kw_status kw__unique_reset_encode(const kw__step *step, kw__command *command, kw_error *error) {
    const kw__unique_reset_args *args = step->args;
    kw__command_begin(command, 1 + KW__UNIQUE_PARTS);
    kw__command_text(command, "DEL");
    write_keys(unique_of(step), args->key, command);
    return kw__command_end(command, error);
}

kw_status kw__unique_reset_decode(const kw__step *step, const kw__reply *reply, void *result, kw_error *error) {
    (void)step;
    (void)result;
    return reply->kind == KW__REPLY_INTEGER ? KW_OK : kw__reply_unexpected("DEL", error);
}
