/* Answers of a peer that is no Redis, or has other scripts: each is refused, none is computed with. */
#include "counter/counter_test.h"
#include "primitives/counter.h"
#include "primitives/counter_rows.h"

static kw_status decode(kw_counter *counter, int64_t amount, const kw__reply *reply, kw_count *count) {
    const kw__counter_add_args args = {.key = kw__bytes_text("k"), .amount = amount};
    const kw__step step = {.object = &counter->object, .args = &args};
    return kw__counter_add_decode(&step, reply, count, &error);
}

static kw_status decode_text(kw_counter *counter, int64_t amount, const char *text, size_t length, kw_count *count) {
    char *copy = malloc(length > 0 ? length : 1); /* of the exact size, so that a sanitizer sees reading beyond it */
    assert_non_null(copy);
    memcpy(copy, text, length);
    const kw__reply reply = {.kind = KW__REPLY_STRING, .bytes = kw__bytes_of(copy, length)};
    kw_status status = decode(counter, amount, &reply, count);
    free(copy);
    return status;
}

#define DECODE(counter, amount, text) decode_text((counter), (amount), (text), strlen(text), &count)

static void good_replies_are_taken(void **state) {
    (void)state;
    kw_count count;
    kw_counter *timed = open_counter((kw_counter_options){.ttl_us = MINUTE});
    assert_int_equal(DECODE(timed, 5, "0 1 6 1767225600000007 1767225600 5"), KW_OK);
    counted(count, KW_OK, 6, 5);
    assert_int_equal(count.expires_after_us, 2);
    assert_int_equal(DECODE(timed, 5, "0 -9223372036854775808 -9223372036854775803 0 1767225600 5"), KW_OK);
    assert_true(count.expires_after_us == KW_NEVER);
    assert_int_equal(DECODE(timed, 5, "1 6 6 1767225600000007 1767225600 5"), KW_OUT_OF_RANGE);
    assert_int_equal(DECODE(timed, 5, "2 1 3 1767225600000007 1767225600 5"), KW_OK);
    assert_int_equal(count.duplicate, 1);
    assert_int_equal(DECODE(timed, 5, "3 6 6 0 1767225600 5"), KW_EXHAUSTED);
    kw_counter_free(timed);
}

static void broken_texts_are_refused(void **state) {
    (void)state;
    static const char *const texts[] = {
        "",
        "0",
        "0 1 6 0 1767225600",
        "0 1 6 0 1767225600 ",
        "0 1 6 0 1767225600 5 ",
        "0 1 6 0 1767225600 5 7",
        " 0 1 6 0 1767225600 5",
        "0  1 6 0 1767225600 5",
        "4 1 6 0 1767225600 5",
        "-1 1 6 0 1767225600 5",
        "x 1 6 0 1767225600 5",
        "0 1 7 0 1767225600 5", /* another amount than was asked for */
        "0 1 1 0 1767225600 5",
        "1 1 6 0 1767225600 5", /* refused, and yet added */
        "3 1 6 0 1767225600 5",
        "0 1 6 5 1767225600 5",
        "0 1 6 -1 1767225600 5",
        "0 1 6 9007199254740992 1767225600 5",
        "0 1 6 0 -1 5",
        "0 1 6 0 9007199255 5",
        "0 1 6 0 1767225600 1000000",
        "0 1 6 0 1767225600 -1",
        "0 9223372036854775807 9223372036854775812 0 1767225600 5",
    };
    kw_count count;
    kw_counter *timed = open_counter((kw_counter_options){.ttl_us = MINUTE});
    kw_counter *saturating =
        open_counter((kw_counter_options){.ttl_us = MINUTE, .bounds = KW_BOUNDS_MIN, .on_bound = KW_ON_BOUND_SATURATE});
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        print_message("  \"%s\"\n", texts[i]);
        assert_int_equal(DECODE(timed, 5, texts[i]), KW_PROTOCOL);
    }
    assert_int_equal(DECODE(saturating, 5, "0 1 1 0 1767225600 5"), KW_OK);
    assert_int_equal(DECODE(saturating, 5, "0 1 0 0 1767225600 5"), KW_PROTOCOL);  /* the other way */
    assert_int_equal(DECODE(saturating, 5, "0 1 7 0 1767225600 5"), KW_PROTOCOL);  /* more than was asked for */
    assert_int_equal(DECODE(saturating, -5, "0 1 2 0 1767225600 5"), KW_PROTOCOL); /* the other way */
    kw_counter_free(timed);
    kw_counter_free(saturating);
}

static void broken_states_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *text;
        kw_status status;
    } cases[] = {
        {"0 1767225600 5 none", KW_OK},
        {"0 1767225600 5 17672256000000077", KW_OK},
        {"0 1767225600 5 1767225600000007-9223372036854775808", KW_OK},
        {"", KW_PROTOCOL},
        {"0", KW_PROTOCOL},
        {"0 ", KW_PROTOCOL},
        {"0 1767225600 5", KW_PROTOCOL},
        {"1 1767225600 5 none", KW_PROTOCOL},
        {"0 -1 5 none", KW_PROTOCOL},
        {"0 9007199255 5 none", KW_PROTOCOL},
        {"0 1767225600 1000000 none", KW_PROTOCOL},
        {"0 1767225600 5 ", KW_WRONG_TYPE},
        {"0 1767225600 5 1767225600000007", KW_WRONG_TYPE},
        {"0 1767225600 5 00000000000000077", KW_WRONG_TYPE},
        {"0 1767225600 5 99999999999999997", KW_WRONG_TYPE},
        {"0 1767225600 5 17672256000000079223372036854775808", KW_WRONG_TYPE},
    };
    kw_count count;
    kw_counter *timed = open_counter((kw_counter_options){.ttl_us = MINUTE});
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        print_message("  \"%s\"\n", cases[i].text);
        assert_int_equal(DECODE(timed, 0, cases[i].text), cases[i].status);
    }
    kw_counter_free(timed);
}

static void replies_of_another_kind_are_refused(void **state) {
    (void)state;
    const kw__reply number = {.kind = KW__REPLY_INTEGER, .integer = 1}, nil = {.kind = KW__REPLY_NIL};
    const kw__reply list = {.kind = KW__REPLY_ARRAY}, text = {.kind = KW__REPLY_STRING, .bytes = kw__bytes_text("5")};
    const kw__reply failure = {.kind = KW__REPLY_ERROR, .bytes = kw__bytes_text("ERR something else")};
    const kw__reply *const parts[] = {&nil, &number};
    const kw__reply odd = {.kind = KW__REPLY_ARRAY, .elements = (const kw__reply **)parts, .count = 2};
    kw_counter *counters[] = {open_counter((kw_counter_options){0}), open_counter((kw_counter_options){.ttl_us = 1}),
                              open_counter((kw_counter_options){.window_us = 60}),
                              open_counter((kw_counter_options){.shards = 2})};
    /* Of each kind of counter, for an add and for a look: which of these it takes. */
    const kw__reply *const all[] = {&number, &nil, &list, &text, &odd};
    static const bool adds[4][5] = {{true}, {false}, {false}, {true}};
    static const bool looks[4][5] = {{false, true, false, true}, {false}, {false}, {false}};
    for (int kind = 0; kind < 4; kind++) {
        kw_count count;
        for (int i = 0; i < 5; i++) {
            assert_int_equal(decode(counters[kind], 1, all[i], &count), adds[kind][i] ? KW_OK : KW_PROTOCOL);
            assert_int_equal(decode(counters[kind], 0, all[i], &count), looks[kind][i] ? KW_OK : KW_PROTOCOL);
        }
        assert_int_equal(decode(counters[kind], 1, &failure, &count), KW_SERVER);
        assert_int_equal(decode(counters[kind], 0, &failure, &count), KW_SERVER);
        const kw__step step = {.object = &counters[kind]->object};
        assert_int_equal(kw__counter_set_decode(&step, &number, NULL, &error), KW_PROTOCOL);
        assert_int_equal(kw__counter_reset_decode(&step, &text, NULL, &error), KW_PROTOCOL);
        kw_counter_free(counters[kind]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        counter_test(good_replies_are_taken),
        counter_test(broken_texts_are_refused),
        counter_test(broken_states_are_refused),
        counter_test(replies_of_another_kind_are_refused),
    };
    return test_run(open_server, close_server);
}
