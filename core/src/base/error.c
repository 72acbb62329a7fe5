#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>

/* Statuses after which the same call may be tried again: nothing was done, and the cause can pass. */
static bool is_retryable(kw_status status) {
    switch (status) {
    case KW_OVERLOADED:
    case KW_CONNECTION:
    case KW_RESOLVE:
    case KW_LOADING:
    case KW_SERVER_MEMORY:
    case KW_READONLY:
    case KW_NO_MEMORY:
        return true;
    default:
        return false;
    }
}

/* A valid UTF-8 sequence at text, or 0. Enough to keep foreign bytes out of messages; it does not judge surrogates. */
static size_t utf8_length(const unsigned char *text, size_t left) {
    size_t length = text[0] < 0x80                      ? 1
                    : text[0] >= 0xC2 && text[0] < 0xE0 ? 2
                    : (text[0] & 0xF0) == 0xE0          ? 3
                    : text[0] >= 0xF0 && text[0] < 0xF5 ? 4
                                                        : 0;
    if (length == 0 || length > left) return 0;
    for (size_t i = 1; i < length; i++) {
        if ((text[i] & 0xC0) != 0x80) return 0;
    }
    return length;
}

/* Copies text into out, control characters and what is no UTF-8 as '?', cut between characters. */
static void copy_clean(char *out, size_t capacity, const char *text, size_t length) {
    size_t used = 0;
    for (size_t i = 0; i < length;) {
        const unsigned char *at = (const unsigned char *)text + i;
        size_t width = utf8_length(at, length - i);
        if (used + (width > 0 ? width : 1) >= capacity) break;
        if (width == 0 || (width == 1 && (*at < 0x20 || *at == 0x7F))) {
            out[used++] = '?';
            i++;
        } else {
            memcpy(out + used, at, width);
            used += width;
            i += width;
        }
    }
    out[used] = '\0';
}

void kw__error_clear(kw_error *error) {
    if (error == NULL) return;
    error->code = KW_OK;
    error->reason = KW_REASON_NONE;
    error->retryable = 0;
    error->maybe_applied = 0;
    memset(error->reserved, 0, sizeof error->reserved);
    error->call = 0;
    error->position = -1;
    error->message[0] = '\0';
    error->server[0] = '\0';
}

static void fill(kw_error *error, kw_status status, kw_reason reason, const char *format, va_list arguments)
    KW__PRINTF(4, 0);

static void fill(kw_error *error, kw_status status, kw_reason reason, const char *format, va_list arguments) {
    kw__error_clear(error);
    error->code = status;
    error->reason = reason;
    error->retryable = is_retryable(status);
    char text[1024];
    int length = vsnprintf(text, sizeof text, format, arguments);
    if (length < 0) length = 0;
    if ((size_t)length >= sizeof text) length = (int)sizeof text - 1;
    copy_clean(error->message, sizeof error->message, text, (size_t)length);
}

kw_status kw__fail(kw_error *error, kw_status status, kw_reason reason, const char *format, ...) {
    if (error == NULL) return status;
    va_list arguments;
    va_start(arguments, format);
    fill(error, status, reason, format, arguments);
    va_end(arguments);
    return status;
}

kw_status kw__fail_at(kw_error *error, kw_reason reason, size_t position, const char *format, ...) {
    if (error == NULL) return KW_INVALID;
    va_list arguments;
    va_start(arguments, format);
    fill(error, KW_INVALID, reason, format, arguments);
    va_end(arguments);
    error->position = (int64_t)position;
    return KW_INVALID;
}

kw_status kw__fail_memory(kw_error *error) {
    return kw__fail(error, KW_NO_MEMORY, KW_REASON_NONE, "out of memory: an allocation failed, nothing was sent");
}

void kw__error_server(kw_error *error, kw__bytes words) {
    if (error != NULL) copy_clean(error->server, sizeof error->server, words.data, words.length);
}

void kw__error_copy(kw_error *to, const kw_error *from) {
    if (to != NULL && from != NULL) *to = *from;
}
