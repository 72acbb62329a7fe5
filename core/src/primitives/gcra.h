/*
 * The arithmetic of the generic cell rate algorithm, in whole numbers.
 *
 * A limit of `count` in `period` gives each hit an interval of period / count. That fraction is kept exact: with both
 * divided by their common divisor it is p / c microseconds, and a time is counted in microseconds and a remainder of c
 * parts of one. When c is above 1,000 the interval is rounded up to 1/1000 us, so that the remainder has three digits
 * in every case.
 *
 * The state of a key is its theoretical arrival time (TAT): when it would be empty again. What it lies ahead of now is
 * the key's debt; a hit adds its cost to the debt and is admitted while the sum is no more than the burst's worth.
 */
#ifndef KW__GCRA_H
#define KW__GCRA_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

#define KW__GCRA_PARTS_MAX 1000

/*
 * How much further than its burst a TAT may lie ahead. Not the reader's own longest wait: clients of one limiter may
 * differ in that, or in the burst while a new one is rolled out, and none may cut what another was rightly charged or
 * booked. A day is the longest wait there is; a clock that was set back locks a key for no longer.
 */
#define KW__GCRA_SLACK_US INT64_C(86400000000)

/* A duration or a moment: whole microseconds and `rest` parts of one, of which a gcra has 1 to 1,000. */
typedef struct kw__gcra_time {
    int64_t us;
    int64_t rest;
} kw__gcra_time;

typedef struct kw__gcra {
    int64_t parts;    /* into how many a microsecond is divided */
    int64_t interval; /* what one hit costs, in parts */
    int64_t burst;    /* how many hits at once */
    int64_t ahead_us; /* as far as a TAT can honestly lie ahead: burst and slack */
} kw__gcra;

/*
 * Prepares the arithmetic of a limit. All numbers are positive, count and period below 2^52; slack_us is a day at
 * most. Returns false when the burst stands for 2^52 us or more.
 */
bool kw__gcra_init(kw__gcra *gcra, int64_t count, int64_t period_us, int64_t burst, int64_t slack_us);

/* What `hits` cost, 0 <= hits <= burst. */
kw__gcra_time kw__gcra_cost(const kw__gcra *gcra, int64_t hits);

/* The greatest debt at which `hits` more are admitted, 0 <= hits <= burst. */
kw__gcra_time kw__gcra_room(const kw__gcra *gcra, int64_t hits);

/* How many hits a key with this debt admits at once. A debt is 0 <= us <= ahead_us. */
int64_t kw__gcra_remaining(const kw__gcra *gcra, kw__gcra_time debt);

/* How long until `hits` are admitted, 0 <= hits <= burst: whole microseconds, rounded up; 0 for at once. */
int64_t kw__gcra_wait(const kw__gcra *gcra, kw__gcra_time debt, int64_t hits);

/* How long until the debt is gone: whole microseconds, rounded up. */
int64_t kw__gcra_clears(kw__gcra_time debt);

/* The debt at `now` that a TAT means: none when it has passed, cut to ahead_us. */
kw__gcra_time kw__gcra_debt(const kw__gcra *gcra, kw__gcra_time tat, int64_t now);

/*
 * Takes a TAT back to what it was at the same moment, before so many hits were charged, 0 <= hits <= burst; false when
 * it has no debt for so many.
 */
bool kw__gcra_before(const kw__gcra *gcra, kw__gcra_time *tat, int64_t now, int64_t hits);

/*
 * Reads the state of a key as the scripts do: 16 digits, or 19 of which the last three are a remainder. A remainder
 * that another rate left is rounded up by a gcra without parts, and cut to the last part by another. False for anything
 * else.
 */
bool kw__gcra_read(const kw__gcra *gcra, kw__bytes state, kw__gcra_time *tat);

#endif
