#include "base/list.h"

#include "base/memory.h"

static size_t aligned(size_t size) {
    return (size + 7) & ~(size_t)7;
}

kw_list *kw__list_make(size_t count, size_t step, size_t bytes) {
    size_t size = aligned(sizeof(kw_list) + count * step + bytes);
    kw_list *list = kw__calloc(1, size);
    if (list == NULL) return NULL;
    *list = (kw_list){.count = (int64_t)count, .first = sizeof *list, .step = (int64_t)step, .size = (int64_t)size};
    return list;
}

int64_t kw__list_put(kw_list *list, size_t *used, kw__bytes bytes) {
    int64_t offset = list->first + list->count * list->step + (int64_t)*used;
    if (bytes.length > 0) memcpy((char *)list + offset, bytes.data, bytes.length);
    *used += bytes.length;
    return offset;
}

void *kw__list_at(kw_list *list, size_t index) {
    return (char *)list + list->first + (int64_t)index * list->step;
}

const void *kw__list_item(const kw_list *list, int64_t index) {
    if (list == NULL || index < 0 || index >= list->count) return NULL;
    return (const char *)list + list->first + index * list->step;
}

const void *kw__list_data(const kw_list *list, int64_t offset) {
    if (list == NULL || offset < 0 || offset > list->size) return NULL;
    return (const char *)list + offset;
}

void kw__list_free(kw_list *list) {
    kw__free(list);
}
