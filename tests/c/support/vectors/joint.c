/* What scenarios of joint limiters say. Of an answer the first is that of the whole, then come its limiters'. */
#include <stdlib.h>
#include <string.h>

#include "support/test.h"
#include "support/vectors/vectors.h"

enum { LIMITERS_MAX = 9 };

/* The joint limiter, and its limiters for what they do alone. */
struct made {
    kw_joint *joint;
    kw_limiter *limiters[LIMITERS_MAX];
};

static void free_joint(void *object) {
    struct made *made = object;
    if (made == NULL) return;
    kw_joint_free(made->joint);
    for (int i = 0; i < LIMITERS_MAX; i++)
        kw_limiter_free(made->limiters[i]);
    free(made);
}

static const char *entry(const json_t *spec, const char *list, size_t i) {
    const char *text = json_string_value(json_array_get(json_object_get(spec, list), i));
    assert_non_null(text);
    return text;
}

static kw_status open_joint(kw_client *client, const json_t *spec, void **object, kw_error *error) {
    static const char *const algorithms[] = {"gcra",        "fixed_window", "sliding_counter",
                                             "sliding_log", "concurrency",  NULL};
    struct made *made = calloc(1, sizeof *made);
    size_t count = json_array_size(json_object_get(spec, "limiters"));
    kw_status status = KW_OK;
    assert_true(made != NULL && count <= LIMITERS_MAX);
    for (size_t i = 0; i < count && status == KW_OK; i++) {
        json_t *named = json_pack("{s:s}", "algorithm", entry(spec, "algorithms", i));
        const kw_limiter_options options = {.size = sizeof options,
                                            .algorithm = vector_named(named, "algorithm", algorithms)};
        json_decref(named);
        const char *name = entry(spec, "limiters", i);
        status =
            kw_limiter_open(client, name, strlen(name), entry(spec, "limits", i), &options, &made->limiters[i], error);
    }
    if (status == KW_OK) status = kw_joint_open(client, made->limiters, count, NULL, &made->joint, error);
    if (status != KW_OK) {
        free_joint(made);
        made = NULL;
    }
    *object = made;
    return status;
}

static void tell_whole(json_t *answers, const kw_joint_decision *told) {
    assert_int_equal(told->reason, KW_DECIDED_BY_SERVER);
    json_t *fields = json_object();
    json_object_set_new(fields, "status", json_string(kw_status_name(told->status)));
    json_object_set_new(fields, "reason", json_string("SERVER"));
    json_object_set_new(fields, "denied_by", json_integer(told->denied_by));
    json_object_set_new(fields, "limiters", json_integer(told->limiters));
    json_object_set_new(fields, "retry_after_us", vector_duration(told->retry_after_us));
    json_array_append_new(answers, fields);
}

static size_t read_items(const vector_call *call, kw_limiter_hit_args *items) {
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(call->step, "items"), i, item) {
        assert_true(i < LIMITERS_MAX && json_object_get(item, "key") != NULL);
        items[i] = (kw_limiter_hit_args){.size = sizeof *items, .cost = vector_number(item, "cost")};
        items[i].key = vector_bytes(item, "key", &items[i].key_length);
    }
    return i;
}

static kw_status decided(vector_call *call, kw_status status, const kw_joint_decision *told) {
    memcpy(call->kept, told, sizeof *told);
    tell_whole(call->answers, told);
    for (int i = 0; i < told->limiters; i++)
        vector_tell_decision(call->answers, &told->decisions[i]);
    return status;
}

static kw_status call_hit(void *object, vector_call *call) {
    kw_limiter_hit_args items[LIMITERS_MAX];
    kw_joint_decision told;
    size_t count = read_items(call, items);
    return decided(call, kw_joint_hit(((struct made *)object)->joint, items, count, 0, &told, &call->error), &told);
}

static kw_status call_peek(void *object, vector_call *call) {
    kw_limiter_hit_args items[LIMITERS_MAX];
    kw_joint_decision told;
    size_t count = read_items(call, items);
    return decided(call, kw_joint_peek(((struct made *)object)->joint, items, count, 0, &told, &call->error), &told);
}

static kw_status call_refund(void *object, vector_call *call) {
    const struct made *made = object;
    const kw_joint_decision *told = call->given;
    int64_t which = vector_number(call->step, "limiter");
    size_t length;
    const char *key = vector_bytes(call->step, "key", &length);
    return kw_limiter_refund(made->limiters[which], key, length, &told->decisions[which],
                             vector_number(call->step, "count"), 0, &call->error);
}

const vector_words vector_joint = {
    .module = "joint",
    .must_open = (const char *const[]){"limiters", "limits", "algorithms", NULL},
    .may_open = (const char *const[]){NULL},
    .operations =
        (const vector_operation[]){
            {"hit", (const char *const[]){"items", NULL}, true, call_hit,
             .item = (const char *const[]){"key", "cost", NULL}},
            {"peek", (const char *const[]){"items", NULL}, true, call_peek,
             .item = (const char *const[]){"key", "cost", NULL}},
            {"refund", (const char *const[]){"limiter", "key", "decision", "count", NULL}, false, call_refund},
            {0},
        },
    .fields = (const char *const[]){"status", "reason", "denied_by", "limits", "limiters", "binding", "decided_at_us",
                                    "lease", "count", "limit", "remaining", "retry_after_us", "reset_after_us", NULL},
    .zero = (const char *const[]){NULL},
    .record = "decision",
    .open = open_joint,
    .free = free_joint,
};
