/*
 * A call: an operation's row with arguments, on its way. Every call goes through the same life, whoever drives it:
 *
 *  1. kw__call_open takes one from the client's pool and copies the arguments into it.
 *  2. kw__call_react(START) asks advance (or the one-step default) what to do; a SEND is encoded into pending.command,
 *     but what may be coalesced with others not before the link takes it.
 *  3. The driver (run.c: a blocked thread; completions.c: whoever steps) pushes the pending into a link's line.
 *  4. The thread that reads the link decodes the reply into call->answer and settles the call, under the link's lock.
 *  5. The driver reacts to the outcome: REPLY or FAILED. Steps 2 to 5 repeat for operations of several steps.
 *  6. FINISH: the caller gets result and status. If a send is still out (deadline, cancel), the call is left to the
 * link: its reply is reacted to by the reading thread, with `finished` set, so that a late grant is given back.
 *  7. END: the call goes back into the pool.
 */
#ifndef KW__CALL_H
#define KW__CALL_H

#include "engine/background.h"
#include "engine/client.h"
#include "engine/row.h"

#define KW__CALL_STORAGE 768
#define KW__NOTICE_BYTES 128

/* The step that gives back what a one-step operation was granted too late. */
#define KW__STEP_UNDO (-1)

struct kw__call {
    kw__pending pending; /* first: a link knows the call by it */
    kw__call *next;      /* in the pool, or in one list of its driver */
    kw_client *client;
    kw__object *object; /* held */
    const kw__row *row;
    kw__step step;
    int64_t deadline;
    int64_t timer; /* INT64_MAX: none */

    bool by_text;     /* its script goes out whole: the server did not know the hash */
    bool must_send;   /* pending.command holds what advance ordered */
    bool outstanding; /* pending is with a link */
    bool owed;        /* what is out was ordered for its own sake (a refund), not for a caller who waits */
    bool finished;    /* the caller has, or is about to have, its answer */
    bool ended;       /* advance wants nothing more */
    bool left;        /* finished, and the link alone drives it; changed under the link's lock */
    kw_status status;
    kw_error error;

    /* The outcome of the send that was out, written by the reading thread before it settles the call. */
    void *answer;
    kw_status outcome;
    bool outcome_maybe_applied;
    int64_t received_at;
    kw_error outcome_error;

    kw__waiter *waiter; /* of the blocked thread; its own, or that of the first of many */
    kw__waiter own;

    /* What its channel told, under the client's lock. */
    kw__watch watch;
    bool watches;
    bool told_watching;
    bool told_payload;
    size_t payload_length;
    char payload[KW__NOTICE_BYTES];
    bool in_noticed;
    kw__call *notice_next;

    kw_completions *completions; /* NULL for blocking calls and those left to the client's link */
    uint64_t tag;                /* of completions; of a blocking call that was interrupted, its number */
    size_t timer_at;             /* place in the heap of timers plus 1; 0: not in it */
    bool in_ready;               /* its record waits to be drained */
    kw__call *ready_next;

    void *memory; /* when the storage does not do */
    _Alignas(16) char storage[KW__CALL_STORAGE];
};

/* What the links tell the engine. */
extern const kw__link_user kw__calls_of_links;

/* Takes a call, holds its object. NULL with KW_NO_MEMORY in error. */
kw__call *kw__call_open(kw__object *object, const kw__row *row, const void *args, kw_error *error);
/* Of an operation that answers lists: takes the result out of the call, which would free it else. */
kw_list *kw__call_take_list(kw__call *call);
/* Puts it back. It must not be with a link. */
void kw__call_release(kw__call *call);
/* All memory of calls, when the client goes. */
void kw__calls_free(kw_client *client);

/* Sets the deadline from a timeout; the connect budget comes on top of the default while the link is not up. */
void kw__call_set_deadline(kw__call *call, const kw__link *link, int64_t timeout_us);

/* Tells the operation an event and takes its orders: must_send, timer, finished, ended. */
void kw__call_react(kw__call *call, kw__event_kind kind);
/* Reacts to the outcome of the send that was out. */
void kw__call_react_to_outcome(kw__call *call);
/* Reacts to what its channel told since; false when that is nothing. */
bool kw__call_react_to_notices(kw__call *call);
/* What was ordered is on its way: before it is pushed into a link's line. */
void kw__call_goes_out(kw__call *call);
/* The caller gets no answer: DEADLINE or CANCEL, with this status unless the operation finishes otherwise. */
void kw__call_end_early(kw__call *call, kw__event_kind kind, kw_status status, bool maybe_applied);
/* Nothing is left to do, and nobody else has it. */
bool kw__call_is_over(const kw__call *call);
/*
 * Lets go of a finished call that is with no link: what it still must send goes out and its reply is reacted to by
 * whoever reads it; a call with nothing to send goes back into the pool.
 */
void kw__call_leave(kw__call *call, kw__link *link);

#endif
