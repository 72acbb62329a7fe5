/* What scenarios of unique counters say. */
#include <string.h>

#include "support/test.h"
#include "support/vectors/vectors.h"

static kw_status open_unique(kw_client *client, const json_t *spec, void **object, kw_error *error) {
    kw_unique_options options = {
        .size = sizeof options,
        .exact_until = vector_number(spec, "exact_until"),
        .ttl_us = vector_number(spec, "ttl_us"),
        .sliding = vector_number(spec, "sliding"),
    };
    size_t length;
    const char *name = vector_bytes(spec, "name", &length);
    kw_unique *unique = NULL;
    kw_status status = kw_unique_open(client, name, length, &options, &unique, error);
    *object = unique;
    return status;
}

static void free_unique(void *object) {
    kw_unique_free(object);
}

static void tell(json_t *answers, const kw_cardinality *seen) {
    static const char *const novelties[] = {"KNOWN", "NEW", "UNTOLD"};
    assert_in_range(seen->novelty, 0, 2);
    json_t *fields = json_object();
    json_object_set_new(fields, "status", json_string(kw_status_name(seen->status)));
    json_object_set_new(fields, "novelty", json_string(novelties[seen->novelty]));
    json_object_set_new(fields, "members", json_integer(seen->members));
    json_object_set_new(fields, "exact", json_integer(seen->exact));
    json_object_set_new(fields, "expires_after_us", vector_duration(seen->expires_after_us));
    json_array_append_new(answers, fields);
}

static kw_status call_add(void *object, vector_call *call) {
    size_t length, member_length;
    const char *key = vector_key(call->step, &length), *member = vector_bytes(call->step, "member", &member_length);
    kw_cardinality seen;
    kw_status status = kw_unique_add(object, key, length, member, member_length, 0, &seen, &call->error);
    tell(call->answers, &seen);
    return status;
}

static kw_status call_count(void *object, vector_call *call) {
    size_t length;
    const char *key = vector_key(call->step, &length);
    kw_cardinality seen;
    kw_status status = kw_unique_count(object, key, length, 0, &seen, &call->error);
    tell(call->answers, &seen);
    return status;
}

static kw_status call_add_many(void *object, vector_call *call) {
    static kw_unique_add_args items[VECTOR_ITEMS_MAX];
    static kw_cardinality seen[VECTOR_ITEMS_MAX];
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(call->step, "items"), i, item) {
        assert_true(i < VECTOR_ITEMS_MAX);
        items[i] = (kw_unique_add_args){.size = sizeof *items};
        items[i].key = vector_bytes(item, "key", &items[i].key_length);
        items[i].member = vector_bytes(item, "member", &items[i].member_length);
    }
    kw_status status = kw_unique_add_many(object, items, i, 0, seen, &call->error);
    for (size_t j = 0; j < i; j++)
        tell(call->answers, &seen[j]);
    return status;
}

static kw_status call_count_many(void *object, vector_call *call) {
    static kw_unique_count_args items[VECTOR_ITEMS_MAX];
    static kw_cardinality seen[VECTOR_ITEMS_MAX];
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(call->step, "items"), i, item) {
        assert_true(i < VECTOR_ITEMS_MAX);
        items[i] = (kw_unique_count_args){.size = sizeof *items};
        items[i].key = vector_bytes(item, "key", &items[i].key_length);
    }
    kw_status status = kw_unique_count_many(object, items, i, 0, seen, &call->error);
    for (size_t j = 0; j < i; j++)
        tell(call->answers, &seen[j]);
    return status;
}

static kw_status call_reset(void *object, vector_call *call) {
    size_t length;
    const char *key = vector_key(call->step, &length);
    return kw_unique_reset(object, key, length, 0, &call->error);
}

const vector_words vector_unique = {
    .module = "unique",
    .must_open = (const char *const[]){"name", NULL},
    .may_open = (const char *const[]){"exact_until", "ttl_us", "sliding", NULL},
    .operations =
        (const vector_operation[]){
            {"add", (const char *const[]){"key", "member", NULL}, true, call_add},
            {"count", (const char *const[]){"key", NULL}, true, call_count},
            {"add_many", (const char *const[]){"items", NULL}, true, call_add_many,
             .item = (const char *const[]){"key", "member", NULL}},
            {"count_many", (const char *const[]){"items", NULL}, true, call_count_many,
             .item = (const char *const[]){"key", NULL}},
            {"reset", (const char *const[]){"key", NULL}, false, call_reset},
            {0},
        },
    .fields = (const char *const[]){"status", "novelty", "members", "exact", "expires_after_us", NULL},
    .zero = (const char *const[]){NULL},
    .record = "cardinality",
    .open = open_unique,
    .free = free_unique,
};
