/* The shape "tat": GCRA, whose state is the theoretical arrival time. The arithmetic is in gcra.c. */
#include <inttypes.h>
#include <stdio.h>

#include "primitives/limiter.h"
#include "primitives/primitives_scripts.h"

static kw_status prepare(kw__rule *rule, const kw_limit *limit, const kw__limiter_settings *settings, kw_error *error) {
    (void)settings;
    if ((limit->count - 1) / KW__GCRA_PARTS_MAX >= limit->period_us) { /* count > 1000 * period_us */
        return kw__fail_at(error, KW_REASON_LIMIT_RANGE, 0,
                           "GCRA holds rates up to %d per us; this limit asks for %lld in %lld us", KW__GCRA_PARTS_MAX,
                           (long long)limit->count, (long long)limit->period_us);
    }
    if (!kw__gcra_init(&rule->gcra, limit->count, limit->period_us, limit->burst, KW__GCRA_SLACK_US)) {
        return kw__fail_at(error, KW_REASON_LIMIT_SIZE, 0,
                           "the burst takes 2^52 us (142 years) or more to come back at this rate: lower it");
    }
    rule->capacity = limit->burst;
    rule->indivisible = rule->gcra.burst >= KW__SERVER_TIME_MAX / rule->gcra.interval;
    return KW_OK;
}

/* The words of a rule in scripts that know no remainder. */
static void write_whole(const kw__rule *rule, int64_t cost, int64_t patience_us, kw__command *command) {
    const kw__gcra *gcra = &rule->gcra;
    kw__command_integer(command, kw__gcra_cost(gcra, cost).us);
    kw__command_integer(command, kw__gcra_room(gcra, cost).us + patience_us);
    kw__command_integer(command, gcra->ahead_us);
}

static void write_exact(const kw__rule *rule, int64_t cost, int64_t patience_us, kw__command *command) {
    const kw__gcra *gcra = &rule->gcra;
    kw__gcra_time price = kw__gcra_cost(gcra, cost), room = kw__gcra_room(gcra, cost);
    kw__command_integer(command, gcra->parts);
    kw__command_integer(command, price.us);
    kw__command_integer(command, price.rest);
    kw__command_integer(command, room.us + patience_us);
    kw__command_integer(command, room.rest);
    kw__command_integer(command, gcra->ahead_us);
}

static void encode_alone(const kw__rule *rule, kw__bytes key, int64_t cost, int64_t patience_us, kw__command *command) {
    bool whole = rule->gcra.parts == 1;
    kw__rule_script(rule, whole ? &kw__script_gcra_hit : &kw__script_gcra_exact_hit, key, command);
    (whole ? write_whole : write_exact)(rule, cost, patience_us, command);
}

/* Two of whole microseconds are what most have who have several. */
static void encode_several(const kw__rule *rules, int count, kw__bytes key, int64_t cost, int64_t patience_us,
                           kw__command *command) {
    bool two = count == 2 && rules[0].gcra.parts == 1 && rules[1].gcra.parts == 1;
    if (two) {
        kw__command_script(command, &kw__script_two_hit);
    } else {
        kw__command_script_more(command, &kw__script_several_hit, count, 6 * count);
    }
    for (int i = 0; i < count; i++)
        kw__rule_key(&rules[i], key, command);
    for (int i = 0; i < count; i++)
        (two ? write_whole : write_exact)(&rules[i], cost, patience_us, command);
}

static void encode_together(const kw__rule *rule, kw__bytes key, int64_t cost, int64_t hits, kw__command *command) {
    kw__rule_script(rule, &kw__script_gcra_hits, key, command);
    write_exact(rule, cost, 0, command);
    kw__command_integer(command, hits);
}

static void write_terms(const kw__rule *rule, int64_t cost, int64_t patience_us, bool up_to, kw__command *command) {
    const kw__gcra *gcra = &rule->gcra;
    bool never = cost > gcra->burst; /* of a shadow rule: no debt has room for it */
    kw__gcra_time price = kw__gcra_cost(gcra, never ? 0 : cost), room = kw__gcra_room(gcra, never ? 0 : cost);
    kw__command_integer(command, gcra->parts);
    kw__command_integer(command, price.us);
    kw__command_integer(command, price.rest);
    kw__command_integer(command, never ? -1 : room.us + patience_us);
    kw__command_integer(command, room.rest);
    kw__command_integer(command, gcra->ahead_us);
    kw__command_integer(command, up_to ? gcra->interval : 0);
    kw__command_integer(command, up_to ? gcra->burst * gcra->interval : 0);
}

static kw_status describe(const kw__rule *rule, kw__bytes state, int64_t now, int64_t cost, bool charged,
                          kw__outlook *outlook, kw_error *error) {
    const kw__gcra *gcra = &rule->gcra;
    kw__gcra_time tat = {0, 0};
    if (state.length > 0 && !kw__gcra_read(gcra, state, &tat)) return kw__limiter_foreign(error);
    kw__gcra_time debt = kw__gcra_debt(gcra, tat, now);
    outlook->remaining = kw__gcra_remaining(gcra, debt);
    outlook->reset_after_us = kw__gcra_clears(debt);
    if (!charged) {
        outlook->retry_after_us = kw__gcra_wait(gcra, debt, cost);
        return KW_OK;
    }
    /* What the debt is beyond the burst was booked ahead. */
    outlook->delay_us = kw__gcra_wait(gcra, debt, 0);
    outlook->settles_us = tat.us;
    outlook->settles_rest = tat.rest;
    return KW_OK;
}

static kw__bytes rewind_state(const kw__rule *rule, kw__bytes state, int64_t now, int64_t later,
                              char room[KW__STATE_ROOM]) {
    kw__gcra_time tat;
    if (!kw__gcra_read(&rule->gcra, state, &tat) || !kw__gcra_before(&rule->gcra, &tat, now, later)) {
        return kw__bytes_of(room, 0);
    }
    size_t length = (size_t)kw__format_integer(tat.us, room);
    if (rule->gcra.parts > 1) {
        room[length++] = (char)('0' + tat.rest / 100);
        room[length++] = (char)('0' + tat.rest / 10 % 10);
        room[length++] = (char)('0' + tat.rest % 10);
    }
    return kw__bytes_of(room, length);
}

static void write_refund(const kw__rule *rule, const kw_decision *decision, int index, int64_t count,
                         kw__command *command) {
    const kw__gcra *gcra = &rule->gcra;
    kw__gcra_time credit = kw__gcra_cost(gcra, count), burst = kw__gcra_cost(gcra, gcra->burst);
    uint64_t rests = (uint64_t)decision->settles_rest[index / 4];
    kw__command_integer(command, gcra->parts);
    kw__command_integer(command, credit.us);
    kw__command_integer(command, credit.rest);
    kw__command_integer(command, decision->settles_at_us[index]);
    kw__command_integer(command, (int64_t)(rests >> (index % 4 * 16) & 0xFFFF)); /* above all parts: read as the most */
    kw__command_integer(command, gcra->ahead_us);
    kw__command_integer(command, burst.us);
    kw__command_integer(command, burst.rest);
    kw__command_integer(command, decision->decided_at_us);
    kw__command_integer(command, 0);
    kw__command_integer(command, count == decision->count ? 1 : 0);
}

static void write_reserved(const kw__rule *rule, char out[KW__RESERVED_ROOM]) {
    const kw__gcra *gcra = &rule->gcra;
    kw__gcra_time burst = kw__gcra_cost(gcra, gcra->burst);
    snprintf(out, KW__RESERVED_ROOM, "%" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64,
             gcra->parts, gcra->interval / gcra->parts, gcra->interval % gcra->parts, gcra->ahead_us, burst.us,
             burst.rest);
}

/* What is in whole us was not rounded, so that times add up. */
static int64_t wait_for_more(const kw__rule *rule, int64_t retry_us, int64_t more) {
    return rule->gcra.parts == 1 ? retry_us + kw__gcra_cost(&rule->gcra, more).us : -1;
}

const kw__shape kw__shape_gcra = {
    .name = "tat",
    .quota = KW__HTTP_STEADY,
    .books_ahead = true,
    .plain = true,
    .prepare = prepare,
    .encode_alone = encode_alone,
    .encode_together = encode_together,
    .encode_several = encode_several,
    .terms = 8,
    .write_terms = write_terms,
    .describe = describe,
    .wait_for_more = wait_for_more,
    .rewind = rewind_state,
    .refund_terms = 11,
    .lists_refunds = true,
    .write_refund = write_refund,
    .write_reserved = write_reserved,
};
