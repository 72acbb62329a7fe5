/* Answers of a peer that is no Redis, to limiters of several limits, with blocks, shadows, logs and leases. */
#include "limiter/limiter_test.h"
#include "primitives/limiter.h"
#include "primitives/limiter_rows.h"

enum { LIMITERS = 6 };

static kw_limiter *limiters[LIMITERS];

/* One reply of each that is right: a charge, and a denial. */
static const char *const good[LIMITERS][2] = {
    {"1 1767225600 5 1767225600142862001 1767225660000005",
     "0 1767225600 5 1767225601000005000 1767225660000005"},                                             /* two */
    {"1 1767225600 5 1767225600142862001", "0 1767225600 5 none 17672257000000001"},                     /* a block */
    {"1 1767225600 5 1767225600142862001 !1767225660000005", "0 1767225600 5 1767225601000005000 none"}, /* a shadow */
    {"1 1767225600 5 1:1767225600000005:0", "0 1767225600 5 7:1767225600000005:1767225601000005"},       /* a log */
    {"1 1767225600 5 1:1767225660000005:0:1767225600000005",
     "0 1767225600 5 7:1767225660000005:1767225660000005:0"},                     /* leases */
    {"1 1767225600 5 17672256000000001/0", "0 1767225600 5 17672256000000007/7"}, /* a counter */
};

static int open_all(void **state) {
    int failed = open_server(state);
    if (failed != 0) return failed;
    limiters[0] = open_limiter("api", "7/s; 1/m as b", (kw_limiter_options){.algorithm = KW_ALGORITHM_GCRA});
    limiters[1] = open_limiter("api", "7/s", (kw_limiter_options){.block_us = SECOND, .block_max_us = 100 * SECOND});
    limiters[2] = open_limiter("api", "7/s; 1/m shadow", (kw_limiter_options){.algorithm = KW_ALGORITHM_GCRA});
    limiters[3] = open_limiter("api", "7/s", (kw_limiter_options){.algorithm = KW_ALGORITHM_SLIDING_LOG});
    limiters[4] = open_limiter("api", "7 concurrent", (kw_limiter_options){.algorithm = KW_ALGORITHM_CONCURRENCY});
    limiters[5] = open_limiter("api", "7/s", (kw_limiter_options){.algorithm = KW_ALGORITHM_SLIDING_COUNTER});
    return 0;
}

static int close_all(void **state) {
    for (int i = 0; i < LIMITERS; i++)
        kw_limiter_free(limiters[i]);
    return close_server(state);
}

static void check(const kw_limiter *limiter, kw_status status, const kw_decision *decision) {
    assert_int_equal(decision->status, status);
    assert_in_range(decision->binding, 0, limiter->count - 1);
    assert_in_range(decision->remaining, 0, INT64_C(1) << 52);
    assert_true(decision->denied_by >= -1 && decision->denied_by < limiter->count);
    assert_true(decision->retry_after_us >= 0 && decision->reset_after_us >= 0 && decision->delay_us >= 0);
    assert_true((status == KW_DENIED) == (decision->retry_after_us > 0));
    assert_true(decision->lease >= 0);
    for (int i = 0; i < limiter->count; i++)
        assert_true(decision->settles_at_us[i] >= 0);
}

static kw_status decode(kw_limiter *limiter, bool up_to, int64_t cost, const char *text, size_t length) {
    kw_decision decision;
    char *copy = malloc(length > 0 ? length : 1); /* of the exact size, so that a sanitizer sees reading beyond it */
    assert_non_null(copy);
    memcpy(copy, text, length);
    const kw__reply reply = {.kind = KW__REPLY_STRING, .bytes = kw__bytes_of(copy, length)};
    const kw__limiter_hit_args hit_args = {.key = kw__bytes_text("u"), .cost = cost};
    const kw__limiter_hit_up_to_args up_to_args = {.key = kw__bytes_text("u"), .cost = cost};
    kw__asking plainly = {0};
    kw__step step = {.object = &limiter->object, .args = &hit_args, .state = &plainly};
    kw_status status;
    if (up_to) {
        step.args = &up_to_args;
        status = kw__limiter_hit_up_to_decode(&step, &reply, &decision, &error);
    } else {
        status = kw__limiter_hit_decode(&step, &reply, &decision, &error);
    }
    if (status >= KW_OK) check(limiter, status, &decision);
    free(copy);
    return status;
}

static void good_replies_are_taken(void **state) {
    (void)state;
    for (int i = 0; i < LIMITERS; i++) {
        print_message("  %d\n", i);
        assert_int_equal(decode(limiters[i], false, 1, good[i][0], strlen(good[i][0])), KW_OK);
        assert_int_equal(decode(limiters[i], true, 3, good[i][0], strlen(good[i][0])), KW_OK);
        assert_int_equal(decode(limiters[i], false, 1, good[i][1], strlen(good[i][1])), KW_DENIED);
    }
}

static void broken_texts_are_refused(void **state) {
    (void)state;
    static const struct {
        int limiter;
        kw_status status;
        const char *text;
    } bad[] = {
        {0, KW_PROTOCOL, "1 1767225600 5 1767225600142862001"},         /* a state too few */
        {0, KW_PROTOCOL, "1 1767225600 5 1767225600142862001 "},        /* none at all */
        {0, KW_PROTOCOL, "1 1767225600 5 none none none"},              /* one too many */
        {0, KW_PROTOCOL, "0 1767225600 5 none none"},                   /* denied by nothing */
        {0, KW_WRONG_TYPE, "1 1767225600 5 !1767225600142862001 none"}, /* a mark on one that is no shadow */
        {0, KW_WRONG_TYPE, "1 1767225600 5 1767225600142862001 hello"},
        {0, KW_PROTOCOL, "2 1767225600 5 1767225600142862001 none"},
        {0, KW_PROTOCOL, "1 1767225600 5 none none"},           /* charged to nothing */
        {0, KW_PROTOCOL, "1 17672 5 1767225600142862001 none"}, /* before there were limiters */
        {1, KW_PROTOCOL, "0 1767225600 5"},
        {1, KW_PROTOCOL, "0 1767225600 5 none 1767225700000000"}, /* a block without its level */
        {1, KW_PROTOCOL, "0 1767225600 5 none 17672257000x00001"},
        {1, KW_PROTOCOL, "0 1767225600 5 none 17672257000000001 more"},
        {1, KW_PROTOCOL, "0 1767225600 5 none 1"},
        {2, KW_WRONG_TYPE, "1 1767225600 5 1767225600142862001 !"},
        {2, KW_WRONG_TYPE, "1 1767225600 5 1767225600142862001 !!1767225660000005"},
        {3, KW_WRONG_TYPE, "1 1767225600 5 1:1767225600000005"},
        {3, KW_WRONG_TYPE, "1 1767225600 5 1:1767225600000005:0:0"},
        {3, KW_WRONG_TYPE, "1 1767225600 5 -1:1767225600000005:0"},
        {3, KW_WRONG_TYPE, "1 1767225600 5 1:9007199254740992:0"},
        {3, KW_WRONG_TYPE, "1 1767225600 5 ::"},
        {4, KW_WRONG_TYPE, "1 1767225600 5 1:1767225660000005:0"},
        {4, KW_WRONG_TYPE, "1 1767225600 5 1:1767225660000005:0:x"},
        {5, KW_WRONG_TYPE, "1 1767225600 5 17672256000000001"},
        {5, KW_WRONG_TYPE, "1 1767225600 5 17672256000000001/"},
        {5, KW_WRONG_TYPE, "1 1767225600 5 1767225600000000/0"},
        {5, KW_WRONG_TYPE, "1 1767225600 5 17672256000000001/-1"},
        {5, KW_WRONG_TYPE, "1 1767225600 5 00000000000000001/0"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        print_message("  \"%s\"\n", bad[i].text);
        assert_int_equal(decode(limiters[bad[i].limiter], false, 1, bad[i].text, strlen(bad[i].text)), bad[i].status);
    }
    static const char more[] = "4 1767225600 5 1767225600142862001";
    assert_int_equal(decode(limiters[1], true, 3, more, sizeof more - 1), KW_PROTOCOL); /* more than was asked for */
}

/* Bytes changed, taken out, doubled: whatever comes of it is refused or in its bounds. */
static void no_text_leads_out_of_bounds(void **state) {
    (void)state;
    uint64_t random = 20260102;
    for (int round = 0; round < 200000; round++) {
        char text[96];
        int which = round % LIMITERS;
        keep(text, sizeof text, good[which][round / LIMITERS % 2]);
        size_t length = strlen(text);
        for (int times = 1 + round % 3; times > 0; times--) {
            random ^= random << 13, random ^= random >> 7, random ^= random << 17;
            size_t at = random % length;
            if (random >> 60 == 0 && length > 1)
                memmove(text + at, text + at + 1, --length - at);
            else
                text[at] = "0123456789 -:/!n"[(random >> 32) % 16];
        }
        kw_status status = decode(limiters[which], round / 12 % 2 == 1, round % 9, text, length);
        assert_true(status == KW_OK || status == KW_DENIED || status == KW_PROTOCOL || status == KW_WRONG_TYPE);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_replies_are_taken),
        cmocka_unit_test(broken_texts_are_refused),
        cmocka_unit_test(no_text_leads_out_of_bounds),
    };
    return test_run(open_all, close_all);
}
