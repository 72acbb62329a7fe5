/* Many threads on one client: each gets its own answer, by one link. */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "keywright_test.h"
#include "support/test.h"
#include "support/wait.h"

static kw_client *client;
static kw_echo *echo;
static atomic_int wrong;
static atomic_int failures;

static int open_all(void **state) {
    (void)state;
    kw_error error;
    assert_int_equal(kw_client_open("echo://", NULL, &client, &error), KW_OK);
    assert_int_equal(kw_echo_open(client, &echo, &error), KW_OK);
    return 0;
}

static int close_all(void **state) {
    (void)state;
    kw_echo_free(echo);
    kw_client_free(client);
    return 0;
}

static void *call_often(void *argument) {
    int64_t base = (int64_t)(intptr_t)argument * 1000000;
    for (int i = 0; i < 500; i++) {
        kw_echo_pair pair;
        kw_error error;
        char payload[64];
        memset(payload, 'p', sizeof payload);
        kw_status status = kw_echo_send(echo, payload, (size_t)(base + i) % 64, base + i, 0, &pair, &error);
        if (status != KW_OK)
            atomic_fetch_add(&failures, 1);
        else if (pair.number != base + i || pair.length != (base + i) % 64)
            atomic_fetch_add(&wrong, 1);
    }
    return NULL;
}

/* Half of these run out of time while replies are held for a while; whoever is answered is answered right. */
static void *call_in_haste(void *argument) {
    int64_t base = (int64_t)(intptr_t)argument * 1000000;
    for (int i = 0; i < 200; i++) {
        kw_echo_pair pair;
        kw_error error;
        kw_status status = kw_echo_send(echo, "", 0, base + i, i % 2 == 0 ? 300 : 2000000, &pair, &error);
        if (status == KW_OK && pair.number != base + i) atomic_fetch_add(&wrong, 1);
        if (status != KW_OK && status != KW_TIMEOUT) atomic_fetch_add(&failures, 1);
    }
    return NULL;
}

static void run(int threads, void *(*work)(void *)) {
    pthread_t all[64];
    atomic_store(&wrong, 0);
    atomic_store(&failures, 0);
    for (intptr_t i = 0; i < threads; i++)
        assert_int_equal(pthread_create(&all[i], NULL, work, (void *)(i + 1)), 0);
    for (int i = 0; i < threads; i++)
        pthread_join(all[i], NULL);
    assert_int_equal(atomic_load(&wrong), 0);
    assert_int_equal(atomic_load(&failures), 0);
    kw_stats stats;
    kw_error error;
    kw_client_stats(client, &stats, &error);
    assert_int_equal(stats.reconnects, 0);
}

static void sixteen_threads_get_each_its_own_answer(void **state) {
    (void)state;
    run(16, call_often);
}

static void sixty_four_threads_get_each_its_own_answer(void **state) {
    (void)state;
    run(64, call_often);
}

static void *hold_and_let_go(void *stop) {
    kw_error error;
    while (!atomic_load((atomic_int *)stop)) {
        kw_echo_hold(echo, 1, &error);
        test_sleep(400);
        kw_echo_hold(echo, 0, &error);
        test_sleep(400);
    }
    return NULL;
}

static void timeouts_leave_the_others_alone(void **state) {
    (void)state;
    atomic_int stop = 0;
    pthread_t holder;
    assert_int_equal(pthread_create(&holder, NULL, hold_and_let_go, &stop), 0);
    run(16, call_in_haste);
    atomic_store(&stop, 1);
    pthread_join(holder, NULL);
    kw_error error;
    assert_int_equal(kw_client_ping(client, 0, &error), KW_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sixteen_threads_get_each_its_own_answer),
        cmocka_unit_test(sixty_four_threads_get_each_its_own_answer),
        cmocka_unit_test(timeouts_leave_the_others_alone),
    };
    return test_run(open_all, close_all);
}
