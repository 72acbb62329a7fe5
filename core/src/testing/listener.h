/* Small users of the background: a listener, a shelf, a beat. */
#ifndef KW__LISTENER_H
#define KW__LISTENER_H

#include "engine/background.h"
#include "engine/object.h"
#include "keywright_test.h"

struct kw_listener {
    kw__object object;
    kw__watch watch; /* of state */
    bool watches;
    kw_listener_heard heard; /* under the background's lock while it watches */
    kw__mutex lock;
    size_t channel_length;
    char channel[];
};

struct kw_shelf {
    kw__object object;
    kw__guard guard;
    kw__mutex lock;
    int64_t keys;
    int64_t emptied;
    char prefix[];
};

struct kw_cell {
    kw__object object;
    size_t key_length;
    char key[];
};

struct kw_beat {
    kw__object object;
    kw__duty duty;
};

kw_status kw__listener_open(kw_client *client, kw__bytes channel, kw_listener **listener, kw_error *error);
void kw__listener_free(kw_listener *listener);
kw_status kw__listener_state(kw_listener *listener, kw_listener_heard *heard, kw_error *error);
kw_status kw__shelf_open(kw_client *client, kw__bytes prefix, kw_shelf **shelf, kw_error *error);
void kw__shelf_free(kw_shelf *shelf);
kw_status kw__shelf_read(kw_shelf *shelf, kw_shelf_state *state, kw_error *error);
kw_status kw__cell_open(kw_client *client, kw__bytes key, kw_cell **out, kw_error *error);
void kw__cell_free(kw_cell *handle);
kw_status kw__beat_open(kw_client *client, int64_t every_us, kw_beat **beat, kw_error *error);
void kw__beat_free(kw_beat *beat);
kw_status kw__beat_state(kw_beat *beat, kw_duty *duty, kw_error *error);

#endif
