/* What the tests of tops share beside the fixture. */
#ifndef KW_TOP_TEST_H
#define KW_TOP_TEST_H

#include "support/fixture.h"

#define SCORES_KEY "kw:top:{api:u}:scores"
#define ENDS_KEY "kw:top:{api:u}:ends"

static inline kw_top *open_top(kw_top_options options) {
    kw_top *top = NULL;
    options.size = sizeof options;
    no_failure(kw_top_open(client, "api", 3, &options, &top, &error));
    return top;
}

/* Of the key "u". */
static inline kw_standing add(kw_top *top, const char *member, int64_t delta) {
    kw_standing standing;
    kw_status status = kw_top_add(top, "u", 1, member, strlen(member), delta, 0, &standing, &error);
    no_failure(status);
    assert_int_equal(standing.status, status);
    return standing;
}

static inline kw_standing standing(kw_top *top, const char *member) {
    kw_standing told;
    kw_status status = kw_top_standing(top, "u", 1, member, strlen(member), 0, &told, &error);
    no_failure(status);
    assert_int_equal(told.status, status);
    return told;
}

#endif
