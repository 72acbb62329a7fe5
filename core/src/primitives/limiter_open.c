/* Making limiters: of a text and options, and of one limiter another with other limits, an override. */
#include "base/memory.h"
#include "engine/client.h"
#include "primitives/limiter.h"
#include "primitives/limiter_override_table.h"

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
