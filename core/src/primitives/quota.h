/*
 * A quota: a name, a limit, a calendar period. Each key inside it has four keys in the server: what is charged in the
 * present period, and of reservations what they hold, in which order they lapse, and which are settled.
 */
#ifndef KW__QUOTA_H
#define KW__QUOTA_H

#include "engine/object.h"
#include "primitives/keys.h"

typedef enum kw__quota_part {
    KW__QUOTA_STATE,
    KW__QUOTA_RESERVATIONS,
    KW__QUOTA_LEASES,
    KW__QUOTA_SETTLED,
    KW__QUOTA_PARTS,
} kw__quota_part;

struct kw_quota {
    kw__object object;
    kw__key_frame frames[KW__QUOTA_PARTS];
    int64_t limit;
    kw_period period;
    int64_t zone_seconds;
};

kw_status kw__quota_open(kw_client *client, kw__bytes name, int64_t limit, const kw_quota_options *options,
                         kw_quota **quota, kw_error *error);
void kw__quota_free(kw_quota *quota);

#endif
