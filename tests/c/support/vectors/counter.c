/* What scenarios of counters say. */
#include <string.h>

#include "support/test.h"
#include "support/vectors/vectors.h"

static kw_status open_counter(kw_client *client, const json_t *spec, void **object, kw_error *error) {
    static const char *const bounds[] = {"none", "min", "max", "both", NULL};
    static const char *const on_bounds[] = {"reject", "saturate", NULL};
    static const char *const expiries[] = {"on_create", "sliding", "day", "week", "month", "year", NULL};
    kw_counter_options options = {
        .size = sizeof options,
        .bounds = vector_named(spec, "bounds", bounds),
        .on_bound = vector_named(spec, "on_bound", on_bounds),
        .min = vector_number(spec, "min"),
        .max = vector_number(spec, "max"),
        .expiry = vector_named(spec, "expiry", expiries),
        .zone_minutes = vector_number(spec, "zone_minutes"),
        .ttl_us = vector_number(spec, "ttl_us"),
        .window_us = vector_number(spec, "window_us"),
        .buckets = vector_number(spec, "buckets"),
        .shards = vector_number(spec, "shards"),
        .remember_us = vector_number(spec, "remember_us"),
        .remember_max = vector_number(spec, "remember_max"),
    };
    size_t length;
    const char *name = vector_bytes(spec, "name", &length);
    kw_counter *counter = NULL;
    kw_status status = kw_counter_open(client, name, length, &options, &counter, error);
    *object = counter;
    return status;
}

static void free_counter(void *object) {
    kw_counter_free(object);
}

static void tell_count(json_t *answers, const kw_count *count) {
    json_t *fields = json_object();
    json_object_set_new(fields, "status", json_string(kw_status_name(count->status)));
    json_object_set_new(fields, "value", json_integer(count->value));
    json_object_set_new(fields, "applied", json_integer(count->applied));
    json_object_set_new(fields, "expires_after_us", vector_duration(count->expires_after_us));
    json_object_set_new(fields, "duplicate", json_integer(count->duplicate));
    json_array_append_new(answers, fields);
}

static kw_status counted(vector_call *call, kw_status status, const kw_count *count) {
    memcpy(call->kept, count, sizeof *count);
    tell_count(call->answers, count);
    return status;
}

static kw_status call_add(void *object, vector_call *call) {
    size_t length;
    const char *key = vector_key(call->step, &length);
    kw_count made;
    kw_status status = kw_counter_add(object, key, length, vector_number(call->step, "amount"), 0, &made, &call->error);
    return counted(call, status, &made);
}

static kw_status call_add_once(void *object, vector_call *call) {
    size_t length, once_length;
    const char *key = vector_key(call->step, &length), *once = vector_bytes(call->step, "once", &once_length);
    kw_count made;
    kw_status status = kw_counter_add_once(object, key, length, once, once_length, vector_number(call->step, "amount"),
                                           0, &made, &call->error);
    return counted(call, status, &made);
}

static kw_status call_value(void *object, vector_call *call) {
    size_t length;
    const char *key = vector_key(call->step, &length);
    kw_count made;
    kw_status status = kw_counter_value(object, key, length, 0, &made, &call->error);
    return counted(call, status, &made);
}

static kw_status call_take(void *object, vector_call *call) {
    size_t length;
    const char *key = vector_key(call->step, &length);
    kw_count made;
    kw_status status = kw_counter_take(object, key, length, 0, &made, &call->error);
    return counted(call, status, &made);
}

static kw_status call_take_once(void *object, vector_call *call) {
    size_t length, once_length;
    const char *key = vector_key(call->step, &length), *once = vector_bytes(call->step, "once", &once_length);
    kw_count made;
    kw_status status = kw_counter_take_once(object, key, length, once, once_length, 0, &made, &call->error);
    return counted(call, status, &made);
}

static kw_status call_add_many(void *object, vector_call *call) {
    static kw_counter_add_args items[VECTOR_ITEMS_MAX];
    static kw_count made[VECTOR_ITEMS_MAX];
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(call->step, "items"), i, item) {
        assert_true(i < VECTOR_ITEMS_MAX && json_object_get(item, "key") != NULL);
        items[i] = (kw_counter_add_args){.size = sizeof *items, .amount = vector_number(item, "amount")};
        items[i].key = vector_bytes(item, "key", &items[i].key_length);
    }
    kw_status status = kw_counter_add_many(object, items, i, 0, made, &call->error);
    for (size_t j = 0; j < i; j++)
        tell_count(call->answers, &made[j]);
    return status;
}

static kw_status call_set(void *object, vector_call *call) {
    size_t length;
    const char *key = vector_key(call->step, &length);
    return kw_counter_set(object, key, length, vector_number(call->step, "value"), 0, &call->error);
}

static kw_status call_reset(void *object, vector_call *call) {
    size_t length;
    const char *key = vector_key(call->step, &length);
    return kw_counter_reset(object, key, length, 0, &call->error);
}

const vector_words vector_counter = {
    .module = "counter",
    .must_open = (const char *const[]){"name", NULL},
    .may_open = (const char *const[]){"bounds", "on_bound", "min", "max", "expiry", "zone_minutes", "ttl_us",
                                      "window_us", "buckets", "shards", "remember_us", "remember_max", NULL},
    .operations =
        (const vector_operation[]){
            {"add", (const char *const[]){"key", "amount", NULL}, true, call_add},
            {"add_once", (const char *const[]){"key", "once", "amount", NULL}, true, call_add_once},
            {"value", (const char *const[]){"key", NULL}, true, call_value},
            {"take", (const char *const[]){"key", NULL}, true, call_take},
            {"take_once", (const char *const[]){"key", "once", NULL}, true, call_take_once},
            {"add_many", (const char *const[]){"items", NULL}, true, call_add_many,
             .item = (const char *const[]){"key", "amount", NULL}},
            {"set", (const char *const[]){"key", "value", NULL}, false, call_set},
            {"reset", (const char *const[]){"key", NULL}, false, call_reset},
            {0},
        },
    .fields = (const char *const[]){"status", "value", "applied", "expires_after_us", "duplicate", NULL},
    .zero = (const char *const[]){NULL},
    .record = "count",
    .open = open_counter,
    .free = free_counter,
};
