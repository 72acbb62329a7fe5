#include "redis/resolve.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/memory.h"
#include "base/sync.h"

#define MAX_LOOKUPS 32
#define STACK_BYTES ((size_t)512 << 10)

struct kw__lookup {
    kw__mutex lock;
    int holders; /* the one who waits, and the thread */
    bool done;
    int failure; /* of getaddrinfo */
    size_t count;
    kw__address addresses[KW__MAX_ADDRESSES];
    kw__signal *wake; /* NULL when nobody waits any more */
    char service[8];
    char host[];
};

/* How many threads ask, below the generation that they belong to: those of a parent are not there in its child. */
static atomic_uint_least64_t under_way;

#define COUNT_BITS 8

static bool count_one_more(void) {
    uint64_t here = kw__generation() << COUNT_BITS, seen = atomic_load(&under_way), count;
    do {
        count = seen >> COUNT_BITS << COUNT_BITS == here ? seen - here : 0;
        if (count >= MAX_LOOKUPS) return false;
    } while (!atomic_compare_exchange_weak(&under_way, &seen, here + count + 1));
    return true;
}

static void count_one_less(void) {
    atomic_fetch_sub(&under_way, 1);
}

bool kw__resolve_literal(const char *host, int port, kw__address *address) {
    memset(address, 0, sizeof *address);
    struct sockaddr_in *v4 = (struct sockaddr_in *)&address->storage;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&address->storage;
    if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons((uint16_t)port);
        address->length = sizeof *v4;
        return true;
    }
    if (inet_pton(AF_INET6, host, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons((uint16_t)port);
        address->length = sizeof *v6;
        return true;
    }
    return false;
}

/* One holder fewer; the last frees. Called with the lock held, returns without it. */
static void let_go(kw__lookup *lookup) {
    bool last = --lookup->holders == 0;
    kw__unlock(&lookup->lock);
    if (!last) return;
    kw__mutex_free(&lookup->lock);
    kw__free(lookup);
}

static void *ask(void *argument) {
    kw__lookup *lookup = argument;
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    struct addrinfo *found = NULL;
    int failure = getaddrinfo(lookup->host, lookup->service, &hints, &found);
    kw__lock(&lookup->lock);
    lookup->failure = failure;
    for (struct addrinfo *one = found; failure == 0 && one != NULL && lookup->count < KW__MAX_ADDRESSES;
         one = one->ai_next) {
        kw__address *address = &lookup->addresses[lookup->count++];
        memcpy(&address->storage, one->ai_addr, one->ai_addrlen);
        address->length = one->ai_addrlen;
    }
    lookup->done = true;
    if (lookup->wake != NULL) kw__signal_raise(lookup->wake);
    let_go(lookup);
    if (failure == 0) freeaddrinfo(found);
    count_one_less();
    return NULL;
}

/* A detached thread that takes no signals: those belong to the program's own threads. */
static bool start(kw__lookup *lookup) {
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes) != 0) return false;
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_t thread;
    bool started = pthread_create(&thread, &attributes, ask, lookup) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return started;
}

kw_status kw__lookup_begin(const char *host, int port, kw__signal *wake, kw__lookup **lookup, kw_error *error) {
    *lookup = NULL;
    if (!count_one_more()) {
        return kw__fail(error, KW_RESOLVE, KW_REASON_NONE,
                        "%d name lookups hang already: is the name server reachable?", MAX_LOOKUPS);
    }
    kw__lookup *made = kw__calloc(1, sizeof *made + strlen(host) + 1);
    if (made != NULL && !kw__mutex_init(&made->lock)) {
        kw__free(made);
        made = NULL;
    }
    if (made == NULL) {
        count_one_less();
        return kw__fail_memory(error);
    }
    made->holders = 2;
    made->wake = wake;
    snprintf(made->service, sizeof made->service, "%d", port);
    memcpy(made->host, host, strlen(host) + 1);
    if (!start(made)) {
        count_one_less();
        kw__mutex_free(&made->lock);
        kw__free(made);
        return kw__fail(error, KW_RESOLVE, KW_REASON_NONE, "no thread could be started to look up a name");
    }
    *lookup = made;
    return KW_OK;
}

bool kw__lookup_is_done(kw__lookup *lookup) {
    kw__lock(&lookup->lock);
    bool done = lookup->done;
    kw__unlock(&lookup->lock);
    return done;
}

kw_status kw__lookup_result(kw__lookup *lookup, kw__address *addresses, size_t *count, kw_error *error) {
    kw__lock(&lookup->lock);
    *count = lookup->count;
    memcpy(addresses, lookup->addresses, lookup->count * sizeof *addresses);
    int failure = lookup->failure;
    kw__unlock(&lookup->lock);
    if (failure != 0 || *count == 0) {
        return kw__fail(error, KW_RESOLVE, KW_REASON_NONE, "the host %s was not found (%s): check the name in the URL",
                        lookup->host, failure != 0 ? gai_strerror(failure) : "no addresses");
    }
    return KW_OK;
}

void kw__lookup_leave(kw__lookup *lookup) {
    if (lookup == NULL) return;
    kw__lock(&lookup->lock);
    lookup->wake = NULL;
    let_go(lookup);
}
