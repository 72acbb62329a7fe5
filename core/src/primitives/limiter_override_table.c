/* The table of a limiter's overrides, and the duty that keeps it. What they are in the server:
 * limiter_override_commands.c. */
#include "primitives/limiter_override_table.h"

#include "base/clock.h"
#include "base/list.h"
#include "base/memory.h"
#include "engine/client.h"
#include "primitives/limiter_rows.h"

#define FIRST_BUCKETS 16
/* Keys that had an override and have none now are remembered, for refunds, until they are so many. */
#define FADED_MAX 1000
/* How much one look asks for. */
#define CHANGES_AT_ONCE 500

/* ---- entries, with the lock ---- */

static kw__overridden **bucket_of(const kw__overrides *overrides, uint64_t fingerprint) {
    return &overrides->buckets[fingerprint >> KW__TERMS_BITS & (overrides->bucket_count - 1)];
}

static kw__overridden *find(const kw__overrides *overrides, uint64_t fingerprint, kw__bytes key) {
    kw__overridden *entry = *bucket_of(overrides, fingerprint);
    while (entry != NULL &&
           (entry->fingerprint != fingerprint || !kw__bytes_equal(kw__bytes_of(entry->key, entry->key_length), key)))
        entry = entry->next;
    return entry;
}

/* More buckets, if there is memory; chains are longer else. */
static void grow(kw__overrides *overrides) {
    size_t count = overrides->bucket_count * 2;
    kw__overridden **buckets = kw__calloc(count, sizeof(kw__overridden *));
    if (buckets == NULL) return;
    kw__overridden **old = overrides->buckets;
    size_t old_count = overrides->bucket_count;
    overrides->buckets = buckets;
    overrides->bucket_count = count;
    for (size_t i = 0; i < old_count; i++) {
        for (kw__overridden *entry = old[i], *next; entry != NULL; entry = next) {
            next = entry->next;
            kw__overridden **at = bucket_of(overrides, entry->fingerprint);
            entry->next = *at;
            *at = entry;
        }
    }
    kw__free(old);
}

static kw__overridden *add(kw__overrides *overrides, uint64_t fingerprint, kw__bytes key) {
    kw__overridden *entry = kw__calloc(1, sizeof *entry + key.length);
    if (entry == NULL) return NULL;
    if (overrides->entries >= overrides->bucket_count) grow(overrides);
    entry->fingerprint = fingerprint;
    entry->key_length = key.length;
    if (key.length > 0) memcpy(entry->key, key.data, key.length);
    kw__overridden **at = bucket_of(overrides, fingerprint);
    entry->next = *at;
    *at = entry;
    overrides->entries++;
    return entry;
}

/* What is remembered of a key was said under other limits. */
static void forget(kw_limiter *limiter, const kw__overridden *entry) {
    kw__bytes key = kw__bytes_of(entry->key, entry->key_length);
    kw__limiter_forget(limiter, key);
    kw__tokens_forget(limiter, key);
}

static void let_go(kw_limiter *limiter) {
    if (limiter != NULL) kw__object_release(&limiter->object);
}

/* Puts another limiter, or none, in the place of what the entry has; takes over the reference. */
static void replace(kw_limiter *of, kw__overridden *entry, kw_limiter *limiter, bool ignored) {
    kw__overrides *overrides = of->overrides;
    overrides->held += (limiter != NULL) - (entry->limiter != NULL);
    overrides->ignored += (int)ignored - (int)entry->ignored;
    if (entry->limiter != NULL) {
        let_go(entry->previous);
        entry->previous = entry->limiter;
    }
    entry->limiter = limiter;
    entry->ignored = ignored;
    entry->ended = false;
    atomic_store_explicit(&overrides->empty, overrides->held == 0, memory_order_release);
    forget(of, entry);
}

/* Takes out entries; of everything, or of what has neither an override nor one that is ignored. */
static void take_out(kw__overrides *overrides, bool everything) {
    for (size_t i = 0; i < overrides->bucket_count; i++) {
        for (kw__overridden **at = &overrides->buckets[i]; *at != NULL;) {
            kw__overridden *entry = *at;
            if (!everything && (entry->limiter != NULL || entry->ignored)) {
                at = &entry->next;
                continue;
            }
            *at = entry->next;
            overrides->entries--;
            let_go(entry->limiter);
            let_go(entry->previous);
            kw__free(entry);
        }
    }
}

static void bound_faded(kw__overrides *overrides) {
    if (overrides->entries > (size_t)(overrides->held + overrides->ignored) + FADED_MAX) take_out(overrides, false);
}

/* ---- what is told ---- */

/*
 * Whether a change is news. A look tells what the server has now, unless it was sent before this client heard of a
 * change of its own: then, and of this client's own changes, the higher number is the later.
 */
static bool is_news(const kw__overridden *entry, const kw__override_change *change) {
    if (entry == NULL) return true;
    if (change->told_at == 0 && entry->told_at < change->sent_at) return change->version != entry->version;
    return change->version > entry->version;
}

bool kw__overrides_put(kw_limiter *limiter, const kw__override_change *change) {
    kw__overrides *overrides = limiter->overrides;
    uint64_t fingerprint = kw__limiter_origin(limiter, change->key);
    kw_limiter *made = NULL;
    bool ignored = false;
    if (change->limits.length > 0) { /* made without the lock, for hits wait for that */
        kw_limit limits[KW__LIMITS_MAX];
        kw_status status = kw__override_read(limiter, change->limits, limits, NULL);
        if (status == KW_OK) status = kw__limiter_make_override(limiter, limits, &made, NULL);
        if (status == KW_NO_MEMORY) return false;
        ignored = status != KW_OK;
    }
    kw__lock(&overrides->lock);
    kw__overridden *entry = find(overrides, fingerprint, change->key);
    bool kept = true, news = !overrides->closed && is_news(entry, change);
    if (entry != NULL) entry->round = overrides->round;
    if (news && entry == NULL && change->limits.length > 0) {
        entry = add(overrides, fingerprint, change->key);
        kept = entry != NULL;
    }
    if (news && entry != NULL) {
        replace(limiter, entry, made, ignored);
        made = NULL;
        entry->version = change->version;
        entry->ends_at_us = change->ends_at_us;
        entry->told_at = change->told_at;
        entry->round = overrides->round;
        bound_faded(overrides);
    }
    kw__unlock(&overrides->lock);
    let_go(made);
    return kept;
}

void kw__overrides_tell_time(kw_limiter *limiter, int64_t server_us, int64_t received_at) {
    kw__overrides *overrides = limiter->overrides;
    kw__lock(&overrides->lock);
    overrides->offset = server_us - received_at;
    kw__unlock(&overrides->lock);
}

/* Everything was looked at: what was not there is there no more. With the lock. */
static void drop_others(kw_limiter *limiter, int64_t sent_at) {
    kw__overrides *overrides = limiter->overrides;
    for (size_t i = 0; i < overrides->bucket_count; i++) {
        for (kw__overridden *entry = overrides->buckets[i]; entry != NULL; entry = entry->next) {
            if (entry->round == overrides->round || (entry->limiter == NULL && !entry->ignored)) continue;
            if (entry->told_at >= sent_at && entry->told_at != 0) {
                overrides->since = -1; /* set since the look was sent: the next one knows of it */
                continue;
            }
            replace(limiter, entry, NULL, false);
            entry->version = entry->told_at = 0;
        }
    }
    bound_faded(overrides);
}

/* ---- looking ---- */

static const void *arguments(kw__duty *duty) {
    kw_limiter *limiter = (kw_limiter *)duty->object;
    kw__overrides *overrides = limiter->overrides;
    kw__lock(&overrides->lock);
    overrides->args.since = overrides->since;
    kw__unlock(&overrides->lock);
    overrides->asked_at = kw__now();
    return &overrides->args;
}

/* From asking to asking it is overrides_us, however long the answer takes. */
static int64_t answered(kw__duty *duty, kw_status status, const void *result, const kw_error *error) {
    (void)result, (void)error;
    if (status == KW_CLOSED) return KW_FOREVER;
    kw_limiter *limiter = (kw_limiter *)duty->object;
    kw__overrides *overrides = limiter->overrides;
    kw__lock(&overrides->lock);
    bool at_once = status >= 0 && overrides->more && !overrides->lacking;
    kw__unlock(&overrides->lock);
    int64_t left = overrides->asked_at + limiter->settings.overrides_us - kw__now();
    return at_once || left < 0 ? 0 : left;
}

static kw_status look_encode(const kw__step *step, kw__command *command, kw_error *error) {
    const kw__look_args *args = step->args;
    return kw__overrides_encode_read((const kw_limiter *)step->object, args->since, CHANGES_AT_ONCE, true, command,
                                     error);
}

static kw_status look_decode(const kw__step *step, const kw__reply *reply, void *answer, kw_error *error) {
    (void)step;
    return kw__overrides_decode_read(reply, true, answer, error);
}

/* Puts a page into the table. False: it did not all fit into memory. */
static bool put_page(kw_limiter *limiter, const kw_list *page, int64_t sent_at) {
    for (int64_t i = 1; i < page->count; i++) {
        const kw_override *told = kw__list_item(page, i);
        const kw__override_change change = {
            .key = kw__bytes_of(kw__list_data(page, told->key_offset), (size_t)told->key_length),
            .limits = kw__bytes_of(kw__list_data(page, told->limits_offset), (size_t)told->limits_length),
            .version = told->version,
            .ends_at_us = told->ends_at_us,
            .sent_at = sent_at,
        };
        if (!kw__overrides_put(limiter, &change)) return false;
    }
    return true;
}

static kw_status look_conclude(const kw__step *step, const kw__event *event) {
    kw_limiter *limiter = (kw_limiter *)step->object;
    kw__overrides *overrides = limiter->overrides;
    const kw_list *page;
    memcpy(&page, step->result, sizeof page);
    if (event->status != KW_OK || page == NULL) return event->status;
    const kw__look_head *head = kw__list_item(page, 0);
    kw__lock(&overrides->lock);
    if (head->whole == 1) {
        overrides->whole = true;
        overrides->round++;
    }
    kw__unlock(&overrides->lock);
    kw__overrides_tell_time(limiter, head->now, event->received_at);
    bool kept = put_page(limiter, page, event->sent_at);
    kw__lock(&overrides->lock);
    overrides->lacking = !kept;
    overrides->more = head->more == 1;
    if (kept) {
        overrides->since = head->reached;
        overrides->seen_at = event->received_at;
        if (overrides->whole && head->more == 0) drop_others(limiter, event->sent_at);
        overrides->whole = overrides->whole && head->more == 1;
    }
    kw__unlock(&overrides->lock);
    return KW_OK;
}

/* Asked for by nobody but the duty, so it has no number. */
static const kw__row look_row = {
    .number = 0,
    .name = "limiter.look_for_overrides",
    .flags = KW__LISTS,
    .repeat = KW__REPEAT_READ,
    .args_size = sizeof(kw__look_args),
    .result_size = sizeof(kw_list *),
    .encode = look_encode,
    .decode = look_decode,
    .conclude = look_conclude,
};

/* ---- a limiter's own ---- */

kw_status kw__overrides_init(kw_limiter *limiter, kw_error *error) {
    kw__overrides *overrides = kw__calloc(1, sizeof *overrides);
    if (overrides == NULL) return kw__fail_memory(error);
    if (!kw__mutex_init(&overrides->lock)) {
        kw__free(overrides);
        return kw__fail_memory(error);
    }
    limiter->overrides = overrides;
    overrides->since = -1;
    overrides->bucket_count = FIRST_BUCKETS;
    atomic_init(&overrides->empty, true);
    overrides->buckets = kw__calloc(FIRST_BUCKETS, sizeof(kw__overridden *));
    overrides->duty = (kw__duty){.name = "overrides",
                                 .object = &limiter->object,
                                 .row = &look_row,
                                 .every_us = 0, /* the first time at once */
                                 .timeout_us = limiter->object.client->url.timeout_us,
                                 .arguments = arguments,
                                 .answered = answered};
    return overrides->buckets != NULL ? KW_OK : kw__fail_memory(error);
}

/* At the first use, for opening sends nothing. What cannot begin now is begun by the next one. */
static void begin(kw_limiter *limiter) {
    kw__overrides *overrides = limiter->overrides;
    if (atomic_exchange(&overrides->begun, true)) return;
    bool looks = kw__duty_begin(limiter->object.client, &overrides->duty, NULL) == KW_OK;
    atomic_store(looks ? &overrides->looks : &overrides->begun, looks);
}

void kw__overrides_close(kw_limiter *limiter) {
    kw__overrides *overrides = limiter->overrides;
    if (atomic_load(&overrides->looks)) kw__duty_end(limiter->object.client, &overrides->duty);
    kw__lock(&overrides->lock);
    overrides->closed = true;
    take_out(overrides, true); /* they hold the limiter, which would never go else */
    kw__unlock(&overrides->lock);
}

void kw__overrides_free(kw_limiter *limiter) {
    kw__overrides *overrides = limiter->overrides;
    if (overrides == NULL) return;
    kw__mutex_free(&overrides->lock);
    kw__free(overrides->buckets);
    kw__free(overrides);
}

/* ---- being asked ---- */

/* Whether it has ended by now; denials under the limits before are forgotten when that changes. With the lock. */
static bool has_ended(kw_limiter *limiter, kw__overridden *entry) {
    if (entry->ends_at_us == 0) return false;
    bool ended = kw__now() + limiter->overrides->offset >= entry->ends_at_us;
    if (ended != entry->ended) {
        entry->ended = ended;
        forget(limiter, entry);
    }
    return ended;
}

kw_limiter *kw__overrides_serving(kw_limiter *limiter, kw__bytes key) {
    kw__overrides *overrides = limiter->overrides;
    kw_limiter *serving = limiter;
    if (overrides == NULL || atomic_load_explicit(&overrides->empty, memory_order_acquire)) {
        kw__object_hold(&serving->object);
        return serving;
    }
    uint64_t fingerprint = kw__limiter_origin(limiter, key);
    kw__lock(&overrides->lock);
    kw__overridden *entry = find(overrides, fingerprint, key);
    if (entry != NULL && entry->limiter != NULL && !has_ended(limiter, entry)) serving = entry->limiter;
    kw__object_hold(&serving->object);
    kw__unlock(&overrides->lock);
    return serving;
}

kw_limiter *kw__overrides_begin(kw_limiter *limiter, kw__bytes key) {
    if (limiter->overrides != NULL) {
        if (!atomic_load_explicit(&limiter->overrides->begun, memory_order_relaxed)) begin(limiter);
        kw_client *client = limiter->object.client;
        if (client->url.threadless) kw__background_turn(client);
    }
    return kw__overrides_serving(limiter, key);
}

bool kw__overrides_still_serves(kw_limiter *limiter, kw__bytes key) {
    kw_limiter *serving = kw__overrides_serving(limiter->of != NULL ? limiter->of : limiter, key);
    bool same = serving == limiter;
    kw__object_release(&serving->object);
    return same;
}

/* The key is the first argument of all operations that this is asked for. */
kw__object *kw__limiter_serves(kw__object *object, const void *args) {
    return &kw__overrides_begin((kw_limiter *)object, *(const kw__bytes *)args)->object;
}

kw_limiter *kw__overrides_made(const kw_limiter *limiter, const kw_decision *decision) {
    const kw_limiter *of = limiter->of != NULL ? limiter->of : limiter;
    kw__overrides *overrides = of->overrides;
    if (overrides == NULL) return NULL;
    kw_limiter *made = NULL;
    kw__lock(&overrides->lock);
    for (kw__overridden *entry = *bucket_of(overrides, decision->origin); entry != NULL; entry = entry->next) {
        uint64_t terms = entry->fingerprint ^ decision->origin;
        if (terms >> KW__TERMS_BITS != 0) continue;
        kw_limiter *const candidates[] = {entry->limiter, entry->previous};
        for (int i = 0; i < 2 && made == NULL; i++) {
            if (candidates[i] != NULL && candidates[i]->terms == terms) made = candidates[i];
        }
    }
    if (made != NULL) kw__object_hold(&made->object);
    kw__unlock(&overrides->lock);
    return made;
}

kw_status kw__limiter_overrides_state(kw_limiter *limiter, kw_overrides_state *state, kw_error *error) {
    (void)error;
    kw__overrides *overrides = limiter->overrides;
    state->age_us = KW_NEVER;
    if (overrides == NULL) return KW_OK;
    if (atomic_load(&overrides->looks)) {
        kw_duty duty;
        kw__duty_read(limiter->object.client, &overrides->duty, &duty);
        state->looks = duty.runs;
        state->failures = duty.failures;
        state->failed_in_a_row = duty.failed_in_a_row;
        state->last_status = duty.last_status;
        memcpy(state->last_error, duty.last_error, sizeof state->last_error);
    }
    kw__lock(&overrides->lock);
    state->held = overrides->held;
    state->ignored = overrides->ignored;
    if (overrides->since >= 0) {
        state->version = overrides->since;
        state->age_us = kw__now() - overrides->seen_at;
    }
    kw__unlock(&overrides->lock);
    return KW_OK;
}
