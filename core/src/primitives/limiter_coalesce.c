/*
 * Hits of one key and one cost that go as one command. The server charges as many of them as fit, as if they came one
 * after another at that moment; the first so many are admitted. limiter_decide.c tells each what it would have been
 * told alone: for the state then is the state now without what was charged to those behind it.
 */
#include "primitives/limiter.h"
#include "primitives/limiter_rows.h"
#include "primitives/primitives_scripts.h"

static kw_status refuse(kw_error *error, const char *other, const char *why) {
    return kw__fail_option_with(error, "coalesce", 1, other, why);
}

kw_status kw__limiter_check_coalesce(const kw_limiter *limiter, kw_error *error) {
    const kw__limiter_settings *settings = &limiter->settings;
    if (!settings->coalesce) return KW_OK;
    if (settings->charge_denials) return refuse(error, "charge_denials", "each denial is charged by itself");
    if (settings->block_us > 0) return refuse(error, "block_us", "each denial may begin a block");
    if (settings->reservations) return refuse(error, "reservations", "each denial gives back what has lapsed");
    for (int i = 0; i < limiter->count; i++) {
        const kw__rule *rule = &limiter->rules[i];
        if (rule->shadow) return refuse(error, "shadow", "what a shadow limit would have denied is told one by one");
        if (rule->shape->rewind == NULL) return refuse(error, "a concurrent limit", "each hit takes a lease by itself");
        if (rule->indivisible) {
            return refuse(error, "a burst that takes more than 104 days to come back at a rate with a remainder",
                          "how many hits fit cannot be told");
        }
    }
    return KW_OK;
}

kw_status kw__limiter_encode_together(const kw_limiter *limiter, const kw__hit *hit, kw__command *command,
                                      kw_error *error) {
    const kw__rule *rule = &limiter->rules[0];
    if (limiter->count == 1 && rule->shape->encode_together != NULL) {
        rule->shape->encode_together(rule, hit->key, hit->cost, hit->together, command);
        return kw__command_end(command, error);
    }
    kw__hit all = *hit;
    all.up_to = true;
    all.cost = hit->cost * hit->together;
    if (all.cost > limiter->capacity) all.cost = limiter->capacity;
    kw__limiter_begin(limiter, &kw__script_limits_hit, false, hit->key, 0, command);
    kw__command_integer(command, hit->cost); /* up_to: as many of these as fit */
    kw__command_integer(command, 0);         /* charge_denials */
    kw__command_integer(command, 0);         /* block_us */
    kw__command_integer(command, 0);         /* block_max_us */
    kw__limiter_write_rules(limiter, &all, command);
    return kw__command_end(command, error);
}

/* A hit of nothing, or of more than ever fits, charges nothing and goes alone; so does one that takes tokens beside its
 * own. */
uint64_t kw__limiter_hit_group(const kw__step *step) {
    const kw_limiter *limiter = (const kw_limiter *)step->object;
    const kw__limiter_hit_args *args = step->args;
    const kw__asking *asking = step->state;
    if (!limiter->settings.coalesce || asking->tokens > 0 || args->cost == 0 || args->cost > limiter->capacity)
        return 0;
    uint64_t group = kw__limiter_origin(limiter, args->key) ^ (uint64_t)args->cost * UINT64_C(0x9E3779B97F4A7C15);
    return group != 0 ? group : 1;
}

bool kw__limiter_hit_same(const kw__step *a, const kw__step *b) {
    const kw__limiter_hit_args *one = a->args, *other = b->args;
    return one->cost == other->cost && kw__bytes_equal(one->key, other->key);
}
