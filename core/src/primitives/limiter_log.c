/*
 * The shape "log": a sliding window log, a list of the moments of what was charged, oldest first. The script counts,
 * for only it may see the list as it is; it tells "used:newest:opens".
 */
#include <inttypes.h>
#include <stdio.h>

#include "primitives/limiter.h"
#include "primitives/primitives_scripts.h"

/* A hit is an entry of 11 bytes. */
#define LIMIT_MAX 100000

static kw_status prepare(kw__rule *rule, const kw_limit *limit, const kw__limiter_settings *settings, kw_error *error) {
    (void)settings;
    kw_status status = kw__limiter_no_burst(limit, error);
    if (status != KW_OK) return status;
    if (limit->count > LIMIT_MAX) {
        return kw__fail_at(error, KW_REASON_LIMIT_SIZE, 0,
                           "a sliding log keeps every hit and takes limits up to %d; this one is %lld: take "
                           "KW_ALGORITHM_SLIDING_COUNTER",
                           LIMIT_MAX, (long long)limit->count);
    }
    rule->capacity = limit->count;
    return KW_OK;
}

static kw_status describe(const kw__rule *rule, kw__bytes state, int64_t now, int64_t cost, bool charged,
                          kw__outlook *outlook, kw_error *error) {
    int64_t seen[3] = {0, 0, 0};
    if (state.length > 0 && !kw__read_numbers(state, seen, 3)) return kw__limiter_foreign(error);
    int64_t used = seen[0], clears = used > 0 ? seen[1] + rule->period_us - now : 0, opens = seen[2] - now;
    outlook->remaining = used < rule->capacity ? rule->capacity - used : 0;
    outlook->reset_after_us = clears > 0 ? clears : 0;
    if (charged) {
        outlook->settles_us = seen[1] + rule->period_us;
    } else if (cost > outlook->remaining) {
        outlook->retry_after_us = opens > 0 ? opens : 1;
    }
    return KW_OK;
}

static kw__bytes rewind_state(const kw__rule *rule, kw__bytes state, int64_t now, int64_t later,
                              char room[KW__STATE_ROOM]) {
    (void)rule;
    (void)now;
    int64_t seen[3];
    if (!kw__read_numbers(state, seen, 3) || seen[0] < later) return kw__bytes_of(room, 0);
    size_t length = (size_t)kw__format_integer(seen[0] - later, room);
    room[length++] = ':';
    length += (size_t)kw__format_integer(seen[1], room + length);
    memcpy(room + length, ":0", 2); /* one more had room */
    return kw__bytes_of(room, length + 2);
}

static void write_refund(const kw__rule *rule, const kw_decision *decision, int index, int64_t count,
                         kw__command *command) {
    kw__command_integer(command, count);
    kw__command_integer(command, decision->settles_at_us[index] - rule->period_us);
    kw__command_integer(command, rule->period_us);
}

static void write_reserved(const kw__rule *rule, char out[KW__RESERVED_ROOM]) {
    snprintf(out, KW__RESERVED_ROOM, "%" PRId64, rule->period_us);
}

const kw__shape kw__shape_log = {
    .name = "log",
    .quota = KW__HTTP_WINDOW,
    .prepare = prepare,
    .alone = &kw__script_log_hit,
    .terms = 2,
    .write_terms = kw__write_capacity_and_period,
    .describe = describe,
    .rewind = rewind_state,
    .refund_terms = 3,
    .write_refund = write_refund,
    .write_reserved = write_reserved,
};
