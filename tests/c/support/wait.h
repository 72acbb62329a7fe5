/* Time and waiting in tests. */
#ifndef KW_TEST_WAIT_H
#define KW_TEST_WAIT_H

#include <stdbool.h>
#include <stdint.h>

/* Monotonic microseconds. */
int64_t test_now(void);
void test_sleep(int64_t us);

/* Asks a condition again and again, 5 s at most; whether it came true. */
bool test_until(bool (*condition)(void *argument), void *argument);

#endif
