#include "redis/greeting.h"

#include <stdio.h>

#include "redis/command.h"

enum { HELLO, AUTH, SETNAME, SELECT, INFO, ROLE, CLIENT_ID, KILL };

/* Versions that are the floor, and those that brought what we use when it is there. */
#define VERSION(major, minor) ((major) * INT64_C(1000000) + (minor) * INT64_C(1000))

static const struct {
    bool valkey;
    int64_t since;
    uint64_t capability;
} capabilities[] = {
    {true, VERSION(8, 1), KW_CAPABILITY_SET_IFEQ}, {true, VERSION(9, 0), KW_CAPABILITY_DELIFEQ},
    {true, VERSION(9, 2), KW_CAPABILITY_INCREX},   {false, VERSION(8, 4), KW_CAPABILITY_SET_IFEQ},
    {false, VERSION(8, 4), KW_CAPABILITY_DELEX},   {false, VERSION(8, 8), KW_CAPABILITY_INCREX},
};

static void ask(kw__greeting *greeting, kw__buffer *out, int what, int words, const char *const *word) {
    kw__command command = {.out = out};
    kw__command_begin(&command, words);
    for (int i = 0; i < words; i++)
        kw__command_text(&command, word[i]);
    greeting->commands[greeting->count++] = what;
}

#define ASK(what, ...)                                                                                                 \
    do {                                                                                                               \
        const char *const words_[] = {__VA_ARGS__};                                                                    \
        ask(greeting, out, what, (int)(sizeof words_ / sizeof *words_), words_);                                       \
    } while (0)

/* What is asked in either protocol, after the link speaks it. */
static void ask_rest(kw__greeting *greeting, kw__buffer *out) {
    ASK(SETNAME, "CLIENT", "SETNAME", greeting->url->client_name);
    if (greeting->url->database != 0) {
        char database[16];
        snprintf(database, sizeof database, "%d", greeting->url->database);
        ASK(SELECT, "SELECT", database);
    }
    ASK(INFO, "INFO", "server");
    ASK(ROLE, "ROLE");
    ASK(CLIENT_ID, "CLIENT", "ID");
    if (greeting->kill != 0) {
        char id[24] = "";
        kw__format_integer(greeting->kill, id);
        ASK(KILL, "CLIENT", "KILL", "ID", id);
    }
}

static void begin_resp2(kw__greeting *greeting, kw__buffer *out) {
    const kw__url *url = greeting->url;
    greeting->count = greeting->answered = 0;
    greeting->fall_back = false;
    greeting->server.protocol = 2;
    if (url->password != NULL && url->user != NULL)
        ASK(AUTH, "AUTH", url->user, url->password);
    else if (url->password != NULL)
        ASK(AUTH, "AUTH", url->password);
    ask_rest(greeting, out);
}

void kw__greeting_begin(kw__greeting *greeting, const kw__url *url, int64_t kill, kw__buffer *out) {
    *greeting = (kw__greeting){.url = url, .kill = kill, .server = {.protocol = 3}};
    if (url->protocol == 2) {
        begin_resp2(greeting, out);
        return;
    }
    if (url->password != NULL)
        ASK(HELLO, "HELLO", "3", "AUTH", url->user != NULL ? url->user : "default", url->password);
    else
        ASK(HELLO, "HELLO", "3");
    ask_rest(greeting, out);
}

static bool begins_with(kw__bytes bytes, const char *text) {
    size_t length = strlen(text);
    return bytes.length >= length && memcmp(bytes.data, text, length) == 0;
}

/* "7.0.15" and "8.1.1-rc1" to a number; 0 for what is none. */
static int64_t parse_version(const char *text) {
    int major = 0, minor = 0, patch = 0;
    if (sscanf(text, "%4d.%4d.%4d", &major, &minor, &patch) < 2) return 0;
    return VERSION(major, minor) + patch;
}

/* Copies the value of "name:value\r\n" from INFO's text; leaves out as it is when the name is not there. */
static bool info_value(kw__bytes info, const char *name, char *out, size_t capacity) {
    const char *at = info.data, *end = at + info.length;
    size_t length = strlen(name);
    while (at < end) {
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        const char *next = line_end == NULL ? end : line_end + 1;
        if ((size_t)(next - at) > length && memcmp(at, name, length) == 0 && at[length] == ':') {
            const char *value = at + length + 1;
            size_t size = 0;
            while (value + size < next && value[size] != '\r' && value[size] != '\n' && size + 1 < capacity)
                size++;
            memcpy(out, value, size);
            out[size] = '\0';
            return true;
        }
        at = next;
    }
    return false;
}

static void take_info(kw__server *server, const kw__reply *reply) {
    if (reply->kind != KW__REPLY_STRING) return; /* NOPERM: what HELLO told must do */
    char name[32] = "";
    info_value(reply->bytes, "run_id", server->run_id, sizeof server->run_id);
    info_value(reply->bytes, "server_name", name, sizeof name);
    if (strcmp(name, "valkey") == 0) server->valkey = true;
    if (!(server->valkey && info_value(reply->bytes, "valkey_version", server->version, sizeof server->version))) {
        info_value(reply->bytes, "redis_version", server->version, sizeof server->version);
    }
}

/* HELLO's reply is a flat map of names and values. */
static void take_hello(kw__server *server, const kw__reply *reply) {
    for (size_t i = 0; i + 1 < reply->count; i += 2) {
        const kw__reply *name = reply->elements[i], *value = reply->elements[i + 1];
        if (name->kind != KW__REPLY_STRING || value->kind != KW__REPLY_STRING) continue;
        if (kw__bytes_equal(name->bytes, kw__bytes_text("server"))) {
            server->valkey = kw__bytes_equal(value->bytes, kw__bytes_text("valkey"));
        } else if (kw__bytes_equal(name->bytes, kw__bytes_text("version"))) {
            size_t length = kw__utf8_cut(value->bytes.data, value->bytes.length, sizeof server->version - 1);
            memcpy(server->version, value->bytes.data, length);
            server->version[length] = '\0';
        }
    }
}

static void take_role(kw__server *server, const kw__reply *reply) {
    if (reply->kind != KW__REPLY_ARRAY || reply->count == 0 || reply->elements[0]->kind != KW__REPLY_STRING) return;
    server->role =
        kw__bytes_equal(reply->elements[0]->bytes, kw__bytes_text("master")) ? KW_ROLE_PRIMARY : KW_ROLE_REPLICA;
}

/* Replies that say "not this protocol" rather than "not you". */
static bool refuses_hello(const kw__reply *reply) {
    return begins_with(reply->bytes, "NOPROTO") || begins_with(reply->bytes, "NOPERM") ||
           begins_with(reply->bytes, "ERR unknown command") || begins_with(reply->bytes, "ERR Unknown command") ||
           begins_with(reply->bytes, "ERR unsupported");
}

static kw_status take_error(kw__greeting *greeting, int what, const kw__reply *reply, kw_error *error) {
    if (what == HELLO && refuses_hello(reply) && greeting->url->protocol != 3) {
        greeting->fall_back = true;
        return KW_OK;
    }
    if (greeting->fall_back) return KW_OK; /* the rest was asked in vain */
    if (what == AUTH && begins_with(reply->bytes, "ERR")) {
        kw__fail(error, KW_AUTH, KW_REASON_NONE,
                 "the server takes no password like this one: check user and password in the URL");
        kw__error_server(error, reply->bytes);
        return KW_AUTH;
    }
    if (what == SELECT) {
        kw__fail(error, KW_SERVER, KW_REASON_NONE, "the server has no database %d: check the URL",
                 greeting->url->database);
        kw__error_server(error, reply->bytes);
        return KW_SERVER;
    }
    if (what == KILL) return KW_OK; /* not allowed, or not known: what was under way stays unknown */
    bool probe = what == INFO || what == ROLE || what == CLIENT_ID || what == SETNAME;
    if (probe && begins_with(reply->bytes, "NOPERM")) return KW_OK;
    return kw__reply_failure(reply, error);
}

static kw_status judge(kw__server *server, kw_error *error) {
    server->version_number = parse_version(server->version);
    int64_t floor = server->valkey ? VERSION(7, 2) : VERSION(7, 0);
    if (server->version_number != 0 && server->version_number < floor) {
        return kw__fail(error, KW_TOO_OLD, KW_REASON_NONE,
                        "the server is %s %s: Redis 7.0 or Valkey 7.2 is the oldest that will do",
                        server->valkey ? "Valkey" : "Redis", server->version);
    }
    server->capabilities = 0;
    for (size_t i = 0; i < sizeof capabilities / sizeof *capabilities; i++) {
        if (capabilities[i].valkey == server->valkey && server->version_number >= capabilities[i].since) {
            server->capabilities |= capabilities[i].capability;
        }
    }
    return KW_OK;
}

kw_status kw__greeting_reply(kw__greeting *greeting, const kw__reply *reply, kw__buffer *out, bool *done,
                             kw_error *error) {
    *done = false;
    if (greeting->answered == greeting->count) return kw__reply_unexpected("the handshake", error);
    int what = greeting->commands[greeting->answered++];
    if (reply->kind == KW__REPLY_ERROR) {
        kw_status status = take_error(greeting, what, reply, error);
        if (status != KW_OK) return status;
    } else if (what == HELLO) {
        take_hello(&greeting->server, reply);
    } else if (what == INFO) {
        take_info(&greeting->server, reply);
    } else if (what == ROLE) {
        take_role(&greeting->server, reply);
    } else if (what == CLIENT_ID && reply->kind == KW__REPLY_INTEGER) {
        greeting->server.client_id = reply->integer;
    } else if (what == KILL && reply->kind == KW__REPLY_INTEGER) {
        greeting->server.killed = true; /* now, or it was gone already */
    }
    if (greeting->answered < greeting->count) return KW_OK;
    if (greeting->fall_back) {
        begin_resp2(greeting, out);
        return out->failed ? kw__fail_memory(error) : KW_OK;
    }
    *done = true;
    return judge(&greeting->server, error);
}
