/* Answers of a peer that is no Redis, or has other scripts: each is refused, none is computed with. */
#include "limiter/limiter_test.h"
#include "primitives/limiter.h"
#include "primitives/limiter_rows.h"

static kw_limiter *limiter_of(kw_algorithm algorithm) {
    return open_limiter("api", "7/s", (kw_limiter_options){.algorithm = algorithm});
}

static kw_status decode_hit(kw_limiter *limiter, int64_t cost, const kw__reply *reply, kw_decision *decision) {
    const kw__limiter_hit_args args = {.key = kw__bytes_text("u"), .cost = cost};
    kw__asking plainly = {0};
    const kw__step step = {.object = &limiter->object, .args = &args, .state = &plainly};
    return kw__limiter_hit_decode(&step, reply, decision, &error);
}

static kw_status decode_text(kw_limiter *limiter, int64_t cost, const char *text, size_t length) {
    kw_decision decision;
    char *copy = malloc(length > 0 ? length : 1); /* of the exact size, so that a sanitizer sees reading beyond it */
    assert_non_null(copy);
    memcpy(copy, text, length);
    const kw__reply reply = {.kind = KW__REPLY_STRING, .bytes = kw__bytes_of(copy, length)};
    kw_status status = decode_hit(limiter, cost, &reply, &decision);
    if (status >= KW_OK) {
        assert_in_range(decision.remaining, 0, decision.limit);
        assert_true(decision.retry_after_us >= 0 && decision.reset_after_us >= 0 && decision.delay_us >= 0);
        assert_int_equal(decision.status, status);
        assert_true(decision.settles_at_us[0] >= 0 && decision.settles_rest[0] >= 0 && decision.settles_rest[0] < 1000);
    }
    free(copy);
    return status;
}

static void good_replies_are_taken(void **state) {
    (void)state;
    kw_limiter *tat = limiter_of(KW_ALGORITHM_GCRA), *of_window = limiter_of(KW_ALGORITHM_FIXED_WINDOW);
    static const char charged[] = "1 1767225600 5 1767225600142862001", denied[] = "0 1767225600 5 1767225601000005000";
    assert_int_equal(decode_text(tat, 1, charged, sizeof charged - 1), KW_OK);
    assert_int_equal(decode_text(tat, 1, denied, sizeof denied - 1), KW_DENIED);
    static const char full[] = "0 1767225600 5 17672256010000007";
    assert_int_equal(decode_text(of_window, 1, full, sizeof full - 1), KW_DENIED);
    kw_limiter_free(tat);
    kw_limiter_free(of_window);
}

static void broken_texts_are_refused(void **state) {
    (void)state;
    static const char *const texts[] = {
        "",
        "1",
        "1 ",
        "1 1767225600",
        "1 1767225600 ",
        "1 1767225600 5",
        " 1 1767225600 5 1767225600142862001",
        "2 1767225600 5 1767225600142862001",
        "-1 1767225600 5 1767225600142862001",
        "x 1767225600 5 1767225600142862001",
        "1 x 5 1767225600142862001",
        "1 -1 5 1767225600142862001",
        "1 9007199255 5 1767225600142862001",
        "1 9223372036854775807 5 1767225600142862001",
        "1 99999999999999999999 5 1767225600142862001",
        "1 1767225600 -1 1767225600142862001",
        "1 1767225600 1000000 1767225600142862001",
        "1  1767225600 5 1767225600142862001",
        "0 1767225600 5 1767225600000005000", /* a denial although it would fit */
        "0 1767225600 5 none",                /* a denial by nothing */
    };
    kw_limiter *limiter = limiter_of(KW_ALGORITHM_GCRA);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        print_message("  \"%s\"\n", texts[i]);
        assert_int_equal(decode_text(limiter, 1, texts[i], strlen(texts[i])), KW_PROTOCOL);
    }
    static const char foreign[] = "0 1767225600 5 hello", charged[] = "1 1767225600 5 1767225600142862001";
    assert_int_equal(decode_text(limiter, 1, foreign, sizeof foreign - 1), KW_WRONG_TYPE);
    assert_int_equal(decode_text(limiter, 1, "0 1767225600 5 ", 15), KW_WRONG_TYPE);     /* somebody's empty string */
    assert_int_equal(decode_text(limiter, 0, charged, sizeof charged - 1), KW_PROTOCOL); /* looking charges nothing */
    kw_limiter_free(limiter);
}

static void replies_of_another_kind_are_refused(void **state) {
    (void)state;
    kw_limiter *limiter = limiter_of(KW_ALGORITHM_GCRA);
    kw_decision decision;
    const kw__reply number = {.kind = KW__REPLY_INTEGER, .integer = 1}, nil = {.kind = KW__REPLY_NIL};
    const kw__reply list = {.kind = KW__REPLY_ARRAY};
    const kw__reply *const all[] = {&number, &nil, &list};
    for (int i = 0; i < 3; i++)
        assert_int_equal(decode_hit(limiter, 1, all[i], &decision), KW_PROTOCOL);
    const kw__limiter_refund_args refund = {.key = kw__bytes_text("u")};
    const kw__limiter_reset_args reset = {.key = kw__bytes_text("u")};
    const kw__step refunds = {.object = &limiter->object, .args = &refund};
    const kw__step resets = {.object = &limiter->object, .args = &reset};
    assert_int_equal(kw__limiter_refund_decode(&refunds, &nil, NULL, &error), KW_PROTOCOL);
    assert_int_equal(kw__limiter_reset_decode(&resets, &nil, NULL, &error), KW_PROTOCOL);
    assert_int_equal(kw__limiter_refund_decode(&refunds, &number, NULL, &error), KW_OK);
    assert_int_equal(kw__limiter_reset_decode(&resets, &number, NULL, &error), KW_OK);
    kw_limiter_free(limiter);
}

/* Digits changed, taken out, doubled: whatever comes of it is refused or in its bounds. */
static void no_text_leads_out_of_bounds(void **state) {
    (void)state;
    static const char *const seeds[] = {
        "1 1767225600 5 1767225600142862001",      "0 1767225600 5 1767225601000005000",
        "0 9007199254 999999 9999999999999999999", "1 0 0 1000000000000000",
        "1 1767225600 5 17672256010000007",        "0 1767225600 5 17672256010000009223372036854775807"};
    kw_limiter *limiters[] = {limiter_of(KW_ALGORITHM_GCRA), limiter_of(KW_ALGORITHM_FIXED_WINDOW)};
    uint64_t random = 20260101;
    for (int round = 0; round < 200000; round++) {
        char text[64];
        keep(text, sizeof text, seeds[round % 6]);
        size_t length = strlen(text);
        for (int times = 1 + round % 3; times > 0; times--) {
            random ^= random << 13, random ^= random >> 7, random ^= random << 17;
            size_t at = random % length;
            if (random >> 60 == 0 && length > 1)
                memmove(text + at, text + at + 1, --length - at);
            else
                text[at] = "0123456789 -"[(random >> 32) % 12];
        }
        kw_status status = decode_text(limiters[round / 6 % 2], round % 9, text, length);
        assert_true(status == KW_OK || status == KW_DENIED || status == KW_PROTOCOL || status == KW_WRONG_TYPE);
    }
    kw_limiter_free(limiters[0]);
    kw_limiter_free(limiters[1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_replies_are_taken),
        cmocka_unit_test(broken_texts_are_refused),
        cmocka_unit_test(replies_of_another_kind_are_refused),
        cmocka_unit_test(no_text_leads_out_of_bounds),
    };
    return test_run(open_server, close_server);
}
