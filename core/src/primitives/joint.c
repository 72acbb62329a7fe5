#include "primitives/joint.h"

#include "base/memory.h"
#include "engine/client.h"
#include "primitives/joint_rows.h"
#include "primitives/limiter.h"
#include "primitives/limiter_override_table.h"
#include "primitives/primitives_scripts.h"

#define RULES_MAX 32

/* ---- opening ---- */

static void release_all(kw_limiter *const *limiters, int count) {
    for (int i = 0; i < count; i++)
        kw__object_release(&limiters[i]->object);
}

static void destroy(kw__object *object) {
    kw_joint *joint = (kw_joint *)object;
    release_all(joint->limiters, joint->count);
    kw__free(joint);
}

static kw_status read_options(const kw_joint_options *options, kw_joint *joint, kw_error *error) {
    kw_joint_options read = {0};
    if (options != NULL) memcpy(&read, options, options->size < sizeof read ? options->size : sizeof read);
    if (read.flags != 0) return kw__fail_option(error, "flags", read.flags, "0");
    if (read.on_failure == KW_ON_FAILURE_LOCAL) {
        return kw__fail_option(error, "on_failure", read.on_failure,
                               "raise, deny or allow: a share of its own only a single limiter has");
    }
    if (read.on_failure < KW_ON_FAILURE_RAISE || read.on_failure > KW_ON_FAILURE_LOCAL) {
        return kw__fail_option(error, "on_failure", read.on_failure, "a kw_on_failure, 0 to 2");
    }
    joint->on_failure = (kw_on_failure)read.on_failure;
    return kw__limiter_read_timeout(read.timeout_us, joint->on_failure, &joint->object.timeout_us, error);
}

/* A limiter whose hits do more than look and charge. */
static const char *beyond(const kw_limiter *limiter) {
    if (limiter->settings.block_us > 0) return "block_us";
    if (limiter->settings.charge_denials) return "charge_denials";
    return limiter->settings.reservations ? "reservations" : NULL;
}

static kw_status check_limiter(const kw_client *client, const kw_limiter *limiter, int place, kw_error *error) {
    kw_status status = KW_OK;
    if (limiter->object.client != client) {
        status = kw__fail(error, KW_INVALID, KW_REASON_FOREIGN_CLIENT,
                          "limiter %d was made from another client: make all of them from the client that the joint "
                          "limiter is made from",
                          place);
    } else if (beyond(limiter) != NULL) {
        status = kw__fail(error, KW_INVALID, KW_REASON_OPTION,
                          "limiter %d has %s, which a joint limiter cannot keep: make another of the same name and "
                          "limits without it, which shares its states",
                          place, beyond(limiter));
    }
    if (status != KW_OK && error != NULL) error->position = place;
    return status;
}

/* Whether the two have the state of a limit in common, for the same key. */
static bool are_alike(const kw_limiter *one, const kw_limiter *other) {
    for (int i = 0; i < one->count; i++) {
        for (int j = 0; j < other->count; j++) {
            const kw__key_frame *a = &one->rules[i].frame, *b = &other->rules[j].frame;
            if (a->before == b->before && a->after == b->after && memcmp(a->bytes, b->bytes, a->before + a->after) == 0)
                return true;
        }
    }
    return false;
}

static void take_in(kw_joint *joint, kw_limiter *limiter) {
    int place = joint->count++;
    joint->limiters[place] = limiter;
    kw__limiter_use(limiter);
    joint->rules += limiter->count;
    joint->words += kw__limiter_count_terms(limiter);
    for (int i = 0; i < place; i++) {
        if (are_alike(joint->limiters[i], limiter)) joint->alike[place] |= (uint8_t)(1u << i);
    }
}

kw_status kw__joint_open(kw_client *client, kw_limiter *const *limiters, size_t count, const kw_joint_options *options,
                         kw_joint **joint, kw_error *error) {
    kw_status status = kw__client_check(client, error);
    for (size_t i = 0; i < count && status == KW_OK; i++)
        status = check_limiter(client, limiters[i], (int)i, error);
    if (status != KW_OK) return status;
    kw_joint *made = kw__calloc(1, sizeof *made);
    if (made == NULL) return kw__fail_memory(error);
    kw__object_init(&made->object, client, destroy);
    status = read_options(options, made, error);
    for (size_t i = 0; i < count && status == KW_OK; i++)
        take_in(made, limiters[i]);
    if (made->rules > RULES_MAX) {
        status = kw__fail(error, KW_INVALID, KW_REASON_RANGE,
                          "these limiters have %d limits together, and %d are the most that one step decides: leave "
                          "out those that another implies",
                          made->rules, RULES_MAX);
    }
    if (status != KW_OK) {
        kw__joint_free(made);
        return status;
    }
    *joint = made;
    return KW_OK;
}

void kw__joint_free(kw_joint *joint) {
    if (joint == NULL || kw__client_is_forked(joint->object.client)) return;
    for (int i = 0; i < joint->count; i++)
        kw__limiter_give_up(joint->limiters[i]);
    kw__object_release(&joint->object);
}

/* ---- overrides ---- */

/* The same joint limiter, of limiters that serve in place of its own and are held already; NULL, no memory. */
static kw_joint *stand_in(const kw_joint *joint, kw_limiter *const *serving) {
    kw_joint *made = kw__malloc(sizeof *made);
    if (made == NULL) return NULL;
    *made = *joint;
    kw__object_init(&made->object, joint->object.client, destroy);
    made->object.timeout_us = joint->object.timeout_us;
    memcpy(made->limiters, serving, (size_t)joint->count * sizeof made->limiters[0]);
    return made;
}

/* Where a key's limits are overridden, the limiter of those decides: for this call another joint limiter has it. */
kw__object *kw__joint_serves(kw__object *object, const void *args) {
    kw_joint *joint = (kw_joint *)object;
    const kw__joint_hit_args *asked = args; /* those of a peek are the same */
    kw_limiter *serving[KW__JOINT_LIMITERS];
    bool overridden = false;
    for (int i = 0; i < joint->count; i++) {
        kw__bytes key = (size_t)i < asked->hits_count ? asked->hits[i].key : kw__bytes_of("", 0);
        serving[i] = kw__overrides_begin(joint->limiters[i], key);
        overridden = overridden || serving[i] != joint->limiters[i];
    }
    kw_joint *made = overridden ? stand_in(joint, serving) : NULL;
    if (made != NULL) return &made->object;
    release_all(serving, joint->count);
    if (overridden) return NULL;
    kw__object_hold(object);
    return object;
}

/* ---- what is sent ---- */

/* The hits of a call, of either operation. */
typedef struct hits {
    const kw_joint *joint;
    const kw__limiter_hit_args *each;
    size_t count;
} hits;

static hits hits_of(const kw__step *step, const kw__limiter_hit_args *each, size_t count) {
    return (hits){(const kw_joint *)step->object, each, count};
}

static kw__hit hit_at(const hits *all, int i) {
    return (kw__hit){.key = all->each[i].key, .cost = all->each[i].cost};
}

/* One hit for each limiter, and no state twice: a script would see it as it was before, both times. */
static kw_status check_hits(const hits *all, kw_error *error) {
    const kw_joint *joint = all->joint;
    if (all->count != (size_t)joint->count) {
        return kw__fail(
            error, KW_INVALID, KW_REASON_RANGE,
            "%zu hits were given, and this joint limiter has %d limiters: give one for each, in their order",
            all->count, joint->count);
    }
    for (int i = 1; i < joint->count; i++) {
        for (int j = 0; j < i; j++) {
            if ((joint->alike[i] >> j & 1) == 0 || !kw__bytes_equal(all->each[i].key, all->each[j].key)) continue;
            kw__fail(error, KW_INVALID, KW_REASON_RANGE,
                     "hits %d and %d name one state, by limiters that share it and the same key: give one of them the "
                     "sum of the costs, by a joint limiter without the other",
                     j, i);
            if (error != NULL) error->position = i;
            return KW_INVALID;
        }
    }
    return KW_OK;
}

/* Costs of nothing, or one of more than ever fits, charge nothing: looking suffices. */
static bool only_looks(const hits *all) {
    bool asks = false;
    for (int i = 0; i < all->joint->count; i++) {
        if (all->each[i].cost > all->joint->limiters[i]->capacity) return true;
        asks = asks || all->each[i].cost > 0;
    }
    return !asks;
}

static kw_status encode(const hits *all, bool looks, kw__command *command, kw_error *error) {
    kw_status status = check_hits(all, error);
    if (status != KW_OK) return status;
    const kw_joint *joint = all->joint;
    kw__command_script_more(command, looks ? &kw__script_limits_look : &kw__script_joint_hit, joint->rules,
                            joint->words);
    for (int i = 0; i < joint->count; i++)
        for (int j = 0; j < joint->limiters[i]->count; j++)
            kw__rule_key(&joint->limiters[i]->rules[j], all->each[i].key, command);
    if (looks) kw__command_integer(command, 0); /* no block */
    for (int i = 0; i < joint->count; i++) {
        const kw__hit hit = hit_at(all, i);
        kw__limiter_write_rules(joint->limiters[i], &hit, command);
    }
    return kw__command_end(command, error);
}

/* ---- what is answered ---- */

/* The whole, of what each says: of those that deny the one counts that takes longest. */
static void join(const kw_joint *joint, kw_joint_decision *out) {
    out->denied_by = -1;
    out->limiters = joint->count;
    out->retry_after_us = 0;
    for (int i = 0; i < joint->count; i++) {
        if (out->decisions[i].retry_after_us <= out->retry_after_us) continue;
        out->denied_by = i;
        out->retry_after_us = out->decisions[i].retry_after_us;
    }
}

/* Nobody may take a part of what was denied for an admission. */
static void deny(const kw_joint *joint, kw_joint_decision *out) {
    out->status = KW_DENIED;
    for (int i = 0; i < joint->count; i++) {
        kw_decision *each = &out->decisions[i];
        each->status = KW_DENIED;
        each->count = 0;
        if (each->retry_after_us > 0) continue;
        each->denied_by = -1; /* whatever a shadow would have said */
        if (each->reason == KW_DECIDED_BY_SHADOW) each->reason = KW_DECIDED_BY_SERVER;
    }
}

static kw_status decode(const hits *all, bool looks, const kw__reply *reply, kw_joint_decision *out, kw_error *error) {
    const kw_joint *joint = all->joint;
    kw__told told;
    memset(out, 0, sizeof *out);
    if (!kw__limiter_read_told(reply, &told) || told.charged > (looks ? 0 : 1)) {
        return kw__reply_unexpected("joint limiter", error);
    }
    out->reason = KW_DECIDED_BY_SERVER;
    for (int i = 0; i < joint->count; i++) {
        const kw__hit hit = hit_at(all, i);
        kw_status status = kw__limiter_decide_part(joint->limiters[i], &hit, &told, &out->decisions[i], error);
        if (status != KW_OK) return status;
    }
    join(joint, out);
    /* An admission says of nobody that it denies, a denial of somebody; and there is nothing after the last state. */
    bool denied = out->denied_by >= 0;
    if (told.rest.length > 0 || (!looks && denied == (told.charged > 0))) {
        return kw__reply_unexpected("joint limiter", error);
    }
    if (denied) deny(joint, out);
    return out->status;
}

/* ---- without the server ---- */

static void count_all(const kw_joint *joint, kw_status status, const kw_joint_decision *decision) {
    for (int i = 0; i < joint->count; i++)
        kw__limiter_count(joint->limiters[i], status, &decision->decisions[i]);
}

/* A limiter that is known to deny denies the whole: the others are not asked, and say so little. */
static bool recall(const hits *all, int64_t now, kw_joint_decision *out) {
    const kw_joint *joint = all->joint;
    bool found = false;
    for (int i = 0; i < joint->count; i++) {
        kw_limiter *limiter = joint->limiters[i];
        kw_decision *each = &out->decisions[i];
        if (kw__limiter_recall(limiter, all->each[i].key, all->each[i].cost, now, each)) {
            found = true;
            continue;
        }
        kw__limiter_begin_alone(limiter, all->each[i].key, KW_DECIDED_BY_DENIAL_CACHE, each);
        each->remaining = 0;
    }
    if (!found) return false;
    out->reason = KW_DECIDED_BY_DENIAL_CACHE;
    join(joint, out);
    deny(joint, out);
    return true;
}

/* What the joint limiter's own policy says of each. */
static bool decide_alone(const hits *all, kw_status failure, int64_t now, kw_joint_decision *out) {
    const kw_joint *joint = all->joint;
    memset(out, 0, sizeof *out);
    for (int i = 0; i < joint->count; i++) {
        const kw__hit hit = hit_at(all, i);
        if (!kw__limiter_decide_by(joint->limiters[i], joint->on_failure, &hit, failure, now, &out->decisions[i])) {
            return false;
        }
    }
    join(joint, out);
    out->reason = out->denied_by >= 0 ? KW_DECIDED_BY_FAIL_CLOSED : KW_DECIDED_BY_FAIL_OPEN;
    if (out->denied_by < 0) return true;
    deny(joint, out);
    for (int i = 0; i < joint->count; i++)
        out->decisions[i].reason = KW_DECIDED_BY_FAIL_CLOSED;
    if (out->retry_after_us != KW_NEVER) out->denied_by = -1; /* the policy did, and no limiter */
    return true;
}

/* Its limiters have one client: what one of them knows of the server's absence holds for all. */
static kw__breaker *breaker_of(const kw_joint *joint) {
    return &joint->limiters[0]->local->breaker;
}

static bool is_shut(const hits *all, const kw__event *event, kw__passage *passage, kw_joint_decision *out) {
    return all->joint->on_failure != KW_ON_FAILURE_RAISE &&
           !kw__breaker_lets(breaker_of(all->joint), event->now, event->deadline, passage) &&
           decide_alone(all, KW_CONNECTION, event->now, out);
}

static void remember(const hits *all, int64_t sent_at, const kw_joint_decision *decision) {
    for (int i = 0; i < all->joint->count; i++) {
        const kw__hit hit = hit_at(all, i);
        if (decision->decisions[i].retry_after_us == 0) continue; /* it would have admitted */
        kw__limiter_remember(all->joint->limiters[i], &hit, sent_at, &decision->decisions[i]);
        if (!kw__overrides_still_serves(all->joint->limiters[i], hit.key)) {
            kw__limiter_forget(all->joint->limiters[i], hit.key);
        }
    }
}

/* ---- rows ---- */

const uint16_t kw__joint_hit_state_size = sizeof(kw__passage);

kw_status kw__joint_hit_encode(const kw__step *step, kw__command *command, kw_error *error) {
    const kw__joint_hit_args *args = step->args;
    const hits all = hits_of(step, args->hits, args->hits_count);
    return encode(&all, args->hits_count == (size_t)all.joint->count && only_looks(&all), command, error);
}

kw_status kw__joint_hit_decode(const kw__step *step, const kw__reply *reply, void *answer, kw_error *error) {
    const kw__joint_hit_args *args = step->args;
    const hits all = hits_of(step, args->hits, args->hits_count);
    return decode(&all, only_looks(&all), reply, answer, error);
}

bool kw__joint_hit_locally(const kw__step *step, const kw__event *event, kw_status *status) {
    const kw__joint_hit_args *args = step->args;
    const hits all = hits_of(step, args->hits, args->hits_count);
    kw_joint_decision *decision = step->result;
    kw_error refused;
    if (check_hits(&all, &refused) != KW_OK) return false;
    if (recall(&all, event->now, decision)) {
        decision->status = KW_DENIED;
    } else if (!is_shut(&all, event, step->state, decision)) {
        return false;
    }
    *status = decision->status;
    count_all(all.joint, *status, decision);
    return true;
}

kw_status kw__joint_hit_conclude(const kw__step *step, const kw__event *event) {
    const kw__joint_hit_args *args = step->args;
    const hits all = hits_of(step, args->hits, args->hits_count);
    kw_joint_decision *decision = step->result;
    kw_status status = event->status;
    if (all.joint->on_failure != KW_ON_FAILURE_RAISE) {
        kw__breaker_ended(breaker_of(all.joint), status, event->now, step->state);
    }
    if (status < 0 && decide_alone(&all, status, event->now, decision)) {
        status = decision->status;
    } else if (status == KW_DENIED) {
        remember(&all, event->sent_at, decision);
    }
    count_all(all.joint, status, decision);
    return status;
}

kw_status kw__joint_peek_encode(const kw__step *step, kw__command *command, kw_error *error) {
    const kw__joint_peek_args *args = step->args;
    const hits all = hits_of(step, args->hits, args->hits_count);
    return encode(&all, true, command, error);
}

kw_status kw__joint_peek_decode(const kw__step *step, const kw__reply *reply, void *answer, kw_error *error) {
    const kw__joint_peek_args *args = step->args;
    const hits all = hits_of(step, args->hits, args->hits_count);
    return decode(&all, true, reply, answer, error);
}
