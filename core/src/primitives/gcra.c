#include "primitives/gcra.h"

#define BOUND_US (INT64_C(1) << 52)
/* A TAT has 16 digits, which Unix us have had since 2001, and is a number that Lua holds. */
#define TAT_MIN INT64_C(1000000000000000)
#define TAT_END (INT64_C(1) << 53)

static int64_t common_divisor(int64_t a, int64_t b) {
    while (b != 0) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

bool kw__gcra_init(kw__gcra *gcra, int64_t count, int64_t period_us, int64_t burst, int64_t slack_us) {
    int64_t divisor = common_divisor(count, period_us);
    int64_t parts = count / divisor, interval = period_us / divisor;
    if (parts > KW__GCRA_PARTS_MAX) {
        /* interval * 1000 / parts, rounded up; the product is below 2^62. */
        interval = (interval * KW__GCRA_PARTS_MAX + parts - 1) / parts;
        parts = KW__GCRA_PARTS_MAX;
    }
    /* burst * interval < 2^52 * parts, asked without a product that could overflow. */
    if (burst > (BOUND_US * parts - 1) / interval) return false;
    gcra->parts = parts;
    gcra->interval = interval;
    gcra->burst = burst;
    gcra->ahead_us = kw__gcra_clears(kw__gcra_cost(gcra, burst)) + slack_us;
    return true;
}

/*
 * No overflow below: burst * interval is less than 2^52 * 1000, and so, but for a day, is a debt; their sum is less
 * than 2^63.
 */
static kw__gcra_time of_parts(const kw__gcra *gcra, int64_t parts) {
    return (kw__gcra_time){parts / gcra->parts, parts % gcra->parts};
}

static int64_t in_parts(const kw__gcra *gcra, kw__gcra_time time) {
    return time.us * gcra->parts + time.rest;
}

kw__gcra_time kw__gcra_cost(const kw__gcra *gcra, int64_t hits) {
    return of_parts(gcra, hits * gcra->interval);
}

kw__gcra_time kw__gcra_room(const kw__gcra *gcra, int64_t hits) {
    return of_parts(gcra, (gcra->burst - hits) * gcra->interval);
}

int64_t kw__gcra_remaining(const kw__gcra *gcra, kw__gcra_time debt) {
    int64_t room = gcra->burst * gcra->interval - in_parts(gcra, debt);
    return room <= 0 ? 0 : room / gcra->interval;
}

int64_t kw__gcra_wait(const kw__gcra *gcra, kw__gcra_time debt, int64_t hits) {
    int64_t over = in_parts(gcra, debt) - (gcra->burst - hits) * gcra->interval;
    return over <= 0 ? 0 : (over + gcra->parts - 1) / gcra->parts;
}

int64_t kw__gcra_clears(kw__gcra_time debt) {
    return debt.us + (debt.rest > 0 ? 1 : 0);
}

kw__gcra_time kw__gcra_debt(const kw__gcra *gcra, kw__gcra_time tat, int64_t now) {
    if (tat.us < now) return (kw__gcra_time){0, 0};
    kw__gcra_time debt = {tat.us - now, tat.rest};
    if (debt.us > gcra->ahead_us) debt = (kw__gcra_time){gcra->ahead_us, 0};
    return debt;
}

bool kw__gcra_before(const kw__gcra *gcra, kw__gcra_time *tat, int64_t now, int64_t hits) {
    int64_t parts = in_parts(gcra, kw__gcra_debt(gcra, *tat, now)) - hits * gcra->interval;
    if (parts < 0) return false;
    *tat = of_parts(gcra, parts);
    tat->us += now;
    return true;
}

bool kw__gcra_read(const kw__gcra *gcra, kw__bytes state, kw__gcra_time *tat) {
    const char *text = state.data;
    tat->rest = 0;
    if (state.length != 16 && state.length != 19) return false;
    if (!kw__parse_integer(kw__bytes_of(text, 16), &tat->us) || tat->us < TAT_MIN || tat->us >= TAT_END) return false;
    if (state.length == 16) return true;
    if (text[16] == '-' || !kw__parse_integer(kw__bytes_of(text + 16, 3), &tat->rest)) return false;
    if (gcra->parts == 1 && tat->rest > 0) {
        tat->us++;
        tat->rest = 0;
    } else if (tat->rest >= gcra->parts) {
        tat->rest = gcra->parts - 1;
    }
    return true;
}
