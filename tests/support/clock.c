/* A wall clock that a test sets, for the server under test (LD_PRELOAD, Linux).
 *
 * KEYWRIGHT_TEST_CLOCK names a file of two int64, both in microseconds:
 *
 *     offset     added to the time, always
 *     frozen     0: time runs; else the time stands still there (offset is still added)
 *
 * Whoever maps the file changes one of them by one 8-byte store, so the server never sees half of a change.
 * Time that is let go again continues best when offset is set first and frozen to 0 after. Only the wall
 * clock is answered from it: the monotonic clocks, by which the server sleeps and paces itself, run on.
 *
 * Valkey 9.1 asks for the time once a millisecond and counts on by the processor's own counter, where /proc/cpuinfo
 * tells it that it may. Nothing answers for the processor, so the file is not to be found. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

struct clock_page {
    int64_t offset;
    int64_t frozen;
};

static const struct clock_page *page;

__attribute__((constructor)) static void map_page(void) {
    const char *path = getenv("KEYWRIGHT_TEST_CLOCK");
    if (path == NULL) return;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return;
    void *mapped = mmap(NULL, sizeof *page, PROT_READ, MAP_SHARED, file, 0);
    close(file);
    if (mapped != MAP_FAILED) page = mapped;
}

static void shift(struct timespec *now) {
    if (page == NULL) return;
    int64_t frozen = __atomic_load_n(&page->frozen, __ATOMIC_ACQUIRE);
    int64_t offset = __atomic_load_n(&page->offset, __ATOMIC_ACQUIRE);
    int64_t us = frozen != 0 ? frozen : (int64_t)now->tv_sec * 1000000 + now->tv_nsec / 1000;
    int64_t below_us = frozen != 0 ? 0 : now->tv_nsec % 1000;
    us += offset;
    now->tv_sec = (time_t)(us / 1000000);
    now->tv_nsec = (long)(us % 1000000 * 1000 + below_us);
}

/* The system call itself: looking up the C library's own function may allocate before the allocator is ready.
 */
static int real_gettime(clockid_t clock, struct timespec *now) {
    return (int)syscall(SYS_clock_gettime, clock, now);
}

__attribute__((visibility("default"))) int clock_gettime(clockid_t clock, struct timespec *now) {
    int failed = real_gettime(clock, now);
    if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) shift(now);
    return failed;
}

__attribute__((visibility("default"))) int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec precise;
    (void)zone;
    if (real_gettime(CLOCK_REALTIME, &precise)) return -1;
    shift(&precise);
    now->tv_sec = precise.tv_sec;
    now->tv_usec = precise.tv_nsec / 1000;
    return 0;
}

__attribute__((visibility("default"))) time_t time(time_t *result) {
    struct timespec precise;
    if (real_gettime(CLOCK_REALTIME, &precise)) return (time_t)-1;
    shift(&precise);
    if (result != NULL) *result = precise.tv_sec;
    return precise.tv_sec;
}

typedef FILE *opener(const char *path, const char *mode);

static FILE *open_other(const char *name, const char *path, const char *mode) {
    if (strcmp(path, "/proc/cpuinfo") == 0) {
        errno = ENOENT;
        return NULL;
    }
    union {
        void *found;
        opener *function;
    } real = {dlsym(RTLD_NEXT, name)};
    return real.function(path, mode);
}

__attribute__((visibility("default"))) FILE *fopen(const char *restrict path, const char *restrict mode) {
    return open_other("fopen", path, mode);
}

#ifdef __GLIBC__
__attribute__((visibility("default"))) FILE *fopen64(const char *restrict path, const char *restrict mode) {
    return open_other("fopen64", path, mode);
}
#endif
