/* What the parts of the runner share. */
#ifndef KW_TEST_VECTORS_PARTS_H
#define KW_TEST_VECTORS_PARTS_H

#include "support/vectors/vectors.h"

/* Says what is wrong, and is false; puts before it where that was, or at which step. */
bool vector_wrong(vector_problem *problem, const char *format, ...) __attribute__((format(printf, 2, 3)));
void vector_where(vector_problem *problem, const char *where);
void vector_at(vector_problem *problem, size_t number, const json_t *step);

const vector_words *vector_words_of(const json_t *scenario);
const vector_operation *vector_operation_of(const vector_words *words, const json_t *step);

#endif
