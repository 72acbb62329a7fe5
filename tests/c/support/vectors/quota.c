/* What scenarios of quotas say. */
#include <string.h>

#include "support/test.h"
#include "support/vectors/vectors.h"

static kw_status open_quota(kw_client *client, const json_t *spec, void **object, kw_error *error) {
    static const char *const periods[] = {"day", "week", "month", "year", NULL};
    kw_quota_options options = {
        .size = sizeof options,
        .period = vector_named(spec, "period", periods),
        .zone_minutes = (int32_t)vector_number(spec, "zone_minutes"),
    };
    size_t length;
    const char *name = vector_bytes(spec, "name", &length);
    kw_quota *quota = NULL;
    kw_status status = kw_quota_open(client, name, length, vector_number(spec, "limit"), &options, &quota, error);
    *object = quota;
    return status;
}

static void free_quota(void *object) {
    kw_quota_free(object);
}

static void tell(json_t *answers, const kw_usage *usage) {
    static const char *const periods[] = {"DAY", "WEEK", "MONTH", "YEAR"};
    assert_in_range(usage->period, 0, 3);
    json_t *fields = json_object();
    json_object_set_new(fields, "status", json_string(kw_status_name(usage->status)));
    json_object_set_new(fields, "period", json_string(periods[usage->period]));
    json_object_set_new(fields, "count", json_integer(usage->count));
    json_object_set_new(fields, "limit", json_integer(usage->limit));
    json_object_set_new(fields, "used", json_integer(usage->used));
    json_object_set_new(fields, "remaining", json_integer(usage->remaining));
    json_object_set_new(fields, "retry_after_us", vector_duration(usage->retry_after_us));
    json_object_set_new(fields, "reset_after_us", vector_duration(usage->reset_after_us));
    json_object_set_new(fields, "resets_at_us", json_integer(usage->resets_at_us));
    json_array_append_new(answers, fields);
}

static kw_status call_consume(void *object, vector_call *call) {
    size_t length;
    const char *key = vector_key(call->step, &length);
    kw_usage usage;
    kw_status status =
        kw_quota_consume(object, key, length, vector_number(call->step, "cost"), 0, &usage, &call->error);
    tell(call->answers, &usage);
    return status;
}

static kw_status call_peek(void *object, vector_call *call) {
    size_t length;
    const char *key = vector_key(call->step, &length);
    kw_usage usage;
    kw_status status = kw_quota_peek(object, key, length, vector_number(call->step, "cost"), 0, &usage, &call->error);
    tell(call->answers, &usage);
    return status;
}

static kw_status call_consume_many(void *object, vector_call *call) {
    static kw_quota_consume_args items[VECTOR_ITEMS_MAX];
    static kw_usage usages[VECTOR_ITEMS_MAX];
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(call->step, "items"), i, item) {
        assert_true(i < VECTOR_ITEMS_MAX);
        items[i] = (kw_quota_consume_args){.size = sizeof *items, .cost = vector_number(item, "cost")};
        items[i].key = vector_bytes(item, "key", &items[i].key_length);
    }
    kw_status status = kw_quota_consume_many(object, items, i, 0, usages, &call->error);
    for (size_t j = 0; j < i; j++)
        tell(call->answers, &usages[j]);
    return status;
}

static kw_status call_reserve(void *object, vector_call *call) {
    size_t length, id_length;
    const char *key = vector_key(call->step, &length), *id = vector_bytes(call->step, "id", &id_length);
    kw_usage usage;
    kw_status status = kw_quota_reserve(object, key, length, vector_number(call->step, "cost"), id, id_length,
                                        vector_number(call->step, "lease_us"), 0, &usage, &call->error);
    tell(call->answers, &usage);
    return status;
}

static kw_status call_commit(void *object, vector_call *call) {
    size_t length, id_length;
    const char *key = vector_key(call->step, &length), *id = vector_bytes(call->step, "id", &id_length);
    kw_usage usage;
    kw_status status = kw_quota_commit(object, key, length, id, id_length, vector_number(call->step, "actual"), 0,
                                       &usage, &call->error);
    tell(call->answers, &usage);
    return status;
}

static kw_status call_cancel(void *object, vector_call *call) {
    size_t length, id_length;
    const char *key = vector_key(call->step, &length), *id = vector_bytes(call->step, "id", &id_length);
    kw_usage usage;
    kw_status status = kw_quota_cancel(object, key, length, id, id_length, 0, &usage, &call->error);
    tell(call->answers, &usage);
    return status;
}

static kw_status call_refund(void *object, vector_call *call) {
    size_t length;
    const char *key = vector_key(call->step, &length);
    return kw_quota_refund(object, key, length, vector_number(call->step, "count"),
                           vector_number(call->step, "resets_at_us"), 0, &call->error);
}

static kw_status call_reset(void *object, vector_call *call) {
    size_t length;
    const char *key = vector_key(call->step, &length);
    return kw_quota_reset(object, key, length, 0, &call->error);
}

const vector_words vector_quota = {
    .module = "quota",
    .must_open = (const char *const[]){"name", "limit", NULL},
    .may_open = (const char *const[]){"period", "zone_minutes", NULL},
    .operations =
        (const vector_operation[]){
            {"consume", (const char *const[]){"key", "cost", NULL}, true, call_consume},
            {"peek", (const char *const[]){"key", "cost", NULL}, true, call_peek},
            {"consume_many", (const char *const[]){"items", NULL}, true, call_consume_many,
             .item = (const char *const[]){"key", "cost", NULL}},
            {"reserve", (const char *const[]){"key", "cost", "id", "lease_us", NULL}, true, call_reserve},
            {"commit", (const char *const[]){"key", "id", "actual", NULL}, true, call_commit},
            {"cancel", (const char *const[]){"key", "id", NULL}, true, call_cancel},
            {"refund", (const char *const[]){"key", "count", "resets_at_us", NULL}, false, call_refund},
            {"reset", (const char *const[]){"key", NULL}, false, call_reset},
            {0},
        },
    .fields = (const char *const[]){"status", "period", "count", "limit", "used", "remaining", "retry_after_us",
                                    "reset_after_us", "resets_at_us", NULL},
    .zero = (const char *const[]){NULL},
    .record = "usage",
    .open = open_quota,
    .free = free_quota,
};
