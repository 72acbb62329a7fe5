/*
 * Fuzzing the handshake: whatever a server answers to HELLO and what follows it, the link comes up with a server that
 * is described within its bounds, or fails with a status and a message.
 *
 * As a test it runs over the corpus in tests/fuzz/greeting and over mutations of it that are the same every time. With
 * a fuzzer: clang -fsanitize=fuzzer,address -DKEYWRIGHT_FUZZER, and the corpus as argument.
 */
#include "redis/greeting.h"

#include <stdio.h>
#include <stdlib.h>

#include "redis/reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds, const char *what) {
    if (holds) return;
    fprintf(stderr, "%s\n", what);
    abort();
}

static bool holds(const uint8_t *data, size_t size, const char *word) {
    size_t length = strlen(word);
    for (size_t i = 0; i + length <= size; i++) {
        if (memcmp(data + i, word, length) == 0) return true;
    }
    return false;
}

static bool has_end(const char *text, size_t size) {
    return memchr(text, '\0', size) != NULL;
}

static void check_server(const kw__server *server, int64_t kill) {
    must(has_end(server->version, sizeof server->version), "a version without an end");
    must(has_end(server->run_id, sizeof server->run_id), "a run id without an end");
    must(server->version_number == 0 || server->version_number >= 7000000, "a server that is too old");
    must(server->protocol == 2 || server->protocol == 3, "another protocol");
    must(server->role >= KW_ROLE_UNKNOWN && server->role <= KW_ROLE_REPLICA, "another role");
    must(kill != 0 || !server->killed, "killed what was not to be killed");
    must(server->version_number != 0 || server->capabilities == 0, "capabilities of an unknown version");
}

/* What was written for the server: whole commands, as many as were asked. */
static void check_commands(const kw__buffer *out, int count) {
    kw__reader *reader = kw__reader_open();
    const kw__reply *command;
    kw_error error;
    int found = 0;
    if (reader == NULL) return;
    must(kw__reader_feed(reader, out->data, out->length, &error) == KW_OK, "commands that cannot be read");
    while (kw__reader_next(reader, &command, &error) == KW_OK && command != NULL) {
        must(command->kind == KW__REPLY_ARRAY && command->count > 0, "no command");
        found++;
    }
    must(found == count, "another number of commands");
    kw__reader_free(reader);
}

/* The whole handshake with a server that answers these bytes. */
static void greet(const char *text, int64_t kill, const uint8_t *data, size_t size) {
    kw__url url;
    kw__greeting greeting;
    kw__buffer out = {0};
    kw_error error;
    must(kw__url_parse(text, NULL, &url, &error) == KW_OK, "no URL");
    kw__reader *reader = kw__reader_open();
    kw__greeting_begin(&greeting, &url, kill, &out);
    must(greeting.count <= KW__GREETING_COMMANDS, "more commands than there is room for");
    check_commands(&out, greeting.count);
    kw_status status = reader == NULL ? KW_NO_MEMORY : kw__reader_feed(reader, (const char *)data, size, &error);
    bool done = false;
    for (int replies = 0; status == KW_OK && !done; replies++) {
        const kw__reply *reply;
        must(replies <= 2 * KW__GREETING_COMMANDS, "it asks for ever");
        if (kw__reader_next(reader, &reply, &error) != KW_OK || reply == NULL) break;
        if (reply->kind == KW__REPLY_PUSH) continue; /* the link takes them out before */
        kw__buffer_clear(&out);
        status = kw__greeting_reply(&greeting, reply, &out, &done, &error);
        if (status == KW_OK && out.length > 0) check_commands(&out, greeting.count);
    }
    if (done && status == KW_OK) {
        check_server(&greeting.server, kill);
    } else if (status != KW_OK) {
        must(status < 0 && error.code == status && error.message[0] != '\0', "a failure without a message");
        must(has_end(error.message, sizeof error.message) && has_end(error.server, sizeof error.server), "no end");
        must(strstr(error.message, "secret") == NULL || holds(data, size, "secret"), "the password is told");
    }
    kw__buffer_free(&out);
    kw__reader_free(reader);
    kw__url_free(&url);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    greet("redis://host", 0, data, size);
    greet("redis://host?protocol=2", 0, data, size);
    greet("redis://host?protocol=3", 7, data, size);
    greet("redis://user:secret@host/3?client_name=me", 9, data, size);
    greet("redis://:secret@host?protocol=2", 9, data, size);
    return 0;
}

#if !defined(KEYWRIGHT_FUZZER)
#include "support/fuzz.h"
#include "support/test.h"

enum { MUTATIONS = 20000 };

static const char *const words[] = {"+OK\r\n",
                                    ":1\r\n",
                                    ":0\r\n",
                                    "_\r\n",
                                    "$-1\r\n",
                                    "*0\r\n",
                                    "-NOPERM no\r\n",
                                    "-NOPROTO no\r\n",
                                    "-NOAUTH no\r\n",
                                    "-WRONGPASS no\r\n",
                                    "-LOADING no\r\n",
                                    "-ERR unknown command\r\n",
                                    "-ERR max number of clients reached\r\n",
                                    "redis_version:",
                                    "valkey_version:",
                                    "server_name:valkey",
                                    "run_id:",
                                    "7.0.15",
                                    "-1.2147483647.9999",
                                    "99999999999999999999.1",
                                    "+valkey\r\n",
                                    "+version\r\n",
                                    "*1\r\n+master\r\n",
                                    "%1\r\n",
                                    ">1\r\n+x\r\n",
                                    "\r\n",
                                    NULL};

static int read_corpus(void **state) {
    (void)state;
    test_fuzz_read("greeting");
    return 0;
}

static void the_corpus_holds(void **state) {
    (void)state;
    test_fuzz_corpus(LLVMFuzzerTestOneInput);
}

static void mutations_of_the_corpus_hold(void **state) {
    (void)state;
    test_fuzz_mutations(LLVMFuzzerTestOneInput, words, MUTATIONS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_corpus_holds),
        cmocka_unit_test(mutations_of_the_corpus_hold),
    };
    return test_run(read_corpus, NULL);
}
#endif
