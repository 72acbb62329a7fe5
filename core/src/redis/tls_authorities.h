/* Where the certificates lie by which a server's certificate is judged. */
#ifndef KW__TLS_AUTHORITIES_H
#define KW__TLS_AUTHORITIES_H

#include "redis/url.h"

/* Where a system may keep them: all in one file, or one by one in a directory, under names made from their hashes. */
typedef struct kw__authorities_place {
    const char *file;
    const char *directory;
} kw__authorities_place;

/* What was found: a file, a directory (or several, with colons between), or both. */
typedef struct kw__authorities {
    const char *file;
    const char *directory;
    char told[160]; /* for messages */
} kw__authorities;

/*
 * The URL's, else those that SSL_CERT_FILE and SSL_CERT_DIR name, else those of the first place that has any: `own`,
 * which OpenSSL was built with, then `places`, which end with an empty one. KW_TLS when there are none.
 */
kw_status kw__authorities_find(const kw__url *url, kw__authorities_place own, const kw__authorities_place *places,
                               kw__authorities *found, kw_error *error);

/* The places of the systems that are known. */
extern const kw__authorities_place kw__authorities_places[];

/* KW_OK when it is a file that can be read; `what` says whose it is. */
kw_status kw__tls_check_file(const char *what, const char *path, kw_error *error);

#endif
