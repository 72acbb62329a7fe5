/*
 * A unique counter. Each key inside it has three keys in the server: the set of its members while they are few, the
 * HyperLogLog that takes its place, and, if it has a time to live, when both end.
 */
#ifndef KW__UNIQUE_H
#define KW__UNIQUE_H

#include "engine/object.h"
#include "primitives/keys.h"

typedef enum kw__unique_part {
    KW__UNIQUE_EXACT,
    KW__UNIQUE_SKETCH,
    KW__UNIQUE_ENDS,
    KW__UNIQUE_PARTS,
} kw__unique_part;

struct kw_unique {
    kw__object object;
    kw__key_frame frames[KW__UNIQUE_PARTS];
    int64_t exact_until;
    int64_t ttl_us;
    bool sliding;
};

kw_status kw__unique_open(kw_client *client, kw__bytes name, const kw_unique_options *options, kw_unique **unique,
                          kw_error *error);
void kw__unique_free(kw_unique *unique);

#endif
