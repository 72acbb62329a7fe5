/* A peer that is no server of ours: it answers whatever is said to it with fixed bytes. */
#ifndef KW_TEST_FAKE_H
#define KW_TEST_FAKE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

struct test_fake {
    int listener;
    pthread_t thread;
    const char *answer; /* written once after the first bytes arrive; NULL: silence */
    size_t length;
    bool closes; /* after the answer; else it stays silent */
    char path[80];
    char url[96]; /* unix://... */
};

/* Listens on a socket of its own; the test fails when that cannot be. answer must outlive it. */
void test_fake_start(struct test_fake *fake, const char *answer, size_t length, bool closes);
void test_fake_stop(struct test_fake *fake);

#endif
