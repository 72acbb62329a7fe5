/*
 * Names to addresses, without holding anybody up: a helper thread asks, and whoever waits may leave. A literal address
 * needs no thread.
 */
#ifndef KW__RESOLVE_H
#define KW__RESOLVE_H

#include "base/poller.h"
#include "redis/transport.h"

#define KW__MAX_ADDRESSES 16

typedef struct kw__lookup kw__lookup;

/* Reads a literal IPv4 or IPv6 address; false when host is a name. */
bool kw__resolve_literal(const char *host, int port, kw__address *address);

/*
 * Begins to resolve a name; `wake` is raised when the answer is there. Fails with KW_RESOLVE when too many lookups are
 * under way, KW_NO_MEMORY.
 */
kw_status kw__lookup_begin(const char *host, int port, kw__signal *wake, kw__lookup **lookup, kw_error *error);
/* Whether the answer is there. Then: KW_OK with count addresses, or KW_RESOLVE. */
bool kw__lookup_is_done(kw__lookup *lookup);
kw_status kw__lookup_result(kw__lookup *lookup, kw__address *addresses, size_t *count, kw_error *error);
/* Leaves it: the thread drops its answer and wakes nobody. NULL is allowed. */
void kw__lookup_leave(kw__lookup *lookup);

#endif
