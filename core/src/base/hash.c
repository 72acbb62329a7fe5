#include "base/hash.h"

#include "base/random.h"

bool kw__hash_secret_make(kw__hash_secret *secret) {
    return kw__random_bytes(secret, sizeof *secret) == 0;
}

typedef struct state {
    uint64_t a, b, c, d;
} state;

static uint64_t turn(uint64_t word, int by) {
    return (word << by) | (word >> (64 - by));
}

static void round_of(state *s) {
    s->a += s->b;
    s->b = turn(s->b, 13) ^ s->a;
    s->a = turn(s->a, 32);
    s->c += s->d;
    s->d = turn(s->d, 16) ^ s->c;
    s->a += s->d;
    s->d = turn(s->d, 21) ^ s->a;
    s->c += s->b;
    s->b = turn(s->b, 17) ^ s->c;
    s->c = turn(s->c, 32);
}

static void take(state *s, uint64_t word) {
    s->d ^= word;
    round_of(s);
    round_of(s);
    s->a ^= word;
}

/* Up to eight bytes, the first the lowest. */
static uint64_t word_of(const unsigned char *bytes, size_t length) {
    uint64_t word = 0;
    for (size_t i = 0; i < length; i++)
        word |= (uint64_t)bytes[i] << (8 * i);
    return word;
}

uint64_t kw__hash(const kw__hash_secret *secret, kw__bytes bytes) {
    state s = {
        secret->low ^ UINT64_C(0x736F6D6570736575),
        secret->high ^ UINT64_C(0x646F72616E646F6D),
        secret->low ^ UINT64_C(0x6C7967656E657261),
        secret->high ^ UINT64_C(0x7465646279746573),
    };
    const unsigned char *at = bytes.data;
    size_t whole = bytes.length / 8 * 8;
    for (size_t i = 0; i < whole; i += 8)
        take(&s, word_of(at + i, 8));
    size_t rest = bytes.length - whole;
    take(&s, (rest > 0 ? word_of(at + whole, rest) : 0) | (uint64_t)bytes.length << 56);
    s.c ^= 0xFF;
    for (int i = 0; i < 4; i++)
        round_of(&s);
    return s.a ^ s.b ^ s.c ^ s.d;
}
