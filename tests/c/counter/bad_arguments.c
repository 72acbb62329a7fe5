/* Options and arguments that cannot be: a code, a reason and a message for each, and nothing sent. */
#include "counter/counter_test.h"

static void told(kw_status status, kw_reason reason, const char *says) {
    assert_int_equal(status, KW_INVALID);
    assert_int_equal(error.code, KW_INVALID);
    assert_int_equal(error.reason, reason);
    if (strstr(error.message, says) == NULL) fail_msg("\"%s\" does not say \"%s\"", error.message, says);
}

static void options_that_cannot_be(void **state) {
    (void)state;
    static const struct {
        kw_counter_options options;
        const char *says;
    } cases[] = {
        {{.flags = 1}, "options.flags"},
        {{.bounds = 4}, "options.bounds"},
        {{.bounds = -1}, "options.bounds"},
        {{.on_bound = 2}, "options.on_bound"},
        {{.expiry = 6}, "options.expiry"},
        {{.reserved = 1}, "options.reserved"},
        {{.zone_minutes = 841}, "options.zone_minutes is 841 and must be between -840 and 840"},
        {{.zone_minutes = -841}, "options.zone_minutes"},
        {{.ttl_us = -1}, "options.ttl_us"},
        {{.ttl_us = 3650 * DAY + 1}, "options.ttl_us"},
        {{.window_us = -1}, "options.window_us"},
        {{.window_us = 3650 * DAY + 1}, "options.window_us"},
        {{.window_us = 59}, "each of 60 buckets"},
        {{.window_us = HOUR, .buckets = 121}, "options.buckets"},
        {{.buckets = -1}, "options.buckets"},
        {{.shards = 257}, "options.shards"},
        {{.shards = -1}, "options.shards"},
        {{.remember_us = 30 * DAY + 1}, "options.remember_us"},
        {{.remember_us = -1}, "options.remember_us"},
        {{.remember_max = 1000001}, "options.remember_max"},
        {{.remember_max = -1}, "options.remember_max"},
        {{.min = -1}, "bounds does not say"},
        {{.max = 1}, "bounds does not say"},
        {{.bounds = KW_BOUNDS_MIN, .min = 1}, "must hold 0"},
        {{.bounds = KW_BOUNDS_MAX, .max = -1}, "must hold 0"},
        {{.on_bound = KW_ON_BOUND_SATURATE}, "nothing to saturate at"},
        {{.window_us = HOUR, .shards = 2}, "windowed or sharded"},
        {{.buckets = 5}, "only a window has buckets"},
        {{.window_us = HOUR, .bounds = KW_BOUNDS_MAX, .max = 5}, "a limiter refuses"},
        {{.window_us = HOUR, .ttl_us = HOUR}, "ends by itself"},
        {{.window_us = HOUR, .expiry = KW_EXPIRY_DAY}, "ends by itself"},
        {{.shards = 2, .bounds = KW_BOUNDS_MIN}, "no shard knows the sum"},
        {{.shards = 2, .ttl_us = HOUR}, "shards have no end"},
        {{.shards = 1}, "one shard"},
        {{.expiry = KW_EXPIRY_DAY, .ttl_us = HOUR}, "leave out ttl_us"},
        {{.expiry = KW_EXPIRY_SLIDING}, "needs its ttl_us"},
        {{.ttl_us = HOUR, .zone_minutes = 60}, "only days"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        kw_counter *counter = (kw_counter *)(void *)&error;
        kw_counter_options options = cases[i].options;
        options.size = sizeof options;
        told(kw_counter_open(client, "hits", 4, &options, &counter, &error), KW_REASON_OPTION, cases[i].says);
        assert_null(counter);
    }
}

static void options_are_read_as_far_as_their_size(void **state) {
    (void)state;
    kw_counter *counter = NULL;
    kw_counter_options options = {.size = offsetof(kw_counter_options, expiry), .expiry = 99, .ttl_us = -5};
    assert_int_equal(kw_counter_open(client, "hits", 4, &options, &counter, &error), KW_OK);
    kw_counter_free(counter);
    options.size = 4;
    told(kw_counter_open(client, "hits", 4, &options, &counter, &error), KW_REASON_STRUCT_SIZE, "size");
}

static void arguments_of_operations(void **state) {
    (void)state;
    kw_counter *counter = open_counter((kw_counter_options){.bounds = KW_BOUNDS_BOTH, .min = -5, .max = 5});
    kw_counter *window = open_counter((kw_counter_options){.window_us = HOUR});
    kw_counter *shards = open_counter((kw_counter_options){.shards = 4});
    char key[KW_MAX_KEY + 1] = {0};
    kw_count count;
    add(counter, 1);
    kw_stats stats;
    no_failure(kw_client_stats(client, &stats, &error));
    int64_t sent = stats.bytes_sent;
    told(kw_counter_add(NULL, "k", 1, 1, 0, &count, &error), KW_REASON_NULL_HANDLE, "counter");
    told(kw_counter_add(counter, NULL, 1, 1, 0, &count, &error), KW_REASON_NULL_ARGUMENT, "key");
    told(kw_counter_add(counter, key, sizeof key, 1, 0, &count, &error), KW_REASON_KEY_LENGTH, "key");
    told(kw_counter_add(counter, "k", 1, 1, 0, NULL, &error), KW_REASON_NULL_ARGUMENT, "count");
    told(kw_counter_add(counter, "k", 1, 1, -1, &count, &error), KW_REASON_TIMEOUT, "the timeout is -1");
    told(kw_counter_add_once(counter, "k", 1, "", 0, 1, 0, &count, &error), KW_REASON_NAME_LENGTH, "once");
    told(kw_counter_add_once(counter, "k", 1, key, 256, 1, 0, &count, &error), KW_REASON_NAME_LENGTH, "once");
    told(kw_counter_take_once(counter, "k", 1, NULL, 1, 0, &count, &error), KW_REASON_NULL_ARGUMENT, "once");
    told(kw_counter_set(counter, "k", 1, 6, 0, &error), KW_REASON_RANGE, "-5 to 5");
    told(kw_counter_set(counter, "k", 1, -6, 0, &error), KW_REASON_RANGE, "-5 to 5");
    told(kw_counter_set(window, "k", 1, 1, 0, &error), KW_REASON_OPTION, "a windowed counter has no set");
    told(kw_counter_set(shards, "k", 1, 1, 0, &error), KW_REASON_OPTION, "a sharded counter has no set");
    told(kw_counter_take(window, "k", 1, 0, &count, &error), KW_REASON_OPTION, "a windowed counter has no take");
    told(kw_counter_take_once(shards, "k", 1, "o", 1, 0, &count, &error), KW_REASON_OPTION, "has no take");
    no_failure(kw_client_stats(client, &stats, &error));
    assert_int_equal(stats.bytes_sent, sent);

    /* One of many that cannot be: none is sent, and it is said which. */
    kw_counter_add_args items[3];
    kw_count counts[3];
    for (int i = 0; i < 3; i++)
        items[i] = (kw_counter_add_args){.size = sizeof items[0], .key = "k", .key_length = 1, .amount = 1};
    items[1].key_length = KW_MAX_KEY + 1;
    told(kw_counter_add_many(counter, items, 3, 0, counts, &error), KW_REASON_KEY_LENGTH, "key");
    assert_int_equal(error.position, 1);
    assert_int_equal(value(counter).value, 1);
    kw_counter_free(counter);
    kw_counter_free(window);
    kw_counter_free(shards);
    kw_counter_free(NULL);
}

static void after_close_everything_answers_closed(void **state) {
    (void)state;
    kw_client *other = NULL;
    kw_counter *counter = NULL, *late = NULL;
    kw_count count;
    no_failure(kw_client_open(server.url, NULL, &other, &error));
    no_failure(kw_counter_open(other, "hits", 4, NULL, &counter, &error));
    no_failure(kw_client_close(other, 0, &error));
    assert_int_equal(kw_counter_add(counter, "k", 1, 1, 0, &count, &error), KW_CLOSED);
    assert_int_equal(kw_counter_value(counter, "k", 1, 0, &count, &error), KW_CLOSED);
    assert_int_equal(kw_counter_open(other, "hits", 4, NULL, &late, &error), KW_CLOSED);
    assert_null(late);
    kw_client_free(other);
    kw_counter_free(counter);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        counter_test(options_that_cannot_be),
        counter_test(options_are_read_as_far_as_their_size),
        counter_test(arguments_of_operations),
        counter_test(after_close_everything_answers_closed),
    };
    return test_run(open_server, close_server);
}
