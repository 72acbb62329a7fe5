/* The URL of a client, taken apart: where the server is, who we are to it, and the client's settings. */
#ifndef KW__URL_H
#define KW__URL_H

#include "base/error.h"

typedef enum kw__address_kind {
    KW__ADDRESS_TCP,
    KW__ADDRESS_UNIX,
    KW__ADDRESS_EMBEDDED, /* a private server, turned into UNIX when it runs */
    KW__ADDRESS_EXTRA,    /* a scheme of the test library */
} kw__address_kind;

/* How much of the server's certificate is checked. */
typedef enum kw__verify {
    KW__VERIFY_UNSAID, /* until the settings are complete */
    KW__VERIFY_FULL,   /* that a CA signed it, and that it is for this server */
    KW__VERIFY_CHAIN,
    KW__VERIFY_NONE,
} kw__verify;

/* Texts are owned, NUL-terminated, NULL where nothing was said (host, path, user, password, directory, files, names).
 */
typedef struct kw__url {
    kw__address_kind kind;
    char *host;
    int port;
    char *path;      /* of the Unix socket */
    char *directory; /* of embedded:///directory */
    char *server_path;
    char *user;
    char *password;
    int database;
    int protocol; /* 0: RESP3 with fallback to 2; 2 or 3: that one */
    char *client_name;
    char *prefix;
    int64_t timeout_us;
    int64_t connect_timeout_us;
    int64_t max_in_flight;
    int64_t threadless;   /* 1: no native thread */
    int64_t interrupt_us; /* 0: blocking calls are not interrupted */
    struct kw__tls *tls;  /* NULL: the link is not encrypted, and what follows on TLS means nothing */
    char *ca_file;        /* or directory */
    char *cert_file;
    char *key_file;
    char *server_name;
    kw__verify verify;
    char *shown; /* the URL without user and password, for messages and kw_client_url */
} kw__url;

/* Takes a URL and options apart, defaults filled in. On failure `out` is empty and position names the offending byte.
 */
kw_status kw__url_parse(const char *text, const kw_client_options *options, kw__url *out, kw_error *error);
void kw__url_free(kw__url *url);

#endif
