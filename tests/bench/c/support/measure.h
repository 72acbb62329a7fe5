/*
 * What the programs of the benchmark have in common. Each is one subject, started by run.py: it gets ready, says so in
 * a line of JSON, and then measures for as many seconds as each line of its input names, one line of JSON each. The
 * line "prepare" has it bring its keys into the state that its work needs, which is answered by {}.
 */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BENCH_KEYS 1000 /* hits go round over so many keys */

/* What one caller saw: how long each call took, and how many were refused. */
typedef struct {
    uint32_t *ns;
    size_t count, capacity;
    uint64_t operations, refused;
} bench_samples;

/* One caller's round: calls until bench_now() is past `until`. `caller` counts from 0. */
typedef void (*bench_round)(void *subject, int caller, int64_t until, bench_samples *samples);

/* A subject's name and what it does; `callers` threads do it at once. */
typedef struct {
    const char *name;
    void *subject;
    bench_round round;
    int callers;
    void (*prepare)(void *subject); /* NULL when nothing is to be prepared */
} bench_subject;

int64_t bench_now(void); /* monotonic, in ns */

/* Notes a call, or a batch of `operations` sent together, that began at `start`; returns the time now. */
int64_t bench_note(bench_samples *samples, int64_t start, uint64_t operations);

/* Serves until its input ends. */
int bench_serve(const bench_subject *subject);

/* Ends the program with a message. */
void bench_die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* A text with each @ replaced by a number, in memory of its own. */
char *bench_expand(const char *text, int number);

void *bench_allocate(size_t count, size_t size);

#endif
