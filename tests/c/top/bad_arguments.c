/* Arguments that cannot be, and answers that no server of ours gives. */
#include "primitives/top.h"
#include "primitives/top_rows.h"
#include "support/refusal.h"
#include "top/top_test.h"

static kw_status open_with(kw_top_options options) {
    kw_top *top = NULL;
    kw_status status = kw_top_open(client, "a", 1, &options, &top, &error);
    assert_true((status == KW_OK) == (top != NULL));
    kw_top_free(top);
    return status;
}

static void arguments_of_open(void **state) {
    (void)state;
    const kw_top_options good = {.size = sizeof good};
    kw_top_options bad = good;
    bad.flags = 1;
    INVALID(open_with(bad), KW_REASON_OPTION, "flags");
    bad = good, bad.keep = 9;
    INVALID(open_with(bad), KW_REASON_OPTION, "keep is 9");
    bad = good, bad.keep = 100001;
    INVALID(open_with(bad), KW_REASON_OPTION, "100,000");
    bad = good, bad.ttl_us = -1;
    INVALID(open_with(bad), KW_REASON_OPTION, "ttl_us");
    bad = good, bad.sliding = 2;
    INVALID(open_with(bad), KW_REASON_OPTION, "sliding is 2");
    bad = good, bad.sliding = 1;
    INVALID(open_with(bad), KW_REASON_OPTION, "needs a ttl_us");
    bad.size = offsetof(kw_top_options, sliding); /* of an older header */
    assert_int_equal(open_with(bad), KW_OK);
}

static void arguments_of_operations(void **state) {
    (void)state;
    kw_top *top = open_top((kw_top_options){0});
    kw_standing answer;
    char long_one[1025] = {0};
    int64_t sent = bytes_sent();
    INVALID(kw_top_add(top, "u", 1, long_one, 1025, 1, 0, &answer, &error), KW_REASON_KEY_LENGTH, "member");
    INVALID(kw_top_add(top, "u", 1, "a", 1, INT64_C(1) << 53, 0, &answer, &error), KW_REASON_RANGE, "delta");
    INVALID(kw_top_add(top, "u", 1, "a", 1, INT64_MIN, 0, &answer, &error), KW_REASON_RANGE, "delta");
    INVALID(kw_top_standing(top, NULL, 1, "a", 1, 0, &answer, &error), KW_REASON_NULL_ARGUMENT, "key");
    assert_int_equal(bytes_sent(), sent);
    kw_top_free(top);
    kw_top_free(NULL);
}

static kw_status decode_add(int64_t code, int64_t rank, const char *score, int64_t size, int64_t left) {
    const kw__reply code_of = {.kind = KW__REPLY_INTEGER, .integer = code},
                    rank_of = {.kind = KW__REPLY_INTEGER, .integer = rank},
                    score_of = {.kind = KW__REPLY_STRING, .bytes = kw__bytes_text(score)},
                    size_of = {.kind = KW__REPLY_INTEGER, .integer = size},
                    left_of = {.kind = KW__REPLY_INTEGER, .integer = left};
    const kw__reply *elements[] = {&code_of, &rank_of, &score_of, &size_of, &left_of};
    const kw__reply reply = {.kind = KW__REPLY_ARRAY, .elements = elements, .count = 5};
    kw_standing answer;
    return kw__top_add_decode(NULL, &reply, &answer, &error);
}

static void answers_of_another_peer(void **state) {
    (void)state;
    const kw__reply nil = {.kind = KW__REPLY_NIL};
    kw_standing answer;
    assert_int_equal(decode_add(0, 1, "5", 1, -1), KW_OK);
    assert_int_equal(decode_add(1, 0, "0", 1, -1), KW_OUT_OF_RANGE);
    assert_int_equal(decode_add(2, 1, "5", 1, -1), KW_PROTOCOL);
    assert_int_equal(decode_add(0, 0, "5", 1, -1), KW_PROTOCOL);
    assert_int_equal(decode_add(0, 2, "5", 1, -1), KW_PROTOCOL);
    assert_int_equal(decode_add(0, 1, "5.5", 1, -1), KW_PROTOCOL);
    assert_int_equal(decode_add(0, 1, "9007199254740992", 1, -1), KW_PROTOCOL);
    assert_int_equal(decode_add(0, 1, "5", 1, -2), KW_PROTOCOL);
    assert_int_equal(kw__top_standing_decode(NULL, &nil, &answer, &error), KW_PROTOCOL);
    assert_int_equal(kw__top_remove_decode(NULL, &nil, NULL, &error), KW_PROTOCOL);
    assert_int_equal(kw__top_reset_decode(NULL, &nil, NULL, &error), KW_PROTOCOL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        clean_test(arguments_of_open),
        clean_test(arguments_of_operations),
        cmocka_unit_test(answers_of_another_peer),
    };
    return test_run(open_server, close_server);
}
