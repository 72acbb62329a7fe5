/* Duties: operations that are done again and again, and whose state can be read. */
#include "base/clock.h"
#include "engine/background_parts.h"

#define DRAIN_AT_ONCE 32

static kw__duty *find(kw__background *background, uint64_t tag) {
    kw__duty *duty = background->duties;
    while (duty != NULL && duty->tag != tag)
        duty = duty->next;
    return duty;
}

/* Notes how it went and when it goes again, with the lock. */
static void note(kw__duty *duty, kw_status status, const void *result, const kw_error *error) {
    duty->out = false;
    duty->state.runs++;
    duty->state.last_status = status;
    if (status < 0) {
        duty->state.failures++;
        duty->state.failed_in_a_row++;
        if (error != NULL) memcpy(duty->state.last_error, error->message, sizeof duty->state.last_error - 1);
    } else {
        duty->state.failed_in_a_row = 0;
        duty->state.last_error[0] = '\0';
    }
    duty->at = kw__deadline(kw__now(), duty->answered(duty, status, result, error));
    if (duty->at == INT64_MAX) duty->state.ended = 1;
}

static void begin_due(kw__background *background, int64_t now) {
    for (kw__duty *duty = background->duties; duty != NULL; duty = duty->next) {
        if (duty->out || duty->at > now) continue;
        kw_error error;
        kw__error_clear(&error);
        duty->tag = ++background->last_tag;
        duty->out = true;
        kw_status status = kw__submit(duty->object, background->completions, duty->tag, duty->row,
                                      duty->arguments(duty), duty->timeout_us, &error);
        if (status != KW_OK) note(duty, status, NULL, &error);
    }
}

void kw__duty_round(kw__background *background, int64_t now) {
    kw__lock(&background->lock);
    begin_due(background, now);
    kw__unlock(&background->lock);
    while (kw__completions_step(background->completions, NULL) > 0) {
        kw_record records[DRAIN_AT_ONCE];
        int64_t count = kw__completions_drain(background->completions, records, DRAIN_AT_ONCE, sizeof records[0], NULL);
        if (count <= 0) break;
        kw__lock(&background->lock);
        for (int64_t i = 0; i < count; i++) {
            kw__duty *duty = find(background, records[i].tag);
            if (duty == NULL) continue; /* it ended meanwhile */
            bool failed = records[i].status < 0;
            note(duty, records[i].status, failed ? NULL : records[i].data, failed ? records[i].data : NULL);
        }
        kw__unlock(&background->lock);
    }
}

int64_t kw__duty_due(const kw__background *background) {
    int64_t next = INT64_MAX;
    for (const kw__duty *duty = background->duties; duty != NULL; duty = duty->next) {
        if (!duty->out && duty->at < next) next = duty->at;
    }
    return next;
}

kw_status kw__duty_begin(kw_client *client, kw__duty *duty, kw_error *error) {
    kw__background *background;
    kw_status status = kw__background_of(client, &background, error);
    if (status != KW_OK) return status;
    kw__lock(&background->lock);
    duty->at = kw__deadline(kw__now(), duty->every_us);
    duty->out = false;
    duty->tag = 0;
    duty->previous = NULL;
    duty->next = background->duties;
    if (duty->next != NULL) duty->next->previous = duty;
    background->duties = duty;
    kw__unlock(&background->lock);
    kw__background_wake(background);
    return KW_OK;
}

void kw__duty_end(kw_client *client, kw__duty *duty) {
    kw__background *background = client->background;
    kw__lock(&background->lock);
    if (duty->previous != NULL)
        duty->previous->next = duty->next;
    else
        background->duties = duty->next;
    if (duty->next != NULL) duty->next->previous = duty->previous;
    kw__unlock(&background->lock);
}

void kw__duty_read(kw_client *client, kw__duty *duty, kw_duty *state) {
    kw__background *background = client->background;
    kw__lock(&background->lock);
    *state = duty->state;
    kw__unlock(&background->lock);
}
