/* The client: one server, the link that its blocking calls share, the pool of calls, the counters. */
#ifndef KW__CLIENT_H
#define KW__CLIENT_H

#include "engine/object.h"
#include "redis/embedded.h"
#include "redis/link.h"

typedef struct kw__call kw__call;
typedef struct kw__background kw__background;

struct kw_client {
    kw__object object;
    uint64_t generation; /* of forks, when it was made */
    kw__url url;
    kw__embedded *embedded;
    atomic_bool closed;
    kw__link link; /* shared by all blocking calls; what only one loop reads has links of its own */
    kw__counters counters;
    atomic_uint_least64_t capabilities; /* of the server of the latest link; 0 before the first */
    atomic_int inside;                  /* threads inside a blocking call */
    kw__parker idle;                    /* where close waits for them */
    kw__mutex background_lock;          /* of its making only */
    kw__background *background;         /* made at the first need; see background.h */
    kw__mutex lock;                     /* of what follows; the last in the order of locks */
    kw__call *pool;                     /* calls to be used again; memory of calls is given back only with the client */
    kw__call *sleepers;                 /* blocking calls asleep for their timer */
    kw__call *interrupted;              /* blocking calls whose caller came back to look at a signal */
    uint64_t last_call;                 /* the number of the latest of them */
    kw__server server;
    kw_completions *completions; /* all open ones */
};

/*
 * The router: by which link a call of the client goes. One server has one link for all blocking calls; where there are
 * several servers (the nodes of a cluster, the primary of a Sentinel) this is the one place that knows which of them a
 * slot lies on.
 */
kw__link *kw__client_link(kw_client *client);

bool kw__client_is_forked(const kw_client *client);
/* KW_OK while it is neither closed nor forked. */
kw_status kw__client_check(const kw_client *client, kw_error *error);

kw_status kw__client_open(const char *url, const kw_client_options *options, kw_client **client, kw_error *error);
kw_status kw__client_close(kw_client *client, int64_t timeout_us, kw_error *error);
void kw__client_free(kw_client *client);
const char *kw__client_url(const kw_client *client);
kw_status kw__client_stats(kw_client *client, kw_stats *stats, kw_error *error);

const char *kw__version(void);

#endif
