/*
 * The shape "window": a fixed window that opens with its first hit. Its state is the moment of its end (16 digits, us)
 * and behind it the count. An end further ahead than one period is not honest (the clock stepped back, the period of a
 * named limit was shortened) and is cut to that.
 */
#include "primitives/limiter.h"
#include "primitives/primitives_scripts.h"

static kw_status prepare(kw_limiter *limiter, const kw_limit *limit, kw_error *error) {
    if (limit->burst != limit->count) {
        return kw__fail(error, KW_INVALID, KW_REASON_OPTION,
                        "a fixed window has no burst: leave it out, or take KW_ALGORITHM_GCRA");
    }
    limiter->capacity = limit->count;
    return KW_OK;
}

static void encode_hit(const kw_limiter *limiter, kw__bytes key, int64_t cost, int64_t patience_us,
                       kw__command *command) {
    (void)patience_us;
    kw__limiter_script(limiter, &kw__script_window_hit, key, command);
    kw__command_integer(command, cost);
    kw__command_integer(command, limiter->capacity - cost);
    kw__command_integer(command, limiter->period_us);
}

static bool read_state(kw__bytes value, int64_t *ends, int64_t *count) {
    const char *text = value.data;
    return value.length > 16 && kw__parse_integer(kw__bytes_of(text, 16), ends) &&
           kw__parse_integer(kw__bytes_of(text + 16, value.length - 16), count) && *ends >= KW__STATE_TIME_MIN &&
           *count >= 0;
}

static kw_status describe(const kw_limiter *limiter, const kw__limiter_state *state, int64_t cost,
                          kw_decision *decision, kw_error *error) {
    int64_t ends = 0, count = 0;
    if (state->value.length > 0 && !read_state(state->value, &ends, &count)) return kw__limiter_foreign(error);
    if (ends <= state->now) count = 0;
    int64_t left = ends <= state->now ? 0 : ends - state->now;
    if (left > limiter->period_us) left = limiter->period_us;
    decision->remaining = count < limiter->capacity ? limiter->capacity - count : 0;
    decision->reset_after_us = left;
    if (state->charged) {
        decision->settles_at_us[0] = ends;
    } else if (cost > decision->remaining) {
        decision->retry_after_us = left;
    }
    return KW_OK;
}

static void encode_refund(const kw_limiter *limiter, kw__bytes key, const kw_decision *decision, int64_t count,
                          kw__command *command) {
    kw__limiter_script(limiter, &kw__script_window_refund, key, command);
    kw__command_integer(command, count);
    kw__command_integer(command, decision->settles_at_us[0]);
}

const kw__shape kw__shape_window = {
    .name = "window",
    .books_ahead = false,
    .quota = KW__HTTP_WINDOW,
    .prepare = prepare,
    .encode_hit = encode_hit,
    .describe = describe,
    .encode_refund = encode_refund,
};
