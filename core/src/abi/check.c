#include "abi/check.h"

#include "engine/client.h"

#define MOST_ITEMS ((size_t)1 << 20)

kw_status kw__check_object(const kw__object *object, const char *name, kw_error *error) {
    if (object == NULL) {
        return kw__fail(error, KW_INVALID, KW_REASON_NULL_HANDLE,
                        "%s is NULL: was it opened, and was the opening's status looked at?", name);
    }
    if (kw__client_is_forked(object->client)) {
        return kw__fail(error, KW_FORKED, KW_REASON_NONE,
                        "%s belongs to the parent process: open a client of your own after fork()", name);
    }
    return KW_OK;
}

kw_status kw__check_pointer(const void *pointer, const char *name, kw_error *error) {
    if (pointer != NULL) return KW_OK;
    return kw__fail(error, KW_INVALID, KW_REASON_NULL_ARGUMENT, "%s is NULL: it must be given", name);
}

static kw_status check_data(const void *data, size_t length, const char *name, kw_error *error) {
    if (data != NULL || length == 0) return KW_OK;
    return kw__fail(error, KW_INVALID, KW_REASON_NULL_ARGUMENT, "%s is NULL though its length is %zu", name, length);
}

kw_status kw__check_name(const void *data, size_t length, const char *name, kw_error *error) {
    if (length == 0 || length > KW_MAX_NAME) {
        return kw__fail(error, KW_INVALID, KW_REASON_NAME_LENGTH, "%s has %zu bytes: it must have 1 to %d", name,
                        length, KW_MAX_NAME);
    }
    return check_data(data, length, name, error);
}

kw_status kw__check_key(const void *data, size_t length, const char *name, kw_error *error) {
    if (length > KW_MAX_KEY) {
        return kw__fail(error, KW_INVALID, KW_REASON_KEY_LENGTH,
                        "%s has %zu bytes: at most %d are allowed; hash longer ones", name, length, KW_MAX_KEY);
    }
    return check_data(data, length, name, error);
}

kw_status kw__check_bytes(const void *data, size_t length, size_t most, const char *name, kw_error *error) {
    if (length > most) {
        return kw__fail(error, KW_INVALID, KW_REASON_RANGE, "%s has %zu bytes: at most %zu are allowed", name, length,
                        most);
    }
    return check_data(data, length, name, error);
}

kw_status kw__check_range(int64_t value, int64_t least, int64_t most, const char *name, kw_error *error) {
    if (value >= least && value <= most) return KW_OK;
    return kw__fail(error, KW_INVALID, KW_REASON_RANGE, "%s is %lld: it must lie between %lld and %lld", name,
                    (long long)value, (long long)least, (long long)most);
}

kw_status kw__check_timeout(int64_t timeout_us, kw_error *error) {
    if (timeout_us >= 0) return KW_OK;
    return kw__fail(error, KW_INVALID, KW_REASON_TIMEOUT,
                    "the timeout is %lld us: give microseconds, KW_DEFAULT_TIMEOUT or KW_FOREVER",
                    (long long)timeout_us);
}

kw_status kw__check_size(const uint32_t *size, const char *name, kw_error *error) {
    if (size == NULL || *size >= 2 * sizeof(uint32_t)) return KW_OK;
    return kw__fail(error, KW_INVALID, KW_REASON_STRUCT_SIZE, "%s->size is %u: set it to the sizeof of its structure",
                    name, (unsigned)*size);
}

/* The size of the first of several structures, which is the step to the next. */
static kw_status check_first(const void *first, size_t least, const char *name, kw_error *error) {
    uint32_t size;
    memcpy(&size, first, sizeof size);
    if (size >= least) return KW_OK;
    return kw__fail(error, KW_INVALID, KW_REASON_STRUCT_SIZE, "%s[0].size is %u: set it to the sizeof of its structure",
                    name, (unsigned)size);
}

kw_status kw__check_items(const void *items, size_t count, size_t least, const void *results, kw_error *error) {
    if (count == 0) return KW_OK;
    if (count > MOST_ITEMS) {
        return kw__fail(error, KW_INVALID, KW_REASON_RANGE, "%zu items are too many for one call: at most %zu", count,
                        MOST_ITEMS);
    }
    kw_status status = kw__check_pointer(items, "items", error);
    if (status == KW_OK) status = kw__check_pointer(results, "results", error);
    if (status != KW_OK) return status;
    return check_first(items, least, "items", error);
}

kw_status kw__check_at(kw_status status, size_t place, kw_error *error) {
    if (status != KW_OK && error != NULL) error->position = (int64_t)place;
    return status;
}

kw_status kw__check_calls(const void *calls, size_t count, int64_t fewest, int64_t most, size_t least, const char *name,
                          kw_error *error) {
    if (count < (size_t)fewest || count > (size_t)most) {
        return kw__fail(error, KW_INVALID, KW_REASON_RANGE, "%zu %s were given: there must be %lld to %lld", count,
                        name, (long long)fewest, (long long)most);
    }
    kw_status status = kw__check_pointer(calls, name, error);
    return status == KW_OK ? check_first(calls, least, name, error) : status;
}
