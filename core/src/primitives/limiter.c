/* The operations of a limiter as the engine calls them, and what HTTP is told of their decisions. */
#include "primitives/limiter.h"

#include "engine/client.h"
#include "primitives/limiter_override_table.h"
#include "primitives/limiter_rows.h"

/* ---- HTTP ---- */

static kw__http_policies http_policies(const kw_limiter *limiter) {
    return (kw__http_policies){
        .name = kw__bytes_of(limiter->name, limiter->name_length),
        .limits = limiter->limits,
        .count = limiter->count,
        .quota = limiter->settings.shape->quota,
    };
}

kw_status kw__limiter_http_fields(const kw_limiter *limiter, const kw_decision *decision, kw__bytes partition,
                                  int32_t style, char *fields, size_t capacity, size_t *length, kw_error *error) {
    kw_limiter *made_by = kw__overrides_made(limiter, decision);
    kw__http_policies policies = http_policies(made_by != NULL ? made_by : limiter);
    kw_status status = kw__http_fields(&policies, decision, partition, style, fields, capacity, length, error);
    if (made_by != NULL) kw__object_release(&made_by->object);
    return status;
}

kw_status kw__limiter_http_problem(const kw_limiter *limiter, const kw_decision *decision, char *problem,
                                   size_t capacity, size_t *length, kw_error *error) {
    kw__http_policies policies = http_policies(limiter);
    return kw__http_problem(&policies, decision, problem, capacity, length, error);
}

/* ---- rows ---- */

static const kw_limiter *limiter_of(const kw__step *step) {
    return (const kw_limiter *)step->object;
}

const uint16_t kw__limiter_hit_state_size = sizeof(kw__asking);
const uint16_t kw__limiter_hit_up_to_state_size = sizeof(kw__asking);

static kw__hit hit_of(const kw__step *step) {
    const kw__limiter_hit_args *args = step->args;
    return (kw__hit){
        .key = args->key, .cost = args->cost, .together = (int64_t)step->together, .index = (int64_t)step->index};
}

/* As it goes to the server: with tokens beside its own, as many of them as there are. */
static kw__hit sent_of(const kw__step *step) {
    const kw__asking *asking = step->state;
    kw__hit hit = hit_of(step);
    if (asking->tokens > 0) {
        hit.cost = asking->tokens;
        hit.up_to = true;
    }
    return hit;
}

kw_status kw__limiter_hit_encode(const kw__step *step, kw__command *command, kw_error *error) {
    const kw__hit hit = sent_of(step);
    return kw__limiter_encode_hit(limiter_of(step), &hit, command, error);
}

kw_status kw__limiter_hit_decode(const kw__step *step, const kw__reply *reply, void *answer, kw_error *error) {
    const kw__hit hit = sent_of(step);
    return kw__limiter_decode_hit(limiter_of(step), &hit, reply, answer, error);
}

static bool answer_alone(const kw__step *step, const kw__hit *hit, const kw__event *event, kw_status *status) {
    kw_decision *decision = step->result;
    kw_limiter *limiter = (kw_limiter *)step->object;
    if (!kw__limiter_answer_alone(limiter, hit, event->now, event->deadline, step->state, decision)) return false;
    *status = decision->status;
    return true;
}

static kw_status conclude(const kw__step *step, const kw__hit *hit, const kw__event *event) {
    kw_limiter *limiter = (kw_limiter *)step->object;
    kw_status status =
        kw__limiter_conclude(limiter, hit, step->state, event->status, event->sent_at, event->now, step->result);
    /* What was kept of an answer was made under limits that may have changed since. */
    const kw__asking *asking = step->state;
    if ((status == KW_DENIED || asking->tokens > 0) && !kw__overrides_still_serves(limiter, hit->key)) {
        kw__limiter_forget(limiter, hit->key);
        kw__tokens_forget(limiter, hit->key);
    }
    return status;
}

bool kw__limiter_hit_locally(const kw__step *step, const kw__event *event, kw_status *status) {
    const kw__hit hit = hit_of(step);
    return answer_alone(step, &hit, event, status);
}

kw_status kw__limiter_hit_conclude(const kw__step *step, const kw__event *event) {
    const kw__hit hit = hit_of(step);
    return conclude(step, &hit, event);
}

static kw__hit up_to_of(const kw__step *step) {
    const kw__limiter_hit_up_to_args *args = step->args;
    return (kw__hit){.key = args->key, .cost = args->cost, .up_to = true};
}

bool kw__limiter_hit_up_to_locally(const kw__step *step, const kw__event *event, kw_status *status) {
    const kw__hit hit = up_to_of(step);
    return answer_alone(step, &hit, event, status);
}

kw_status kw__limiter_hit_up_to_conclude(const kw__step *step, const kw__event *event) {
    const kw__hit hit = up_to_of(step);
    return conclude(step, &hit, event);
}

kw_status kw__limiter_hit_up_to_encode(const kw__step *step, kw__command *command, kw_error *error) {
    const kw__hit hit = up_to_of(step);
    return kw__limiter_encode_hit(limiter_of(step), &hit, command, error);
}

kw_status kw__limiter_hit_up_to_decode(const kw__step *step, const kw__reply *reply, void *answer, kw_error *error) {
    const kw__hit hit = up_to_of(step);
    return kw__limiter_decode_hit(limiter_of(step), &hit, reply, answer, error);
}

kw_status kw__limiter_peek_encode(const kw__step *step, kw__command *command, kw_error *error) {
    const kw__limiter_peek_args *args = step->args;
    return kw__limiter_encode_look(limiter_of(step), args->key, args->cost, command, error);
}

kw_status kw__limiter_peek_decode(const kw__step *step, const kw__reply *reply, void *answer, kw_error *error) {
    const kw__limiter_peek_args *args = step->args;
    return kw__limiter_decode_look(limiter_of(step), args->key, args->cost, reply, answer, error);
}

kw_status kw__limiter_reset_encode(const kw__step *step, kw__command *command, kw_error *error) {
    const kw__limiter_reset_args *args = step->args;
    kw_limiter *limiter = (kw_limiter *)step->object;
    kw__limiter_forget(limiter, args->key);
    kw__tokens_forget(limiter, args->key);
    bool blocks = limiter->settings.block_us > 0;
    int others = limiter->settings.reservations ? KW__RESERVATION_KEYS : 0;
    int keys = others + (blocks ? 1 : 0);
    for (int i = 0; i < limiter->count; i++)
        keys += limiter->rules[i].shape->lists_refunds ? 2 : 1;
    kw__command_begin(command, 1 + keys);
    kw__command_text(command, "DEL");
    for (int i = 0; i < limiter->count; i++) {
        const kw__rule *rule = &limiter->rules[i];
        kw__rule_key(rule, args->key, command);
        if (rule->shape->lists_refunds) kw__rule_refunds_key(rule, args->key, command);
    }
    if (blocks) {
        char room[KW__KEY_ROOM];
        kw__command_bytes(command, kw__key_write(&limiter->blocks, args->key, room));
    }
    for (int i = 0; i < others; i++)
        kw__limiter_reservations_key(limiter, i, args->key, command);
    return kw__command_end(command, error);
}

kw_status kw__limiter_reset_decode(const kw__step *step, const kw__reply *reply, void *answer, kw_error *error) {
    const kw__limiter_reset_args *args = step->args;
    (void)answer;
    kw__limiter_forget((kw_limiter *)step->object, args->key);
    kw__tokens_forget((kw_limiter *)step->object, args->key);
    return reply->kind == KW__REPLY_INTEGER ? KW_OK : kw__reply_unexpected("DEL", error);
}

/* Whether this client admitted it by itself, for this key: by its failure policy or from a lease of tokens. */
static bool admitted_alone(const kw_limiter *limiter, kw__bytes key, const kw_decision *decision) {
    return (decision->reason == KW_DECIDED_BY_FAIL_OPEN || decision->reason == KW_DECIDED_BY_FALLBACK ||
            decision->reason == KW_DECIDED_BY_TOKEN_LEASE) &&
           decision->status == KW_OK && decision->count > 0 && kw__limiter_is_of(limiter, key, decision);
}

/* By whose limits a refund is reckoned, held: an override's that made the decision, the limiter's own, or the present.
 */
static kw_limiter *made_by(const kw_limiter *limiter, const kw_decision *decision) {
    kw_limiter *by = kw__overrides_made(limiter, decision);
    if (by != NULL) return by;
    by = (kw_limiter *)(uintptr_t)(limiter->of != NULL ? limiter->of : limiter); /* to count its references */
    kw__object_hold(&by->object);
    return by;
}

/* What no server charged, or charged to a whole lease, is not given back there. */
bool kw__limiter_refund_locally(const kw__step *step, const kw__event *event, kw_status *status) {
    const kw__limiter_refund_args *args = step->args;
    kw_limiter *limiter = (kw_limiter *)step->object;
    const kw_decision *decision = &args->decision;
    if (args->count > decision->count) return false;
    if (!admitted_alone(limiter, args->key, decision)) {
        kw_limiter *by = made_by(limiter, decision);
        bool nothing = kw__limiter_refunds_nothing(by, args->key, decision);
        kw__object_release(&by->object);
        *status = KW_OK;
        return nothing;
    }
    if (decision->reason == KW_DECIDED_BY_FALLBACK) {
        kw__limiter_give_back(limiter, args->key, args->count, event->now);
    } else if (decision->reason == KW_DECIDED_BY_TOKEN_LEASE) {
        kw__tokens_give_back(limiter, args->key, decision, args->count, event->now);
    }
    *status = KW_OK;
    return true;
}

bool kw__limiter_renew_locally(const kw__step *step, const kw__event *event, kw_status *status) {
    (void)event;
    const kw__limiter_renew_args *args = step->args;
    *status = KW_OK;
    return admitted_alone(limiter_of(step), args->key, &args->decision);
}

bool kw__limiter_release_locally(const kw__step *step, const kw__event *event, kw_status *status) {
    (void)event;
    const kw__limiter_release_args *args = step->args;
    *status = KW_OK;
    return admitted_alone(limiter_of(step), args->key, &args->decision);
}

kw_status kw__limiter_refund_encode(const kw__step *step, kw__command *command, kw_error *error) {
    const kw__limiter_refund_args *args = step->args;
    kw_limiter *by = made_by(limiter_of(step), &args->decision);
    kw__limiter_forget(by, args->key);
    kw_status status = kw__limiter_encode_refund(by, args->key, &args->decision, args->count, command, error);
    kw__object_release(&by->object);
    return status;
}

kw_status kw__limiter_refund_decode(const kw__step *step, const kw__reply *reply, void *answer, kw_error *error) {
    const kw__limiter_refund_args *args = step->args;
    (void)answer;
    kw__limiter_forget((kw_limiter *)step->object, args->key);
    return kw__limiter_decode_refund(reply, error);
}

kw_status kw__limiter_renew_encode(const kw__step *step, kw__command *command, kw_error *error) {
    const kw__limiter_renew_args *args = step->args;
    return kw__limiter_encode_renew(limiter_of(step), args->key, &args->decision, command, error);
}

kw_status kw__limiter_renew_decode(const kw__step *step, const kw__reply *reply, void *answer, kw_error *error) {
    (void)step;
    (void)answer;
    if (reply->kind != KW__REPLY_INTEGER) return kw__reply_unexpected("renew", error);
    return reply->integer == 1 ? KW_OK : KW_LOST;
}

kw_status kw__limiter_release_encode(const kw__step *step, kw__command *command, kw_error *error) {
    const kw__limiter_release_args *args = step->args;
    kw__limiter_forget((kw_limiter *)step->object, args->key);
    return kw__limiter_encode_release(limiter_of(step), args->key, &args->decision, command, error);
}

kw_status kw__limiter_release_decode(const kw__step *step, const kw__reply *reply, void *answer, kw_error *error) {
    const kw__limiter_release_args *args = step->args;
    (void)answer;
    kw__limiter_forget((kw_limiter *)step->object, args->key);
    return kw__limiter_decode_refund(reply, error);
}
