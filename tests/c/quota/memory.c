/* Every allocation of a quota's life fails once: an error each time, and nothing was charged that was not told of. */
#include "base/memory.h"
#include "quota/quota_test.h"

static int64_t used;
static bool unknown;

static bool done(kw_status status, int64_t by) {
    if (status == KW_OK) used += by;
    if (status == KW_UNKNOWN) unknown = true;
    assert_true(status == KW_OK || status == KW_UNKNOWN || status == KW_NO_MEMORY || status == KW_CONNECTION ||
                (unknown && status == KW_NOT_FOUND));
    return status == KW_OK;
}

static void live(void) {
    kw_client *own = NULL;
    kw_quota *quota = NULL;
    kw_usage usage;
    if (kw_client_open(server.url, NULL, &own, &error) == KW_OK &&
        kw_quota_open(own, "api", 3, 1000, &(kw_quota_options){.size = 16, .period = KW_PERIOD_MONTH}, &quota,
                      &error) == KW_OK) {
        if (done(kw_quota_consume(quota, "u", 1, 50, 0, &usage, &error), 50)) {
            done(kw_quota_refund(quota, "u", 1, 20, usage.resets_at_us, 0, &error), -20);
        }
        if (done(kw_quota_reserve(quota, "u", 1, 100, "a", 1, HOUR, 0, &usage, &error), 100)) {
            done(kw_quota_commit(quota, "u", 1, "a", 1, 30, 0, &usage, &error), -70);
        }
        if (done(kw_quota_reserve(quota, "u", 1, 100, "b", 1, HOUR, 0, &usage, &error), 100)) {
            done(kw_quota_cancel(quota, "u", 1, "b", 1, 0, &usage, &error), -100);
        }
    } else {
        assert_int_equal(error.code, KW_NO_MEMORY);
        assert_null(quota);
    }
    kw_quota_free(quota);
    kw_client_free(own);
}

static void each_allocation_fails(void **state) {
    (void)state;
    kw_quota *watcher = monthly(1000);
    peek(watcher, 1);
    kw__memory_fail_at(UINT64_MAX, false);
    live();
    uint64_t asked = kw__memory_asked();
    assert_true(asked > 10);
    for (uint64_t n = 1; n <= asked; n++) {
        kw__memory_fail_at(0, false);
        ask("FLUSHALL");
        used = 0;
        unknown = false;
        kw__memory_fail_at(n, false);
        live();
        kw__memory_fail_at(0, false);
        if (!unknown) assert_int_equal(peek(watcher, 0).used, used);
        every_key_ends();
    }
    kw_quota_free(watcher);
}

int main(void) {
    const struct CMUnitTest tests[] = {clean_test(each_allocation_fails)};
    return test_run(open_server, close_server);
}
