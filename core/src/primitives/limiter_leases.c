/*
 * The shape "leases": how many are at it at once. The state is a sorted set of leases by their ends; the script counts
 * those that last, and tells "used:latest:opens:id".
 */
#include "primitives/limiter.h"
#include "primitives/primitives_scripts.h"

static kw_status prepare(kw__rule *rule, const kw_limit *limit, const kw__limiter_settings *settings, kw_error *error) {
    if (limit->count > KW__PERMITS_MAX) {
        return kw__fail_at(error, KW_REASON_LIMIT_SIZE, 0,
                           "a concurrent limit keeps every lease and takes up to %d; this one is %lld", KW__PERMITS_MAX,
                           (long long)limit->count);
    }
    if (settings->charge_denials) {
        return kw__fail(error, KW_INVALID, KW_REASON_OPTION,
                        "options.charge_denials charges who was denied, and a concurrent limit has nobody to give that "
                        "back: leave one of them out");
    }
    rule->capacity = limit->count;
    rule->period_us = settings->lease_us;
    return KW_OK;
}

static kw_status describe(const kw__rule *rule, kw__bytes state, int64_t now, int64_t cost, bool charged,
                          kw__outlook *outlook, kw_error *error) {
    int64_t seen[4] = {0, 0, 0, 0};
    if (state.length > 0 && !kw__read_numbers(state, seen, 4)) return kw__limiter_foreign(error);
    int64_t clears = seen[1] - now, opens = seen[2] - now;
    outlook->remaining = seen[0] < rule->capacity ? rule->capacity - seen[0] : 0;
    outlook->reset_after_us = seen[0] > 0 && clears > 0 ? clears : 0;
    if (charged) {
        outlook->settles_us = now + rule->period_us;
        outlook->lease = seen[3];
    } else if (cost > outlook->remaining) {
        outlook->retry_after_us = opens > 0 ? opens : 1;
    }
    return KW_OK;
}

static void write_refund(const kw__rule *rule, const kw_decision *decision, int index, int64_t count,
                         kw__command *command) {
    (void)rule;
    (void)index;
    kw__command_integer(command, count);
    kw__command_integer(command, decision->count);
    kw__command_integer(command, decision->lease);
}

const kw__shape kw__shape_leases = {
    .name = "leases",
    .quota = KW__HTTP_WINDOW,
    .prepare = prepare,
    .alone = &kw__script_leases_hit,
    .terms = 2,
    .write_terms = kw__write_capacity_and_period,
    .describe = describe,
    .refund_terms = 3,
    .write_refund = write_refund,
};
