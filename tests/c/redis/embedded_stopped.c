/* A server that does not end when it should: it may hang, or wait for its disk. */
#include "redis/embedded_test.h"

/* It is told each second, and killed after the tenth. Both kinds at once, so that it takes ten seconds and not twenty.
 */
static void it_is_killed_after_ten_seconds(void **state) {
    (void)state;
    char url[128];
    snprintf(url, sizeof url, "embedded://%s/data", scratch);
    own_server alone, shared;
    start(&alone, "embedded://");
    start(&shared, url);
    assert_int_equal(kill(alone.pid, SIGSTOP), 0);
    assert_int_equal(kill(shared.pid, SIGSTOP), 0);
    int64_t began = kw__now();
    let_go(&alone);
    let_go(&shared);
    eventually(!is_running(alone.pid) && !is_running(shared.pid));
    assert_in_range(kw__now() - began, 9 * KW__SECOND, PATIENCE);
    expect_gone(&alone);
    eventually(!exists(shared.socket));
}

int main(void) {
    const struct CMUnitTest tests[] = {embedded_test(it_is_killed_after_ten_seconds)};
    return test_run(NULL, NULL);
}
