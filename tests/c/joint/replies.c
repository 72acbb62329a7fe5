/* Answers of a peer that is no Redis: what decode does not know is refused, and what it takes is in its bounds. */
#include "joint/joint_test.h"
#include "primitives/joint.h"
#include "primitives/joint_rows.h"

static kw_limiter *one, *two;
static kw_joint *joint;

static int open_all(void **state) {
    int failed = open_server(state);
    if (failed != 0) return failed;
    one = plain("one", "7/s; 1/m shadow");
    two = limiter_of("two", "7/s", (kw_limiter_options){.algorithm = KW_ALGORITHM_FIXED_WINDOW});
    joint = joint_of(one, two);
    return 0;
}

static int close_all(void **state) {
    kw_joint_free(joint);
    kw_limiter_free(one);
    kw_limiter_free(two);
    return close_server(state);
}

static void check(kw_status status, const kw_joint_decision *told) {
    assert_int_equal(told->status, status);
    assert_int_equal(told->limiters, 2);
    assert_true(told->denied_by >= -1 && told->denied_by < 2);
    assert_true((status == KW_DENIED) == (told->denied_by >= 0) && (status == KW_DENIED) == (told->retry_after_us > 0));
    for (int i = 0; i < 2; i++) {
        const kw_decision *each = &told->decisions[i];
        assert_int_equal(each->status, status);
        assert_true(status == KW_OK || each->count == 0);
        assert_true(each->retry_after_us >= 0 && each->retry_after_us <= told->retry_after_us);
        assert_true(each->denied_by >= -1 && each->denied_by < each->limits);
        assert_in_range(each->remaining, 0, 7);
    }
}

static kw_status decode(bool hit, int64_t cost, int64_t other, const char *text, size_t length) {
    kw_joint_decision told;
    char *copy = malloc(length > 0 ? length : 1); /* of the exact size, so that a sanitizer sees reading beyond it */
    assert_non_null(copy);
    memcpy(copy, text, length);
    const kw__reply reply = {.kind = KW__REPLY_STRING, .bytes = kw__bytes_of(copy, length)};
    const kw__joint_hit_args args = {.hits = {{kw__bytes_text("u"), cost}, {kw__bytes_text("a"), other}},
                                     .hits_count = 2};
    const kw__joint_peek_args peek_args = {.hits = {{kw__bytes_text("u"), cost}, {kw__bytes_text("a"), other}},
                                           .hits_count = 2};
    kw__step step = {.object = &joint->object, .args = hit ? (const void *)&args : &peek_args};
    kw_status status =
        hit ? kw__joint_hit_decode(&step, &reply, &told, &error) : kw__joint_peek_decode(&step, &reply, &told, &error);
    if (status >= KW_OK) check(status, &told);
    free(copy);
    return status;
}

#define HEAD " 1767225600 5 "
#define TAT "1767225600142862001 "
#define MINUTE_TAT "1767225660000005 "
#define WINDOW "17672256010000051"
static const char admitted[] = "1" HEAD TAT MINUTE_TAT WINDOW;
static const char denied[] = "0" HEAD "none none 17672256010000057";

static void good_replies_are_taken(void **state) {
    (void)state;
    assert_int_equal(decode(true, 1, 1, admitted, sizeof admitted - 1), KW_OK);
    assert_int_equal(decode(true, 1, 1, denied, sizeof denied - 1), KW_DENIED);
    assert_int_equal(decode(false, 1, 1, denied, sizeof denied - 1), KW_DENIED);
    static const char marked[] = "1" HEAD TAT "!" MINUTE_TAT WINDOW, looked[] = "1" HEAD TAT MINUTE_TAT "none";
    assert_int_equal(decode(true, 1, 1, marked, sizeof marked - 1), KW_OK);
    assert_int_equal(decode(true, 1, 0, looked, sizeof looked - 1), KW_OK);
    static const char none[] = "0" HEAD "none none none";
    assert_int_equal(decode(false, 1, 1, none, sizeof none - 1), KW_OK);
    assert_int_equal(decode(true, 8, 1, none, sizeof none - 1), KW_DENIED); /* more than ever fits */
}

static void broken_texts_are_refused(void **state) {
    (void)state;
    static const struct {
        kw_status status;
        const char *text;
    } bad[] = {
        {KW_PROTOCOL, ""},
        {KW_PROTOCOL, "1" HEAD TAT MINUTE_TAT},                /* a state too few */
        {KW_PROTOCOL, "1" HEAD TAT MINUTE_TAT WINDOW " none"}, /* one too many */
        {KW_PROTOCOL, "2" HEAD TAT MINUTE_TAT WINDOW},         /* more than one admission */
        {KW_PROTOCOL, "0" HEAD "none none none"},              /* denied by nobody */
        {KW_PROTOCOL, "1" HEAD "none none none"},              /* charged to nothing */
        {KW_PROTOCOL, "1" HEAD TAT MINUTE_TAT "none"},         /* not by one of them */
        {KW_PROTOCOL, "1 17672 5 " TAT MINUTE_TAT WINDOW},     /* before there were limiters */
        {KW_WRONG_TYPE, "1" HEAD "!" TAT MINUTE_TAT WINDOW},   /* a mark on one that is no shadow */
        {KW_WRONG_TYPE, "1" HEAD TAT MINUTE_TAT "hello"},
        {KW_WRONG_TYPE, "0" HEAD "none none 1767225601000005"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        print_message("  \"%s\"\n", bad[i].text);
        assert_int_equal(decode(true, 1, 1, bad[i].text, strlen(bad[i].text)), bad[i].status);
    }
    assert_int_equal(decode(false, 1, 1, admitted, sizeof admitted - 1), KW_PROTOCOL); /* a look that charged */
}

/* Bytes changed, taken out, doubled: whatever comes of it is refused or in its bounds. */
static void no_text_leads_out_of_bounds(void **state) {
    (void)state;
    uint64_t random = 20261124;
    for (int round = 0; round < 200000; round++) {
        char text[96];
        keep(text, sizeof text, round % 2 == 0 ? admitted : denied);
        size_t length = strlen(text);
        for (int times = 1 + round % 3; times > 0; times--) {
            random ^= random << 13, random ^= random >> 7, random ^= random << 17;
            size_t at = random % length;
            if (random >> 60 == 0 && length > 1)
                memmove(text + at, text + at + 1, --length - at);
            else
                text[at] = "0123456789 -:/!n"[(random >> 32) % 16];
        }
        kw_status status = decode(round / 4 % 4 > 0, round % 9, round / 2 % 3, text, length);
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
