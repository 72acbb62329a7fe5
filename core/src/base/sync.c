#include "base/sync.h"

#include <errno.h>
#include <stdatomic.h>
#include <time.h>

#if defined(__linux__)
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include "base/clock.h"

bool kw__mutex_init(kw__mutex *mutex) {
    return pthread_mutex_init(mutex, NULL) == 0;
}

void kw__mutex_free(kw__mutex *mutex) {
    pthread_mutex_destroy(mutex);
}

void kw__lock(kw__mutex *mutex) {
    pthread_mutex_lock(mutex);
}

void kw__unlock(kw__mutex *mutex) {
    pthread_mutex_unlock(mutex);
}

#if defined(__linux__)

enum { EMPTY, ASLEEP, WOKEN };

bool kw__parker_init(kw__parker *parker) {
    atomic_init(&parker->state, EMPTY);
    return true;
}

void kw__parker_free(kw__parker *parker) {
    (void)parker;
}

/* Sleeps while the word says ASLEEP, until the monotonic moment; false when that has passed. */
static bool sleep_on(kw__parker *parker, int64_t until) {
    struct timespec time = {(time_t)(until / KW__SECOND), (long)(until % KW__SECOND * 1000)};
    /* FUTEX_WAIT_BITSET takes an absolute moment of the monotonic clock. */
    long failed = syscall(SYS_futex, &parker->state, FUTEX_WAIT_BITSET_PRIVATE, ASLEEP,
                          until == INT64_MAX ? NULL : &time, NULL, FUTEX_BITSET_MATCH_ANY);
    return failed == 0 || errno != ETIMEDOUT;
}

bool kw__park(kw__parker *parker, int64_t until) {
    unsigned seen = EMPTY;
    if (!atomic_compare_exchange_strong(&parker->state, &seen, ASLEEP)) { /* woken before */
        atomic_store(&parker->state, EMPTY);
        return true;
    }
    while (atomic_load(&parker->state) == ASLEEP && sleep_on(parker, until)) {
    }
    return atomic_exchange(&parker->state, EMPTY) == WOKEN;
}

void kw__unpark(kw__parker *parker) {
    if (atomic_exchange(&parker->state, WOKEN) != ASLEEP) return;
    syscall(SYS_futex, &parker->state, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

#else

bool kw__parker_init(kw__parker *parker) {
    parker->woken = false;
    if (pthread_mutex_init(&parker->mutex, NULL) != 0) return false;
    pthread_condattr_t attributes;
    int failed = pthread_condattr_init(&attributes);
#if !defined(__APPLE__)
    if (failed == 0) failed = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
#endif
    if (failed == 0) failed = pthread_cond_init(&parker->condition, &attributes);
    pthread_condattr_destroy(&attributes);
    if (failed != 0) pthread_mutex_destroy(&parker->mutex);
    return failed == 0;
}

void kw__parker_free(kw__parker *parker) {
    pthread_cond_destroy(&parker->condition);
    pthread_mutex_destroy(&parker->mutex);
}

/* One sleep on the condition until the monotonic moment; ETIMEDOUT when it passed. */
static int wait_until(kw__parker *parker, int64_t until) {
    if (until == INT64_MAX) return pthread_cond_wait(&parker->condition, &parker->mutex);
#if defined(__APPLE__)
    int64_t left = until - kw__now();
    if (left <= 0) return ETIMEDOUT;
    struct timespec time = {(time_t)(left / KW__SECOND), (long)(left % KW__SECOND * 1000)};
    return pthread_cond_timedwait_relative_np(&parker->condition, &parker->mutex, &time);
#else
    struct timespec time = {(time_t)(until / KW__SECOND), (long)(until % KW__SECOND * 1000)};
    return pthread_cond_timedwait(&parker->condition, &parker->mutex, &time);
#endif
}

bool kw__park(kw__parker *parker, int64_t until) {
    pthread_mutex_lock(&parker->mutex);
    int failed = 0;
    while (!parker->woken && failed == 0)
        failed = wait_until(parker, until);
    bool woken = parker->woken;
    parker->woken = false;
    pthread_mutex_unlock(&parker->mutex);
    return woken;
}

void kw__unpark(kw__parker *parker) {
    pthread_mutex_lock(&parker->mutex);
    parker->woken = true;
    pthread_cond_signal(&parker->condition);
    pthread_mutex_unlock(&parker->mutex);
}

#endif

static atomic_uint_least64_t generation = 1;
static pthread_once_t installed = PTHREAD_ONCE_INIT;

static void forked(void) {
    atomic_fetch_add_explicit(&generation, 1, memory_order_relaxed);
}

static void install(void) {
    pthread_atfork(NULL, NULL, forked);
}

uint64_t kw__generation(void) {
    pthread_once(&installed, install);
    return atomic_load_explicit(&generation, memory_order_relaxed);
}
