/*
 * Reservations: what is charged before it is known how much is used. The script keeps a record of each, and a repeated
 * call is answered from it.
 */
#include <inttypes.h>
#include <stdio.h>

#include "primitives/limiter.h"
#include "primitives/limiter_rows.h"
#include "primitives/primitives_scripts.h"

#define LEASE_MIN_US INT64_C(1000)

static kw_limiter *limiter_of(const kw__step *step) {
    return (kw_limiter *)step->object;
}

static kw_status check(const kw_limiter *limiter, kw_error *error) {
    if (limiter->settings.reservations) return KW_OK;
    return kw__fail(error, KW_INVALID, KW_REASON_OPTION,
                    "this limiter was opened without options.reservations, so its hits would not give back what is "
                    "never settled: set it to 1");
}

/* What the records must know of each rule. */
static void write_reserved(const kw_limiter *limiter, kw__command *command) {
    for (int i = 0; i < limiter->count; i++) {
        const kw__rule *rule = &limiter->rules[i];
        char text[KW__RESERVED_ROOM] = "";
        if (rule->shape->write_reserved != NULL) rule->shape->write_reserved(rule, text);
        kw__command_text(command, text);
    }
}

/* ---- replies ---- */

/* The first word of a reply. */
enum { DENIED, DONE, NOT_THERE, OTHERWISE, SETTLED, TOO_MANY, BEFORE };

/* Takes the code off a reply; what is left is that of a hit. */
static bool take_code(const kw__reply *reply, int *code, kw__reply *rest) {
    if (reply->kind != KW__REPLY_STRING || reply->bytes.length < 2) return false;
    const char *text = reply->bytes.data;
    if (text[0] < '0' || text[0] > '6' || text[1] != ' ') return false;
    *code = text[0] - '0';
    *rest = *reply;
    rest->bytes = kw__bytes_of(text + 2, reply->bytes.length - 2);
    return true;
}

/* How the key stands, with a status of its own. */
static kw_status decode_standing(const kw_limiter *limiter, kw__bytes key, kw_status as, const kw__reply *reply,
                                 kw_decision *decision, kw_error *error) {
    kw_status status = kw__limiter_decode_look(limiter, key, 0, reply, decision, error);
    return status == KW_OK ? decision->status = as : status;
}

/* ---- reserve ---- */

kw_status kw__limiter_reserve_encode(const kw__step *step, kw__command *command, kw_error *error) {
    const kw__limiter_reserve_args *args = step->args;
    const kw_limiter *limiter = limiter_of(step);
    int64_t lease_us = args->lease_us == 0 ? limiter->settings.lease_us : args->lease_us;
    kw_status status = check(limiter, error);
    if (status != KW_OK) return status;
    if (lease_us < LEASE_MIN_US || lease_us > KW__DAY_US) {
        return kw__fail(error, KW_INVALID, KW_REASON_RANGE,
                        "lease_us is %" PRId64 ": it must lie between 1 ms and a day, or be 0 for the limiter's",
                        lease_us);
    }
    const kw__hit hit = {.key = args->key, .cost = args->cost, .lease_us = lease_us};
    kw__limiter_begin(limiter, &kw__script_reservations_reserve, true, args->key, limiter->count, command);
    kw__command_integer(command, limiter->count);
    kw__command_integer(command, limiter->settings.block_us);
    kw__command_bytes(command, args->id);
    kw__command_integer(command, lease_us);
    kw__command_integer(command, args->cost);
    kw__limiter_write_rules(limiter, &hit, command);
    write_reserved(limiter, command);
    return kw__command_end(command, error);
}

kw_status kw__limiter_reserve_decode(const kw__step *step, const kw__reply *reply, void *answer, kw_error *error) {
    const kw__limiter_reserve_args *args = step->args;
    const kw_limiter *limiter = limiter_of(step);
    kw_decision *decision = answer;
    kw__reply rest;
    int code;
    if (!take_code(reply, &code, &rest)) return kw__reply_unexpected("reserve", error);
    if (code == OTHERWISE) return decode_standing(limiter, args->key, KW_CONFLICT, &rest, decision, error);
    if (code == SETTLED) return decode_standing(limiter, args->key, KW_GONE, &rest, decision, error);
    if (code == TOO_MANY) return decode_standing(limiter, args->key, KW_EXHAUSTED, &rest, decision, error);
    if (code == BEFORE) {
        kw_status standing = decode_standing(limiter, args->key, KW_OK, &rest, decision, error);
        if (standing == KW_OK) decision->count = args->cost;
        return standing;
    }
    const kw__hit hit = {.key = args->key, .cost = args->cost};
    kw_status status = kw__limiter_decode_charge(limiter, &hit, &rest, decision, error);
    if (status < 0) return status;
    if (code > DONE || (code == DONE) != (status == KW_OK)) return kw__reply_unexpected("reserve", error);
    /* A refund would give back what the lease or a cancel gives back again. */
    memset(decision->settles_at_us, 0, sizeof decision->settles_at_us);
    memset(decision->settles_rest, 0, sizeof decision->settles_rest);
    return status;
}

/* ---- commit and cancel ---- */

/* entry is what is kept of a settled reservation. */
static kw_status encode_settle(kw_limiter *limiter, kw__bytes key, kw__bytes id, const char *entry, int64_t actual,
                               kw__command *command, kw_error *error) {
    kw_status status = check(limiter, error);
    if (status != KW_OK) return status;
    kw__limiter_forget(limiter, key);
    const kw__hit hit = {.key = key};
    kw__limiter_begin(limiter, &kw__script_reservations_settle, false, key, limiter->count, command);
    kw__command_integer(command, limiter->count);
    kw__command_text(command, entry);
    kw__command_bytes(command, id);
    kw__command_integer(command, actual);
    kw__limiter_write_rules(limiter, &hit, command);
    write_reserved(limiter, command);
    return kw__command_end(command, error);
}

static kw_status decode_settle(kw_limiter *limiter, kw__bytes key, int64_t actual, const kw__reply *reply,
                               kw_decision *decision, kw_error *error) {
    kw__reply rest;
    int code;
    kw__limiter_forget(limiter, key);
    if (!take_code(reply, &code, &rest)) return kw__reply_unexpected("commit", error);
    if (code == NOT_THERE) return decode_standing(limiter, key, KW_NOT_FOUND, &rest, decision, error);
    if (code == OTHERWISE) return decode_standing(limiter, key, KW_CONFLICT, &rest, decision, error);
    if (code != DONE) return kw__reply_unexpected("commit", error);
    kw_status status = decode_standing(limiter, key, KW_OK, &rest, decision, error);
    if (status == KW_OK) decision->count = actual;
    return status;
}

kw_status kw__limiter_commit_encode(const kw__step *step, kw__command *command, kw_error *error) {
    const kw__limiter_commit_args *args = step->args;
    char entry[32];
    snprintf(entry, sizeof entry, "c %" PRId64, args->actual);
    return encode_settle(limiter_of(step), args->key, args->id, entry, args->actual, command, error);
}

kw_status kw__limiter_commit_decode(const kw__step *step, const kw__reply *reply, void *answer, kw_error *error) {
    const kw__limiter_commit_args *args = step->args;
    return decode_settle(limiter_of(step), args->key, args->actual, reply, answer, error);
}

kw_status kw__limiter_cancel_encode(const kw__step *step, kw__command *command, kw_error *error) {
    const kw__limiter_cancel_args *args = step->args;
    return encode_settle(limiter_of(step), args->key, args->id, "x", 0, command, error);
}

kw_status kw__limiter_cancel_decode(const kw__step *step, const kw__reply *reply, void *answer, kw_error *error) {
    const kw__limiter_cancel_args *args = step->args;
    return decode_settle(limiter_of(step), args->key, 0, reply, answer, error);
}
