#include "support/fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "support/test.h"

enum { SEED = 20260101, INPUTS_MAX = 256, INPUT_MAX = 1280 };

typedef struct input {
    uint8_t data[INPUT_MAX];
    size_t size;
} input;

static input corpus[INPUTS_MAX];
static size_t corpus_size;

void test_fuzz_read(const char *folder) {
    char path[1024];
    snprintf(path, sizeof path, "tests/fuzz/%s", folder); /* tests run in the root of the repository */
    DIR *directory = opendir(path);
    if (directory == NULL) fail_msg("%s is not there: run in the root of the repository", path);
    corpus_size = 0;
    for (struct dirent *entry; corpus_size < INPUTS_MAX && (entry = readdir(directory)) != NULL;) {
        snprintf(path, sizeof path, "tests/fuzz/%s/%s", folder, entry->d_name);
        FILE *file = entry->d_name[0] != '.' ? fopen(path, "rb") : NULL;
        if (file == NULL) continue;
        corpus[corpus_size].size = fread(corpus[corpus_size].data, 1, INPUT_MAX, file);
        fclose(file);
        corpus_size++;
    }
    closedir(directory);
    assert_true(corpus_size > 0);
}

void test_fuzz_corpus(test_fuzz_target target) {
    for (size_t i = 0; i < corpus_size; i++)
        target(corpus[i].data, corpus[i].size);
}

/* xorshift64: the same on every system. */
static uint64_t next_random(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void put(input *to, size_t at, const void *data, size_t size) {
    if (size > INPUT_MAX - to->size) size = INPUT_MAX - to->size;
    memmove(to->data + at + size, to->data + at, to->size - at);
    memcpy(to->data + at, data, size);
    to->size += size;
}

static void mutate(input *changed, const char *const *words, size_t word_count, uint64_t *random) {
    size_t at = next_random(random) % (changed->size + 1);
    uint8_t byte = (uint8_t)next_random(random);
    const char *word = words[next_random(random) % word_count];
    const input *other = &corpus[next_random(random) % corpus_size];
    size_t from = next_random(random) % (other->size + 1);
    switch (next_random(random) % 5) {
    case 0:
        if (at < changed->size) changed->data[at] = byte;
        break;
    case 1:
        put(changed, at, &byte, 1);
        break;
    case 2:
        put(changed, at, word, strlen(word));
        break;
    case 3:
        changed->size = at;
        put(changed, at, other->data + from, other->size - from);
        break;
    default:
        if (at < changed->size) {
            changed->size--;
            memmove(changed->data + at, changed->data + at + 1, changed->size - at);
        }
    }
}

void test_fuzz_mutations(test_fuzz_target target, const char *const *words, int count) {
    uint64_t random = SEED;
    size_t word_count = 0;
    static input changed;
    while (words[word_count] != NULL)
        word_count++;
    for (int i = 0; i < count; i++) {
        changed = corpus[next_random(&random) % corpus_size];
        for (uint64_t times = next_random(&random) % 6 + 1; times > 0; times--) {
            mutate(&changed, words, word_count, &random);
        }
        target(changed.data, changed.size);
    }
}
