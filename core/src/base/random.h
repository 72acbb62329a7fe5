/* Random numbers for jitter and tokens, safe to ask for from any thread. */
#ifndef KW__RANDOM_H
#define KW__RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* Bytes from the system, fit for tokens. Returns 0, or -1 when the system has none to give. */
int kw__random_bytes(void *out, size_t length);

/* A number below `bound` (at least 1), fit for jitter only. */
uint64_t kw__random_below(uint64_t bound);

#endif
