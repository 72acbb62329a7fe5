/*
 * What the files of the private server share.
 *
 * A server lives in a directory (its home), watched over by a supervisor, a shell script. In the home lie
 *
 *     keywright.lock   flock'ed by supervisor and server: held as long as either of them runs, and by whoever starts
 * them keywright.life   a FIFO: the supervisor reads it, every process that uses the server holds it open for writing,
 * so that the end of file comes when the last of them has gone, whatever way keywright.sock   the server's socket; a
 * symbolic link to it where the path would be too long for a socket keywright.log    what server and supervisor print
 *
 * and the data of a shared one.
 */
#ifndef KW__EMBEDDED_PARTS_H
#define KW__EMBEDDED_PARTS_H

#include <limits.h>
#include <stdbool.h>

#include "base/error.h"

#define KW__HOME_LOCK "keywright.lock"
#define KW__HOME_LIFE "keywright.life"
#define KW__HOME_SOCKET "keywright.sock"
#define KW__HOME_LOG "keywright.log"

/* A path that is being put together: a directory of less than PATH_MAX bytes, and the name of a file of ours. */
typedef struct kw__path {
    char text[PATH_MAX + 32];
} kw__path;

typedef struct kw__home {
    bool shared;
    kw__path directory; /* absolute, without symbolic links */
    kw__path socket;    /* fits a socket's address */
    kw__path elsewhere; /* the directory of the socket when that is not the home; else "" */
} kw__home;

/* Makes a directory of our own, under TMPDIR or /tmp. */
kw_status kw__home_make(kw__home *home, kw_error *error);
/* Removes what kw__home_make made; only while no supervisor does. */
void kw__home_remove(const kw__home *home);
/* Makes the directory unless it is there. */
kw_status kw__home_share(kw__home *home, const char *directory, kw_error *error);
/* Decides where the socket of a shared server lies, with the lock held, before the FIFO is opened. */
kw_status kw__home_place_socket(kw__home *home, kw_error *error);
/* Learns where whoever started the server has placed the socket; false when that cannot be read. */
bool kw__home_find_socket(kw__home *home);
void kw__home_file(const kw__home *home, const char *name, kw__path *path);

/*
 * Moves a descriptor out of the way of those that the supervisor is given: a dup2 onto it would close it. Takes a
 * failed open's -1, and fails like it.
 */
int kw__home_keep(int fd);
/* Takes the lock: a descriptor, -1 when somebody has it, -2 with errno when it cannot be taken at all. */
int kw__home_lock(const kw__home *home);
/* Whether neither supervisor nor server runs, nor anybody who starts them. */
bool kw__home_is_dead(const kw__home *home);

/* The program of the server, absolute; KW_REASON_NO_SERVER when there is none. server_path may be NULL. */
kw_status kw__embedded_find_program(const char *server_path, kw__path *program, kw_error *error);

/* What a starter holds: a descriptor of the FIFO for as long as it uses the server, one of the log to read from. */
typedef struct kw__launched {
    int life;
    int log;
} kw__launched;

/* Starts supervisor and server, which inherit the lock. On failure nothing is running. */
kw_status kw__embedded_launch(const kw__home *home, const char *program, int lock, kw__launched *launched,
                              kw_error *error);

/* Opens the FIFO of a supervisor that runs: a descriptor, or -1 with errno ENXIO when nobody reads it, ENOENT and
 * others. */
int kw__embedded_attach(const kw__home *home);

/* Sends one inline command and returns the first byte and the word behind it of the reply, "" when there is none in
 * time. */
typedef struct kw__word {
    char text[16];
} kw__word;
kw__word kw__embedded_ask(const kw__home *home, const char *command, int64_t until);

/* "…: what the system said", KW_CONNECTION with KW_REASON_SERVER_START. */
kw_status kw__embedded_failed(kw_error *error, const char *what, const char *path, int problem);

#endif
