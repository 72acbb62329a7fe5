/* What the tests of joint limiters share beside the fixture. */
#ifndef KW_JOINT_TEST_H
#define KW_JOINT_TEST_H

#include "support/fixture.h"

static inline kw_limiter *limiter_of(const char *name, const char *limits, kw_limiter_options options) {
    kw_limiter *limiter = NULL;
    options.size = sizeof options;
    no_failure(kw_limiter_open(client, name, strlen(name), limits, &options, &limiter, &error));
    return limiter;
}

static inline kw_limiter *plain(const char *name, const char *limits) {
    return limiter_of(name, limits, (kw_limiter_options){0});
}

static inline kw_joint *joint_of(kw_limiter *one, kw_limiter *other) {
    kw_joint *joint = NULL;
    kw_limiter *both[] = {one, other};
    no_failure(kw_joint_open(client, both, 2, NULL, &joint, &error));
    return joint;
}

static inline kw_limiter_hit_args call_of(const char *key, int64_t cost) {
    return (kw_limiter_hit_args){
        .size = sizeof(kw_limiter_hit_args), .key = key, .key_length = strlen(key), .cost = cost};
}

/* Of the keys "u" and "a". */
static inline kw_joint_decision hit_both(kw_joint *joint, int64_t one, int64_t other) {
    const kw_limiter_hit_args hits[] = {call_of("u", one), call_of("a", other)};
    kw_joint_decision decision;
    kw_status status = kw_joint_hit(joint, hits, 2, KW_DEFAULT_TIMEOUT, &decision, &error);
    no_failure(status);
    assert_int_equal(decision.status, status);
    return decision;
}

#define USER_KEY "kw:limiter:{user:u}:tat:1000000"
#define ADDRESS_KEY "kw:limiter:{ip:a}:window:60000000"

#endif
