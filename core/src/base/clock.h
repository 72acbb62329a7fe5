/* Time in this process. Deadlines are in monotonic microseconds; the wall clock is never read. */
#ifndef KW__CLOCK_H
#define KW__CLOCK_H

#include <stdint.h>

#define KW__SECOND INT64_C(1000000)

/* Monotonic microseconds; stands still while the machine sleeps. */
int64_t kw__now(void);

/* now + duration, KW_FOREVER staying for ever. */
int64_t kw__deadline(int64_t now, int64_t duration_us);

/* Milliseconds for poll() until a moment: rounded up, 0 when it has passed, -1 for ever. */
int kw__poll_ms(int64_t now, int64_t until);

#endif
