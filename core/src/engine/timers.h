/* Which call must be looked at next: a binary heap over the earlier of deadline and timer. */
#ifndef KW__TIMERS_H
#define KW__TIMERS_H

#include "engine/call.h"

typedef struct kw__timers {
    kw__call **heap;
    size_t count;
    size_t capacity;
} kw__timers;

/* When a call wants to be looked at: its timer, or its deadline while it is not finished. */
int64_t kw__timers_moment(const kw__call *call);

bool kw__timers_reserve(kw__timers *timers, size_t calls);
/* Puts the call where its moment belongs, in or out. After a reserve for as many as there are calls. */
void kw__timers_update(kw__timers *timers, kw__call *call);
void kw__timers_remove(kw__timers *timers, kw__call *call);
/* The next moment, INT64_MAX for none. */
int64_t kw__timers_next(const kw__timers *timers);
/* The call of the next moment, if that has come. */
kw__call *kw__timers_due(const kw__timers *timers, int64_t now);
void kw__timers_free(kw__timers *timers);

#endif
