/* Joint limiters: several limiters in one decision, each with a key and a cost of its own. */
#ifndef KW__JOINT_H
#define KW__JOINT_H

#include "engine/object.h"
#include "keywright.h"

#define KW__JOINT_LIMITERS 8

struct kw_joint {
    kw__object object;
    kw_on_failure on_failure;
    int count;
    int rules;                                /* of all limiters */
    int words;                                /* that these take in a script */
    kw_limiter *limiters[KW__JOINT_LIMITERS]; /* held */
    uint8_t alike[KW__JOINT_LIMITERS];        /* of each: bits of those before it that share a limit's state with it */
};

kw_status kw__joint_open(kw_client *client, kw_limiter *const *limiters, size_t count, const kw_joint_options *options,
                         kw_joint **joint, kw_error *error);
void kw__joint_free(kw_joint *joint);

#endif
