/*
 * keywright from C.
 *
 *     keywright SOCKET HOW COUNT LIMIT ALGORITHM [COST]
 *
 *     call 1         one hit at a time
 *     deny 1         one hit at a time, every one denied
 *     remember 1     the same, by a limiter with a denial cache
 *     lease 1        one hit at a time, by a limiter that leases tokens
 *     pair 1         a hit, and its release
 *     submit DEPTH   DEPTH hits submitted, then all answers taken
 *     many COUNT     COUNT hits by kw_limiter_hit_many
 *     threads COUNT  COUNT threads, one client, so one link
 *     version COUNT  COUNT calls of kw_version, which asks nobody
 *
 * submit and threads are also there as hot_submit and hot_threads, where all hit one key, and as coalesced_submit and
 * coalesced_threads, where its hits are coalesced.
 *
 * ALGORITHM is gcra, fixed_window, aligned_window, sliding_counter, sliding_log or concurrency. Each key is prepared by
 * a hit of that cost.
 */
#include <keywright.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/measure.h"

#define MOST 4096
#define MINUTE_US 60000000
#define HOUR_US (60LL * MINUTE_US)
#define LEASE 1000 /* tokens of a key, at most */

typedef struct {
    kw_limiter *limiter;
    kw_completions *completions;
    char *keys[BENCH_KEYS];
    size_t lengths[BENCH_KEYS];
    int count;
    int64_t cost;     /* of the hit that prepares */
    kw_status wanted; /* what a hit has to be answered */
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
        samples->refused += status != self->wanted;
        now = bench_note(samples, now, 1);
    }
}

static kw_decision hit(const library_subject *self, int key, int64_t cost) {
    kw_decision decision;
    check(
        kw_limiter_hit(self->limiter, self->keys[key], self->lengths[key], cost, KW_DEFAULT_TIMEOUT, &decision, &error),
        &error);
    return decision;
}

static void prepare(void *subject) {
    const library_subject *self = subject;
    for (int key = 0; key < BENCH_KEYS; key++) {
        check(kw_limiter_reset(self->limiter, self->keys[key], self->lengths[key], KW_DEFAULT_TIMEOUT, &error), &error);
        hit(self, key, self->cost);
    }
}

/* Until the lease of each key is as large as it gets. */
static void grow(void *subject) {
    const library_subject *self = subject;
    for (int key = 0; key < BENCH_KEYS; key++) {
        for (int times = 0; times < 2 * LEASE; times++) {
            hit(self, key, self->cost);
        }
    }
}

static void pair(void *subject, int caller, int64_t until, bench_samples *samples) {
    (void)caller;
    const library_subject *self = subject;
    int64_t now = bench_now();
    for (int key = 0; now < until; key = (key + 1) % BENCH_KEYS) {
        kw_decision decision = hit(self, key, 1);
        samples->refused += decision.status != KW_OK;
        check(kw_limiter_release(self->limiter, self->keys[key], self->lengths[key], &decision, KW_DEFAULT_TIMEOUT,
                                 &error),
              &error);
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

static const struct {
    const char *name;
    kw_algorithm algorithm;
} algorithms[] = {
    {"gcra", KW_ALGORITHM_GCRA},
    {"fixed_window", KW_ALGORITHM_FIXED_WINDOW},
    {"aligned_window", KW_ALGORITHM_FIXED_WINDOW},
    {"sliding_counter", KW_ALGORITHM_SLIDING_COUNTER},
    {"sliding_log", KW_ALGORITHM_SLIDING_LOG},
    {"concurrency", KW_ALGORITHM_CONCURRENCY},
};

static kw_limiter_options options_of(const char *how, const char *name) {
    kw_limiter_options options = {.size = sizeof options};
    size_t count = sizeof algorithms / sizeof algorithms[0], at = 0;
    while (at < count && strcmp(algorithms[at].name, name) != 0) {
        at++;
    }
    if (at == count) {
        bench_die("no algorithm is called %s", name);
    }
    options.algorithm = algorithms[at].algorithm;
    if (strcmp(name, "aligned_window") == 0) options.align = KW_ALIGN_CLOCK;
    if (strcmp(name, "concurrency") == 0) options.lease_us = HOUR_US;
    if (strcmp(how, "remember") == 0) {
        options.denial_cache = 4 * BENCH_KEYS;
        options.denial_ttl_us = MINUTE_US;
    }
    if (strcmp(how, "lease") == 0) {
        options.token_lease = LEASE;
        options.token_ttl_us = MINUTE_US;
    }
    return options;
}

/* One key for all, and what else the words before "submit" and "threads" ask for; the rest of the word. */
static const char *heat(library_subject *self, const char *how, kw_limiter_options *options) {
    static const char hot[] = "hot_", coalesced[] = "coalesced_";
    const char *rest = how;
    if (strncmp(how, hot, strlen(hot)) == 0) rest = how + strlen(hot);
    if (strncmp(how, coalesced, strlen(coalesced)) == 0) {
        rest = how + strlen(coalesced);
        options->coalesce = 1;
    }
    for (int key = 1; key < BENCH_KEYS && rest != how; key++) {
        self->keys[key] = self->keys[0];
        self->lengths[key] = self->lengths[0];
    }
    return rest;
}

static void choose(library_subject *self, const char *how, bench_subject *subject) {
    static const struct {
        const char *how;
        bench_round round;
    } rounds[] = {{"pair", pair}, {"submit", submit}, {"many", many}, {"version", version}};
    for (size_t i = 0; i < sizeof rounds / sizeof rounds[0]; i++) {
        if (strcmp(how, rounds[i].how) == 0) subject->round = rounds[i].round;
    }
    if (strcmp(how, "threads") == 0) subject->callers = self->count;
    if (strcmp(how, "deny") == 0 || strcmp(how, "remember") == 0) self->wanted = KW_DENIED;
    if (self->cost > 0) subject->prepare = strcmp(how, "lease") == 0 ? grow : prepare;
}

int main(int argc, char **argv) {
    if (argc != 6 && argc != 7) {
        bench_die("keywright SOCKET HOW COUNT LIMIT ALGORITHM [COST]");
    }
    static library_subject self;
    static char url[512], name[64];
    self.cost = argc == 7 ? atoi(argv[6]) : 0;
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
    kw_limiter_options options = options_of(argv[2], argv[5]);
    const char *how = heat(&self, argv[2], &options);
    kw_client *client = NULL;
    check(kw_client_open(url, NULL, &client, &error), &error);
    check(kw_limiter_open(client, "bench", 5, argv[4], &options, &self.limiter, &error), &error);
    check(kw_completions_open(client, &self.completions, &error), &error);
    bench_subject subject = {.name = name, .subject = &self, .round = call, .callers = 1};
    choose(&self, how, &subject);
    int outcome = bench_serve(&subject);
    kw_completions_free(self.completions);
    kw_limiter_free(self.limiter);
    kw_client_free(client);
    return outcome;
}
