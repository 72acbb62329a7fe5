/* No answer goes to the wrong caller, whatever happens to the link. */
#include "faults/callers_test.h"

static void threads_that_share_a_link(void **state) {
    (void)state;
    open_client("");
    open_callers();
    run(CALLERS, 1, call_again_and_again, 1500000, false);
}

static void threads_whose_replies_vanish(void **state) {
    (void)state;
    open_client("");
    open_callers();
    run(CALLERS, 1, call_again_and_again, 4500000, true);
}

static void submitted_calls(void **state) {
    (void)state;
    open_client("?protocol=2");
    open_callers();
    run(2, CALLERS / 2, submit_again_and_again, 1500000, false);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        fault_test(threads_that_share_a_link),
        fault_test(threads_whose_replies_vanish),
        fault_test(submitted_calls),
    };
    return test_run(start_server, stop_server);
}
