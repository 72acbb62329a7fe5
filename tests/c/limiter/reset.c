/* Forgetting the state of a key. */
#include "limiter/limiter_test.h"

static void reset(kw_limiter *limiter, const char *key) {
    no_failure(kw_limiter_reset(limiter, key, strlen(key), KW_DEFAULT_TIMEOUT, &error));
}

static void a_reset_key_is_as_if_never_hit(void **state) {
    (void)state;
    kw_limiter *limiters[] = {gcra("10/m"), gcra("7/m"), window("10/m")};
    for (int i = 0; i < 3; i++) {
        int64_t limit = peek(limiters[i], 1).limit;
        hit(limiters[i], limit);
        assert_int_equal(hit(limiters[i], 1).status, KW_DENIED);
        reset(limiters[i], "u");
        assert_string_equal(ask("DBSIZE"), "0");
        assert_int_equal(hit(limiters[i], 1).remaining, limit - 1);
        reset(limiters[i], "u");
        reset(limiters[i], "u"); /* a key that is not there */
        kw_limiter_free(limiters[i]);
    }
}

static void other_keys_and_limits_stay(void **state) {
    (void)state;
    kw_limiter *limiter = gcra("10/m"), *other = gcra("10/h"), *of_window = window("10/m");
    hit(limiter, 10);
    hit(other, 10);
    hit(of_window, 10);
    reset(limiter, "v");
    assert_int_equal(hit(limiter, 1).status, KW_DENIED);
    reset(limiter, "u");
    assert_int_equal(hit(other, 1).status, KW_DENIED);
    assert_int_equal(hit(of_window, 1).status, KW_DENIED);
    kw_limiter_free(limiter);
    kw_limiter_free(other);
    kw_limiter_free(of_window);
}

static void what_is_not_ours_can_be_reset(void **state) {
    (void)state;
    kw_limiter *limiter = gcra("10/s");
    ask("RPUSH", TAT_KEY, "1");
    reset(limiter, "u");
    assert_int_equal(hit(limiter, 1).status, KW_OK);
    kw_limiter_free(limiter);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        limiter_test(a_reset_key_is_as_if_never_hit),
        limiter_test(other_keys_and_limits_stay),
        limiter_test(what_is_not_ours_can_be_reset),
    };
    return test_run(open_server, close_server);
}
