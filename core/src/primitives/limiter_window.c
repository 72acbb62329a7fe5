/*
 * The shape "window": a fixed window that opens with its first hit. Its state is the moment of its end (16 digits, us) and
 * behind it the count. An end further ahead than one period is not honest (the clock stepped back, the period of a named limit
 * was shortened) and is cut to that.
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

static void encode_hit(const kw_limiter *limiter, kw__bytes key, int64_t cost, int64_t patience_us, kw__command *command) {
    (void)patience_us;
    kw__limiter_script(limiter, &kw__script_window_hit, key, command);
    kw__command_integer(command, cost);
    kw__command_integer(command, limiter->capacity - cost);
    kw__command_integer(command, limiter->period_us);
}

static void describe(const kw_limiter *limiter, int64_t left_us, int64_t count, kw_decision *decision) {
    decision->remaining = count < limiter->capacity ? limiter->capacity - count : 0;
    decision->reset_after_us = left_us;
}

static kw_status decode_hit(const kw_limiter *limiter, int64_t cost, const kw__reply *reply, kw_decision *decision,
    kw_error *error) {
    (void)cost;
    int64_t values[KW__WINDOW_HIT_REPLIES];
    kw_status status = kw__reply_integers(reply, KW__WINDOW_HIT_REPLIES, values, error);
    if (status != KW_OK) return status;
    int64_t now = values[KW__WINDOW_HIT_NOW], ends = values[KW__WINDOW_HIT_ENDS], count = values[KW__WINDOW_HIT_COUNT];
    if (now <= 0 || now >= KW__SERVER_TIME_MAX || ends < now || ends >= 2 * KW__SERVER_TIME_MAX || count < 0) {
        return kw__reply_unexpected("window_hit", error);
    }
    describe(limiter, ends - now, count, decision);
    if (values[KW__WINDOW_HIT_CHARGED] == 0) {
        decision->status = KW_DENIED;
        decision->retry_after_us = ends - now;
    } else {
        decision->settles_at_us[0] = ends;
    }
    return KW_OK;
}

static bool read_state(kw__bytes state, int64_t *ends, int64_t *count) {
    const char *text = state.data;
    return state.length > 16 && text[0] != '-' && text[16] != '-' && kw__parse_integer(kw__bytes_of(text, 16), ends) &&
           kw__parse_integer(kw__bytes_of(text + 16, state.length - 16), count);
}

static kw_status judge(const kw_limiter *limiter, int64_t cost, int64_t now, const kw__bytes *value, kw_decision *decision,
    kw_error *error) {
    int64_t ends = 0, count = 0;
    if (value != NULL && !read_state(*value, &ends, &count)) return kw__limiter_foreign(error);
    if (ends <= now) {
        describe(limiter, 0, 0, decision);
        return KW_OK;
    }
    int64_t left = ends - now < limiter->period_us ? ends - now : limiter->period_us;
    describe(limiter, left, count, decision);
    if (cost > 0 && cost > decision->remaining) {
        decision->status = KW_DENIED;
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
    .prepare = prepare,
    .encode_hit = encode_hit,
    .decode_hit = decode_hit,
    .judge = judge,
    .encode_refund = encode_refund,
};
