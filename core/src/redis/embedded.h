/* A private server for embedded://, and its end whatever way the process ends. */
#ifndef KW__EMBEDDED_H
#define KW__EMBEDDED_H

#include "redis/url.h"

typedef struct kw__embedded kw__embedded;

/*
 * Starts the private server, or attaches to the one that shares url->directory, and waits up to 10 s for it. On success
 * url->kind is UNIX and url->path its socket, url->shown "unix://..." .
 */
kw_status kw__embedded_start(kw__url *url, kw__embedded **out, kw_error *error);

/* Lets go of the server; the last to let go ends it. Does nothing in a forked child. NULL is allowed. */
void kw__embedded_release(kw__embedded *embedded);

#endif
