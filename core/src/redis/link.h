/*
 * A link: one connection to a server, a line of commands in the order of writing, and the threads that share it.
 *
 * Whoever finds no flusher flushes for all, whoever finds no leader reads for all. The leader alone connects, reads,
 * and tears down. What a reply means is the user's matter (the engine): the link knows commands and replies, not calls.
 *
 * The life of a command: waiting (not yet written; no link is up or there is no room), in line (its bytes are in the
 * outgoing stream), answered or failed. A command in line keeps its place even when its owner has left.
 *
 * Commands of one group are coalesced (link_group.c): while one is in line the others are held, and when it is answered
 * they go as one command, whose reply is each one's.
 */
#ifndef KW__LINK_H
#define KW__LINK_H

#include <stdatomic.h>

#include "base/poller.h"
#include "base/sync.h"
#include "redis/greeting.h"
#include "redis/reader.h"
#include "redis/resolve.h"

typedef enum kw__place {
    KW__PLACE_NONE,
    KW__PLACE_WAITING,
    KW__PLACE_HELD, /* waits until one of its group, which is in line, is answered */
    KW__PLACE_LINE,
    KW__PLACE_DOOMED, /* failed, the user to be told by the leader */
} kw__place;

/* What a lost link means for a command that was sent. */
typedef enum kw__again {
    KW__AGAIN_NEVER,        /* it is unknown whether it was done */
    KW__AGAIN_ALWAYS,       /* it changes nothing */
    KW__AGAIN_AFTER_KILLED, /* when the old link is known to be dead, on the same server */
} kw__again;

/* A thread that waits for one or more commands. It lives in memory that outlasts the wait: wake-ups may come late. */
typedef struct kw__waiter kw__waiter;
struct kw__waiter {
    kw__parker parker;
    atomic_int left; /* commands still to be answered */
    kw__waiter *next;
    kw__waiter *previous;
    bool parked;
    bool interruptible; /* a signal ends its wait */
    bool interrupted;   /* one did */
};

typedef struct kw__pending kw__pending;
struct kw__pending {
    kw__pending *next;
    kw__pending *previous;
    kw__waiter *waiter; /* who waits for it in kw__link_await; NULL: the user is told by settle */
    kw__buffer command;
    kw__place place;
    uint64_t begin;   /* where its bytes begin in the outgoing stream */
    int64_t sent_at;  /* before its bytes could leave */
    int64_t deadline; /* of its owner; a link silent for long after it is given up */
    kw__again again;  /* whether it may be sent again on a new link */
    bool under_way;   /* was sent on a link that was lost, and waits to be sent again */
    int tries;
    bool final;            /* is not sent again, whatever its kind */
    uint64_t capabilities; /* of a server that its bytes may rely on */
    uint64_t group;        /* commands of one group may go as one, and have no bytes until they do; 0: it goes alone */
    size_t carries;        /* so many behind it in line go by its bytes, and are answered by its reply */
    kw_status failure;     /* when doomed */
    bool maybe_applied;
};

typedef struct kw__pendings {
    kw__pending *first;
    kw__pending *last;
    size_t count;
} kw__pendings;

typedef struct kw__counters {
    atomic_int_least64_t calls, retries, links, reconnects, in_flight, bytes_sent, bytes_received, timeouts, undone,
        undo_failed, late_replies;
} kw__counters;

typedef struct kw__link kw__link;

typedef struct kw__link_user {
    /* A reply, by the leader, without the lock. True: the command was encoded anew and must be sent again. */
    bool (*answered)(kw__pending *pending, const kw__reply *reply, int64_t received_at);
    /* Whether a command that must be sent again, or still has not been sent, is still wanted; with the lock. */
    bool (*wanted)(kw__pending *pending);
    /* The server lacks capabilities that the bytes rely on, with the lock: they are to be written anew. */
    kw_status (*rewrite)(kw__pending *pending, uint64_t capabilities, kw_error *error);
    /* Of one group, whose numbers may be equal by chance: whether they may go as one; with the lock. */
    bool (*same)(const kw__pending *a, const kw__pending *b);
    /* Writes the bytes of the first for it and so many behind it in its list, for such a server; with the lock. */
    kw_status (*coalesce)(kw__pending *first, size_t carries, uint64_t capabilities, kw_error *error);
    /* A failure, with the lock. */
    void (*failed)(kw__pending *pending, kw_status status, bool maybe_applied, const kw_error *error);
    /* After either, with the lock, when no waiter waits for it. True: resume is to go on with it. */
    bool (*settle)(kw__pending *pending);
    /* Without the lock. */
    void (*resume)(kw__pending *pending);
    /* A link came up, with the lock. */
    void (*connected)(kw__link *link, const kw__server *server);
    /* What came unasked, by the leader, without the lock; of a subscriber everything. NULL: it is dropped. */
    void (*pushed)(kw__link *link, const kw__reply *reply);
    /* A link that was up is no more, with the lock. May be NULL. */
    void (*lost)(kw__link *link);
} kw__link_user;

typedef enum kw__link_state {
    KW__LINK_DOWN,
    KW__LINK_RESOLVING,
    KW__LINK_CONNECTING,
    KW__LINK_SECURING, /* agreeing on TLS */
    KW__LINK_GREETING,
    KW__LINK_UP,
    KW__LINK_CLOSED,
} kw__link_state;

#define KW__LINK_BATCH 256
#define KW__LINK_GROUPS 64
/* A group's reply is given to all of it in one batch. */
#define KW__LINK_TOGETHER KW__LINK_BATCH

/* A place for a group that has a command in line; those whose numbers fall on one place share it, one at a time. */
typedef struct kw__group {
    kw__pending *carrier; /* whose reply is waited for; NULL: no group is here */
    kw__pendings held;    /* who waits for that */
} kw__group;

struct kw__link {
    kw__mutex lock;
    const kw__link_user *user;
    const kw__url *url;
    kw__counters *counters;
    void *owner;        /* the user's */
    void *client;       /* whose link this is, for the user and the test library's scheme */
    kw__poller *poller; /* of completions; NULL when threads wait in poll() */

    kw__link_state state;
    atomic_bool is_up; /* state is UP, to be looked at without the lock */
    kw__transport transport;
    kw__signal wake;
    short watching; /* what the poller watches the connection for */
    bool closing;
    bool was_up;
    bool proven;     /* it has answered something since it came up */
    bool keep_up;    /* come up again even when nothing waits */
    bool subscriber; /* replies answer no command of the line: all are given to pushed */

    kw__waiter *leader; /* who reads for all; NULL when nobody does */
    kw__waiter *parked_first;
    kw__waiter *parked_last;
    bool turning; /* one who steps reads for all */
    bool flushing;
    bool want_write; /* the socket took no more */
    bool broken;     /* could not be written to, or was closed by the peer: the leader must tear down */

    kw__pendings waiting;
    kw__pendings line;
    kw__pendings doomed;
    kw__group groups[KW__LINK_GROUPS];
    kw__buffer out;     /* appended to by all */
    kw__buffer sending; /* being written by the flusher */
    size_t sending_at;
    uint64_t queued;  /* stream offset of the end of out */
    uint64_t written; /* stream offset that the socket has taken */

    kw__reader *reader;
    char *input;
    kw__greeting greeting;
    int64_t last_received;
    int64_t looked_at;                 /* when an idle link was last asked whether its peer has closed it */
    int64_t lost_id;                   /* client id of the link that was lost with commands under way, 0: none */
    char lost_run_id[48];              /* and its server's run id */
    kw__waiter *woken[KW__LINK_BATCH]; /* to be woken when the lock is given up */
    kw__pending *resumed[KW__LINK_BATCH];
    int woken_count;
    int resumed_count;

    kw__lookup *lookup;
    kw__address addresses[KW__MAX_ADDRESSES];
    size_t address_count;
    size_t address_at;
    int64_t connect_deadline;
    int64_t address_deadline;
    int64_t backoff_until;
    int failures;
    kw_error refusal; /* of an address that had taken this attempt's connection and lost it in the handshake */
    kw_error failure;
};

bool kw__link_init(kw__link *link, const kw__link_user *user, const kw__url *url, kw__counters *counters);
/* Nobody waits any more. Closes what is open and frees; pending commands must have been failed by kw__link_close. */
void kw__link_free(kw__link *link);
/* In a forked child: closes descriptors, nothing else. */
void kw__link_abandon(kw__link *link);

/*
 * All below with the lock held, unless it says otherwise. Those that say so give the lock up and take it again.
 */

/* Puts a command at the end of what waits. It can be withdrawn until a flush puts it in line. */
void kw__link_push(kw__link *link, kw__pending *pending);
/* Takes a command out that is not in line; false when it is. Ask kw__link_was_sent before: it may have been on a lost
 * link. */
bool kw__link_withdraw(kw__link *link, kw__pending *pending);
/*
 * Whether the server may get to see it, or has. In line counts: its bytes stand among others' in the outgoing stream
 * and cannot be taken out any more.
 */
bool kw__link_was_sent(const kw__pending *pending);
/* Writes bytes that no reply of the line answers, if the link is up. Memory that is out breaks the link. */
void kw__link_say(kw__link *link, const kw__buffer *bytes);
/* Puts in line what has room, and writes what the socket takes, unless somebody does already. Gives the lock up. */
void kw__link_flush(kw__link *link);
/*
 * Reads for all or sleeps until the waiter has nothing left, or the moment has come, or it was interrupted. Gives the
 * lock up. True: all is answered, and the lock is not held any more: those woken together do not queue for it. False:
 * it is held.
 */
bool kw__link_await(kw__link *link, kw__waiter *waiter, int64_t until);
/* Does all that can be done without waiting; for completions, by one thread at a time. Gives the lock up. */
void kw__link_turn(kw__link *link);
/* When kw__link_turn must be called at the latest. */
int64_t kw__link_due(const kw__link *link);
/* Fails everything with KW_CLOSED. Gives the lock up. */
void kw__link_close(kw__link *link);

#endif
