/* From tags in flight to their calls: open addressing with backward shift, no tombstones. */
#ifndef KW__TAG_MAP_H
#define KW__TAG_MAP_H

#include "engine/call.h"

typedef struct kw__tag_map {
    kw__call **slots;
    size_t capacity; /* a power of two, or 0 */
    size_t count;
} kw__tag_map;

/* Room for one more; false when memory is out. */
bool kw__tag_map_reserve(kw__tag_map *map);
kw__call *kw__tag_map_find(const kw__tag_map *map, uint64_t tag);
/* After a reserve; the tag must not be there. */
void kw__tag_map_add(kw__tag_map *map, kw__call *call);
void kw__tag_map_remove(kw__tag_map *map, uint64_t tag);
void kw__tag_map_free(kw__tag_map *map);

#endif
