/* Answers to several hits at once, by a peer that is no Redis: each is refused, none is computed with. */
#include "limiter/limiter_test.h"
#include "primitives/limiter.h"
#include "primitives/limiter_rows.h"

static kw_limiter *limiter_of(const char *limits, kw_algorithm algorithm) {
    return open_limiter("api", limits, (kw_limiter_options){.algorithm = algorithm, .coalesce = 1});
}

static kw_status decode(kw_limiter *limiter, int64_t cost, size_t index, size_t hits, const char *text, size_t length,
                        kw_decision *decision) {
    const kw__limiter_hit_args args = {.key = kw__bytes_text("u"), .cost = cost};
    kw__asking plainly = {0};
    const kw__step step = {
        .object = &limiter->object, .args = &args, .state = &plainly, .together = hits, .index = index};
    char *copy = malloc(length > 0 ? length : 1); /* of the exact size, so that a sanitizer sees reading beyond it */
    assert_non_null(copy);
    memcpy(copy, text, length);
    const kw__reply reply = {.kind = KW__REPLY_STRING, .bytes = kw__bytes_of(copy, length)};
    kw_status status = kw__limiter_hit_decode(&step, &reply, decision, &error);
    free(copy);
    return status;
}

static void assert_read(kw_limiter *limiter, int64_t cost, const char *text, kw_status first, kw_status last) {
    kw_decision decision;
    print_message("  \"%s\"\n", text);
    assert_int_equal(decode(limiter, cost, 0, 3, text, strlen(text), &decision), first);
    assert_int_equal(decode(limiter, cost, 2, 3, text, strlen(text), &decision), last);
}

static void each_shape_is_rewound_no_further_than_it_goes(void **state) {
    (void)state;
    kw_limiter *tat = limiter_of("10/s", KW_ALGORITHM_GCRA), *exact = limiter_of("7/s", KW_ALGORITHM_GCRA);
    assert_read(tat, 1, "3 1767225600 5 1767225600300005", KW_OK, KW_OK);
    assert_read(tat, 1, "3 1767225600 5 1767225600200004", KW_PROTOCOL, KW_OK); /* no debt for three */
    assert_read(tat, 1, "4 1767225600 5 1767225600400005", KW_PROTOCOL, KW_PROTOCOL);
    assert_read(tat, 4, "3 1767225600 5 1767225601000005", KW_PROTOCOL, KW_PROTOCOL); /* above the burst */
    assert_read(tat, 1, "-1 1767225600 5 1767225600400005", KW_PROTOCOL, KW_PROTOCOL);
    assert_read(tat, 1, "9223372036854775807 1767225600 5 1767225600400005", KW_PROTOCOL, KW_PROTOCOL);
    assert_read(tat, 1, "2 1767225600 5 1767225600300005", KW_OK, KW_PROTOCOL); /* a denial although it would fit */
    assert_read(tat, 4, "2 1767225600 5 1767225600800005", KW_OK, KW_DENIED);
    assert_read(tat, 1, "3 1767225600 5 none", KW_PROTOCOL, KW_PROTOCOL);
    assert_read(exact, 1, "3 1767225600 5 1767225600428576003", KW_OK, KW_OK);
    assert_read(exact, 1, "3 1767225600 5 hello", KW_PROTOCOL, KW_WRONG_TYPE);
    kw_limiter *of_window = limiter_of("10/s", KW_ALGORITHM_FIXED_WINDOW);
    assert_read(of_window, 2, "6 1767225600 5 17672256010000006", KW_OK, KW_OK);
    assert_read(of_window, 2, "5 1767225600 5 17672256010000006", KW_PROTOCOL,
                KW_PROTOCOL); /* no whole number of hits */
    assert_read(of_window, 2, "6 1767225600 5 17672256010000003", KW_PROTOCOL, KW_OK);
    assert_read(of_window, 2, "6 1767225600 5 1767225601", KW_PROTOCOL, KW_WRONG_TYPE);
    kw_limiter *of_counter = limiter_of("10/s", KW_ALGORITHM_SLIDING_COUNTER);
    assert_read(of_counter, 2, "6 1767225600 5 17672256000000006/2", KW_OK, KW_OK);
    assert_read(of_counter, 2, "6 1767225600 5 17672256000000003/2", KW_PROTOCOL, KW_OK);
    assert_read(of_counter, 2, "6 1767225600 5 1767225600000000", KW_PROTOCOL, KW_WRONG_TYPE);
    kw_limiter *of_log = limiter_of("10/s", KW_ALGORITHM_SLIDING_LOG);
    assert_read(of_log, 2, "6 1767225600 5 6:1767225600000005:0", KW_OK, KW_OK);
    assert_read(of_log, 2, "6 1767225600 5 3:1767225600000005:0", KW_PROTOCOL, KW_OK);
    assert_read(of_log, 2, "6 1767225600 5 6:1767225600000005", KW_PROTOCOL, KW_WRONG_TYPE);
    kw_limiter *all[] = {tat, exact, of_window, of_counter, of_log};
    for (int i = 0; i < 5; i++)
        kw_limiter_free(all[i]);
}

/* Digits changed, taken out, doubled: whatever comes of it is refused or in its bounds. */
static void no_text_leads_out_of_bounds(void **state) {
    (void)state;
    static const struct {
        const char *limits, *reply;
        kw_algorithm algorithm;
    } seeds[] = {
        {"10/s", "3 1767225600 5 1767225600300005", KW_ALGORITHM_GCRA},
        {"7/s", "3 1767225600 5 1767225600428576003", KW_ALGORITHM_GCRA},
        {"997/us burst 100000000000", "0 9007199254 999999 9007199254999999", KW_ALGORITHM_GCRA},
        {"10/s", "3 1767225600 5 17672256010000004", KW_ALGORITHM_FIXED_WINDOW},
        {"10/s", "3 1767225600 5 17672256000000004/9", KW_ALGORITHM_SLIDING_COUNTER},
        {"10/s", "3 1767225600 5 4:1767225600000005:0", KW_ALGORITHM_SLIDING_LOG},
        {"10/s; 7/m", "3 1767225600 5 1767225600300005 1767225626000005001", KW_ALGORITHM_GCRA},
        {"10/s; 7/m", "3 1767225600 5 17672256010000004 17672256600000005", KW_ALGORITHM_FIXED_WINDOW},
    };
    enum { SEEDS = sizeof seeds / sizeof seeds[0] };
    uint64_t random = 20260101;
    for (int i = 0; i < SEEDS; i++) {
        kw_limiter *limiter = limiter_of(seeds[i].limits, seeds[i].algorithm);
        for (int round = 0; round < 20000; round++) {
            char text[80];
            keep(text, sizeof text, seeds[i].reply);
            size_t length = strlen(text);
            for (int times = 1 + round % 3; times > 0; times--) {
                random ^= random << 13, random ^= random >> 7, random ^= random << 17;
                size_t at = random % length;
                if (random >> 60 == 0 && length > 1)
                    memmove(text + at, text + at + 1, --length - at);
                else
                    text[at] = "0123456789 -"[(random >> 32) % 12];
            }
            kw_decision decision;
            int64_t cost = round % 100 == 0 ? limiter->capacity : 1 + round % 3;
            size_t hits = round % 7 == 0 ? 256 : 4;
            kw_status status = decode(limiter, cost, (size_t)round % hits, hits, text, length, &decision);
            assert_true(status == KW_OK || status == KW_DENIED || status == KW_PROTOCOL || status == KW_WRONG_TYPE);
            if (status < 0) continue;
            assert_int_equal(decision.status, status);
            assert_in_range(decision.remaining, 0, decision.limit);
            assert_int_equal(decision.count, status == KW_OK ? cost : 0);
            assert_true(decision.retry_after_us >= 0 && decision.reset_after_us >= 0 && decision.delay_us >= 0);
        }
        kw_limiter_free(limiter);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_shape_is_rewound_no_further_than_it_goes),
        cmocka_unit_test(no_text_leads_out_of_bounds),
    };
    return test_run(open_server, close_server);
}
