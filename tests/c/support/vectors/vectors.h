/* Runs the scenarios of tests/vectors, in the form that tests/vectors/README.md tells. */
#ifndef KW_TEST_VECTORS_H
#define KW_TEST_VECTORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "keywright.h"
#include "support/server.h"

enum { VECTOR_RECORD_MAX = 1536, VECTOR_SAVED_MAX = 16, VECTOR_OBJECTS_MAX = 16, VECTOR_ITEMS_MAX = 64 };

/* A list of words, NULL at its end. */
typedef const char *const *vector_list;

/* One call of an operation. */
typedef struct vector_call {
    const json_t *step;
    const void *given;                     /* the record that an argument names, if one does */
    unsigned char kept[VECTOR_RECORD_MAX]; /* the record that may be kept */
    json_t *answers;                       /* for the runner: an array of the fields of each answer; empty at first */
    kw_error error;
} vector_call;

typedef struct vector_operation {
    const char *name;
    vector_list arguments;
    bool answers;
    kw_status (*call)(void *object, vector_call *call);
    vector_list item;  /* of an operation for many: the arguments of each */
    vector_list entry; /* of an operation that lists: the fields of each entry */
} vector_operation;

/* What scenarios of one module say. */
typedef struct vector_words {
    const char *module;
    vector_list must_open, may_open;
    const vector_operation *operations; /* a nameless one ends them */
    vector_list fields;                 /* of its answers */
    vector_list zero;                   /* those of them that are 0 unless told */
    const char *record;                 /* the argument that names a kept answer */
    kw_status (*open)(kw_client *client, const json_t *spec, void **object, kw_error *error);
    void (*free)(void *object);
} vector_words;

/* All modules, NULL at the end: here each of them is named. */
extern const vector_words vector_counter, vector_joint, vector_limiter, vector_quota, vector_top, vector_unique;
extern const vector_words *const vector_modules[];

/* What could not be, or was not as told. */
typedef struct vector_problem {
    char text[2048];
} vector_problem;

/* The scenarios of a file or of all files of a folder, each seen to be made of known words and with its file's name
 * before its own: an array; NULL with a problem. */
json_t *vector_file(const char *path, vector_problem *problem);
json_t *vector_folder(const char *path, vector_problem *problem);

/* Does one scenario, from a checked array, on an emptied server. */
bool vector_run(struct test_server *server, const json_t *scenario, vector_problem *problem);

/* For the words of a module: bytes of a field (those of hex until the next call), the key of a step (until the next
 * step's), a number, a duration, the place of an option's word in a list that ends with NULL (0 when it is not told).
 */
const char *vector_bytes(const json_t *item, const char *name, size_t *length);
const char *vector_key(const json_t *step, size_t *length);
int64_t vector_number(const json_t *item, const char *name);
json_t *vector_duration(int64_t us);
/* What a name is, in both forms: as text only where it is such. */
void vector_tell_bytes(json_t *fields, const char *field, const char *bytes, size_t length);
int32_t vector_named(const json_t *spec, const char *option, const char *const *words);
/* The fields of a limiter's decision. */
void vector_tell_decision(json_t *answers, const kw_decision *decision);

#endif
