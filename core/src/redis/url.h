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

/* Texts are owned, NUL-terminated, NULL where nothing was said (host, path, user, password, directory, server_path). */
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
    char *shown; /* the URL without user and password, for messages and kw_client_url */
} kw__url;

/* Takes a URL and options apart, defaults filled in. On failure `out` is empty and position names the offending byte. */
kw_status kw__url_parse(const char *text, const kw_client_options *options, kw__url *out, kw_error *error);
void kw__url_free(kw__url *url);

#endif
