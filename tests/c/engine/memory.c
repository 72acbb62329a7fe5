/* Every allocation of the core fails once, and then all from one on: an error code each time, and nothing leaks or
 * hangs. */
#include "base/memory.h"
#include "keywright_test.h"
#include "support/test.h"

/* A small life of a client. Every status must be one that an allocation may cause; what was opened is freed. */
static void live(void) {
    kw_error error;
    kw_client *client = NULL;
    kw_echo *echo = NULL;
    kw_limiter *limiter = NULL;
    kw_completions *completions = NULL;
    kw_echo_pair pair;
    kw_decision decision;
    kw_record record;
    if (kw_client_open("echo://?timeout=100ms&connect_timeout=100ms", NULL, &client, &error) == KW_OK) {
        kw_echo_open(client, &echo, &error);
        kw_limiter_open(client, "api", 3, "10/s burst 20", NULL, &limiter, &error);
        kw_completions_open(client, &completions, &error);
        if (echo != NULL) {
            char payload[2000] = "";
            kw_status status = kw_echo_send(echo, payload, sizeof payload, 1, 0, &pair, &error);
            assert_true(status == KW_OK || status == KW_NO_MEMORY || status == KW_CONNECTION || status == KW_TIMEOUT);
            kw_echo_send_args items[2] = {{.size = sizeof items[0]}, {0}};
            kw_echo_pair results[2];
            kw_echo_send_many(echo, items, 2, 0, results, &error);
        }
        if (echo != NULL && completions != NULL) {
            kw_status status = kw_echo_submit_grant(echo, completions, 1, 2, 0, &error);
            if (status == KW_OK) {
                assert_int_equal(kw_completions_wait(completions, 2000000, &error), 1);
                assert_int_equal(kw_completions_drain(completions, &record, 1, sizeof record, &error), 1);
                assert_true(record.status == KW_OK || record.data != NULL);
            } else {
                assert_int_equal(status, KW_NO_MEMORY);
            }
        }
        if (limiter != NULL) kw_limiter_hit(limiter, "k", 1, 1, 0, &decision, &error);
    }
    kw_completions_free(completions);
    kw_limiter_free(limiter);
    kw_echo_free(echo);
    kw_client_free(client);
}

static void each_allocation_fails(void **state) {
    (void)state;
    kw__memory_fail_at(UINT64_MAX, false);
    live();
    uint64_t count = kw__memory_asked();
    assert_true(count > 10);
    for (uint64_t n = 1; n <= count; n++) {
        kw__memory_fail_at(n, false);
        live();
    }
    for (uint64_t n = 1; n <= count; n += 3) {
        kw__memory_fail_at(n, true);
        live();
    }
    kw__memory_fail_at(0, false);
    live();
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_allocation_fails)};
    return test_run(NULL, NULL);
}
