#include "primitives/keys.h"

#include "base/memory.h"

static bool needs_escape(unsigned char byte) {
    return byte == '%' || byte == '{' || byte == '}' || byte == ':';
}

/* Writes the escaped bytes and returns the end of what was written: three bytes for each of `bytes` always suffice. */
static char *escape(char *out, kw__bytes bytes) {
    static const char digits[] = "0123456789ABCDEF";
    const unsigned char *from = bytes.data;
    for (size_t i = 0; i < bytes.length; i++) {
        if (needs_escape(from[i])) {
            *out++ = '%';
            *out++ = digits[from[i] >> 4];
            *out++ = digits[from[i] & 15];
        } else {
            *out++ = (char)from[i];
        }
    }
    return out;
}

static size_t escaped_length(kw__bytes bytes) {
    const unsigned char *from = bytes.data;
    size_t length = bytes.length;
    for (size_t i = 0; i < bytes.length; i++) {
        if (needs_escape(from[i])) length += 2;
    }
    return length;
}

static char *append(char *out, const char *text, size_t length) {
    memcpy(out, text, length);
    return out + length;
}

bool kw__key_frame_init(kw__key_frame *frame, const char *prefix, const char *kind, kw__bytes name, const char *part) {
    size_t prefix_length = strlen(prefix), kind_length = strlen(kind), part_length = strlen(part);
    frame->before = prefix_length + 1 + kind_length + 2 + escaped_length(name) + 1;
    frame->after = 2 + part_length;
    frame->bytes = kw__malloc(frame->before + frame->after);
    if (frame->bytes == NULL) return false;
    char *at = append(frame->bytes, prefix, prefix_length);
    *at++ = ':';
    at = append(at, kind, kind_length);
    at = append(at, ":{", 2);
    at = escape(at, name);
    *at++ = ':';
    at = append(at, "}:", 2);
    append(at, part, part_length);
    return true;
}

void kw__key_frame_free(kw__key_frame *frame) {
    kw__free(frame->bytes);
    *frame = (kw__key_frame){0};
}

bool kw__key_frames_init(kw__key_frame *frames, const char *const *parts, int count, const char *prefix,
                         const char *kind, kw__bytes name) {
    for (int i = 0; i < count; i++) {
        if (!kw__key_frame_init(&frames[i], prefix, kind, name, parts[i])) return false;
    }
    return true;
}

void kw__key_frames_free(kw__key_frame *frames, int count) {
    for (int i = 0; i < count; i++)
        kw__key_frame_free(&frames[i]);
}

kw__bytes kw__key_write(const kw__key_frame *frame, kw__bytes key, char *out) {
    char *at = append(out, frame->bytes, frame->before);
    at = escape(at, key);
    at = append(at, frame->bytes + frame->before, frame->after);
    return kw__bytes_of(out, (size_t)(at - out));
}

kw__bytes kw__key_write_numbered(const kw__key_frame *frame, kw__bytes key, uint32_t number, char *out) {
    char *at = append(out, frame->bytes, frame->before);
    at = escape(at, key);
    *at++ = ':';
    at += kw__format_integer(number, at);
    at = append(at, frame->bytes + frame->before, frame->after);
    return kw__bytes_of(out, (size_t)(at - out));
}

kw_status kw__hash_tag(kw__bytes name, kw__bytes key, char *tag, size_t capacity, size_t *length, kw_error *error) {
    size_t needed = escaped_length(name) + 1 + escaped_length(key);
    if (capacity <= needed) {
        return kw__fail(
            error, KW_INVALID, KW_REASON_RANGE,
            "the tag takes %zu bytes with its NUL and tag_capacity is %zu; 3,840 bytes suffice for every tag",
            needed + 1, capacity);
    }
    char *at = escape(tag, name);
    *at++ = ':';
    at = escape(at, key);
    *at = '\0';
    *length = needed;
    return KW_OK;
}
