/* What comes back: whether a decision is this limiter's, its refund, the renewal and the release of its permits. */
#include "primitives/limiter.h"
#include "primitives/primitives_scripts.h"

/* ---- whose it is ---- */

/* Whether it is of this limiter and key, and whether by other limits than these: those that an override gave then. */
static bool is_ours(const kw_limiter *limiter, kw__bytes key, const kw_decision *decision, bool *other_limits) {
    uint64_t terms = decision->origin ^ kw__limiter_origin(limiter, key);
    *other_limits = terms != 0 && terms >> KW__TERMS_BITS == 0;
    return terms >> KW__TERMS_BITS == 0;
}

bool kw__limiter_is_of(const kw_limiter *limiter, kw__bytes key, const kw_decision *decision) {
    bool other_limits;
    return is_ours(limiter, key, decision, &other_limits);
}

/* How much a rule charges at most, by whichever limits. */
static int64_t most_charged(const kw__rule *rule, bool other_limits) {
    if (!other_limits) return rule->capacity;
    return rule->shape == &kw__shape_leases ? KW__PERMITS_MAX : KW__LIMIT_BOUND;
}

/* Whether it can be the record of an admission by this limiter; one that was reserved tells no moments. */
static bool is_sound(const kw_limiter *limiter, const kw_decision *decision, bool reserved, bool other_limits) {
    bool sound = decision->limits == limiter->count && decision->count > 0 && decision->count <= KW__LIMIT_BOUND &&
                 decision->decided_at_us >= KW__STATE_TIME_MIN && decision->decided_at_us < KW__SERVER_TIME_MAX;
    for (int i = 0; i < limiter->count && sound; i++) {
        int64_t settles = decision->settles_at_us[i];
        bool charged = !reserved && (settles != 0 || !limiter->rules[i].shadow);
        if (other_limits && settles == 0) charged = false; /* a shadow then */
        if (charged && (settles < KW__STATE_TIME_MIN || settles >= KW__SERVER_TIME_MAX ||
                        decision->count > most_charged(&limiter->rules[i], other_limits))) {
            sound = false;
        }
    }
    return sound;
}

bool kw__limiter_could_refund(const kw_limiter *limiter, const kw_decision *decision) {
    return is_sound(limiter, decision, false, false);
}

/* ---- giving back ---- */

static kw_status fail_decision(kw_error *error, const char *what, const char *why) {
    return kw__fail(error, KW_INVALID, KW_REASON_DECISION, "this decision cannot be %s: %s", what, why);
}

/* Whether it is of a reservation: those say nothing that a refund could read. */
static bool is_reserved(const kw_decision *decision) {
    for (int i = 0; i < decision->limits && i < KW__LIMITS_MAX; i++) {
        if (decision->settles_at_us[i] != 0) return false;
    }
    return true;
}

/* Whether the decision is an admission of this limiter for this key. */
static kw_status check_decision(const kw_limiter *limiter, kw__bytes key, const kw_decision *decision, const char *what,
                                kw_error *error) {
    if (decision->status != KW_OK || decision->count == 0) return fail_decision(error, what, "it charged nothing");
    bool reserved = limiter->settings.reservations && is_reserved(decision);
    bool other_limits, ours = is_ours(limiter, key, decision, &other_limits);
    if (!is_sound(limiter, decision, reserved, other_limits)) {
        return fail_decision(error, what, "this limiter did not make it; pass the one that the hit gave, unchanged");
    }
    if (!ours) {
        return fail_decision(error, what, "it was made by another limiter, or for another key");
    }
    return KW_OK;
}

/*
 * Whether a refund gives back what the rule charged. What a hit cost under limits that an override gave and nobody here
 * knows any more cannot be told where it is a time: time gives that back. A count is a count.
 */
static bool gives_back(const kw__rule *rule, const kw_decision *decision, int index, bool other_limits) {
    return decision->settles_at_us[index] != 0 && !(other_limits && rule->shape->lists_refunds);
}

bool kw__limiter_refunds_nothing(const kw_limiter *limiter, kw__bytes key, const kw_decision *decision) {
    bool other_limits;
    if (check_decision(limiter, key, decision, "", NULL) != KW_OK ||
        (limiter->settings.reservations && is_reserved(decision))) {
        return false;
    }
    is_ours(limiter, key, decision, &other_limits);
    for (int i = 0; i < limiter->count; i++) {
        if (gives_back(&limiter->rules[i], decision, i, other_limits)) return false;
    }
    return other_limits;
}

kw_status kw__limiter_encode_refund(const kw_limiter *limiter, kw__bytes key, const kw_decision *decision,
                                    int64_t count, kw__command *command, kw_error *error) {
    bool other_limits;
    if (decision->count > 0 && count > decision->count) {
        return kw__fail(error, KW_INVALID, KW_REASON_DECISION,
                        "this decision cannot be refunded by %lld: it charged %lld", (long long)count,
                        (long long)decision->count);
    }
    kw_status status = check_decision(limiter, key, decision, "refunded", error);
    if (status != KW_OK) return status;
    if (limiter->settings.reservations && is_reserved(decision)) {
        return fail_decision(error, "refunded", "a reservation made it: cancel that, or commit what was used");
    }
    is_ours(limiter, key, decision, &other_limits);
    int keys = 0, terms = 0;
    for (int i = 0; i < limiter->count; i++) {
        if (!gives_back(&limiter->rules[i], decision, i, other_limits)) continue;
        keys += limiter->rules[i].shape->lists_refunds ? 2 : 1;
        terms += 1 + limiter->rules[i].shape->refund_terms;
    }
    kw__command_script_more(command, &kw__script_limits_refund, keys, terms);
    for (int i = 0; i < limiter->count; i++) {
        const kw__rule *rule = &limiter->rules[i];
        if (!gives_back(rule, decision, i, other_limits)) continue;
        kw__rule_key(rule, key, command);
        if (rule->shape->lists_refunds) kw__rule_refunds_key(rule, key, command);
    }
    for (int i = 0; i < limiter->count; i++) {
        const kw__rule *rule = &limiter->rules[i];
        if (!gives_back(rule, decision, i, other_limits)) continue;
        kw__command_text(command, rule->shape->name);
        rule->shape->write_refund(rule, decision, i, count, command);
    }
    return kw__command_end(command, error);
}

kw_status kw__limiter_decode_refund(const kw__reply *reply, kw_error *error) {
    return reply->kind == KW__REPLY_INTEGER ? KW_OK : kw__reply_unexpected("refund", error);
}

/* The rule that gave the lease of a decision, one of this limiter's for this key; or NULL with the reason in error. */
static const kw__rule *lease_rule(const kw_limiter *limiter, kw__bytes key, const kw_decision *decision,
                                  const char *what, kw_error *error) {
    if (check_decision(limiter, key, decision, what, error) != KW_OK) return NULL;
    for (int i = 0; i < limiter->count; i++)
        if (limiter->rules[i].shape == &kw__shape_leases) return &limiter->rules[i];
    fail_decision(error, what, "no limit of this limiter is concurrent, and only those give leases");
    return NULL;
}

kw_status kw__limiter_encode_renew(const kw_limiter *limiter, kw__bytes key, const kw_decision *decision,
                                   kw__command *command, kw_error *error) {
    const kw__rule *rule = lease_rule(limiter, key, decision, "renewed", error);
    if (rule == NULL) return KW_INVALID;
    kw__rule_script(rule, &kw__script_leases_renew, key, command);
    kw__command_integer(command, rule->period_us);
    kw__command_integer(command, decision->lease);
    kw__command_integer(command, decision->count);
    return kw__command_end(command, error);
}

kw_status kw__limiter_encode_release(const kw_limiter *limiter, kw__bytes key, const kw_decision *decision,
                                     kw__command *command, kw_error *error) {
    const kw__rule *rule = lease_rule(limiter, key, decision, "released", error);
    if (rule == NULL) return KW_INVALID;
    kw__rule_script(rule, &kw__script_leases_refund, key, command);
    rule->shape->write_refund(rule, decision, (int)(rule - limiter->rules), decision->count, command);
    return kw__command_end(command, error);
}
