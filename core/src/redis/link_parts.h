/* What the files of the link share: link.c (the line and its threads), link_read.c (replies), link_group.c
 * (coalescing), link_connect.c (coming up). */
#ifndef KW__LINK_PARTS_H
#define KW__LINK_PARTS_H

#include "redis/link.h"

#define KW__INPUT_BYTES ((size_t)64 << 10)
#define KW__STALL_US (2 * INT64_C(1000000)) /* silence past an expired place after which a link is given up */

/* Lists. */
void kw__pendings_put_before(kw__pendings *list, kw__pendings *first);
void kw__pendings_add(kw__pendings *list, kw__pending *pending);
void kw__pendings_remove(kw__pendings *list, kw__pending *pending);

/* All by the leader, with the lock. */

/* Moves what waits into the line while there is room. */
void kw__link_admit(kw__link *link);
/* Ends the connection. What was sent fails (or waits again, if it may be repeated), what was not waits again. */
void kw__link_tear_down(kw__link *link, kw_status status, const kw_error *error);
/* The peer has closed: this attempt failed, or the link is torn down. */
void kw__link_lost(kw__link *link);
/* Dooms everything that waits. */
void kw__link_doom_waiting(kw__link *link, kw_status status);
/* A new link is up: what was under way on the lost one goes again, unless that may still be alive. */
void kw__link_judge_repeats(kw__link *link);
/* Tells the user of the doomed. Gives the lock up. */
void kw__link_bury(kw__link *link);
/* Marks one as answered or failed; its token is resumed by kw__link_resume. */
void kw__link_settle(kw__link *link, kw__pending *pending);
void kw__link_resume(kw__link *link);

/* link_group.c, for what has a group: */
/* Holds the first that waits, if one of its group is in line. */
bool kw__link_hold(kw__link *link);
/* Writes the bytes of the first that waits, for all of its group that stand behind it, `room` at most in all. Sets
 * `carries`. */
kw_status kw__link_coalesce(kw__link *link, size_t room);
/* It goes into line: those that come now are held. */
void kw__link_occupy(kw__link *link, kw__pending *carrier);
/* It left the line: those that were held wait again, before all others. */
void kw__link_release_held(kw__link *link, const kw__pending *carrier);
/* Takes it out of those that are held. */
void kw__link_unhold(kw__link *link, kw__pending *pending);

/* link_read.c: reads once; false when nothing was there or the link went down. Gives the lock up. */
bool kw__link_read(kw__link *link);

/* What the connection must be watched for. */
short kw__link_interest(const kw__link *link);

/* link_connect.c */
void kw__link_back_off(kw__link *link); /* the next attempt comes a little later than this one did */
void kw__link_connect(kw__link *link);  /* from DOWN, when something waits */
void kw__link_go_on(kw__link *link, int64_t now, bool ready); /* RESOLVING to SECURING: what can be done now */
/* The handshake ended before an answer came, or with one that ends the attempt. */
void kw__link_handshake_lost(kw__link *link, kw_status status, kw_error *error);
void kw__link_greeting_failed(kw__link *link, kw_status status, const kw_error *error);
void kw__link_is_up(kw__link *link);
void kw__link_drop_connection(kw__link *link); /* waits for the flusher; gives the lock up */

#endif
