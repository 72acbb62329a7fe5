/*
 * SipHash-2-4 (Aumasson and Bernstein, "SipHash: a fast short-input PRF"): a hash with a secret, so that whoever
 * chooses keys cannot make two of them meet.
 */
#ifndef KW__HASH_H
#define KW__HASH_H

#include "base/bytes.h"

typedef struct kw__hash_secret {
    uint64_t low;
    uint64_t high;
} kw__hash_secret;

/* A secret of this process; false when the system has no randomness to give. */
bool kw__hash_secret_make(kw__hash_secret *secret);
uint64_t kw__hash(const kw__hash_secret *secret, kw__bytes bytes);

#endif
