#include "base/memory.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Only tests set these; a relaxed load is all that others pay. */
static atomic_bool watching;
static atomic_bool failing_forever;
static atomic_uint_least64_t fails_at;
static atomic_uint_least64_t asked;

static bool must_fail(void) {
    if (!atomic_load_explicit(&watching, memory_order_relaxed)) return false;
    uint64_t number = atomic_fetch_add(&asked, 1) + 1;
    uint64_t at = atomic_load(&fails_at);
    return at != 0 && (atomic_load(&failing_forever) ? number >= at : number == at);
}

void *kw__malloc(size_t size) {
    return must_fail() ? NULL : malloc(size > 0 ? size : 1);
}

void *kw__calloc(size_t count, size_t size) {
    return must_fail() ? NULL : calloc(count > 0 ? count : 1, size > 0 ? size : 1);
}

void *kw__realloc(void *memory, size_t size) {
    return must_fail() ? NULL : realloc(memory, size > 0 ? size : 1);
}

void kw__free(void *memory) {
    free(memory);
}

char *kw__copy_text(const char *text, size_t length) {
    char *copy = kw__malloc(length + 1);
    if (copy == NULL) return NULL;
    if (length > 0) memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

void kw__memory_fail_at(uint64_t n, bool forever) {
    atomic_store(&asked, 0);
    atomic_store(&fails_at, n);
    atomic_store(&failing_forever, forever);
    atomic_store(&watching, n != 0);
}

uint64_t kw__memory_asked(void) {
    return atomic_load(&asked);
}
