#include "base/bytes.h"

#include "base/memory.h"

kw__bytes kw__bytes_of(const void *data, size_t length) {
    return (kw__bytes){data, length};
}

kw__bytes kw__bytes_text(const char *text) {
    return (kw__bytes){text, strlen(text)};
}

bool kw__bytes_equal(kw__bytes a, kw__bytes b) {
    return a.length == b.length && (a.length == 0 || memcmp(a.data, b.data, a.length) == 0);
}

void kw__buffer_clear(kw__buffer *buffer) {
    buffer->length = 0;
    buffer->failed = false;
}

void kw__buffer_free(kw__buffer *buffer) {
    kw__free(buffer->data);
    *buffer = (kw__buffer){0};
}

bool kw__buffer_reserve(kw__buffer *buffer, size_t extra) {
    if (buffer->failed) return false;
    if (extra <= buffer->capacity - buffer->length) return true;
    size_t capacity = buffer->capacity < 128 ? 256 : buffer->capacity * 2;
    if (capacity < buffer->length + extra) capacity = buffer->length + extra;
    char *data = kw__realloc(buffer->data, capacity);
    if (data == NULL) {
        buffer->failed = true;
        return false;
    }
    buffer->data = data;
    buffer->capacity = capacity;
    return true;
}

void kw__buffer_append(kw__buffer *buffer, const void *data, size_t length) {
    if (length == 0 || !kw__buffer_reserve(buffer, length)) return;
    memcpy(buffer->data + buffer->length, data, length);
    buffer->length += length;
}

void kw__buffer_text(kw__buffer *buffer, const char *text) {
    kw__buffer_append(buffer, text, strlen(text));
}

void kw__buffer_integer(kw__buffer *buffer, int64_t number) {
    char digits[21];
    kw__buffer_append(buffer, digits, kw__format_integer(number, digits));
}

void kw__buffer_consume(kw__buffer *buffer, size_t length) {
    if (length < buffer->length) memmove(buffer->data, buffer->data + length, buffer->length - length);
    buffer->length -= length;
}

size_t kw__format_integer(int64_t number, char *out) {
    char digits[20];
    size_t at = sizeof digits, length = 0;
    uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    if (number < 0) out[length++] = '-';
    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    memcpy(out + length, digits + at, sizeof digits - at);
    return length + sizeof digits - at;
}

bool kw__parse_integer(kw__bytes bytes, int64_t *number) {
    const char *text = bytes.data;
    size_t i = 0;
    bool negative = bytes.length > 0 && text[0] == '-';
    if (negative) i++;
    size_t digits = bytes.length - i;
    if (digits == 0) return false;
    /* 18 digits always fit, and are what there is in practice; only beyond them must each be weighed. */
    size_t safe = digits <= 18 ? bytes.length : i;
    uint64_t value = 0;
    for (; i < safe; i++) {
        uint64_t digit = (uint64_t)(unsigned char)text[i] - '0';
        if (digit > 9) return false;
        value = value * 10 + digit;
    }
    uint64_t limit = negative ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX;
    for (; i < bytes.length; i++) {
        uint64_t digit = (uint64_t)(unsigned char)text[i] - '0';
        if (digit > 9 || value > (limit - digit) / 10) return false;
        value = value * 10 + digit;
    }
    *number = negative ? (int64_t)(0 - value) : (int64_t)value;
    return true;
}

size_t kw__utf8_cut(const char *text, size_t length, size_t limit) {
    if (length <= limit) return length;
    size_t cut = limit;
    while (cut > 0 && ((unsigned char)text[cut] & 0xC0) == 0x80)
        cut--;
    return cut;
}
