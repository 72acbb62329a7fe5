/*
 * The shape "window": a fixed window. Its state is the moment of its end (16 digits, us) and behind it the count. An
 * end further ahead than its window's is not honest (the clock stepped back, the period of a named limit was shortened)
 * and is cut to that.
 */
#include "primitives/limiter.h"
#include "primitives/primitives_scripts.h"

#define MONTH_US (30 * KW__DAY_US)
#define YEAR_US (360 * KW__DAY_US)
/* 1970 began on a Thursday; weeks on Monday. */
#define WEEK_SHIFT_US (3 * KW__DAY_US)

enum { FROM_FIRST_HIT, BY_CLOCK, BY_MONTHS };

static kw_status prepare(kw__rule *rule, const kw_limit *limit, const kw__limiter_settings *settings, kw_error *error) {
    kw_status status = kw__limiter_no_burst(limit, error);
    if (status != KW_OK) return status;
    rule->capacity = limit->count;
    rule->span = limit->period_us;
    if (settings->align == KW_ALIGN_FIRST_HIT) return KW_OK;
    rule->plain = false; /* where the window now ends only the script tells */
    rule->aligned = BY_CLOCK;
    rule->shift_us = settings->zone_us;
    if (limit->period_us % (7 * KW__DAY_US) == 0) rule->shift_us += WEEK_SHIFT_US;
    if (settings->align == KW_ALIGN_CALENDAR && limit->period_us >= MONTH_US) {
        rule->aligned = BY_MONTHS;
        rule->shift_us = settings->zone_us;
        if (limit->period_us % YEAR_US == 0) {
            rule->span = limit->period_us / YEAR_US * 12;
        } else if (limit->period_us % MONTH_US == 0) {
            rule->span = limit->period_us / MONTH_US;
        } else {
            return kw__fail_at(error, KW_REASON_LIMIT_RANGE, 0,
                               "a calendar window has a period of up to 29 days, or of whole months or years; this one "
                               "has %lld us: take KW_ALIGN_CLOCK",
                               (long long)limit->period_us);
        }
    }
    return KW_OK;
}

static bool has_script(const kw__rule *rule) {
    return rule->aligned == FROM_FIRST_HIT;
}

static void encode_alone(const kw__rule *rule, kw__bytes key, int64_t cost, int64_t patience_us, kw__command *command) {
    (void)patience_us;
    kw__rule_script(rule, &kw__script_window_hit, key, command);
    kw__command_integer(command, cost);
    kw__command_integer(command, rule->capacity - cost);
    kw__command_integer(command, rule->period_us);
}

static void write_terms(const kw__rule *rule, int64_t cost, int64_t patience_us, bool up_to, kw__command *command) {
    (void)cost;
    (void)patience_us;
    (void)up_to;
    kw__command_integer(command, rule->capacity);
    kw__command_integer(command, rule->span);
    kw__command_integer(command, rule->aligned);
    kw__command_integer(command, rule->shift_us);
}

static bool read_state(kw__bytes value, int64_t *ends, int64_t *count) {
    const char *text = value.data;
    return value.length > 16 && kw__parse_integer(kw__bytes_of(text, 16), ends) &&
           kw__parse_integer(kw__bytes_of(text + 16, value.length - 16), count) && *ends >= KW__STATE_TIME_MIN &&
           *ends < KW__SERVER_TIME_MAX && *count >= 0 && *count < KW__SERVER_TIME_MAX;
}

/* The longest that a window of the rule can last: the calendar's months have 31 days, its years 366. */
static int64_t longest(const kw__rule *rule) {
    return rule->aligned == BY_MONTHS ? rule->span * 31 * KW__DAY_US : rule->period_us;
}

static kw_status describe(const kw__rule *rule, kw__bytes state, int64_t now, int64_t cost, bool charged,
                          kw__outlook *outlook, kw_error *error) {
    int64_t ends = 0, count = 0;
    if (state.length > 0 && !read_state(state, &ends, &count)) return kw__limiter_foreign(error);
    if (ends <= now) count = 0;
    int64_t left = ends <= now ? 0 : ends - now;
    if (left > longest(rule)) left = longest(rule);
    outlook->remaining = count < rule->capacity ? rule->capacity - count : 0;
    outlook->reset_after_us = left;
    if (charged) {
        outlook->settles_us = ends;
    } else if (cost > outlook->remaining) {
        outlook->retry_after_us = left;
    }
    return KW_OK;
}

static kw__bytes rewind_state(const kw__rule *rule, kw__bytes state, int64_t now, int64_t later,
                              char room[KW__STATE_ROOM]) {
    (void)rule;
    (void)now;
    int64_t ends, count;
    if (!read_state(state, &ends, &count) || count < later) return kw__bytes_of(room, 0);
    memcpy(room, state.data, 16);
    return kw__bytes_of(room, 16 + (size_t)kw__format_integer(count - later, room + 16));
}

static void write_refund(const kw__rule *rule, const kw_decision *decision, int index, int64_t count,
                         kw__command *command) {
    (void)rule;
    kw__command_integer(command, count);
    kw__command_integer(command, decision->settles_at_us[index]);
}

/* All of it comes at once. */
static int64_t wait_for_more(const kw__rule *rule, int64_t retry_us, int64_t more) {
    (void)rule;
    (void)more;
    return retry_us;
}

const kw__shape kw__shape_window = {
    .name = "window",
    .quota = KW__HTTP_WINDOW,
    .settles_at_once = true,
    .plain = true,
    .prepare = prepare,
    .has_script = has_script,
    .encode_alone = encode_alone,
    .alone = &kw__script_aligned_hit,
    .terms = 4,
    .write_terms = write_terms,
    .describe = describe,
    .wait_for_more = wait_for_more,
    .rewind = rewind_state,
    .refund_terms = 2,
    .write_refund = write_refund,
};
