/* Names of keys: any bytes, and no two pairs of name and key the same. */
#include "primitives/keys.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "support/test.h"

static char *key_of(const char *prefix, kw__bytes name, kw__bytes key, const char *part) {
    static char room[KW__KEY_ROOM + 1];
    kw__key_frame frame;
    assert_true(kw__key_frame_init(&frame, prefix, "limiter", name, part));
    kw__bytes written = kw__key_write(&frame, key, room);
    assert_ptr_equal(written.data, room);
    assert_true(written.length <= KW__KEY_ROOM);
    room[written.length] = '\0';
    kw__key_frame_free(&frame);
    return room;
}

static void a_key_reads_prefix_kind_tag_part(void **state) {
    (void)state;
    assert_string_equal(key_of("kw", kw__bytes_text("api"), kw__bytes_text("user:42"), "tat:1000000"),
                        "kw:limiter:{api:user%3A42}:tat:1000000");
    assert_string_equal(key_of("my.app", kw__bytes_text("a"), kw__bytes_text(""), "window:plan"),
                        "my.app:limiter:{a:}:window:plan");
}

static void special_bytes_are_escaped_in_name_and_key(void **state) {
    (void)state;
    assert_string_equal(key_of("kw", kw__bytes_text("{}:%"), kw__bytes_text("%:}{"), "p"),
                        "kw:limiter:{%7B%7D%3A%25:%25%3A%7D%7B}:p");
    assert_string_equal(key_of("kw", kw__bytes_text("a b"), kw__bytes_text("\xC3\xA9\x01"), "p"),
                        "kw:limiter:{a b:\xC3\xA9\x01}:p");
}

static void a_zero_byte_is_a_byte(void **state) {
    (void)state;
    char room[KW__KEY_ROOM];
    kw__key_frame frame;
    assert_true(kw__key_frame_init(&frame, "kw", "limiter", kw__bytes_of("a\0b", 3), "p"));
    kw__bytes written = kw__key_write(&frame, kw__bytes_of("\0", 1), room);
    assert_int_equal(written.length, sizeof "kw:limiter:{a\0b:\0}:p" - 1);
    assert_memory_equal(written.data, "kw:limiter:{a\0b:\0}:p", written.length);
    kw__key_frame_free(&frame);
}

/* All pairs of short texts over the bytes that could be taken for each other make different tags. */
static void different_pairs_make_different_tags(void **state) {
    (void)state;
    static const char *const texts[] = {"a",  ":",   "%",    "{",  "}",    "a:", ":a", "%3A", "%253A",
                                        "a%", "3A",  "%3",   "A",  "a:a",  "::", "{}", "}{",  "%7D",
                                        "a}", "a%3", "a%3A", ":%", "%25A", "%2", "25", "%25", "a:b:c"};
    enum { COUNT = sizeof texts / sizeof texts[0] };
    static char tags[COUNT * (COUNT + 1)][64];
    size_t made = 0, length;
    for (size_t i = 0; i < COUNT; i++) {
        for (size_t j = 0; j <= COUNT; j++) {
            const char *key = j < COUNT ? texts[j] : "";
            assert_int_equal(kw__hash_tag(kw__bytes_text(texts[i]), kw__bytes_text(key), tags[made], sizeof tags[made],
                                          &length, NULL),
                             KW_OK);
            assert_int_equal(length, strlen(tags[made]));
            assert_int_equal(strcspn(tags[made], "{}"), length);
            for (size_t k = 0; k < made; k++)
                assert_string_not_equal(tags[k], tags[made]);
            made++;
        }
    }
}

static void the_longest_name_and_key_fit(void **state) {
    (void)state;
    static char braces[KW_MAX_KEY], tag[3840], room[KW__KEY_ROOM];
    char prefix[65], part[128];
    size_t length;
    memset(braces, '{', sizeof braces);
    memset(prefix, 'p', 64);
    prefix[64] = '\0';
    memset(part, 'q', sizeof part - 1);
    part[sizeof part - 1] = '\0';
    kw__bytes name = kw__bytes_of(braces, KW_MAX_NAME), key = kw__bytes_of(braces, KW_MAX_KEY);
    assert_int_equal(kw__hash_tag(name, key, tag, sizeof tag, &length, NULL), KW_OK);
    assert_int_equal(length, 3 * (KW_MAX_NAME + KW_MAX_KEY) + 1);
    kw__key_frame frame;
    assert_true(kw__key_frame_init(&frame, prefix, "limiter", name, part));
    kw__bytes written = kw__key_write(&frame, key, room);
    assert_int_equal(written.length, 64 + sizeof ":limiter:{}:" - 1 + length + sizeof part - 1);
    kw__key_frame_free(&frame);
}

static void a_tag_that_does_not_fit_is_refused(void **state) {
    (void)state;
    char tag[16] = "untouched";
    size_t length = 0;
    kw_error error;
    kw__bytes name = kw__bytes_text("api"), key = kw__bytes_text("user:42"); /* api:user%3A42 and a NUL: 14 bytes */
    assert_int_equal(kw__hash_tag(name, key, tag, 13, &length, &error), KW_INVALID);
    assert_int_equal(error.reason, KW_REASON_RANGE);
    assert_non_null(strstr(error.message, "takes 14 bytes"));
    assert_string_equal(tag, "untouched");
    assert_int_equal(kw__hash_tag(name, key, tag, 14, &length, &error), KW_OK);
    assert_string_equal(tag, "api:user%3A42");
    assert_int_equal(length, 13);
}

static void want_of_memory_is_told(void **state) {
    (void)state;
    kw__key_frame frame;
    kw__memory_fail_at(1, false);
    assert_false(kw__key_frame_init(&frame, "kw", "limiter", kw__bytes_text("a"), "p"));
    kw__memory_fail_at(0, false);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_reads_prefix_kind_tag_part),
        cmocka_unit_test(special_bytes_are_escaped_in_name_and_key),
        cmocka_unit_test(a_zero_byte_is_a_byte),
        cmocka_unit_test(different_pairs_make_different_tags),
        cmocka_unit_test(the_longest_name_and_key_fit),
        cmocka_unit_test(a_tag_that_does_not_fit_is_refused),
        cmocka_unit_test(want_of_memory_is_told),
    };
    return test_run(NULL, NULL);
}
