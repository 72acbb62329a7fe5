/*
 * Asking and understanding: the command of a hit or a look, and the decision that a reply means. The scripts
 * answer states and the server's time; what follows from them is computed here, in one arithmetic.
 */
#include "primitives/limiter.h"
#include "primitives/primitives_scripts.h"

/* What stands before a rule's terms in ARGV: shape, shadow, cost. */
#define TERMS_HEAD 3

/* ---- what is sent ---- */

/* Whether one rule decides, by nothing but its state. */
static bool stands_alone(const kw_limiter *limiter) {
    return limiter->count == 1 && limiter->settings.block_us == 0 && !limiter->rules[0].shadow &&
           !limiter->settings.reservations;
}

/* By a script of its shape, if the shape has one and nothing else is asked for. */
static bool encode_alone(const kw_limiter *limiter, const kw__hit *hit, kw__command *command) {
    const kw__rule *rule = &limiter->rules[0];
    const kw__shape *shape = rule->shape;
    if (hit->up_to || limiter->settings.charge_denials || !stands_alone(limiter)) return false;
    if (shape->encode_alone != NULL && (shape->has_script == NULL || shape->has_script(rule))) {
        shape->encode_alone(rule, hit->key, hit->cost, hit->patience_us, command);
        return true;
    }
    if (shape->alone == NULL) return false;
    kw__command_script_more(command, shape->alone, 0, 1 + shape->terms - shape->alone->args);
    kw__rule_key(rule, hit->key, command);
    kw__command_integer(command, hit->cost);
    shape->write_terms(rule, hit->cost, hit->patience_us, false, command);
    return true;
}

/* By a script for several rules of one shape. */
static bool encode_several(const kw_limiter *limiter, const kw__hit *hit, kw__command *command) {
    const kw__shape *shape = limiter->rules[0].shape;
    const kw__limiter_settings *settings = &limiter->settings;
    if (hit->up_to || settings->charge_denials || settings->block_us > 0 || settings->reservations ||
        shape->encode_several == NULL) {
        return false;
    }
    for (int i = 0; i < limiter->count; i++) {
        if (limiter->rules[i].shape != shape || limiter->rules[i].shadow) return false;
    }
    shape->encode_several(limiter->rules, limiter->count, hit->key, hit->cost, hit->patience_us, command);
    return true;
}

/* A cost of nothing, or of more than ever fits, charges nothing: looking suffices. */
static bool only_looks(const kw_limiter *limiter, const kw__hit *hit) {
    return hit->cost == 0 || (hit->cost > limiter->capacity && !hit->up_to);
}

/* What a reservation takes of a concurrent limit is held for as long as it is. */
static kw__rule held_for(const kw__rule *rule, int64_t lease_us) {
    kw__rule held = *rule;
    if (rule->shape == &kw__shape_leases && lease_us > rule->period_us) held.period_us = lease_us;
    return held;
}

void kw__limiter_write_rules(const kw_limiter *limiter, const kw__hit *hit, kw__command *command) {
    for (int i = 0; i < limiter->count; i++) {
        const kw__rule rule = held_for(&limiter->rules[i], hit->lease_us);
        kw__command_text(command, rule.shape->name);
        kw__command_integer(command, rule.shadow ? 1 : 0);
        kw__command_integer(command, hit->cost);
        rule.shape->write_terms(&rule, hit->cost, limiter->books_ahead ? hit->patience_us : 0, hit->up_to, command);
    }
}

int kw__limiter_count_terms(const kw_limiter *limiter) {
    int count = 0;
    for (int i = 0; i < limiter->count; i++)
        count += TERMS_HEAD + limiter->rules[i].shape->terms;
    return count;
}

/* The keys beside those of the rules: the lists of refunds, and what is kept of reservations. */
static int count_reservation_keys(const kw_limiter *limiter) {
    int count = limiter->settings.reservations ? KW__RESERVATION_KEYS : 0;
    for (int i = 0; i < limiter->count && count > 0; i++)
        count += limiter->rules[i].shape->lists_refunds ? 1 : 0;
    return count;
}

static void write_reservation_keys(const kw_limiter *limiter, kw__bytes key, kw__command *command) {
    if (!limiter->settings.reservations) return;
    for (int i = 0; i < limiter->count; i++) {
        if (limiter->rules[i].shape->lists_refunds) kw__rule_refunds_key(&limiter->rules[i], key, command);
    }
    for (int i = 0; i < KW__RESERVATION_KEYS; i++)
        kw__limiter_reservations_key(limiter, i, key, command);
}

void kw__limiter_begin(const kw_limiter *limiter, const kw__script *script, bool blocks, kw__bytes key, int words,
                       kw__command *command) {
    blocks = blocks && limiter->settings.block_us > 0;
    int keys = limiter->count + blocks + count_reservation_keys(limiter);
    kw__command_script_more(command, script, keys, kw__limiter_count_terms(limiter) + words);
    for (int i = 0; i < limiter->count; i++)
        kw__rule_key(&limiter->rules[i], key, command);
    if (blocks) {
        char room[KW__KEY_ROOM];
        kw__command_bytes(command, kw__key_write(&limiter->blocks, key, room));
    }
    write_reservation_keys(limiter, key, command);
}

kw_status kw__limiter_encode_look(const kw_limiter *limiter, kw__bytes key, int64_t cost, kw__command *command,
                                  kw_error *error) {
    if (stands_alone(limiter) && limiter->rules[0].plain) {
        kw__rule_script(&limiter->rules[0], &kw__script_state, key, command);
        return kw__command_end(command, error);
    }
    const kw__hit hit = {.key = key, .cost = cost};
    bool reservations = limiter->settings.reservations;
    kw__limiter_begin(limiter, reservations ? &kw__script_reservations_look : &kw__script_limits_look, true, key, 0,
                      command);
    if (reservations) kw__command_integer(command, limiter->count);
    kw__command_integer(command, limiter->settings.block_us > 0 ? 1 : 0);
    kw__limiter_write_rules(limiter, &hit, command);
    return kw__command_end(command, error);
}

kw_status kw__limiter_encode_hit(const kw_limiter *limiter, const kw__hit *hit, kw__command *command, kw_error *error) {
    if (only_looks(limiter, hit)) return kw__limiter_encode_look(limiter, hit->key, hit->cost, command, error);
    if (hit->together > 1) return kw__limiter_encode_together(limiter, hit, command, error);
    if (encode_alone(limiter, hit, command) || encode_several(limiter, hit, command)) {
        return kw__command_end(command, error);
    }
    for (int i = 0; i < limiter->count && hit->up_to; i++) {
        if (limiter->rules[i].indivisible) {
            return kw__fail(error, KW_INVALID, KW_REASON_LIMIT_SIZE,
                            "limit %d has a burst that takes more than 104 days to come back, at a rate with a "
                            "remainder: how many fit cannot be told; hit asks for a number",
                            i + 1);
        }
    }
    const kw__limiter_settings *settings = &limiter->settings;
    /* More than ever fits is never granted. */
    kw__hit sent = *hit;
    if (sent.cost > limiter->capacity) sent.cost = limiter->capacity;
    bool reservations = settings->reservations;
    kw__limiter_begin(limiter, reservations ? &kw__script_reservations_hit : &kw__script_limits_hit, true, hit->key, 0,
                      command);
    kw__command_integer(command, hit->up_to ? 1 : 0);
    kw__command_integer(command, settings->charge_denials ? 1 : 0);
    kw__command_integer(command, settings->block_us);
    kw__command_integer(command, settings->block_max_us);
    if (reservations) kw__command_integer(command, limiter->count);
    kw__limiter_write_rules(limiter, &sent, command);
    return kw__command_end(command, error);
}

/* ---- what is answered ---- */

typedef struct answer {
    int64_t charged; /* 1 or 0; under up_to how many */
    int64_t now;     /* the server's clock, Unix us */
    kw__bytes states[KW__LIMITS_MAX];
    bool uncharged[KW__LIMITS_MAX]; /* shadow rules that would have denied */
    int64_t blocked_us;             /* for how much longer a block denies everything */
} answer;

/* Takes what stands before the next space, or all there is. */
static kw__bytes take_word(kw__bytes *text) {
    const char *begin = text->data;
    const char *end = text->length > 0 ? memchr(begin, ' ', text->length) : NULL;
    if (end == NULL) {
        kw__bytes word = *text;
        *text = kw__bytes_of(begin + text->length, 0);
        return word;
    }
    size_t length = (size_t)(end - begin);
    *text = kw__bytes_of(end + 1, text->length - length - 1);
    return kw__bytes_of(begin, length);
}

static kw__bytes read_state(kw__bytes word) {
    if (kw__bytes_equal(word, kw__bytes_text("none"))) return kw__bytes_of(word.data, 0);
    return word.length == 0 ? kw__bytes_text("?") : word; /* somebody's empty string is not the absence of a key */
}

static bool read_block(kw__bytes word, answer *out) {
    int64_t until, level;
    const char *text = word.data;
    if (word.length < 17 || !kw__parse_integer(kw__bytes_of(text, 16), &until) || until < KW__STATE_TIME_MIN ||
        !kw__parse_integer(kw__bytes_of(text + 16, word.length - 16), &level)) {
        return false;
    }
    out->blocked_us = until > out->now ? until - out->now : 0;
    return true;
}

/* Reads "charged seconds microseconds", which states follow. A peer that is no Redis may answer anything, so nothing is
 * taken on trust. */
bool kw__limiter_read_told(const kw__reply *reply, kw__told *told) {
    int64_t seconds, us;
    if (reply->kind != KW__REPLY_STRING) return false;
    kw__bytes rest = reply->bytes;
    if (!kw__parse_integer(take_word(&rest), &told->charged) || !kw__parse_integer(take_word(&rest), &seconds) ||
        !kw__parse_integer(take_word(&rest), &us)) {
        return false;
    }
    if (told->charged < 0 || seconds < 0 || seconds >= KW__SERVER_TIME_MAX / 1000000 || us < 0 || us >= 1000000) {
        return false;
    }
    if ((const char *)rest.data == (const char *)reply->bytes.data + reply->bytes.length && /* no space ended us */
        (reply->bytes.length == 0 || ((const char *)reply->bytes.data)[reply->bytes.length - 1] != ' ')) {
        return false;
    }
    told->now = seconds * 1000000 + us;
    told->rest = rest;
    return true;
}

/* Takes the state of each rule. */
static bool read_states(const kw_limiter *limiter, kw__bytes *rest, answer *out) {
    for (int i = 0; i < limiter->count; i++) {
        if (rest->length == 0) return false;
        kw__bytes word = take_word(rest);
        if (word.length > 0 && *(const char *)word.data == '!' && limiter->rules[i].shadow) {
            out->uncharged[i] = true;
            word = kw__bytes_of((const char *)word.data + 1, word.length - 1);
        }
        out->states[i] = read_state(word);
    }
    return true;
}

/* Reads "charged seconds microseconds state... block". */
static bool read_answer(const kw_limiter *limiter, const kw__reply *reply, answer *out) {
    kw__told told;
    memset(out, 0, sizeof *out);
    if (!kw__limiter_read_told(reply, &told)) return false;
    out->charged = told.charged;
    out->now = told.now;
    kw__bytes rest = told.rest;
    if (stands_alone(limiter)) {
        out->states[0] = read_state(rest);
        return true;
    }
    if (!read_states(limiter, &rest, out)) return false;
    if (rest.length > 0 && limiter->settings.block_us > 0 && !read_block(take_word(&rest), out)) return false;
    return rest.length == 0;
}

/* What the rule says, about a cost that may be more than it ever admits. */
static kw_status describe(const kw__rule *rule, const answer *seen, int i, int64_t cost, bool charged,
                          kw__outlook *outlook, kw_error *error) {
    memset(outlook, 0, sizeof *outlook);
    bool never = cost > rule->capacity;
    kw_status status =
        rule->shape->describe(rule, seen->states[i], seen->now, never ? 0 : cost, charged, outlook, error);
    if (never) outlook->retry_after_us = KW_NEVER;
    return status;
}

/* What is left, of the rule that has least; what will be, of the one that takes longest. */
static void join(kw_decision *decision, const kw__rule *rule, int i, const kw__outlook *outlook) {
    if (!rule->shadow || decision->limits == 1) {
        if (decision->binding < 0 || outlook->remaining < decision->remaining) {
            decision->binding = i;
            decision->limit = rule->capacity;
            decision->remaining = outlook->remaining;
        }
    }
    if (outlook->reset_after_us > decision->reset_after_us) decision->reset_after_us = outlook->reset_after_us;
    if (outlook->delay_us > decision->delay_us) decision->delay_us = outlook->delay_us;
}

static void keep_for_refund(kw_decision *decision, int i, const kw__outlook *outlook) {
    decision->settles_at_us[i] = outlook->settles_us;
    uint64_t rests = (uint64_t)decision->settles_rest[i / 4] | (uint64_t)outlook->settles_rest << (i % 4 * 16);
    decision->settles_rest[i / 4] = (int64_t)rests;
    if (outlook->lease != 0) decision->lease = outlook->lease;
}

/* A rule that does not admit: of several the one counts that takes longest. */
static void refuse(kw_decision *decision, int i, const kw__outlook *outlook) {
    if (outlook->retry_after_us <= decision->retry_after_us) return;
    decision->denied_by = i;
    decision->retry_after_us = outlook->retry_after_us;
}

/* While a block lasts nothing is admitted, whatever the rules have room for. */
static void block(kw_decision *decision, int64_t blocked_us, int64_t cost) {
    decision->remaining = 0;
    if (blocked_us > decision->reset_after_us) decision->reset_after_us = blocked_us;
    if (cost == 0 || blocked_us <= decision->retry_after_us) return;
    decision->retry_after_us = blocked_us;
    decision->reason = KW_DECIDED_BY_BLOCK;
}

/* Which rule is told of: the one that denied, else the one that has least. When all are shadows none binds, and the
 * first is shown. */
static void bind(const kw_limiter *limiter, kw_decision *decision) {
    if (decision->binding < 0) {
        decision->binding = 0;
        decision->limit = decision->remaining = limiter->rules[0].capacity;
    }
    if (decision->denied_by >= 0) {
        decision->binding = decision->denied_by;
        decision->limit = limiter->rules[decision->denied_by].capacity;
    }
}

static kw_status judge(const kw_limiter *limiter, int64_t cost, const answer *seen, kw_decision *decision,
                       kw_error *error) {
    kw__outlook outlook;
    int shadow = -1;
    int64_t longest = -1;
    for (int i = 0; i < limiter->count; i++) {
        const kw__rule *rule = &limiter->rules[i];
        bool charged = seen->charged > 0 && !seen->uncharged[i];
        kw_status status = describe(rule, seen, i, cost, charged, &outlook, error);
        if (status != KW_OK) return status;
        join(decision, rule, i, &outlook);
        if (charged) {
            keep_for_refund(decision, i, &outlook);
        } else if (rule->shadow) {
            /* Of what was taken up to, there may be room for one and not for all. */
            if (cost > 0 && (outlook.retry_after_us > 0 || seen->uncharged[i]) && outlook.retry_after_us > longest) {
                longest = outlook.retry_after_us;
                shadow = i;
            }
        } else if (cost > 0) {
            refuse(decision, i, &outlook);
        }
    }
    bind(limiter, decision);
    if (seen->blocked_us > 0) block(decision, seen->blocked_us, cost);
    if (decision->retry_after_us == 0 && shadow >= 0) {
        decision->denied_by = shadow;
        decision->reason = KW_DECIDED_BY_SHADOW;
    }
    return KW_OK;
}

static void begin_decision_at(const kw_limiter *limiter, kw__bytes key, int64_t now, kw_decision *decision) {
    memset(decision, 0, sizeof *decision);
    decision->reason = KW_DECIDED_BY_SERVER;
    decision->limits = limiter->count;
    decision->denied_by = decision->binding = -1;
    decision->decided_at_us = now;
    decision->origin = kw__limiter_origin(limiter, key);
}

static kw_status begin_decision(const kw_limiter *limiter, kw__bytes key, const kw__reply *reply, answer *seen,
                                kw_decision *decision, kw_error *error) {
    if (!read_answer(limiter, reply, seen)) return kw__reply_unexpected("limiter", error);
    begin_decision_at(limiter, key, seen->now, decision);
    return KW_OK;
}

kw_status kw__limiter_decode_look(const kw_limiter *limiter, kw__bytes key, int64_t cost, const kw__reply *reply,
                                  kw_decision *decision, kw_error *error) {
    answer seen;
    kw_status status = begin_decision(limiter, key, reply, &seen, decision, error);
    if (status == KW_OK && seen.charged != 0) return kw__reply_unexpected("limiter", error);
    if (status == KW_OK) status = judge(limiter, cost, &seen, decision, error);
    if (status != KW_OK) return status;
    decision->status = decision->retry_after_us > 0 ? KW_DENIED : KW_OK;
    return decision->status;
}

kw_status kw__limiter_decode_hit(const kw_limiter *limiter, const kw__hit *hit, const kw__reply *reply,
                                 kw_decision *decision, kw_error *error) {
    if (only_looks(limiter, hit)) {
        return kw__limiter_decode_look(limiter, hit->key, hit->cost, reply, decision, error);
    }
    kw_status status = kw__limiter_decode_charge(limiter, hit, reply, decision, error);
    /* A charge that no refund could take back is not one that a script of ours made. */
    if (status == KW_OK && !kw__limiter_could_refund(limiter, decision)) return kw__reply_unexpected("limiter", error);
    return status;
}

/*
 * Of hits that went as one: the answer that the index-th would have got, had they come one after another at that
 * moment. Those who were admitted saw less charged than there is now; those who were denied saw what there is. False
 * when that cannot be.
 */
static bool single_out(const kw_limiter *limiter, const kw__hit *hit, answer *seen,
                       char rooms[KW__LIMITS_MAX][KW__STATE_ROOM]) {
    bool counts_hits = limiter->count == 1 && limiter->rules[0].shape->encode_together != NULL;
    int64_t unit = counts_hits ? 1 : hit->cost, admitted = seen->charged / unit;
    if (seen->charged % unit != 0 || admitted > hit->together || admitted * hit->cost > limiter->capacity) return false;
    seen->charged = hit->index < admitted ? 1 : 0;
    int64_t later = (admitted - 1 - hit->index) * hit->cost;
    for (int i = 0; i < limiter->count && later > 0; i++) {
        const kw__rule *rule = &limiter->rules[i];
        seen->states[i] = rule->shape->rewind(rule, seen->states[i], seen->now, later, rooms[i]);
        if (seen->states[i].length == 0) return false;
    }
    return true;
}

kw_status kw__limiter_decode_charge(const kw_limiter *limiter, const kw__hit *hit, const kw__reply *reply,
                                    kw_decision *decision, kw_error *error) {
    answer seen;
    char rooms[KW__LIMITS_MAX][KW__STATE_ROOM];
    kw_status status = begin_decision(limiter, hit->key, reply, &seen, decision, error);
    if (status == KW_OK && hit->together > 1 && !single_out(limiter, hit, &seen, rooms)) {
        status = kw__reply_unexpected("limiter", error);
    }
    if (status == KW_OK && seen.charged > (hit->up_to ? hit->cost : 1)) {
        status = kw__reply_unexpected("limiter", error);
    }
    /* Who takes what there is waits for one. */
    if (status == KW_OK) status = judge(limiter, hit->up_to ? 1 : hit->cost, &seen, decision, error);
    if (status != KW_OK) return status;
    if (seen.charged > 0) {
        decision->count = hit->up_to ? seen.charged : hit->cost;
        decision->retry_after_us = 0;
    } else {
        if (decision->retry_after_us == 0) return kw__reply_unexpected("limiter", error);
        decision->status = KW_DENIED;
    }
    return decision->status;
}

kw_status kw__limiter_decide_part(const kw_limiter *limiter, const kw__hit *hit, kw__told *told, kw_decision *decision,
                                  kw_error *error) {
    bool charged = told->charged > 0 && hit->cost > 0;
    answer seen = {.charged = charged ? 1 : 0, .now = told->now};
    if (!read_states(limiter, &told->rest, &seen)) return kw__reply_unexpected("limiter", error);
    begin_decision_at(limiter, hit->key, told->now, decision);
    kw_status status = judge(limiter, hit->cost, &seen, decision, error);
    if (status != KW_OK || !charged) return status;
    decision->count = hit->cost;
    return kw__limiter_could_refund(limiter, decision) ? KW_OK : kw__reply_unexpected("limiter", error);
}
