/* What the tests of quotas share beside the fixture. */
#ifndef KW_QUOTA_TEST_H
#define KW_QUOTA_TEST_H

#include <time.h>

#include "support/fixture.h"

#define HOUR (60 * MINUTE)

static inline kw_quota *open_quota(int64_t limit, kw_period period, int zone_minutes) {
    kw_quota *quota = NULL;
    kw_quota_options options = {.size = sizeof options, .period = period, .zone_minutes = zone_minutes};
    no_failure(kw_quota_open(client, "api", 3, limit, &options, &quota, &error));
    return quota;
}

static inline kw_quota *monthly(int64_t limit) {
    return open_quota(limit, KW_PERIOD_MONTH, 0);
}

/* What is asked of the key "u". */
static inline kw_usage answered(kw_status status, kw_usage usage) {
    no_failure(status);
    assert_int_equal(usage.status, status);
    return usage;
}

static inline kw_usage consume(kw_quota *quota, int64_t cost) {
    kw_usage usage;
    kw_status status = kw_quota_consume(quota, "u", 1, cost, KW_DEFAULT_TIMEOUT, &usage, &error);
    return answered(status, usage);
}

static inline kw_usage peek(kw_quota *quota, int64_t cost) {
    kw_usage usage;
    kw_status status = kw_quota_peek(quota, "u", 1, cost, KW_DEFAULT_TIMEOUT, &usage, &error);
    return answered(status, usage);
}

static inline kw_usage reserve(kw_quota *quota, const char *id, int64_t cost, int64_t lease_us) {
    kw_usage usage;
    kw_status status =
        kw_quota_reserve(quota, "u", 1, cost, id, strlen(id), lease_us, KW_DEFAULT_TIMEOUT, &usage, &error);
    return answered(status, usage);
}

static inline kw_usage commit(kw_quota *quota, const char *id, int64_t actual) {
    kw_usage usage;
    kw_status status = kw_quota_commit(quota, "u", 1, id, strlen(id), actual, KW_DEFAULT_TIMEOUT, &usage, &error);
    return answered(status, usage);
}

static inline kw_usage cancel(kw_quota *quota, const char *id) {
    kw_usage usage;
    kw_status status = kw_quota_cancel(quota, "u", 1, id, strlen(id), KW_DEFAULT_TIMEOUT, &usage, &error);
    return answered(status, usage);
}

static inline void refund(kw_quota *quota, int64_t count, int64_t resets_at_us) {
    no_failure(kw_quota_refund(quota, "u", 1, count, resets_at_us, KW_DEFAULT_TIMEOUT, &error));
}

/* Unix us of a date at midnight UTC. */
static inline int64_t date(int year, int month, int day) {
    struct tm broken = {.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day};
    return (int64_t)timegm(&broken) * SECOND;
}

#define MONTH_KEY "kw:quota:{api:u}:month"

#endif
