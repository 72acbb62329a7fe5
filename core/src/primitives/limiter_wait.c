/*
 * A hit with patience. Under GCRA the server books it ahead in one step, and what is left is to let the time pass: N
 * waiters are served in N turns. A window has nothing to book: it is asked again when it ends. A permit may be released
 * at any moment: for that it is asked again and again, the tries spread evenly over the patience.
 *
 * A charge that nobody waits for any more (cancelled, out of time, or a yes that came too late) is refunded.
 */
#include "base/clock.h"
#include "primitives/limiter.h"
#include "primitives/limiter_rows.h"

enum { STEP_HIT, STEP_REFUND };

/* A window that is fought over is asked this often at most. */
#define MAX_TRIES 100
/* A concurrent limit is asked again no sooner than after this. */
#define TURN_US 5000
/* Waiters of one window come back within this time of its end, not all at once. */
#define JITTER_US 5000

typedef struct wait_state {
    int64_t patient_until; /* monotonic */
    int tries;
    bool asking;  /* a hit is under way */
    bool charged; /* and not given back: decision tells by what */
    kw__passage passage;
    kw_decision decision;
} wait_state;

const uint16_t kw__limiter_wait_state_size = sizeof(wait_state);
const uint16_t kw__limiter_wait_answer_size = sizeof(kw_decision);

static const kw_limiter *limiter_of(const kw__step *step) {
    return (const kw_limiter *)step->object;
}

static int64_t patience_of(const kw__step *step) {
    const kw__limiter_wait_args *args = step->args;
    int64_t most = limiter_of(step)->settings.max_wait_us;
    return args->wait_us < most ? args->wait_us : most;
}

kw_status kw__limiter_wait_encode(const kw__step *step, kw__command *command, kw_error *error) {
    const kw__limiter_wait_args *args = step->args;
    if (step->number == STEP_REFUND) {
        const wait_state *state = step->state;
        kw__limiter_forget((kw_limiter *)step->object, args->key);
        command->by_text = true; /* whoever gives up may read no more replies: a NOSCRIPT would go unseen */
        return kw__limiter_encode_refund(limiter_of(step), args->key, &state->decision, state->decision.count, command,
                                         error);
    }
    const kw__hit hit = {.key = args->key, .cost = args->cost, .patience_us = patience_of(step)};
    return kw__limiter_encode_hit(limiter_of(step), &hit, command, error);
}

kw_status kw__limiter_wait_decode(const kw__step *step, const kw__reply *reply, void *answer, kw_error *error) {
    const kw__limiter_wait_args *args = step->args;
    if (step->number == STEP_REFUND) {
        kw__limiter_forget((kw_limiter *)step->object, args->key);
        return kw__limiter_decode_refund(reply, error);
    }
    const kw__hit hit = {.key = args->key, .cost = args->cost};
    return kw__limiter_decode_hit(limiter_of(step), &hit, reply, answer, error);
}

static void ask(wait_state *state, kw__effects *effects) {
    state->asking = true;
    state->tries++;
    effects->send = true;
    effects->step = STEP_HIT;
}

static void arm(kw__effects *effects, int64_t at) {
    effects->arm = true;
    effects->at = at;
}

static void answer(const kw__step *step, const wait_state *state, kw__effects *effects) {
    kw__limiter_count((kw_limiter *)step->object, state->decision.status, &state->decision);
    *(kw_decision *)step->result = state->decision;
    effects->finish = true;
    effects->status = state->decision.status;
    effects->end = true;
}

/* Gives back what was charged, if anything was; else there is nothing left to do. */
static void give_back(wait_state *state, kw__effects *effects) {
    if (!state->charged) {
        effects->end = true;
        return;
    }
    state->charged = false;
    effects->send = true;
    effects->step = STEP_REFUND;
}

/* For how long to let a denial rest before asking again; KW_NEVER when that is no use. */
static int64_t rest(const kw_limiter *limiter, const wait_state *state, int64_t left) {
    const kw_decision *decision = &state->decision;
    int64_t after = decision->retry_after_us;
    if (limiter->books_ahead || state->tries >= MAX_TRIES || after == KW_NEVER) return KW_NEVER;
    if (decision->reason == KW_DECIDED_BY_SERVER && limiter->rules[decision->denied_by].shape == &kw__shape_leases) {
        int64_t turn = left / (MAX_TRIES - state->tries);
        if (turn < TURN_US) turn = TURN_US;
        if (turn < after) after = turn;
    }
    return after <= left ? after : KW_NEVER;
}

static void answered(const kw__step *step, const kw__event *event, wait_state *state, kw__effects *effects) {
    const kw_limiter *limiter = limiter_of(step);
    state->decision = *(const kw_decision *)event->answer;
    state->asking = false;
    kw__limiter_passed((kw_limiter *)step->object, state->decision.status, event->now, &state->passage);
    state->charged = state->decision.count > 0;
    kw_decision *decision = &state->decision;
    int64_t left = state->patient_until - event->received_at, after;
    if (event->finished) {
        give_back(state, effects);
    } else if (decision->status == KW_OK && decision->delay_us > 0) {
        arm(effects, kw__deadline(event->received_at, decision->delay_us));
    } else if (decision->status == KW_DENIED && (after = rest(limiter, state, left)) != KW_NEVER) {
        int64_t spare = left - after;
        int64_t jitter = (int64_t)(event->random % (uint64_t)((spare < JITTER_US ? spare : JITTER_US) + 1));
        arm(effects, event->received_at + after + jitter);
    } else {
        answer(step, state, effects);
    }
}

static void timer(const kw__step *step, const kw__event *event, wait_state *state, kw__effects *effects) {
    if (!state->charged) {
        state->passage = (kw__passage){.began_at = event->now};
        ask(state, effects);
        return;
    }
    /* The decision speaks of now, not of when it was booked. */
    state->decision.reset_after_us -= state->decision.delay_us;
    answer(step, state, effects);
}

/* The server did not answer; where the policy does instead, the caller gets that. */
static void fail(const kw__step *step, const kw__event *event, const wait_state *state, kw__effects *effects) {
    kw_limiter *limiter = (kw_limiter *)step->object;
    const kw__limiter_wait_args *args = step->args;
    const kw__hit hit = {.key = args->key, .cost = args->cost};
    effects->status = event->status;
    if (state->asking) kw__limiter_passed(limiter, event->status, event->now, &state->passage);
    if (kw__limiter_decide_alone(limiter, &hit, event->status, event->now, step->result)) {
        effects->finish = true;
        effects->status = ((const kw_decision *)step->result)->status;
    }
    kw__limiter_count(limiter, effects->status, step->result);
}

/*
 * Nobody waits any more; the engine tells the caller. A hit that is under way is waited for, because only its answer
 * tells what there is to give back.
 */
static void abandoned(const kw__step *step, const kw__event *event, wait_state *state, kw__effects *effects) {
    if (event->kind == KW__EVENT_DEADLINE && !event->finished) fail(step, event, state, effects);
    if (!state->asking) give_back(state, effects);
}

static void failed(const kw__step *step, const kw__event *event, wait_state *state, kw__effects *effects) {
    if (!event->finished) {
        fail(step, event, state, effects);
        effects->finish = true;
        if (effects->status < 0) kw__error_copy(effects->error, event->error);
    }
    if (step->number == STEP_HIT) state->asking = false;
    effects->end = true;
}

/* Tokens that are held, or the policy while the server is absent, answer at once. */
static void start(const kw__step *step, const kw__event *event, wait_state *state, kw__effects *effects) {
    kw_limiter *limiter = (kw_limiter *)step->object;
    const kw__limiter_wait_args *args = step->args;
    const kw__hit hit = {.key = args->key, .cost = args->cost};
    if (kw__tokens_spend(limiter, args->key, args->cost, event->now, &state->decision) ||
        kw__limiter_is_shut(limiter, &hit, event->now, event->deadline, &state->passage, &state->decision)) {
        answer(step, state, effects);
        return;
    }
    state->patient_until = kw__deadline(event->now, patience_of(step));
    ask(state, effects);
}

void kw__limiter_wait_advance(const kw__step *step, const kw__event *event, kw__effects *effects) {
    wait_state *state = step->state;
    switch (event->kind) {
    case KW__EVENT_START:
        start(step, event, state, effects);
        break;
    case KW__EVENT_REPLY:
        if (step->number == STEP_HIT) {
            answered(step, event, state, effects);
        } else {
            effects->end = true;
        }
        break;
    case KW__EVENT_TIMER:
        timer(step, event, state, effects);
        break;
    case KW__EVENT_FAILED:
        failed(step, event, state, effects);
        break;
    case KW__EVENT_DEADLINE:
    case KW__EVENT_CANCEL:
        abandoned(step, event, state, effects);
        break;
    case KW__EVENT_WATCHING:
    case KW__EVENT_NOTIFY:
        break;
    }
}
