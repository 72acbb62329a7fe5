/* Denials that many threads remember in few places at once. */
#include <pthread.h>

#include "base/clock.h"
#include "limiter/limiter_test.h"

#include "primitives/limiter.h"

static kw_limiter *limiter;

static void *remember_and_recall(void *argument) {
    const char *key = argument;
    const kw__hit hit = {.key = kw__bytes_text(key), .cost = 1};
    const kw_decision denial = {.status = KW_DENIED, .retry_after_us = SECOND, .limit = key[0]};
    for (int i = 0; i < 20000; i++) {
        kw_decision told;
        kw__limiter_remember(limiter, &hit, kw__now(), &denial);
        if (kw__limiter_recall(limiter, hit.key, 1, kw__now(), &told) && told.limit != key[0]) return argument;
        if (i % 16 == 0) kw__limiter_forget(limiter, hit.key);
    }
    return NULL;
}

static void threads_share_few_places(void **state) {
    (void)state;
    static char keys[8][2] = {"a", "b", "c", "d", "e", "f", "g", "h"};
    limiter = open_limiter("api", "1/h", (kw_limiter_options){.denial_cache = 4});
    pthread_t threads[8];
    for (int i = 0; i < 8; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, remember_and_recall, keys[i]), 0);
    for (int i = 0; i < 8; i++) {
        void *wrong;
        assert_int_equal(pthread_join(threads[i], &wrong), 0);
        assert_null(wrong);
    }
    kw_limiter_free(limiter);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        limiter_test(threads_share_few_places),
    };
    return test_run(open_server, close_server);
}
