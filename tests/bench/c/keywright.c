/*
 * keywright from C.
 *
 *     keywright SOCKET call 1 LIMIT ALGORITHM        one hit at a time
 *     keywright SOCKET submit DEPTH LIMIT ALGORITHM  DEPTH hits submitted, then all answers taken
 *     keywright SOCKET many COUNT LIMIT ALGORITHM    COUNT hits by kw_limiter_hit_many
 *     keywright SOCKET threads COUNT LIMIT ALGORITHM COUNT threads, one client, so one link
 *     keywright SOCKET version COUNT LIMIT ALGORITHM COUNT calls of kw_version, which asks nobody
 *
 * ALGORITHM is gcra or fixed_window.
 */
#include <keywright.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/measure.h"

#define MOST 4096

typedef struct {
    kw_limiter *limiter;
    kw_completions *completions;
    char *keys[BENCH_KEYS];
    size_t lengths[BENCH_KEYS];
    int count;
} library_subject;

static kw_error error;

static void check(kw_status status, const kw_error *failure) {
    if (status < 0) {
        bench_die("%s: %s %s", kw_status_name(status), failure->message, failure->server);
    }
}

static int first_key(int caller) {
    return caller * 37 % BENCH_KEYS;
}

static void call(void *subject, int caller, int64_t until, bench_samples *samples) {
    const library_subject *self = subject;
    int64_t now = bench_now();
    for (int key = first_key(caller); now < until; key = (key + 1) % BENCH_KEYS) {
        kw_decision decision;
        kw_error failure;
        kw_status status = kw_limiter_hit(self->limiter, self->keys[key], self->lengths[key], 1, KW_DEFAULT_TIMEOUT,
                                          &decision, &failure);
        check(status, &failure);
        samples->refused += status != KW_OK;
        now = bench_note(samples, now, 1);
    }
}

static void submit(void *subject, int caller, int64_t until, bench_samples *samples) {
    (void)caller;
    const library_subject *self = subject;
    static kw_record records[MOST];
    int64_t now = bench_now();
    for (int key = 0; now < until;) {
        for (int i = 0; i < self->count; i++, key = (key + 1) % BENCH_KEYS) {
            check(kw_limiter_submit_hit(self->limiter, self->completions, (uint64_t)i, self->keys[key],
                                        self->lengths[key], 1, KW_DEFAULT_TIMEOUT, &error),
                  &error);
        }
        for (int64_t left = self->count; left > 0;) {
            if (kw_completions_wait(self->completions, KW_DEFAULT_TIMEOUT, &error) <= 0) {
                bench_die("no answer came");
            }
            int64_t drained = kw_completions_drain(self->completions, records, MOST, sizeof records[0], &error);
            for (int64_t i = 0; i < drained; i++) {
                check(records[i].status, records[i].data);
                samples->refused += records[i].status != KW_OK;
            }
            left -= drained;
        }
        now = bench_note(samples, now, (uint64_t)self->count);
    }
}

static void many(void *subject, int caller, int64_t until, bench_samples *samples) {
    (void)caller;
    const library_subject *self = subject;
    static kw_limiter_hit_args items[MOST];
    static kw_decision decisions[MOST];
    for (int i = 0; i < self->count; i++) {
        items[i].size = sizeof items[i];
        items[i].key = self->keys[i % BENCH_KEYS];
        items[i].key_length = self->lengths[i % BENCH_KEYS];
        items[i].cost = 1;
    }
    for (int64_t now = bench_now(); now < until;) {
        check(kw_limiter_hit_many(self->limiter, items, (size_t)self->count, KW_DEFAULT_TIMEOUT, decisions, &error),
              &error);
        for (int i = 0; i < self->count; i++) {
            samples->refused += decisions[i].status != KW_OK;
        }
        now = bench_note(samples, now, (uint64_t)self->count);
    }
}

static void version(void *subject, int caller, int64_t until, bench_samples *samples) {
    (void)caller;
    const library_subject *self = subject;
    for (int64_t now = bench_now(); now < until;) {
        for (int i = 0; i < self->count; i++) {
            kw_version();
        }
        now = bench_note(samples, now, (uint64_t)self->count);
    }
}

int main(int argc, char **argv) {
    if (argc != 6) {
        bench_die("keywright SOCKET call|submit|many|threads|version COUNT LIMIT ALGORITHM");
    }
    static library_subject self;
    static char url[512], name[64];
    const char *how = argv[2];
    self.count = atoi(argv[3]);
    if (self.count < 1 || self.count > MOST) {
        bench_die("COUNT is from 1 to %d", MOST);
    }
    for (int key = 0; key < BENCH_KEYS; key++) {
        self.keys[key] = bench_expand("user:@", key);
        self.lengths[key] = strlen(self.keys[key]);
    }
    snprintf(url, sizeof url, "unix://%s", argv[1]);
    snprintf(name, sizeof name, "keywright %s", kw_version());
    kw_limiter_options options = {.size = sizeof options};
    options.algorithm = strcmp(argv[5], "fixed_window") == 0 ? KW_ALGORITHM_FIXED_WINDOW : KW_ALGORITHM_GCRA;
    kw_client *client = NULL;
    check(kw_client_open(url, NULL, &client, &error), &error);
    check(kw_limiter_open(client, "bench", 5, argv[4], &options, &self.limiter, &error), &error);
    check(kw_completions_open(client, &self.completions, &error), &error);
    bench_subject subject = {.name = name, .subject = &self, .round = call, .callers = 1};
    if (strcmp(how, "submit") == 0) {
        subject.round = submit;
    } else if (strcmp(how, "many") == 0) {
        subject.round = many;
    } else if (strcmp(how, "version") == 0) {
        subject.round = version;
    } else if (strcmp(how, "threads") == 0) {
        subject.callers = self.count;
    }
    int outcome = bench_serve(&subject);
    kw_completions_free(self.completions);
    kw_limiter_free(self.limiter);
    kw_client_free(client);
    return outcome;
}
