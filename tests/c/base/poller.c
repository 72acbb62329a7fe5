/* A signal that several threads raise and one lowers: none is lost, however they meet. */
#include "base/poller.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "support/test.h"
#include "support/wait.h"

enum { RAISERS = 3, TIMES = 100000 };

static kw__signal signal;
static atomic_int work;

static void *raise_often(void *unused) {
    for (int i = 0; i < TIMES; i++) {
        atomic_fetch_add(&work, 1);
        kw__signal_raise(&signal);
        if (i % 8 == 0) sched_yield(); /* or the one who lowers is never asleep */
    }
    return unused;
}

static void none_is_lost(void **state) {
    (void)state;
    pthread_t threads[RAISERS];
    signal = (kw__signal){-1, -1, false};
    assert_true(kw__signal_open(&signal));
    atomic_store(&work, 0);
    for (int i = 0; i < RAISERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, raise_often, NULL), 0);
    for (int seen = 0; seen < RAISERS * TIMES; seen = atomic_load(&work)) {
        struct pollfd watched = {.fd = signal.read_fd, .events = POLLIN};
        if (poll(&watched, 1, 5000) == 0) fail_msg("%d of %d were seen", seen, atomic_load(&work));
        kw__signal_lower(&signal);
    }
    for (int i = 0; i < RAISERS; i++)
        pthread_join(threads[i], NULL);
    /* Lowered, it is silent; raised twice, it is raised once. */
    struct pollfd watched = {.fd = signal.read_fd, .events = POLLIN};
    kw__signal_lower(&signal);
    assert_int_equal(poll(&watched, 1, 0), 0);
    kw__signal_raise(&signal);
    kw__signal_raise(&signal);
    assert_int_equal(poll(&watched, 1, 0), 1);
    kw__signal_lower(&signal);
    assert_int_equal(poll(&watched, 1, 0), 0);
    kw__signal_close(&signal);
}

static void a_poller_stands_for_several(void **state) {
    (void)state;
    kw__signal one = {-1, -1, false}, other = {-1, -1, false};
    kw__poller poller;
    assert_true(kw__signal_open(&one) && kw__signal_open(&other) && kw__poller_open(&poller));
    assert_true(kw__poller_watch(&poller, one.read_fd, false));
    assert_true(kw__poller_watch(&poller, other.read_fd, false));
    assert_true(kw__poller_watch(&poller, other.read_fd, false)); /* again: no harm */
    struct pollfd watched = {.fd = poller.fd, .events = POLLIN};
    assert_int_equal(poll(&watched, 1, 0), 0);
    kw__signal_raise(&other);
    assert_int_equal(poll(&watched, 1, 0), 1);
    kw__signal_lower(&other);
    assert_int_equal(poll(&watched, 1, 0), 0);
    kw__signal_raise(&one);
    assert_int_equal(poll(&watched, 1, 0), 1);
    kw__poller_forget(&poller, one.read_fd);
    assert_int_equal(poll(&watched, 1, 0), 0);
    kw__signal_close(&one);
    kw__signal_close(&other);
    kw__poller_close(&poller);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(none_is_lost),
        cmocka_unit_test(a_poller_stands_for_several),
    };
    return test_run(NULL, NULL);
}
