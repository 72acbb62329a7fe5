/* A reply, the same for RESP2 and 3: maps and sets are flat arrays, doubles and big numbers are text, there is one nil.
 */
#ifndef KW__REPLY_H
#define KW__REPLY_H

#include "base/bytes.h"
#include "base/error.h"

typedef enum kw__reply_kind {
    KW__REPLY_NIL,
    KW__REPLY_INTEGER,
    KW__REPLY_STRING,
    KW__REPLY_ARRAY,
    KW__REPLY_ERROR,
    KW__REPLY_PUSH,
} kw__reply_kind;

typedef struct kw__reply kw__reply;
struct kw__reply {
    kw__reply_kind kind;
    int64_t integer;            /* of an integer; true and false are 1 and 0 */
    kw__bytes bytes;            /* of a string or an error */
    const kw__reply **elements; /* of an array or a push */
    size_t count;
};

/* For decode: the reply is an array of exactly count integers; otherwise KW_PROTOCOL. */
kw_status kw__reply_integers(const kw__reply *reply, size_t count, int64_t *out, kw_error *error);

/* KW_PROTOCOL, "the reply of NAME has another shape than it must have". */
kw_status kw__reply_unexpected(const char *name, kw_error *error);

/* What an error reply of the server means: its status, the server's words in error. */
kw_status kw__reply_failure(const kw__reply *reply, kw_error *error);

bool kw__reply_is_noscript(const kw__reply *reply);

#endif
