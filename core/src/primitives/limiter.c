#include "primitives/limiter.h"

#include "base/memory.h"
#include "engine/client.h"
#include "primitives/limit_text.h"
#include "primitives/limiter_rows.h"
#include "primitives/primitives_scripts.h"

#define DEFAULT_MAX_WAIT_US INT64_C(60000000)
#define MAX_WAIT_US INT64_C(86400000000)

/* ---- opening ---- */

/* Whether the caller's record, whose size tells its version, has the field. */
#define HAS(options, field)                                                                                            \
    ((options) != NULL &&                                                                                              \
     (options)->size >= offsetof(kw_limiter_options, field) + sizeof((kw_limiter_options){0}.field))

typedef struct settings {
    const kw__shape *shape;
    int64_t max_wait_us;
} settings;

static kw_status read_options(const kw_limiter_options *options, settings *out, kw_error *error) {
    *out = (settings){&kw__shape_gcra, DEFAULT_MAX_WAIT_US};
    if (HAS(options, flags) && options->flags != 0) {
        return kw__fail(error, KW_INVALID, KW_REASON_OPTION, "options.flags is %u and must be 0",
                        (unsigned)options->flags);
    }
    if (HAS(options, algorithm)) {
        switch (options->algorithm) {
        case KW_ALGORITHM_GCRA:
            break;
        case KW_ALGORITHM_FIXED_WINDOW:
            out->shape = &kw__shape_window;
            break;
        default:
            return kw__fail(
                error, KW_INVALID, KW_REASON_OPTION,
                "options.algorithm is %d, which is none: KW_ALGORITHM_GCRA is 0, KW_ALGORITHM_FIXED_WINDOW 1",
                (int)options->algorithm);
        }
    }
    if (HAS(options, reserved) && options->reserved != 0) {
        return kw__fail(error, KW_INVALID, KW_REASON_OPTION, "options.reserved is %d and must be 0",
                        (int)options->reserved);
    }
    if (HAS(options, max_wait_us) && options->max_wait_us != 0) {
        if (options->max_wait_us < 0 || options->max_wait_us > MAX_WAIT_US) {
            return kw__fail(error, KW_INVALID, KW_REASON_OPTION,
                            "options.max_wait_us is %lld and must be between 0 (60 s) and %lld (a day)",
                            (long long)options->max_wait_us, (long long)MAX_WAIT_US);
        }
        out->max_wait_us = options->max_wait_us;
    }
    return KW_OK;
}

static kw_status read_limit(const char *text, kw_limit *limit, kw_error *error) {
    kw_limit limits[KW__LIMITS_MAX];
    int64_t count;
    kw_status status = kw__limits_parse(text, limits, KW__LIMITS_MAX, &count, error);
    if (status != KW_OK) return status;
    if (count > 1) {
        return kw__fail(error, KW_UNSUPPORTED, KW_REASON_NONE,
                        "this text holds %lld limits, and a limiter of this version takes one: open one for each",
                        (long long)count);
    }
    *limit = limits[0];
    return KW_OK;
}

static void destroy(kw__object *object) {
    kw_limiter *limiter = (kw_limiter *)object;
    kw__key_frame_free(&limiter->frame);
    kw__free(limiter->name);
    kw__free(limiter);
}

/* 64-bit FNV-1a (Fowler, Noll, Vo): over the limiter's part of the key name at opening, over the key at each decision.
 */
static uint64_t fingerprint(uint64_t hash, kw__bytes bytes) {
    const unsigned char *at = bytes.data;
    for (size_t i = 0; i < bytes.length; i++)
        hash = (hash ^ at[i]) * UINT64_C(0x100000001B3);
    return hash;
}

/* The key's part is the shape and a label, so that limits of one name which differ in either have states of their own.
 */
static bool build_frame(kw_limiter *limiter, const char *prefix, kw__bytes name, const kw_limit *limit) {
    char part[16 + sizeof limit->label];
    size_t length = strlen(limiter->shape->name);
    memcpy(part, limiter->shape->name, length);
    part[length++] = ':';
    if (limit->label[0] != '\0') {
        memcpy(part + length, limit->label, strlen(limit->label) + 1);
    } else {
        length += kw__format_integer(limit->period_us, part + length);
        part[length] = '\0';
    }
    return kw__key_frame_init(&limiter->frame, prefix, "limiter", name, part);
}

static bool keep_name(kw_limiter *limiter, kw__bytes name) {
    limiter->name = kw__malloc(name.length);
    if (limiter->name == NULL) return false;
    memcpy(limiter->name, name.data, name.length);
    limiter->name_length = name.length;
    return true;
}

kw_status kw__limiter_open(kw_client *client, kw__bytes name, const char *limits, const kw_limiter_options *options,
                           kw_limiter **limiter, kw_error *error) {
    *limiter = NULL;
    kw_limit limit;
    settings chosen;
    kw_status status = kw__client_check(client, error);
    if (status == KW_OK) status = read_options(options, &chosen, error);
    if (status == KW_OK) status = read_limit(limits, &limit, error);
    if (status != KW_OK) return status;

    kw_limiter *made = kw__calloc(1, sizeof *made);
    if (made == NULL) return kw__fail_memory(error);
    made->shape = chosen.shape;
    made->period_us = limit.period_us;
    made->max_wait_us = chosen.max_wait_us;
    made->limit = limit;
    status = made->shape->prepare(made, &limit, error);
    if (status == KW_OK && (!keep_name(made, name) || !build_frame(made, client->url.prefix, name, &limit))) {
        status = kw__fail_memory(error);
    }
    if (status != KW_OK) {
        kw__free(made->name);
        kw__free(made);
        return status;
    }
    made->origin = fingerprint(UINT64_C(0xCBF29CE484222325),
                               kw__bytes_of(made->frame.bytes, made->frame.before + made->frame.after));
    kw__object_init(&made->object, client, destroy);
    *limiter = made;
    return KW_OK;
}

void kw__limiter_free(kw_limiter *limiter) {
    if (limiter != NULL) kw__object_release(&limiter->object);
}

static kw__http_policies http_policies(const kw_limiter *limiter) {
    return (kw__http_policies){
        .name = kw__bytes_of(limiter->name, limiter->name_length),
        .limits = &limiter->limit,
        .count = 1,
        .quota = limiter->shape->quota,
    };
}

kw_status kw__limiter_http_fields(const kw_limiter *limiter, const kw_decision *decision, kw__bytes partition,
                                  int32_t style, char *fields, size_t capacity, size_t *length, kw_error *error) {
    kw__http_policies policies = http_policies(limiter);
    return kw__http_fields(&policies, decision, partition, style, fields, capacity, length, error);
}

kw_status kw__limiter_http_problem(const kw_limiter *limiter, const kw_decision *decision, char *problem,
                                   size_t capacity, size_t *length, kw_error *error) {
    kw__http_policies policies = http_policies(limiter);
    return kw__http_problem(&policies, decision, problem, capacity, length, error);
}

/* ---- a hit, a look, a refund ---- */

void kw__limiter_script(const kw_limiter *limiter, const kw__script *script, kw__bytes key, kw__command *command) {
    char room[KW__KEY_ROOM];
    kw__command_script(command, script);
    kw__command_bytes(command, kw__key_write(&limiter->frame, key, room));
}

kw_status kw__limiter_foreign(kw_error *error) {
    return kw__fail(error, KW_WRONG_TYPE, KW_REASON_NONE,
                    "the key of this limiter holds something that no limiter wrote: delete it, or choose another name");
}

/* A cost of nothing, or of more than ever fits, charges nothing: looking suffices. */
static bool only_looks(const kw_limiter *limiter, int64_t cost) {
    return cost == 0 || cost > limiter->capacity;
}

static kw_status encode_look(const kw_limiter *limiter, kw__bytes key, kw__command *command, kw_error *error) {
    kw__limiter_script(limiter, &kw__script_state, key, command);
    return kw__command_end(command, error);
}

/* Reads a number that a space ends, and goes past it. */
static bool take_number(kw__bytes *text, int64_t *number) {
    const char *end = text->length > 0 ? memchr(text->data, ' ', text->length) : NULL;
    if (end == NULL) return false;
    size_t length = (size_t)(end - (const char *)text->data);
    if (!kw__parse_integer(kw__bytes_of(text->data, length), number)) return false;
    *text = kw__bytes_of(end + 1, text->length - length - 1);
    return true;
}

/* Reads "charged seconds microseconds state". A peer that is no Redis may answer anything, so nothing is taken on
 * trust. */
static bool read_state(const kw__reply *reply, kw__limiter_state *state) {
    int64_t charged, seconds, us;
    if (reply->kind != KW__REPLY_STRING) return false;
    state->value = reply->bytes;
    if (!take_number(&state->value, &charged) || !take_number(&state->value, &seconds) ||
        !take_number(&state->value, &us)) {
        return false;
    }
    if (charged < 0 || charged > 1 || seconds < 0 || seconds >= KW__SERVER_TIME_MAX / 1000000 || us < 0 ||
        us >= 1000000) {
        return false;
    }
    if (kw__bytes_equal(state->value, kw__bytes_text("none"))) {
        state->value.length = 0;
    } else if (state->value.length == 0) {
        state->value = kw__bytes_text("?"); /* somebody's empty string is not the absence of a key */
    }
    state->charged = charged == 1;
    state->now = seconds * 1000000 + us;
    return true;
}

/* A state that somebody only looked at: what a hit would be answered. */
static void judge(const kw_limiter *limiter, int64_t cost, kw_decision *decision) {
    if (cost > limiter->capacity) decision->retry_after_us = KW_NEVER;
    if (cost == 0) decision->retry_after_us = 0;
    decision->status = decision->retry_after_us > 0 ? KW_DENIED : KW_OK;
}

static kw_status decode(const kw_limiter *limiter, kw__bytes key, int64_t cost, bool looked, const kw__reply *reply,
                        kw_decision *decision, kw_error *error) {
    kw__limiter_state state;
    if (!read_state(reply, &state) || (looked && state.charged)) return kw__reply_unexpected("limiter", error);
    memset(decision, 0, sizeof *decision);
    decision->reason = KW_DECIDED_BY_SERVER;
    decision->limits = 1;
    decision->limit = limiter->capacity;
    decision->origin = fingerprint(limiter->origin, key);
    kw_status status = limiter->shape->describe(limiter, &state, cost > limiter->capacity ? 0 : cost, decision, error);
    if (status != KW_OK) return status;
    if (looked) {
        judge(limiter, cost, decision);
    } else if (state.charged) {
        decision->count = cost;
    } else {
        decision->status = KW_DENIED;
        if (decision->retry_after_us == 0) return kw__reply_unexpected("limiter", error);
    }
    decision->denied_by = decision->status == KW_DENIED ? 0 : -1;
    return decision->status;
}

kw_status kw__limiter_encode_hit(const kw_limiter *limiter, kw__bytes key, int64_t cost, int64_t patience_us,
                                 kw__command *command, kw_error *error) {
    if (only_looks(limiter, cost)) return encode_look(limiter, key, command, error);
    limiter->shape->encode_hit(limiter, key, cost, patience_us, command);
    return kw__command_end(command, error);
}

kw_status kw__limiter_decode_hit(const kw_limiter *limiter, kw__bytes key, int64_t cost, const kw__reply *reply,
                                 kw_decision *decision, kw_error *error) {
    return decode(limiter, key, cost, only_looks(limiter, cost), reply, decision, error);
}

static kw_status fail_decision(kw_error *error, const char *why) {
    return kw__fail(error, KW_INVALID, KW_REASON_DECISION, "this decision cannot be refunded: %s", why);
}

kw_status kw__limiter_encode_refund(const kw_limiter *limiter, kw__bytes key, const kw_decision *decision,
                                    int64_t count, kw__command *command, kw_error *error) {
    if (decision->status != KW_OK || decision->count == 0) return fail_decision(error, "it charged nothing");
    if (decision->limits != 1 || decision->count < 0 || decision->count > limiter->capacity ||
        decision->settles_at_us[0] < KW__STATE_TIME_MIN || decision->settles_at_us[0] >= KW__SERVER_TIME_MAX) {
        return fail_decision(error, "this limiter did not make it; pass the one that the hit gave, unchanged");
    }
    if (decision->origin != fingerprint(limiter->origin, key)) {
        return fail_decision(error, "it was made by another limiter, or for another key");
    }
    if (count > decision->count) {
        return kw__fail(error, KW_INVALID, KW_REASON_DECISION,
                        "this decision cannot be refunded by %lld: it charged %lld", (long long)count,
                        (long long)decision->count);
    }
    limiter->shape->encode_refund(limiter, key, decision, count, command);
    return kw__command_end(command, error);
}

kw_status kw__limiter_decode_refund(const kw__reply *reply, kw_error *error) {
    return reply->kind == KW__REPLY_INTEGER ? KW_OK : kw__reply_unexpected("refund", error);
}

/* ---- rows ---- */

static const kw_limiter *limiter_of(const kw__step *step) {
    return (const kw_limiter *)step->object;
}

kw_status kw__limiter_hit_encode(const kw__step *step, kw__command *command, kw_error *error) {
    const kw__limiter_hit_args *args = step->args;
    return kw__limiter_encode_hit(limiter_of(step), args->key, args->cost, 0, command, error);
}

kw_status kw__limiter_hit_decode(const kw__step *step, const kw__reply *reply, void *answer, kw_error *error) {
    const kw__limiter_hit_args *args = step->args;
    return kw__limiter_decode_hit(limiter_of(step), args->key, args->cost, reply, answer, error);
}

kw_status kw__limiter_peek_encode(const kw__step *step, kw__command *command, kw_error *error) {
    const kw__limiter_peek_args *args = step->args;
    return encode_look(limiter_of(step), args->key, command, error);
}

kw_status kw__limiter_peek_decode(const kw__step *step, const kw__reply *reply, void *answer, kw_error *error) {
    const kw__limiter_peek_args *args = step->args;
    return decode(limiter_of(step), args->key, args->cost, true, reply, answer, error);
}

kw_status kw__limiter_reset_encode(const kw__step *step, kw__command *command, kw_error *error) {
    const kw__limiter_reset_args *args = step->args;
    char room[KW__KEY_ROOM];
    kw__command_begin(command, 2);
    kw__command_text(command, "DEL");
    kw__command_bytes(command, kw__key_write(&limiter_of(step)->frame, args->key, room));
    return kw__command_end(command, error);
}

kw_status kw__limiter_reset_decode(const kw__step *step, const kw__reply *reply, void *answer, kw_error *error) {
    (void)step;
    (void)answer;
    return reply->kind == KW__REPLY_INTEGER ? KW_OK : kw__reply_unexpected("DEL", error);
}

kw_status kw__limiter_refund_encode(const kw__step *step, kw__command *command, kw_error *error) {
    const kw__limiter_refund_args *args = step->args;
    return kw__limiter_encode_refund(limiter_of(step), args->key, &args->decision, args->count, command, error);
}

kw_status kw__limiter_refund_decode(const kw__step *step, const kw__reply *reply, void *answer, kw_error *error) {
    (void)step;
    (void)answer;
    return kw__limiter_decode_refund(reply, error);
}
