/*
 * Fuzzing the URL parser. As a test it runs over the corpus in tests/fuzz/url and over mutations of it that are the
 * same every time. With a fuzzer: clang -fsanitize=fuzzer,address -DKEYWRIGHT_FUZZER, and the corpus as argument.
 */
#include "redis/url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds, const char *what, const char *text) {
    if (holds) return;
    fprintf(stderr, "%s: %s\n", what, text);
    abort();
}

static void check_good(const char *text, const kw__url *url) {
    must(url->database >= 0 && url->timeout_us > 0 && url->connect_timeout_us > 0, "a setting out of range", text);
    must(url->max_in_flight > 0 && url->client_name != NULL && url->prefix != NULL, "a setting left out", text);
    must((url->kind == KW__ADDRESS_TCP) == (url->host != NULL), "a host", text);
    must((url->kind == KW__ADDRESS_UNIX) == (url->path != NULL), "a path", text);
    must(url->kind != KW__ADDRESS_TCP || (url->port > 0 && url->port < 65536), "a port", text);
    must(url->password != NULL || url->user == NULL, "a user without password", text);
    must(url->shown != NULL, "nothing to show", text);
    kw__url again;
    must(kw__url_parse(url->shown, NULL, &again, NULL) == KW_OK, "what is shown is no URL", url->shown);
    must(again.kind == url->kind && again.database == url->database && strcmp(again.shown, url->shown) == 0,
         "what is shown is another URL", url->shown);
    kw__url_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = malloc(size + 1);
    if (text == NULL) return 0;
    if (size > 0) memcpy(text, data, size);
    text[size] = '\0';
    kw__url url;
    kw_error error;
    kw_status status = kw__url_parse(text, NULL, &url, &error);
    if (status == KW_OK) {
        check_good(text, &url);
    } else {
        static const kw__url empty;
        must(memcmp(&url, &empty, sizeof url) == 0, "a failure leaves something", text);
        must(error.code == status && error.reason != KW_REASON_NONE, "a failure without reason", text);
        must(error.position >= 0 && error.position <= (int64_t)strlen(text), "a position outside", text);
        must(memchr(error.message, '\0', sizeof error.message) != NULL && error.message[0] != '\0', "no message", text);
    }
    kw__url_free(&url);
    free(text);
    return 0;
}

#if !defined(KEYWRIGHT_FUZZER)
#include <dirent.h>

#include "support/test.h"

enum { SEED = 20260101, MUTATIONS = 20000, INPUTS_MAX = 256, INPUT_MAX = 512 };

typedef struct input {
    uint8_t data[INPUT_MAX];
    size_t size;
} input;

static input corpus[INPUTS_MAX];
static size_t corpus_size;

/* The corpus lies beside the vectors, whose folder the build tells; by hand the test runs in the root of the
 * repository. */
static void corpus_folder(char *folder, size_t size) {
    const char *vectors = getenv("KEYWRIGHT_TEST_VECTORS");
    snprintf(folder, size, "%s/fuzz/url", vectors != NULL ? vectors : "tests");
    if (vectors != NULL) snprintf(folder, size, "%s/../fuzz/url", vectors);
}

static int read_corpus(void **state) {
    (void)state;
    char folder[1024], path[2048];
    corpus_folder(folder, sizeof folder);
    DIR *directory = opendir(folder);
    if (directory == NULL) return -1;
    for (struct dirent *entry; corpus_size < INPUTS_MAX && (entry = readdir(directory)) != NULL;) {
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        FILE *file = entry->d_name[0] != '.' ? fopen(path, "rb") : NULL;
        if (file == NULL) continue;
        corpus[corpus_size].size = fread(corpus[corpus_size].data, 1, INPUT_MAX, file);
        fclose(file);
        corpus_size++;
    }
    closedir(directory);
    return corpus_size > 0 ? 0 : -1;
}

/* xorshift64: the same on every system. */
static uint64_t next_random(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Words that lead deeper than single bytes do. */
static const char *const words[] = {
    "redis://", "valkey://", "unix:///", "embedded://", "@", ":",   "/",        "?",       "&",        "=",
    "%00",      "%40",       "%",        "[",           "]", "::1", "database", "prefix=", "timeout=", "max_in_flight=",
    "65536",    "5ms",       "-1",       "2147483648"};

static void put(input *target, size_t at, const void *data, size_t size) {
    if (size > INPUT_MAX - target->size) size = INPUT_MAX - target->size;
    memmove(target->data + at + size, target->data + at, target->size - at);
    memcpy(target->data + at, data, size);
    target->size += size;
}

static void mutate(input *target, uint64_t *random) {
    size_t at = next_random(random) % (target->size + 1);
    uint8_t byte = (uint8_t)next_random(random);
    const char *word = words[next_random(random) % (sizeof words / sizeof words[0])];
    const input *other = &corpus[next_random(random) % corpus_size];
    size_t from = next_random(random) % (other->size + 1);
    switch (next_random(random) % 5) {
    case 0:
        if (at < target->size) target->data[at] = byte;
        break;
    case 1:
        put(target, at, &byte, 1);
        break;
    case 2:
        put(target, at, word, strlen(word));
        break;
    case 3:
        target->size = at;
        put(target, at, other->data + from, other->size - from);
        break;
    default:
        if (at < target->size) memmove(target->data + at, target->data + at + 1, --target->size - at);
    }
}

static void the_corpus_holds(void **state) {
    (void)state;
    for (size_t i = 0; i < corpus_size; i++)
        LLVMFuzzerTestOneInput(corpus[i].data, corpus[i].size);
}

static void mutations_of_the_corpus_hold(void **state) {
    (void)state;
    uint64_t random = SEED;
    static input target;
    for (int i = 0; i < MUTATIONS; i++) {
        target = corpus[next_random(&random) % corpus_size];
        for (uint64_t times = next_random(&random) % 6 + 1; times > 0; times--)
            mutate(&target, &random);
        LLVMFuzzerTestOneInput(target.data, target.size);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_corpus_holds),
        cmocka_unit_test(mutations_of_the_corpus_hold),
    };
    return test_run(read_corpus, NULL);
}
#endif
