/* What the options of a limiter may say. */
#include "primitives/limiter.h"

#define DEFAULT_MAX_WAIT_US INT64_C(60000000)
#define DEFAULT_LEASE_US INT64_C(60000000)
#define BLOCK_MAX_US (30 * KW__DAY_US)
#define ZONE_MAX 1080 /* minutes */
#define POLICY_TIMEOUT_US INT64_C(50000)
#define HOUR_US INT64_C(3600000000)
#define DEFAULT_DENIAL_US INT64_C(1000000)
#define DENIAL_CACHE_MAX 1048576
#define TOKEN_LEASE_MAX 1000000
#define TOKEN_TTL_MIN_US INT64_C(10000)
#define DEFAULT_TOKEN_US INT64_C(1000000)
#define OVERRIDES_MIN_US INT64_C(10000)

kw_status kw__fail_option(kw_error *error, const char *name, int64_t value, const char *rule) {
    return kw__fail(error, KW_INVALID, KW_REASON_OPTION, "options.%s is %lld and must be %s", name, (long long)value,
                    rule);
}

kw_status kw__fail_option_with(kw_error *error, const char *name, int64_t value, const char *other, const char *why) {
    return kw__fail(error, KW_INVALID, KW_REASON_OPTION, "options.%s is %lld and must be 0 with %s: %s", name,
                    (long long)value, other, why);
}

static kw_status read_duration(const char *name, int64_t value, int64_t most, const char *rule, int64_t *out,
                               kw_error *error) {
    if (value < 0 || value > most) return kw__fail_option(error, name, value, rule);
    if (value != 0) *out = value;
    return KW_OK;
}

static kw_status read_flag(const char *name, int32_t value, bool *out, kw_error *error) {
    if (value != 0 && value != 1) return kw__fail_option(error, name, value, "0 or 1");
    *out = value == 1;
    return KW_OK;
}

static kw_status read_algorithm(int32_t value, const kw__shape **out, kw_error *error) {
    switch (value) {
    case KW_ALGORITHM_GCRA:
        *out = &kw__shape_gcra;
        return KW_OK;
    case KW_ALGORITHM_FIXED_WINDOW:
        *out = &kw__shape_window;
        return KW_OK;
    case KW_ALGORITHM_SLIDING_COUNTER:
        *out = &kw__shape_counter;
        return KW_OK;
    case KW_ALGORITHM_SLIDING_LOG:
        *out = &kw__shape_log;
        return KW_OK;
    case KW_ALGORITHM_CONCURRENCY:
        *out = &kw__shape_leases;
        return KW_OK;
    default:
        return kw__fail_option(error, "algorithm", value, "a kw_algorithm, 0 to 4");
    }
}

static kw_status read_align(const kw_limiter_options *options, kw__limiter_settings *settings, kw_error *error) {
    if (options->align < KW_ALIGN_FIRST_HIT || options->align > KW_ALIGN_CALENDAR) {
        return kw__fail_option(error, "align", options->align, "a kw_align, 0 to 2");
    }
    if (options->zone_offset < -ZONE_MAX || options->zone_offset > ZONE_MAX) {
        return kw__fail_option(error, "zone_offset", options->zone_offset, "between -1080 and 1080 minutes");
    }
    if (options->align != KW_ALIGN_FIRST_HIT && settings->shape != &kw__shape_window) {
        return kw__fail_option(error, "align", options->align, "0 with this algorithm: only fixed windows have edges");
    }
    if (options->zone_offset != 0 && options->align == KW_ALIGN_FIRST_HIT) {
        return kw__fail_option(error, "zone_offset", options->zone_offset, "0 unless align is 1 or 2");
    }
    settings->align = (kw_align)options->align;
    settings->zone_us = (int64_t)options->zone_offset * 60000000;
    return KW_OK;
}

static kw_status read_blocks(const kw_limiter_options *options, kw__limiter_settings *settings, kw_error *error) {
    kw_status status = read_duration("block_us", options->block_us, KW__DAY_US, "between 0 (none) and a day",
                                     &settings->block_us, error);
    settings->block_max_us = settings->block_us;
    if (status == KW_OK) {
        status = read_duration("block_max_us", options->block_max_us, BLOCK_MAX_US, "between 0 (block_us) and 30 days",
                               &settings->block_max_us, error);
    }
    if (status != KW_OK) return status;
    if (settings->block_max_us < settings->block_us) {
        return kw__fail_option(error, "block_max_us", options->block_max_us, "block_us or more");
    }
    if (options->block_max_us != 0 && options->block_us == 0) {
        return kw__fail_option(error, "block_max_us", options->block_max_us, "0 without block_us");
    }
    if (settings->shadow && (options->block_us != 0 || settings->charge_denials)) {
        return kw__fail_option(error, "shadow", 1,
                               "0 with block_us or charge_denials: a shadow limiter denies nothing");
    }
    return KW_OK;
}

kw_status kw__limiter_read_timeout(int64_t value, kw_on_failure policy, int64_t *out, kw_error *error) {
    *out = policy != KW_ON_FAILURE_RAISE ? POLICY_TIMEOUT_US : 0;
    return read_duration("timeout_us", value, HOUR_US, "between 0 (50 ms with a policy, else the client's) and an hour",
                         out, error);
}

static kw_status read_local(const kw_limiter_options *options, kw__limiter_settings *settings, kw_error *error) {
    if (options->on_failure < KW_ON_FAILURE_RAISE || options->on_failure > KW_ON_FAILURE_LOCAL) {
        return kw__fail_option(error, "on_failure", options->on_failure, "a kw_on_failure, 0 to 3");
    }
    if (options->local_share < 0 || options->local_share > 100) {
        return kw__fail_option(error, "local_share", options->local_share, "between 1 and 100 percent, or 0 (100)");
    }
    if (options->local_share != 0 && options->on_failure != KW_ON_FAILURE_LOCAL) {
        return kw__fail_option(error, "local_share", options->local_share, "0 unless on_failure is local");
    }
    if (options->denial_cache < 0 || options->denial_cache > DENIAL_CACHE_MAX) {
        return kw__fail_option(error, "denial_cache", options->denial_cache, "between 0 (none) and 1048576 keys");
    }
    if (options->denial_cache != 0 && settings->charge_denials) {
        return kw__fail_option(error, "denial_cache", options->denial_cache,
                               "0 with charge_denials, for a denial from memory is not charged");
    }
    if (options->denial_ttl_us != 0 && options->denial_cache == 0) {
        return kw__fail_option(error, "denial_ttl_us", options->denial_ttl_us, "0 without denial_cache");
    }
    if (options->overrides_us != 0 && (options->overrides_us < OVERRIDES_MIN_US || options->overrides_us > HOUR_US)) {
        return kw__fail_option(error, "overrides_us", options->overrides_us, "between 10 ms and an hour, or 0 (none)");
    }
    settings->overrides_us = options->overrides_us;
    settings->on_failure = (kw_on_failure)options->on_failure;
    settings->local_share = options->local_share != 0 ? options->local_share : 100;
    settings->denial_cache = options->denial_cache;
    kw_status status =
        kw__limiter_read_timeout(options->timeout_us, settings->on_failure, &settings->timeout_us, error);
    if (status != KW_OK) return status;
    return read_duration("denial_ttl_us", options->denial_ttl_us, 60 * INT64_C(1000000), "between 0 (1 s) and a minute",
                         &settings->denial_ttl_us, error);
}

static kw_status read_tokens(const kw_limiter_options *options, kw__limiter_settings *settings, kw_error *error) {
    if (options->token_lease < 0 || options->token_lease == 1 || options->token_lease > TOKEN_LEASE_MAX) {
        return kw__fail_option(error, "token_lease", options->token_lease, "between 2 and 1000000, or 0 (none)");
    }
    if (options->token_ttl_us != 0 && options->token_lease == 0) {
        return kw__fail_option(error, "token_ttl_us", options->token_ttl_us, "0 without token_lease");
    }
    if (options->token_ttl_us != 0 && options->token_ttl_us < TOKEN_TTL_MIN_US) {
        return kw__fail_option(error, "token_ttl_us", options->token_ttl_us, "between 10 ms and a minute, or 0 (1 s)");
    }
    settings->token_lease = options->token_lease;
    return read_duration("token_ttl_us", options->token_ttl_us, 60 * INT64_C(1000000),
                         "between 10 ms and a minute, or 0 (1 s)", &settings->token_ttl_us, error);
}

kw_status kw__limiter_read_options(const kw_limiter_options *options, kw__limiter_settings *settings, kw_error *error) {
    *settings = (kw__limiter_settings){
        .shape = &kw__shape_gcra,
        .max_wait_us = DEFAULT_MAX_WAIT_US,
        .lease_us = DEFAULT_LEASE_US,
        .denial_ttl_us = DEFAULT_DENIAL_US,
        .token_ttl_us = DEFAULT_TOKEN_US,
    };
    if (options == NULL) return KW_OK;
    /* The caller's record, whose size tells its version: what it does not reach is zero. */
    kw_limiter_options read = {0};
    memcpy(&read, options, options->size < sizeof read ? options->size : sizeof read);
    if (read.flags != 0) return kw__fail_option(error, "flags", read.flags, "0");
    kw_status status = read_algorithm(read.algorithm, &settings->shape, error);
    if (status == KW_OK) status = read_flag("shadow", read.shadow, &settings->shadow, error);
    if (status == KW_OK) {
        status = read_flag("charge_denials", read.charge_denials, &settings->charge_denials, error);
    }
    if (status == KW_OK) status = read_flag("reservations", read.reservations, &settings->reservations, error);
    if (status == KW_OK) status = read_flag("coalesce", read.coalesce, &settings->coalesce, error);
    if (status == KW_OK) {
        status = read_duration("max_wait_us", read.max_wait_us, KW__DAY_US, "between 0 (60 s) and a day",
                               &settings->max_wait_us, error);
    }
    if (status == KW_OK) {
        status = read_duration("lease_us", read.lease_us, KW__DAY_US, "between 0 (60 s) and a day", &settings->lease_us,
                               error);
    }
    if (status == KW_OK) status = read_align(&read, settings, error);
    if (status == KW_OK) status = read_blocks(&read, settings, error);
    if (status == KW_OK) status = read_local(&read, settings, error);
    if (status == KW_OK) status = read_tokens(&read, settings, error);
    return status;
}
