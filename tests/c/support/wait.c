#include "support/wait.h"

#include <time.h>

int64_t test_now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

void test_sleep(int64_t us) {
    struct timespec time = {(time_t)(us / 1000000), (long)(us % 1000000 * 1000)};
    nanosleep(&time, NULL);
}

bool test_until(bool (*condition)(void *argument), void *argument) {
    int64_t until = test_now() + 5000000;
    while (!condition(argument)) {
        if (test_now() > until) return false;
        test_sleep(1000);
    }
    return true;
}
