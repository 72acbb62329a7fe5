/* The directory that a private server lives in. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "redis/embedded_parts.h"

#define OWN_DIRECTORY "/keywright-XXXXXX"

enum { FIRST_KEPT = 10, SOCKET_PATH_MAX = sizeof(((struct sockaddr_un *)0)->sun_path) - 1 };

static void join_path(kw__path *out, const kw__path *directory, const char *name) {
    size_t length = strlen(directory->text);
    memmove(out->text, directory->text, length);
    out->text[length] = '/';
    memcpy(out->text + length + 1, name, strlen(name) + 1);
}

void kw__home_file(const kw__home *home, const char *name, kw__path *path) {
    join_path(path, &home->directory, name);
}

kw_status kw__embedded_failed(kw_error *error, const char *what, const char *path, int problem) {
    return kw__fail(error, KW_CONNECTION, KW_REASON_SERVER_START, "the private server cannot start: %s %.200s: %s",
                    what, path, strerror(problem));
}

static bool fits_socket(const char *directory) {
    return strlen(directory) + sizeof "/" KW__HOME_SOCKET - 1 <= SOCKET_PATH_MAX;
}

/* A new directory for this user alone, in which a socket's path is not too long. */
static bool make_directory(kw__path *out) {
    const char *parents[] = {getenv("TMPDIR"), "/tmp"};
    for (size_t i = 0; i < 2; i++) {
        const char *parent = parents[i];
        if (parent == NULL || parent[0] != '/') continue;
        size_t length = strlen(parent);
        while (length > 0 && parent[length - 1] == '/')
            length--;
        if (length + sizeof OWN_DIRECTORY + sizeof KW__HOME_SOCKET > SOCKET_PATH_MAX) continue;
        snprintf(out->text, sizeof out->text, "%.*s" OWN_DIRECTORY, (int)length, parent);
        if (mkdtemp(out->text) != NULL) return true;
    }
    out->text[0] = '\0';
    return false;
}

kw_status kw__home_make(kw__home *home, kw_error *error) {
    home->shared = false;
    home->elsewhere.text[0] = '\0';
    if (!make_directory(&home->directory))
        return kw__embedded_failed(error, "no directory can be made in TMPDIR or", "/tmp", errno);
    kw__home_file(home, KW__HOME_SOCKET, &home->socket);
    return KW_OK;
}

void kw__home_remove(const kw__home *home) {
    static const char *const names[] = {KW__HOME_LOCK, KW__HOME_LIFE, KW__HOME_SOCKET, KW__HOME_LOG};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        kw__path path;
        kw__home_file(home, names[i], &path);
        unlink(path.text);
    }
    rmdir(home->directory.text);
}

/* Where others can write they can put a server of theirs in our way. */
static bool is_safe(const char *directory) {
    struct stat found;
    if (stat(directory, &found) != 0) return false;
    bool known = found.st_uid == geteuid() || found.st_uid == 0 || geteuid() == 0;
    return known && (found.st_mode & S_IWOTH) == 0;
}

kw_status kw__home_share(kw__home *home, const char *directory, kw_error *error) {
    home->shared = true;
    home->elsewhere.text[0] = '\0';
    if (mkdir(directory, 0700) != 0 && errno != EEXIST)
        return kw__embedded_failed(error, "make its parent, or choose another directory than", directory, errno);
    char *real = realpath(directory, NULL);
    if (real == NULL) return kw__embedded_failed(error, "choose another directory than", directory, errno);
    size_t length = strlen(real);
    if (length < PATH_MAX - 32) memcpy(home->directory.text, real, length + 1);
    free(real);
    if (length >= PATH_MAX - 32)
        return kw__embedded_failed(error, "choose a shorter path than", directory, ENAMETOOLONG);
    if (!is_safe(home->directory.text))
        return kw__fail(
            error, KW_CONNECTION, KW_REASON_SERVER_START,
            "the private server cannot start: %.200s belongs to somebody else, or everybody can write to it: "
            "name a directory of your own, as embedded:///home/me/data",
            directory);
    if (fits_socket(home->directory.text)) kw__home_file(home, KW__HOME_SOCKET, &home->socket);
    return KW_OK; /* else kw__home_place_socket or kw__home_find_socket will tell */
}

/* Whether path is a directory that kw__home_place_socket made: ours alone. */
static bool is_own_directory(const char *path) {
    struct stat found;
    const char *name = strrchr(path, '/');
    return name != NULL && strncmp(name, OWN_DIRECTORY, sizeof "/keywright-" - 1) == 0 && lstat(path, &found) == 0 &&
           S_ISDIR(found.st_mode) && found.st_uid == geteuid() && (found.st_mode & 077) == 0;
}

bool kw__home_find_socket(kw__home *home) {
    if (fits_socket(home->directory.text)) return true;
    kw__path link;
    kw__home_file(home, KW__HOME_SOCKET, &link);
    ssize_t length = readlink(link.text, home->socket.text, SOCKET_PATH_MAX + 1);
    if (length <= 0 || length > SOCKET_PATH_MAX) return false;
    home->socket.text[length] = '\0';
    home->elsewhere = home->socket;
    char *slash = strrchr(home->elsewhere.text, '/');
    if (slash == NULL) return false;
    *slash = '\0';
    return true;
}

/*
 * A socket elsewhere keeps its place when the server starts anew after a crash, for clients that are still there know
 * it by that path.
 */
kw_status kw__home_place_socket(kw__home *home, kw_error *error) {
    kw__path link;
    kw__home_file(home, KW__HOME_SOCKET, &link);
    if (fits_socket(home->directory.text)) {
        unlink(link.text);
        return KW_OK;
    }
    if (kw__home_find_socket(home) && is_own_directory(home->elsewhere.text)) return KW_OK;
    unlink(link.text);
    if (!make_directory(&home->elsewhere))
        return kw__embedded_failed(error, "no directory for the socket can be made in TMPDIR or", "/tmp", errno);
    join_path(&home->socket, &home->elsewhere, KW__HOME_SOCKET);
    if (symlink(home->socket.text, link.text) == 0) return KW_OK;
    int problem = errno;
    rmdir(home->elsewhere.text);
    return kw__embedded_failed(error, "cannot write", link.text, problem);
}

int kw__home_keep(int fd) {
    if (fd < 0 || fd >= FIRST_KEPT) return fd;
    int kept = fcntl(fd, F_DUPFD_CLOEXEC, FIRST_KEPT);
    int problem = errno;
    close(fd);
    errno = problem;
    return kept;
}

int kw__home_lock(const kw__home *home) {
    kw__path path;
    kw__home_file(home, KW__HOME_LOCK, &path);
    int lock = kw__home_keep(open(path.text, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (lock < 0) return -2;
    if (flock(lock, LOCK_EX | LOCK_NB) == 0) return lock;
    int problem = errno;
    close(lock);
    errno = problem;
    return problem == EWOULDBLOCK || problem == EINTR ? -1 : -2;
}

bool kw__home_is_dead(const kw__home *home) {
    kw__path path;
    kw__home_file(home, KW__HOME_LOCK, &path);
    int lock = open(path.text, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (lock < 0) return errno == ENOENT;
    bool dead = flock(lock, LOCK_EX | LOCK_NB) == 0;
    if (dead) flock(lock, LOCK_UN);
    close(lock);
    return dead;
}
