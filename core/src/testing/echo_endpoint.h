/* A server of a few commands inside the process, behind a pair of sockets, whose replies a test can hold back. */
#ifndef KW__ECHO_ENDPOINT_H
#define KW__ECHO_ENDPOINT_H

#include <stdbool.h>

#include "keywright_test.h"

typedef struct kw__echo_endpoint kw__echo_endpoint;

/* The endpoint of a client, made when first asked for; NULL when memory is out. */
kw__echo_endpoint *kw__echo_endpoint_of(void *tag);
void kw__echo_endpoint_hold(kw__echo_endpoint *endpoint, bool held);
void kw__echo_endpoint_drop(kw__echo_endpoint *endpoint);
void kw__echo_endpoint_flush(kw__echo_endpoint *endpoint);
void kw__echo_endpoint_forbid(kw__echo_endpoint *endpoint, bool forbidden);
void kw__echo_endpoint_seen(kw__echo_endpoint *endpoint, kw_echo_seen *seen);

#endif
