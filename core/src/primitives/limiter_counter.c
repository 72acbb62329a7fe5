/*
 * The shape "counter": a sliding window counter. Its state is the start of the current window (16 digits, us), its
 * count, a slash, and the count of the window before. Of that one counts the part that the last period still overlaps,
 * rounded up: its hits are taken to have come evenly. The next window begins where this one ends.
 *
 * The overlap is measured in units, which are a us unless the limit times its period is 2^52 or more: then they are so
 * long that the limit times the units of a period stays below it, and every product in the script is exact.
 */
#include <inttypes.h>
#include <stdio.h>

#include "primitives/limiter.h"
#include "primitives/primitives_scripts.h"

#define BOUND (INT64_C(1) << 52)
/* Two periods from now must be a moment. */
#define PERIOD_MAX (INT64_C(1) << 51)

static int64_t divide_up(int64_t a, int64_t b) {
    return (a + b - 1) / b;
}

static kw_status prepare(kw__rule *rule, const kw_limit *limit, const kw__limiter_settings *settings, kw_error *error) {
    (void)settings;
    kw_status status = kw__limiter_no_burst(limit, error);
    if (status != KW_OK) return status;
    if (limit->period_us >= PERIOD_MAX) {
        return kw__fail_at(error, KW_REASON_LIMIT_RANGE, 0,
                           "a sliding counter has a period below 2^51 us (71 years); this one has %lld us",
                           (long long)limit->period_us);
    }
    rule->capacity = limit->count;
    rule->unit_us = divide_up(rule->period_us, (BOUND - 1) / rule->capacity);
    rule->units = divide_up(rule->period_us, rule->unit_us);
    return KW_OK;
}

static void write_terms(const kw__rule *rule, int64_t cost, int64_t patience_us, bool up_to, kw__command *command) {
    (void)cost;
    (void)patience_us;
    (void)up_to;
    kw__command_integer(command, rule->capacity);
    kw__command_integer(command, rule->period_us);
    kw__command_integer(command, rule->unit_us);
    kw__command_integer(command, rule->units);
}

/* The two counts as they stand at a moment. */
typedef struct counts {
    int64_t start;
    int64_t current;
    int64_t previous;
} counts;

static bool read_state(kw__bytes state, counts *out) {
    const char *text = state.data;
    const char *slash = state.length > 17 ? memchr(text, '/', state.length) : NULL;
    if (slash == NULL || slash < text + 17) return false;
    return kw__parse_integer(kw__bytes_of(text, 16), &out->start) &&
           kw__parse_integer(kw__bytes_of(text + 16, (size_t)(slash - text - 16)), &out->current) &&
           kw__parse_integer(kw__bytes_of(slash + 1, (size_t)(text + state.length - slash - 1)), &out->previous) &&
           out->start >= KW__STATE_TIME_MIN && out->start < KW__SERVER_TIME_MAX && out->current >= 0 &&
           out->current < KW__SERVER_TIME_MAX && out->previous >= 0 && out->previous < KW__SERVER_TIME_MAX;
}

static void roll(const kw__rule *rule, int64_t now, counts *state) {
    if (state->start > now) state->start = now; /* the clock stepped back */
    if (now - state->start < rule->period_us) return;
    bool next = now - state->start < 2 * rule->period_us;
    *state = (counts){next ? state->start + rule->period_us : now, 0, next ? state->current : 0};
}

/* For how many units at most the count before may overlap so that it weighs no more than room. */
static int64_t overlap(const kw__rule *rule, int64_t room, int64_t previous) {
    return room * rule->units / previous;
}

static int64_t retry(const kw__rule *rule, const counts *state, int64_t now, int64_t cost) {
    int64_t elapsed = now - state->start, room = rule->capacity - cost - state->current, at;
    if (room >= 0) {
        if (state->previous == 0) return 0;
        at = rule->period_us - overlap(rule, room, state->previous) * rule->unit_us;
    } else { /* not in this window: in the next one this is the one before */
        at = rule->period_us - overlap(rule, rule->capacity - cost, state->current) * rule->unit_us;
        at = rule->period_us + (at > 0 ? at : 0);
    }
    return at > elapsed ? at - elapsed : 0;
}

static kw_status describe(const kw__rule *rule, kw__bytes state, int64_t now, int64_t cost, bool charged,
                          kw__outlook *outlook, kw_error *error) {
    counts seen = {now, 0, 0};
    if (state.length > 0 && !read_state(state, &seen)) return kw__limiter_foreign(error);
    roll(rule, now, &seen);
    int64_t overlapping = divide_up(seen.start + rule->period_us - now, rule->unit_us), room = rule->capacity;
    /* previous * overlapping / units, rounded up, unless it is beyond the limit anyway. */
    if (overlap(rule, room, seen.previous > 0 ? seen.previous : 1) < overlapping && seen.previous > 0) {
        room = 0;
    } else {
        room -= divide_up(seen.previous * overlapping, rule->units);
    }
    outlook->remaining = room > seen.current ? room - seen.current : 0;
    if (seen.current > 0) {
        outlook->reset_after_us = seen.start + 2 * rule->period_us - now;
    } else if (seen.previous > 0) {
        outlook->reset_after_us = seen.start + rule->period_us - now;
    }
    if (charged) {
        outlook->settles_us = seen.start + 2 * rule->period_us;
    } else {
        outlook->retry_after_us = cost == 0 ? 0 : retry(rule, &seen, now, cost);
    }
    return KW_OK;
}

static kw__bytes rewind_state(const kw__rule *rule, kw__bytes state, int64_t now, int64_t later,
                              char room[KW__STATE_ROOM]) {
    (void)rule;
    (void)now;
    counts seen;
    if (!read_state(state, &seen) || seen.current < later) return kw__bytes_of(room, 0);
    memcpy(room, state.data, 16);
    size_t length = 16 + (size_t)kw__format_integer(seen.current - later, room + 16);
    room[length++] = '/';
    return kw__bytes_of(room, length + (size_t)kw__format_integer(seen.previous, room + length));
}

static void write_refund(const kw__rule *rule, const kw_decision *decision, int index, int64_t count,
                         kw__command *command) {
    kw__command_integer(command, count);
    kw__command_integer(command, decision->settles_at_us[index]);
    kw__command_integer(command, rule->period_us);
}

static void write_reserved(const kw__rule *rule, char out[KW__RESERVED_ROOM]) {
    snprintf(out, KW__RESERVED_ROOM, "%" PRId64, rule->period_us);
}

const kw__shape kw__shape_counter = {
    .name = "counter",
    .quota = KW__HTTP_WINDOW,
    .plain = true,
    .prepare = prepare,
    .alone = &kw__script_counter_hit,
    .terms = 4,
    .write_terms = write_terms,
    .describe = describe,
    .rewind = rewind_state,
    .refund_terms = 3,
    .write_refund = write_refund,
    .write_reserved = write_reserved,
};
