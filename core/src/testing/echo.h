/* Echo operations: the table, advance and undo, proved without a server. */
#ifndef KW__ECHO_H
#define KW__ECHO_H

#include "engine/object.h"
#include "keywright_test.h"
#include "testing/echo_endpoint.h"

struct kw_echo {
    kw__object object;
    kw__echo_endpoint *endpoint;
};

kw_status kw__echo_open(kw_client *client, kw_echo **echo, kw_error *error);
void kw__echo_free(kw_echo *echo);
kw_status kw__echo_hold(kw_echo *echo, int64_t held, kw_error *error);
kw_status kw__echo_drop(kw_echo *echo, kw_error *error);
kw_status kw__echo_flush(kw_echo *echo, kw_error *error);
kw_status kw__echo_forbid(kw_echo *echo, int64_t forbidden, kw_error *error);
kw_status kw__echo_state(kw_echo *echo, kw_echo_seen *seen, kw_error *error);

#endif
