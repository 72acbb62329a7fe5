/* Threads: a mutex, a place to sleep in, and the generation that tells a forked child from its parent. */
#ifndef KW__SYNC_H
#define KW__SYNC_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef pthread_mutex_t kw__mutex;

bool kw__mutex_init(kw__mutex *mutex);
void kw__mutex_free(kw__mutex *mutex);
void kw__lock(kw__mutex *mutex);
void kw__unlock(kw__mutex *mutex);

/*
 * Where one thread sleeps until another wakes it. A wake-up before the sleep is kept, so none is lost; waking more than
 * once, or when nobody sleeps, does no harm.
 */
typedef struct kw__parker {
#if defined(__linux__)
    atomic_uint state; /* a futex: one word, no mutex that the woken would have to fetch */
#else
    pthread_mutex_t mutex;
    pthread_cond_t condition;
    bool woken;
#endif
} kw__parker;

bool kw__parker_init(kw__parker *parker);
void kw__parker_free(kw__parker *parker);
/* Sleeps until woken or until the monotonic moment; true when woken. */
bool kw__park(kw__parker *parker, int64_t until);
void kw__unpark(kw__parker *parker);

/*
 * Counts forks: a handle remembers the generation it was made in, and a child sees another. The first use installs the
 * handler. Looked at before any mutex, which the child may have inherited locked.
 */
uint64_t kw__generation(void);

#endif
