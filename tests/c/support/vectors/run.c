/* Doing a scenario step by step, and comparing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/clock.h"
#include "support/test.h"
#include "support/vectors/vectors.h"
#include "support/vectors/parts.h"

enum { BYTES_MAX = 4096, WORDS_MAX = 32 };

struct run {
    struct test_server *server;
    const vector_words *words;
    const json_t *scenario;
    kw_client *client;
    void *objects[VECTOR_OBJECTS_MAX];
    const char *aliases[VECTOR_OBJECTS_MAX];
    size_t object_count;
    struct {
        const char *name;
        unsigned char record[VECTOR_RECORD_MAX];
    } saved[VECTOR_SAVED_MAX];
    size_t saved_count;
    int64_t now;
    vector_problem *problem;
};

/* Reasons that scenarios name: C has their numbers only. */
static const struct {
    const char *name;
    int32_t reason;
} reasons[] = {
    {"NONE", KW_REASON_NONE},
    {"NAME_LENGTH", KW_REASON_NAME_LENGTH},
    {"KEY_LENGTH", KW_REASON_KEY_LENGTH},
    {"RANGE", KW_REASON_RANGE},
    {"OVERFLOW", KW_REASON_OVERFLOW},
    {"OPTION", KW_REASON_OPTION},
    {"TIMEOUT", KW_REASON_TIMEOUT},
    {"TEXT_LENGTH", KW_REASON_TEXT_LENGTH},
    {"DECISION", KW_REASON_DECISION},
    {"LIMIT_SYNTAX", KW_REASON_LIMIT_SYNTAX},
    {"LIMIT_RANGE", KW_REASON_LIMIT_RANGE},
    {"LIMIT_SIZE", KW_REASON_LIMIT_SIZE},
};

static int digit(char hex) {
    return hex <= '9' ? hex - '0' : (hex | 32) - 'a' + 10;
}

const char *vector_bytes(const json_t *item, const char *name, size_t *length) {
    static char bytes[BYTES_MAX];
    char hex[64];
    snprintf(hex, sizeof hex, "%s_hex", name);
    const char *digits = json_string_value(json_object_get(item, hex));
    if (digits == NULL) {
        const json_t *text = json_object_get(item, name);
        *length = json_string_length(text);
        return json_string_value(text);
    }
    *length = strlen(digits) / 2;
    assert_true(*length < BYTES_MAX);
    for (size_t i = 0; i < *length; i++)
        bytes[i] = (char)(digit(digits[2 * i]) << 4 | digit(digits[2 * i + 1]));
    return bytes;
}

const char *vector_key(const json_t *step, size_t *length) {
    static char kept[KW_MAX_KEY + 1]; /* one that is too long too */
    const char *key = vector_bytes(step, "key", length);
    assert_true(*length <= sizeof kept);
    memcpy(kept, key, *length);
    return kept;
}

int32_t vector_named(const json_t *spec, const char *option, const char *const *words) {
    const char *word = json_string_value(json_object_get(spec, option));
    for (int32_t i = 0; word != NULL && words[i] != NULL; i++)
        if (strcmp(words[i], word) == 0) return i;
    if (word != NULL) fail_msg("there is no %s %s", option, word);
    return 0;
}

int64_t vector_number(const json_t *item, const char *name) {
    return json_integer_value(json_object_get(item, name));
}

json_t *vector_duration(int64_t us) {
    return us == KW_NEVER ? json_string("never") : json_integer(us);
}

void vector_tell_bytes(json_t *fields, const char *field, const char *bytes, size_t length) {
    char name[64], hex[2 * 256 + 1];
    assert_true(length < sizeof hex / 2);
    for (size_t i = 0; i < length; i++)
        snprintf(hex + 2 * i, 3, "%02x", (unsigned char)bytes[i]);
    hex[2 * length] = '\0';
    snprintf(name, sizeof name, "%s_hex", field);
    json_object_set_new(fields, name, json_string(hex));
    json_t *text = json_stringn(bytes, length);
    if (text != NULL) json_object_set_new(fields, field, text);
}

/* A command on one key; the reply is the caller's. */
static char *ask_key(struct run *run, const char *command, const json_t *step) {
    size_t lengths[2] = {strlen(command), 0};
    const char *words[2] = {command, vector_bytes(step, "key", &lengths[1])};
    return test_server_command_bytes(run->server, 2, words, lengths);
}

static bool text_is(struct run *run, char *got, const char *wanted) {
    bool same = strcmp(got, wanted) == 0;
    if (!same) vector_wrong(run->problem, "\"%s\" instead of \"%s\"", got, wanted);
    free(got);
    return same;
}

/* Sets the clock, and touches what the scenario looks at, so that an expired key is gone. */
static void do_clock(struct run *run, const json_t *step) {
    const json_t *at = json_object_get(step, "at_us");
    run->now = at != NULL ? json_integer_value(at) : run->now + vector_number(step, "by_us");
    test_clock_set(run->server, run->now);
    size_t i;
    json_t *each;
    json_array_foreach(json_object_get(run->scenario, "steps"), i, each) {
        if (strcmp(json_string_value(json_object_get(each, "do")), "state") == 0) free(ask_key(run, "TYPE", each));
    }
}

/* A reply as test_server_command has it: an array one element a line. */
static void flatten(const json_t *reply, char *out, size_t size) {
    size_t used = strlen(out), i;
    json_t *each;
    if (!json_is_array(reply))
        snprintf(out + used, size - used, "%s", json_is_null(reply) ? "(nil)" : json_string_value(reply));
    json_array_foreach(reply, i, each) {
        used = strlen(out);
        if (i > 0) snprintf(out + used, size - used, "\n");
        flatten(each, out, size);
    }
}

static bool do_command(struct run *run, const json_t *step) {
    const char *words[WORDS_MAX];
    size_t lengths[WORDS_MAX], i;
    json_t *word;
    json_array_foreach(json_object_get(step, "words"), i, word) {
        assert_true(i < WORDS_MAX && json_is_string(word));
        words[i] = json_string_value(word);
        lengths[i] = json_string_length(word);
    }
    char *got = test_server_command_bytes(run->server, i, words, lengths);
    const json_t *reply = json_object_get(step, "reply");
    if (reply != NULL) {
        char wanted[BYTES_MAX] = "";
        flatten(reply, wanted, sizeof wanted);
        return text_is(run, got, wanted);
    }
    if (got[0] == '-') return text_is(run, got, "no error");
    free(got);
    return true;
}

static bool do_state(struct run *run, const json_t *step) {
    const json_t *value = json_object_get(step, "value");
    if (json_is_null(value)) return text_is(run, ask_key(run, "TYPE", step), "none");
    if (!text_is(run, ask_key(run, "GET", step), json_string_value(value))) return false;
    char ends[32];
    snprintf(ends, sizeof ends, "%lld", (long long)vector_number(step, "expires_at_ms"));
    return text_is(run, ask_key(run, "PEXPIRETIME", step), ends);
}

static int32_t reason_of(const char *name) {
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (strcmp(reasons[i].name, name) == 0) return reasons[i].reason;
    return -1;
}

static bool is_failure(struct run *run, const json_t *wanted, kw_status status, const kw_error *error) {
    const char *name = json_string_value(json_object_get(wanted, "status"));
    const char *reason = json_string_value(json_object_get(wanted, "reason"));
    const json_t *position = json_object_get(wanted, "position");
    if (strcmp(kw_status_name(status), name) != 0)
        return vector_wrong(run->problem, "%s instead of %s: %s", kw_status_name(status), name, error->message);
    if (reason != NULL && error->reason != reason_of(reason))
        return vector_wrong(run->problem, "reason %d instead of %s: %s", error->reason, reason, error->message);
    if (position != NULL && error->position != json_integer_value(position))
        return vector_wrong(run->problem, "position %lld: %s", (long long)error->position, error->message);
    return true;
}

static bool do_open(struct run *run, const json_t *step) {
    void *object = NULL;
    kw_error error;
    kw_status status = run->words->open(run->client, step, &object, &error);
    run->words->free(object);
    return is_failure(run, json_object_get(step, "fails"), status, &error);
}

static bool compare(struct run *run, const json_t *wanted, const json_t *got) {
    const char *field;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)wanted, field, value) {
        json_t *there = json_object_get(got, field);
        if (there != NULL && json_equal(there, value)) continue;
        char *all = json_dumps(got, 0);
        vector_wrong(run->problem, "%s is another: %s", field, all);
        free(all);
        return false;
    }
    for (vector_list zero = run->words->zero; *zero != NULL; zero++) {
        if (json_object_get(wanted, *zero) == NULL && vector_number(got, *zero) != 0)
            return vector_wrong(run->problem, "%s is not 0", *zero);
    }
    return true;
}

static bool compare_all(struct run *run, const json_t *expect, const json_t *answers) {
    if (json_is_object(expect)) return compare(run, expect, json_array_get(answers, 0));
    size_t i;
    json_t *wanted;
    if (json_array_size(expect) != json_array_size(answers))
        return vector_wrong(run->problem, "%zu answers", json_array_size(answers));
    json_array_foreach(expect, i, wanted) {
        if (!compare(run, wanted, json_array_get(answers, i))) return false;
    }
    return true;
}

static void keep(struct run *run, const json_t *step, const vector_call *call) {
    const char *name = json_string_value(json_object_get(step, "save"));
    if (name == NULL) return;
    assert_true(run->saved_count < VECTOR_SAVED_MAX);
    run->saved[run->saved_count].name = name;
    memcpy(run->saved[run->saved_count++].record, call->kept, sizeof call->kept);
}

static const void *kept(const struct run *run, const json_t *step) {
    const char *name = json_string_value(json_object_get(step, run->words->record));
    for (size_t i = run->saved_count; name != NULL && i > 0; i--)
        if (strcmp(run->saved[i - 1].name, name) == 0) return run->saved[i - 1].record;
    return NULL;
}

static void *object_of(const struct run *run, const json_t *step) {
    const char *on = json_string_value(json_object_get(step, "on"));
    for (size_t i = 0; on != NULL && i < run->object_count; i++)
        if (strcmp(run->aliases[i], on) == 0) return run->objects[i];
    return run->objects[0];
}

static bool operate(struct run *run, const json_t *step) {
    const vector_operation *operation = vector_operation_of(run->words, step);
    const json_t *repeat = json_object_get(step, "repeat"), *fails = json_object_get(step, "fails");
    int64_t times = repeat != NULL ? json_integer_value(repeat) : 1, admitted = 0;
    vector_call call = {.step = step, .given = kept(run, step), .answers = json_array()};
    kw_status status = KW_OK;
    for (int64_t i = 0; i < times; i++) {
        json_array_clear(call.answers);
        status = operation->call(object_of(run, step), &call);
        admitted += status == KW_OK;
    }
    const json_t *expect = json_object_get(step, "expect");
    bool fine;
    if (fails != NULL)
        fine = is_failure(run, fails, status, &call.error);
    else if (status < 0 && operation->item == NULL) /* of many, each tells its own */
        fine = vector_wrong(run->problem, "%s: %s", kw_status_name(status), call.error.message);
    else
        fine = compare_all(run, expect, call.answers);
    if (fine && repeat != NULL && admitted != vector_number(step, "admitted"))
        fine = vector_wrong(run->problem, "%lld were admitted", (long long)admitted);
    keep(run, step, &call);
    json_decref(call.answers);
    return fine;
}

static bool do_step(struct run *run, const json_t *step) {
    const char *what = json_string_value(json_object_get(step, "do"));
    if (strcmp(what, "clock") == 0) {
        do_clock(run, step);
        return true;
    }
    if (strcmp(what, "command") == 0) return do_command(run, step);
    if (strcmp(what, "state") == 0) return do_state(run, step);
    if (strcmp(what, "open") == 0) return do_open(run, step);
    return operate(run, step);
}

static bool open_all(struct run *run) {
    const char *alias;
    json_t *spec;
    json_object_foreach(json_object_get(run->scenario, "objects"), alias, spec) {
        kw_error error;
        run->aliases[run->object_count] = alias;
        if (run->words->open(run->client, spec, &run->objects[run->object_count], &error) != KW_OK)
            return vector_wrong(run->problem, "%s: %s", alias, error.message);
        run->object_count++;
    }
    return true;
}

static bool do_all(struct run *run) {
    size_t i;
    json_t *step;
    if (!open_all(run)) return false;
    json_array_foreach(json_object_get(run->scenario, "steps"), i, step) {
        if (do_step(run, step)) continue;
        vector_at(run->problem, i, step);
        return false;
    }
    return true;
}

bool vector_run(struct test_server *server, const json_t *scenario, vector_problem *problem) {
    struct run *run = calloc(1, sizeof *run);
    assert_non_null(run);
    run->server = server, run->scenario = scenario, run->problem = problem;
    run->words = vector_words_of(scenario);
    kw_error error;
    assert_int_equal(kw_client_open(server->url, NULL, &run->client, &error), KW_OK);
    bool fine = do_all(run);
    for (size_t i = 0; i < run->object_count; i++)
        run->words->free(run->objects[i]);
    kw_client_free(run->client);
    free(run);
    return fine;
}
