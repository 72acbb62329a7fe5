/* Answers about overrides by a peer that is no Redis, and limiters with overrides in a forked child. */
#include <sys/wait.h>
#include <unistd.h>

#include "limiter/overrides_test.h"
#include "primitives/limiter.h"
#include "primitives/limiter_rows.h"

#define INTEGER(number) ((kw__reply){.kind = KW__REPLY_INTEGER, .integer = (number)})
#define TEXT(text) ((kw__reply){.kind = KW__REPLY_STRING, .bytes = {(text), sizeof(text) - 1}})

static kw_status decode(kw_limiter *limiter, const kw__row *row, kw__reply *parts, size_t count, void *answer) {
    const kw__reply *elements[16];
    for (size_t i = 0; i < count; i++)
        elements[i] = &parts[i];
    const kw__reply reply = {.kind = KW__REPLY_ARRAY, .elements = elements, .count = count};
    const kw__step step = {.object = &limiter->object};
    return row->decode(&step, &reply, answer, &error);
}

static void changes(void **state) {
    (void)state;
    kw_limiter *limiter = gcra("10/s");
    const kw__row *set_row = &kw__limiter_set_override_row, *clear_row = &kw__limiter_clear_override_row;
    kw_override_change change;
    kw__reply good[] = {INTEGER(0), INTEGER(YEAR_2026), INTEGER(0), INTEGER(YEAR_2026), INTEGER(0)};
    assert_int_equal(decode(limiter, set_row, good, 4, &change), KW_OK);
    assert_int_equal(decode(limiter, clear_row, good, 2, &change), KW_OK);
    assert_int_equal(decode(limiter, set_row, good, 3, &change), KW_PROTOCOL);
    assert_int_equal(decode(limiter, set_row, good, 5, &change), KW_PROTOCOL);
    assert_int_equal(decode(limiter, clear_row, good, 1, &change), KW_PROTOCOL);
    const kw__reply wrong[] = {INTEGER(-1), INTEGER(INT64_MAX), INTEGER(INT64_C(1) << 53), TEXT("0")};
    for (size_t i = 0; i < 4; i++) {
        for (size_t j = 0; j < 4; j++) {
            kw__reply bad[] = {good[0], good[1], good[2], good[3]};
            bad[i] = wrong[j];
            assert_int_equal(decode(limiter, set_row, bad, 4, &change), KW_PROTOCOL);
            if (i < 2) assert_int_equal(decode(limiter, clear_row, bad, 2, &change), KW_PROTOCOL);
        }
    }
    good[0] = INTEGER(2);
    assert_int_equal(decode(limiter, set_row, good, 4, &change), KW_PROTOCOL);
    kw_limiter_free(limiter);
}

static kw_status decode_entry(kw_limiter *limiter, kw__reply key, kw__reply version, kw__reply kept, kw_list **list) {
    const kw__reply *of_entry[] = {&key, &version, &kept};
    kw__reply page[] = {INTEGER(5),
                        INTEGER(1),
                        INTEGER(0),
                        INTEGER(YEAR_2026),
                        {.kind = KW__REPLY_ARRAY, .elements = of_entry, .count = 3}};
    return decode(limiter, &kw__limiter_overrides_row, page, 5, list);
}

static void lists(void **state) {
    (void)state;
    kw_limiter *limiter = gcra("10/s");
    kw_list *list = NULL;
    assert_int_equal(decode_entry(limiter, TEXT("u"), TEXT("5"), TEXT("0 10x"), &list), KW_OK);
    assert_int_equal(list->count, 1);
    const kw_override *override = kw_list_item(list, 0);
    assert_int_equal(override->version, 5);
    assert_int_equal(override->limits_length, 3);
    kw_list_free(list);
    /* What nobody of ours wrote is shown as it is: no limiter takes it. */
    static const char *const foreign[] = {"10x", " ", "x 10x", "-1 10x", "5 ", "99999999999999999999 10x"};
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
        const kw__reply kept = {.kind = KW__REPLY_STRING, .bytes = kw__bytes_text(foreign[i])};
        assert_int_equal(decode_entry(limiter, TEXT("u"), TEXT("5"), kept, &list), KW_OK);
        override = kw_list_item(list, 0);
        assert_int_equal(override->ends_at_us, 0);
        assert_int_equal(override->limits_length, strlen(foreign[i]));
        kw_list_free(list);
    }
    assert_int_equal(decode_entry(limiter, INTEGER(1), TEXT("5"), TEXT("0 10x"), &list), KW_PROTOCOL);
    assert_int_equal(decode_entry(limiter, TEXT("u"), TEXT("x"), TEXT("0 10x"), &list), KW_PROTOCOL);
    assert_int_equal(decode_entry(limiter, TEXT("u"), TEXT("-5"), TEXT("0 10x"), &list), KW_PROTOCOL);
    assert_int_equal(decode_entry(limiter, TEXT("u"), TEXT("5"), INTEGER(1), &list), KW_PROTOCOL);
    kw__reply page[] = {INTEGER(5), INTEGER(1), INTEGER(0), INTEGER(YEAR_2026), {.kind = KW__REPLY_ARRAY}};
    assert_int_equal(decode(limiter, &kw__limiter_overrides_row, page, 4, &list), KW_PROTOCOL);
    for (size_t i = 0; i < 5; i++) {
        kw__reply bad[] = {page[0], page[1], page[2], page[3], page[4]};
        bad[i] = TEXT("0");
        assert_int_equal(decode(limiter, &kw__limiter_overrides_row, bad, 5, &list), KW_PROTOCOL);
    }
    kw_limiter_free(limiter);
}

/* The parent's locks may be held in the child for ever; nothing there touches them. */
static void a_forked_child_touches_no_lock(void **state) {
    (void)state;
    kw_limiter *limiter = taking("10/s");
    set(limiter, "u", "2x", 0);
    kw_decision decision = hit(limiter, 1);
    look(limiter);
    pid_t child = fork();
    if (child == 0) {
        alarm(5);
        kw_override_change change;
        kw_overrides_state seen;
        char fields[9216];
        size_t length;
        int wrong =
            kw_limiter_set_override(limiter, "u", 1, "3x", 2, 0, 0, &change, &error) != KW_FORKED ||
            kw_limiter_hit(limiter, "u", 1, 1, 0, &decision, &error) != KW_FORKED ||
            kw_limiter_overrides_state(limiter, &seen, &error) != KW_FORKED ||
            kw_limiter_http_fields(limiter, &decision, "", 0, 0, fields, sizeof fields, &length, &error) != KW_FORKED;
        kw_limiter_free(limiter);
        _exit(wrong);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    look(limiter); /* the parent looks on */
    kw_limiter_free(limiter);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        limiter_test(changes),
        limiter_test(lists),
        limiter_test(a_forked_child_touches_no_lock),
    };
    return test_run(open_server, close_server);
}
