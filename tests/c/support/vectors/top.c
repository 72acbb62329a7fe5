/* What scenarios of tops say. */
#include <string.h>

#include "support/test.h"
#include "support/vectors/vectors.h"

static kw_status open_top(kw_client *client, const json_t *spec, void **object, kw_error *error) {
    kw_top_options options = {
        .size = sizeof options,
        .keep = vector_number(spec, "keep"),
        .ttl_us = vector_number(spec, "ttl_us"),
        .sliding = vector_number(spec, "sliding"),
    };
    size_t length;
    const char *name = vector_bytes(spec, "name", &length);
    kw_top *top = NULL;
    kw_status status = kw_top_open(client, name, length, &options, &top, error);
    *object = top;
    return status;
}

static void free_top(void *object) {
    kw_top_free(object);
}

static void tell(json_t *answers, const kw_standing *standing) {
    json_t *fields = json_object();
    json_object_set_new(fields, "status", json_string(kw_status_name(standing->status)));
    json_object_set_new(fields, "rank", json_integer(standing->rank));
    json_object_set_new(fields, "score", json_integer(standing->score));
    json_object_set_new(fields, "size", json_integer(standing->size));
    json_object_set_new(fields, "expires_after_us", vector_duration(standing->expires_after_us));
    json_array_append_new(answers, fields);
}

static kw_status listed(vector_call *call, kw_status status, kw_list *list) {
    for (int64_t i = 0; list != NULL && i < list->count; i++) {
        const kw_top_entry *entry = kw_list_item(list, i);
        json_t *fields = json_object();
        json_object_set_new(fields, "rank", json_integer(entry->rank));
        json_object_set_new(fields, "score", json_integer(entry->score));
        vector_tell_bytes(fields, "member", kw_list_data(list, entry->member_offset), (size_t)entry->member_length);
        json_array_append_new(call->answers, fields);
    }
    kw_list_free(list);
    return status;
}

static kw_status call_add(void *object, vector_call *call) {
    size_t length, member_length;
    const char *key = vector_key(call->step, &length), *member = vector_bytes(call->step, "member", &member_length);
    kw_standing standing;
    kw_status status = kw_top_add(object, key, length, member, member_length, vector_number(call->step, "delta"), 0,
                                  &standing, &call->error);
    tell(call->answers, &standing);
    return status;
}

static kw_status call_standing(void *object, vector_call *call) {
    size_t length, member_length;
    const char *key = vector_key(call->step, &length), *member = vector_bytes(call->step, "member", &member_length);
    kw_standing standing;
    kw_status status = kw_top_standing(object, key, length, member, member_length, 0, &standing, &call->error);
    tell(call->answers, &standing);
    return status;
}

static kw_status call_best(void *object, vector_call *call) {
    size_t length;
    const char *key = vector_key(call->step, &length);
    kw_list *list = NULL;
    kw_status status = kw_top_best(object, key, length, vector_number(call->step, "count"), 0, &list, &call->error);
    return listed(call, status, list);
}

static kw_status call_around(void *object, vector_call *call) {
    size_t length, member_length;
    const char *key = vector_key(call->step, &length), *member = vector_bytes(call->step, "member", &member_length);
    kw_list *list = NULL;
    kw_status status = kw_top_around(object, key, length, member, member_length, vector_number(call->step, "count"), 0,
                                     &list, &call->error);
    return listed(call, status, list);
}

static kw_status call_add_many(void *object, vector_call *call) {
    static kw_top_add_args items[VECTOR_ITEMS_MAX];
    static kw_standing standings[VECTOR_ITEMS_MAX];
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(call->step, "items"), i, item) {
        assert_true(i < VECTOR_ITEMS_MAX);
        items[i] = (kw_top_add_args){.size = sizeof *items, .delta = vector_number(item, "delta")};
        items[i].key = vector_bytes(item, "key", &items[i].key_length);
        items[i].member = vector_bytes(item, "member", &items[i].member_length);
    }
    kw_status status = kw_top_add_many(object, items, i, 0, standings, &call->error);
    for (size_t j = 0; j < i; j++)
        tell(call->answers, &standings[j]);
    return status;
}

static kw_status call_standing_many(void *object, vector_call *call) {
    static kw_top_standing_args items[VECTOR_ITEMS_MAX];
    static kw_standing standings[VECTOR_ITEMS_MAX];
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(call->step, "items"), i, item) {
        assert_true(i < VECTOR_ITEMS_MAX);
        items[i] = (kw_top_standing_args){.size = sizeof *items};
        items[i].key = vector_bytes(item, "key", &items[i].key_length);
        items[i].member = vector_bytes(item, "member", &items[i].member_length);
    }
    kw_status status = kw_top_standing_many(object, items, i, 0, standings, &call->error);
    for (size_t j = 0; j < i; j++)
        tell(call->answers, &standings[j]);
    return status;
}

static kw_status call_remove(void *object, vector_call *call) {
    size_t length, member_length;
    const char *key = vector_key(call->step, &length), *member = vector_bytes(call->step, "member", &member_length);
    return kw_top_remove(object, key, length, member, member_length, 0, &call->error);
}

static kw_status call_reset(void *object, vector_call *call) {
    size_t length;
    const char *key = vector_key(call->step, &length);
    return kw_top_reset(object, key, length, 0, &call->error);
}

const vector_words vector_top = {
    .module = "top",
    .must_open = (const char *const[]){"name", NULL},
    .may_open = (const char *const[]){"keep", "ttl_us", "sliding", NULL},
    .operations =
        (const vector_operation[]){
            {"add", (const char *const[]){"key", "member", "delta", NULL}, true, call_add},
            {"standing", (const char *const[]){"key", "member", NULL}, true, call_standing},
            {"best", (const char *const[]){"key", "count", NULL}, true, call_best,
             .entry = (const char *const[]){"rank", "score", "member", NULL}},
            {"around", (const char *const[]){"key", "member", "count", NULL}, true, call_around,
             .entry = (const char *const[]){"rank", "score", "member", NULL}},
            {"add_many", (const char *const[]){"items", NULL}, true, call_add_many,
             .item = (const char *const[]){"key", "member", "delta", NULL}},
            {"standing_many", (const char *const[]){"items", NULL}, true, call_standing_many,
             .item = (const char *const[]){"key", "member", NULL}},
            {"remove", (const char *const[]){"key", "member", NULL}, false, call_remove},
            {"reset", (const char *const[]){"key", NULL}, false, call_reset},
            {0},
        },
    .fields = (const char *const[]){"status", "rank", "score", "size", "expires_after_us", NULL},
    .zero = (const char *const[]){NULL},
    .record = "standing",
    .open = open_top,
    .free = free_top,
};
