/* Bytes by pointer and length, and a buffer that grows. */
#ifndef KW__BYTES_H
#define KW__BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct kw__bytes {
    const void *data;
    size_t length;
} kw__bytes;

kw__bytes kw__bytes_of(const void *data, size_t length);
kw__bytes kw__bytes_text(const char *text);
bool kw__bytes_equal(kw__bytes a, kw__bytes b);

/*
 * A growing buffer. An allocation that fails sets `failed` and drops what was appended; the flag stays until the buffer
 * is cleared, so that a row of appends needs one check at its end.
 */
typedef struct kw__buffer {
    char *data;
    size_t length;
    size_t capacity;
    bool failed;
} kw__buffer;

void kw__buffer_clear(kw__buffer *buffer);
void kw__buffer_free(kw__buffer *buffer);
bool kw__buffer_reserve(kw__buffer *buffer, size_t extra);
void kw__buffer_append(kw__buffer *buffer, const void *data, size_t length);
void kw__buffer_text(kw__buffer *buffer, const char *text);
void kw__buffer_integer(kw__buffer *buffer, int64_t number);
/* Takes away the first `length` bytes. */
void kw__buffer_consume(kw__buffer *buffer, size_t length);

/* Writes a number in decimal; `out` has room for 21 bytes. Returns the length; no NUL. */
size_t kw__format_integer(int64_t number, char *out);

/*
 * Reads a decimal number that fills the whole of bytes: an optional minus, then digits, no more than fit an int64.
 * Returns false for anything else.
 */
bool kw__parse_integer(kw__bytes bytes, int64_t *number);

/* The length of the longest prefix of text, `limit` bytes at most, that does not cut a UTF-8 character. */
size_t kw__utf8_cut(const char *text, size_t length, size_t limit);

#endif
