/*
 * keywright inside an event loop of one's own: hits are submitted, nothing ever blocks, and the answers come back as
 * records. The loop has a timer of its own beside keywright's descriptor, as a server would have its sockets.
 *
 *     cc -std=gnu11 epoll.c -o epoll $(pkg-config --cflags --libs keywright)
 *     ./epoll embedded://        a private server; without argument that of KEYWRIGHT_URL, else one on this machine
 *
 * What such a loop has to do, and all that it has to do:
 *   - watch kw_completions_fd for reading, and neither read, write nor close it;
 *   - sleep no longer than kw_completions_timeout_ms says (-1: as long as it likes);
 *   - once a turn call kw_completions_step, which writes all that was submitted in one write and reads what arrived;
 *   - then drain until nothing is left: the descriptor stays readable until then.
 */
#include <keywright.h>

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define TICKS 10
#define TICK_NS 100000000L /* 100 ms */
#define HITS_A_TICK 16

/* What the program remembers of a hit in flight: its tag is its place in this table. */
typedef struct {
    int tick;
    int64_t submitted_ns;
} request;

typedef struct {
    kw_limiter *limiter;
    kw_completions *completions;
    request requests[TICKS * HITS_A_TICK];
    int submitted, answered, ticks;
    int admitted[TICKS], denied[TICKS], failed[TICKS];
    int64_t retry_us[TICKS], slowest_ns[TICKS];
} program;

static const char *const KEYS[] = {"ann", "bob", "eve", "joe"};

static int64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* The timer rang: four hits for each of four users. Nothing is written yet; this turn's step sends all of them at once.
 */
static bool submit_hits(program *self) {
    for (int i = 0; i < HITS_A_TICK; i++) {
        int tag = self->submitted;
        const char *key = KEYS[i % 4];
        kw_error error;
        self->requests[tag] = (request){.tick = self->ticks, .submitted_ns = now_ns()};
        kw_status status = kw_limiter_submit_hit(self->limiter, self->completions, (uint64_t)tag, key, strlen(key), 1,
                                                 KW_DEFAULT_TIMEOUT, &error);
        if (status != KW_OK) { /* no record will come; KW_OVERLOADED would mean: drain first, then try again */
            fprintf(stderr, "%s: %s\n", kw_status_name(status), error.message);
            return false;
        }
        self->submitted++;
    }
    self->ticks++;
    return true;
}

static void take(program *self, const kw_record *record) {
    const request *of = &self->requests[record->tag];
    int64_t took = now_ns() - of->submitted_ns;
    int tick = of->tick;
    if (took > self->slowest_ns[tick]) {
        self->slowest_ns[tick] = took;
    }
    if (record->status == KW_OK) {
        self->admitted[tick]++;
    } else if (record->status == KW_DENIED) { /* data is valid until the next drain */
        const kw_decision *decision = record->data;
        self->denied[tick]++;
        self->retry_us[tick] = decision->retry_after_us;
    } else {
        const kw_error *error = record->data;
        if (self->failed[tick]++ == 0) {
            fprintf(stderr, "%s: %s\n", kw_status_name(error->code), error->message);
        }
    }
    self->answered++;
}

/* One turn of keywright: write, read, and take every record. */
static bool serve_keywright(program *self) {
    kw_error error;
    if (kw_completions_step(self->completions, &error) < 0) {
        fprintf(stderr, "%s: %s\n", kw_status_name(error.code), error.message);
        return false;
    }
    kw_record records[4]; /* small on purpose: any size will do, as long as it is drained to the end */
    int64_t count;
    while ((count = kw_completions_drain(self->completions, records, 4, sizeof records[0], &error)) > 0) {
        for (int64_t i = 0; i < count; i++) {
            take(self, &records[i]);
        }
    }
    return count == 0;
}

static bool run(program *self) {
    int loop = epoll_create1(EPOLL_CLOEXEC), timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    int answers = kw_completions_fd(self->completions);
    struct epoll_event of_timer = {.events = EPOLLIN, .data.fd = timer};
    struct epoll_event of_answers = {.events = EPOLLIN, .data.fd = answers};
    struct itimerspec rhythm = {.it_value.tv_nsec = 1, .it_interval.tv_nsec = TICK_NS};
    bool fine = loop >= 0 && timer >= 0 && epoll_ctl(loop, EPOLL_CTL_ADD, timer, &of_timer) == 0 &&
                epoll_ctl(loop, EPOLL_CTL_ADD, answers, &of_answers) == 0 &&
                timerfd_settime(timer, 0, &rhythm, NULL) == 0;
    if (!fine) {
        perror("epoll");
    }
    while (fine && (self->ticks < TICKS || self->answered < self->submitted)) {
        struct epoll_event events[4];
        int count = epoll_wait(loop, events, 4, kw_completions_timeout_ms(self->completions));
        for (int i = 0; i < count && fine; i++) {
            uint64_t rung;
            if (events[i].data.fd == timer && read(timer, &rung, sizeof rung) == sizeof rung && self->ticks < TICKS) {
                fine = submit_hits(self);
            }
        }
        /* Also when its descriptor was silent: this turn's submits want writing, and a timeout may be due. */
        fine = fine && serve_keywright(self);
    }
    if (loop >= 0) {
        close(loop);
    }
    if (timer >= 0) {
        close(timer);
    }
    return fine;
}

static void report(const program *self) {
    printf("tick  admitted  denied  failed  next one fits in  slowest answer\n");
    for (int tick = 0; tick < self->ticks; tick++) {
        printf("%4d  %8d  %6d  %6d  %13.3f ms  %11.3f ms\n", tick, self->admitted[tick], self->denied[tick],
               self->failed[tick], (double)self->retry_us[tick] / 1e3, (double)self->slowest_ns[tick] / 1e6);
    }
}

int main(int argc, char **argv) {
    const char *url = argc > 1 ? argv[1] : getenv("KEYWRIGHT_URL");
    if (url == NULL) {
        url = "redis://localhost:6379";
    }

    static program self;
    kw_client *client = NULL;
    kw_error error;
    bool fine = kw_client_open(url, NULL, &client, &error) == KW_OK &&
                kw_limiter_open(client, "epoll", 5, "20/s burst 5", NULL, &self.limiter, &error) == KW_OK &&
                kw_completions_open(client, &self.completions, &error) == KW_OK;
    if (!fine) {
        fprintf(stderr, "%s: %s\n", kw_status_name(error.code), error.message);
    } else {
        printf("%d hits by four users, %d every %ld ms; each user may come 20 times a second, 5 at once\n",
               TICKS * HITS_A_TICK, HITS_A_TICK, TICK_NS / 1000000);
        fine = run(&self);
        report(&self);
    }
    kw_completions_free(self.completions);
    kw_limiter_free(self.limiter);
    kw_client_free(client);
    return fine ? EXIT_SUCCESS : EXIT_FAILURE;
}
