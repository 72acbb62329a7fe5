/*
 * Callers that see an answer which is not theirs: 64 threads, or as many submitted calls, share a link while the proxy
 * delays both directions, cuts links in the middle of replies and lets replies vanish.
 *
 * Each caller has a key of its own whose count lies in a range of its own, and each of its hits makes it larger. So an
 * answer that belongs to another caller, or to an earlier call of the same one, is seen.
 */
#ifndef KW_CALLERS_TEST_H
#define KW_CALLERS_TEST_H

#include "faults/faults_test.h"

enum { CALLERS = 64, SPACING = 1000000, ENOUGH = 500 };

static kw_limiter *limiter;
static atomic_bool over;
static atomic_int wrong, unexpected;

/* One that makes one call after another. */
struct caller {
    int64_t base;      /* charged before it began */
    int64_t hits;      /* hits asked for */
    int64_t ok;        /* of these answered */
    int64_t maybe;     /* may have been charged, by what their callers were told */
    int64_t unsent;    /* calls that found no link */
    int64_t remaining; /* by the last answer */
    int64_t answers;
    char key[16];
    bool asked_to_hit;
};

static struct caller callers[CALLERS];

/* Of the client, which is open. */
static void open_callers(void) {
    limiter = open_window("api");
    atomic_store(&over, false);
    atomic_store(&wrong, 0);
    atomic_store(&unexpected, 0);
    for (int i = 0; i < CALLERS; i++) {
        kw_decision decision;
        struct caller *caller = &callers[i];
        *caller = (struct caller){.base = (i + 1) * (int64_t)SPACING};
        snprintf(caller->key, sizeof caller->key, "caller%d", i);
        caller->remaining = WINDOW_LIMIT - caller->base;
        kw_status status =
            kw_limiter_hit(limiter, caller->key, strlen(caller->key), caller->base, 0, &decision, &error);
        assert_int_equal(status, KW_OK);
    }
}

static void judge(struct caller *caller, kw_status status, const kw_decision *decision, const kw_error *failure) {
    if (status == KW_OK) {
        int64_t least = WINDOW_LIMIT - caller->base - caller->hits;
        int64_t most = caller->remaining - (caller->asked_to_hit ? 1 : 0);
        bool right = decision->remaining >= least && decision->remaining <= most && decision->status == KW_OK &&
                     decision->count == (caller->asked_to_hit ? 1 : 0);
        if (!right) atomic_fetch_add(&wrong, 1);
        caller->remaining = decision->remaining;
        caller->answers++;
        caller->ok += caller->asked_to_hit;
    } else if (status == KW_TIMEOUT || status == KW_UNKNOWN) {
        caller->maybe += caller->asked_to_hit && failure->maybe_applied;
    } else if ((status == KW_CONNECTION || status == KW_TLS) && !failure->maybe_applied) {
        caller->unsent++;
    } else {
        atomic_fetch_add(&unexpected, 1);
        print_error("%s: %s\n", kw_status_name(status), failure->message);
    }
}

/* Each third call only looks. Some are in great haste, so that their replies come late. */
static int64_t prepare(struct caller *caller, int round) {
    caller->asked_to_hit = round % 3 != 0;
    caller->hits += caller->asked_to_hit;
    return round % 17 == 0 ? 300 : 250000;
}

static void *call_again_and_again(void *argument) {
    struct caller *caller = argument;
    for (int round = 1; !atomic_load(&over); round++) {
        kw_decision decision;
        kw_error failure;
        int64_t timeout = prepare(caller, round);
        size_t length = strlen(caller->key);
        kw_status status = caller->asked_to_hit
                               ? kw_limiter_hit(limiter, caller->key, length, 1, timeout, &decision, &failure)
                               : kw_limiter_peek(limiter, caller->key, length, 1, timeout, &decision, &failure);
        judge(caller, status, &decision, &failure);
    }
    return NULL;
}

static void submit_one(kw_completions *completions, uint64_t index, int round) {
    struct caller *caller = &callers[index];
    kw_error failure;
    int64_t timeout = prepare(caller, round);
    size_t length = strlen(caller->key);
    kw_status status =
        caller->asked_to_hit
            ? kw_limiter_submit_hit(limiter, completions, index, caller->key, length, 1, timeout, &failure)
            : kw_limiter_submit_peek(limiter, completions, index, caller->key, length, 1, timeout, &failure);
    if (status != KW_OK) atomic_fetch_add(&unexpected, 1);
}

/* A loop of its own, for half of the callers. */
static void *submit_again_and_again(void *argument) {
    uint64_t first = (uint64_t)((struct caller *)argument - callers);
    kw_completions *completions;
    kw_record records[16];
    kw_error failure;
    int round = 1, out = 0;
    if (kw_completions_open(client, &completions, &failure) != KW_OK) return NULL;
    for (; out < CALLERS / 2; out++)
        submit_one(completions, first + (uint64_t)out, round++);
    while (out > 0) {
        if (kw_completions_wait(completions, 5000000, &failure) <= 0) break;
        int64_t count = kw_completions_drain(completions, records, 16, sizeof records[0], &failure);
        for (int64_t i = 0; i < count; i++) {
            const kw_record *record = &records[i];
            judge(&callers[record->tag], record->status, record->data, record->data);
            if (atomic_load(&over))
                out--;
            else
                submit_one(completions, record->tag, round++);
        }
    }
    if (out > 0) atomic_fetch_add(&unexpected, 1); /* a record that never came */
    kw_completions_free(completions);
    return NULL;
}

/* What happens meanwhile, for so long. */
static void make_trouble(int64_t us, bool with_silence) {
    int64_t begun = test_now();
    bool was_silent = !with_silence;
    unsigned random = 12345;
    while (test_now() - begun < us) {
        random = random * 1103515245 + 12345;
        unsigned choice = random >> 16;
        switch (choice % 6) {
        case 0:
            test_proxy_delay(&proxy, TEST_TO_CLIENT, choice % 4000);
            break;
        case 1:
            test_proxy_delay(&proxy, TEST_TO_SERVER, choice % 2500);
            break;
        case 2:
            test_proxy_cut(&proxy);
            break;
        default:
            test_proxy_cut_after(&proxy, choice % 6000);
        }
        if (!was_silent && test_now() - begun > us / 3) {
            was_silent = true;
            test_proxy_swallow(&proxy, TEST_TO_CLIENT, true);
            test_sleep(10000);
            test_proxy_swallow(&proxy, TEST_TO_CLIENT, false);
            test_sleep(us / 2); /* the link that was silenced lives on, until it is given up */
        }
        test_sleep(5000 + choice % 20000);
    }
    test_proxy_delay(&proxy, TEST_TO_CLIENT, 0);
    test_proxy_delay(&proxy, TEST_TO_SERVER, 0);
    atomic_store(&over, true);
}

static bool is_served(void *unused) {
    (void)unused;
    return hit(limiter, "another", 0) == KW_OK;
}

/* What the server charged is what the callers were told. */
static void settle(void) {
    int64_t hits = 0, answers = 0;
    assert_int_equal(atomic_load(&wrong), 0);
    assert_int_equal(atomic_load(&unexpected), 0);
    test_proxy_cut(&proxy); /* nothing is on its way any more */
    test_sleep(20000);
    for (int i = 0; i < CALLERS; i++) {
        const struct caller *caller = &callers[i];
        int64_t count = charged("api", caller->key) - caller->base;
        if (count < caller->ok || count > caller->ok + caller->maybe) {
            fail_msg("%s was charged %lld times; %lld hits were answered, %lld may have been done", caller->key,
                     (long long)count, (long long)caller->ok, (long long)caller->maybe);
        }
        hits += caller->hits;
        answers += caller->answers;
    }
    kw_stats seen = stats();
    print_message("%lld hits, %lld answers, %lld links, %lld late replies\n", (long long)hits, (long long)answers,
                  (long long)test_proxy_seen(&proxy).links, (long long)seen.late_replies);
    assert_true(answers > ENOUGH);
    assert_true(seen.reconnects > 5);
    assert_true(seen.late_replies > 0);
    assert_true(test_until(is_served, NULL));
    kw_limiter_free(limiter);
    kw_client_free(client);
}

static void run(int count, int step, void *(*work)(void *), int64_t us, bool with_silence) {
    pthread_t threads[CALLERS];
    for (int i = 0; i < count; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, &callers[i * step]), 0);
    make_trouble(us, with_silence);
    for (int i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    settle();
}

#endif
