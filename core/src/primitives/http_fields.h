/*
 * HTTP fields that tell a client of a decision: RateLimit-Policy and RateLimit (structured fields, RFC 9651) as
 * draft-ietf-httpapi-ratelimit-headers-11 has them, the X-RateLimit fields of old, and Retry-After. Pure: what is known
 * of the limiter goes in, a text comes out. The draft may change: another version is another kw_http_style.
 */
#ifndef KW__HTTP_FIELDS_H
#define KW__HTTP_FIELDS_H

#include "base/error.h"

/* Room that suffices for every answer: eight policies with the longest name and label, and a partition key, each. */
#define KW__HTTP_ROOM 9216
#define KW__HTTP_PARTITION_MAX 64
#define KW__HTTP_PROBLEM_ROOM 1280

/* How the quota of a rate comes back. That of a concurrent limit does when somebody is done: nobody knows when. */
typedef enum kw__http_quota {
    KW__HTTP_STEADY, /* one by one, count in a period, up to the burst: GCRA */
    KW__HTTP_WINDOW, /* with the end of a window */
} kw__http_quota;

typedef struct kw__http_policies {
    kw__bytes name; /* the limiter's: any bytes */
    const kw_limit *limits;
    int64_t count;
    kw__http_quota quota;
} kw__http_policies;

/*
 * Writes the fields, NUL-terminated, and their length. KW_INVALID: a style that is none (OPTION), a decision that is
 * neither a yes nor a no or that was made under another number of limits (DECISION), too little room (RANGE).
 */
kw_status kw__http_fields(const kw__http_policies *policies, const kw_decision *decision, kw__bytes partition,
                          int32_t style, char *fields, size_t capacity, size_t *length, kw_error *error);

/* Writes the problem that a denial is, as JSON. KW_INVALID as above, and for a yes (DECISION). */
kw_status kw__http_problem(const kw__http_policies *policies, const kw_decision *decision, char *problem,
                           size_t capacity, size_t *length, kw_error *error);

#endif
