/* Arguments that cannot be: what is told of them, and that nothing was sent. */
#ifndef KW_TEST_REFUSAL_H
#define KW_TEST_REFUSAL_H

#include "support/fixture.h"

/* A refusal: its code, its reason, and a word that its message says. */
static inline void told(kw_status status, kw_status code, kw_reason reason, const char *says) {
    assert_int_equal(status, code);
    assert_int_equal(error.code, code);
    assert_int_equal(error.reason, reason);
    if (strstr(error.message, says) == NULL) fail_msg("\"%s\" does not say \"%s\"", error.message, says);
}

#define INVALID(call, reason, says) told((call), KW_INVALID, (reason), (says))

static inline int64_t bytes_sent(void) {
    kw_stats stats;
    assert_int_equal(kw_client_stats(client, &stats, &error), KW_OK);
    return stats.bytes_sent;
}

#endif
