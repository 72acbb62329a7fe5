/* Lists: what an operation answers that has several things to tell, in one block without pointers, so that it may be
 * copied. */
#ifndef KW__LIST_H
#define KW__LIST_H

#include <stdbool.h>

#include "base/bytes.h"
#include "keywright.h"

/* A list of `count` items of `step` bytes with room for `bytes` more behind them; NULL when there is no memory. */
kw_list *kw__list_make(size_t count, size_t step, size_t bytes);

/* Fills a list's room: *used counts what is taken of it, from 0. Returns the offset of the copy. */
int64_t kw__list_put(kw_list *list, size_t *used, kw__bytes bytes);

/* An item to be filled in. */
void *kw__list_at(kw_list *list, size_t index);

const void *kw__list_item(const kw_list *list, int64_t index);
const void *kw__list_data(const kw_list *list, int64_t offset);
void kw__list_free(kw_list *list);

#endif
