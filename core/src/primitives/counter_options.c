/* What a counter may be told: each option in its range, and none that contradicts another. */
#include <stdio.h>

#include "primitives/counter.h"

#define DAYS(count) ((count) * INT64_C(86400000000))
#define MOST_TIME DAYS(3650)
#define MOST_MEMORY DAYS(30)
#define DEFAULT_BUCKETS 60
#define DEFAULT_REMEMBER DAYS(1)
#define DEFAULT_REMEMBER_MAX 10000

/* Whether the caller's record, whose size tells its version, has the field. */
#define HAS(options, field)                                                                                            \
    ((options) != NULL &&                                                                                              \
     (options)->size >= offsetof(kw_counter_options, field) + sizeof((kw_counter_options){0}.field))
#define GIVEN(field) (HAS(options, field) ? options->field : 0)

static kw_status in_range(const char *name, int64_t value, int64_t least, int64_t most, kw_error *error) {
    if (value >= least && value <= most) return KW_OK;
    return kw__fail(error, KW_INVALID, KW_REASON_OPTION, "options.%s is %lld and must be between %lld and %lld", name,
                    (long long)value, (long long)least, (long long)most);
}

/* All that this version knows, and zero for what the caller's does not. */
static kw_counter_options whole(const kw_counter_options *options) {
    return (kw_counter_options){
        .size = sizeof(kw_counter_options),
        .flags = GIVEN(flags),
        .bounds = GIVEN(bounds),
        .on_bound = GIVEN(on_bound),
        .min = GIVEN(min),
        .max = GIVEN(max),
        .expiry = GIVEN(expiry),
        .reserved = GIVEN(reserved),
        .zone_minutes = GIVEN(zone_minutes),
        .ttl_us = GIVEN(ttl_us),
        .window_us = GIVEN(window_us),
        .buckets = GIVEN(buckets),
        .shards = GIVEN(shards),
        .remember_us = GIVEN(remember_us),
        .remember_max = GIVEN(remember_max),
    };
}

static kw_status check_ranges(const kw_counter_options *options, kw_error *error) {
    const struct {
        const char *name;
        int64_t value, least, most;
    } ranges[] = {
        {"flags", options->flags, 0, 0},
        {"bounds", options->bounds, KW_BOUNDS_NONE, KW_BOUNDS_BOTH},
        {"on_bound", options->on_bound, KW_ON_BOUND_REJECT, KW_ON_BOUND_SATURATE},
        {"expiry", options->expiry, KW_EXPIRY_ON_CREATE, KW_EXPIRY_YEAR},
        {"reserved", options->reserved, 0, 0},
        {"zone_minutes", options->zone_minutes, -840, 840},
        {"ttl_us", options->ttl_us, 0, MOST_TIME},
        {"window_us", options->window_us, 0, MOST_TIME},
        {"buckets", options->buckets, 0, 120},
        {"shards", options->shards, 0, 256},
        {"remember_us", options->remember_us, 0, MOST_MEMORY},
        {"remember_max", options->remember_max, 0, 1000000},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        kw_status status = in_range(ranges[i].name, ranges[i].value, ranges[i].least, ranges[i].most, error);
        if (status != KW_OK) return status;
    }
    return KW_OK;
}

static kw_status contradiction(kw_error *error, const char *what) {
    return kw__fail(error, KW_INVALID, KW_REASON_OPTION, "these options contradict each other: %s", what);
}

static kw_status check_bounds(const kw_counter_options *options, kw_error *error) {
    bool has_min = (options->bounds & KW_BOUNDS_MIN) != 0, has_max = (options->bounds & KW_BOUNDS_MAX) != 0;
    if (options->min != 0 && !has_min)
        return contradiction(error, "min is given, and bounds does not say that it holds");
    if (options->max != 0 && !has_max)
        return contradiction(error, "max is given, and bounds does not say that it holds");
    if ((has_min && options->min > 0) || (has_max && options->max < 0)) {
        return kw__fail(
            error, KW_INVALID, KW_REASON_OPTION, "the bounds must hold 0, where a count begins: min is %lld, max %lld",
            (long long)(has_min ? options->min : INT64_MIN), (long long)(has_max ? options->max : INT64_MAX));
    }
    if (options->on_bound != KW_ON_BOUND_REJECT && options->bounds == KW_BOUNDS_NONE) {
        return contradiction(error, "a counter without bounds has nothing to saturate at: give min or max");
    }
    return KW_OK;
}

static kw_status check_kind(const kw_counter_options *options, kw_error *error) {
    bool calendar = options->expiry >= KW_EXPIRY_DAY, ends = calendar || options->ttl_us > 0;
    if (options->window_us > 0 && options->shards > 0) {
        return contradiction(error, "a counter is windowed or sharded, not both: leave out window_us or shards");
    }
    if (options->window_us == 0 && options->buckets > 0) {
        return contradiction(error, "only a window has buckets: give window_us");
    }
    if (options->window_us > 0 && options->bounds != KW_BOUNDS_NONE) {
        return contradiction(error, "a window has no bounds: a limiter refuses what is too much in a time");
    }
    if (options->window_us > 0 && ends)
        return contradiction(error, "a window ends by itself: leave out ttl_us and expiry");
    if (options->shards > 0 && options->bounds != KW_BOUNDS_NONE) {
        return contradiction(error, "shards have no bounds, for no shard knows the sum: leave out bounds or shards");
    }
    if (options->shards > 0 && ends) return contradiction(error, "shards have no end: leave out ttl_us and expiry");
    if (options->shards == 1) return contradiction(error, "one shard is none: give 2 and more, or 0");
    if (calendar && options->ttl_us > 0) {
        return contradiction(error, "a count ends with its day, week, month or year: leave out ttl_us");
    }
    if (options->expiry == KW_EXPIRY_SLIDING && options->ttl_us == 0) {
        return contradiction(error, "a sliding count needs its ttl_us");
    }
    if (options->zone_minutes != 0 && !calendar) {
        return contradiction(error, "only days, weeks, months and years have a zone: leave out zone_minutes");
    }
    return KW_OK;
}

/* A window no shorter than its buckets are many. */
static kw_status read_window(const kw_counter_options *options, kw_counter *counter, kw_error *error) {
    counter->buckets = options->buckets > 0 ? options->buckets : DEFAULT_BUCKETS;
    if (options->window_us < counter->buckets) {
        return kw__fail(error, KW_INVALID, KW_REASON_OPTION,
                        "options.window_us is %lld and must be 1 and more for each of %lld buckets",
                        (long long)options->window_us, (long long)counter->buckets);
    }
    counter->width_us = (options->window_us + counter->buckets - 1) / counter->buckets;
    return KW_OK;
}

kw_status kw__counter_read_options(const kw_counter_options *options, kw_counter *counter, kw_error *error) {
    const kw_counter_options given = whole(options);
    kw_status status = check_ranges(&given, error);
    if (status == KW_OK) status = check_bounds(&given, error);
    if (status == KW_OK) status = check_kind(&given, error);
    if (status != KW_OK) return status;
    counter->bounded = given.bounds != KW_BOUNDS_NONE;
    counter->saturates = given.on_bound == KW_ON_BOUND_SATURATE;
    counter->min = (given.bounds & KW_BOUNDS_MIN) != 0 ? given.min : INT64_MIN;
    counter->max = (given.bounds & KW_BOUNDS_MAX) != 0 ? given.max : INT64_MAX;
    counter->remember_us = given.remember_us > 0 ? given.remember_us : DEFAULT_REMEMBER;
    counter->remember_max = given.remember_max > 0 ? given.remember_max : DEFAULT_REMEMBER_MAX;
    counter->shards = (uint32_t)given.shards;
    counter->shape = &kw__counter_total;
    if (given.window_us > 0) {
        counter->shape = &kw__counter_window;
        return read_window(&given, counter, error);
    }
    if (given.shards > 0) {
        counter->shape = &kw__counter_shard;
    } else if (given.expiry >= KW_EXPIRY_DAY) {
        counter->shape = &kw__counter_timed;
        counter->expiry = given.expiry + 1;
        counter->span = given.zone_minutes * 60;
    } else if (given.ttl_us > 0) {
        counter->shape = &kw__counter_timed;
        counter->expiry = given.expiry + 1;
        counter->span = counter->ttl_us = given.ttl_us;
    }
    return KW_OK;
}

void kw__counter_part(const kw_counter *counter, char *part) {
    static const char *const names[] = {"total", "timed", "timed", "day", "week", "month", "year"};
    if (counter->buckets > 0)
        snprintf(part, 64, "window:%lldx%lld", (long long)counter->width_us, (long long)counter->buckets);
    else if (counter->shards > 0)
        snprintf(part, 64, "shard:%u", (unsigned)counter->shards);
    else
        snprintf(part, 64, "%s", names[counter->expiry]);
}
