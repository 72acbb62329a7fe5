/* What every C test includes: cmocka, and the words that it lacks. */
#ifndef KW_TEST_H
#define KW_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Skips the running test and says why; the reason is printed by ./dev test. Does not return. */
#define test_skip(reason)                                                                                              \
    do {                                                                                                               \
        print_message("reason: %s\n", reason);                                                                         \
        skip();                                                                                                        \
    } while (0)

/* Runs the array of tests called tests, with or without a setup and a teardown for the whole of it. */
#define test_run(setup, teardown) cmocka_run_group_tests(tests, setup, teardown)

#endif
