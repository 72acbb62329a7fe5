/* The shape "tat": GCRA, whose state is the theoretical arrival time. The arithmetic is in gcra.c. */
#include "primitives/limiter.h"
#include "primitives/primitives_scripts.h"

static kw_status prepare(kw_limiter *limiter, const kw_limit *limit, kw_error *error) {
    if ((limit->count - 1) / KW__GCRA_PARTS_MAX >= limit->period_us) { /* count > 1000 * period_us */
        return kw__fail_at(error, KW_REASON_LIMIT_RANGE, 0,
                           "GCRA holds rates up to %d per us; this limit asks for %lld in %lld us", KW__GCRA_PARTS_MAX,
                           (long long)limit->count, (long long)limit->period_us);
    }
    if (!kw__gcra_init(&limiter->gcra, limit->count, limit->period_us, limit->burst, KW__GCRA_SLACK_US)) {
        return kw__fail_at(error, KW_REASON_LIMIT_SIZE, 0,
                           "the burst takes 2^52 us (142 years) or more to come back at this rate: lower it");
    }
    limiter->capacity = limit->burst;
    return KW_OK;
}

static void encode_hit(const kw_limiter *limiter, kw__bytes key, int64_t cost, int64_t patience_us,
                       kw__command *command) {
    const kw__gcra *gcra = &limiter->gcra;
    kw__gcra_time price = kw__gcra_cost(gcra, cost), room = kw__gcra_room(gcra, cost);
    if (gcra->parts == 1) {
        kw__limiter_script(limiter, &kw__script_gcra_hit, key, command);
        kw__command_integer(command, price.us);
        kw__command_integer(command, room.us + patience_us);
        kw__command_integer(command, gcra->ahead_us);
        return;
    }
    kw__limiter_script(limiter, &kw__script_gcra_exact_hit, key, command);
    kw__command_integer(command, gcra->parts);
    kw__command_integer(command, price.us);
    kw__command_integer(command, price.rest);
    kw__command_integer(command, room.us + patience_us);
    kw__command_integer(command, room.rest);
    kw__command_integer(command, gcra->ahead_us);
}

static kw_status describe(const kw_limiter *limiter, const kw__limiter_state *state, int64_t cost,
                          kw_decision *decision, kw_error *error) {
    const kw__gcra *gcra = &limiter->gcra;
    kw__gcra_time tat = {0, 0};
    if (state->value.length > 0 && !kw__gcra_read(gcra, state->value, &tat)) return kw__limiter_foreign(error);
    kw__gcra_time debt = kw__gcra_debt(gcra, tat, state->now);
    decision->remaining = kw__gcra_remaining(gcra, debt);
    decision->reset_after_us = kw__gcra_clears(debt);
    if (!state->charged) {
        decision->retry_after_us = kw__gcra_wait(gcra, debt, cost);
        return KW_OK;
    }
    /* What the debt is beyond the burst was booked ahead. */
    decision->delay_us = kw__gcra_wait(gcra, debt, 0);
    decision->settles_at_us[0] = tat.us;
    decision->settles_rest[0] = tat.rest;
    return KW_OK;
}

static void encode_refund(const kw_limiter *limiter, kw__bytes key, const kw_decision *decision, int64_t count,
                          kw__command *command) {
    const kw__gcra *gcra = &limiter->gcra;
    kw__gcra_time credit = kw__gcra_cost(gcra, count);
    kw__limiter_script(limiter, &kw__script_gcra_refund, key, command);
    kw__command_integer(command, gcra->parts);
    kw__command_integer(command, credit.us);
    kw__command_integer(command, credit.rest);
    kw__command_integer(command, decision->settles_at_us[0]);
    kw__command_integer(command, decision->settles_rest[0] & 0xFFFF); /* more than a remainder: read as the most */
    kw__command_integer(command, gcra->ahead_us);
    kw__gcra_time burst = kw__gcra_cost(gcra, gcra->burst);
    kw__command_integer(command, burst.us);
    kw__command_integer(command, burst.rest);
}

const kw__shape kw__shape_gcra = {
    .name = "tat",
    .books_ahead = true,
    .quota = KW__HTTP_STEADY,
    .prepare = prepare,
    .encode_hit = encode_hit,
    .describe = describe,
    .encode_refund = encode_refund,
};
