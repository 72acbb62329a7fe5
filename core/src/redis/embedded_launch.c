/* Starting a server and the supervisor that ends it, and being counted among those who use it. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#if defined(__APPLE__)
#include <crt_externs.h>
#define environ (*_NSGetEnviron())
#else
extern char **environ;
#endif

#include "redis/embedded_parts.h"

/*
 * The supervisor. $1 is "shared" or "private", $2 the home, $3 the directory of the socket when that is not the home,
 * the rest the server's command line. Descriptor 3 holds the lock, 4 the FIFO. The shell that is spawned leaves at
 * once, so that its parent has nothing to wait for later.
 *
 * Two processes watch: one reads the FIFO and ends the server when the last user has gone; one waits for the server,
 * whatever it dies of, and clears up. The reader counts a user who came after the end of file but before it has taken
 * the FIFO's name away: every user writes a line when it comes.
 */
static const char supervisor[] = "kind=$1 home=$2 elsewhere=$3; shift 3\n"
                                 "trap '' HUP INT QUIT TERM\n"
                                 "umask 077\n"
                                 "LC_ALL=C PATH=/usr/bin:/bin:$PATH; export LC_ALL PATH\n"
                                 "cd \"$home\" || exit 1\n"
                                 "(\n"
                                 "  (trap - HUP INT QUIT TERM; exec \"$@\") 4<&- &\n"
                                 "  server=$!\n"
                                 "  (\n"
                                 "    exec 3<&- 4<&-\n"
                                 "    while :; do\n"
                                 "      while read -r line; do :; done\n"
                                 "      mv -f " KW__HOME_LIFE " keywright.closing || break\n"
                                 "      read -r line || break\n"
                                 "      mv -f keywright.closing " KW__HOME_LIFE "\n"
                                 "    done\n"
                                 "    exec </dev/null\n"
                                 "    for second in 1 2 3 4 5 6 7 8 9 10; do kill -TERM $server; sleep 1; done\n"
                                 "    kill -KILL $server\n"
                                 "  ) <&4 &\n"
                                 "  reader=$!\n"
                                 "  exec 4<&-\n"
                                 "  wait $server\n"
                                 "  { kill -KILL $reader; wait $reader; } 2>/dev/null\n"
                                 "  if [ \"$kind\" = private ]; then cd / && rm -rf \"$home\"; exit; fi\n"
                                 "  rm -f \"${elsewhere:-.}/" KW__HOME_SOCKET "\"\n"
                                 "  if [ -p " KW__HOME_LIFE " ]; then exit; fi\n"
                                 "  if [ -n \"$elsewhere\" ]; then rm -rf \"$elsewhere\" " KW__HOME_SOCKET "; fi\n"
                                 "  rm -f keywright.closing\n"
                                 ") &\n";

enum { LOCK_FD = 3, LIFE_FD = 4, MOST_FDS = 65536 };

static void close_kept(int fd) {
    if (fd >= 0) close(fd);
}

/* Opens a FIFO by its name; whatever else lies there is refused. */
static int open_fifo(const char *path, int flags) {
    int fd = kw__home_keep(open(path, flags | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW));
    struct stat found;
    if (fd < 0 || (fstat(fd, &found) == 0 && S_ISFIFO(found.st_mode))) return fd;
    close(fd);
    errno = EEXIST;
    return -1;
}

/*
 * Both ends of the FIFO. One that was left behind is used again: processes that lost their server may still hold it,
 * and are then counted by the new supervisor.
 */
static kw_status open_life(const kw__home *home, int *reader, int *writer, kw_error *error) {
    kw__path path;
    kw__home_file(home, KW__HOME_LIFE, &path);
    *reader = -1;
    *writer = -1;
    if (mkfifo(path.text, 0600) == 0 || errno == EEXIST) *reader = open_fifo(path.text, O_RDONLY);
    if (*reader >= 0) *writer = open_fifo(path.text, O_WRONLY);
    /* The shell is to wait in its read. */
    if (*writer >= 0 && fcntl(*reader, F_SETFL, 0) == 0) return KW_OK;
    int problem = errno;
    close_kept(*reader);
    close_kept(*writer);
    return kw__embedded_failed(error, "cannot use", path.text, problem);
}

/* A session of its own, so that Ctrl-C in our terminal does not reach it, and signals as they are by default. */
static int set_attributes(posix_spawnattr_t *attributes) {
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    sigdelset(&all, SIGKILL);
    sigdelset(&all, SIGSTOP);
    int flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
#if defined(POSIX_SPAWN_SETSID)
    flags |= POSIX_SPAWN_SETSID;
#else
    flags |= POSIX_SPAWN_SETPGROUP;
#endif
#if defined(POSIX_SPAWN_CLOEXEC_DEFAULT)
    flags |= POSIX_SPAWN_CLOEXEC_DEFAULT;
#endif
    int failed = posix_spawnattr_setsigmask(attributes, &none);
    if (failed == 0) failed = posix_spawnattr_setsigdefault(attributes, &all);
    return failed != 0 ? failed : posix_spawnattr_setflags(attributes, (short)flags);
}

/* What the program has open without O_CLOEXEC is not for the supervisor. */
static int close_others(posix_spawn_file_actions_t *actions) {
    int failed = 0;
#if defined(POSIX_SPAWN_CLOEXEC_DEFAULT)
    (void)actions;
#elif defined(__GLIBC__) && (__GLIBC__ > 2 || (__GLIBC__ == 2 && __GLIBC_MINOR__ >= 34))
    failed = posix_spawn_file_actions_addclosefrom_np(actions, LIFE_FD + 1);
#else
    long limit = sysconf(_SC_OPEN_MAX);
    if (limit < 0 || limit > MOST_FDS) limit = MOST_FDS;
    for (int fd = LIFE_FD + 1; fd < limit && failed == 0; fd++) {
        int flags = fcntl(fd, F_GETFD);
        if (flags >= 0 && (flags & FD_CLOEXEC) == 0) failed = posix_spawn_file_actions_addclose(actions, fd);
    }
#endif
    return failed;
}

static int set_files(posix_spawn_file_actions_t *actions, int log, int lock, int life) {
    const int from_to[][2] = {{log, STDOUT_FILENO}, {log, STDERR_FILENO}, {lock, LOCK_FD}, {life, LIFE_FD}};
    int failed = posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    for (size_t i = 0; i < sizeof from_to / sizeof from_to[0] && failed == 0; i++)
        failed = posix_spawn_file_actions_adddup2(actions, from_to[i][0], from_to[i][1]);
    return failed != 0 ? failed : close_others(actions);
}

/* Spawns the shell and waits until it has left the supervisor behind. Returns an errno. */
static int spawn(char *const *arguments, int log, int lock, int life) {
    posix_spawnattr_t attributes;
    int failed = posix_spawnattr_init(&attributes);
    if (failed != 0) return failed;
    posix_spawn_file_actions_t actions;
    failed = posix_spawn_file_actions_init(&actions);
    if (failed == 0) {
        failed = set_attributes(&attributes);
        if (failed == 0) failed = set_files(&actions, log, lock, life);
        pid_t shell = 0;
        if (failed == 0) failed = posix_spawn(&shell, "/bin/sh", &actions, &attributes, arguments, environ);
        /* ECHILD: the program ignores SIGCHLD, or has waited for all its children itself. */
        while (failed == 0 && waitpid(shell, NULL, 0) < 0 && errno == EINTR)
            continue;
        posix_spawn_file_actions_destroy(&actions);
    }
    posix_spawnattr_destroy(&attributes);
    return failed;
}

static int spawn_supervisor(const kw__home *home, const char *program, int log, int lock, int life) {
    const char *const arguments[] = {"/bin/sh",
                                     "-c",
                                     supervisor,
                                     "keywright-supervisor",
                                     home->shared ? "shared" : "private",
                                     home->directory.text,
                                     home->elsewhere.text,
                                     program,
                                     "--port",
                                     "0",
                                     "--unixsocket",
                                     home->socket.text,
                                     "--unixsocketperm",
                                     "700",
                                     "--dir",
                                     home->directory.text,
                                     "--save",
                                     "",
                                     "--appendonly",
                                     home->shared ? "yes" : "no",
                                     NULL};
    /* posix_spawn does not write to them; its type is older than const. */
    return spawn((char *const *)(uintptr_t)arguments, log, lock, life);
}

kw_status kw__embedded_launch(const kw__home *home, const char *program, int lock, kw__launched *launched,
                              kw_error *error) {
    kw__path path;
    kw__home_file(home, KW__HOME_LOG, &path);
    int log = kw__home_keep(open(path.text, O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (log < 0) return kw__embedded_failed(error, "cannot write", path.text, errno);
    int reader, writer;
    kw_status status = open_life(home, &reader, &writer, error);
    if (status != KW_OK) {
        close(log);
        return status;
    }
    int failed = spawn_supervisor(home, program, log, lock, reader);
    close(reader);
    if (failed != 0) {
        close(writer);
        close(log);
        return kw__embedded_failed(error, "cannot run", "/bin/sh", failed);
    }
    *launched = (kw__launched){.life = writer, .log = log};
    return KW_OK;
}

int kw__embedded_attach(const kw__home *home) {
    kw__path path;
    kw__home_file(home, KW__HOME_LIFE, &path);
    int writer = open_fifo(path.text, O_WRONLY);
    if (writer < 0) return -1;
    /* With a reader of our own, writing cannot raise SIGPIPE. Gone or another by now: the server is closing. */
    int reader = open_fifo(path.text, O_RDONLY);
    struct stat written, read;
    bool same = reader >= 0 && fstat(writer, &written) == 0 && fstat(reader, &read) == 0 &&
                written.st_ino == read.st_ino && written.st_dev == read.st_dev;
    bool told = same && write(writer, "+\n", 2) == 2;
    close_kept(reader);
    if (told) return writer;
    close(writer);
    errno = ENOENT;
    return -1;
}
