/* What the files of the URL parser share. Positions are offsets in the text as it was given. */
#ifndef KW__URL_PARSER_H
#define KW__URL_PARSER_H

#include "redis/url.h"

/* A part of the text: from is its first byte, to the one after its last. */
typedef struct kw__span {
    size_t from;
    size_t to;
} kw__span;

typedef struct kw__url_parser {
    const char *text;
    size_t length;
    const char *scheme; /* static, in lower case */
    uint32_t given;     /* a bit for each kw__url_option that the URL has set */
    kw__url *url;
    kw_error *error;
} kw__url_parser;

/* The options of a query, in the order of their table in url_options.c. */
typedef enum kw__url_option {
    KW__URL_DATABASE,
    KW__URL_CLIENT_NAME,
    KW__URL_PREFIX,
    KW__URL_TIMEOUT,
    KW__URL_CONNECT_TIMEOUT,
    KW__URL_PROTOCOL,
    KW__URL_MAX_IN_FLIGHT,
    KW__URL_SERVER_PATH,
    KW__URL_THREADS,
    KW__URL_CA, /* from here on with TLS only */
    KW__URL_CERT,
    KW__URL_KEY,
    KW__URL_SERVER_NAME,
    KW__URL_VERIFY,
} kw__url_option;

/* How a number is spelt out when it is wrong: "the port", and the reasons for what is no number and what is
 * out of bounds. */
typedef struct kw__url_number {
    const char *what;
    kw_reason syntax;
    kw_reason range;
    int64_t least;
    int64_t most;
} kw__url_number;

/* Decodes %XX into a text of the caller's. A bad code, and %00, are refused. */
kw_status kw__url_decode(const kw__url_parser *parser, kw__span span, char **out);

/* Where in the text the byte stands that became byte `index` of what was decoded from `from` on. */
size_t kw__url_position(const kw__url_parser *parser, size_t from, size_t index);

kw_status kw__url_read_number(const kw__url_parser *parser, kw__span span, const kw__url_number *number, int64_t *out);

/* Reads the query, its '?' left out. */
kw_status kw__url_read_query(kw__url_parser *parser, kw__span query);

/* Fills in what the URL left open: from the options, else the defaults. */
kw_status kw__url_settle(kw__url *url, const kw_client_options *options, kw_error *error);

/* Writes url->shown anew: the address under that scheme, without user and password. */
kw_status kw__url_show(kw__url *url, const char *scheme, kw_error *error);

#endif
