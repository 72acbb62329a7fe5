#include "testing/listener.h"

#include "base/memory.h"
#include "engine/client.h"
#include "engine/keywright_rows.h"
#include "testing/listener_rows.h"
#include "testing/testing_scripts.h"

static void free_memory(kw__object *object) {
    kw__free(object);
}

/* A listener counts under a lock of its own, for its callbacks run under the background's. */

static void count_watching(kw__watch *watch) {
    kw_listener *listener = (kw_listener *)(void *)((char *)watch - offsetof(kw_listener, watch));
    kw__lock(&listener->lock);
    listener->heard.watchings++;
    kw__unlock(&listener->lock);
}

static void count_message(kw__watch *watch, kw__bytes payload) {
    kw_listener *listener = (kw_listener *)(void *)((char *)watch - offsetof(kw_listener, watch));
    kw__lock(&listener->lock);
    listener->heard.messages++;
    listener->heard.length = (int64_t)payload.length;
    kw__unlock(&listener->lock);
}

static void destroy_listener(kw__object *object) {
    kw__mutex_free(&((kw_listener *)object)->lock);
    kw__free(object);
}

kw_status kw__listener_open(kw_client *client, kw__bytes channel, kw_listener **out, kw_error *error) {
    kw_status status = kw__client_check(client, error);
    if (status != KW_OK) return status;
    kw_listener *listener = kw__calloc(1, sizeof *listener + channel.length);
    if (listener == NULL || !kw__mutex_init(&listener->lock)) {
        kw__free(listener);
        return kw__fail_memory(error);
    }
    memcpy(listener->channel, channel.data, channel.length);
    listener->channel_length = channel.length;
    kw__object_init(&listener->object, client, destroy_listener);
    *out = listener;
    return KW_OK;
}

void kw__listener_free(kw_listener *listener) {
    if (listener == NULL || kw__client_is_forked(listener->object.client)) return;
    if (listener->watches) kw__watch_end(listener->object.client, &listener->watch);
    listener->watches = false;
    kw__object_release(&listener->object);
}

kw_status kw__listener_state(kw_listener *listener, kw_listener_heard *heard, kw_error *error) {
    if (!listener->watches) {
        listener->watch = (kw__watch){.channel = {listener->channel, listener->channel_length},
                                      .id = "sixteen bytes id",
                                      .watching = count_watching,
                                      .notified = count_message};
        kw_status status = kw__watch_begin(listener->object.client, &listener->watch, error);
        if (status != KW_OK) return status;
        listener->watches = true;
    }
    kw__lock(&listener->lock);
    *heard = listener->heard;
    kw__unlock(&listener->lock);
    return KW_OK;
}

/* hear: waits for a message, and looks (here: PING) whenever the subscription begins */

typedef struct hear_state {
    int64_t watchings;
} hear_state;

const uint16_t kw__listener_hear_state_size = sizeof(hear_state);
const uint16_t kw__listener_hear_answer_size = 0;

kw_status kw__listener_hear_encode(const kw__step *step, kw__command *command, kw_error *error) {
    return kw__client_ping_encode(step, command, error);
}

kw_status kw__listener_hear_decode(const kw__step *step, const kw__reply *reply, void *answer, kw_error *error) {
    return kw__client_ping_decode(step, reply, answer, error);
}

void kw__listener_hear_advance(const kw__step *step, const kw__event *event, kw__effects *effects) {
    const kw_listener *listener = (const kw_listener *)step->object;
    hear_state *state = step->state;
    kw_listener_heard *heard = step->result;
    switch (event->kind) {
    case KW__EVENT_START:
        effects->watch = true;
        effects->channel = kw__bytes_of(listener->channel, listener->channel_length);
        effects->waiter = (const unsigned char *)"sixteen bytes id";
        break;
    case KW__EVENT_WATCHING:
        state->watchings++;
        effects->send = true;
        break;
    case KW__EVENT_NOTIFY:
        *heard = (kw_listener_heard){state->watchings, 1, (int64_t)event->payload.length};
        effects->finish = true;
        break;
    case KW__EVENT_FAILED:
        if (event->finished) break;
        effects->finish = effects->end = true;
        effects->status = event->status;
        *effects->error = *event->error;
        break;
    case KW__EVENT_REPLY:
    case KW__EVENT_TIMER:
    case KW__EVENT_DEADLINE:
    case KW__EVENT_CANCEL:
        break;
    }
}

/* A shelf */

static void count_invalidated(kw__guard *guard, const kw__bytes *key) {
    kw_shelf *shelf = (kw_shelf *)(void *)((char *)guard - offsetof(kw_shelf, guard));
    kw__lock(&shelf->lock);
    if (key != NULL)
        shelf->keys++;
    else
        shelf->emptied++;
    kw__unlock(&shelf->lock);
}

static void destroy_shelf(kw__object *object) {
    kw__mutex_free(&((kw_shelf *)object)->lock);
    kw__free(object);
}

kw_status kw__shelf_open(kw_client *client, kw__bytes prefix, kw_shelf **out, kw_error *error) {
    kw_shelf *shelf = kw__calloc(1, sizeof *shelf + prefix.length);
    if (shelf == NULL || !kw__mutex_init(&shelf->lock)) {
        kw__free(shelf);
        return kw__fail_memory(error);
    }
    memcpy(shelf->prefix, prefix.data, prefix.length);
    shelf->guard.prefix = kw__bytes_of(shelf->prefix, prefix.length);
    shelf->guard.invalidated = count_invalidated;
    kw__object_init(&shelf->object, client, destroy_shelf);
    kw_status status = kw__guard_begin(client, &shelf->guard, error);
    if (status != KW_OK) {
        kw__object_release(&shelf->object);
        return status;
    }
    *out = shelf;
    return KW_OK;
}

void kw__shelf_free(kw_shelf *shelf) {
    if (shelf == NULL || kw__client_is_forked(shelf->object.client)) return;
    kw__guard_end(shelf->object.client, &shelf->guard);
    kw__object_release(&shelf->object);
}

kw_status kw__shelf_read(kw_shelf *shelf, kw_shelf_state *state, kw_error *error) {
    (void)error;
    bool live;
    state->epoch = kw__guard_epoch(shelf->object.client, &shelf->guard, &live);
    state->live = live;
    kw__lock(&shelf->lock);
    state->keys = shelf->keys;
    state->emptied = shelf->emptied;
    kw__unlock(&shelf->lock);
    return KW_OK;
}

/* A cell: one operation by two paths */

kw_status kw__cell_open(kw_client *client, kw__bytes key, kw_cell **out, kw_error *error) {
    kw_status status = kw__client_check(client, error);
    if (status != KW_OK) return status;
    kw_cell *made = kw__calloc(1, sizeof *made + key.length);
    if (made == NULL) return kw__fail_memory(error);
    memcpy(made->key, key.data, key.length);
    made->key_length = key.length;
    kw__object_init(&made->object, client, free_memory);
    *out = made;
    return KW_OK;
}

void kw__cell_free(kw_cell *handle) {
    if (handle != NULL && !kw__client_is_forked(handle->object.client)) kw__object_release(&handle->object);
}

kw_status kw__cell_swap_encode(const kw__step *step, kw__command *command, kw_error *error) {
    const kw_cell *self = (const kw_cell *)step->object;
    const kw__cell_swap_args *args = step->args;
    kw__bytes key = kw__bytes_of(self->key, self->key_length);
    if ((step->capabilities & KW_CAPABILITY_SET_IFEQ) != 0) {
        kw__command_begin(command, 7);
        kw__command_text(command, "SET");
        kw__command_bytes(command, key);
        kw__command_bytes(command, args->value);
        kw__command_text(command, "IFEQ");
        kw__command_bytes(command, args->expected);
        kw__command_text(command, "PX");
        kw__command_text(command, "60000");
    } else {
        kw__command_script(command, &kw__script_swap);
        kw__command_bytes(command, key);
        kw__command_bytes(command, args->expected);
        kw__command_bytes(command, args->value);
    }
    return kw__command_end(command, error);
}

kw_status kw__cell_swap_decode(const kw__step *step, const kw__reply *reply, void *answer, kw_error *error) {
    kw_swapped *swapped = answer;
    *swapped = (kw_swapped){.native = (step->capabilities & KW_CAPABILITY_SET_IFEQ) != 0};
    bool done;
    if (swapped->native) {
        if (reply->kind != KW__REPLY_STRING && reply->kind != KW__REPLY_NIL) return kw__reply_unexpected("SET", error);
        done = reply->kind == KW__REPLY_STRING;
    } else {
        int64_t number;
        kw_status status = kw__reply_integers(reply, KW__SWAP_REPLIES, &number, error);
        if (status != KW_OK) return status;
        done = number == 1;
    }
    swapped->status = done ? KW_OK : KW_CONFLICT;
    return swapped->status;
}

/* A beat */

static const void *no_arguments(kw__duty *duty) {
    (void)duty;
    return NULL;
}

static int64_t again(kw__duty *duty, kw_status status, const void *result, const kw_error *error) {
    (void)result, (void)error;
    return status == KW_CLOSED ? KW_FOREVER : duty->every_us;
}

kw_status kw__beat_open(kw_client *client, int64_t every_us, kw_beat **out, kw_error *error) {
    kw_beat *beat = kw__calloc(1, sizeof *beat);
    if (beat == NULL) return kw__fail_memory(error);
    beat->duty = (kw__duty){.name = "beat",
                            .object = &beat->object,
                            .row = &kw__client_ping_row,
                            .every_us = every_us,
                            .timeout_us = 500000,
                            .arguments = no_arguments,
                            .answered = again};
    kw__object_init(&beat->object, client, free_memory);
    kw_status status = kw__duty_begin(client, &beat->duty, error);
    if (status != KW_OK) {
        kw__object_release(&beat->object);
        return status;
    }
    *out = beat;
    return KW_OK;
}

void kw__beat_free(kw_beat *beat) {
    if (beat == NULL || kw__client_is_forked(beat->object.client)) return;
    kw__duty_end(beat->object.client, &beat->duty);
    kw__object_release(&beat->object);
}

kw_status kw__beat_state(kw_beat *beat, kw_duty *duty, kw_error *error) {
    (void)error;
    kw__duty_read(beat->object.client, &beat->duty, duty);
    return KW_OK;
}
