#include "engine/tag_map.h"

#include "base/memory.h"

static size_t home(const kw__tag_map *map, uint64_t tag) {
    return (size_t)((tag * UINT64_C(0x9E3779B97F4A7C15)) >> 20) & (map->capacity - 1);
}

static void put(kw__tag_map *map, kw__call *call) {
    size_t at = home(map, call->tag);
    while (map->slots[at] != NULL)
        at = (at + 1) & (map->capacity - 1);
    map->slots[at] = call;
}

bool kw__tag_map_reserve(kw__tag_map *map) {
    if (map->count + 1 <= map->capacity / 2) return true;
    size_t capacity = map->capacity == 0 ? 64 : map->capacity * 2;
    kw__call **slots = kw__calloc(capacity, sizeof *slots);
    if (slots == NULL) return false;
    kw__tag_map before = *map;
    map->slots = slots;
    map->capacity = capacity;
    for (size_t i = 0; i < before.capacity; i++) {
        if (before.slots[i] != NULL) put(map, before.slots[i]);
    }
    kw__free(before.slots);
    return true;
}

/* The slot that holds the tag, or the empty one where its search ends. */
static size_t search(const kw__tag_map *map, uint64_t tag) {
    size_t at = home(map, tag);
    while (map->slots[at] != NULL && map->slots[at]->tag != tag)
        at = (at + 1) & (map->capacity - 1);
    return at;
}

kw__call *kw__tag_map_find(const kw__tag_map *map, uint64_t tag) {
    return map->capacity == 0 ? NULL : map->slots[search(map, tag)];
}

void kw__tag_map_add(kw__tag_map *map, kw__call *call) {
    put(map, call);
    map->count++;
}

void kw__tag_map_remove(kw__tag_map *map, uint64_t tag) {
    if (map->capacity == 0) return;
    size_t hole = search(map, tag), mask = map->capacity - 1;
    if (map->slots[hole] == NULL) return;
    map->count--;
    /* Whoever stands behind the hole and would be found through it moves up. */
    for (size_t at = (hole + 1) & mask; map->slots[at] != NULL; at = (at + 1) & mask) {
        size_t distance = (at - home(map, map->slots[at]->tag)) & mask;
        if (distance < ((at - hole) & mask)) continue;
        map->slots[hole] = map->slots[at];
        hole = at;
    }
    map->slots[hole] = NULL;
}

void kw__tag_map_free(kw__tag_map *map) {
    kw__free(map->slots);
    *map = (kw__tag_map){0};
}
