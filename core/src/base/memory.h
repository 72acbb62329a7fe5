/* All memory of the library comes from here, so that a test can let any allocation fail. */
#ifndef KW__MEMORY_H
#define KW__MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void *kw__malloc(size_t size);
/* Zeroed memory for count items; NULL also when the product overflows. */
void *kw__calloc(size_t count, size_t size);
void *kw__realloc(void *memory, size_t size);
void kw__free(void *memory);
char *kw__copy_text(const char *text, size_t length);

/* Tests: the n-th allocation from now fails (1 is the next), and with `forever` all after it; 0 ends it. */
void kw__memory_fail_at(uint64_t n, bool forever);
/* Tests: how many allocations were asked for since the last kw__memory_fail_at. */
uint64_t kw__memory_asked(void);

#endif
