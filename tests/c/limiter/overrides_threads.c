/* Overrides that change while threads hit, and allocations that fail meanwhile. */
#include <pthread.h>
#include <stdatomic.h>

#include "base/memory.h"
#include "limiter/overrides_test.h"

#define THREADS 8

static kw_limiter *limiter;
static atomic_bool done;
static atomic_int wrong;

static void *hit_often(void *argument) {
    const char *key = argument;
    while (!atomic_load(&done)) {
        kw_decision decision;
        kw_error own;
        kw_status status = kw_limiter_hit(limiter, key, 1, 1, KW_DEFAULT_TIMEOUT, &decision, &own);
        if (status != KW_OK || decision.limit % 1000000 != 0) atomic_fetch_add(&wrong, 1);
        if (status == KW_OK && kw_limiter_refund(limiter, key, 1, &decision, 1, KW_DEFAULT_TIMEOUT, &own) != KW_OK) {
            atomic_fetch_add(&wrong, 1);
        }
    }
    return NULL;
}

static void they_change_while_threads_hit(void **state) {
    (void)state;
    static char keys[THREADS][2] = {"a", "b", "c", "a", "b", "c", "d", "e"};
    pthread_t threads[THREADS];
    kw_limiter *second = NULL;
    limiter = open_limiter("api", "1000000/s",
                           (kw_limiter_options){.overrides_us = 10000, .denial_cache = 8, .timeout_us = 5 * SECOND});
    second = taking("1000000/s");
    atomic_store(&done, false);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hit_often, keys[i]), 0);
    for (int i = 0; i < 60; i++) {
        char factor[8];
        snprintf(factor, sizeof factor, "%dx", 2 + i % 5);
        kw_limiter *by = i % 2 == 0 ? limiter : second;
        set(by, keys[i % THREADS], factor, i % 3 == 0 ? 5000 : 0);
        if (i % 4 == 3) clear(by, keys[(i + 5) % THREADS]);
        if (i == 30) ask("FLUSHALL");
        assert_true(state_of(limiter).held >= 0);
        test_sleep(2000);
    }
    atomic_store(&done, true);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(atomic_load(&wrong), 0);
    kw_limiter_free(limiter);
    kw_limiter_free(second);
}

/* Looks while every allocation from the n-th on fails: what is known stays, and the next look has it all. */
static void memory_that_is_out_loses_nothing(void **state) {
    (void)state;
    kw_limiter *setter = gcra("10/s");
    char key[8];
    limiter = taking("10/s");
    look(limiter);
    for (uint64_t n = 1; n < 30; n += 3) {
        for (int i = 0; i < 20; i++) {
            snprintf(key, sizeof key, "%d", i);
            if (i == 10) kw__memory_fail_at(n, true);
            kw_override_change change;
            char text[8];
            snprintf(text, sizeof text, "%dx", (int)(n + 1));
            kw_limiter_set_override(setter, key, strlen(key), text, strlen(text), 0, KW_DEFAULT_TIMEOUT, &change,
                                    &error);
        }
        test_sleep(3 * LOOKS);
        kw__memory_fail_at(0, false);
        for (int i = 0; i < 20; i++) {
            snprintf(key, sizeof key, "%d", i);
            char text[8];
            snprintf(text, sizeof text, "%dx", (int)(n + 1));
            set(setter, key, text, 0);
        }
        look(limiter);
        look(limiter);
        for (int i = 0; i < 20; i++) {
            snprintf(key, sizeof key, "%d", i);
            assert_int_equal(limit_of(limiter, key), 10 * (int64_t)(n + 1));
        }
        assert_int_equal(state_of(limiter).held, 20);
    }
    kw_limiter_free(limiter);
    kw_limiter_free(setter);
}

/* Every allocation of setting one and going by it fails once. */
static void each_allocation_fails(void **state) {
    (void)state;
    for (uint64_t n = 1; n < 60; n++) {
        kw_limiter *own = NULL;
        kw_override_change change;
        kw_decision decision;
        kw_limiter_options options = {.size = sizeof options, .overrides_us = LOOKS};
        kw__memory_fail_at(n, false);
        kw_status status = kw_limiter_open(client, "api", 3, "10/s", &options, &own, &error);
        if (status == KW_OK) {
            kw_limiter_set_override(own, "u", 1, "2x", 2, 0, KW_DEFAULT_TIMEOUT, &change, &error);
            kw_limiter_hit(own, "u", 1, 1, KW_DEFAULT_TIMEOUT, &decision, &error);
        } else {
            assert_int_equal(status, KW_NO_MEMORY);
        }
        kw__memory_fail_at(0, false);
        if (own == NULL) continue;
        set(own, "u", "3x", 0);
        assert_int_equal(limit_of(own, "u"), 30);
        kw_limiter_free(own);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        limiter_test(they_change_while_threads_hit),
        limiter_test(memory_that_is_out_loses_nothing),
        limiter_test(each_allocation_fails),
    };
    return test_run(open_server, close_server);
}
