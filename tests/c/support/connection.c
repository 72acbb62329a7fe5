#include "support/connection.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "support/server.h"
#include "support/test.h"

enum { ARGUMENTS_MAX = 64, REPLY_TIMEOUT_S = 20 };

struct text {
    char *bytes;
    size_t length;
    size_t size;
};

static void append(struct text *text, const char *bytes, size_t length) {
    if (text->length + length + 1 > text->size) {
        text->size = (text->length + length + 1) * 2;
        text->bytes = realloc(text->bytes, text->size);
        assert_non_null(text->bytes);
    }
    if (length > 0) memcpy(text->bytes + text->length, bytes, length);
    text->length += length;
    text->bytes[text->length] = '\0';
}

int test_connection_open(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) return -1;
    strcpy(address.sun_path, path);
    int connection = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connection < 0) return -1;
    struct timeval patience = {.tv_sec = REPLY_TIMEOUT_S};
    setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (connect(connection, (struct sockaddr *)&address, sizeof address) != 0) {
        close(connection);
        return -1;
    }
    return connection;
}

static int send_all(int connection, const char *bytes, size_t length) {
    while (length > 0) {
        ssize_t sent = write(connection, bytes, length);
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) return -1;
        bytes += sent;
        length -= (size_t)sent;
    }
    return 0;
}

static int receive(int connection, char *bytes, size_t length) {
    while (length > 0) {
        ssize_t got = read(connection, bytes, length);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return -1;
        bytes += got;
        length -= (size_t)got;
    }
    return 0;
}

/* A line without its end; a byte at a time is fast enough here and never takes what belongs to the next
 * reply. */
static int receive_line(int connection, struct text *line) {
    line->length = 0;
    append(line, "", 0);
    for (;;) {
        char byte;
        if (receive(connection, &byte, 1) != 0) return -1;
        if (byte == '\n') return 0;
        if (byte != '\r') append(line, &byte, 1);
    }
}

static int receive_bulk(int connection, long long length, struct text *reply) {
    char *bytes = malloc((size_t)length + 2);
    assert_non_null(bytes);
    int failed = receive(connection, bytes, (size_t)length + 2);
    if (!failed) append(reply, bytes, (size_t)length);
    free(bytes);
    return failed;
}

static int receive_reply(int connection, struct text *reply) {
    struct text line = {0};
    int failed = receive_line(connection, &line);
    const char *rest = failed || line.length == 0 ? "" : line.bytes + 1;
    char type = failed ? '\0' : line.bytes[0];
    long long count = strtoll(rest, NULL, 10);
    if (failed) {
        /* nothing came */
    } else if (type == '-') {
        append(reply, line.bytes, line.length);
    } else if (type == '+' || type == ':') {
        append(reply, rest, line.length - 1);
    } else if (count < 0) {
        append(reply, "(nil)", 5);
    } else if (type == '$') {
        failed = receive_bulk(connection, count, reply);
    } else {
        for (long long i = 0; i < count && !failed; i++) {
            if (i > 0) append(reply, "\n", 1);
            failed = receive_reply(connection, reply);
        }
    }
    free(line.bytes);
    return failed;
}

char *test_connection_call(int connection, size_t count, const char *const *arguments, const size_t *lengths) {
    struct text request = {0}, reply = {0};
    char head[32];
    append(&request, head, (size_t)snprintf(head, sizeof head, "*%zu\r\n", count));
    for (size_t i = 0; i < count; i++) {
        append(&request, head, (size_t)snprintf(head, sizeof head, "$%zu\r\n", lengths[i]));
        append(&request, arguments[i], lengths[i]);
        append(&request, "\r\n", 2);
    }
    append(&reply, "", 0);
    int failed = send_all(connection, request.bytes, request.length) || receive_reply(connection, &reply);
    free(request.bytes);
    if (!failed) return reply.bytes;
    free(reply.bytes);
    return NULL;
}

char *test_server_command_bytes(struct test_server *server, size_t count, const char *const *arguments,
                                const size_t *lengths) {
    if (server->connection < 0) server->connection = test_connection_open(server->socket);
    assert_true(server->connection >= 0);
    char *reply = test_connection_call(server->connection, count, arguments, lengths);
    if (reply == NULL) fail_msg("the test server does not answer %s", arguments[0]);
    return reply;
}

char *test_server_command(struct test_server *server, const char *command, ...) {
    const char *arguments[ARGUMENTS_MAX];
    size_t lengths[ARGUMENTS_MAX];
    size_t count = 0;
    va_list list;
    va_start(list, command);
    for (const char *next = command; next != NULL; next = va_arg(list, const char *)) {
        assert_true(count < ARGUMENTS_MAX);
        arguments[count] = next;
        lengths[count++] = strlen(next);
    }
    va_end(list);
    return test_server_command_bytes(server, count, arguments, lengths);
}
