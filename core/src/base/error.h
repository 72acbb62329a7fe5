/* Filling a kw_error. The caller's pointer may be NULL everywhere. */
#ifndef KW__ERROR_H
#define KW__ERROR_H

#include <stdbool.h>

#include "base/bytes.h"
#include "keywright.h"

#if defined(__GNUC__)
#define KW__PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define KW__PRINTF(text, first)
#endif

void kw__error_clear(kw_error *error);

/* Fills error and returns status, so that a failing function can end with it. The text says what to do next. */
kw_status kw__fail(kw_error *error, kw_status status, kw_reason reason, const char *format, ...) KW__PRINTF(4, 5);

/* As kw__fail, for a text of the caller's: position is the offset of the offending byte. */
kw_status kw__fail_at(kw_error *error, kw_reason reason, size_t position, const char *format, ...) KW__PRINTF(4, 5);

kw_status kw__fail_memory(kw_error *error);

/* Puts the server's own words into error, cut between characters; bytes that are not UTF-8 become '?'. */
void kw__error_server(kw_error *error, kw__bytes words);

/* Copies what kw__fail wrote; either may be NULL. */
void kw__error_copy(kw_error *to, const kw_error *from);

/* Generated from the spec: status.c. */
const char *kw__status_name(int32_t status);
const char *kw__status_text(int32_t status);

#endif
