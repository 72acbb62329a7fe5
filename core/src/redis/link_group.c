/*
 * Coalescing: commands of one group that meet go as one.
 *
 * The first of a group goes at once. Those that come while it is in line are held; its reply lets them go, all as one
 * command: the first of them carries the others, who stand behind it in line without bytes of their own. What is held
 * has not been sent, and can be withdrawn like all that waits.
 */
#include "redis/link_parts.h"

static kw__group *place_of(kw__link *link, const kw__pending *pending) {
    return &link->groups[pending->group % KW__LINK_GROUPS];
}

static bool are_alike(const kw__link *link, const kw__pending *a, const kw__pending *b) {
    return a->group == b->group && link->user->same(a, b);
}

bool kw__link_hold(kw__link *link) {
    kw__pending *pending = link->waiting.first;
    kw__group *place = place_of(link, pending);
    if (place->carrier == NULL || !are_alike(link, place->carrier, pending)) return false;
    kw__pendings_remove(&link->waiting, pending);
    pending->place = KW__PLACE_HELD;
    kw__pendings_add(&place->held, pending);
    return true;
}

kw_status kw__link_coalesce(kw__link *link, size_t room) {
    kw__pending *first = link->waiting.first;
    if (room > KW__LINK_TOGETHER) room = KW__LINK_TOGETHER;
    first->carries = 0;
    for (const kw__pending *next = first->next; next != NULL && first->carries + 1 < room; next = next->next) {
        if (!are_alike(link, first, next)) break;
        first->carries++;
    }
    return link->user->coalesce(first, first->carries, link->greeting.server.capabilities, &link->failure);
}

void kw__link_occupy(kw__link *link, kw__pending *carrier) {
    kw__group *place = place_of(link, carrier);
    if (place->carrier == NULL) place->carrier = carrier; /* else by another group: this one's are not held */
}

void kw__link_release_held(kw__link *link, const kw__pending *carrier) {
    kw__group *place = place_of(link, carrier);
    if (place->carrier != carrier) return;
    place->carrier = NULL;
    for (kw__pending *pending = place->held.first; pending != NULL; pending = pending->next)
        pending->place = KW__PLACE_WAITING;
    kw__pendings_put_before(&link->waiting, &place->held);
}

void kw__link_unhold(kw__link *link, kw__pending *pending) {
    kw__pendings_remove(&place_of(link, pending)->held, pending);
}
