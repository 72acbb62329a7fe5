/*
 * The handshake: HELLO 3 with user and password, client name, database, and the probes that tell which server this is,
 * all in one write. A server that will not speak RESP3 is asked again in RESP2.
 */
#ifndef KW__GREETING_H
#define KW__GREETING_H

#include "redis/reply.h"
#include "redis/url.h"

/* What the handshake learnt. */
typedef struct kw__server {
    bool valkey;
    char version[32];
    int64_t version_number; /* major * 1,000,000 + minor * 1,000 + patch; 0 when it would not tell */
    int protocol;
    kw_role role;
    uint64_t capabilities; /* bits of kw_capability */
    int64_t client_id;
    char run_id[48];
    bool killed; /* the link before this one is gone: nothing of it can arrive any more */
} kw__server;

#define KW__GREETING_COMMANDS 8

typedef struct kw__greeting {
    const kw__url *url;
    int64_t kill; /* client id of the link before, 0: none */
    kw__server server;
    int commands[KW__GREETING_COMMANDS]; /* what was asked, in order; see greeting.c */
    int count;
    int answered;
    bool fall_back; /* HELLO was refused: begin again in RESP2 after the last reply */
} kw__greeting;

/*
 * Writes the first commands to out. `kill` is the client id of a link that was lost with commands under way: it is
 * killed, so that a late copy of them cannot arrive behind their repetition.
 */
void kw__greeting_begin(kw__greeting *greeting, const kw__url *url, int64_t kill, kw__buffer *out);

/*
 * Takes one reply. May write further commands to out. `done` becomes true when the server is known and fit; a failure
 * (KW_AUTH, KW_TOO_OLD, KW_PROTOCOL, ...) ends the link.
 */
kw_status kw__greeting_reply(kw__greeting *greeting, const kw__reply *reply, kw__buffer *out, bool *done,
                             kw_error *error);

#endif
