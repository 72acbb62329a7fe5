#include "redis/reply.h"

kw_status kw__reply_unexpected(const char *name, kw_error *error) {
    return kw__fail(error, KW_PROTOCOL, KW_REASON_NONE,
                    "the reply of %s has another shape than it must have: is something between us and the server?",
                    name);
}

kw_status kw__reply_integers(const kw__reply *reply, size_t count, int64_t *out, kw_error *error) {
    if (reply->kind != KW__REPLY_ARRAY || reply->count != count) return kw__reply_unexpected("a script", error);
    for (size_t i = 0; i < count; i++) {
        if (reply->elements[i]->kind != KW__REPLY_INTEGER) return kw__reply_unexpected("a script", error);
        out[i] = reply->elements[i]->integer;
    }
    return KW_OK;
}

bool kw__reply_is_noscript(const kw__reply *reply) {
    return reply->kind == KW__REPLY_ERROR && reply->bytes.length >= 8 && memcmp(reply->bytes.data, "NOSCRIPT", 8) == 0;
}

/* The first word of an error reply says what it is. */
static const struct {
    const char *word;
    kw_status status;
    const char *text;
} failures[] = {
    {"WRONGTYPE", KW_WRONG_TYPE,
     "a key of ours holds something that is not ours: choose another prefix or remove that key"},
    {"READONLY", KW_READONLY, "the server is a replica or was demoted: connect to the primary"},
    {"LOADING", KW_LOADING, "the server is still loading its data: try again shortly"},
    {"OOM", KW_SERVER_MEMORY, "the server has no memory left for writes: raise maxmemory or free keys"},
    {"NOPERM", KW_PERMISSION, "the server's access list forbids the command to this user: allow it with ACL SETUSER"},
    {"NOAUTH", KW_AUTH, "the server asks for a password: put it into the URL, redis://:password@host"},
    {"WRONGPASS", KW_AUTH, "the server refused user or password: check them in the URL"},
    {"MISCONF", KW_SERVER, "the server refuses writes because it cannot save: see its log"},
    {"BUSY", KW_SERVER, "the server is busy with a script that does not end: see SCRIPT KILL"},
    {"MASTERDOWN", KW_READONLY, "the replica has lost its primary: connect to the primary"},
    {"NOREPLICAS", KW_SERVER, "the server refuses writes without enough replicas: see min-replicas-to-write"},
    {"MOVED", KW_UNSUPPORTED, "the server belongs to a cluster: give the address of a server that stands alone"},
    {"CROSSSLOT", KW_UNSUPPORTED,
     "the keys of this step lie in different slots of a cluster: decide what lies in each by itself, and by reservations "
     "what must hold together"},
    {"CLUSTERDOWN", KW_SERVER, "the cluster is down"},
};

kw_status kw__reply_failure(const kw__reply *reply, kw_error *error) {
    const char *words = reply->bytes.data;
    size_t length = reply->bytes.length;
    kw_status status = KW_SERVER;
    kw_reason reason = KW_REASON_NONE;
    const char *text = "the server answered with an error of its own";
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
        size_t word = strlen(failures[i].word);
        if (length >= word && memcmp(words, failures[i].word, word) == 0 && (length == word || words[word] == ' ')) {
            status = failures[i].status;
            text = failures[i].text;
            break;
        }
    }
    static const char too_many[] = "ERR max number of clients";
    if (length >= sizeof too_many - 1 && memcmp(words, too_many, sizeof too_many - 1) == 0) {
        status = KW_CONNECTION;
        reason = KW_REASON_MAX_CLIENTS;
        text = "the server has no room for another client: raise its maxclients";
    }
    kw__fail(error, status, reason, "%s", text);
    kw__error_server(error, reply->bytes);
    return status;
}
