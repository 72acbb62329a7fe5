/*
 * Taking a URL apart. Nothing that was given is ever quoted in a message: a URL with a slip in it may show
 * its password in any place. The position says where to look.
 */
#include "redis/url.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/memory.h"
#include "redis/extra_scheme.h"
#include "redis/tls.h"
#include "redis/url_parser.h"

enum { DEFAULT_PORT = 6379, HOST_MAX = 253, SOCKET_PATH_MAX = sizeof(((struct sockaddr_un *)0)->sun_path) - 1 };

static const kw__url_number port_number = {"the port", KW_REASON_URL_SYNTAX, KW_REASON_RANGE, 1, 65535};
static const kw__url_number database_number = {"the database after the host", KW_REASON_URL_SYNTAX, KW_REASON_RANGE, 0,
                                               INT32_MAX};

/* The first of the bytes in `set` inside span, or span.to. */
static size_t find_any(const kw__url_parser *parser, kw__span span, const char *set) {
    while (span.from < span.to && strchr(set, parser->text[span.from]) == NULL)
        span.from++;
    return span.from;
}

static int hex_digit(char digit) {
    if (digit >= '0' && digit <= '9') return digit - '0';
    digit |= 0x20;
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

kw_status kw__url_decode(const kw__url_parser *parser, kw__span span, char **out) {
    char *decoded = kw__malloc(span.to - span.from + 1);
    if (decoded == NULL) return kw__fail_memory(parser->error);
    size_t length = 0;
    for (size_t at = span.from; at < span.to; at++) {
        char byte = parser->text[at];
        if (byte == '%') {
            int high = span.to - at > 2 ? hex_digit(parser->text[at + 1]) : -1;
            int low = span.to - at > 2 ? hex_digit(parser->text[at + 2]) : -1;
            if (high < 0 || low < 0 || high + low == 0) {
                kw__free(decoded);
                if (high < 0 || low < 0)
                    return kw__fail_at(parser->error, KW_REASON_URL_SYNTAX, at,
                                       "%% must be followed by two hexadecimal digits; write %%25 for a percent sign");
                return kw__fail_at(parser->error, KW_REASON_URL_SYNTAX, at,
                                   "%%00 stands for a NUL byte, which no part of a URL may hold: leave it out");
            }
            byte = (char)(high << 4 | low);
            at += 2;
        }
        decoded[length++] = byte;
    }
    decoded[length] = '\0';
    *out = decoded;
    return KW_OK;
}

size_t kw__url_position(const kw__url_parser *parser, size_t from, size_t index) {
    for (; index > 0; index--)
        from += parser->text[from] == '%' ? 3 : 1;
    return from;
}

kw_status kw__url_read_number(const kw__url_parser *parser, kw__span span, const kw__url_number *number, int64_t *out) {
    size_t at = span.from;
    while (at < span.to && parser->text[at] >= '0' && parser->text[at] <= '9')
        at++;
    if (at < span.to || span.from == span.to)
        return kw__fail_at(parser->error, number->syntax, at,
                           "%s must be a number from %" PRId64 " to %" PRId64 ", in digits and nothing else",
                           number->what, number->least, number->most);
    if (!kw__parse_integer(kw__bytes_of(parser->text + span.from, span.to - span.from), out) || *out < number->least ||
        *out > number->most)
        return kw__fail_at(parser->error, number->range, span.from, "%s must lie between %" PRId64 " and %" PRId64,
                           number->what, number->least, number->most);
    return KW_OK;
}

/* What stands before an @: "user:password" or ":password". On success `authority` begins behind it. */
static kw_status read_user(kw__url_parser *parser, kw__span *authority) {
    size_t at = find_any(parser, *authority, "@");
    if (at == authority->to) return KW_OK;
    if (find_any(parser, (kw__span){at + 1, authority->to}, "@") != authority->to)
        return kw__fail_at(parser->error, KW_REASON_URL_SYNTAX, at,
                           "there is more than one @ before the host: within user or password write it as %%40");
    size_t colon = find_any(parser, (kw__span){authority->from, at}, ":");
    if (colon == at)
        return kw__fail_at(
            parser->error, KW_REASON_URL_SYNTAX, at,
            "there is a user but no password: write user:password@, or :password@ for the default user, or "
            "leave out all up to the @");
    if (colon + 1 == at)
        return kw__fail_at(parser->error, KW_REASON_URL_SYNTAX, at,
                           "the password is empty: write it between : and @, or leave out all up to the @");
    kw_status status = KW_OK;
    if (colon > authority->from)
        status = kw__url_decode(parser, (kw__span){authority->from, colon}, &parser->url->user);
    if (status == KW_OK) status = kw__url_decode(parser, (kw__span){colon + 1, at}, &parser->url->password);
    authority->from = at + 1;
    return status;
}

static bool is_host_byte(char byte) {
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
           byte == '.' || byte == '-' || byte == '_';
}

static kw_status read_host_name(kw__url_parser *parser, kw__span host) {
    if (host.from == host.to)
        return kw__fail_at(parser->error, KW_REASON_URL_SYNTAX, host.from,
                           "the URL names no host: write %s://localhost for a server on this machine", parser->scheme);
    for (size_t at = host.from; at < host.to; at++) {
        if (!is_host_byte(parser->text[at]))
            return kw__fail_at(
                parser->error, KW_REASON_URL_SYNTAX, at,
                "a host name has letters, digits, '.', '-' and '_' only; one host, and an IPv6 address in "
                "brackets");
    }
    if (host.to - host.from > HOST_MAX)
        return kw__fail_at(parser->error, KW_REASON_URL_SYNTAX, host.from + HOST_MAX,
                           "a host name has %d bytes at most: shorten it", HOST_MAX);
    return kw__url_decode(parser, host, &parser->url->host);
}

/* The inside of the brackets: an IPv6 address, "%25" and the name of an interface behind it where it is a
 * local one. */
static kw_status read_ipv6(kw__url_parser *parser, kw__span inside) {
    kw_status status = kw__url_decode(parser, inside, &parser->url->host);
    if (status != KW_OK) return status;
    char *host = parser->url->host;
    char *zone = strchr(host, '%');
    if (zone != NULL) *zone = '\0';
    struct in6_addr address;
    bool good = inet_pton(AF_INET6, host, &address) == 1 && (zone == NULL || zone[1] != '\0');
    if (zone != NULL) *zone = '%';
    if (!good)
        return kw__fail_at(parser->error, KW_REASON_URL_SYNTAX, inside.from,
                           "there is no IPv6 address between the brackets: write [::1], or [fe80::1%%25eth0] with an "
                           "interface");
    return KW_OK;
}

/* What stands behind the host: nothing, or ":port". */
static kw_status read_port(kw__url_parser *parser, kw__span rest) {
    parser->url->port = DEFAULT_PORT;
    if (rest.from == rest.to) return KW_OK;
    if (parser->text[rest.from] != ':')
        return kw__fail_at(parser->error, KW_REASON_URL_SYNTAX, rest.from,
                           "after the bracket there can be a colon and the port only: [::1]:6379");
    int64_t port = 0;
    kw_status status = kw__url_read_number(parser, (kw__span){rest.from + 1, rest.to}, &port_number, &port);
    parser->url->port = (int)port;
    return status;
}

/* host[:port] or [address][:port], filling the whole of authority. */
static kw_status read_host(kw__url_parser *parser, kw__span authority) {
    bool bracket = authority.from < authority.to && parser->text[authority.from] == '[';
    size_t end = find_any(parser, authority, bracket ? "]" : ":");
    if (bracket && end == authority.to)
        return kw__fail_at(parser->error, KW_REASON_URL_SYNTAX, authority.from,
                           "the bracket is not closed: write an IPv6 address as [::1]");
    size_t second = end < authority.to ? find_any(parser, (kw__span){end + 1, authority.to}, ":") : end;
    if (!bracket && second < authority.to)
        return kw__fail_at(parser->error, KW_REASON_URL_SYNTAX, second,
                           "there is a second colon: write an IPv6 address in brackets, as [::1], and put an @ behind "
                           "user:password");
    kw_status status = bracket ? read_ipv6(parser, (kw__span){authority.from + 1, end})
                               : read_host_name(parser, (kw__span){authority.from, end});
    if (status != KW_OK) return status;
    return read_port(parser, (kw__span){bracket ? end + 1 : end, authority.to});
}

/* redis:// and valkey://: an authority, then "", "/" or "/database". */
static kw_status read_tcp(kw__url_parser *parser, kw__span authority, kw__span path) {
    parser->url->kind = KW__ADDRESS_TCP;
    kw__span rest = {authority.to, parser->length};
    if (find_any(parser, authority, "@") == authority.to && find_any(parser, rest, "@") != rest.to)
        return kw__fail_at(
            parser->error, KW_REASON_URL_SYNTAX, rest.from,
            "an @ comes after the end of the host: within user or password write / as %%2F and ? as %%3F, and "
            "an @ in an option as %%40");
    kw_status status = read_user(parser, &authority);
    if (status == KW_OK) status = read_host(parser, authority);
    if (status != KW_OK || path.to - path.from < 2) return status;
    int64_t database;
    status = kw__url_read_number(parser, (kw__span){path.from + 1, path.to}, &database_number, &database);
    if (status != KW_OK) return status;
    parser->url->database = (int)database;
    parser->given |= UINT32_C(1) << KW__URL_DATABASE;
    return KW_OK;
}

static kw_status read_unix(kw__url_parser *parser, kw__span authority, kw__span path) {
    parser->url->kind = KW__ADDRESS_UNIX;
    kw_status status = read_user(parser, &authority);
    if (status != KW_OK) return status;
    if (authority.from != authority.to || path.to - path.from < 2)
        return kw__fail_at(parser->error, KW_REASON_URL_SYNTAX, authority.from,
                           "the path of the socket must be absolute: write unix:///path/of/the/socket");
    status = kw__url_decode(parser, path, &parser->url->path);
    if (status == KW_OK && strlen(parser->url->path) > SOCKET_PATH_MAX)
        return kw__fail_at(
            parser->error, KW_REASON_URL_SYNTAX, kw__url_position(parser, path.from, SOCKET_PATH_MAX),
            "the path of a Unix socket has %d bytes at most on this system: use a shorter one, or a symbolic "
            "link to its directory",
            (int)SOCKET_PATH_MAX);
    return status;
}

static kw_status read_embedded(kw__url_parser *parser, kw__span authority, kw__span path) {
    parser->url->kind = KW__ADDRESS_EMBEDDED;
    if (authority.from != authority.to)
        return kw__fail_at(parser->error, KW_REASON_URL_SYNTAX, authority.from,
                           "a server of one's own has no host, user or password: write embedded://, or "
                           "embedded:///absolute/directory to keep its data");
    if (path.from == path.to) return KW_OK;
    kw_status status = kw__url_decode(parser, path, &parser->url->directory);
    if (status != KW_OK) return status;
    char *directory = parser->url->directory;
    size_t length = strlen(directory);
    while (length > 0 && directory[length - 1] == '/')
        length--;
    directory[length] = '\0';
    if (length == 0)
        return kw__fail_at(parser->error, KW_REASON_URL_SYNTAX, path.from,
                           "the root directory cannot hold the data: write embedded:///absolute/directory, or "
                           "embedded:// without a third slash");
    return KW_OK;
}

static kw_status read_extra(kw__url_parser *parser, kw__span authority, kw__span path) {
    parser->url->kind = KW__ADDRESS_EXTRA;
    if (authority.from != path.to)
        return kw__fail_at(parser->error, KW_REASON_URL_SYNTAX, authority.from, "nothing can follow %s:// but options",
                           parser->scheme);
    return KW_OK;
}

/* rediss:// and valkeys:// */
static kw_status read_tls(kw__url_parser *parser, kw__span authority, kw__span path) {
    kw_status status = kw__tls_open(&parser->url->tls, parser->error);
    if (status == KW_OK) return read_tcp(parser, authority, path);
    if (parser->error != NULL) parser->error->position = 0;
    return status;
}

typedef struct url_scheme {
    const char *name;
    kw_status (*read)(kw__url_parser *parser, kw__span authority, kw__span path);
} url_scheme;

static const url_scheme schemes[] = {
    {"redis", read_tcp},   {"valkey", read_tcp}, {"rediss", read_tls},
    {"valkeys", read_tls}, {"unix", read_unix},  {"embedded", read_embedded},
};

/* Whether text begins with name and "://", letters of either case. */
static bool has_scheme(const char *text, const char *name) {
    for (; *name != '\0'; name++, text++) {
        char byte = *text >= 'A' && *text <= 'Z' ? (char)(*text | 0x20) : *text;
        if (byte != *name) return false;
    }
    return strncmp(text, "://", 3) == 0;
}

static url_scheme find_scheme(const char *text) {
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        if (has_scheme(text, schemes[i].name)) return schemes[i];
    }
    const kw__extra_scheme *extra = kw__extra_scheme_of_tests;
    if (extra != NULL && has_scheme(text, extra->name)) return (url_scheme){extra->name, read_extra};
    return (url_scheme){0};
}

/* What no URL may hold as it is, in whatever part. */
static kw_status check_bytes(const kw__url_parser *parser) {
    for (size_t at = 0; at < parser->length; at++) {
        unsigned char byte = (unsigned char)parser->text[at];
        if (byte <= ' ' || byte == 0x7F)
            return kw__fail_at(
                parser->error, KW_REASON_URL_SYNTAX, at,
                "a URL holds no spaces and no control characters: write a space as %%20, and look for a line "
                "end at the end");
        if (byte == '#')
            return kw__fail_at(parser->error, KW_REASON_URL_SYNTAX, at,
                               "a URL of a server has no fragment: write # as %%23");
    }
    return KW_OK;
}

static kw_status read_url(kw__url_parser *parser) {
    url_scheme scheme = find_scheme(parser->text);
    if (scheme.read == NULL)
        return kw__fail_at(
            parser->error, KW_REASON_URL_SCHEME, 0,
            "the URL must begin with redis://, rediss:// (TLS), valkey://, valkeys:// (TLS), unix:// or embedded://, as "
            "redis://localhost:6379");
    parser->scheme = scheme.name;
    kw_status status = check_bytes(parser);
    if (status != KW_OK) return status;
    kw__span all = {strlen(scheme.name) + 3, parser->length};
    size_t query = find_any(parser, all, "?");
    kw__span authority = {all.from, find_any(parser, (kw__span){all.from, query}, "/")};
    status = scheme.read(parser, authority, (kw__span){authority.to, query});
    if (status != KW_OK || query == all.to) return status;
    return kw__url_read_query(parser, (kw__span){query + 1, all.to});
}

kw_status kw__url_parse(const char *text, const kw_client_options *options, kw__url *out, kw_error *error) {
    *out = (kw__url){0};
    if (text == NULL)
        return kw__fail(error, KW_INVALID, KW_REASON_NULL_ARGUMENT,
                        "the URL is NULL: give one, as redis://localhost:6379");
    kw__url_parser parser = {.text = text, .length = strlen(text), .url = out, .error = error};
    kw_status status = read_url(&parser);
    if (status == KW_OK) status = kw__url_settle(out, options, error);
    if (status == KW_OK) status = kw__url_show(out, parser.scheme, error);
    if (status != KW_OK) kw__url_free(out);
    return status;
}

void kw__url_free(kw__url *url) {
    char *texts[] = {url->host,      url->path,     url->directory,  url->server_path, url->user,
                     url->password,  url->prefix,   url->shown,      url->client_name, url->ca_file,
                     url->cert_file, url->key_file, url->server_name};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        kw__free(texts[i]);
    kw__tls_free(url->tls);
    *url = (kw__url){0};
}

static void append_encoded(kw__buffer *out, const char *text) {
    static const char digits[] = "0123456789ABCDEF";
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;
        if (is_host_byte(*text) || byte == '/' || byte == '~' || byte == ':') {
            kw__buffer_append(out, text, 1);
        } else {
            char code[3] = {'%', digits[byte >> 4], digits[byte & 15]};
            kw__buffer_append(out, code, 3);
        }
    }
}

kw_status kw__url_show(kw__url *url, const char *scheme, kw_error *error) {
    kw__buffer out = {0};
    kw__buffer_text(&out, scheme);
    kw__buffer_text(&out, "://");
    if (url->kind == KW__ADDRESS_TCP) {
        bool ipv6 = strchr(url->host, ':') != NULL;
        kw__buffer_text(&out, ipv6 ? "[" : "");
        append_encoded(&out, url->host);
        kw__buffer_text(&out, ipv6 ? "]:" : ":");
        kw__buffer_integer(&out, url->port);
    } else if (url->kind == KW__ADDRESS_UNIX) {
        append_encoded(&out, url->path);
    } else if (url->kind == KW__ADDRESS_EMBEDDED && url->directory != NULL) {
        append_encoded(&out, url->directory);
    }
    if (url->database != 0) {
        kw__buffer_text(&out, url->kind == KW__ADDRESS_TCP ? "/" : "?database=");
        kw__buffer_integer(&out, url->database);
    }
    kw__buffer_append(&out, "", 1);
    if (out.failed) {
        kw__buffer_free(&out);
        return kw__fail_memory(error);
    }
    kw__free(url->shown);
    url->shown = out.data;
    return KW_OK;
}
