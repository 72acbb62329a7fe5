#include "engine/call.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/memory.h"
#include "base/random.h"
#include "engine/completions.h"

static size_t aligned(size_t size) {
    return (size + 15) & ~(size_t)15;
}

/* Memory for arguments, copied bytes, state, answer and result, in one piece. */
static bool lay_out(kw__call *call, const void *args) {
    const kw__row *row = call->row;
    size_t bytes = 0;
    for (int i = 0; i < row->span_count; i++) {
        bytes += ((const kw__bytes *)(const void *)((const char *)args + row->spans[i]))->length;
    }
    size_t state = row->state_size != NULL ? *row->state_size : 0;
    size_t answer = row->answer_size != NULL ? *row->answer_size : row->result_size;
    size_t total = aligned(row->args_size) + aligned(state) + aligned(answer) + aligned(row->result_size) + bytes;
    char *at = call->storage;
    if (total > sizeof call->storage) {
        at = call->memory = kw__malloc(total);
        if (at == NULL) return false;
    }
    char *copy = at;
    if (row->args_size > 0) memcpy(copy, args, row->args_size);
    call->step.args = copy;
    at += aligned(row->args_size);
    call->step.state = at;
    memset(at, 0, state);
    at += aligned(state);
    call->answer = at;
    memset(at, 0, answer);
    at += aligned(answer);
    call->step.result = at;
    memset(at, 0, row->result_size);
    at += aligned(row->result_size);
    for (int i = 0; i < row->span_count; i++) {
        kw__bytes *span = (kw__bytes *)(void *)(copy + row->spans[i]);
        if (span->length > 0) memcpy(at, span->data, span->length);
        span->data = at;
        at += span->length;
    }
    return true;
}

/* From the pool, or new. A call's memory stays until the client goes: wake-ups that come late may touch it. */
static kw__call *take(kw_client *client) {
    kw__lock(&client->lock);
    kw__call *call = client->pool;
    if (call != NULL) client->pool = call->next;
    kw__unlock(&client->lock);
    if (call != NULL) return call;
    call = kw__calloc(1, sizeof *call);
    if (call != NULL && !kw__parker_init(&call->own.parker)) {
        kw__free(call);
        call = NULL;
    }
    return call;
}

static void give_back(kw_client *client, kw__call *call) {
    kw__lock(&client->lock);
    call->next = client->pool;
    client->pool = call;
    kw__unlock(&client->lock);
}

kw__call *kw__call_open(kw__object *object, const kw__row *row, const void *args, kw_error *error) {
    kw_client *client = object->client;
    kw__call *call = take(client);
    if (call == NULL) {
        kw__fail_memory(error);
        return NULL;
    }
    call->client = client;
    call->row = row;
    /* Before the first link nothing is known: what the floor of servers can do is what every server can do. */
    call->step =
        (kw__step){.together = 1, .capabilities = atomic_load_explicit(&client->capabilities, memory_order_relaxed)};
    call->timer = call->deadline = INT64_MAX;
    call->must_send = call->outstanding = call->finished = call->ended = call->left = false;
    call->in_ready = call->watches = call->told_watching = call->told_payload = call->in_noticed = false;
    call->status = KW_OK;
    call->waiter = &call->own;
    call->pending.waiter = NULL;
    call->own.interruptible = call->own.interrupted = false;
    call->completions = NULL;
    call->tag = 0;
    call->memory = NULL;
    bool has_room = lay_out(call, args);
    if (has_room && row->serves != NULL) {
        object = row->serves(object, call->step.args);
    } else if (has_room) {
        kw__object_hold(object);
    }
    if (!has_room || object == NULL) {
        kw__free(call->memory);
        call->memory = NULL;
        give_back(client, call);
        kw__fail_memory(error);
        return NULL;
    }
    call->object = call->step.object = object;
    atomic_fetch_add_explicit(&client->counters.calls, 1, memory_order_relaxed);
    return call;
}

static void end_watch(kw__call *call) {
    if (!call->watches) return;
    call->watches = false;
    kw__watch_end(call->client, &call->watch);
}

/* Its channel told something that nobody looked at. */
static void forget_notice(kw__call *call) {
    kw__lock(&call->client->lock);
    kw__call **at = &call->completions->noticed;
    while (*at != call)
        at = &(*at)->notice_next;
    *at = call->notice_next;
    call->in_noticed = false;
    kw__unlock(&call->client->lock);
}

kw_list *kw__call_take_list(kw__call *call) {
    kw_list *list;
    memcpy(&list, call->step.result, sizeof list);
    memset(call->step.result, 0, sizeof list);
    return list;
}

/* Lists that nobody came for. */
static void free_lists(kw__call *call) {
    kw_list *late;
    memcpy(&late, call->answer, sizeof late);
    kw__list_free(late);
    kw__list_free(kw__call_take_list(call));
}

void kw__call_release(kw__call *call) {
    kw__object *object = call->object;
    if ((call->row->flags & KW__LISTS) != 0) free_lists(call);
    end_watch(call); /* of one that was refused before it began */
    if (call->in_noticed && call->completions != NULL) forget_notice(call);
    kw__free(call->memory);
    call->memory = NULL;
    if (call->pending.command.capacity > 65536) kw__buffer_free(&call->pending.command);
    give_back(call->client, call);
    kw__object_release(object); /* may be the last, and take the client with it */
}

void kw__calls_free(kw_client *client) {
    while (client->pool != NULL) {
        kw__call *call = client->pool;
        client->pool = call->next;
        kw__buffer_free(&call->pending.command);
        kw__parker_free(&call->own.parker);
        kw__free(call);
    }
}

void kw__call_set_deadline(kw__call *call, const kw__link *link, int64_t timeout_us) {
    const kw__url *url = &call->client->url;
    int64_t span = timeout_us;
    if (span == KW_DEFAULT_TIMEOUT && call->object->timeout_us > 0) {
        span = call->object->timeout_us;
    } else if (span == KW_DEFAULT_TIMEOUT) {
        span = url->timeout_us;
        if (!atomic_load_explicit(&link->is_up, memory_order_relaxed))
            span = kw__deadline(span, url->connect_timeout_us);
    }
    if (call->row->wait_at != 0) {
        int64_t wait;
        memcpy(&wait, (const char *)call->step.args + call->row->wait_at, sizeof wait);
        span = kw__deadline(span, wait);
    }
    call->deadline = kw__deadline(kw__now(), span);
    call->pending.deadline = call->deadline;
}

/* Reacting */

static void count(atomic_int_least64_t *counter) {
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

/* What only reads was never applied, however its call ends. */
static bool changes_something(const kw__call *call) {
    return (call->row->flags & KW__MUTATES) != 0;
}

/* What is sent for its own sake by an operation that grants gives a grant back. */
static bool gives_back(const kw__call *call) {
    return call->owed && (call->row->flags & KW__GRANTS) != 0;
}

/* Encodes step->number into pending.command. */
static kw_status encode(kw__call *call, kw_error *error) {
    kw__buffer_clear(&call->pending.command);
    call->pending.capabilities = call->step.capabilities;
    kw__command command = {.out = &call->pending.command, .by_text = call->by_text};
    if (call->step.number == KW__STEP_UNDO) return call->row->undo(&call->step, call->answer, &command, error);
    return call->row->encode(&call->step, &command, error);
}

static void finish(kw__call *call, kw_status status, const kw_error *error) {
    if (call->finished) return;
    call->finished = true;
    call->status = status;
    if (status < 0 && error != NULL && error != &call->error) call->error = *error;
}

static kw_status conclude(const kw__call *call, const kw__event *event) {
    return call->row->conclude != NULL ? call->row->conclude(&call->step, event) : event->status;
}

/* What an operation without advance does: one send, its answer is the result; a late grant is undone. */
static void one_step(kw__call *call, const kw__event *event, kw__effects *effects) {
    const kw__row *row = call->row;
    switch (event->kind) {
    case KW__EVENT_START:
        if (row->locally != NULL && row->locally(&call->step, event, &effects->status)) {
            effects->finish = effects->end = true;
            break;
        }
        effects->send = true;
        effects->step = 0;
        break;
    case KW__EVENT_REPLY:
        if (event->finished && event->status == KW_OK && call->step.number != KW__STEP_UNDO && row->undo != NULL) {
            effects->send = true;
            effects->step = KW__STEP_UNDO;
            break;
        }
        if (!event->finished) {
            memcpy(call->step.result, event->answer, row->result_size);
            if ((row->flags & KW__LISTS) != 0) memset(call->answer, 0, row->result_size); /* it is the result's now */
            effects->finish = true;
            effects->status = conclude(call, event);
        }
        effects->end = true;
        break;
    case KW__EVENT_FAILED:
        if (!event->finished) {
            effects->finish = true;
            effects->status = conclude(call, event);
            *effects->error = *event->error;
        }
        effects->end = true;
        break;
    case KW__EVENT_DEADLINE:
        if (!event->finished && row->conclude != NULL) {
            kw_status status = conclude(call, event);
            effects->finish = status >= 0;
            effects->status = status;
        }
        break;
    case KW__EVENT_CANCEL:
        /* Answered with a yes that nobody fetched: it is given back. */
        if (event->finished && !call->outstanding && call->status == KW_OK && row->undo != NULL) {
            effects->send = true;
            effects->step = KW__STEP_UNDO;
        }
        break;
    case KW__EVENT_TIMER:
    case KW__EVENT_WATCHING:
    case KW__EVENT_NOTIFY:
        break;
    }
}

/* Watching a channel */

/* By whoever drives the background, under its lock: marks, and wakes whoever drives the call. */
static void notice(kw__watch *watch, const kw__bytes *payload) {
    kw__call *call = (kw__call *)(void *)((char *)watch - offsetof(kw__call, watch));
    kw_client *client = call->client;
    kw__lock(&client->lock);
    if (payload == NULL) {
        call->told_watching = true;
    } else {
        call->told_payload = true;
        call->payload_length = payload->length < sizeof call->payload ? payload->length : sizeof call->payload;
        memcpy(call->payload, payload->data, call->payload_length);
    }
    kw_completions *completions = call->completions;
    if (completions != NULL && !call->in_noticed) {
        call->in_noticed = true;
        call->notice_next = completions->noticed;
        completions->noticed = call;
    }
    kw__unlock(&client->lock);
    if (completions != NULL)
        kw__signal_raise(&completions->link.wake);
    else
        kw__unpark(&call->waiter->parker);
}

static void watching(kw__watch *watch) {
    notice(watch, NULL);
}

static void notified(kw__watch *watch, kw__bytes payload) {
    notice(watch, &payload);
}

static kw_status begin_watch(kw__call *call, const kw__effects *effects, kw_error *error) {
    end_watch(call);
    call->watch = (kw__watch){.channel = effects->channel, .watching = watching, .notified = notified};
    if (effects->waiter != NULL) memcpy(call->watch.id, effects->waiter, KW__WAITER_ID);
    kw_status status = kw__watch_begin(call->client, &call->watch, error);
    call->watches = status == KW_OK;
    return status;
}

/* Makes what was ordered ready to go. What may be coalesced gets its bytes when it is known with whom. */
static kw_status prepare_send(kw__call *call, kw_error *error) {
    const kw__row *row = call->row;
    bool coalesces = row->group != NULL && call->step.number == 0 && !call->finished;
    call->by_text = false;
    call->pending.group = coalesces ? row->group(&call->step) : 0;
    return call->pending.group != 0 ? KW_OK : encode(call, error);
}

/* Carries out what was ordered. */
static void apply(kw__call *call, const kw__effects *effects) {
    if (effects->finish) finish(call, effects->status, &call->error);
    if (effects->arm) call->timer = effects->at;
    if (effects->send && !call->outstanding) {
        kw_error error;
        kw__error_clear(&error);
        call->step.number = effects->step;
        kw_status status = prepare_send(call, &error);
        if (status == KW_OK) {
            call->must_send = true;
            call->pending.again = call->row->repeat == KW__REPEAT_READ    ? KW__AGAIN_ALWAYS
                                  : call->row->repeat == KW__REPEAT_NEVER ? KW__AGAIN_NEVER
                                                                          : KW__AGAIN_AFTER_KILLED;
        } else {
            finish(call, status, &error);
            call->ended = true;
        }
    }
    if (effects->watch && !call->finished) {
        kw_error error;
        kw__error_clear(&error);
        kw_status status = begin_watch(call, effects, &error);
        if (status != KW_OK) finish(call, status, &error);
    }
    if (call->finished) end_watch(call);
    bool idle = !call->must_send && !call->outstanding && call->timer == INT64_MAX;
    if (effects->end || (idle && call->finished)) call->ended = true;
}

static void react(kw__call *call, kw__event *event) {
    kw__effects effects = {.error = &call->error};
    event->now = kw__now();
    event->deadline = call->deadline;
    event->finished = call->finished;
    if (event->kind == KW__EVENT_DEADLINE) event->status = KW_TIMEOUT;
    if (event->kind == KW__EVENT_TIMER) call->timer = INT64_MAX;
    if (call->row->advance != NULL) {
        event->random = kw__random_below(UINT64_MAX);
        call->row->advance(&call->step, event, &effects);
    } else {
        one_step(call, event, &effects);
    }
    apply(call, &effects);
}

void kw__call_react(kw__call *call, kw__event_kind kind) {
    kw__event event = {.kind = kind};
    react(call, &event);
}

void kw__call_react_to_outcome(kw__call *call) {
    kw__event event = {.kind = call->outcome < 0 ? KW__EVENT_FAILED : KW__EVENT_REPLY,
                       .status = call->outcome,
                       .answer = call->answer,
                       .sent_at = call->pending.sent_at,
                       .received_at = call->received_at,
                       .maybe_applied = call->outcome_maybe_applied,
                       .error = &call->outcome_error};
    call->outstanding = false;
    kw__counters *counters = &call->client->counters;
    if (call->finished) count(&counters->late_replies);
    if (gives_back(call)) count(call->outcome < 0 ? &counters->undo_failed : &counters->undone);
    react(call, &event);
}

bool kw__call_react_to_notices(kw__call *call) {
    if (!call->watches) return false;
    char payload[KW__NOTICE_BYTES];
    kw__lock(&call->client->lock);
    bool told_watching = call->told_watching, told_payload = call->told_payload;
    size_t length = call->payload_length;
    if (told_payload) memcpy(payload, call->payload, length);
    call->told_watching = call->told_payload = false;
    kw__unlock(&call->client->lock);
    if (told_watching) react(call, &(kw__event){.kind = KW__EVENT_WATCHING});
    if (told_payload && !call->finished) {
        react(call, &(kw__event){.kind = KW__EVENT_NOTIFY, .payload = kw__bytes_of(payload, length)});
    }
    return told_watching || told_payload;
}

void kw__call_goes_out(kw__call *call) {
    call->must_send = false;
    call->outstanding = true;
    call->owed = call->finished;
    /* The caller's deadline is over or does not matter; a link must not be judged silent by it. */
    if (call->owed) call->pending.deadline = kw__deadline(kw__now(), call->client->url.timeout_us);
}

void kw__call_end_early(kw__call *call, kw__event_kind kind, kw_status status, bool maybe_applied) {
    kw__call_react(call, kind);
    if (!call->finished) {
        kw_error error;
        kw__fail(&error, status, KW_REASON_NONE,
                 status == KW_TIMEOUT ? "no answer came in time: give a longer timeout, or look at the server's load"
                 : status == KW_CANCELLED ? "the call was cancelled"
                                          : "the client was closed");
        finish(call, status, &error);
        if (status == KW_TIMEOUT) count(&call->client->counters.timeouts);
        if (!call->must_send && !call->outstanding) call->ended = true;
    }
    end_watch(call);
    if (call->status < 0) call->error.maybe_applied = maybe_applied && changes_something(call);
}

bool kw__call_is_over(const kw__call *call) {
    return call->ended && !call->must_send && !call->outstanding && !call->in_ready;
}

/* What the links tell */

static bool answered(kw__pending *pending, const kw__reply *reply, int64_t received_at) {
    kw__call *call = (kw__call *)(void *)pending;
    kw_error *error = &call->outcome_error;
    call->received_at = received_at;
    call->outcome_maybe_applied = false;
    if (kw__reply_is_noscript(reply) && !call->by_text) {
        /* Nothing ran. The whole script goes out once; the server knows its hash from then on. */
        call->by_text = true;
        call->outcome = call->pending.group != 0 ? KW_OK : encode(call, error); /* or when the link takes it again */
        return call->outcome == KW_OK;
    }
    bool is_error = reply->kind == KW__REPLY_ERROR;
    if (is_error && (call->step.number == KW__STEP_UNDO || (call->row->flags & KW__READS_ERRORS) == 0)) {
        call->outcome = kw__reply_failure(reply, error);
    } else if (call->step.number == KW__STEP_UNDO) {
        call->outcome = KW_OK;
    } else {
        call->outcome = call->row->decode(&call->step, reply, call->answer, error);
        call->outcome_maybe_applied =
            call->outcome < 0 && !is_error && call->outcome != KW_WRONG_TYPE && changes_something(call);
    }
    if (call->outcome < 0) error->maybe_applied = call->outcome_maybe_applied;
    return false;
}

static bool wanted(kw__pending *pending) {
    kw__call *call = (kw__call *)(void *)pending;
    if (!call->finished || call->owed) return true;
    call->outcome = kw__fail(&call->outcome_error, KW_CANCELLED, KW_REASON_NONE, "nobody waits for it any more");
    return false;
}

static void failed(kw__pending *pending, kw_status status, bool maybe_applied, const kw_error *error) {
    kw__call *call = (kw__call *)(void *)pending;
    kw_error *told = &call->outcome_error;
    if (status == KW_UNKNOWN) {
        char cause[200];
        snprintf(cause, sizeof cause, "%.199s", error->message);
        kw__fail(told, status, error->reason, "the link was lost after sending, it may or may not have been done: %s",
                 cause);
    } else {
        *told = *error;
        told->code = status;
    }
    told->maybe_applied = call->outcome_maybe_applied = maybe_applied && changes_something(call);
    call->outcome = status;
}

/* A call of completions, which step goes on with, or one that was left to the link. */
static bool settle(kw__pending *pending) {
    kw__call *call = (kw__call *)(void *)pending;
    if (call->completions == NULL) return true;
    kw__completions_arrived(call);
    return false;
}

static void resume(kw__pending *pending) {
    kw__call *call = (kw__call *)(void *)pending;
    kw__call_react_to_outcome(call);
    kw__call_leave(call, kw__client_link(call->client));
}

static kw_status rewrite(kw__pending *pending, uint64_t capabilities, kw_error *error) {
    kw__call *call = (kw__call *)(void *)pending;
    call->step.capabilities &= capabilities;
    return encode(call, error);
}

static bool same(const kw__pending *a, const kw__pending *b) {
    const kw__call *one = (const kw__call *)(const void *)a, *other = (const kw__call *)(const void *)b;
    return one->row == other->row && one->object == other->object && one->row->same(&one->step, &other->step);
}

static kw_status coalesce(kw__pending *first, size_t carries, uint64_t capabilities, kw_error *error) {
    kw__call *carrier = (kw__call *)(void *)first, *call = carrier;
    bool by_text = false;
    for (size_t i = 0; i <= carries; i++, call = (kw__call *)(void *)call->pending.next) {
        call->step.index = i;
        call->step.together = carries + 1;
        call->step.capabilities &= capabilities;
        by_text = by_text || call->by_text;
    }
    call = carrier;
    for (size_t i = 0; i <= carries; i++, call = (kw__call *)(void *)call->pending.next)
        call->by_text = by_text; /* a NOSCRIPT is news to each of them, or to none */
    return encode(carrier, error);
}

static void connected(kw__link *link, const kw__server *server) {
    kw_client *client = link->client;
    kw__lock(&client->lock);
    client->server = *server;
    kw__unlock(&client->lock);
    atomic_store_explicit(&client->capabilities, server->capabilities, memory_order_relaxed);
}

const kw__link_user kw__calls_of_links = {
    .answered = answered,
    .wanted = wanted,
    .rewrite = rewrite,
    .same = same,
    .coalesce = coalesce,
    .failed = failed,
    .settle = settle,
    .resume = resume,
    .connected = connected,
};

void kw__call_leave(kw__call *call, kw__link *link) {
    if (!call->must_send) { /* a timer that is still set has nobody left to wait for it */
        kw__call_release(call);
        return;
    }
    kw__lock(&link->lock);
    if (link->closing) {
        kw__unlock(&link->lock);
        count(&call->client->counters.undo_failed);
        kw__call_release(call);
        return;
    }
    call->left = true;
    if (call->in_noticed && call->completions != NULL) forget_notice(call);
    call->completions = NULL;
    call->pending.waiter = NULL;
    kw__call_goes_out(call);
    kw__link_push(link, &call->pending);
    kw__link_flush(link);
    kw__unlock(&link->lock);
}
