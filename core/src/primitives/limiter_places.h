/*
 * What tables of a limiter's own memory share: a fixed number of places, found by a hash of the key that nobody outside
 * can aim at. Keys that hash alike share four places, and these one of sixteen locks.
 */
#ifndef KW__LIMITER_PLACES_H
#define KW__LIMITER_PLACES_H

#include "base/bytes.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/sync.h"

#define KW__WAYS 4
#define KW__PLACE_LOCKS 16

typedef struct kw__places {
    kw__hash_secret secret;
    kw__mutex locks[KW__PLACE_LOCKS];
    int lock_count;
} kw__places;

/* kw__places_free also after a failure. */
kw_status kw__places_init(kw__places *places, kw_error *error);
void kw__places_free(kw__places *places);

/* How many places a table has that is to hold so many: a power of two. */
size_t kw__places_count(int64_t wanted);
/* Never 0, which marks an empty place. */
uint64_t kw__places_hash(const kw__places *places, kw__bytes key);
/* The first of the four places, of `count`, that a hash may be in. */
size_t kw__places_first(uint64_t hash, size_t count);
/* Who shares places shares their lock. */
kw__mutex *kw__places_lock(kw__places *places, size_t first);

#endif
