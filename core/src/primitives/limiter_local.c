#include "primitives/limiter_local.h"

#include "base/clock.h"
#include "base/memory.h"
#include "primitives/limiter.h"

/* Of how many keys a fallback keeps count: 144 bytes each. */
#define FALLBACK_KEYS 4096
#define DENY_RETRY_US 1000000

/* ---- making and unmaking ---- */

/*
 * A share is a rate of its own. What is less than one in a period becomes one in a longer period. Concurrent limits
 * have no rate: alone, nobody can tell how many others hold.
 */
kw_status kw__limiter_take_share(kw__rule *rule, const kw_limit *limit, int number, int32_t percent, kw_error *error) {
    int64_t count = limit->count / 100 * percent + limit->count % 100 * percent / 100;
    int64_t burst = limit->burst / 100 * percent + limit->burst % 100 * percent / 100;
    int64_t period = limit->period_us;
    if (limit->concurrent == 1) return KW_OK;
    if (count == 0) {
        period = period / (limit->count * percent) * 100 +
                 period % (limit->count * percent) * 100 / (limit->count * percent);
        count = 1;
    }
    if (kw__gcra_init(&rule->share, count, period, burst > 0 ? burst : 1, 0)) return KW_OK;
    return kw__fail(error, KW_INVALID, KW_REASON_LIMIT_SIZE,
                    "limit %d is too long for a share of %d percent of it: give a larger local_share", number,
                    (int)percent);
}

static kw_status make_fallback(kw__limiter_local *local, kw_error *error) {
    local->fallback_count = FALLBACK_KEYS;
    local->fallbacks = kw__calloc(local->fallback_count, sizeof *local->fallbacks);
    return local->fallbacks != NULL ? KW_OK : kw__fail_memory(error);
}

kw_status kw__limiter_local_init(kw_limiter *limiter, kw_error *error) {
    kw__limiter_local *local = limiter->local = kw__calloc(1, sizeof *local);
    if (local == NULL) return kw__fail_memory(error);
    const kw__limiter_settings *settings = &limiter->settings;
    if (settings->denial_cache == 0 && settings->on_failure != KW_ON_FAILURE_LOCAL && settings->token_lease == 0) {
        return KW_OK;
    }
    kw_status status = kw__places_init(&local->places, error);
    if (status == KW_OK) status = kw__tokens_init(limiter, error);
    if (status != KW_OK) return status;
    if (settings->denial_cache > 0) {
        local->denial_count = kw__places_count(settings->denial_cache);
        local->denials = kw__calloc(local->denial_count / KW__WAYS, sizeof *local->denials);
        if (local->denials == NULL) return kw__fail_memory(error);
    }
    return settings->on_failure == KW_ON_FAILURE_LOCAL ? make_fallback(local, error) : KW_OK;
}

void kw__limiter_local_free(kw_limiter *limiter) {
    kw__limiter_local *local = limiter->local;
    if (local == NULL) return;
    kw__places_free(&local->places);
    kw__tokens_free(limiter);
    kw__free(local->denials);
    kw__free(local->fallbacks);
    kw__free(local);
}

/* ---- remembered denials ---- */

static kw__denials *denials_of(kw__limiter_local *local, size_t first) {
    return &local->denials[first / KW__WAYS];
}

static int64_t less(int64_t span, int64_t passed, int64_t least) {
    return span == KW_NEVER ? span : span - passed > least ? span - passed : least;
}

static void tell(const kw_limiter *limiter, kw__bytes key, const kw__denial *denial, int64_t now,
                 kw_decision *decision) {
    int64_t passed = now - denial->sent_at;
    memset(decision, 0, sizeof *decision);
    decision->status = KW_DENIED;
    decision->reason = KW_DECIDED_BY_DENIAL_CACHE;
    decision->limits = limiter->count;
    decision->denied_by = denial->denied_by;
    decision->binding = denial->binding;
    decision->limit = denial->limit;
    decision->remaining = denial->remaining;
    decision->retry_after_us = less(denial->retry_after_us, passed, 1);
    decision->reset_after_us = less(denial->reset_after_us, passed, 0);
    decision->decided_at_us = denial->decided_at_us;
    decision->origin = kw__limiter_origin(limiter, key);
}

/* Makes of a denial that of a larger cost. Its moment must be exact, so not every limit allows that. */
static bool stretch(const kw_limiter *limiter, int64_t cost, kw__denial *denial) {
    const kw__rule *rule = &limiter->rules[0];
    if (cost > limiter->capacity) {
        denial->retry_after_us = KW_NEVER;
    } else if (cost > denial->cost) {
        if (limiter->count > 1 || limiter->settings.block_us > 0 || rule->shape->wait_for_more == NULL) return false;
        denial->retry_after_us = rule->shape->wait_for_more(rule, denial->retry_after_us, cost - denial->cost);
    }
    return denial->retry_after_us >= 0;
}

bool kw__limiter_recall(kw_limiter *limiter, kw__bytes key, int64_t cost, int64_t now, kw_decision *decision) {
    kw__limiter_local *local = limiter->local;
    if (local->denial_count == 0 || cost == 0) return false;
    uint64_t hash = kw__places_hash(&local->places, key);
    size_t first = kw__places_first(hash, local->denial_count);
    const kw__denial *places = denials_of(local, first)->places;
    kw__denial found = {0};
    kw__lock(kw__places_lock(&local->places, first));
    for (int i = 0; i < KW__WAYS; i++) {
        if (places[i].hash == hash) found = places[i];
    }
    kw__unlock(kw__places_lock(&local->places, first));
    if (found.hash == 0 || cost < found.cost || now >= found.until || !stretch(limiter, cost, &found)) return false;
    tell(limiter, key, &found, now, decision);
    return true;
}

void kw__limiter_remember(kw_limiter *limiter, const kw__hit *hit, int64_t sent_at, const kw_decision *decision) {
    kw__limiter_local *local = limiter->local;
    if (local->denial_count == 0) return;
    int64_t span = limiter->settings.denial_ttl_us;
    if (decision->retry_after_us < span) span = decision->retry_after_us;
    uint64_t hash = kw__places_hash(&local->places, hit->key);
    const kw__denial denial = {
        .hash = hash,
        .until = sent_at + span,
        .cost = hit->cost,
        .sent_at = sent_at,
        .retry_after_us = decision->retry_after_us,
        .reset_after_us = decision->reset_after_us,
        .decided_at_us = decision->decided_at_us,
        .limit = decision->limit,
        .remaining = decision->remaining,
        .denied_by = decision->denied_by,
        .binding = (int32_t)decision->binding,
    };
    size_t first = kw__places_first(hash, local->denial_count);
    kw__denials *denials = denials_of(local, first);
    kw__denial *places = denials->places, *place = places;
    kw__lock(kw__places_lock(&local->places, first));
    for (int i = 0; i < KW__WAYS; i++) {
        if (places[i].hash == hash) {
            place = &places[i];
            break;
        }
        if (places[i].until < place->until) place = &places[i];
    }
    /* One of a smaller cost says more. */
    bool better = place->hash != hash || hit->cost <= place->cost || sent_at >= place->until;
    if (sent_at > denials->forgotten_at && better) *place = denial;
    kw__unlock(kw__places_lock(&local->places, first));
}

void kw__limiter_forget(kw_limiter *limiter, kw__bytes key) {
    kw__limiter_local *local = limiter->local;
    if (local->denial_count == 0) return;
    uint64_t hash = kw__places_hash(&local->places, key);
    size_t first = kw__places_first(hash, local->denial_count);
    kw__lock(kw__places_lock(&local->places, first));
    kw__denials *denials = denials_of(local, first);
    denials->forgotten_at = kw__now();
    for (int i = 0; i < KW__WAYS; i++) {
        if (denials->places[i].hash == hash) denials->places[i].hash = 0;
    }
    kw__unlock(kw__places_lock(&local->places, first));
}

/* ---- without the server ---- */

/* What is the server's or the way's to it. What the caller did wrong, or wanted, is not. */
static bool is_outage(kw_status status) {
    switch (status) {
    case KW_OVERLOADED:
    case KW_TIMEOUT:
    case KW_CONNECTION:
    case KW_RESOLVE:
    case KW_TLS:
    case KW_AUTH:
    case KW_PERMISSION:
    case KW_PROTOCOL:
    case KW_UNKNOWN:
    case KW_READONLY:
    case KW_LOADING:
    case KW_SERVER_MEMORY:
    case KW_SERVER:
        return true;
    default:
        return false;
    }
}

/* The place of a hash, with the lock; the one that was touched longest ago is given to it. */
static kw__fallback *fallback_of(kw__limiter_local *local, uint64_t hash) {
    kw__fallback *places = &local->fallbacks[kw__places_first(hash, local->fallback_count)], *place = places;
    for (int i = 0; i < KW__WAYS; i++) {
        if (places[i].hash == hash) return &places[i];
        if (places[i].touched < place->touched) place = &places[i];
    }
    *place = (kw__fallback){.hash = hash};
    return place;
}

/* A key's debt, which an override of other parts may have left. */
static kw__gcra_time debt_of(const kw__gcra *share, kw__gcra_time tat, int64_t now) {
    if (tat.rest >= share->parts) tat = (kw__gcra_time){tat.us + 1, 0};
    return kw__gcra_debt(share, tat, now);
}

/* What every share says; charged is how much, 0 for no. With the lock. */
static int64_t share_out(kw_limiter *limiter, kw__fallback *place, const kw__hit *hit, int64_t now,
                         kw_decision *decision) {
    kw__gcra_time debts[KW__LIMITS_MAX];
    int64_t granted = hit->cost;
    int64_t wanted = hit->up_to ? 1 : hit->cost;
    decision->remaining = INT64_MAX;
    for (int i = 0; i < limiter->count; i++) {
        const kw__gcra *share = &limiter->rules[i].share;
        if (share->parts == 0 || limiter->rules[i].shadow) continue;
        debts[i] = debt_of(share, place->tats[i], now);
        int64_t room = kw__gcra_remaining(share, debts[i]), clears = kw__gcra_clears(debts[i]);
        if (clears > decision->reset_after_us) decision->reset_after_us = clears;
        if (room < decision->remaining) {
            decision->remaining = room;
            decision->limit = share->burst;
            decision->binding = i;
        }
        if (room < granted) granted = hit->up_to ? room : 0;
        if (room >= wanted) continue;
        int64_t retry = wanted > share->burst ? KW_NEVER : kw__gcra_wait(share, debts[i], wanted);
        if (retry > decision->retry_after_us) {
            decision->retry_after_us = retry;
            decision->denied_by = i;
        }
    }
    for (int i = 0; i < limiter->count && granted > 0; i++) {
        const kw__gcra *share = &limiter->rules[i].share;
        if (share->parts == 0 || limiter->rules[i].shadow) continue;
        kw__gcra_time price = kw__gcra_cost(share, granted);
        place->tats[i] = (kw__gcra_time){now + debts[i].us + price.us, debts[i].rest + price.rest};
        if (place->tats[i].rest >= share->parts) {
            place->tats[i].us++;
            place->tats[i].rest -= share->parts;
        }
        int64_t clears = kw__gcra_clears((kw__gcra_time){place->tats[i].us - now, place->tats[i].rest});
        if (clears > decision->reset_after_us) decision->reset_after_us = clears;
    }
    if (decision->remaining == INT64_MAX) { /* nothing but concurrent limits and shadows */
        decision->limit = decision->remaining = limiter->rules[0].capacity;
    } else if (granted > 0) {
        decision->remaining -= granted;
    }
    place->touched = now;
    return granted;
}

static void fall_back(kw_limiter *limiter, const kw__hit *hit, int64_t now, kw_decision *decision) {
    kw__limiter_local *local = limiter->local;
    uint64_t hash = kw__places_hash(&local->places, hit->key);
    kw__mutex *lock = kw__places_lock(&local->places, kw__places_first(hash, local->fallback_count));
    kw__lock(lock);
    decision->count = share_out(limiter, fallback_of(local, hash), hit, now, decision);
    kw__unlock(lock);
    if (decision->count > 0 || hit->cost == 0) {
        decision->denied_by = -1;
        decision->retry_after_us = 0;
    } else {
        decision->status = KW_DENIED;
    }
}

void kw__limiter_give_back(kw_limiter *limiter, kw__bytes key, int64_t count, int64_t now) {
    kw__limiter_local *local = limiter->local;
    if (local->fallback_count == 0) return;
    uint64_t hash = kw__places_hash(&local->places, key);
    kw__mutex *lock = kw__places_lock(&local->places, kw__places_first(hash, local->fallback_count));
    kw__lock(lock);
    kw__fallback *place = fallback_of(local, hash);
    for (int i = 0; i < limiter->count; i++) {
        const kw__gcra *share = &limiter->rules[i].share;
        if (share->parts == 0 || limiter->rules[i].shadow) continue;
        int64_t most = count < share->burst ? count : share->burst;
        int64_t tat = place->tats[i].us - kw__gcra_cost(share, most).us;
        place->tats[i] = (kw__gcra_time){tat > now ? tat : now, 0};
    }
    kw__unlock(lock);
}

void kw__limiter_begin_alone(const kw_limiter *limiter, kw__bytes key, kw_decided_by reason, kw_decision *decision) {
    memset(decision, 0, sizeof *decision);
    decision->reason = reason;
    decision->limits = limiter->count;
    decision->denied_by = -1;
    decision->limit = decision->remaining = limiter->rules[0].capacity;
    decision->origin = kw__limiter_origin(limiter, key);
}

bool kw__limiter_decide_alone(kw_limiter *limiter, const kw__hit *hit, kw_status failure, int64_t now,
                              kw_decision *decision) {
    return kw__limiter_decide_by(limiter, limiter->settings.on_failure, hit, failure, now, decision);
}

bool kw__limiter_decide_by(kw_limiter *limiter, kw_on_failure policy, const kw__hit *hit, kw_status failure,
                           int64_t now, kw_decision *decision) {
    if (policy == KW_ON_FAILURE_RAISE || !is_outage(failure)) return false;
    kw__limiter_begin_alone(limiter, hit->key, KW_DECIDED_BY_SERVER, decision);
    bool never = hit->cost > limiter->capacity;
    if (never && !hit->up_to) policy = KW_ON_FAILURE_DENY; /* what can never fit is known without the server */
    switch (policy) {
    case KW_ON_FAILURE_DENY:
        decision->reason = KW_DECIDED_BY_FAIL_CLOSED;
        decision->status = KW_DENIED;
        decision->remaining = 0;
        decision->retry_after_us = never && !hit->up_to ? KW_NEVER : DENY_RETRY_US;
        break;
    case KW_ON_FAILURE_LOCAL:
        decision->reason = KW_DECIDED_BY_FALLBACK;
        fall_back(limiter, hit, now, decision);
        break;
    case KW_ON_FAILURE_ALLOW:
    case KW_ON_FAILURE_RAISE:
        decision->reason = KW_DECIDED_BY_FAIL_OPEN;
        decision->count = never ? limiter->capacity : hit->cost;
        break;
    }
    return true;
}

/* ---- a hit ---- */

bool kw__limiter_is_shut(kw_limiter *limiter, const kw__hit *hit, int64_t now, int64_t deadline, kw__passage *passage,
                         kw_decision *decision) {
    return limiter->settings.on_failure != KW_ON_FAILURE_RAISE &&
           !kw__breaker_lets(&limiter->local->breaker, now, deadline, passage) &&
           kw__limiter_decide_alone(limiter, hit, KW_CONNECTION, now, decision);
}

void kw__limiter_passed(kw_limiter *limiter, kw_status status, int64_t now, const kw__passage *passage) {
    if (limiter->settings.on_failure == KW_ON_FAILURE_RAISE) return;
    kw__breaker_ended(&limiter->local->breaker, status, now, passage);
}

bool kw__limiter_answer_alone(kw_limiter *limiter, const kw__hit *hit, int64_t now, int64_t deadline,
                              kw__asking *asking, kw_decision *decision) {
    bool answered = !hit->up_to && (kw__tokens_spend(limiter, hit->key, hit->cost, now, decision) ||
                                    kw__limiter_recall(limiter, hit->key, hit->cost, now, decision));
    if (!answered) answered = kw__limiter_is_shut(limiter, hit, now, deadline, &asking->passage, decision);
    if (answered) {
        kw__limiter_count(limiter, decision->status, decision);
    } else if (!hit->up_to && hit->cost == 1) {
        asking->tokens = kw__tokens_ask(limiter, hit->key, now, deadline, &asking->request);
    }
    return answered;
}

kw_status kw__limiter_conclude(kw_limiter *limiter, const kw__hit *hit, const kw__asking *asking, kw_status status,
                               int64_t sent_at, int64_t now, kw_decision *decision) {
    kw__limiter_passed(limiter, status, now, &asking->passage);
    if (asking->tokens > 0 && status == KW_OK) {
        kw__tokens_keep(limiter, hit->key, asking->request, sent_at, now, decision);
    } else if (asking->tokens > 0) {
        int64_t denied_us = status == KW_DENIED ? decision->retry_after_us : KW_NEVER;
        kw__tokens_none(limiter, hit->key, asking->request, now, denied_us);
    }
    if (status < 0 && kw__limiter_decide_alone(limiter, hit, status, now, decision)) {
        status = decision->status;
    } else if (status == KW_DENIED && !hit->up_to) {
        kw__limiter_remember(limiter, hit, sent_at, decision);
    }
    kw__limiter_count(limiter, status, decision);
    return status;
}

/* ---- counting ---- */

static void count(atomic_int_least64_t *counter) {
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

void kw__limiter_count(kw_limiter *limiter, kw_status status, const kw_decision *decision) {
    kw__limiter_local *local = limiter->local;
    bool by_policy =
        status >= 0 && decision->reason >= KW_DECIDED_BY_FAIL_OPEN && decision->reason <= KW_DECIDED_BY_FALLBACK;
    if (status < 0 || by_policy) count(&local->failed);
    if (status < 0) return;
    count(status == KW_OK ? &local->admitted : &local->denied);
    if (decision->reason == KW_DECIDED_BY_DENIAL_CACHE) count(&local->answered_locally);
    if (decision->reason == KW_DECIDED_BY_TOKEN_LEASE) count(&local->leased);
    if (decision->reason == KW_DECIDED_BY_SHADOW) count(&local->shadow_denied);
    if (status == KW_OK && !by_policy && decision->remaining <= decision->limit / 5) count(&local->near_limit);
}

kw_status kw__limiter_stats(kw_limiter *limiter, kw_hit_counts *counts, kw_error *error) {
    (void)error;
    const kw__limiter_local *local = limiter->local;
    counts->admitted = atomic_load(&local->admitted);
    counts->denied = atomic_load(&local->denied);
    counts->failed = atomic_load(&local->failed);
    counts->near_limit = atomic_load(&local->near_limit);
    counts->shadow_denied = atomic_load(&local->shadow_denied);
    counts->answered_locally = atomic_load(&local->answered_locally);
    counts->leased = atomic_load(&local->leased);
    return KW_OK;
}
