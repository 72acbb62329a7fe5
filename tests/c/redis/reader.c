/* Bytes to replies: every form, in pieces of any size, and the bounds on what a server may make us hold. */
#include "redis/reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "support/test.h"

static kw_error error;

/* Writes a reply as one line, to be compared. */
static void show(const kw__reply *reply, char *out, size_t size) {
    size_t length = strlen(out);
    switch (reply->kind) {
    case KW__REPLY_NIL:
        snprintf(out + length, size - length, "nil");
        break;
    case KW__REPLY_INTEGER:
        snprintf(out + length, size - length, "%lld", (long long)reply->integer);
        break;
    case KW__REPLY_STRING:
    case KW__REPLY_ERROR:
        assert_int_equal(((const char *)reply->bytes.data)[reply->bytes.length], '\0');
        snprintf(out + length, size - length, "%s'%.*s'", reply->kind == KW__REPLY_ERROR ? "error " : "",
                 (int)reply->bytes.length, (const char *)reply->bytes.data);
        break;
    case KW__REPLY_ARRAY:
    case KW__REPLY_PUSH:
        snprintf(out + length, size - length, reply->kind == KW__REPLY_PUSH ? "push[" : "[");
        for (size_t i = 0; i < reply->count; i++) {
            if (i > 0) snprintf(out + strlen(out), size - strlen(out), " ");
            show(reply->elements[i], out, size);
        }
        snprintf(out + strlen(out), size - strlen(out), "]");
        break;
    }
}

/* All replies of a text that comes in pieces of `piece` bytes, a line each. */
static void read_all(const char *text, size_t length, size_t piece, char *out, size_t size) {
    kw__reader *reader = kw__reader_open();
    assert_non_null(reader);
    out[0] = '\0';
    for (size_t at = 0; at < length; at += piece) {
        const kw__reply *reply;
        size_t here = length - at < piece ? length - at : piece;
        assert_int_equal(kw__reader_feed(reader, text + at, here, &error), KW_OK);
        while (kw__reader_next(reader, &reply, &error) == KW_OK && reply != NULL) {
            show(reply, out, size);
            snprintf(out + strlen(out), size - strlen(out), "\n");
        }
    }
    kw__reader_free(reader);
}

static void every_form_in_every_split(void **state) {
    (void)state;
    static const char text[] =
        "+OK\r\n-ERR no\r\n:-42\r\n$5\r\nhe\r\no\r\n$0\r\n\r\n$-1\r\n*-1\r\n_\r\n#t\r\n#f\r\n,1.5\r\n,inf\r\n"
        "(12345678901234567890\r\n=8\r\ntxt:some\r\n*0\r\n*2\r\n:1\r\n*1\r\n$1\r\nx\r\n"
        "%1\r\n+a\r\n:1\r\n~2\r\n:1\r\n:2\r\n>2\r\n+message\r\n+x\r\n|1\r\n+a\r\n+b\r\n:7\r\n";
    static const char expected[] = "'OK'\nerror 'ERR no'\n-42\n'he\r\no'\n''\nnil\nnil\nnil\n1\n0\n'1.5'\n'inf'\n"
                                   "'12345678901234567890'\n'some'\n[]\n[1 ['x']]\n"
                                   "['a' 1]\n[1 2]\npush['message' 'x']\npush['a' 'b']\n7\n";
    for (size_t piece = 1; piece <= sizeof text; piece++) {
        char out[1024];
        read_all(text, sizeof text - 1, piece, out, sizeof out);
        assert_string_equal(out, expected);
    }
}

/* What the reader says to a text, with the reply that it gave last. */
static kw_status read_text(const char *text, size_t length) {
    kw__reader *reader = kw__reader_open();
    const kw__reply *reply;
    assert_non_null(reader);
    kw_status status = kw__reader_feed(reader, text, length, &error);
    do {
        if (status == KW_OK) status = kw__reader_next(reader, &reply, &error);
    } while (status == KW_OK && reply != NULL);
    kw__reader_free(reader);
    return status;
}

static void what_is_no_reply(void **state) {
    (void)state;
    static const char *const texts[] = {
        "HTTP/1.1 200 OK\r\n",
        "\r\n",
        "+a\nb\r\n",
        ":\r\n",
        ":1x\r\n",
        ":99999999999999999999\r\n",
        "$x\r\n",
        "$-2\r\n",
        "$99999999999999999999\r\n",
        "*-2\r\n",
        "*x\r\n",
        "#x\r\n",
        ",x\r\n",
        "(x\r\n",
        "_x\r\n",
        "=3\r\ntxt\r\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_int_equal(read_text(texts[i], strlen(texts[i])), KW_PROTOCOL);
        assert_int_equal(error.code, KW_PROTOCOL);
        assert_non_null(strstr(error.message, "check host and port"));
    }
}

static void bounds_of_count_and_depth(void **state) {
    (void)state;
    char text[256] = "";
    for (int i = 0; i < KW__READER_MAX_DEPTH; i++)
        strcat(text, "*1\r\n");
    assert_int_equal(read_text(text, strlen(text)), KW_OK);
    strcat(text, "*1\r\n");
    assert_int_equal(read_text(text, strlen(text)), KW_PROTOCOL);
    assert_int_equal(error.reason, KW_REASON_REPLY_SIZE);
    snprintf(text, sizeof text, "*%zu\r\n", KW__READER_MAX_ELEMENTS);
    assert_int_equal(read_text(text, strlen(text)), KW_OK);
    snprintf(text, sizeof text, "*%zu\r\n", KW__READER_MAX_ELEMENTS + 1);
    assert_int_equal(read_text(text, strlen(text)), KW_PROTOCOL);
    assert_int_equal(error.reason, KW_REASON_REPLY_SIZE);
    snprintf(text, sizeof text, "%%%zu\r\n", KW__READER_MAX_ELEMENTS / 2 + 1); /* a name and a value each */
    assert_int_equal(read_text(text, strlen(text)), KW_PROTOCOL);
    assert_non_null(strstr(error.message, "bounds"));
    /* Arrays that promise much, inside each other: each takes its room, which is bounded in sum. */
    text[0] = '\0';
    for (int i = 0; i < KW__READER_MAX_DEPTH; i++)
        strcat(text, "*1000000\r\n");
    assert_int_equal(read_text(text, strlen(text)), KW_PROTOCOL);
    assert_non_null(strstr(error.message, "bounds"));
}

/* A string of so many bytes, in pieces as a socket gives them. */
enum { PIECE = 64 << 10 };

static size_t taken; /* by the reader, of the last string */

static kw_status read_string(kw__reader *reader, size_t length, const kw__reply **reply) {
    static char piece[PIECE];
    memset(piece, 'x', sizeof piece);
    char head[32];
    snprintf(head, sizeof head, "$%zu\r\n", length);
    kw_status status = kw__reader_feed(reader, head, strlen(head), &error);
    for (size_t left = length; left > 0 && status == KW_OK;) {
        size_t here = left < PIECE ? left : PIECE;
        status = kw__reader_feed(reader, piece, here, &error);
        if (status == KW_OK) status = kw__reader_next(reader, reply, &error);
        if (status == KW_OK) taken = length - left + here;
        left -= here;
    }
    if (status == KW_OK) status = kw__reader_feed(reader, "\r\n", 2, &error);
    return status == KW_OK ? kw__reader_next(reader, reply, &error) : status;
}

static void the_bound_of_bytes(void **state) {
    (void)state;
    const kw__reply *reply = NULL;
    kw__reader *reader = kw__reader_open();
    assert_int_equal(read_string(reader, KW__READER_MAX_BYTES - 4096, &reply), KW_OK);
    assert_non_null(reply);
    assert_int_equal(reply->bytes.length, KW__READER_MAX_BYTES - 4096);
    assert_int_equal(read_string(reader, 10, &reply), KW_OK); /* and goes on as before */
    assert_int_equal(reply->bytes.length, 10);
    assert_int_equal(read_string(reader, 3 * KW__READER_MAX_BYTES, &reply), KW_PROTOCOL);
    assert_non_null(strstr(error.message, "bounds"));
    assert_in_range(taken, KW__READER_MAX_BYTES - 2 * PIECE, KW__READER_MAX_BYTES); /* and not when it is all there */
    kw__reader_free(reader);
}

/* Lines have a bound of their own, whatever is in them; a string of many lines has not. */
static void the_bound_of_lines(void **state) {
    (void)state;
    static const char *const fillers[] = {"a", "\r", "\n", "a\n\r"};
    static const char marks[] = "+-:$*%,(";
    static char text[KW__READER_MAX_LINE + 64];
    for (size_t mark = 0; mark < sizeof marks - 1; mark++) {
        for (size_t filler = 0; filler < 4; filler++) {
            size_t length = strlen(fillers[filler]), size = 0;
            text[size++] = marks[mark];
            while (size < KW__READER_MAX_LINE)
                size += (size_t)sprintf(text + size, "%s", fillers[filler]);
            assert_int_equal(read_text(text, KW__READER_MAX_LINE - length), KW_OK); /* it may still end */
            while (size < KW__READER_MAX_LINE + 16)
                size += (size_t)sprintf(text + size, "%s", fillers[filler]);
            assert_int_equal(read_text(text, size), KW_PROTOCOL);
            assert_non_null(strstr(error.message, "bounds"));
        }
    }
    memset(text, 'a', sizeof text);
    text[0] = '+';
    memcpy(text + KW__READER_MAX_LINE - 1, "\r\n", 2);
    assert_int_equal(read_text(text, KW__READER_MAX_LINE + 1), KW_OK);
    memcpy(text, "$100000\r\n", 9);
    assert_int_equal(read_text(text, sizeof text), KW_OK);
}

/* Each allocation fails once: the reader says so, and nothing is lost. */
static void no_memory(void **state) {
    (void)state;
    static const char text[] =
        "*3\r\n$5\r\nhello\r\n:1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n+x\r\n";
    bool came = false;
    for (uint64_t n = 1; !came && n < 100; n++) {
        const kw__reply *reply = NULL;
        kw__memory_fail_at(n, false);
        kw__reader *reader = kw__reader_open();
        if (reader == NULL) continue;
        kw_status status = kw__reader_feed(reader, text, sizeof text - 1, &error);
        if (status == KW_OK) status = kw__reader_next(reader, &reply, &error);
        assert_true(status == KW_OK || status == KW_NO_MEMORY);
        came = status == KW_OK;
        kw__reader_free(reader);
    }
    kw__memory_fail_at(0, false);
    assert_true(came);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_in_every_split), cmocka_unit_test(what_is_no_reply),
        cmocka_unit_test(bounds_of_count_and_depth), cmocka_unit_test(the_bound_of_bytes),
        cmocka_unit_test(the_bound_of_lines),        cmocka_unit_test(no_memory),
    };
    return test_run(NULL, NULL);
}
