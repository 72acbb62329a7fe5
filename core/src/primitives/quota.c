#include "primitives/quota.h"

#include <stdio.h>

#include "base/memory.h"
#include "engine/client.h"
#include "primitives/primitives_scripts.h"
#include "primitives/quota_rows.h"

#define DAY_US INT64_C(86400000000)
#define LEASE_MIN_US INT64_C(1000)
#define LEASE_MAX_US (7 * DAY_US)
#define ZONE_MINUTES_MAX 840

/* By kw_period: the part of the key, and two of the longest: no honest end lies further ahead. */
static const struct {
    const char *part;
    int64_t span_us;
} periods[] = {
    [KW_PERIOD_DAY] = {"day", 2 * DAY_US},
    [KW_PERIOD_WEEK] = {"week", 14 * DAY_US},
    [KW_PERIOD_MONTH] = {"month", 62 * DAY_US},
    [KW_PERIOD_YEAR] = {"year", 732 * DAY_US},
};

/* ---- opening ---- */

/* Whether the caller's record, whose size tells its version, has the field. */
#define HAS(options, field)                                                                                            \
    ((options) != NULL && (options)->size >= offsetof(kw_quota_options, field) + sizeof((kw_quota_options){0}.field))

static kw_status read_options(const kw_quota_options *options, kw_quota_options *out, kw_error *error) {
    *out = (kw_quota_options){.size = sizeof *out};
    if (HAS(options, flags) && options->flags != 0) {
        return kw__fail(error, KW_INVALID, KW_REASON_OPTION, "options.flags is %u and must be 0",
                        (unsigned)options->flags);
    }
    if (HAS(options, period)) out->period = options->period;
    if (out->period < KW_PERIOD_DAY || out->period > KW_PERIOD_YEAR) {
        return kw__fail(error, KW_INVALID, KW_REASON_OPTION,
                        "options.period is %d, which is none: KW_PERIOD_DAY is 0, WEEK 1, MONTH 2, YEAR 3",
                        (int)out->period);
    }
    if (HAS(options, zone_minutes)) out->zone_minutes = options->zone_minutes;
    if (out->zone_minutes < -ZONE_MINUTES_MAX || out->zone_minutes > ZONE_MINUTES_MAX) {
        return kw__fail(error, KW_INVALID, KW_REASON_OPTION,
                        "options.zone_minutes is %d and must be between -%d and %d (14 hours)", (int)out->zone_minutes,
                        ZONE_MINUTES_MAX, ZONE_MINUTES_MAX);
    }
    return KW_OK;
}

static void destroy(kw__object *object) {
    kw_quota *quota = (kw_quota *)object;
    for (int i = 0; i < KW__QUOTA_PARTS; i++)
        kw__key_frame_free(&quota->frames[i]);
    kw__free(quota);
}

static bool build_frames(kw_quota *quota, const char *prefix, kw__bytes name) {
    static const char *const parts[] = {"", ":reservations", ":leases", ":settled"};
    for (int i = 0; i < KW__QUOTA_PARTS; i++) {
        char part[32];
        snprintf(part, sizeof part, "%s%s", periods[quota->period].part, parts[i]);
        if (!kw__key_frame_init(&quota->frames[i], prefix, "quota", name, part)) return false;
    }
    return true;
}

kw_status kw__quota_open(kw_client *client, kw__bytes name, int64_t limit, const kw_quota_options *options,
                         kw_quota **quota, kw_error *error) {
    kw_quota_options chosen;
    kw_status status = kw__client_check(client, error);
    if (status == KW_OK) status = read_options(options, &chosen, error);
    if (status != KW_OK) return status;
    kw_quota *made = kw__calloc(1, sizeof *made);
    if (made == NULL) return kw__fail_memory(error);
    made->limit = limit;
    made->period = chosen.period;
    made->zone_seconds = chosen.zone_minutes * INT64_C(60);
    if (!build_frames(made, client->url.prefix, name)) {
        destroy(&made->object);
        return kw__fail_memory(error);
    }
    kw__object_init(&made->object, client, destroy);
    *quota = made;
    return KW_OK;
}

void kw__quota_free(kw_quota *quota) {
    if (quota != NULL) kw__object_release(&quota->object);
}

/* ---- what scripts are sent and answer ---- */

static const kw_quota *quota_of(const kw__step *step) {
    return (const kw_quota *)step->object;
}

static void write_keys(const kw_quota *quota, int count, kw__bytes key, kw__command *command) {
    for (int i = 0; i < count; i++) {
        char room[KW__KEY_ROOM];
        kw__command_bytes(command, kw__key_write(&quota->frames[i], key, room));
    }
}

static void begin(const kw_quota *quota, const kw__script *script, kw__bytes key, kw__command *command) {
    kw__command_script(command, script);
    write_keys(quota, script->keys, key, command);
}

/* What each script must know to find the present period. */
static void write_period(const kw_quota *quota, kw__command *command) {
    kw__command_integer(command, quota->period);
    kw__command_integer(command, quota->zone_seconds);
    kw__command_integer(command, periods[quota->period].span_us);
}

/* The first word of a script's answer. */
enum { DENIED, CHARGED, NOT_THERE, OTHERWISE, SETTLED, TOO_MANY, TOO_LATE, CODES };

typedef struct answer {
    int64_t code;
    int64_t now;
    int64_t ends;
    int64_t used;
} answer;

/* Reads a number that a space ends, and goes past it. */
static bool take_number(kw__bytes *text, int64_t most, int64_t *number) {
    const char *end = text->length > 0 ? memchr(text->data, ' ', text->length) : NULL;
    if (end == NULL) return false;
    size_t length = (size_t)(end - (const char *)text->data);
    if (!kw__parse_integer(kw__bytes_of(text->data, length), number) || *number < 0 || *number > most) return false;
    *text = kw__bytes_of(end + 1, text->length - length - 1);
    return true;
}

/* Every number of a script's stays below this: Lua counts in doubles. */
#define NUMBER_MAX ((INT64_C(1) << 53) - 1)

/* Reads the state, "ends used" without a space between, perhaps followed by ":due". */
static bool read_state(kw__bytes state, answer *out) {
    const char *text = state.data, *colon = state.length > 0 ? memchr(text, ':', state.length) : NULL;
    size_t length = colon != NULL ? (size_t)(colon - text) : state.length;
    return length > 16 && kw__parse_integer(kw__bytes_of(text, 16), &out->ends) &&
           kw__parse_integer(kw__bytes_of(text + 16, length - 16), &out->used) && out->ends <= NUMBER_MAX &&
           out->used >= 0 && out->used <= NUMBER_MAX && out->ends > out->now;
}

/* Reads "code seconds microseconds state". A peer that is no Redis may answer anything. */
static bool read_answer(const kw__reply *reply, answer *out) {
    int64_t seconds, us;
    if (reply->kind != KW__REPLY_STRING) return false;
    kw__bytes text = reply->bytes;
    if (!take_number(&text, CODES - 1, &out->code) || !take_number(&text, NUMBER_MAX / 1000000 - 1, &seconds) ||
        !take_number(&text, 999999, &us)) {
        return false;
    }
    out->now = seconds * 1000000 + us;
    return read_state(text, out);
}

static void describe(const kw_quota *quota, const answer *from, kw_usage *usage) {
    *usage = (kw_usage){
        .period = quota->period,
        .limit = quota->limit,
        .used = from->used,
        .remaining = from->used < quota->limit ? quota->limit - from->used : 0,
        .reset_after_us = from->ends - from->now,
        .resets_at_us = from->ends,
    };
}

/* A no because the cost does not fit. */
static kw_status deny(const kw_quota *quota, int64_t cost, kw_usage *usage) {
    usage->retry_after_us = cost > quota->limit ? KW_NEVER : usage->reset_after_us;
    return usage->status = KW_DENIED;
}

/* ---- consume and peek ---- */

static kw_status encode_look(const kw_quota *quota, kw__bytes key, kw__command *command, kw_error *error) {
    begin(quota, &kw__script_quota_peek, key, command);
    write_period(quota, command);
    return kw__command_end(command, error);
}

static kw_status decode_look(const kw_quota *quota, int64_t cost, const kw__reply *reply, kw_usage *usage,
                             kw_error *error) {
    answer from;
    if (!read_answer(reply, &from) || from.code != DENIED) return kw__reply_unexpected("quota", error);
    describe(quota, &from, usage);
    return cost == 0 || cost <= usage->remaining ? KW_OK : deny(quota, cost, usage);
}

/* A cost of nothing, or of more than ever fits, charges nothing: looking suffices. */
static bool only_looks(const kw_quota *quota, int64_t cost) {
    return cost == 0 || cost > quota->limit;
}

kw_status kw__quota_consume_encode(const kw__step *step, kw__command *command, kw_error *error) {
    const kw__quota_consume_args *args = step->args;
    const kw_quota *quota = quota_of(step);
    if (only_looks(quota, args->cost)) return encode_look(quota, args->key, command, error);
    begin(quota, &kw__script_quota_consume, args->key, command);
    kw__command_integer(command, args->cost);
    kw__command_integer(command, quota->limit - args->cost);
    write_period(quota, command);
    return kw__command_end(command, error);
}

kw_status kw__quota_consume_decode(const kw__step *step, const kw__reply *reply, void *result, kw_error *error) {
    const kw__quota_consume_args *args = step->args;
    const kw_quota *quota = quota_of(step);
    kw_usage *usage = result;
    answer from;
    if (only_looks(quota, args->cost)) return decode_look(quota, args->cost, reply, usage, error);
    if (!read_answer(reply, &from) || from.code > CHARGED) return kw__reply_unexpected("quota", error);
    describe(quota, &from, usage);
    if (from.code == DENIED) return deny(quota, args->cost, usage);
    usage->count = args->cost;
    return KW_OK;
}

kw_status kw__quota_peek_encode(const kw__step *step, kw__command *command, kw_error *error) {
    const kw__quota_peek_args *args = step->args;
    return encode_look(quota_of(step), args->key, command, error);
}

kw_status kw__quota_peek_decode(const kw__step *step, const kw__reply *reply, void *result, kw_error *error) {
    const kw__quota_peek_args *args = step->args;
    return decode_look(quota_of(step), args->cost, reply, result, error);
}

/* ---- reservations ---- */

kw_status kw__quota_reserve_encode(const kw__step *step, kw__command *command, kw_error *error) {
    const kw__quota_reserve_args *args = step->args;
    const kw_quota *quota = quota_of(step);
    if (args->lease_us < LEASE_MIN_US || args->lease_us > LEASE_MAX_US) {
        return kw__fail(error, KW_INVALID, KW_REASON_RANGE, "lease_us is %lld: it must lie between 1 ms and 7 days",
                        (long long)args->lease_us);
    }
    begin(quota, &kw__script_quota_reserve, args->key, command);
    kw__command_integer(command, args->cost);
    /* A room of -1 is never there: a cost above the limit is denied, and an id that is known still told. */
    kw__command_integer(command, args->cost <= quota->limit ? quota->limit - args->cost : -1);
    write_period(quota, command);
    kw__command_bytes(command, args->id);
    kw__command_integer(command, args->lease_us);
    return kw__command_end(command, error);
}

/* The codes that a script of reservations may answer beside CHARGED, and what each means. */
typedef struct meaning {
    int64_t code;
    kw_status status;
} meaning;

static kw_status decode_settling(const kw_quota *quota, const kw__reply *reply, const meaning *meanings, size_t count,
                                 kw_usage *usage, answer *from, kw_error *error) {
    if (!read_answer(reply, from)) return kw__reply_unexpected("quota", error);
    describe(quota, from, usage);
    if (from->code == CHARGED) return KW_OK;
    for (size_t i = 0; i < count; i++) {
        if (meanings[i].code == from->code) return usage->status = meanings[i].status;
    }
    return kw__reply_unexpected("quota", error);
}

kw_status kw__quota_reserve_decode(const kw__step *step, const kw__reply *reply, void *result, kw_error *error) {
    static const meaning meanings[] = {
        {DENIED, KW_DENIED}, {OTHERWISE, KW_CONFLICT}, {SETTLED, KW_GONE}, {TOO_MANY, KW_EXHAUSTED}};
    const kw__quota_reserve_args *args = step->args;
    const kw_quota *quota = quota_of(step);
    kw_usage *usage = result;
    answer from;
    kw_status status = decode_settling(quota, reply, meanings, 4, usage, &from, error);
    if (status == KW_OK) usage->count = args->cost;
    return status == KW_DENIED ? deny(quota, args->cost, usage) : status;
}

/* entry is what is kept of a settled reservation. */
static kw_status encode_settle(const kw_quota *quota, kw__bytes key, kw__bytes id, const char *entry, int64_t actual,
                               kw__command *command, kw_error *error) {
    begin(quota, &kw__script_quota_settle, key, command);
    kw__command_text(command, entry);
    kw__command_integer(command, actual);
    write_period(quota, command);
    kw__command_bytes(command, id);
    return kw__command_end(command, error);
}

static kw_status decode_settle(const kw_quota *quota, int64_t actual, const kw__reply *reply, kw_usage *usage,
                               kw_error *error) {
    static const meaning meanings[] = {{NOT_THERE, KW_NOT_FOUND}, {OTHERWISE, KW_CONFLICT}, {TOO_LATE, KW_OK}};
    answer from;
    kw_status status = decode_settling(quota, reply, meanings, 3, usage, &from, error);
    if (status == KW_OK && from.code == CHARGED) usage->count = actual;
    return status;
}

kw_status kw__quota_commit_encode(const kw__step *step, kw__command *command, kw_error *error) {
    const kw__quota_commit_args *args = step->args;
    char entry[32];
    snprintf(entry, sizeof entry, "c %lld", (long long)args->actual);
    return encode_settle(quota_of(step), args->key, args->id, entry, args->actual, command, error);
}

kw_status kw__quota_commit_decode(const kw__step *step, const kw__reply *reply, void *result, kw_error *error) {
    const kw__quota_commit_args *args = step->args;
    return decode_settle(quota_of(step), args->actual, reply, result, error);
}

kw_status kw__quota_cancel_encode(const kw__step *step, kw__command *command, kw_error *error) {
    const kw__quota_cancel_args *args = step->args;
    return encode_settle(quota_of(step), args->key, args->id, "x", 0, command, error);
}

kw_status kw__quota_cancel_decode(const kw__step *step, const kw__reply *reply, void *result, kw_error *error) {
    return decode_settle(quota_of(step), 0, reply, result, error);
}

/* ---- refund and reset ---- */

kw_status kw__quota_refund_encode(const kw__step *step, kw__command *command, kw_error *error) {
    const kw__quota_refund_args *args = step->args;
    const kw_quota *quota = quota_of(step);
    begin(quota, &kw__script_quota_refund, args->key, command);
    kw__command_integer(command, args->count);
    kw__command_integer(command, args->resets_at_us);
    write_period(quota, command);
    return kw__command_end(command, error);
}

kw_status kw__quota_refund_decode(const kw__step *step, const kw__reply *reply, void *result, kw_error *error) {
    (void)step;
    (void)result;
    return reply->kind == KW__REPLY_INTEGER ? KW_OK : kw__reply_unexpected("refund", error);
}

kw_status kw__quota_reset_encode(const kw__step *step, kw__command *command, kw_error *error) {
    const kw__quota_reset_args *args = step->args;
    kw__command_begin(command, 1 + KW__QUOTA_PARTS);
    kw__command_text(command, "DEL");
    write_keys(quota_of(step), KW__QUOTA_PARTS, args->key, command);
    return kw__command_end(command, error);
}

kw_status kw__quota_reset_decode(const kw__step *step, const kw__reply *reply, void *result, kw_error *error) {
    (void)step;
    (void)result;
    return reply->kind == KW__REPLY_INTEGER ? KW_OK : kw__reply_unexpected("DEL", error);
}
