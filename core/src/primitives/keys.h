/*
 * Names of keys in the server. A key reads prefix:kind:{name:key}:part. Between the braces stands the tag, by which a
 * cluster chooses the slot: name and key, in which % { } and : are written %25 %7B %7D %3A, so that no bytes of a
 * user's can leave the tag, or make two different pairs of name and key the same. A tag is never empty: it holds at
 * least its colon.
 */
#ifndef KW__KEYS_H
#define KW__KEYS_H

#include "base/bytes.h"
#include "base/error.h"

/* Room that suffices for every tag: name and key escaped throughout, the colon, the NUL. */
#define KW__TAG_ROOM (3 * (KW_MAX_NAME + KW_MAX_KEY) + 2)
/* Room that suffices for every key: prefix, kind and part take at most 256 bytes together. */
#define KW__KEY_ROOM (KW__TAG_ROOM + 256)

/* What all keys of an object have in common: "prefix:kind:{name:" before the escaped key, "}:part" after it. */
typedef struct kw__key_frame {
    char *bytes;
    size_t before;
    size_t after;
} kw__key_frame;

/* Returns false when there is no memory. `part` is ours and holds nothing that needs escaping. */
bool kw__key_frame_init(kw__key_frame *frame, const char *prefix, const char *kind, kw__bytes name, const char *part);
void kw__key_frame_free(kw__key_frame *frame);
/* The same for the several keys that an object has of each key; a failure leaves what there is to kw__key_frames_free.
 */
bool kw__key_frames_init(kw__key_frame *frames, const char *const *parts, int count, const char *prefix,
                         const char *kind, kw__bytes name);
void kw__key_frames_free(kw__key_frame *frames, int count);

/* Writes the whole key for `key` into `out`, which has room for KW__KEY_ROOM bytes, and returns it. */
kw__bytes kw__key_write(const kw__key_frame *frame, kw__bytes key, char *out);

/* The same for one of several keys that lie in slots of their own: the number ends the tag, name:key:number. */
kw__bytes kw__key_write_numbered(const kw__key_frame *frame, kw__bytes key, uint32_t number, char *out);

/* Writes the tag of name and key, NUL-terminated; KW_INVALID when it does not fit. */
kw_status kw__hash_tag(kw__bytes name, kw__bytes key, char *tag, size_t capacity, size_t *length, kw_error *error);

#endif
