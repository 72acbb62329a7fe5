/* Arguments that cannot be, and answers that no server of ours gives. */
#include "primitives/quota.h"
#include "primitives/quota_rows.h"
#include "quota/quota_test.h"
#include "support/refusal.h"

static kw_status open_with(int64_t limit, kw_quota_options options) {
    kw_quota *quota = NULL;
    kw_status status = kw_quota_open(client, "a", 1, limit, &options, &quota, &error);
    assert_true((status == KW_OK) == (quota != NULL));
    kw_quota_free(quota);
    return status;
}

static void arguments_of_open(void **state) {
    (void)state;
    kw_quota *quota = NULL;
    const kw_quota_options good = {.size = sizeof good};
    kw_quota_options bad = good;
    INVALID(kw_quota_open(NULL, "a", 1, 1, NULL, &quota, &error), KW_REASON_NULL_HANDLE, "client");
    INVALID(kw_quota_open(client, "", 0, 1, NULL, &quota, &error), KW_REASON_NAME_LENGTH, "name");
    INVALID(kw_quota_open(client, "a", 1, 1, NULL, NULL, &error), KW_REASON_NULL_ARGUMENT, "quota");
    INVALID(open_with(0, good), KW_REASON_RANGE, "limit");
    INVALID(open_with(INT64_C(1) << 52, good), KW_REASON_RANGE, "limit");
    bad.size = 0;
    INVALID(open_with(1, bad), KW_REASON_STRUCT_SIZE, "size");
    bad = good, bad.flags = 1;
    INVALID(open_with(1, bad), KW_REASON_OPTION, "flags");
    bad = good, bad.period = 4;
    INVALID(open_with(1, bad), KW_REASON_OPTION, "period is 4");
    bad = good, bad.period = -1;
    INVALID(open_with(1, bad), KW_REASON_OPTION, "period is -1");
    bad = good, bad.zone_minutes = 841;
    INVALID(open_with(1, bad), KW_REASON_OPTION, "zone_minutes is 841");
    bad = good, bad.zone_minutes = -841;
    INVALID(open_with(1, bad), KW_REASON_OPTION, "14 hours");
    bad = good, bad.zone_minutes = -840, bad.period = KW_PERIOD_YEAR;
    assert_int_equal(open_with(1, bad), KW_OK);
    bad.size = 8, bad.period = 77; /* of an older header: what lies behind is not read */
    assert_int_equal(open_with(1, bad), KW_OK);
}

static void arguments_of_operations(void **state) {
    (void)state;
    kw_quota *quota = monthly(10);
    kw_usage usage;
    consume(quota, 1);
    int64_t sent = bytes_sent();
    char id[256];
    memset(id, 'i', sizeof id);
    INVALID(kw_quota_consume(quota, "u", 1, -1, 0, &usage, &error), KW_REASON_RANGE, "cost");
    INVALID(kw_quota_consume(quota, "u", 1, INT64_C(1) << 52, 0, &usage, &error), KW_REASON_RANGE, "cost");
    INVALID(kw_quota_peek(quota, NULL, 1, 1, 0, &usage, &error), KW_REASON_NULL_ARGUMENT, "key");
    INVALID(kw_quota_reserve(quota, "u", 1, 0, "a", 1, HOUR, 0, &usage, &error), KW_REASON_RANGE, "cost");
    INVALID(kw_quota_reserve(quota, "u", 1, 1, "", 0, HOUR, 0, &usage, &error), KW_REASON_NAME_LENGTH, "id");
    INVALID(kw_quota_reserve(quota, "u", 1, 1, id, 256, HOUR, 0, &usage, &error), KW_REASON_NAME_LENGTH, "id");
    INVALID(kw_quota_reserve(quota, "u", 1, 1, "a", 1, -1, 0, &usage, &error), KW_REASON_RANGE, "lease_us");
    INVALID(kw_quota_reserve(quota, "u", 1, 1, "a", 1, 999, 0, &usage, &error), KW_REASON_RANGE, "1 ms");
    INVALID(kw_quota_reserve(quota, "u", 1, 1, "a", 1, 7 * DAY + 1, 0, &usage, &error), KW_REASON_RANGE, "7 days");
    INVALID(kw_quota_commit(quota, "u", 1, "a", 1, -1, 0, &usage, &error), KW_REASON_RANGE, "actual");
    INVALID(kw_quota_cancel(quota, "u", 1, NULL, 1, 0, &usage, &error), KW_REASON_NULL_ARGUMENT, "id");
    INVALID(kw_quota_refund(quota, "u", 1, 0, 1, 0, &error), KW_REASON_RANGE, "count");
    INVALID(kw_quota_refund(quota, "u", 1, 1, 0, 0, &error), KW_REASON_RANGE, "resets_at_us");
    assert_int_equal(bytes_sent(), sent);
    kw_quota_free(quota);
    kw_quota_free(NULL);
}

static kw_status decode_consume(kw_quota *quota, const char *text, kw_usage *usage) {
    const kw__quota_consume_args args = {.key = kw__bytes_text("u"), .cost = 1};
    const kw__step step = {.object = &quota->object, .args = &args};
    const kw__reply reply = {.kind = KW__REPLY_STRING, .bytes = kw__bytes_text(text)};
    return kw__quota_consume_decode(&step, &reply, usage, &error);
}

static void answers_of_another_peer(void **state) {
    (void)state;
    kw_quota *quota = monthly(10);
    kw_usage usage;
    assert_int_equal(decode_consume(quota, "1 1767225600 5 17699040000000003", &usage), KW_OK);
    assert_int_equal(decode_consume(quota, "0 1767225600 5 176990400000000010:1767225601000000", &usage), KW_DENIED);
    static const char *const texts[] = {
        "",
        "1",
        "1 1767225600 5",
        "1 1767225600 5 ",
        "1 1767225600 5 1769904000000000",
        "1 1767225600 5 1769904000000000-3",
        "1 1767225600 5 1000000000000000 3",
        "1 1767225600 5 10000000000000003",
        "2 1767225600 5 17699040000000003",
        "-1 1767225600 5 17699040000000003",
        "1 9007199254 999999 90071992547409910",
        "1 1767225600 1000000 17699040000000003",
        "1 99999999999 5 17699040000000003",
        "1 1767225600 5 176990400000000099999999999999999",
        ":1 1767225600 5 17699040000000003",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        print_message("  \"%s\"\n", texts[i]);
        assert_int_equal(decode_consume(quota, texts[i], &usage), KW_PROTOCOL);
    }
    const kw__reply nil = {.kind = KW__REPLY_NIL},
                    text = {.kind = KW__REPLY_STRING, .bytes = kw__bytes_text("5 1767225600 5 17699040000000003")};
    const kw__quota_commit_args args = {.actual = 1};
    const kw__step step = {.object = &quota->object, .args = &args};
    assert_int_equal(kw__quota_commit_decode(&step, &nil, &usage, &error), KW_PROTOCOL);
    assert_int_equal(kw__quota_commit_decode(&step, &text, &usage, &error), KW_PROTOCOL);
    assert_int_equal(kw__quota_refund_decode(&step, &nil, NULL, &error), KW_PROTOCOL);
    assert_int_equal(kw__quota_reset_decode(&step, &nil, NULL, &error), KW_PROTOCOL);
    kw_quota_free(quota);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        clean_test(arguments_of_open),
        clean_test(arguments_of_operations),
        cmocka_unit_test(answers_of_another_peer),
    };
    return test_run(open_server, close_server);
}
