#include "support/measure.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int64_t read_clock(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t bench_now(void) {
    return read_clock(CLOCK_MONOTONIC);
}

void bench_die(const char *format, ...) {
    va_list list;
    va_start(list, format);
    vfprintf(stderr, format, list);
    va_end(list);
    fputc('\n', stderr);
    exit(EXIT_FAILURE);
}

void *bench_allocate(size_t count, size_t size) {
    void *memory = calloc(count, size);
    if (memory == NULL) {
        bench_die("no memory");
    }
    return memory;
}

char *bench_expand(const char *text, int number) {
    char digits[16];
    size_t width = (size_t)snprintf(digits, sizeof digits, "%d", number), length = 0;
    char *out = bench_allocate(strlen(text) * sizeof digits + 1, 1);
    for (; *text != '\0'; text++) {
        if (*text == '@') {
            memcpy(out + length, digits, width);
            length += width;
        } else {
            out[length++] = *text;
        }
    }
    return out;
}

int64_t bench_note(bench_samples *samples, int64_t start, uint64_t operations) {
    int64_t now = bench_now(), took = now - start;
    if (samples->count == samples->capacity) {
        samples->capacity = samples->capacity == 0 ? 1 << 16 : samples->capacity * 2;
        samples->ns = realloc(samples->ns, samples->capacity * sizeof samples->ns[0]);
        if (samples->ns == NULL) {
            bench_die("no memory");
        }
    }
    samples->ns[samples->count++] = took > UINT32_MAX ? UINT32_MAX : (uint32_t)took;
    samples->operations += operations;
    return now;
}

/* Callers in threads of their own begin when all are there. */
typedef struct {
    pthread_mutex_t lock;
    pthread_cond_t opened;
    bool open;
    int64_t until;
} gate;

typedef struct {
    const bench_subject *subject;
    gate *gate;
    int number;
    bench_samples samples;
} caller;

static void *call(void *argument) {
    caller *self = argument;
    pthread_mutex_lock(&self->gate->lock);
    while (!self->gate->open) {
        pthread_cond_wait(&self->gate->opened, &self->gate->lock);
    }
    int64_t until = self->gate->until;
    pthread_mutex_unlock(&self->gate->lock);
    self->subject->round(self->subject->subject, self->number, until, &self->samples);
    return NULL;
}

static int64_t run_threads(const bench_subject *subject, caller *callers, int64_t span) {
    gate start = {.lock = PTHREAD_MUTEX_INITIALIZER, .opened = PTHREAD_COND_INITIALIZER};
    pthread_t *threads = bench_allocate((size_t)subject->callers, sizeof *threads);
    for (int i = 0; i < subject->callers; i++) {
        callers[i].gate = &start;
        if (pthread_create(&threads[i], NULL, call, &callers[i]) != 0) {
            bench_die("no thread to be had");
        }
    }
    pthread_mutex_lock(&start.lock);
    int64_t begun = bench_now();
    start.until = begun + span;
    start.open = true;
    pthread_cond_broadcast(&start.opened);
    pthread_mutex_unlock(&start.lock);
    for (int i = 0; i < subject->callers; i++) {
        pthread_join(threads[i], NULL);
    }
    free(threads);
    return bench_now() - begun;
}

static int compare(const void *left, const void *right) {
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return a < b ? -1 : a > b;
}

static double percentile(const bench_samples *all, double share) {
    return all->count == 0 ? 0 : (double)all->ns[(size_t)(share * (double)(all->count - 1))] / 1e3;
}

static void report(const bench_subject *subject, caller *callers, int64_t took, int64_t busy) {
    bench_samples all = callers[0].samples;
    for (int i = 1; i < subject->callers; i++) {
        const bench_samples *one = &callers[i].samples;
        all.ns = realloc(all.ns, (all.count + one->count + 1) * sizeof all.ns[0]);
        if (all.ns == NULL) {
            bench_die("no memory");
        }
        if (one->count > 0) {
            memcpy(all.ns + all.count, one->ns, one->count * sizeof all.ns[0]);
        }
        all.count += one->count;
        all.operations += one->operations;
        all.refused += one->refused;
        free(one->ns);
    }
    if (all.count > 0) {
        qsort(all.ns, all.count, sizeof all.ns[0], compare);
    }
    printf("{\"operations\": %llu, \"seconds\": %.6f, \"busy\": %.6f, \"p50_us\": %.3f, \"p99_us\": %.3f, "
           "\"refused\": %llu}\n",
           (unsigned long long)all.operations, (double)took / 1e9, (double)busy / 1e9, percentile(&all, 0.50),
           percentile(&all, 0.99), (unsigned long long)all.refused);
    free(all.ns);
}

int bench_serve(const bench_subject *subject) {
    char line[64];
    printf("{\"subject\": \"%s\"}\n", subject->name);
    fflush(stdout);
    while (fgets(line, sizeof line, stdin) != NULL) {
        if (strncmp(line, "prepare", 7) == 0) {
            if (subject->prepare != NULL) subject->prepare(subject->subject);
            printf("{}\n");
            fflush(stdout);
            continue;
        }
        int64_t span = (int64_t)(strtod(line, NULL) * 1e9), took;
        caller *callers = bench_allocate((size_t)subject->callers, sizeof *callers);
        for (int i = 0; i < subject->callers; i++) {
            callers[i].subject = subject;
            callers[i].number = i;
        }
        int64_t busy = read_clock(CLOCK_PROCESS_CPUTIME_ID);
        if (subject->callers == 1) {
            int64_t start = bench_now();
            subject->round(subject->subject, 0, start + span, &callers[0].samples);
            took = bench_now() - start;
        } else {
            took = run_threads(subject, callers, span);
        }
        report(subject, callers, took, read_clock(CLOCK_PROCESS_CPUTIME_ID) - busy);
        fflush(stdout);
        free(callers);
    }
    return EXIT_SUCCESS;
}
