#include "testing/echo.h"

#include "base/memory.h"
#include "engine/client.h"
#include "testing/echo_rows.h"
#include "testing/testing_scripts.h"

static void destroy(kw__object *object) {
    kw__free(object);
}

kw_status kw__echo_open(kw_client *client, kw_echo **out, kw_error *error) {
    kw_status status = kw__client_check(client, error);
    if (status != KW_OK) return status;
    if (client->url.kind != KW__ADDRESS_EXTRA) {
        return kw__fail(error, KW_INVALID, KW_REASON_URL_SCHEME, "the echo object needs a client opened with echo://");
    }
    kw_echo *echo = kw__calloc(1, sizeof *echo);
    kw__echo_endpoint *endpoint = kw__echo_endpoint_of(client);
    if (echo == NULL || endpoint == NULL) {
        kw__free(echo);
        return kw__fail_memory(error);
    }
    echo->endpoint = endpoint;
    kw__object_init(&echo->object, client, destroy);
    *out = echo;
    return KW_OK;
}

void kw__echo_free(kw_echo *echo) {
    if (echo != NULL && !kw__client_is_forked(echo->object.client)) kw__object_release(&echo->object);
}

kw_status kw__echo_hold(kw_echo *echo, int64_t held, kw_error *error) {
    (void)error;
    kw__echo_endpoint_hold(echo->endpoint, held != 0);
    return KW_OK;
}

kw_status kw__echo_drop(kw_echo *echo, kw_error *error) {
    (void)error;
    kw__echo_endpoint_drop(echo->endpoint);
    return KW_OK;
}

kw_status kw__echo_flush(kw_echo *echo, kw_error *error) {
    (void)error;
    kw__echo_endpoint_flush(echo->endpoint);
    return KW_OK;
}

kw_status kw__echo_forbid(kw_echo *echo, int64_t forbidden, kw_error *error) {
    (void)error;
    kw__echo_endpoint_forbid(echo->endpoint, forbidden != 0);
    return KW_OK;
}

kw_status kw__echo_state(kw_echo *echo, kw_echo_seen *seen, kw_error *error) {
    (void)error;
    kw__echo_endpoint_seen(echo->endpoint, seen);
    return KW_OK;
}

/* 64-bit FNV-1a (Fowler, Noll, Vo). */
static uint64_t checksum(kw__bytes bytes) {
    const unsigned char *at = bytes.data;
    uint64_t hash = UINT64_C(0xCBF29CE484222325);
    for (size_t i = 0; i < bytes.length; i++)
        hash = (hash ^ at[i]) * UINT64_C(0x100000001B3);
    return hash;
}

static kw_status write_echo(kw__command *command, int64_t number, kw__bytes payload, kw_error *error) {
    kw__command_begin(command, 3);
    kw__command_text(command, "ECHO");
    kw__command_integer(command, number);
    kw__command_bytes(command, payload);
    return kw__command_end(command, error);
}

static kw_status read_echo(const kw__reply *reply, kw_echo_pair *pair, kw_error *error) {
    if (reply->kind != KW__REPLY_ARRAY || reply->count != 2 || reply->elements[0]->kind != KW__REPLY_INTEGER ||
        reply->elements[1]->kind != KW__REPLY_STRING) {
        return kw__reply_unexpected("ECHO", error);
    }
    *pair = (kw_echo_pair){.status = KW_OK, .steps = 1, .number = reply->elements[0]->integer};
    pair->length = (int64_t)reply->elements[1]->bytes.length;
    pair->checksum = checksum(reply->elements[1]->bytes);
    return KW_OK;
}

/* send: one step */

kw_status kw__echo_send_encode(const kw__step *step, kw__command *command, kw_error *error) {
    const kw__echo_send_args *args = step->args;
    return write_echo(command, args->number, args->payload, error);
}

kw_status kw__echo_send_decode(const kw__step *step, const kw__reply *reply, void *answer, kw_error *error) {
    (void)step;
    return read_echo(reply, answer, error);
}

/* steps: several, with pauses */

const uint16_t kw__echo_steps_state_size = 0;
const uint16_t kw__echo_steps_answer_size = sizeof(kw_echo_pair);

kw_status kw__echo_steps_encode(const kw__step *step, kw__command *command, kw_error *error) {
    const kw__echo_steps_args *args = step->args;
    return write_echo(command, args->number, kw__bytes_of("", 0), error);
}

kw_status kw__echo_steps_decode(const kw__step *step, const kw__reply *reply, void *answer, kw_error *error) {
    (void)step;
    return read_echo(reply, answer, error);
}

void kw__echo_steps_advance(const kw__step *step, const kw__event *event, kw__effects *effects) {
    const kw__echo_steps_args *args = step->args;
    kw_echo_pair *result = step->result;
    switch (event->kind) {
    case KW__EVENT_START:
    case KW__EVENT_TIMER:
        effects->send = true;
        effects->step = result->steps;
        break;
    case KW__EVENT_REPLY: {
        int32_t made = result->steps + 1;
        *result = *(const kw_echo_pair *)event->answer;
        result->steps = made;
        effects->finish = made >= args->count;
        effects->end = event->finished || effects->finish;
        effects->arm = !effects->end;
        effects->at = event->received_at + args->pause_us;
        break;
    }
    case KW__EVENT_FAILED:
        effects->finish = effects->end = true;
        effects->status = event->status;
        *effects->error = *event->error;
        break;
    case KW__EVENT_WATCHING:
    case KW__EVENT_NOTIFY:
    case KW__EVENT_DEADLINE:
    case KW__EVENT_CANCEL:
        break;
    }
}

/* grant: one that hands something out */

kw_status kw__echo_grant_encode(const kw__step *step, kw__command *command, kw_error *error) {
    const kw__echo_grant_args *args = step->args;
    kw__command_begin(command, 2);
    kw__command_text(command, "GRANT");
    kw__command_integer(command, args->number);
    return kw__command_end(command, error);
}

kw_status kw__echo_grant_decode(const kw__step *step, const kw__reply *reply, void *answer, kw_error *error) {
    if (reply->kind != KW__REPLY_INTEGER) return kw__reply_unexpected("GRANT", error);
    kw_echo_pair *pair = answer;
    *pair = (kw_echo_pair){.status = reply->integer != 0 ? KW_OK : KW_BUSY, .steps = 1};
    pair->number = ((const kw__echo_grant_args *)step->args)->number;
    return pair->status;
}

kw_status kw__echo_grant_undo(const kw__step *step, const void *answer, kw__command *command, kw_error *error) {
    kw__command_begin(command, 2);
    kw__command_text(command, "UNGRANT");
    kw__command_integer(command, ((const kw_echo_pair *)answer)->number);
    (void)step;
    return kw__command_end(command, error);
}

/* keep: one that may be sent again when the lost link is dead */

kw_status kw__echo_keep_encode(const kw__step *step, kw__command *command, kw_error *error) {
    kw__command_begin(command, 2);
    kw__command_text(command, "KEEP");
    kw__command_integer(command, ((const kw__echo_keep_args *)step->args)->number);
    return kw__command_end(command, error);
}

kw_status kw__echo_keep_decode(const kw__step *step, const kw__reply *reply, void *answer, kw_error *error) {
    if (reply->kind != KW__REPLY_INTEGER) return kw__reply_unexpected("KEEP", error);
    *(kw_echo_pair *)answer =
        (kw_echo_pair){.status = KW_OK, .steps = 1, .number = ((const kw__echo_keep_args *)step->args)->number};
    return KW_OK;
}

/* script: NOSCRIPT stays invisible */

kw_status kw__echo_script_encode(const kw__step *step, kw__command *command, kw_error *error) {
    kw__command_script(command, &kw__script_echo);
    kw__command_integer(command, ((const kw__echo_script_args *)step->args)->number);
    return kw__command_end(command, error);
}

kw_status kw__echo_script_decode(const kw__step *step, const kw__reply *reply, void *answer, kw_error *error) {
    (void)step;
    kw_echo_pair *pair = answer;
    *pair = (kw_echo_pair){.status = KW_OK, .steps = 1};
    return kw__reply_integers(reply, KW__ECHO_REPLIES, &pair->number, error);
}

/* tally and gather: those of one number that meet go as one */

/* Numbers that are equal modulo a million have one group, and are not the same. */
static uint64_t group_of(int64_t number) {
    return (uint64_t)number % 1000000;
}

uint64_t kw__echo_tally_group(const kw__step *step) {
    return group_of(((const kw__echo_tally_args *)step->args)->number);
}

bool kw__echo_tally_same(const kw__step *a, const kw__step *b) {
    return ((const kw__echo_tally_args *)a->args)->number == ((const kw__echo_tally_args *)b->args)->number;
}

kw_status kw__echo_tally_encode(const kw__step *step, kw__command *command, kw_error *error) {
    kw__command_script(command, &kw__script_tally);
    kw__command_integer(command, ((const kw__echo_tally_args *)step->args)->number);
    kw__command_integer(command, (int64_t)step->together);
    return kw__command_end(command, error);
}

kw_status kw__echo_tally_decode(const kw__step *step, const kw__reply *reply, void *answer, kw_error *error) {
    kw_echo_pair *pair = answer;
    *pair = (kw_echo_pair){.status = KW_OK, .steps = 1, .together = (int64_t)step->together};
    kw_status status = kw__reply_integers(reply, KW__TALLY_REPLIES, &pair->number, error);
    pair->number -= (int64_t)(step->together - 1 - step->index); /* those behind it came later */
    return status;
}

uint64_t kw__echo_gather_group(const kw__step *step) {
    return group_of(((const kw__echo_gather_args *)step->args)->number);
}

bool kw__echo_gather_same(const kw__step *a, const kw__step *b) {
    return ((const kw__echo_gather_args *)a->args)->number == ((const kw__echo_gather_args *)b->args)->number;
}

kw_status kw__echo_gather_encode(const kw__step *step, kw__command *command, kw_error *error) {
    return write_echo(command, ((const kw__echo_gather_args *)step->args)->number, kw__bytes_of("", 0), error);
}

kw_status kw__echo_gather_decode(const kw__step *step, const kw__reply *reply, void *answer, kw_error *error) {
    kw_echo_pair *pair = answer;
    kw_status status = read_echo(reply, pair, error);
    pair->together = (int64_t)step->together;
    return status;
}
