/* The settings of a client: the query of its URL, then the options it was opened with, then the defaults. */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "redis/url_parser.h"

enum { TEXT_MAX = 64, SERVER_NAME_MAX = 253, DEFAULT_IN_FLIGHT = 16384, MOST_IN_FLIGHT = 1 << 20 };

static const int64_t default_timeout_us = 5 * KW__SECOND;

static const char known_options[] =
    "database, client_name, prefix, timeout, connect_timeout, protocol, max_in_flight, server_path, threads; with TLS also "
    "ca, cert, key, server_name, verify";

/* The first byte that a text may not hold, or its length. */
typedef size_t find_bad(const char *text);

static size_t bad_in_prefix(const char *text) {
    return strcspn(text, "{}:");
}

/* CLIENT SETNAME takes no others. */
static size_t bad_in_client_name(const char *text) {
    size_t at = 0;
    while (text[at] > ' ' && text[at] < 0x7F)
        at++;
    return at;
}

static size_t bad_in_any(const char *text) {
    return strlen(text);
}

/* A host's name, or an address. */
static size_t bad_in_server_name(const char *text) {
    return strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:");
}

typedef struct text_rule {
    const char *name;
    find_bad *bad;
    size_t most; /* 0: without bound */
    const char *bytes;
} text_rule;

static const text_rule prefix_rule = {"prefix", bad_in_prefix, TEXT_MAX, "any bytes but braces and colons"};
static const text_rule client_name_rule = {"client_name", bad_in_client_name, TEXT_MAX,
                                           "printable ASCII characters without spaces"};
static const text_rule server_path_rule = {"server_path", bad_in_any, 0, ""};
static const text_rule ca_rules[] = {{"ca", bad_in_any, 0, ""}, {"ca_file", bad_in_any, 0, ""}};
static const text_rule cert_rules[] = {{"cert", bad_in_any, 0, ""}, {"cert_file", bad_in_any, 0, ""}};
static const text_rule key_rules[] = {{"key", bad_in_any, 0, ""}, {"key_file", bad_in_any, 0, ""}};
static const text_rule server_name_rule = {"server_name", bad_in_server_name, SERVER_NAME_MAX,
                                           "letters, digits, '.', '-', '_', and ':' in an IPv6 address"};

static kw_status read_text(const kw__url_parser *parser, kw__span value, const text_rule *rule, char **out) {
    kw_status status = kw__url_decode(parser, value, out);
    if (status != KW_OK) return status;
    size_t length = strlen(*out);
    size_t bad = rule->bad(*out);
    if (bad < length)
        return kw__fail_at(parser->error, KW_REASON_URL_OPTION, kw__url_position(parser, value.from, bad),
                           "%s must be made of %s: change this byte", rule->name, rule->bytes);
    if (length == 0)
        return kw__fail_at(parser->error, KW_REASON_URL_OPTION, value.from,
                           "%s is empty: give it a value, or leave it out", rule->name);
    if (rule->most != 0 && length > rule->most)
        return kw__fail_at(parser->error, KW_REASON_URL_OPTION, kw__url_position(parser, value.from, rule->most),
                           "%s has %d bytes at most: shorten it", rule->name, (int)rule->most);
    return KW_OK;
}

static const struct {
    const char *name;
    int64_t us;
} units[] = {{"us", 1}, {"ms", 1000}, {"s", KW__SECOND}, {"m", 60 * KW__SECOND}, {"h", 3600 * KW__SECOND}};

/* The unit that fills the span, in microseconds; 0 when there is none. */
static int64_t read_unit(const kw__url_parser *parser, kw__span span) {
    kw__bytes given = kw__bytes_of(parser->text + span.from, span.to - span.from);
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (kw__bytes_equal(given, kw__bytes_text(units[i].name))) return units[i].us;
    }
    return 0;
}

static kw_status read_duration(const kw__url_parser *parser, kw__span value, const char *name, int64_t *out) {
    size_t at = value.from;
    while (at < value.to && parser->text[at] >= '0' && parser->text[at] <= '9')
        at++;
    if (at == value.from)
        return kw__fail_at(parser->error, KW_REASON_URL_OPTION, at,
                           "%s must be a whole number and a unit (us, ms, s, m, h): write 250ms or 2s", name);
    if (at == value.to)
        return kw__fail_at(parser->error, KW_REASON_URL_OPTION, at,
                           "%s has no unit: write us, ms, s, m or h behind the number, as 250ms or 2s", name);
    int64_t unit = read_unit(parser, (kw__span){at, value.to});
    if (unit == 0)
        return kw__fail_at(
            parser->error, KW_REASON_URL_OPTION, at,
            "%s has a unit that is none: write us, ms, s, m or h behind a whole number (1500ms for 1.5 s)", name);
    int64_t number;
    bool fits = kw__parse_integer(kw__bytes_of(parser->text + value.from, at - value.from), &number);
    if (!fits || number > (INT64_MAX - 1) / unit)
        return kw__fail_at(parser->error, KW_REASON_URL_OPTION, value.from,
                           "%s is too long: write less than 292,000 years", name);
    if (number == 0)
        return kw__fail_at(parser->error, KW_REASON_URL_OPTION, value.from,
                           "%s must be more than zero: write a duration, or leave it out for 5s", name);
    *out = number * unit;
    return KW_OK;
}

static kw_status set_database(kw__url_parser *parser, kw__span value) {
    static const kw__url_number rule = {"database", KW_REASON_URL_OPTION, KW_REASON_URL_OPTION, 0, INT32_MAX};
    int64_t number = 0;
    kw_status status = kw__url_read_number(parser, value, &rule, &number);
    parser->url->database = status == KW_OK ? (int)number : 0;
    return status;
}

static kw_status set_client_name(kw__url_parser *parser, kw__span value) {
    return read_text(parser, value, &client_name_rule, &parser->url->client_name);
}

static kw_status set_prefix(kw__url_parser *parser, kw__span value) {
    return read_text(parser, value, &prefix_rule, &parser->url->prefix);
}

static kw_status set_timeout(kw__url_parser *parser, kw__span value) {
    return read_duration(parser, value, "timeout", &parser->url->timeout_us);
}

static kw_status set_connect_timeout(kw__url_parser *parser, kw__span value) {
    return read_duration(parser, value, "connect_timeout", &parser->url->connect_timeout_us);
}

static kw_status set_protocol(kw__url_parser *parser, kw__span value) {
    static const kw__url_number rule = {"protocol", KW_REASON_URL_OPTION, KW_REASON_URL_OPTION, 2, 3};
    int64_t number = 0;
    kw_status status = kw__url_read_number(parser, value, &rule, &number);
    parser->url->protocol = status == KW_OK ? (int)number : 0;
    return status;
}

static kw_status set_max_in_flight(kw__url_parser *parser, kw__span value) {
    static const kw__url_number rule = {"max_in_flight", KW_REASON_URL_OPTION, KW_REASON_URL_OPTION, 1, MOST_IN_FLIGHT};
    return kw__url_read_number(parser, value, &rule, &parser->url->max_in_flight);
}

static kw_status set_server_path(kw__url_parser *parser, kw__span value) {
    return read_text(parser, value, &server_path_rule, &parser->url->server_path);
}

static kw_status set_threads(kw__url_parser *parser, kw__span value) {
    static const kw__url_number rule = {"threads", KW_REASON_URL_OPTION, KW_REASON_URL_OPTION, 0, 1};
    int64_t number = 1;
    kw_status status = kw__url_read_number(parser, value, &rule, &number);
    parser->url->threadless = number == 0;
    return status;
}

static kw_status set_ca(kw__url_parser *parser, kw__span value) {
    return read_text(parser, value, &ca_rules[0], &parser->url->ca_file);
}

static kw_status set_cert(kw__url_parser *parser, kw__span value) {
    return read_text(parser, value, &cert_rules[0], &parser->url->cert_file);
}

static kw_status set_key(kw__url_parser *parser, kw__span value) {
    return read_text(parser, value, &key_rules[0], &parser->url->key_file);
}

static kw_status set_server_name(kw__url_parser *parser, kw__span value) {
    return read_text(parser, value, &server_name_rule, &parser->url->server_name);
}

static bool read_verify(kw__bytes text, kw__verify *out) {
    static const struct {
        const char *word;
        kw__verify verify;
    } words[] = {{"full", KW__VERIFY_FULL}, {"chain", KW__VERIFY_CHAIN}, {"none", KW__VERIFY_NONE}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (!kw__bytes_equal(text, kw__bytes_text(words[i].word))) continue;
        *out = words[i].verify;
        return true;
    }
    return false;
}

static kw_status set_verify(kw__url_parser *parser, kw__span value) {
    if (read_verify(kw__bytes_of(parser->text + value.from, value.to - value.from), &parser->url->verify)) return KW_OK;
    return kw__fail_at(parser->error, KW_REASON_URL_OPTION, value.from,
                       "verify must be full, chain or none: leave it out for full");
}

typedef struct option_row {
    const char *name;
    kw_status (*set)(kw__url_parser *parser, kw__span value);
} option_row;

static const option_row rows[] = {
    [KW__URL_DATABASE] = {"database", set_database},
    [KW__URL_CLIENT_NAME] = {"client_name", set_client_name},
    [KW__URL_PREFIX] = {"prefix", set_prefix},
    [KW__URL_TIMEOUT] = {"timeout", set_timeout},
    [KW__URL_CONNECT_TIMEOUT] = {"connect_timeout", set_connect_timeout},
    [KW__URL_PROTOCOL] = {"protocol", set_protocol},
    [KW__URL_MAX_IN_FLIGHT] = {"max_in_flight", set_max_in_flight},
    [KW__URL_SERVER_PATH] = {"server_path", set_server_path},
    [KW__URL_THREADS] = {"threads", set_threads},
    [KW__URL_CA] = {"ca", set_ca},
    [KW__URL_CERT] = {"cert", set_cert},
    [KW__URL_KEY] = {"key", set_key},
    [KW__URL_SERVER_NAME] = {"server_name", set_server_name},
    [KW__URL_VERIFY] = {"verify", set_verify},
};

enum { OPTIONS = sizeof rows / sizeof rows[0] };

static kw_status unknown_option(const kw__url_parser *parser, kw__bytes name, size_t position) {
    static const char *const credentials[] = {"user", "username", "password", "auth"};
    for (size_t i = 0; i < sizeof credentials / sizeof credentials[0]; i++) {
        if (kw__bytes_equal(name, kw__bytes_text(credentials[i])))
            return kw__fail_at(
                parser->error, KW_REASON_URL_OPTION, position,
                "user and password are no options: write them before the host, as user:password@; options "
                "are %s",
                known_options);
    }
    return kw__fail_at(parser->error, KW_REASON_URL_OPTION, position, "there is no such option: use one of %s",
                       known_options);
}

/* One "name=value". */
static kw_status read_option(kw__url_parser *parser, kw__span span) {
    size_t equals = span.from;
    while (equals < span.to && parser->text[equals] != '=')
        equals++;
    kw__bytes name = kw__bytes_of(parser->text + span.from, equals - span.from);
    int option = 0;
    while (option < OPTIONS && !kw__bytes_equal(name, kw__bytes_text(rows[option].name)))
        option++;
    if (option == OPTIONS) return unknown_option(parser, name, span.from);
    if (equals == span.to)
        return kw__fail_at(parser->error, KW_REASON_URL_OPTION, span.to, "%s has no value: write %s= and the value",
                           rows[option].name, rows[option].name);
    if ((parser->given >> option & 1) != 0)
        return kw__fail_at(parser->error, KW_REASON_URL_OPTION, span.from, "%s is given twice%s: leave one of them out",
                           rows[option].name, option == KW__URL_DATABASE ? " (it can stand behind the host too)" : "");
    if (option == KW__URL_SERVER_PATH && parser->url->kind != KW__ADDRESS_EMBEDDED)
        return kw__fail_at(parser->error, KW_REASON_URL_OPTION, span.from,
                           "server_path belongs to embedded:// only, for nothing is started here: leave it out");
    if (option >= KW__URL_CA && parser->url->tls == NULL)
        return kw__fail_at(
            parser->error, KW_REASON_URL_OPTION, span.from,
            "%s belongs to TLS, which this URL does not ask for: write rediss:// or valkeys://, or leave "
            "it out",
            rows[option].name);
    parser->given |= UINT32_C(1) << option;
    return rows[option].set(parser, (kw__span){equals + 1, span.to});
}

kw_status kw__url_read_query(kw__url_parser *parser, kw__span query) {
    const uint32_t with_key = UINT32_C(1) << KW__URL_KEY, with_cert = UINT32_C(1) << KW__URL_CERT;
    size_t from = query.from, key_at = query.to;
    while (from < query.to) {
        const char *end = memchr(parser->text + from, '&', query.to - from);
        size_t to = end != NULL ? (size_t)(end - parser->text) : query.to;
        if (from == to || to + 1 == query.to)
            return kw__fail_at(parser->error, KW_REASON_URL_OPTION, from == to ? from : to,
                               "there is no option beside this &: leave it out");
        kw_status status = read_option(parser, (kw__span){from, to});
        if (status != KW_OK) return status;
        if ((parser->given & with_key) != 0 && key_at == query.to) key_at = from;
        from = to + 1;
    }
    if (key_at < query.to && (parser->given & with_cert) == 0)
        return kw__fail_at(parser->error, KW_REASON_URL_OPTION, key_at,
                           "key is the key of a certificate: name that too, by cert=");
    return KW_OK;
}

/* A program that was compiled against an older header gives a shorter structure: what it does not have is
 * zero. */
static kw_client_options complete(const kw_client_options *options) {
    kw_client_options whole = {0};
    if (options == NULL) return whole;
#define KW__HAS(field) (options->size >= offsetof(kw_client_options, field) + sizeof options->field)
    if (KW__HAS(flags)) whole.flags = options->flags;
    if (KW__HAS(client_name)) whole.client_name = options->client_name;
    if (KW__HAS(prefix)) whole.prefix = options->prefix;
    if (KW__HAS(timeout_us)) whole.timeout_us = options->timeout_us;
    if (KW__HAS(connect_timeout_us)) whole.connect_timeout_us = options->connect_timeout_us;
    if (KW__HAS(max_in_flight)) whole.max_in_flight = options->max_in_flight;
    if (KW__HAS(interrupt_us)) whole.interrupt_us = options->interrupt_us;
    if (KW__HAS(threadless)) whole.threadless = options->threadless;
    if (KW__HAS(server_path)) whole.server_path = options->server_path;
    if (KW__HAS(ca_file)) whole.ca_file = options->ca_file;
    if (KW__HAS(cert_file)) whole.cert_file = options->cert_file;
    if (KW__HAS(key_file)) whole.key_file = options->key_file;
    if (KW__HAS(server_name)) whole.server_name = options->server_name;
    if (KW__HAS(verify)) whole.verify = options->verify;
#undef KW__HAS
    return whole;
}

/* Checks a text of the options, and takes it unless the URL gave one. `fallback` may be NULL. */
static kw_status settle_text(const char *option, const char *fallback, const text_rule *rule, char **out,
                             kw_error *error) {
    if (option != NULL) {
        size_t length = strlen(option);
        if (length == 0)
            return kw__fail(error, KW_INVALID, KW_REASON_TEXT_LENGTH,
                            "%s of kw_client_options is empty: give a value, or NULL for the default", rule->name);
        if (rule->most != 0 && length > rule->most)
            return kw__fail(error, KW_INVALID, KW_REASON_TEXT_LENGTH,
                            "%s of kw_client_options is longer than %d bytes: shorten it", rule->name, (int)rule->most);
        if (rule->bad(option) < length)
            return kw__fail_at(error, KW_REASON_OPTION, rule->bad(option),
                               "%s of kw_client_options must be made of %s: change this byte", rule->name, rule->bytes);
        fallback = option;
    }
    if (*out != NULL || fallback == NULL) return KW_OK;
    *out = kw__copy_text(fallback, strlen(fallback));
    return *out != NULL ? KW_OK : kw__fail_memory(error);
}

static kw_status settle_duration(int64_t option, const char *name, int64_t *out, kw_error *error) {
    if (option < 0)
        return kw__fail(error, KW_INVALID, KW_REASON_TIMEOUT,
                        "%s of kw_client_options is negative: give microseconds, or 0 for the default of 5 s", name);
    if (*out == 0) *out = option > 0 ? option : default_timeout_us;
    return KW_OK;
}

/* A certificate that the URL names has its key there too. */
static kw_status settle_tls(kw__url *url, const kw_client_options *given, kw_error *error) {
    bool by_url = url->cert_file != NULL;
    if (!by_url && given->key_file != NULL && given->cert_file == NULL)
        return kw__fail(error, KW_INVALID, KW_REASON_OPTION,
                        "key_file of kw_client_options is the key of a certificate: set cert_file too");
    kw__verify verify = KW__VERIFY_FULL;
    if (given->verify != NULL && !read_verify(kw__bytes_text(given->verify), &verify))
        return kw__fail(error, KW_INVALID, KW_REASON_OPTION,
                        "verify of kw_client_options must be full, chain or none, or NULL for full");
    if (url->verify == KW__VERIFY_UNSAID) url->verify = verify;
    kw_status status = settle_text(given->ca_file, NULL, &ca_rules[1], &url->ca_file, error);
    if (status == KW_OK)
        status = settle_text(by_url ? NULL : given->cert_file, NULL, &cert_rules[1], &url->cert_file, error);
    if (status == KW_OK)
        status = settle_text(by_url ? NULL : given->key_file, url->cert_file, &key_rules[1], &url->key_file, error);
    if (status == KW_OK)
        status = settle_text(given->server_name, url->host, &server_name_rule, &url->server_name, error);
    return status;
}

kw_status kw__url_settle(kw__url *url, const kw_client_options *options, kw_error *error) {
    kw_client_options given = complete(options);
    if (given.flags != 0)
        return kw__fail(error, KW_INVALID, KW_REASON_OPTION,
                        "flags of kw_client_options has unknown bits: set it to 0");
    if (given.max_in_flight < 0 || given.max_in_flight > MOST_IN_FLIGHT)
        return kw__fail(error, KW_INVALID, KW_REASON_OPTION,
                        "max_in_flight of kw_client_options must lie between 1 and %d, or be 0 for %d", MOST_IN_FLIGHT,
                        DEFAULT_IN_FLIGHT);
    if (given.interrupt_us < 0)
        return kw__fail(error, KW_INVALID, KW_REASON_OPTION, "interrupt_us of kw_client_options must be 0 and more");
    url->interrupt_us = given.interrupt_us;
    if (given.threadless != 0 && given.threadless != 1)
        return kw__fail(error, KW_INVALID, KW_REASON_OPTION, "threadless of kw_client_options must be 0 or 1");
    if (given.threadless == 1) url->threadless = 1;
    if (url->max_in_flight == 0)
        url->max_in_flight = given.max_in_flight != 0 ? given.max_in_flight : DEFAULT_IN_FLIGHT;
    kw_status status = settle_duration(given.timeout_us, "timeout_us", &url->timeout_us, error);
    if (status == KW_OK)
        status = settle_duration(given.connect_timeout_us, "connect_timeout_us", &url->connect_timeout_us, error);
    if (status == KW_OK)
        status = settle_text(given.client_name, "keywright", &client_name_rule, &url->client_name, error);
    if (status == KW_OK) status = settle_text(given.prefix, "kw", &prefix_rule, &url->prefix, error);
    if (status == KW_OK && url->kind == KW__ADDRESS_EMBEDDED)
        status = settle_text(given.server_path, NULL, &server_path_rule, &url->server_path, error);
    if (status == KW_OK && url->tls != NULL) status = settle_tls(url, &given, error);
    return status;
}
