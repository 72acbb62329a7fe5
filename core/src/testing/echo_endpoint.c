#include "testing/echo_endpoint.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/sync.h"
#include "redis/extra_scheme.h"
#include "redis/reader.h"

#if !defined(MSG_NOSIGNAL)
#define MSG_NOSIGNAL 0
#endif

#define TALLIES 256

/* One connection: a thread of its own reads commands and answers them. */
typedef struct connection connection;
struct connection {
    connection *next;
    kw__echo_endpoint *endpoint;
    pthread_t thread;
    int fd;
    kw__buffer held; /* replies that wait to be let go */
};

struct kw__echo_endpoint {
    kw__echo_endpoint *next;
    void *tag;
    kw__mutex lock;
    connection *connections;
    bool hold;
    bool knows_script;
    bool forbidden; /* to kill other links */
    int64_t tallies[TALLIES];
    int64_t links; /* made so far: their ids */
    kw_echo_seen seen;
};

static kw__mutex all_lock = PTHREAD_MUTEX_INITIALIZER;
static kw__echo_endpoint *all;

kw__echo_endpoint *kw__echo_endpoint_of(void *tag) {
    kw__lock(&all_lock);
    kw__echo_endpoint *endpoint = all;
    while (endpoint != NULL && endpoint->tag != tag)
        endpoint = endpoint->next;
    if (endpoint == NULL && (endpoint = kw__calloc(1, sizeof *endpoint)) != NULL) {
        kw__mutex_init(&endpoint->lock);
        endpoint->tag = tag;
        endpoint->next = all;
        all = endpoint;
    }
    kw__unlock(&all_lock);
    return endpoint;
}

static void write_all(int fd, const char *data, size_t length) {
    while (length > 0) {
        ssize_t sent = send(fd, data, length, MSG_NOSIGNAL);
        if (sent <= 0) return;
        data += sent;
        length -= (size_t)sent;
    }
}

static bool is(const kw__reply *word, const char *text) {
    return word->kind == KW__REPLY_STRING && kw__bytes_equal(word->bytes, kw__bytes_text(text));
}

static void put_integer(kw__buffer *out, int64_t number) {
    kw__buffer_text(out, ":");
    kw__buffer_integer(out, number);
    kw__buffer_text(out, "\r\n");
}

static void put_string(kw__buffer *out, kw__bytes bytes) {
    kw__buffer_text(out, "$");
    kw__buffer_integer(out, (int64_t)bytes.length);
    kw__buffer_text(out, "\r\n");
    kw__buffer_append(out, bytes.data, bytes.length);
    kw__buffer_text(out, "\r\n");
}

/* The handshake's commands, never held and not counted. */
static bool greet(kw__echo_endpoint *endpoint, const kw__reply *command, kw__buffer *out) {
    const kw__reply *name = command->elements[0];
    if (is(name, "HELLO")) {
        kw__buffer_text(out, "%3\r\n+server\r\n+redis\r\n+version\r\n+7.4.0\r\n+proto\r\n:3\r\n");
    } else if (is(name, "CLIENT") && command->count == 2) {
        put_integer(out, ++endpoint->links);
    } else if (is(name, "CLIENT") && is(command->elements[1], "KILL")) {
        if (endpoint->forbidden)
            kw__buffer_text(out, "-NOPERM no right to kill\r\n");
        else
            put_integer(out, 0); /* its links die as they are dropped */
    } else if (is(name, "CLIENT") || is(name, "SELECT") || is(name, "AUTH")) {
        kw__buffer_text(out, "+OK\r\n");
    } else if (is(name, "INFO")) {
        put_string(out, kw__bytes_text("redis_version:7.4.0\r\nrun_id:echo\r\n"));
    } else if (is(name, "ROLE")) {
        kw__buffer_text(out, "*3\r\n+master\r\n:0\r\n*0\r\n");
    } else {
        return false;
    }
    return true;
}

static int64_t number_of(const kw__reply *word) {
    int64_t number = 0;
    kw__parse_integer(word->bytes, &number);
    return number;
}

/* EVALSHA, digest, 1, key, count: the one script that has a key. */
static void run_tally(kw__echo_endpoint *endpoint, const kw__reply *command, kw__buffer *out) {
    int64_t number = number_of(command->elements[3]);
    if (number < 0) {
        kw__buffer_text(out, "-ERR no such tally\r\n");
        return;
    }
    int64_t *tally = &endpoint->tallies[number % TALLIES];
    *tally += number_of(command->elements[4]);
    kw__buffer_text(out, "*1\r\n");
    put_integer(out, *tally);
}

static void run_script(kw__echo_endpoint *endpoint, const kw__reply *command, kw__buffer *out) {
    if (is(command->elements[0], "EVAL")) endpoint->knows_script = true;
    if (!endpoint->knows_script) {
        kw__buffer_text(out, "-NOSCRIPT No matching script.\r\n");
        return;
    }
    if (command->count == 5) {
        run_tally(endpoint, command, out);
        return;
    }
    kw__buffer_text(out, "*1\r\n");
    put_integer(out, number_of(command->elements[command->count - 1]));
}

/* The operations' commands, with the lock. */
static void answer(kw__echo_endpoint *endpoint, const kw__reply *command, kw__buffer *out) {
    const kw__reply *name = command->elements[0];
    endpoint->seen.received++;
    if (is(name, "PING")) {
        kw__buffer_text(out, "+PONG\r\n");
    } else if (is(name, "ECHO") && command->count == 3) {
        kw__buffer_text(out, "*2\r\n");
        put_integer(out, number_of(command->elements[1]));
        put_string(out, command->elements[2]->bytes);
    } else if (is(name, "GRANT") && command->count == 2) {
        bool granted = number_of(command->elements[1]) % 2 == 0;
        endpoint->seen.granted += granted;
        put_integer(out, granted);
    } else if (is(name, "KEEP") && command->count == 2) {
        put_integer(out, 1);
    } else if (is(name, "UNGRANT") && command->count == 2) {
        endpoint->seen.granted--;
        endpoint->seen.undone++;
        put_integer(out, 1);
    } else if (is(name, "EVALSHA") || is(name, "EVAL")) {
        run_script(endpoint, command, out);
    } else {
        kw__buffer_text(out, "-ERR unknown command\r\n");
    }
}

static void serve_one(connection *self, const kw__reply *command) {
    kw__echo_endpoint *endpoint = self->endpoint;
    kw__buffer out = {0};
    if (command->kind != KW__REPLY_ARRAY || command->count == 0) return;
    kw__lock(&endpoint->lock);
    bool greeting = greet(endpoint, command, &out);
    if (!greeting) answer(endpoint, command, &out);
    if (!greeting && endpoint->hold) {
        endpoint->seen.held++;
        kw__buffer_append(&self->held, out.data, out.length);
    } else {
        write_all(self->fd, out.data, out.length);
    }
    kw__unlock(&endpoint->lock);
    kw__buffer_free(&out);
}

static void *serve(void *argument) {
    connection *self = argument;
    kw__reader *reader = kw__reader_open();
    kw_error error;
    char input[16384];
    while (reader != NULL) {
        ssize_t received = recv(self->fd, input, sizeof input, 0);
        if (received <= 0 || kw__reader_feed(reader, input, (size_t)received, &error) != KW_OK) break;
        const kw__reply *command;
        while (kw__reader_next(reader, &command, &error) == KW_OK && command != NULL)
            serve_one(self, command);
    }
    kw__reader_free(reader);
    shutdown(self->fd, SHUT_RDWR);
    return NULL;
}

static int connect_pair(void *tag) {
    kw__echo_endpoint *endpoint = kw__echo_endpoint_of(tag);
    connection *made = kw__calloc(1, sizeof *made);
    int ends[2];
    if (endpoint == NULL || made == NULL || socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) {
        kw__free(made);
        return -1;
    }
    for (int i = 0; i < 2; i++)
        fcntl(ends[i], F_SETFD, FD_CLOEXEC);
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    made->endpoint = endpoint;
    made->fd = ends[1];
    kw__lock(&endpoint->lock);
    bool started = pthread_create(&made->thread, NULL, serve, made) == 0;
    if (started) {
        made->next = endpoint->connections;
        endpoint->connections = made;
    }
    kw__unlock(&endpoint->lock);
    if (started) return ends[0];
    close(ends[0]);
    close(ends[1]);
    kw__free(made);
    return -1;
}

static void forget(void *tag) {
    kw__lock(&all_lock);
    kw__echo_endpoint **at = &all;
    while (*at != NULL && (*at)->tag != tag)
        at = &(*at)->next;
    kw__echo_endpoint *endpoint = *at;
    if (endpoint != NULL) *at = endpoint->next;
    kw__unlock(&all_lock);
    if (endpoint == NULL) return;
    while (endpoint->connections != NULL) {
        connection *one = endpoint->connections;
        endpoint->connections = one->next;
        shutdown(one->fd, SHUT_RDWR);
        pthread_join(one->thread, NULL);
        close(one->fd);
        kw__buffer_free(&one->held);
        kw__free(one);
    }
    kw__mutex_free(&endpoint->lock);
    kw__free(endpoint);
}

static const kw__extra_scheme echo_scheme = {"echo", connect_pair, forget};
const kw__extra_scheme *const kw__extra_scheme_of_tests = &echo_scheme;

void kw__echo_endpoint_hold(kw__echo_endpoint *endpoint, bool held) {
    kw__lock(&endpoint->lock);
    endpoint->hold = held;
    for (connection *one = endpoint->connections; one != NULL && !held; one = one->next) {
        write_all(one->fd, one->held.data, one->held.length);
        kw__buffer_clear(&one->held);
    }
    if (!held) endpoint->seen.held = 0;
    kw__unlock(&endpoint->lock);
}

void kw__echo_endpoint_drop(kw__echo_endpoint *endpoint) {
    kw__lock(&endpoint->lock);
    for (connection *one = endpoint->connections; one != NULL; one = one->next) {
        kw__buffer_clear(&one->held);
        shutdown(one->fd, SHUT_RDWR);
    }
    endpoint->seen.held = 0;
    kw__unlock(&endpoint->lock);
}

void kw__echo_endpoint_flush(kw__echo_endpoint *endpoint) {
    kw__lock(&endpoint->lock);
    endpoint->knows_script = false;
    kw__unlock(&endpoint->lock);
}

void kw__echo_endpoint_forbid(kw__echo_endpoint *endpoint, bool forbidden) {
    kw__lock(&endpoint->lock);
    endpoint->forbidden = forbidden;
    kw__unlock(&endpoint->lock);
}

void kw__echo_endpoint_seen(kw__echo_endpoint *endpoint, kw_echo_seen *seen) {
    kw__lock(&endpoint->lock);
    *seen = endpoint->seen;
    kw__unlock(&endpoint->lock);
}
