/* What the tests of unique counters share beside the fixture. */
#ifndef KW_UNIQUE_TEST_H
#define KW_UNIQUE_TEST_H

#include "support/fixture.h"

#define EXACT_KEY "kw:unique:{api:u}:exact"
#define SKETCH_KEY "kw:unique:{api:u}:sketch"
#define ENDS_KEY "kw:unique:{api:u}:ends"

static inline kw_unique *open_unique(kw_unique_options options) {
    kw_unique *unique = NULL;
    options.size = sizeof options;
    no_failure(kw_unique_open(client, "api", 3, &options, &unique, &error));
    return unique;
}

/* Of the key "u". */
static inline kw_cardinality add(kw_unique *unique, const char *member) {
    kw_cardinality cardinality;
    no_failure(kw_unique_add(unique, "u", 1, member, strlen(member), 0, &cardinality, &error));
    assert_int_equal(cardinality.status, KW_OK);
    return cardinality;
}

static inline kw_cardinality count(kw_unique *unique) {
    kw_cardinality cardinality;
    no_failure(kw_unique_count(unique, "u", 1, 0, &cardinality, &error));
    return cardinality;
}

/* Adds members number `from` to `to`, the last left out; tells the last answer. */
static inline kw_cardinality add_range(kw_unique *unique, int from, int to) {
    kw_cardinality last = {0};
    for (int i = from; i < to; i++) {
        char member[24];
        snprintf(member, sizeof member, "member:%d", i);
        last = add(unique, member);
    }
    return last;
}

#endif
