/*
 * Bytes to replies: hiredis' parser, with objects of our own in one arena. What a server may make us hold is bounded in
 * bytes, elements and depth.
 */
#ifndef KW__READER_H
#define KW__READER_H

#include "redis/reply.h"

#define KW__READER_MAX_BYTES ((size_t)64 << 20) /* of one reply */
#define KW__READER_MAX_ELEMENTS ((size_t)1 << 20)
#define KW__READER_MAX_DEPTH 16
#define KW__READER_MAX_LINE ((size_t)64 << 10) /* of what ends with a line: numbers, lengths, statuses, errors */

typedef struct kw__reader kw__reader;

kw__reader *kw__reader_open(void);
void kw__reader_free(kw__reader *reader);

/* KW_OK; KW_NO_MEMORY or KW_PROTOCOL (the reply is too large) end the link. */
kw_status kw__reader_feed(kw__reader *reader, const char *data, size_t length, kw_error *error);

/*
 * The next whole reply, valid until the next call; NULL when more bytes are needed. A failure ends the link:
 * KW_PROTOCOL for bytes that are no reply or go over a bound, KW_NO_MEMORY.
 */
kw_status kw__reader_next(kw__reader *reader, const kw__reply **reply, kw_error *error);

#endif
