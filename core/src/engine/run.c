#include "engine/run.h"

#include <poll.h>

#include "base/clock.h"
#include "base/memory.h"
#include "engine/call.h"

#define MANY_AT_ONCE 1024

static void enter(kw_client *client) {
    atomic_fetch_add(&client->inside, 1);
}

static void leave(kw_client *client) {
    /* The last one out wakes a close that waits. */
    if (atomic_fetch_sub(&client->inside, 1) == 1 && atomic_load(&client->closed)) kw__unpark(&client->idle);
}

/* A client without threads has its background driven by those who wait. */
static void drive_background(kw_client *client, int64_t until) {
    int64_t now = kw__now(), due = kw__background_due(client);
    int64_t soon = now + 20000; /* another thread may be at it, and wake this one's parker instead */
    if (due < until) until = due;
    struct pollfd watched = {.fd = kw__background_fd(client), .events = POLLIN};
    poll(&watched, 1, kw__poll_ms(now, soon < until ? soon : until));
    kw__background_turn(client);
}

/* Sleeps for the call's timer or its channel, out of every link's way; close wakes it. */
static void sleep_until(kw__call *call, int64_t until) {
    kw_client *client = call->client;
    if (call->watches && kw__background_fd(client) >= 0) {
        drive_background(client, until);
        return;
    }
    kw__lock(&client->lock);
    call->next = client->sleepers;
    client->sleepers = call;
    kw__unlock(&client->lock);
    if (!atomic_load(&client->closed)) kw__park(&call->waiter->parker, until);
    kw__lock(&client->lock);
    kw__call **at = &client->sleepers;
    while (*at != call)
        at = &(*at)->next;
    *at = call->next;
    kw__unlock(&client->lock);
}

/*
 * The call ends early while its send is out: it is taken back if it is not in line, else left to the link. With the
 * lock, so that nothing changes between looking and leaving.
 */
static void give_up(kw__call *call, kw__link *link, kw__event_kind kind, kw_status status) {
    bool maybe_applied = kw__link_was_sent(&call->pending);
    if (kw__link_withdraw(link, &call->pending)) call->outstanding = false;
    kw__call_end_early(call, kind, status, maybe_applied);
    call->left = call->outstanding;
    call->pending.waiter = NULL; /* whoever reads its reply goes on with it */
}

/* What the caller gets. */
static kw_status tell(kw__call *call, void *result, kw_error *error) {
    if (call->status < 0)
        kw__error_copy(error, &call->error);
    else if ((call->row->flags & KW__LISTS) != 0)
        memcpy(result, &(kw_list *){kw__call_take_list(call)}, sizeof(kw_list *));
    else if (call->row->result_size > 0)
        memcpy(result, call->step.result, call->row->result_size);
    return call->status;
}

/* How a wait ended. */
typedef enum waited {
    WENT_ON,     /* the call reacted to something */
    INTERRUPTED, /* its caller wants to look at a signal */
    LEFT,        /* it belongs to the link now, and the caller was told */
} waited;

/* When a wait ends at the latest, `until` being the call's own moment. */
static int64_t slice(const kw__call *call, int64_t now, int64_t until) {
    int64_t interrupt = call->client->url.interrupt_us;
    int64_t end = interrupt > 0 ? kw__deadline(now, interrupt) : INT64_MAX;
    return end < until ? end : until;
}

/* Writes what the call ordered, with the link's lock. */
static void push(kw__call *call, kw__link *link) {
    kw__call_goes_out(call);
    call->pending.waiter = call->waiter;
    atomic_store_explicit(&call->waiter->left, 1, memory_order_relaxed);
    kw__link_push(link, &call->pending);
    kw__link_flush(link);
}

/* Waits for the outcome of what is out, or writes first what must be. */
static waited exchange(kw__call *call, kw__link *link, void *result, kw_error *error, kw_status *status) {
    kw__lock(&link->lock);
    if (call->must_send) push(call, link);
    int64_t until = call->client->url.interrupt_us > 0 ? slice(call, kw__now(), call->deadline) : call->deadline;
    if (kw__link_await(link, call->waiter, until)) {
        kw__call_react_to_outcome(call);
        return WENT_ON;
    }
    waited how = INTERRUPTED;
    if (call->client->url.interrupt_us == 0 || kw__now() >= call->deadline) {
        give_up(call, link, KW__EVENT_DEADLINE, KW_TIMEOUT);
        how = call->left ? LEFT : WENT_ON;
        /* From the unlock on it belongs to whoever reads, so the caller is told before. */
        if (call->left) *status = tell(call, result, error);
    }
    kw__unlock(&link->lock);
    return how;
}

/* Waits for the call's timer, or its deadline. */
static waited doze(kw__call *call) {
    int64_t until = call->timer < call->deadline ? call->timer : call->deadline, slept_from = kw__now();
    sleep_until(call, slice(call, slept_from, until));
    int64_t now = kw__now();
    if (atomic_load(&call->client->closed))
        kw__call_end_early(call, KW__EVENT_CANCEL, KW_CLOSED, false);
    else if (now >= call->timer)
        kw__call_react(call, KW__EVENT_TIMER);
    else if (now >= call->deadline)
        kw__call_end_early(call, KW__EVENT_DEADLINE, KW_TIMEOUT, false);
    else if (call->client->url.interrupt_us > 0 && now >= slept_from + call->client->url.interrupt_us)
        return INTERRUPTED;
    return WENT_ON;
}

/* Lays an interrupted call aside under a number, for its caller to come back to. */
static kw_status lay_aside(kw__call *call, kw_error *error) {
    kw_client *client = call->client;
    kw__fail(error, KW_INTERRUPTED, KW_REASON_NONE,
             "interrupted: the call goes on; kw_call_resume waits for it, kw_call_cancel ends it");
    kw__lock(&client->lock);
    if (call->tag == 0) call->tag = ++client->last_call; /* it keeps its number */
    error->call = call->tag;
    call->next = client->interrupted;
    client->interrupted = call;
    kw__unlock(&client->lock);
    return KW_INTERRUPTED;
}

/* Drives the call until its caller has an answer. */
static kw_status drive(kw__call *call, void *result, kw_error *error) {
    kw__link *link = kw__client_link(call->client);
    kw_status status = KW_OK;
    while (!call->finished) {
        if (kw__call_react_to_notices(call)) continue;
        waited how = call->must_send || call->outstanding ? exchange(call, link, result, error, &status) : doze(call);
        if (how == LEFT) return status;
        if (how == INTERRUPTED) return lay_aside(call, error);
    }
    status = tell(call, result, error);
    kw__call_leave(call, link);
    return status;
}

kw_status kw__run(kw__object *object, const kw__row *row, const void *args, int64_t timeout_us, void *result,
                  kw_error *error) {
    kw_client *client = object->client;
    kw_status status = kw__client_check(client, error);
    if (status != KW_OK) return status;
    if (client->url.interrupt_us > 0 && error == NULL) return KW_INVALID; /* where an interrupted call is named */
    kw__call *call = kw__call_open(object, row, args, error);
    if (call == NULL) return KW_NO_MEMORY;
    call->own.interruptible = client->url.interrupt_us > 0;
    enter(client);
    kw__call_set_deadline(call, kw__client_link(client), timeout_us);
    kw__call_react(call, KW__EVENT_START);
    status = drive(call, result, error);
    leave(client);
    return status;
}

/* Interrupted calls */

/* Takes the call of that number, NULL when there is none. */
static kw__call *take_up(kw_client *client, uint64_t number) {
    kw__lock(&client->lock);
    kw__call **at = &client->interrupted;
    while (*at != NULL && (*at)->tag != number)
        at = &(*at)->next;
    kw__call *call = *at;
    if (call != NULL) *at = call->next;
    kw__unlock(&client->lock);
    return call;
}

static kw_status no_such_call(kw_error *error) {
    return kw__fail(error, KW_NOT_FOUND, KW_REASON_NONE,
                    "no call of this number was interrupted: give error.call of the one that was");
}

kw_status kw__call_resume(kw_client *client, uint64_t number, void *result, size_t result_size, kw_error *error) {
    if (error == NULL) return KW_INVALID;
    if (result == NULL && result_size > 0) {
        return kw__fail(error, KW_INVALID, KW_REASON_NULL_ARGUMENT, "result is NULL though its size is %zu",
                        result_size);
    }
    kw__call *call = take_up(client, number);
    if (call == NULL) return no_such_call(error);
    if (result_size != call->row->result_size) {
        size_t right = call->row->result_size;
        lay_aside(call, error);
        return kw__fail(error, KW_INVALID, KW_REASON_RANGE, "the result of this call has %zu bytes, not %zu", right,
                        result_size);
    }
    enter(client);
    kw_status status = drive(call, result, error);
    leave(client);
    return status;
}

/* Ends a call that nobody waits in. */
static void end_interrupted(kw__call *call, kw_status status) {
    kw__link *link = kw__client_link(call->client);
    kw__lock(&link->lock);
    bool out = call->outstanding && atomic_load_explicit(&call->waiter->left, memory_order_acquire) > 0;
    if (out) give_up(call, link, KW__EVENT_CANCEL, status);
    bool left = call->left;
    kw__unlock(&link->lock);
    if (left) return;
    if (call->outstanding) kw__call_react_to_outcome(call); /* answered meanwhile */
    /* A yes that came and was not fetched is given back. */
    if (call->finished && !out)
        kw__call_react(call, KW__EVENT_CANCEL);
    else if (!call->finished)
        kw__call_end_early(call, KW__EVENT_CANCEL, status, false);
    kw__call_leave(call, link);
}

kw_status kw__call_cancel(kw_client *client, uint64_t number, kw_error *error) {
    kw__call *call = take_up(client, number);
    if (call == NULL) return no_such_call(error);
    end_interrupted(call, KW_CANCELLED);
    return KW_OK;
}

void kw__run_end_interrupted(kw_client *client) {
    kw__lock(&client->lock);
    kw__call *calls = client->interrupted;
    client->interrupted = NULL;
    kw__unlock(&client->lock);
    while (calls != NULL) {
        kw__call *next = calls->next;
        end_interrupted(calls, KW_CLOSED);
        calls = next;
    }
}

/* Many */

/* Tells one of many its answer. The first int32 of a result record is its status. */
static kw_status tell_one(kw__call *call, char *result, kw_error *first_error, kw_status first) {
    kw_status status = tell(call, result, first >= 0 ? first_error : NULL);
    int32_t told = status;
    memcpy(result, &told, sizeof told);
    return first < 0 || status >= 0 ? first : status;
}

/* Writes all and waits until all are answered or the time is over; who is not answered then is given up. */
static kw_status exchange_all(kw__call **calls, size_t count, kw__link *link, char *results, kw_error *error) {
    kw__waiter *waiter = &calls[0]->own;
    size_t size = calls[0]->row->result_size;
    kw_status first = KW_OK;
    int sent = 0;
    for (size_t i = 0; i < count; i++)
        sent += calls[i]->must_send;
    atomic_store_explicit(&waiter->left, sent, memory_order_relaxed);
    kw__lock(&link->lock);
    for (size_t i = 0; i < count; i++) {
        if (!calls[i]->must_send) continue; /* refused by its encode */
        kw__call_goes_out(calls[i]);
        calls[i]->pending.waiter = waiter;
        kw__link_push(link, &calls[i]->pending);
    }
    kw__link_flush(link);
    if (sent > 0 && kw__link_await(link, waiter, calls[0]->deadline)) kw__lock(&link->lock);
    for (size_t i = 0; i < count; i++) {
        if (!calls[i]->outstanding || calls[i]->pending.place == KW__PLACE_NONE) continue;
        give_up(calls[i], link, KW__EVENT_DEADLINE, KW_TIMEOUT);
        if (!calls[i]->left) continue;
        first = tell_one(calls[i], results + i * size, error, first);
        calls[i] = NULL; /* the link's from the unlock on */
    }
    kw__unlock(&link->lock);
    for (size_t i = 0; i < count; i++) {
        if (calls[i] == NULL) continue;
        if (!calls[i]->finished) kw__call_react_to_outcome(calls[i]);
        first = tell_one(calls[i], results + i * size, error, first);
        kw__call_leave(calls[i], link);
    }
    return first;
}

kw_status kw__refuse_many(void *results, size_t count, size_t step, kw_status status) {
    int32_t told = status;
    for (size_t i = 0; results != NULL && status < 0 && i < count; i++)
        memcpy((char *)results + i * step, &told, sizeof told);
    return status;
}

/* One window of the items: opens a call for each, and lets them go together. Those that begin too late are not sent:
 * only what answers without the server may answer them. */
static kw_status run_window(kw__object *object, const kw__row *row, const kw__items *items, size_t from, size_t count,
                            int64_t until, kw__call **calls, char *results, kw_error *error) {
    _Alignas(16) char args[KW__LARGEST_ARGS];
    bool late = from > 0 && kw__now() >= until;
    size_t opened = 0;
    kw_status status = KW_OK;
    for (; opened < count && status == KW_OK; opened++) {
        status = items->read((const char *)items->first + (from + opened) * items->step, args, error);
        calls[opened] = status == KW_OK ? kw__call_open(object, row, args, error) : NULL;
        if (calls[opened] == NULL) {
            status = status == KW_OK ? KW_NO_MEMORY : status;
            break;
        }
        calls[opened]->deadline = calls[opened]->pending.deadline = until;
        kw__call_react(calls[opened], KW__EVENT_START);
        if (!late || calls[opened]->finished) continue;
        calls[opened]->must_send = false;
        kw__call_end_early(calls[opened], KW__EVENT_DEADLINE, KW_TIMEOUT, false);
    }
    /* Those behind a failed allocation are not sent, and say so. */
    kw__refuse_many(results + opened * row->result_size, count - opened, row->result_size, status);
    kw_status first = opened > 0 ? exchange_all(calls, opened, kw__client_link(object->client), results, error) : KW_OK;
    return status != KW_OK ? status : first;
}

/* Arguments are checked before anything is sent, so that a batch is refused whole or not at all. */
static kw_status check_all(const kw__items *items, kw_error *error) {
    _Alignas(16) char args[KW__LARGEST_ARGS];
    for (size_t i = 0; i < items->count; i++) {
        kw_status status = items->read((const char *)items->first + i * items->step, args, error);
        if (status == KW_OK) continue;
        if (error != NULL) error->position = (int64_t)i;
        return status;
    }
    return KW_OK;
}

kw_status kw__run_many(kw__object *object, const kw__row *row, const kw__items *items, int64_t timeout_us,
                       void *results, kw_error *error) {
    kw_client *client = object->client;
    kw_status status = kw__client_check(client, error);
    if (status == KW_OK) status = check_all(items, error);
    if (status != KW_OK) return kw__refuse_many(results, items->count, row->result_size, status);
    size_t window = items->count < MANY_AT_ONCE ? items->count : MANY_AT_ONCE;
    kw__call **calls = kw__malloc(window * sizeof *calls);
    if (calls == NULL) return kw__refuse_many(results, items->count, row->result_size, kw__fail_memory(error));
    if (timeout_us == KW_DEFAULT_TIMEOUT && object->timeout_us > 0) timeout_us = object->timeout_us;
    int64_t span = timeout_us != KW_DEFAULT_TIMEOUT ? timeout_us : client->url.timeout_us;
    if (timeout_us == KW_DEFAULT_TIMEOUT && !atomic_load(&kw__client_link(client)->is_up)) {
        span = kw__deadline(span, client->url.connect_timeout_us);
    }
    int64_t until = kw__deadline(kw__now(), span);
    enter(client);
    kw_status first = KW_OK;
    for (size_t from = 0; from < items->count; from += window) {
        size_t count = items->count - from < window ? items->count - from : window;
        char *at = (char *)results + from * row->result_size;
        /* The time may be over long before the items are: those left are not begun, if nothing but the server answers.
         */
        if (from > 0 && row->conclude == NULL && kw__now() >= until) {
            status = kw__fail(first < 0 ? NULL : error, KW_TIMEOUT, KW_REASON_NONE,
                              "the time was over before these were sent");
            kw__refuse_many(at, items->count - from, row->result_size, status);
            if (first >= 0) first = status;
            break;
        }
        status = run_window(object, row, items, from, count, until, calls, at, first < 0 ? NULL : error);
        if (first >= 0) first = status;
    }
    leave(client);
    kw__free(calls);
    return first;
}
