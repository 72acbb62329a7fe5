/* The writer of the page that tests/support/clock.c reads. */
#include "support/clock.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "support/test.h"

struct test_clock {
    int64_t offset;
    int64_t frozen;
};

const char *test_clock_library(void) {
    const char *library = getenv("KEYWRIGHT_TEST_CLOCK_LIBRARY");
    return library != NULL && *library != '\0' ? library : NULL;
}

struct test_clock *test_clock_open(const char *file) {
    int descriptor = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(descriptor >= 0);
    assert_int_equal(ftruncate(descriptor, (off_t)sizeof(struct test_clock)), 0);
    void *mapped = mmap(NULL, sizeof(struct test_clock), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    close(descriptor);
    assert_true(mapped != MAP_FAILED);
    return mapped;
}

void test_clock_close(struct test_clock *clock) {
    if (clock != NULL) munmap(clock, sizeof *clock);
}

static void store(int64_t *field, int64_t value) {
    __atomic_store_n(field, value, __ATOMIC_RELEASE);
}

void test_clock_reset(struct test_clock *clock) {
    store(&clock->frozen, 0);
    store(&clock->offset, 0);
}

static struct test_clock *clock_of(struct test_server *server) {
    if (server->clock == NULL) test_skip("the server's clock cannot be moved here");
    return server->clock;
}

static int64_t real_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int64_t server_time(struct test_server *server) {
    long long seconds = 0, us = 0;
    char *reply = test_server_command(server, "TIME", (char *)NULL);
    assert_int_equal(sscanf(reply, "%lld\n%lld", &seconds, &us), 2);
    free(reply);
    return seconds * 1000000 + us;
}

/* Valkey 9.1 reads the clock once a millisecond and counts on from there by the processor's own counter: there a change
 * shows late, and time that stands still creeps by up to that much. */
static void settle(struct test_server *server) {
    if (server->clock_is_exact) return;
    struct timespec pause = {.tv_nsec = 2000000};
    nanosleep(&pause, NULL);
    server_time(server);
}

void test_clock_try(struct test_server *server) {
    const int64_t there = INT64_C(1000000000000000);
    server->clock_is_exact = 0;
    test_clock_set(server, there);
    int64_t first = server_time(server), second = server_time(server);
    server->clock_is_exact = first == there && second == there;
    int moves = first >= there && first < there + 1000000;
    test_clock_reset(server->clock);
    settle(server);
    if (moves) return;
    test_clock_close(server->clock);
    server->clock = NULL;
}

void test_clock_require_exact(struct test_server *server) {
    clock_of(server);
    if (!server->clock_is_exact) test_skip("this server's clock cannot be held to the microsecond");
}

void test_clock_freeze(struct test_server *server) {
    struct test_clock *clock = clock_of(server);
    if (clock->frozen == 0) store(&clock->frozen, real_now());
    settle(server);
}

void test_clock_set(struct test_server *server, int64_t unix_us) {
    struct test_clock *clock = clock_of(server);
    store(&clock->frozen, unix_us - clock->offset);
    settle(server);
}

void test_clock_advance(struct test_server *server, int64_t by_us) {
    struct test_clock *clock = clock_of(server);
    store(&clock->offset, clock->offset + by_us);
    settle(server);
}

void test_clock_run(struct test_server *server) {
    struct test_clock *clock = clock_of(server);
    if (clock->frozen == 0) return;
    store(&clock->offset, clock->frozen + clock->offset - real_now());
    store(&clock->frozen, 0);
    settle(server);
}

int64_t test_clock_now(struct test_server *server) {
    if (server->clock == NULL) return real_now();
    return (server->clock->frozen != 0 ? server->clock->frozen : real_now()) + server->clock->offset;
}
