/* Arguments that cannot be, and answers that no server of ours gives. */
#include "primitives/unique.h"
#include "primitives/unique_rows.h"
#include "support/refusal.h"
#include "unique/unique_test.h"

static kw_status open_with(kw_unique_options options) {
    kw_unique *unique = NULL;
    kw_status status = kw_unique_open(client, "a", 1, &options, &unique, &error);
    assert_true((status == KW_OK) == (unique != NULL));
    kw_unique_free(unique);
    return status;
}

static void arguments_of_open(void **state) {
    (void)state;
    kw_unique *unique = NULL;
    const kw_unique_options good = {.size = sizeof good};
    kw_unique_options bad = good;
    INVALID(kw_unique_open(NULL, "a", 1, NULL, &unique, &error), KW_REASON_NULL_HANDLE, "client");
    INVALID(kw_unique_open(client, "", 0, NULL, &unique, &error), KW_REASON_NAME_LENGTH, "name");
    bad.flags = 1;
    INVALID(open_with(bad), KW_REASON_OPTION, "flags");
    bad = good, bad.exact_until = 10001;
    INVALID(open_with(bad), KW_REASON_OPTION, "exact_until is 10001");
    bad = good, bad.exact_until = -1;
    INVALID(open_with(bad), KW_REASON_OPTION, "exact_until");
    bad = good, bad.ttl_us = -1;
    INVALID(open_with(bad), KW_REASON_OPTION, "ttl_us is -1");
    bad = good, bad.ttl_us = INT64_MAX;
    INVALID(open_with(bad), KW_REASON_OPTION, "ttl_us");
    bad = good, bad.sliding = 2, bad.ttl_us = 1;
    INVALID(open_with(bad), KW_REASON_OPTION, "sliding is 2");
    bad = good, bad.sliding = 1;
    INVALID(open_with(bad), KW_REASON_OPTION, "needs a ttl_us");
    bad.size = offsetof(kw_unique_options, sliding); /* of an older header */
    assert_int_equal(open_with(bad), KW_OK);
}

static void arguments_of_operations(void **state) {
    (void)state;
    kw_unique *unique = open_unique((kw_unique_options){0});
    kw_cardinality seen;
    char long_one[1025] = {0};
    int64_t sent = bytes_sent();
    INVALID(kw_unique_add(unique, long_one, 1025, "a", 1, 0, &seen, &error), KW_REASON_KEY_LENGTH, "key");
    INVALID(kw_unique_add(unique, "u", 1, long_one, 1025, 0, &seen, &error), KW_REASON_KEY_LENGTH, "member");
    INVALID(kw_unique_add(unique, "u", 1, NULL, 1, 0, &seen, &error), KW_REASON_NULL_ARGUMENT, "member");
    INVALID(kw_unique_count(unique, "u", 1, 0, NULL, &error), KW_REASON_NULL_ARGUMENT, "cardinality");
    assert_int_equal(bytes_sent(), sent);
    kw_unique_free(unique);
    kw_unique_free(NULL);
}

static void answers_of_another_peer(void **state) {
    (void)state;
    static const int64_t answers[][4] = {{-1, 1, 1, -1}, {3, 1, 1, -1},  {0, 2, 1, -1},
                                         {0, -1, 1, -1}, {0, 1, -1, -1}, {0, 1, 1, -2}};
    kw_cardinality seen;
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        kw__reply numbers[4];
        const kw__reply *elements[4];
        for (int j = 0; j < 4; j++) {
            numbers[j] = (kw__reply){.kind = KW__REPLY_INTEGER, .integer = answers[i][j]};
            elements[j] = &numbers[j];
        }
        const kw__reply reply = {.kind = KW__REPLY_ARRAY, .elements = elements, .count = 4},
                        nil = {.kind = KW__REPLY_NIL};
        assert_int_equal(kw__unique_add_decode(NULL, &reply, &seen, &error), KW_PROTOCOL);
        assert_int_equal(kw__unique_count_decode(NULL, &reply, &seen, &error), KW_PROTOCOL);
        assert_int_equal(kw__unique_count_decode(NULL, &nil, &seen, &error), KW_PROTOCOL);
        assert_int_equal(kw__unique_reset_decode(NULL, &nil, NULL, &error), KW_PROTOCOL);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        clean_test(arguments_of_open),
        clean_test(arguments_of_operations),
        cmocka_unit_test(answers_of_another_peer),
    };
    return test_run(open_server, close_server);
}
