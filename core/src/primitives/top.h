/*
 * A top. Each key inside it has two keys in the server: a sorted set of negated scores, whose order is that of the
 * ranks, and, if it has a time to live, when it ends.
 */
#ifndef KW__TOP_H
#define KW__TOP_H

#include "engine/object.h"
#include "primitives/keys.h"

typedef enum kw__top_part {
    KW__TOP_SCORES,
    KW__TOP_ENDS,
    KW__TOP_PARTS,
} kw__top_part;

struct kw_top {
    kw__object object;
    kw__key_frame frames[KW__TOP_PARTS];
    int64_t keep;
    int64_t ttl_us;
    bool sliding;
};

kw_status kw__top_open(kw_client *client, kw__bytes name, const kw_top_options *options, kw_top **top, kw_error *error);
void kw__top_free(kw_top *top);

#endif
