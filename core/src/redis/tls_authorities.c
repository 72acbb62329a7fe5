#include "redis/tls_authorities.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const kw__authorities_place kw__authorities_places[] = {
#if defined(__linux__)
    {"/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/certs"},    /* Debian, Ubuntu, Arch, Gentoo */
    {"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", NULL}, /* Red Hat, Fedora */
    {"/etc/pki/tls/certs/ca-bundle.crt", NULL},
    {"/etc/ssl/ca-bundle.pem", "/var/lib/ca-certificates/openssl"}, /* SUSE */
    {"/etc/ssl/cert.pem", NULL},                                    /* Alpine */
#elif defined(__APPLE__)
    {"/opt/homebrew/etc/ca-certificates/cert.pem", NULL}, /* Homebrew */
    {"/usr/local/etc/ca-certificates/cert.pem", NULL},    /* Homebrew on Intel */
    {"/etc/ssl/cert.pem", NULL},                          /* the system's */
#else
    {"/etc/ssl/cert.pem", "/etc/ssl/certs"}, /* FreeBSD, OpenBSD, NetBSD */
    {"/usr/local/share/certs/ca-root-nss.crt", NULL},
    {"/etc/ssl/certs/ca-certificates.crt", NULL},
#endif
    {NULL, NULL},
};

/* The environment, unless the program runs with rights that whoever set it has not. */
static const char *environment(const char *name) {
#if defined(__GLIBC__)
    const char *value = secure_getenv(name);
#else
    const char *value = getuid() == geteuid() && getgid() == getegid() ? getenv(name) : NULL;
#endif
    return value != NULL && *value != '\0' ? value : NULL;
}

static bool is_kind(const char *path, mode_t kind) {
    struct stat status;
    return path != NULL && stat(path, &status) == 0 && (status.st_mode & S_IFMT) == kind;
}

static bool is_file(const char *path) {
    return is_kind(path, S_IFREG) && access(path, R_OK) == 0;
}

/* Eight hexadecimal digits, a dot, digits: as `openssl rehash` names a certificate. */
static bool is_hashed_name(const char *name) {
    return strspn(name, "0123456789abcdef") == 8 && name[8] == '.' && name[9] != '\0' &&
           strspn(name + 9, "0123456789") == strlen(name + 9);
}

/* Whether it is a directory with a certificate that OpenSSL will find. */
static bool is_stocked(const char *path) {
    DIR *directory = path != NULL ? opendir(path) : NULL;
    if (directory == NULL) return false;
    bool found = false;
    struct dirent *entry;
    while (!found && (entry = readdir(directory)) != NULL)
        found = is_hashed_name(entry->d_name);
    closedir(directory);
    return found;
}

/* The same of one among several, with colons between. */
static bool is_one_stocked(const char *list) {
    for (const char *at = list; at != NULL; at = strchr(at, ':') != NULL ? strchr(at, ':') + 1 : NULL) {
        char path[1024];
        size_t length = strcspn(at, ":");
        if (length >= sizeof path) continue;
        memcpy(path, at, length);
        path[length] = '\0';
        if (is_stocked(path)) return true;
    }
    return false;
}

kw_status kw__tls_check_file(const char *what, const char *path, kw_error *error) {
    if (is_file(path)) return KW_OK;
    const char *why = access(path, R_OK) != 0 ? strerror(errno) : "it is no file";
    return kw__fail(error, KW_TLS, KW_REASON_TLS_FILE, "%s names %s, which cannot be read: %s", what, path, why);
}

static kw_status find_given(const char *path, kw__authorities *found, kw_error *error) {
    snprintf(found->told, sizeof found->told, "ca=%s", path);
    if (!is_kind(path, S_IFDIR)) {
        found->file = path;
        return kw__tls_check_file("ca", path, error);
    }
    found->directory = path;
    if (strchr(path, ':') != NULL) {
        return kw__fail(error, KW_TLS, KW_REASON_TLS_FILE,
                        "ca names the directory %s, whose colon would part it in two: use another path to it", path);
    }
    if (is_stocked(path)) return KW_OK;
    return kw__fail(
        error, KW_TLS, KW_REASON_TLS_FILE,
        "ca names the directory %s, in which no certificate has a name like 1a2b3c4d.0: type openssl rehash %s, or "
        "name a file",
        path, path);
}

static kw_status find_named(const char *file, const char *directory, kw__authorities *found, kw_error *error) {
    snprintf(found->told, sizeof found->told, "%s%s%s%s%s", file != NULL ? "SSL_CERT_FILE=" : "",
             file != NULL ? file : "", file != NULL && directory != NULL ? " and " : "",
             directory != NULL ? "SSL_CERT_DIR=" : "", directory != NULL ? directory : "");
    found->file = is_file(file) ? file : NULL;
    found->directory = directory != NULL && is_one_stocked(directory) ? directory : NULL;
    if (found->file != NULL || found->directory != NULL) return KW_OK;
    return kw__fail(
        error, KW_TLS, KW_REASON_TLS_FILE,
        "there are no CA certificates where the environment says, %s: correct it, or name a file by ca=", found->told);
}

/* A directory comes first: of it only what is needed is read. */
static bool find_at(kw__authorities_place place, kw__authorities *found) {
    if (is_stocked(place.directory))
        found->directory = place.directory;
    else if (is_file(place.file))
        found->file = place.file;
    const char *path = found->file != NULL ? found->file : found->directory;
    if (path != NULL) snprintf(found->told, sizeof found->told, "%s", path);
    return path != NULL;
}

static void add_tried(kw__buffer *tried, kw__authorities_place place) {
    const char *const paths[] = {place.file, place.directory};
    for (int i = 0; i < 2; i++) {
        if (paths[i] == NULL) continue;
        if (tried->length > 0) kw__buffer_text(tried, ", ");
        kw__buffer_text(tried, paths[i]);
    }
}

kw_status kw__authorities_find(const kw__url *url, kw__authorities_place own, const kw__authorities_place *places,
                               kw__authorities *found, kw_error *error) {
    *found = (kw__authorities){0};
    if (url->ca_file != NULL) return find_given(url->ca_file, found, error);
    const char *file = environment("SSL_CERT_FILE"), *directory = environment("SSL_CERT_DIR");
    if (file != NULL || directory != NULL) return find_named(file, directory, found, error);
    if (find_at(own, found)) return KW_OK;
    kw__buffer tried = {0};
    add_tried(&tried, own);
    for (; places->file != NULL || places->directory != NULL; places++) {
        if (find_at(*places, found)) {
            kw__buffer_free(&tried);
            return KW_OK;
        }
        add_tried(&tried, *places);
    }
    kw__buffer_append(&tried, "", 1);
    kw_status status = tried.failed
                           ? kw__fail_memory(error)
                           : kw__fail(error, KW_TLS, KW_REASON_TLS_FILE,
                                      "no CA certificates were found: install ca-certificates, or name a file by "
                                      "ca= or SSL_CERT_FILE; tried %s",
                                      tried.data);
    kw__buffer_free(&tried);
    return status;
}
