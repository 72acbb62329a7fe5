/* The test library adds one scheme to the URL; the released library has none. Which file is linked decides. */
#ifndef KW__EXTRA_SCHEME_H
#define KW__EXTRA_SCHEME_H

#include "base/error.h"

typedef struct kw__extra_scheme {
    const char *name; /* without "://" */
    /* Makes a connected, non-blocking stream socket for this client, or -1. `tag` names the client that asks. */
    int (*connect)(void *tag);
    /* The client is going. */
    void (*forget)(void *tag);
} kw__extra_scheme;

/* NULL in the released library. */
extern const kw__extra_scheme *const kw__extra_scheme_of_tests;

#endif
