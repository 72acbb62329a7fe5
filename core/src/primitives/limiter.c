#include "primitives/limiter.h"

#include "base/memory.h"
#include "engine/client.h"
#include "primitives/limiter_overrides.h"
#include "primitives/limiter_rows.h"

/* ---- opening ---- */

static void destroy(kw__object *object) {
    kw_limiter *limiter = (kw_limiter *)object;
    for (int i = 0; i < limiter->count; i++)
        kw__key_frame_free(&limiter->rules[i].frame);
    kw__key_frame_free(&limiter->blocks);
    kw__limiter_local_free(limiter);
    kw__overrides_free(limiter);
    kw__key_frames_free(limiter->reservations, KW__RESERVATION_KEYS);
    kw__free(limiter->name);
    kw__free(limiter);
}

/* 64-bit FNV-1a (Fowler, Noll, Vo): over the limiter's parts of key names at opening, over the key at each decision. */
static uint64_t fingerprint(uint64_t hash, kw__bytes bytes) {
    const unsigned char *at = bytes.data;
    for (size_t i = 0; i < bytes.length; i++)
        hash = (hash ^ at[i]) * UINT64_C(0x100000001B3);
    return hash;
}

uint64_t kw__limiter_origin(const kw_limiter *limiter, kw__bytes key) {
    return fingerprint(limiter->origin, key) ^ limiter->terms;
}

/* The label: "as NAME", else the period in us. */
static void write_label(const kw_limit *limit, char *out) {
    if (limit->label[0] != '\0') {
        memcpy(out, limit->label, strlen(limit->label) + 1);
    } else if (limit->concurrent == 1) {
        memcpy(out, "concurrent", sizeof "concurrent");
    } else {
        out[kw__format_integer(limit->period_us, out)] = '\0';
    }
}

/* The key's part is the shape and the label, so that limits of one name which differ in either have states of their
 * own.
 */
static bool build_frame(kw_limiter *limiter, kw__rule *rule, kw__bytes name, const kw_limit *limit) {
    char part[16 + sizeof limit->label];
    size_t length = strlen(rule->shape->name);
    memcpy(part, rule->shape->name, length);
    part[length++] = ':';
    write_label(limit, part + length);
    return kw__key_frame_init(&rule->frame, limiter->object.client->url.prefix, "limiter", name, part);
}

/* The next rule, all but its key. */
static kw_status prepare_rule(kw_limiter *limiter, const kw_limit *limit, kw_error *error) {
    const kw__limiter_settings *settings = &limiter->settings;
    kw__rule *rule = &limiter->rules[limiter->count];
    if (limit->concurrent == 0 && settings->shape == &kw__shape_leases) {
        return kw__fail(error, KW_INVALID, KW_REASON_OPTION,
                        "options.algorithm is concurrency, and limit %d is a rate: write it as \"10 concurrent\", or "
                        "take another algorithm",
                        limiter->count + 1);
    }
    rule->shape = limit->concurrent == 1 ? &kw__shape_leases : settings->shape;
    rule->shadow = settings->shadow || limit->shadow == 1;
    rule->period_us = limit->period_us;
    rule->plain = rule->shape->plain;
    kw_status status = rule->shape->prepare(rule, limit, settings, error);
    if (status == KW_OK && settings->on_failure == KW_ON_FAILURE_LOCAL) {
        status = kw__limiter_take_share(rule, limit, limiter->count + 1, settings->local_share, error);
    }
    if (status != KW_OK) return status;
    limiter->books_ahead = limiter->books_ahead && rule->shape->books_ahead;
    if (!rule->shadow && rule->capacity < limiter->capacity) limiter->capacity = rule->capacity;
    return KW_OK;
}

static kw_status prepare(kw_limiter *limiter, kw__bytes name, const kw_limit *limit, kw_error *error) {
    kw__rule *rule = &limiter->rules[limiter->count];
    kw_status status = prepare_rule(limiter, limit, error);
    if (status != KW_OK) return status;
    if (!build_frame(limiter, rule, name, limit)) return kw__fail_memory(error);
    limiter->count++;
    kw__bytes bytes = kw__bytes_of(rule->frame.bytes, rule->frame.before + rule->frame.after);
    limiter->origin = fingerprint(limiter->origin, bytes);
    return KW_OK;
}

/* The keys that only some limiters have. */
static bool build_more_frames(kw_limiter *limiter, kw__bytes name) {
    static const char *const parts[] = {"reservations", "reservations:open", "reservations:settled"};
    const char *prefix = limiter->object.client->url.prefix;
    if (limiter->settings.block_us > 0 && !kw__key_frame_init(&limiter->blocks, prefix, "limiter", name, "block")) {
        return false;
    }
    return !limiter->settings.reservations ||
           kw__key_frames_init(limiter->reservations, parts, KW__RESERVATION_KEYS, prefix, "limiter", name);
}

static bool keep_name(kw_limiter *limiter, kw__bytes name) {
    limiter->name = kw__malloc(name.length);
    if (limiter->name == NULL) return false;
    memcpy(limiter->name, name.data, name.length);
    limiter->name_length = name.length;
    return true;
}

/* A state is known by its label, so no two limits may have one. One lease is all that a decision can name. */
static kw_status check_labels(const kw_limit *limits, int64_t count, kw_error *error) {
    char labels[KW__LIMITS_MAX][sizeof limits->label];
    int64_t concurrent = 0;
    for (int64_t i = 0; i < count; i++) {
        write_label(&limits[i], labels[i]);
        concurrent += limits[i].concurrent;
        for (int64_t j = 0; j < i; j++) {
            if (strcmp(labels[i], labels[j]) != 0) continue;
            return kw__fail(error, KW_INVALID, KW_REASON_LIMIT_RANGE,
                            "limits %lld and %lld of the text are both known as %s: give one of them another name, as "
                            "in \"1000/h as plan\"",
                            (long long)j + 1, (long long)i + 1, labels[i]);
        }
    }
    if (concurrent > 1) {
        return kw__fail(error, KW_INVALID, KW_REASON_LIMIT_RANGE,
                        "the text has %lld concurrent limits, and the lowest alone decides: leave the others out",
                        (long long)concurrent);
    }
    return KW_OK;
}

/* Without its rules, which are prepared one by one. NULL: no memory. */
static kw_limiter *allocate(kw_client *client, const kw__limiter_settings *settings, const kw_limit *limits, int count,
                            void (*destroyed_by)(kw__object *object)) {
    size_t each = sizeof(kw__rule) + sizeof(kw_limit);
    kw_limiter *made = kw__calloc(1, sizeof *made + (size_t)count * each);
    if (made == NULL) return NULL;
    kw__object_init(&made->object, client, destroyed_by);
    atomic_init(&made->users, 1);
    made->settings = *settings;
    made->object.timeout_us = settings->timeout_us;
    made->books_ahead = true;
    made->capacity = INT64_MAX;
    made->limits = (kw_limit *)(void *)&made->rules[count];
    memcpy(made->limits, limits, (size_t)count * sizeof limits[0]);
    return made;
}

kw_status kw__limiter_open(kw_client *client, kw__bytes name, const char *limits, const kw_limiter_options *options,
                           kw_limiter **limiter, kw_error *error) {
    *limiter = NULL;
    kw_limit read[KW__LIMITS_MAX];
    kw__limiter_settings settings;
    int64_t count;
    kw_status status = kw__client_check(client, error);
    if (status == KW_OK) status = kw__limiter_read_options(options, &settings, error);
    if (status == KW_OK) status = kw__limits_parse(limits, read, KW__LIMITS_MAX, &count, error);
    if (status == KW_OK) status = check_labels(read, count, error);
    if (status != KW_OK) return status;

    kw_limiter *made = allocate(client, &settings, read, (int)count, destroy);
    if (made == NULL) return kw__fail_memory(error);
    made->origin = UINT64_C(0xCBF29CE484222325);
    for (int64_t i = 0; i < count && status == KW_OK; i++)
        status = prepare(made, name, &read[i], error);
    if (status == KW_OK) status = kw__limiter_check_coalesce(made, error);
    if (status == KW_OK && !keep_name(made, name)) status = kw__fail_memory(error);
    if (status == KW_OK) status = kw__limiter_local_init(made, error);
    if (status == KW_OK && !build_more_frames(made, name)) status = kw__fail_memory(error);
    if (status == KW_OK && settings.overrides_us > 0) status = kw__overrides_init(made, error);
    if (status != KW_OK) {
        kw__object_release(&made->object);
        return status;
    }
    *limiter = made;
    return KW_OK;
}

void kw__limiter_use(kw_limiter *limiter) {
    atomic_fetch_add(&limiter->users, 1);
    kw__object_hold(&limiter->object);
}

void kw__limiter_give_up(kw_limiter *limiter) {
    if (atomic_fetch_sub(&limiter->users, 1) == 1 && limiter->overrides != NULL) kw__overrides_close(limiter);
}

void kw__limiter_free(kw_limiter *limiter) {
    if (limiter == NULL) return;
    /* The parent's locks may be held for ever here. */
    if (limiter->overrides != NULL && kw__client_is_forked(limiter->object.client)) return;
    kw__limiter_give_up(limiter);
    kw__object_release(&limiter->object);
}

int64_t kw__limiter_lease_us(const kw_limiter *limiter) {
    for (int i = 0; limiter != NULL && i < limiter->count; i++)
        if (limiter->rules[i].shape == &kw__shape_leases) return limiter->rules[i].period_us;
    return 0;
}

/* ---- overrides ---- */

static void destroy_override(kw__object *object) {
    kw_limiter *limiter = (kw_limiter *)object;
    kw__object_release(&limiter->of->object);
    kw__free(limiter);
}

static uint64_t terms_of(const kw_limit *limits, int count) {
    uint64_t hash = UINT64_C(0xCBF29CE484222325);
    for (int i = 0; i < count; i++) {
        const int64_t numbers[] = {limits[i].count, limits[i].period_us, limits[i].burst};
        hash = fingerprint(hash, kw__bytes_of(numbers, sizeof numbers));
    }
    return hash >> (64 - KW__TERMS_BITS);
}

kw_status kw__limiter_make_override(kw_limiter *of, const kw_limit *limits, kw_limiter **out, kw_error *error) {
    kw_limiter *made = allocate(of->object.client, &of->settings, limits, of->count, destroy_override);
    if (made == NULL) return kw__fail_memory(error);
    kw__object_hold(&of->object);
    made->of = of;
    made->name = of->name;
    made->name_length = of->name_length;
    made->origin = of->origin;
    made->terms = terms_of(limits, of->count) ^ terms_of(of->limits, of->count);
    made->local = of->local;
    made->blocks = of->blocks;
    memcpy(made->reservations, of->reservations, sizeof made->reservations);
    kw_status status = KW_OK;
    while (made->count < of->count && status == KW_OK) {
        made->rules[made->count].frame = of->rules[made->count].frame;
        status = prepare_rule(made, &limits[made->count], error);
        made->count++;
    }
    if (status == KW_OK) status = kw__limiter_check_coalesce(made, error);
    if (status == KW_OK) status = kw__tokens_check(made, error);
    if (status != KW_OK) {
        kw__object_release(&made->object);
        return status;
    }
    *out = made;
    return KW_OK;
}

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

/* ---- for the shapes ---- */

void kw__rule_key(const kw__rule *rule, kw__bytes key, kw__command *command) {
    char room[KW__KEY_ROOM];
    kw__command_bytes(command, kw__key_write(&rule->frame, key, room));
}

void kw__rule_refunds_key(const kw__rule *rule, kw__bytes key, kw__command *command) {
    static const char part[] = ":refunds";
    char room[KW__KEY_ROOM + sizeof part];
    kw__bytes of = kw__key_write(&rule->frame, key, room);
    memcpy(room + of.length, part, sizeof part - 1);
    kw__command_bytes(command, kw__bytes_of(room, of.length + sizeof part - 1));
}

void kw__limiter_reservations_key(const kw_limiter *limiter, int index, kw__bytes key, kw__command *command) {
    char room[KW__KEY_ROOM];
    kw__command_bytes(command, kw__key_write(&limiter->reservations[index], key, room));
}

void kw__rule_script(const kw__rule *rule, const kw__script *script, kw__bytes key, kw__command *command) {
    kw__command_script(command, script);
    kw__rule_key(rule, key, command);
}

kw_status kw__limiter_foreign(kw_error *error) {
    return kw__fail(error, KW_WRONG_TYPE, KW_REASON_NONE,
                    "the key of this limiter holds something that no limiter wrote: delete it, or choose another name");
}

kw_status kw__limiter_no_burst(const kw_limit *limit, kw_error *error) {
    if (limit->burst == limit->count) return KW_OK;
    return kw__fail(error, KW_INVALID, KW_REASON_OPTION,
                    "only GCRA has bursts, and this algorithm is another: leave the burst out, or take "
                    "KW_ALGORITHM_GCRA");
}

void kw__write_capacity_and_period(const kw__rule *rule, int64_t cost, int64_t patience_us, bool up_to,
                                   kw__command *command) {
    (void)cost;
    (void)patience_us;
    (void)up_to;
    kw__command_integer(command, rule->capacity);
    kw__command_integer(command, rule->period_us);
}

bool kw__read_numbers(kw__bytes text, int64_t *numbers, int count) {
    const char *at = text.data, *end = at + text.length;
    for (int i = 0; i < count; i++) {
        const char *stop = i == count - 1 ? end : memchr(at, ':', (size_t)(end - at));
        if (stop == NULL || !kw__parse_integer(kw__bytes_of(at, (size_t)(stop - at)), &numbers[i]) || numbers[i] < 0 ||
            numbers[i] >= KW__SERVER_TIME_MAX) {
            return false;
        }
        at = stop + 1;
    }
    return true;
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
