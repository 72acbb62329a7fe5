/* Running a fuzz target as a test: over a corpus, and over mutations of it that are the same every time. */
#ifndef KW_TEST_FUZZ_H
#define KW_TEST_FUZZ_H

#include <stddef.h>
#include <stdint.h>

typedef int (*test_fuzz_target)(const uint8_t *data, size_t size);

/* Reads all files of tests/fuzz/<folder>, one input each. The test fails when there is none. */
void test_fuzz_read(const char *folder);

/* Gives the target every input of the corpus. */
void test_fuzz_corpus(test_fuzz_target target);

/* Gives the target mutations of the corpus: bytes changed, put in, taken out, inputs crossed, words put in that lead
 * deeper than single bytes do. `words` ends with NULL. */
void test_fuzz_mutations(test_fuzz_target target, const char *const *words, int count);

#endif
