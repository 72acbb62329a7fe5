/*
 * An operation as the engine sees it: one row of facts and functions. The engine never asks which operation it has.
 *
 * encode and decode are pure: they turn arguments into a command and a reply into an answer; an object may forget in
 * both what it remembers of itself, for decode sees also what nobody waits for any more. For an operation of one
 * step the answer is its result. An operation of several steps has `advance` besides, which is told events and orders
 * effects.
 *
 * Calls of a row that has `group` are coalesced: those that are alike and meet on a link go as one command, encoded for
 * as many as step->together says when the link takes it, and each decodes its reply: as the step->index-th of them.
 *
 * A reply is decoded where it is read, by the thread that reads the link; advance sees the decoded answer, in the
 * thread that waits for the call (or steps its completions), or in the reading thread when the caller has left.
 */
#ifndef KW__ROW_H
#define KW__ROW_H

#include "engine/object.h"
#include "redis/command.h"
#include "redis/reply.h"

/* Facts about an operation. */
#define KW__MUTATES 1u      /* changes something in the server */
#define KW__GRANTS 2u       /* a yes hands something out: a late one must be given back */
#define KW__READS_ERRORS 4u /* decode looks at error replies too, for some of them are answers */
#define KW__LISTS 8u        /* answer and result are a kw_list *, which decode makes; who holds it last frees it */

/* Whether a command may be sent again after a lost link (rule of the three classes). */
typedef enum kw__repeat {
    KW__REPEAT_READ,      /* changes nothing: always */
    KW__REPEAT_BY_STATE,  /* finds what the first did */
    KW__REPEAT_BY_RECORD, /* finds the first's reply by its id */
    KW__REPEAT_NEVER,     /* the caller gets KW_UNKNOWN */
} kw__repeat;

/* What encode, decode and advance may look at. */
typedef struct kw__step {
    kw__object *object;
    const void *args;      /* the operation's argument record, its bytes copied by the engine */
    void *state;           /* of an operation that keeps one: zeroed before START, its own from then on */
    void *result;          /* the result record, written by advance before FINISH */
    int number;            /* which of the operation's steps is sent or answered, 0 and more */
    uint64_t capabilities; /* bits of kw_capability that encode may rely on; decode sees those that it did */
    size_t together;       /* how many calls the command is for */
    size_t index;          /* which of them this one is, 0 and more, in the order of coming */
} kw__step;

typedef enum kw__event_kind {
    KW__EVENT_START,
    KW__EVENT_REPLY,    /* step->number was answered: answer, status, sent_at, received_at */
    KW__EVENT_FAILED,   /* step->number failed: status, maybe_applied */
    KW__EVENT_TIMER,    /* the moment given to arm has come */
    KW__EVENT_WATCHING, /* the channel given to watch is subscribed to, the first time or after a loss: look once more
                         */
    KW__EVENT_NOTIFY,   /* it told something: payload, the latest if there were several */
    KW__EVENT_DEADLINE, /* the call's time is over; the engine has finished it with KW_TIMEOUT if advance does not */
    KW__EVENT_CANCEL,   /* the caller wants no answer any more */
} kw__event_kind;

typedef struct kw__event {
    kw__event_kind kind;
    int64_t now;           /* monotonic us */
    int64_t deadline;      /* of the call, monotonic us */
    uint64_t random;       /* for jitter */
    const void *answer;    /* REPLY: what decode wrote */
    kw_status status;      /* REPLY: what decode returned, 0 or positive. FAILED: negative */
    bool maybe_applied;    /* FAILED: a byte had left */
    bool finished;         /* the caller has its answer already: only clearing up is left */
    int64_t sent_at;       /* REPLY: monotonic us before the first byte left */
    int64_t received_at;   /* REPLY: monotonic us when the reply was read */
    const kw_error *error; /* FAILED: the details */
    kw__bytes payload;     /* NOTIFY: its first 128 bytes */
} kw__event;

/*
 * What advance orders. One send may be outstanding; a timer replaces the one before it. FINISH gives the caller the
 * result and status; sends may go on after it until END. An advance that neither sends, arms nor ends has nothing left
 * to wait for, which the engine takes as END.
 */
typedef struct kw__effects {
    bool send;
    int step;
    bool arm;
    int64_t at;
    bool watch; /* a channel, until FINISH or another one is watched; the bytes lie in args or state */
    kw__bytes channel;
    const unsigned char *waiter; /* 16 bytes: messages that name another waiter are not for this one; NULL: all are */
    bool finish;
    kw_status status;
    bool end;
    kw_error *error; /* where FINISH with a negative status says why */
} kw__effects;

typedef struct kw__row {
    int32_t number;
    const char *name;
    unsigned flags;
    kw__repeat repeat;
    size_t args_size;
    size_t result_size;
    size_t spans[8]; /* offsets of the kw__bytes in the argument record */
    int span_count;
    size_t wait_at; /* offset of the patience in the argument record, which comes on top of the timeout; 0: none */
    /* Where its arguments may say which object does it: asked once, when the call begins; held, NULL when there is no
     * memory. Or NULL. */
    kw__object *(*serves)(kw__object *object, const void *args);
    kw_status (*encode)(const kw__step *step, kw__command *command, kw_error *error);
    kw_status (*decode)(const kw__step *step, const kw__reply *reply, void *answer, kw_error *error);
    const uint16_t *state_size; /* of its own memory; NULL: none */
    /* For operations of several steps. */
    const uint16_t *answer_size;
    void (*advance)(const kw__step *step, const kw__event *event, kw__effects *effects);
    /*
     * For one-step operations that may do without the server. `locally` is asked before anything is sent: true when it
     * has written result and status. `conclude` is told how a call ended that asked, REPLY, FAILED or DEADLINE, before
     * its caller is: it may look, and may turn a failure into an answer, whose status it returns.
     */
    bool (*locally)(const kw__step *step, const kw__event *event, kw_status *status);
    kw_status (*conclude)(const kw__step *step, const kw__event *event);
    /*
     * For one-step operations that may be coalesced. Calls whose group is the same number, and not 0, and that are the
     * same may go as one. Asked with the link's lock.
     */
    uint64_t (*group)(const kw__step *step);
    bool (*same)(const kw__step *a, const kw__step *b);
    /* For one-step operations that grant: the command that gives back what a late yes granted. */
    kw_status (*undo)(const kw__step *step, const void *answer, kw__command *command, kw_error *error);
} kw__row;

#endif
