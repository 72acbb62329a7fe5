/* What scenarios of limiters say. */
#include <string.h>

#include "support/test.h"
#include "support/vectors/vectors.h"

static kw_status open_limiter(kw_client *client, const json_t *spec, void **object, kw_error *error) {
    static const char *const algorithms[] = {"gcra",        "fixed_window", "sliding_counter",
                                             "sliding_log", "concurrency",  NULL};
    static const char *const aligns[] = {"first_hit", "clock", "calendar", NULL};
    kw_limiter_options options = {
        .size = sizeof options,
        .algorithm = vector_named(spec, "algorithm", algorithms),
        .align = vector_named(spec, "align", aligns),
        .zone_offset = (int32_t)vector_number(spec, "zone_offset"),
        .shadow = (int32_t)vector_number(spec, "shadow"),
        .charge_denials = (int32_t)vector_number(spec, "charge_denials"),
        .reservations = (int32_t)vector_number(spec, "reservations"),
        .max_wait_us = vector_number(spec, "max_wait_us"),
        .block_us = vector_number(spec, "block_us"),
        .block_max_us = vector_number(spec, "block_max_us"),
        .lease_us = vector_number(spec, "lease_us"),
        .overrides_us = vector_number(spec, "overrides_us"),
        .token_lease = vector_number(spec, "token_lease"),
        .token_ttl_us = vector_number(spec, "token_ttl_us"),
    };
    size_t length;
    const char *name = vector_bytes(spec, "name", &length);
    const char *limits = json_string_value(json_object_get(spec, "limits"));
    kw_limiter *limiter = NULL;
    kw_status status = kw_limiter_open(client, name, length, limits, &options, &limiter, error);
    *object = limiter;
    return status;
}

static void free_limiter(void *object) {
    kw_limiter_free(object);
}

void vector_tell_decision(json_t *answers, const kw_decision *decision) {
    static const char *const reasons[] = {
        [KW_DECIDED_BY_SERVER] = "SERVER",
        [KW_DECIDED_BY_SHADOW] = "SHADOW",
        [KW_DECIDED_BY_BLOCK] = "BLOCK",
        [KW_DECIDED_BY_TOKEN_LEASE] = "TOKEN_LEASE",
    };
    assert_in_range(decision->reason, 0, sizeof reasons / sizeof *reasons - 1);
    assert_non_null(reasons[decision->reason]);
    json_t *fields = json_object();
    json_object_set_new(fields, "status", json_string(kw_status_name(decision->status)));
    json_object_set_new(fields, "reason", json_string(reasons[decision->reason]));
    json_object_set_new(fields, "denied_by", json_integer(decision->denied_by));
    json_object_set_new(fields, "limits", json_integer(decision->limits));
    json_object_set_new(fields, "binding", json_integer(decision->binding));
    json_object_set_new(fields, "decided_at_us", json_integer(decision->decided_at_us));
    json_object_set_new(fields, "lease", json_integer(decision->lease));
    json_object_set_new(fields, "count", json_integer(decision->count));
    json_object_set_new(fields, "limit", json_integer(decision->limit));
    json_object_set_new(fields, "remaining", json_integer(decision->remaining));
    json_object_set_new(fields, "retry_after_us", vector_duration(decision->retry_after_us));
    json_object_set_new(fields, "reset_after_us", vector_duration(decision->reset_after_us));
    json_object_set_new(fields, "delay_us", vector_duration(decision->delay_us));
    json_array_append_new(answers, fields);
}

static kw_status decided(vector_call *call, kw_status status, const kw_decision *decision) {
    memcpy(call->kept, decision, sizeof *decision);
    vector_tell_decision(call->answers, decision);
    return status;
}

static kw_status call_hit(void *object, vector_call *call) {
    size_t length;
    const char *key = vector_bytes(call->step, "key", &length);
    kw_decision made;
    kw_status status = kw_limiter_hit(object, key, length, vector_number(call->step, "cost"), 0, &made, &call->error);
    return decided(call, status, &made);
}

static kw_status call_hit_up_to(void *object, vector_call *call) {
    size_t length;
    const char *key = vector_bytes(call->step, "key", &length);
    kw_decision made;
    kw_status status =
        kw_limiter_hit_up_to(object, key, length, vector_number(call->step, "cost"), 0, &made, &call->error);
    return decided(call, status, &made);
}

/* Whether the lease is held still is all of the answer. */
static kw_status call_renew(void *object, vector_call *call) {
    size_t length;
    const char *key = vector_bytes(call->step, "key", &length);
    kw_status status = kw_limiter_renew(object, key, length, call->given, 0, &call->error);
    json_t *fields = json_object();
    json_object_set_new(fields, "status", json_string(kw_status_name(status)));
    json_object_set_new(fields, "delay_us", json_integer(0));
    json_array_append_new(call->answers, fields);
    return status;
}

static kw_status call_release(void *object, vector_call *call) {
    size_t length;
    const char *key = vector_bytes(call->step, "key", &length);
    return kw_limiter_release(object, key, length, call->given, 0, &call->error);
}

static kw_status call_peek(void *object, vector_call *call) {
    size_t length;
    const char *key = vector_bytes(call->step, "key", &length);
    kw_decision made;
    kw_status status = kw_limiter_peek(object, key, length, vector_number(call->step, "cost"), 0, &made, &call->error);
    return decided(call, status, &made);
}

static kw_status call_wait(void *object, vector_call *call) {
    size_t length;
    const char *key = vector_bytes(call->step, "key", &length);
    kw_decision made;
    kw_status status = kw_limiter_wait(object, key, length, vector_number(call->step, "cost"),
                                       vector_number(call->step, "wait_us"), 0, &made, &call->error);
    return decided(call, status, &made);
}

static kw_status call_hit_many(void *object, vector_call *call) {
    static kw_limiter_hit_args items[VECTOR_ITEMS_MAX];
    static kw_decision made[VECTOR_ITEMS_MAX];
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(call->step, "items"), i, item) {
        assert_true(i < VECTOR_ITEMS_MAX && json_object_get(item, "key") != NULL);
        items[i] = (kw_limiter_hit_args){.size = sizeof *items, .cost = vector_number(item, "cost")};
        items[i].key = vector_bytes(item, "key", &items[i].key_length);
    }
    kw_status status = kw_limiter_hit_many(object, items, i, 0, made, &call->error);
    for (size_t j = 0; j < i; j++)
        vector_tell_decision(call->answers, &made[j]);
    return status;
}

static kw_status call_refund(void *object, vector_call *call) {
    size_t length;
    const char *key = vector_bytes(call->step, "key", &length);
    return kw_limiter_refund(object, key, length, call->given, vector_number(call->step, "count"), 0, &call->error);
}

static kw_status call_reserve(void *object, vector_call *call) {
    size_t length, id_length;
    const char *key = vector_bytes(call->step, "key", &length), *id = vector_bytes(call->step, "id", &id_length);
    kw_decision made;
    kw_status status = kw_limiter_reserve(object, key, length, vector_number(call->step, "cost"), id, id_length,
                                          vector_number(call->step, "lease_us"), 0, &made, &call->error);
    return decided(call, status, &made);
}

static kw_status call_commit(void *object, vector_call *call) {
    size_t length, id_length;
    const char *key = vector_bytes(call->step, "key", &length), *id = vector_bytes(call->step, "id", &id_length);
    kw_decision made;
    kw_status status = kw_limiter_commit(object, key, length, id, id_length, vector_number(call->step, "actual"), 0,
                                         &made, &call->error);
    return decided(call, status, &made);
}

static kw_status call_cancel(void *object, vector_call *call) {
    size_t length, id_length;
    const char *key = vector_bytes(call->step, "key", &length), *id = vector_bytes(call->step, "id", &id_length);
    kw_decision made;
    kw_status status = kw_limiter_cancel(object, key, length, id, id_length, 0, &made, &call->error);
    return decided(call, status, &made);
}

static kw_status call_reset(void *object, vector_call *call) {
    size_t length;
    const char *key = vector_bytes(call->step, "key", &length);
    return kw_limiter_reset(object, key, length, 0, &call->error);
}

static kw_status changed(vector_call *call, kw_status status, const kw_override_change *change) {
    json_t *fields = json_object();
    json_object_set_new(fields, "status", json_string(kw_status_name(change->status)));
    json_object_set_new(fields, "version", json_integer(change->version));
    json_object_set_new(fields, "ends_at_us", json_integer(change->ends_at_us));
    json_object_set_new(fields, "changed_at_us", json_integer(change->changed_at_us));
    json_array_append_new(call->answers, fields);
    return status;
}

static kw_status call_set_override(void *object, vector_call *call) {
    size_t length, limits_length;
    const char *key = vector_key(call->step, &length), *limits = vector_bytes(call->step, "limits", &limits_length);
    kw_override_change change;
    kw_status status = kw_limiter_set_override(object, key, length, limits, limits_length,
                                               vector_number(call->step, "ttl_us"), 0, &change, &call->error);
    return changed(call, status, &change);
}

static kw_status call_clear_override(void *object, vector_call *call) {
    size_t length;
    const char *key = vector_bytes(call->step, "key", &length);
    kw_override_change change;
    kw_status status = kw_limiter_clear_override(object, key, length, 0, &change, &call->error);
    return changed(call, status, &change);
}

static kw_status call_overrides(void *object, vector_call *call) {
    kw_list *list = NULL;
    kw_status status = kw_limiter_overrides(object, vector_number(call->step, "after"),
                                            vector_number(call->step, "count"), 0, &list, &call->error);
    for (int64_t i = 0; list != NULL && i < list->count; i++) {
        const kw_override *one = kw_list_item(list, i);
        json_t *fields = json_object();
        vector_tell_bytes(fields, "key", kw_list_data(list, one->key_offset), (size_t)one->key_length);
        vector_tell_bytes(fields, "limits", kw_list_data(list, one->limits_offset), (size_t)one->limits_length);
        json_object_set_new(fields, "version", json_integer(one->version));
        json_object_set_new(fields, "ends_at_us", json_integer(one->ends_at_us));
        json_array_append_new(call->answers, fields);
    }
    kw_list_free(list);
    return status;
}

const vector_words vector_limiter = {
    .module = "limiter",
    .must_open = (const char *const[]){"name", "limits", NULL},
    .may_open = (const char *const[]){"algorithm", "max_wait_us", "align", "zone_offset", "shadow", "charge_denials",
                                      "block_us", "block_max_us", "lease_us", "reservations", "overrides_us",
                                      "token_lease", "token_ttl_us", NULL},
    .operations =
        (const vector_operation[]){
            {"hit", (const char *const[]){"key", "cost", NULL}, true, call_hit},
            {"peek", (const char *const[]){"key", "cost", NULL}, true, call_peek},
            {"wait", (const char *const[]){"key", "cost", "wait_us", NULL}, true, call_wait},
            {"hit_up_to", (const char *const[]){"key", "cost", NULL}, true, call_hit_up_to},
            {"renew", (const char *const[]){"key", "decision", NULL}, true, call_renew},
            {"release", (const char *const[]){"key", "decision", NULL}, false, call_release},
            {"hit_many", (const char *const[]){"items", NULL}, true, call_hit_many,
             .item = (const char *const[]){"key", "cost", NULL}},
            {"refund", (const char *const[]){"key", "decision", "count", NULL}, false, call_refund},
            {"reserve", (const char *const[]){"key", "cost", "id", "lease_us", NULL}, true, call_reserve},
            {"commit", (const char *const[]){"key", "id", "actual", NULL}, true, call_commit},
            {"cancel", (const char *const[]){"key", "id", NULL}, true, call_cancel},
            {"reset", (const char *const[]){"key", NULL}, false, call_reset},
            {"set_override", (const char *const[]){"key", "limits", "ttl_us", NULL}, true, call_set_override},
            {"clear_override", (const char *const[]){"key", NULL}, true, call_clear_override},
            {"overrides", (const char *const[]){"after", "count", NULL}, true, call_overrides,
             .entry = (const char *const[]){"key", "limits", "version", "ends_at_us", NULL}},
            {0},
        },
    .fields = (const char *const[]){"status", "reason", "denied_by", "limits", "binding", "decided_at_us", "lease",
                                    "count", "limit", "remaining", "retry_after_us", "reset_after_us", "delay_us",
                                    "version", "ends_at_us", "changed_at_us", NULL},
    .zero = (const char *const[]){"delay_us", NULL},
    .record = "decision",
    .open = open_limiter,
    .free = free_limiter,
};
