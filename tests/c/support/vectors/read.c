/* Reading files of scenarios, and refusing what is not made of known words. */
#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/vectors/vectors.h"
#include "support/vectors/parts.h"

const vector_words *const vector_modules[] = {
    &vector_counter, &vector_joint, &vector_limiter, &vector_quota, &vector_top, &vector_unique, NULL};

bool vector_wrong(vector_problem *problem, const char *format, ...) {
    va_list list;
    va_start(list, format);
    vsnprintf(problem->text, sizeof problem->text, format, list);
    va_end(list);
    return false;
}

void vector_where(vector_problem *problem, const char *where) {
    char told[sizeof problem->text];
    memcpy(told, problem->text, sizeof told);
    snprintf(problem->text, sizeof problem->text, "%.600s: %.1400s", where, told);
}

static bool is_in(vector_list list, const char *name, size_t length) {
    for (; list != NULL && *list != NULL; list++)
        if (strlen(*list) == length && memcmp(*list, name, length) == 0) return true;
    return false;
}

static bool has(const json_t *item, const char *name) {
    char hex[64];
    snprintf(hex, sizeof hex, "%s_hex", name);
    return json_object_get(item, name) != NULL || json_object_get(item, hex) != NULL;
}

static bool known(const json_t *item, vector_list must, vector_list may, vector_list also, vector_problem *problem) {
    if (!json_is_object(item)) return vector_wrong(problem, "no object");
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)item, key, value) {
        size_t length = strlen(key);
        if (length > 4 && strcmp(key + length - 4, "_hex") == 0) length -= 4;
        if (!is_in(must, key, length) && !is_in(may, key, length) && !is_in(also, key, length))
            return vector_wrong(problem, "unknown: %s", key);
    }
    for (; must != NULL && *must != NULL; must++)
        if (!has(item, *must)) return vector_wrong(problem, "missing: %s", *must);
    return true;
}

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

const vector_words *vector_words_of(const json_t *scenario) {
    const char *module = json_string_value(json_object_get(scenario, "module"));
    for (const vector_words *const *each = vector_modules; module != NULL && *each != NULL; each++)
        if (strcmp((*each)->module, module) == 0) return *each;
    return NULL;
}

const vector_operation *vector_operation_of(const vector_words *words, const json_t *step) {
    const char *name = json_string_value(json_object_get(step, "do"));
    for (const vector_operation *each = words->operations; name != NULL && each->name != NULL; each++)
        if (strcmp(each->name, name) == 0) return each;
    return NULL;
}

static bool check_answer(const vector_words *words, const vector_operation *operation, const json_t *fields,
                         vector_problem *problem) {
    if (operation->entry != NULL) return known(fields, operation->entry, NULL, NULL, problem);
    return known(fields, LIST("status"), words->fields, NULL, problem);
}

static bool check_operation(const vector_words *words, const json_t *step, vector_problem *problem) {
    const vector_operation *operation = vector_operation_of(words, step);
    if (operation == NULL) return vector_wrong(problem, "nobody does that");
    const json_t *expect = json_object_get(step, "expect");
    bool fails = has(step, "fails");
    if ((operation->answers && (expect != NULL) == fails) || (!operation->answers && expect != NULL))
        return vector_wrong(problem, "it must expect an answer or fail");
    if (has(step, "repeat") != has(step, "admitted")) return vector_wrong(problem, "repeat goes with admitted");
    vector_list may = LIST("do", "on", "save", "expect", "fails", "repeat", "admitted");
    if (!known(step, operation->arguments, may, NULL, problem)) return false;
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(step, "items"), i, item) {
        if (!known(item, operation->item, NULL, NULL, problem)) return false;
    }
    json_array_foreach(expect, i, item) {
        if (!check_answer(words, operation, item, problem)) return false;
    }
    return !json_is_object(expect) || check_answer(words, operation, expect, problem);
}

/* Whether the step is made of known words; sets *looks when it looks at something. */
static bool check_step(const vector_words *words, const json_t *step, bool *looks, vector_problem *problem) {
    const char *what = json_string_value(json_object_get(step, "do"));
    if (what == NULL) return vector_wrong(problem, "missing: do");
    const json_t *fails = json_object_get(step, "fails");
    if (fails != NULL && !known(fails, LIST("status"), LIST("reason", "position"), NULL, problem)) return false;
    if (strcmp(what, "clock") == 0)
        return known(step, has(step, "at_us") ? LIST("do", "at_us") : LIST("do", "by_us"), NULL, NULL, problem);
    if (strcmp(what, "command") == 0) {
        *looks |= has(step, "reply");
        return known(step, LIST("do", "words"), LIST("reply"), NULL, problem);
    }
    *looks = true;
    if (strcmp(what, "state") == 0) {
        bool there = !json_is_null(json_object_get(step, "value"));
        vector_list must = there ? LIST("do", "key", "value", "expires_at_ms") : LIST("do", "key", "value");
        return known(step, must, NULL, NULL, problem);
    }
    if (strcmp(what, "open") == 0) {
        if (fails == NULL) return vector_wrong(problem, "missing: fails");
        return known(step, words->must_open, words->may_open, LIST("do", "fails"), problem);
    }
    return check_operation(words, step, problem);
}

/* Whether an object or a kept answer that a step names has been made. */
static bool was_made(const vector_words *words, const json_t *scenario, size_t before, const json_t *step) {
    const char *on = json_string_value(json_object_get(step, "on"));
    if (on != NULL && json_object_get(json_object_get(scenario, "objects"), on) == NULL) return false;
    const char *name = json_string_value(json_object_get(step, words->record));
    size_t i;
    json_t *each;
    json_array_foreach(json_object_get(scenario, "steps"), i, each) {
        const char *saved = json_string_value(json_object_get(each, "save"));
        if (name == NULL || (i < before && saved != NULL && strcmp(saved, name) == 0)) return true;
    }
    return false;
}

static bool check_steps(const vector_words *words, const json_t *scenario, vector_problem *problem) {
    bool looks = false, several = json_object_size(json_object_get(scenario, "objects")) > 1;
    size_t i;
    json_t *step;
    json_array_foreach(json_object_get(scenario, "steps"), i, step) {
        bool fine = check_step(words, step, &looks, problem);
        if (fine && vector_operation_of(words, step) != NULL && has(step, "on") != several)
            fine = vector_wrong(problem, "it must say on which of several objects");
        if (fine && !was_made(words, scenario, i, step)) fine = vector_wrong(problem, "nobody made that");
        if (!fine) {
            vector_at(problem, i, step);
            return false;
        }
    }
    return looks || vector_wrong(problem, "no step that looks at anything");
}

static bool check_scenario(const json_t *scenario, vector_problem *problem) {
    if (!known(scenario, LIST("name", "module", "objects", "steps"), NULL, NULL, problem)) return false;
    const vector_words *words = vector_words_of(scenario);
    if (words == NULL) return vector_wrong(problem, "there is no such module");
    json_t *objects = json_object_get(scenario, "objects");
    size_t count = json_object_size(objects);
    if (count == 0 || count > VECTOR_OBJECTS_MAX) return vector_wrong(problem, "%zu objects", count);
    const char *name;
    json_t *object;
    json_object_foreach(objects, name, object) {
        if (!known(object, words->must_open, words->may_open, NULL, problem)) return false;
    }
    return check_steps(words, scenario, problem);
}

void vector_at(vector_problem *problem, size_t number, const json_t *step) {
    char where[600];
    char *told = json_dumps(step, JSON_ENSURE_ASCII);
    snprintf(where, sizeof where, "step %zu, %.500s", number, told != NULL ? told : "?");
    free(told);
    vector_where(problem, where);
}

/* Puts the module's and the file's name before the scenario's. */
static void name_whole(const char *path, json_t *scenario) {
    const char *file = strrchr(path, '/') != NULL ? strrchr(path, '/') + 1 : path;
    const char *module = json_string_value(json_object_get(scenario, "module"));
    const char *name = json_string_value(json_object_get(scenario, "name"));
    char whole[512];
    snprintf(whole, sizeof whole, "%s/%.*s: %s", module != NULL ? module : "?", (int)strcspn(file, "."), file,
             name != NULL ? name : "?");
    json_object_set_new(scenario, "name", json_string(whole));
}

static bool check_file(const char *path, const json_t *told, vector_problem *problem) {
    if (!known(told, LIST("about", "scenarios"), NULL, NULL, problem)) return false;
    json_t *scenarios = json_object_get(told, "scenarios"), *scenario;
    if (json_array_size(scenarios) == 0) return vector_wrong(problem, "no scenario");
    size_t i;
    json_array_foreach(scenarios, i, scenario) {
        name_whole(path, scenario);
        if (check_scenario(scenario, problem)) continue;
        vector_where(problem, json_string_value(json_object_get(scenario, "name")));
        return false;
    }
    return true;
}

json_t *vector_file(const char *path, vector_problem *problem) {
    json_error_t error;
    json_t *told = json_load_file(path, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    if (told == NULL) vector_wrong(problem, "%s, line %d: %s", path, error.line, error.text);
    bool fine = told != NULL && check_file(path, told, problem);
    json_t *scenarios = fine ? json_incref(json_object_get(told, "scenarios")) : NULL;
    json_decref(told);
    return scenarios;
}

static int by_name(const struct dirent **one, const struct dirent **other) {
    return strcmp((*one)->d_name, (*other)->d_name);
}

static int is_json(const struct dirent *entry) {
    size_t length = strlen(entry->d_name);
    return length > 5 && strcmp(entry->d_name + length - 5, ".json") == 0;
}

json_t *vector_folder(const char *path, vector_problem *problem) {
    struct dirent **entries = NULL;
    int count = scandir(path, &entries, is_json, by_name);
    json_t *all = count > 0 ? json_array() : NULL;
    if (count <= 0) vector_wrong(problem, "%s has no file", path);
    for (int i = 0; i < count; i++) {
        char file[1024];
        snprintf(file, sizeof file, "%s/%s", path, entries[i]->d_name);
        json_t *scenarios = all != NULL ? vector_file(file, problem) : NULL;
        if (scenarios == NULL && all != NULL) {
            json_decref(all);
            all = NULL;
        }
        if (all != NULL) json_array_extend(all, scenarios);
        json_decref(scenarios);
        free(entries[i]);
    }
    free(entries);
    return all;
}
