/* What every handle begins with: a count of references, the client it holds, and how it ends. */
#ifndef KW__OBJECT_H
#define KW__OBJECT_H

#include <stdatomic.h>

#include "base/error.h"

typedef struct kw__object kw__object;
struct kw__object {
    atomic_int references;
    kw_client *client;  /* held; a client names itself here and does not hold itself */
    int64_t timeout_us; /* of its calls that name none: connecting included; 0: the client's */
    void (*destroy)(kw__object *object);
};

/* Makes the first reference, and takes one on the client. */
void kw__object_init(kw__object *object, kw_client *client, void (*destroy)(kw__object *object));
void kw__object_hold(kw__object *object);
/* The last reference destroys the object, then gives up its client. In a forked child nothing happens. */
void kw__object_release(kw__object *object);

#endif
