/*
 * Fuzzing the parser of limit texts. As a test it runs over the corpus in tests/fuzz/limit_text and over mutations of
 * it that are the same every time. With a fuzzer: clang -fsanitize=fuzzer,address -DKEYWRIGHT_FUZZER, and the corpus as
 * argument.
 */
#include "primitives/limit_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "primitives/gcra.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds, const char *what, const char *text) {
    if (holds) return;
    fprintf(stderr, "%s: %s\n", what, text);
    abort();
}

/* What was read is in its bounds, and written out again it reads as the same. */
static void check_good(const char *text, const kw_limit *limits, int64_t count) {
    char again[2048], burst[32];
    size_t length = 0;
    must(count >= 1 && count <= KW__LIMITS_MAX, "a count out of range", text);
    for (int64_t i = 0; i < count; i++) {
        const kw_limit *limit = &limits[i];
        must(limit->count > 0 && limit->count < KW__LIMIT_BOUND, "a count out of range", text);
        must(limit->period_us > 0 && limit->period_us < KW__LIMIT_BOUND, "a period out of range", text);
        must(limit->burst > 0 && limit->burst < KW__LIMIT_BOUND, "a burst out of range", text);
        must(memchr(limit->label, '\0', sizeof limit->label) != NULL, "a label without end", text);
        kw__gcra gcra;
        must(limit->burst == limit->count || kw__gcra_init(&gcra, limit->count, limit->period_us, limit->burst, 0),
             "a burst that is too long", text);
        burst[0] = '\0';
        if (limit->burst != limit->count) snprintf(burst, sizeof burst, " burst %" PRId64, limit->burst);
        length += (size_t)snprintf(again + length, sizeof again - length, "%s%" PRId64 "/%" PRId64 "us%s%s%s",
                                   i > 0 ? ";" : "", limit->count, limit->period_us, burst,
                                   limit->label[0] != '\0' ? " as " : "", limit->label);
    }
    if (length > KW__LIMIT_TEXT_MAX) return;
    kw_limit reread[KW__LIMITS_MAX];
    int64_t reread_count;
    must(kw__limits_parse(again, reread, KW__LIMITS_MAX, &reread_count, NULL) == KW_OK, "does not read again", again);
    must(reread_count == count && memcmp(reread, limits, (size_t)count * sizeof *limits) == 0, "another limit", again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = malloc(size + 1); /* of the exact size, so that a sanitizer sees reading beyond it */
    if (text == NULL) return 0;
    if (size > 0) memcpy(text, data, size);
    text[size] = '\0';
    kw_limit limits[KW__LIMITS_MAX];
    int64_t count = -1;
    kw_error error;
    memset(limits, 0x55, sizeof limits);
    if (kw__limits_parse(text, limits, KW__LIMITS_MAX, &count, &error) == KW_OK) {
        check_good(text, limits, count);
    } else {
        static const kw_limit none[KW__LIMITS_MAX];
        must(count == 0 && memcmp(limits, none, sizeof none) == 0, "a failure leaves something", text);
        must(error.code == KW_INVALID, "another code", text);
        must(error.reason == KW_REASON_LIMIT_SYNTAX || error.reason == KW_REASON_LIMIT_RANGE ||
                 error.reason == KW_REASON_LIMIT_SIZE || error.reason == KW_REASON_TEXT_LENGTH,
             "another reason", text);
        must(error.position >= 0 && error.position <= (int64_t)strlen(text), "a position outside", text);
        must(error.message[0] != '\0', "no message", text);
    }
    free(text);
    return 0;
}

#if !defined(KEYWRIGHT_FUZZER)
#include "support/fuzz.h"
#include "support/test.h"

enum { MUTATIONS = 20000 };

static const char *const words[] = {"/",
                                    " per ",
                                    " burst ",
                                    " as ",
                                    ";",
                                    ",",
                                    "|",
                                    ":",
                                    "0",
                                    "1",
                                    "4503599627370495",
                                    "4503599627370496",
                                    "9223372036854775808",
                                    "us",
                                    "ms",
                                    "s",
                                    "minutes",
                                    "YEARS",
                                    "month",
                                    "10/s",
                                    " \t",
                                    "\xC2\xA0",
                                    "_label.9-",
                                    NULL};

static int read_corpus(void **state) {
    (void)state;
    test_fuzz_read("limit_text");
    return 0;
}

static void the_corpus_holds(void **state) {
    (void)state;
    test_fuzz_corpus(LLVMFuzzerTestOneInput);
}

static void mutations_of_the_corpus_hold(void **state) {
    (void)state;
    test_fuzz_mutations(LLVMFuzzerTestOneInput, words, MUTATIONS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_corpus_holds),
        cmocka_unit_test(mutations_of_the_corpus_hold),
    };
    return test_run(read_corpus, NULL);
}
#endif
