/*
 * What the library's objects take in memory. Not a subject that is called round after round: it prints one line of JSON
 * and ends.
 *
 *     memory SOCKET COUNT
 *
 * COUNT of each kind are made and used; a figure is the difference to before, shared among them. `malloc` is what
 * malloc has handed out, to the libraries below as well; `rss` is what the process holds of the machine's memory. Null:
 * this system does not tell.
 */
#include <keywright.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(__APPLE__)
#include <malloc/malloc.h>
#elif defined(__GLIBC__)
#include <malloc.h>
#endif

#include "support/measure.h"

#define MANY 1000

typedef struct {
    int64_t malloc, rss; /* bytes; -1 when unknown */
} memory;

static kw_error error;

static void check(kw_status status) {
    if (status < 0) {
        bench_die("%s: %s %s", kw_status_name(status), error.message, error.server);
    }
}

static int64_t handed_out(void) {
#if defined(__APPLE__)
    malloc_statistics_t all;
    malloc_zone_statistics(NULL, &all);
    return (int64_t)all.size_in_use;
#elif defined(__GLIBC__) && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 33)
    struct mallinfo2 all = mallinfo2();
    return (int64_t)(all.uordblks + all.hblkhd);
#else
    return -1;
#endif
}

static int64_t resident(void) {
    long pages = -1, ignored;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file != NULL) {
        if (fscanf(file, "%ld %ld", &ignored, &pages) != 2) {
            pages = -1;
        }
        fclose(file);
    }
    return pages < 0 ? -1 : pages * sysconf(_SC_PAGESIZE);
}

static memory look(void) {
    return (memory){.malloc = handed_out(), .rss = resident()};
}

static void print_share(const char *name, int64_t before, int64_t after, int count) {
    if (before < 0 || after < 0) {
        printf(", \"%s\": null", name);
    } else {
        printf(", \"%s\": %lld", name, (long long)((after - before) / count));
    }
}

/* Prints what one of `count` took since `before`, and returns the state now. */
static memory tell(const char *what, memory before, int count) {
    static const char *comma = "";
    memory now = look();
    printf("%s{\"what\": \"%s\", \"count\": %d", comma, what, count);
    print_share("malloc", before.malloc, now.malloc, count);
    print_share("rss", before.rss, now.rss, count);
    printf("}");
    comma = ", ";
    return now;
}

static void drain_one(kw_completions *completions) {
    kw_record record;
    if (kw_completions_wait(completions, KW_DEFAULT_TIMEOUT, &error) <= 0 ||
        kw_completions_drain(completions, &record, 1, sizeof record, &error) != 1) {
        bench_die("no answer came");
    }
    check(record.status);
}

static void hit_many(kw_limiter *limiter) {
    static kw_limiter_hit_args items[MANY];
    static kw_decision decisions[MANY];
    for (int i = 0; i < MANY; i++) {
        items[i] = (kw_limiter_hit_args){.size = sizeof items[i], .key = "user:1", .key_length = 6, .cost = 1};
    }
    check(kw_limiter_hit_many(limiter, items, MANY, KW_DEFAULT_TIMEOUT, decisions, &error));
}

int main(int argc, char **argv) {
    if (argc != 3 || atoi(argv[2]) < 1) {
        bench_die("memory SOCKET COUNT");
    }
    int count = atoi(argv[2]);
    size_t each = (size_t)count;
    char url[512];
    snprintf(url, sizeof url, "unix://%s", argv[1]);
    kw_client **clients = bench_allocate(each, sizeof(kw_client *));
    kw_limiter **limiters = bench_allocate(each, sizeof(kw_limiter *));
    kw_completions **completions = bench_allocate(each, sizeof(kw_completions *));
    kw_client *first = NULL;
    check(kw_client_open(url, NULL, &first, &error)); /* what is needed once is not counted */
    check(kw_client_ping(first, KW_DEFAULT_TIMEOUT, &error));

    printf("{\"subject\": \"keywright %s\", \"each\": [", kw_version());
    memory now = look();
    for (int i = 0; i < count; i++) {
        check(kw_client_open(url, NULL, &clients[i], &error));
    }
    tell("client, opened", now, count);
    for (int i = 0; i < count; i++) {
        check(kw_client_ping(clients[i], KW_DEFAULT_TIMEOUT, &error));
    }
    tell("client, opened and used", now, count);
    now = look();
    for (int i = 0; i < count; i++) {
        check(kw_completions_open(clients[i], &completions[i], &error));
        check(kw_client_submit_ping(clients[i], completions[i], 1, KW_DEFAULT_TIMEOUT, &error));
        drain_one(completions[i]);
    }
    tell("completions, opened and used", now, count);
    now = look();
    for (int i = 0; i < count; i++) {
        kw_decision decision;
        check(kw_limiter_open(first, "bench", 5, "1000/h burst 100000", NULL, &limiters[i], &error));
        check(kw_limiter_hit(limiters[i], "user:1", 6, 1, KW_DEFAULT_TIMEOUT, &decision, &error));
    }
    now = tell("limiter, opened and used", now, count);
    hit_many(limiters[0]);
    tell("call in flight, kept for the next", now, MANY);
    printf("]}\n");
    return EXIT_SUCCESS;
}
