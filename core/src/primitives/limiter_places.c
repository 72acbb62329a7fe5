#include "primitives/limiter_places.h"

kw_status kw__places_init(kw__places *places, kw_error *error) {
    if (!kw__hash_secret_make(&places->secret)) {
        return kw__fail(error, KW_NO_MEMORY, KW_REASON_NONE, "the system gives no random bytes");
    }
    for (; places->lock_count < KW__PLACE_LOCKS; places->lock_count++) {
        if (!kw__mutex_init(&places->locks[places->lock_count])) return kw__fail_memory(error);
    }
    return KW_OK;
}

void kw__places_free(kw__places *places) {
    for (int i = 0; i < places->lock_count; i++)
        kw__mutex_free(&places->locks[i]);
}

size_t kw__places_count(int64_t wanted) {
    size_t power = KW__WAYS;
    while (power < (size_t)wanted)
        power *= 2;
    return power;
}

uint64_t kw__places_hash(const kw__places *places, kw__bytes key) {
    uint64_t hash = kw__hash(&places->secret, key);
    return hash != 0 ? hash : 1;
}

size_t kw__places_first(uint64_t hash, size_t count) {
    return (size_t)(hash & (count - 1)) / KW__WAYS * KW__WAYS;
}

kw__mutex *kw__places_lock(kw__places *places, size_t first) {
    return &places->locks[first / KW__WAYS % KW__PLACE_LOCKS];
}
