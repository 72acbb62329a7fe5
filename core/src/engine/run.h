/* Blocking calls: the caller's own thread writes, reads for all who share the link, and waits. */
#ifndef KW__RUN_H
#define KW__RUN_H

#include "engine/completions.h"
#include "engine/row.h"

kw_status kw__run(kw__object *object, const kw__row *row, const void *args, int64_t timeout_us, void *result,
                  kw_error *error);

/* Interrupted calls: see the public header. A NULL error is refused where another interruption could not be named. */
kw_status kw__call_resume(kw_client *client, uint64_t number, void *result, size_t result_size, kw_error *error);
kw_status kw__call_cancel(kw_client *client, uint64_t number, kw_error *error);
/* The client is going: ends those that nobody came back to. */
void kw__run_end_interrupted(kw_client *client);

/* The most that an argument record of what comes in many may take; each such operation asserts it. */
#define KW__LARGEST_ARGS 512

/* Many arguments, each `step` bytes after the one before; read checks one and fills an argument record from it. */
typedef struct kw__items {
    const void *first;
    size_t count;
    size_t step;
    kw_status (*read)(const void *item, void *args, kw_error *error);
} kw__items;

/*
 * Many one-step calls, written together and waited for together. Each result record begins with its status. All items
 * are checked before the first is sent.
 */
kw_status kw__run_many(kw__object *object, const kw__row *row, const kw__items *items, int64_t timeout_us,
                       void *results, kw_error *error);
/* Writes a status into each result record, of `step` bytes, and returns it: none of them may read as a yes. */
kw_status kw__refuse_many(void *results, size_t count, size_t step, kw_status status);

#endif
