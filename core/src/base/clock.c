#include "base/clock.h"

#include <time.h>

int64_t kw__now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * KW__SECOND + time.tv_nsec / 1000;
}

int64_t kw__deadline(int64_t now, int64_t duration_us) {
    return duration_us >= INT64_MAX - now ? INT64_MAX : now + duration_us;
}

int kw__poll_ms(int64_t now, int64_t until) {
    if (until == INT64_MAX) return -1;
    if (until <= now) return 0;
    int64_t left = (until - now - 1) / 1000 + 1;
    return left > 3600000 ? 3600000 : (int)left;
}
