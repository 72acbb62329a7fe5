#include "base/random.h"

#include <stdatomic.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"

int kw__random_bytes(void *out, size_t length) {
    unsigned char *bytes = out;
    while (length > 0) {
        size_t part = length < 256 ? length : 256; /* more than getentropy ever gives at once fails */
        if (getentropy(bytes, part) != 0) return -1;
        bytes += part;
        length -= part;
    }
    return 0;
}

uint64_t kw__random_below(uint64_t bound) {
    /* SplitMix64 (Steele, Lea, Flood 2014) over a counter: each caller gets a number of its own without a lock. */
    static atomic_uint_least64_t counter;
    uint64_t seed = atomic_fetch_add(&counter, 1) + (uint64_t)kw__now() * 0x2545F4914F6CDD1DU;
    seed += (uint64_t)(uintptr_t)&counter + (uint64_t)(uintptr_t)&bound; /* other processes and threads lie elsewhere */
    uint64_t mixed = seed + 0x9E3779B97F4A7C15U;
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9U;
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBU;
    return (mixed ^ (mixed >> 31)) % (bound > 0 ? bound : 1);
}
