/*
 * A server of one's own. A private one is started in a directory that nobody else knows; a shared one is looked for
 * first, and whoever finds none running takes the lock and starts it.
 */
#include "redis/embedded.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/sync.h"
#include "redis/embedded_parts.h"
#include "redis/transport.h"
#include "redis/url_parser.h"

struct kw__embedded {
    uint64_t generation;
    int life; /* the FIFO: the server runs while any process holds it */
};

enum { PAUSE_MS = 5, LOG_TAIL = 1024 };

static const int64_t start_us = 10 * KW__SECOND;
static const int64_t answer_us = 1 * KW__SECOND;
/* How long a server may run without a supervisor before it is told to stop: longer than one needs to close down. */
static const int64_t orphan_us = 1 * KW__SECOND;

typedef enum life_sign { UP, LOADING, DEAD, LATE } life_sign;

static int64_t earlier(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* Waits for the socket; false when the moment has come. */
static bool wait_for(const kw__transport *transport, short events, int64_t until) {
    struct pollfd watched = {.fd = transport->fd, .events = events};
    for (;;) {
        int64_t now = kw__now();
        if (now >= until) return false;
        int ready = poll(&watched, 1, kw__poll_ms(now, until));
        if (ready > 0) return true;
        if (ready < 0 && errno != EINTR) return false;
    }
}

static bool connect_home(kw__transport *transport, const kw__home *home, int64_t until) {
    kw__address address;
    return kw__address_unix(&address, home->socket.text) && kw__transport_connect(transport, &address, NULL) == KW_OK &&
           wait_for(transport, POLLOUT, until) && kw__transport_connected(transport, NULL) == KW_OK;
}

kw__word kw__embedded_ask(const kw__home *home, const char *command, int64_t until) {
    kw__word word = {{0}};
    kw__transport transport = {.fd = -1};
    size_t length = 0;
    ssize_t got = 0;
    if (connect_home(&transport, home, until) &&
        kw__transport_send(&transport, command, strlen(command)) == (ssize_t)strlen(command)) {
        while (length < sizeof word.text - 1 && memchr(word.text, '\r', length) == NULL && got != KW__IO_CLOSED &&
               wait_for(&transport, POLLIN, until)) {
            got = kw__transport_receive(&transport, word.text + length, sizeof word.text - 1 - length);
            length += got > 0 ? (size_t)got : 0;
        }
    }
    kw__transport_close(&transport);
    word.text[strcspn(word.text, " \r")] = '\0';
    return word;
}

/* Waits until the server takes commands, has died, or the time is over. */
static life_sign await_up(const kw__home *home, int64_t until) {
    bool loading = false;
    for (;;) {
        kw__word word = kw__embedded_ask(home, "PING\r\n", earlier(until, kw__now() + answer_us));
        if (strcmp(word.text, "+PONG") == 0) return UP;
        loading = strcmp(word.text, "-LOADING") == 0;
        if (kw__home_is_dead(home)) return DEAD;
        if (kw__now() >= until) return loading ? LOADING : LATE;
        poll(NULL, 0, PAUSE_MS);
    }
}

/* Puts the last line that was printed into the error; false when there is none. */
static bool quote_log(int log, kw_error *error) {
    char tail[LOG_TAIL];
    off_t size = lseek(log, 0, SEEK_END);
    off_t from = size > LOG_TAIL ? size - LOG_TAIL : 0;
    ssize_t length = size > 0 ? pread(log, tail, sizeof tail, from) : 0;
    while (length > 0 && (tail[length - 1] == '\n' || tail[length - 1] == '\r'))
        length--;
    ssize_t begin = length;
    while (begin > 0 && tail[begin - 1] != '\n')
        begin--;
    if (length > 0) kw__error_server(error, kw__bytes_of(tail + begin, (size_t)(length - begin)));
    return length > 0;
}

/* `server` is the program, or the directory of a server that others started. */
static kw_status not_up(life_sign sign, const char *server, int log, kw_error *error) {
    kw_error quoted;
    kw__error_clear(&quoted);
    bool printed = quote_log(log, &quoted);
    kw_status status;
    if (sign == LOADING)
        status =
            kw__fail(error, KW_CONNECTION, KW_REASON_SERVER_START,
                     "the private server %.180s is still reading its data after 10 s: start a server for it by hand "
                     "and use unix:// instead",
                     server);
    else
        status = kw__fail(error, KW_CONNECTION, KW_REASON_SERVER_START,
                          "the private server %.180s %s%s: try it by hand, or name another in KEYWRIGHT_SERVER", server,
                          sign == DEAD ? "ended as soon as it was started" : "did not answer within 10 s",
                          printed ? " (its last line is in the server text)" : " and printed nothing");
    if (printed) kw__error_server(error, kw__bytes_text(quoted.server));
    return status;
}

/* Starts the server, the lock in hand, and gives the lock away to it. */
static kw_status start(const kw__home *home, const kw__path *program, int lock, int *life, kw_error *error) {
    kw__launched launched;
    kw_status status = kw__embedded_launch(home, program->text, lock, &launched, error);
    close(lock); /* supervisor and server hold it now */
    if (status != KW_OK) return status;
    life_sign sign = await_up(home, kw__now() + start_us);
    if (sign == UP) {
        *life = launched.life;
    } else {
        status = not_up(sign, program->text, launched.log, error);
        close(launched.life);
    }
    close(launched.log);
    return status;
}

static kw_status start_private(kw__home *home, const kw__url *url, int *life, kw_error *error) {
    kw__path program;
    kw_status status = kw__embedded_find_program(url->server_path, &program, error);
    if (status == KW_OK) status = kw__home_make(home, error);
    if (status != KW_OK) return status;
    int lock = kw__home_lock(home);
    if (lock < 0)
        status = kw__embedded_failed(error, "cannot lock a file in", home->directory.text, errno);
    else
        status = start(home, &program, lock, life, error);
    if (status != KW_OK && (lock < 0 || kw__home_is_dead(home))) kw__home_remove(home);
    return status;
}

/* The lock is ours and nobody's server runs: starts one. */
static kw_status start_shared(kw__home *home, const kw__url *url, int lock, int *life, kw_error *error) {
    kw__path program;
    kw_status status = kw__embedded_find_program(url->server_path, &program, error);
    if (status == KW_OK) status = kw__home_place_socket(home, error);
    if (status == KW_OK) return start(home, &program, lock, life, error);
    close(lock);
    return status;
}

/* The supervisor counts us by the descriptor `held`: waits for its server. False when that has died meanwhile. */
static bool join(kw__home *home, int held, int *life, kw_status *status, kw_error *error) {
    life_sign sign = kw__home_find_socket(home) ? await_up(home, kw__now() + start_us) : DEAD;
    if (sign == UP) {
        *life = held;
        *status = KW_OK;
        return true;
    }
    close(held);
    if (sign == DEAD) return false;
    kw__path path;
    kw__home_file(home, KW__HOME_LOG, &path);
    int log = open(path.text, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    *status = not_up(sign, home->directory.text, log, error);
    if (log >= 0) close(log);
    return true;
}

/*
 * A supervisor that was killed leaves a server behind that nobody would ever end: nobody reads the FIFO, and the lock
 * is taken. One that stays so is told to stop. `since` is when it was first seen so, 0 when it is not.
 */
static void end_orphan(kw__home *home, bool unread, int64_t *since) {
    if (!unread || *since == 0) {
        *since = unread ? kw__now() : 0;
    } else if (kw__now() - *since > orphan_us && kw__home_find_socket(home)) {
        kw__embedded_ask(home, "SHUTDOWN\r\n", kw__now() + answer_us);
        *since = 0;
    }
}

/*
 * Looks for the server of a shared directory until it is found or started. The lock tells what to do when nobody reads
 * the FIFO: free, there is no server; taken, one is being started or is closing down, which both end soon.
 */
static kw_status find_or_start(kw__home *home, const kw__url *url, int *life, kw_error *error) {
    int64_t until = kw__now() + start_us;
    int64_t orphan_since = 0;
    while (kw__now() < until) {
        kw_status status;
        int held = kw__embedded_attach(home);
        bool unread = held < 0 && errno == ENXIO;
        if (held >= 0 && join(home, held, life, &status, error)) return status;
        int lock = held < 0 ? kw__home_lock(home) : -1;
        if (lock >= 0) return start_shared(home, url, lock, life, error);
        if (lock == -2) return kw__embedded_failed(error, "cannot lock a file in", home->directory.text, errno);
        end_orphan(home, unread, &orphan_since);
        poll(NULL, 0, PAUSE_MS);
    }
    return kw__fail(
        error, KW_CONNECTION, KW_REASON_SERVER_START,
        "the server of %.180s has been closing down for more than 10 s: try again later, and see its log there",
        home->directory.text);
}

/* The URL becomes that of the socket. */
static kw_status point_to(kw__url *url, const kw__home *home, kw_error *error) {
    url->path = kw__copy_text(home->socket.text, strlen(home->socket.text));
    if (url->path == NULL) return kw__fail_memory(error);
    url->kind = KW__ADDRESS_UNIX;
    kw_status status = kw__url_show(url, "unix", error);
    if (status != KW_OK) {
        kw__free(url->path);
        url->path = NULL;
        url->kind = KW__ADDRESS_EMBEDDED;
    }
    return status;
}

static kw_status start_or_find(kw__home *home, kw__url *url, int *life, kw_error *error) {
    kw_status status;
    if (url->directory == NULL)
        status = start_private(home, url, life, error);
    else
        status = kw__home_share(home, url->directory, error);
    if (status == KW_OK && url->directory != NULL) status = find_or_start(home, url, life, error);
    return status == KW_OK ? point_to(url, home, error) : status;
}

kw_status kw__embedded_start(kw__url *url, kw__embedded **out, kw_error *error) {
    *out = NULL;
    kw__embedded *embedded = kw__calloc(1, sizeof *embedded);
    kw__home *home = kw__calloc(1, sizeof *home);
    kw_status status = KW_OK;
    if (embedded == NULL || home == NULL) {
        status = kw__fail_memory(error);
    } else {
        *embedded = (kw__embedded){.generation = kw__generation(), .life = -1};
        status = start_or_find(home, url, &embedded->life, error);
    }
    kw__free(home);
    if (status != KW_OK) {
        kw__embedded_release(embedded);
        return status;
    }
    *out = embedded;
    return KW_OK;
}

void kw__embedded_release(kw__embedded *embedded) {
    if (embedded == NULL) return;
    /* A child keeps its copy of the FIFO: it may go on using the server of its parent. */
    if (embedded->generation == kw__generation() && embedded->life >= 0) close(embedded->life);
    kw__free(embedded);
}
