#include "primitives/limiter_tokens.h"

#include "base/memory.h"
#include "primitives/limiter.h"

/* Of how many keys a limiter leases at once: 122 bytes each. */
#define KEYS 4096

/* ---- making and unmaking ---- */

static kw_status refuse(const kw_limiter *limiter, const char *other, const char *why, kw_error *error) {
    return kw__fail_option_with(error, "token_lease", limiter->settings.token_lease, other, why);
}

/* A token is spent where no server sees it: what needs the server at each hit cannot be had with it. */
kw_status kw__tokens_check(const kw_limiter *limiter, kw_error *error) {
    const kw__limiter_settings *settings = &limiter->settings;
    if (settings->token_lease == 0) return KW_OK;
    if (settings->shadow) return refuse(limiter, "shadow", "what never denies needs no tokens", error);
    if (settings->charge_denials)
        return refuse(limiter, "charge_denials", "a denial would be charged for a whole lease", error);
    if (settings->block_us > 0) return refuse(limiter, "block_us", "a block would not stop who holds tokens", error);
    if (settings->reservations) {
        return refuse(limiter, "reservations", "what they give back would be leased, and lost, by those who hit",
                      error);
    }
    for (int i = 0; i < limiter->count; i++) {
        const kw__rule *rule = &limiter->rules[i];
        if (rule->shape == &kw__shape_leases) {
            return refuse(limiter, "a concurrent limit", "each permit must be released, and a token cannot be", error);
        }
        if (rule->shadow)
            return refuse(limiter, "a shadow limit", "a decision from a lease cannot tell what it says", error);
        if (rule->indivisible) {
            return refuse(limiter, "a burst that takes more than 104 days to come back, at a rate with a remainder",
                          "how many fit cannot be told", error);
        }
    }
    return KW_OK;
}

kw_status kw__tokens_init(kw_limiter *limiter, kw_error *error) {
    kw__tokens *tokens = &limiter->local->tokens;
    if (limiter->settings.token_lease == 0) return KW_OK;
    kw_status status = kw__tokens_check(limiter, error);
    if (status != KW_OK) return status;
    tokens->helds = kw__calloc(KEYS / KW__WAYS, sizeof *tokens->helds);
    if (tokens->helds == NULL) return kw__fail_memory(error);
    tokens->count = KEYS;
    return KW_OK;
}

void kw__tokens_free(kw_limiter *limiter) {
    kw__free(limiter->local->tokens.helds);
}

/* ---- places ---- */

/* The places of a key, with their lock. */
typedef struct found {
    kw__helds *helds;
    kw__held *place; /* NULL: it has none */
    kw__mutex *lock;
    uint64_t hash;
} found;

static found find(kw_limiter *limiter, kw__bytes key) {
    kw__limiter_local *local = limiter->local;
    uint64_t hash = kw__places_hash(&local->places, key);
    size_t first = kw__places_first(hash, local->tokens.count);
    found at = {
        .helds = &local->tokens.helds[first / KW__WAYS], .lock = kw__places_lock(&local->places, first), .hash = hash};
    kw__lock(at.lock);
    for (int i = 0; i < KW__WAYS; i++) {
        if (at.helds->places[i].hash == hash) at.place = &at.helds->places[i];
    }
    return at;
}

/* The place of a request that still counts. */
static found find_request(kw_limiter *limiter, kw__bytes key, uint64_t request) {
    found at = find(limiter, key);
    if (at.place != NULL && at.place->request != request) at.place = NULL;
    return at;
}

static bool is_live(const kw__held *place, int64_t now) {
    return now < place->request_until || (place->left > 0 && now < place->until);
}

/* What is lost with a place: how far the lease has grown of a key that is still hit. */
static int64_t worth(const kw__held *place, int64_t now, int64_t ttl) {
    return now - place->asked_at < 2 * ttl ? place->size : 0;
}

/* A place for a key that has none, of one that holds nothing; NULL when all do. */
static kw__held *take_place(kw__helds *helds, uint64_t hash, int64_t now, int64_t ttl) {
    kw__held *least = NULL;
    for (int i = 0; i < KW__WAYS; i++) {
        kw__held *place = &helds->places[i];
        if (is_live(place, now)) continue;
        if (least == NULL || worth(place, now, ttl) < worth(least, now, ttl)) least = place;
    }
    if (least != NULL) *least = (kw__held){.hash = hash, .asked_at = now};
    return least;
}

/* ---- asking ---- */

/* How many the next request asks for, by what became of the latest. */
static int64_t next_size(const kw__held *place, int64_t now, int64_t ttl, int64_t most) {
    int64_t since = now - place->asked_at, size = place->size;
    if (size == 0 || since >= 2 * ttl) return 1;
    if (place->left > 0) return place->granted - place->left;
    if (since >= ttl / 2) return size;
    return size < most - size ? 2 * size : most;
}

int64_t kw__tokens_ask(kw_limiter *limiter, kw__bytes key, int64_t now, int64_t deadline, uint64_t *request) {
    if (limiter->local->tokens.count == 0) return 0;
    int64_t ttl = limiter->settings.token_ttl_us, asks = 0;
    found at = find(limiter, key);
    kw__held *place = at.place != NULL ? at.place : take_place(at.helds, at.hash, now, ttl);
    if (place != NULL && !is_live(place, now) && now >= place->quiet_until) {
        if (place->request_until != 0) place->size = 0; /* nobody told what became of the latest */
        place->request_until = 0;
        place->size = next_size(place, now, ttl, limiter->settings.token_lease);
        place->asked_at = now;
        if (now >= place->until) place->left = place->granted = 0;
        if (place->size > 1) {
            asks = place->size;
            place->request = *request = ++at.helds->requests;
            place->request_until = deadline;
        }
    }
    kw__unlock(at.lock);
    return asks;
}

/* When a lease ends that was sent for at that moment: what was charged counts no longer than its window. */
static int64_t end_of(const kw_limiter *limiter, int64_t sent_at, const kw_decision *decision) {
    int64_t span = limiter->settings.token_ttl_us;
    for (int i = 0; i < limiter->count; i++) {
        int64_t left = decision->settles_at_us[i] - decision->decided_at_us;
        if (limiter->rules[i].shape->settles_at_once && left < span) span = left;
    }
    return sent_at + span;
}

void kw__tokens_keep(kw_limiter *limiter, kw__bytes key, uint64_t request, int64_t sent_at, int64_t now,
                     kw_decision *decision) {
    int64_t granted = decision->count, until = end_of(limiter, sent_at, decision);
    decision->count = 1;
    found at = find_request(limiter, key, request);
    kw__held *place = at.place;
    if (place != NULL) {
        place->request_until = 0;
        place->granted = granted;
        place->left = granted - 1;
        place->until = until;
        place->sent_at = sent_at;
        place->decided_at_us = decision->decided_at_us;
        place->limit = decision->limit;
        place->remaining = decision->remaining;
        place->reset_after_us = decision->reset_after_us;
        place->binding = decision->binding;
        if (now < until) decision->remaining += granted - 1;
    }
    kw__unlock(at.lock);
}

void kw__tokens_none(kw_limiter *limiter, kw__bytes key, uint64_t request, int64_t now, int64_t retry_after_us) {
    int64_t ttl = limiter->settings.token_ttl_us;
    found at = find_request(limiter, key, request);
    if (at.place != NULL) {
        at.place->request_until = 0;
        /* After a denial it does not grow: what is asked for is as many again. */
        at.place->size = retry_after_us != KW_NEVER ? at.place->size / 2 : 0;
        at.place->quiet_until = now + (retry_after_us < ttl ? retry_after_us : ttl);
    }
    kw__unlock(at.lock);
}

/* ---- spending ---- */

static void tell(const kw_limiter *limiter, kw__bytes key, const kw__held *held, int64_t cost, int64_t now,
                 kw_decision *decision) {
    int64_t resets = held->reset_after_us - (now - held->sent_at);
    memset(decision, 0, sizeof *decision);
    decision->status = KW_OK;
    decision->reason = KW_DECIDED_BY_TOKEN_LEASE;
    decision->limits = limiter->count;
    decision->denied_by = -1;
    decision->binding = held->binding;
    decision->count = cost;
    decision->limit = held->limit;
    decision->remaining = held->remaining + held->left;
    decision->reset_after_us = resets > 0 ? resets : 0;
    decision->decided_at_us = held->decided_at_us;
    decision->origin = kw__limiter_origin(limiter, key);
}

bool kw__tokens_spend(kw_limiter *limiter, kw__bytes key, int64_t cost, int64_t now, kw_decision *decision) {
    if (limiter->local->tokens.count == 0 || cost == 0) return false;
    kw__held held = {0};
    found at = find(limiter, key);
    bool spends = at.place != NULL && cost <= at.place->left && now < at.place->until;
    if (spends) {
        at.place->left -= cost;
        held = *at.place;
    }
    kw__unlock(at.lock);
    if (spends) tell(limiter, key, &held, cost, now, decision);
    return spends;
}

void kw__tokens_give_back(kw_limiter *limiter, kw__bytes key, const kw_decision *decision, int64_t count, int64_t now) {
    if (limiter->local->tokens.count == 0) return;
    found at = find(limiter, key);
    kw__held *place = at.place;
    /* While the next lease is on its way this one is over. One token of each was for the hit that asked. */
    if (place != NULL && now < place->until && now >= place->request_until &&
        place->decided_at_us == decision->decided_at_us && count < place->granted - place->left) {
        place->left += count;
    }
    kw__unlock(at.lock);
}

void kw__tokens_forget(kw_limiter *limiter, kw__bytes key) {
    if (limiter->local->tokens.count == 0) return;
    found at = find(limiter, key);
    if (at.place != NULL) {
        at.place->request = 0;
        at.place->request_until = at.place->quiet_until = at.place->left = at.place->granted = 0;
    }
    kw__unlock(at.lock);
}
