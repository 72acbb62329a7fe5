/* The wall clock of a test server. Where it cannot be moved (macOS; a server linked statically) the test that asks is
 * skipped. */
#ifndef KW_TEST_CLOCK_H
#define KW_TEST_CLOCK_H

#include <stdint.h>

#include "support/server.h"

void test_clock_freeze(struct test_server *server);                 /* time stands still */
void test_clock_set(struct test_server *server, int64_t unix_us);   /* it stands still there */
void test_clock_advance(struct test_server *server, int64_t by_us); /* a jump, either way, running or not */
void test_clock_run(struct test_server *server);                    /* it runs on from where it stands */
int64_t test_clock_now(struct test_server *server);                 /* Unix time as the server has it */

/* Skips the test on a server whose clock, held still, creeps by up to a millisecond (Valkey 9.1). */
void test_clock_require_exact(struct test_server *server);

/* For server.c: what the server maps, and where the library lies (NULL: there is none). */
struct test_clock *test_clock_open(const char *file);
void test_clock_try(struct test_server *server); /* drops the clock if the server does not follow it */
void test_clock_close(struct test_clock *clock);
void test_clock_reset(struct test_clock *clock); /* the real time again */
const char *test_clock_library(void);

#endif
