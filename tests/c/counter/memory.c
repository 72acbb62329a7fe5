/* Every allocation of a counter's life fails once: an error each time, and nothing was counted that was not told of. */
#include "base/memory.h"
#include "counter/counter_test.h"

static int64_t total;
static bool unknown;

static void told(kw_status status, int64_t by) {
    if (status == KW_OK)
        total += by;
    else if (status == KW_UNKNOWN)
        unknown = true;
    else
        assert_true(status == KW_NO_MEMORY || status == KW_CONNECTION);
}

static void live(void) {
    kw_client *own = NULL;
    kw_counter *counter = NULL;
    kw_count count = {0}, counts[3] = {{0}};
    if (kw_client_open(server.url, NULL, &own, &error) == KW_OK &&
        kw_counter_open(own, "hits", 4, NULL, &counter, &error) == KW_OK) {
        told(kw_counter_add(counter, "k", 1, 5, 0, &count, &error), 5);
        told(kw_counter_add_once(counter, "k", 1, "o", 1, 7, 0, &count, &error), 7);
        told(kw_counter_value(counter, "k", 1, 0, &count, &error), 0);
        kw_counter_add_args items[3];
        for (int i = 0; i < 3; i++)
            items[i] = (kw_counter_add_args){.size = sizeof items[0], .key = "k", .key_length = 1, .amount = 1};
        kw_status status = kw_counter_add_many(counter, items, 3, 0, counts, &error);
        for (int i = 0; i < 3; i++)
            told(counts[i].status == KW_OK && counts[i].applied == 0 ? status : counts[i].status, 1);
    } else {
        assert_int_equal(error.code, KW_NO_MEMORY);
        assert_null(counter);
    }
    kw_counter_free(counter);
    kw_client_free(own);
}

static void each_allocation_fails(void **state) {
    (void)state;
    kw_counter *watcher = open_counter((kw_counter_options){0});
    value(watcher);
    kw__memory_fail_at(UINT64_MAX, false);
    live();
    uint64_t asked = kw__memory_asked();
    assert_true(asked > 10);
    for (uint64_t n = 1; n <= asked; n++) {
        kw__memory_fail_at(0, false);
        ask("FLUSHALL");
        total = 0;
        unknown = false;
        kw__memory_fail_at(n, false);
        live();
        kw__memory_fail_at(0, false);
        if (!unknown) assert_int_equal(value(watcher).value, total);
    }
    kw_counter_free(watcher);
}

int main(void) {
    const struct CMUnitTest tests[] = {counter_test(each_allocation_fails)};
    return test_run(open_server, close_server);
}
