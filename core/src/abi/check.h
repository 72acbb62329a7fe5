/* Checks of arguments, before anything is done with them. Each names the argument and says what to do. */
#ifndef KW__CHECK_H
#define KW__CHECK_H

#include "engine/object.h"

#define KW__CHECK(expression)                                                                                          \
    do {                                                                                                               \
        kw_status checked_ = (expression);                                                                             \
        if (checked_ != KW_OK) return checked_;                                                                        \
    } while (0)

#define kw__check_handle(handle, name, error) kw__check_object((handle) == NULL ? NULL : &(handle)->object, name, error)

/* Not NULL, and of this process: the parent's handles are refused before any lock is touched. */
kw_status kw__check_object(const kw__object *object, const char *name, kw_error *error);
kw_status kw__check_pointer(const void *pointer, const char *name, kw_error *error);
kw_status kw__check_name(const void *data, size_t length, const char *name, kw_error *error);
kw_status kw__check_key(const void *data, size_t length, const char *name, kw_error *error);
kw_status kw__check_bytes(const void *data, size_t length, size_t most, const char *name, kw_error *error);
kw_status kw__check_range(int64_t value, int64_t least, int64_t most, const char *name, kw_error *error);
kw_status kw__check_timeout(int64_t timeout_us, kw_error *error);
/* The size field of a structure that grows from version to version; NULL stands for no structure. */
kw_status kw__check_size(const uint32_t *size, const char *name, kw_error *error);
/* Arguments and results of a call of many: `least` is the size of one argument structure of this version. */
kw_status kw__check_items(const void *items, size_t count, size_t least, const void *results, kw_error *error);
/* What became of the check of one of several: an error says of which. */
kw_status kw__check_at(kw_status status, size_t place, kw_error *error);
/* The same of several calls that are one argument of another. */
kw_status kw__check_calls(const void *calls, size_t count, int64_t fewest, int64_t most, size_t least, const char *name,
                          kw_error *error);

#endif
