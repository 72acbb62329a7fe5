#include <poll.h>
#include <sched.h>
#include <signal.h>

#include "base/clock.h"
#include "base/memory.h"
#include "engine/background_parts.h"

#define STACK_BYTES ((size_t)256 << 10)

void kw__background_wake(kw__background *background) {
    kw__signal_raise(&background->signal);
}

/* One round: what is due is done, what arrived is heard. Never waits. */
static void turn(kw__background *background) {
    if (atomic_exchange(&background->turning, true)) return;
    kw__signal_lower(&background->signal);
    kw__watch_round(background, kw__now());
    kw__duty_round(background, kw__now());
    atomic_store(&background->turning, false);
}

static int64_t due(kw__background *background) {
    kw__lock(&background->lock);
    int64_t watch = kw__watch_due(background), duty = kw__duty_due(background);
    kw__unlock(&background->lock);
    kw__lock(&background->link.lock);
    int64_t link = kw__link_due(&background->link);
    kw__unlock(&background->link.lock);
    int64_t calls = kw__completions_due(background->completions);
    int64_t first = duty < watch ? duty : watch, second = calls < link ? calls : link;
    return first < second ? first : second;
}

static void *run(void *argument) {
    kw__background *background = argument;
    while (true) {
        turn(background);
        if (atomic_load(&background->stopping))
            break; /* asked behind the round, which took the signal that tells of it */
        struct pollfd watched = {.fd = background->poller.fd, .events = POLLIN};
        poll(&watched, 1, kw__poll_ms(kw__now(), due(background)));
    }
    return NULL;
}

/* Signals are for the program's own threads. */
static bool start_thread(kw__background *background) {
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes) != 0) return false;
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    background->has_thread = pthread_create(&background->thread, &attributes, run, background) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return background->has_thread;
}

/* Takes back what make made, whichever part of it failed. */
static void unmake(kw__background *background) {
    if (background->completions != NULL) kw__completions_free_of_background(background->completions);
    kw__link_free(&background->link);
    kw__poller_close(&background->poller);
    kw__signal_close(&background->signal);
    kw__buffer_free(&background->words);
    kw__mutex_free(&background->lock);
    kw__free(background);
}

static kw__background *make(kw_client *client) {
    kw__background *background = kw__calloc(1, sizeof *background);
    if (background == NULL) return NULL;
    background->client = client;
    background->poller.fd = background->signal.read_fd = background->signal.write_fd = -1;
    if (!kw__mutex_init(&background->lock)) {
        kw__free(background);
        return NULL;
    }
    if (!kw__link_init(&background->link, &kw__notification_user, &client->url, &client->counters)) {
        kw__mutex_free(&background->lock);
        kw__free(background);
        return NULL;
    }
    background->link.owner = background;
    background->link.client = client;
    background->link.poller = &background->poller;
    background->link.subscriber = true;
    bool made = kw__poller_open(&background->poller) && kw__signal_open(&background->signal) &&
                kw__poller_watch(&background->poller, background->signal.read_fd, false) &&
                kw__poller_watch(&background->poller, background->link.wake.read_fd, false) &&
                (background->completions = kw__completions_of_background(client)) != NULL &&
                kw__poller_watch(&background->poller, kw__completions_fd(background->completions), false);
    if (made) return background;
    unmake(background);
    return NULL;
}

kw_status kw__background_of(kw_client *client, kw__background **out, kw_error *error) {
    kw_status status = kw__client_check(client, error);
    if (status != KW_OK) return status;
    kw__lock(&client->background_lock);
    if (client->background == NULL) {
        kw__background *background = make(client);
        if (background != NULL && !client->url.threadless && !start_thread(background)) {
            unmake(background);
            background = NULL;
        }
        client->background = background;
    }
    *out = client->background;
    kw__unlock(&client->background_lock);
    return *out != NULL ? KW_OK : kw__fail_memory(error);
}

/* Clients without threads */

static kw__background *without_thread(kw_client *client) {
    if (!client->url.threadless) return NULL;
    kw__lock(&client->background_lock);
    kw__background *background = client->background;
    kw__unlock(&client->background_lock);
    return background;
}

void kw__background_turn(kw_client *client) {
    kw__background *background = without_thread(client);
    if (background != NULL && !atomic_load(&background->stopping)) turn(background);
}

int kw__background_fd(kw_client *client) {
    kw__background *background = without_thread(client);
    return background == NULL ? -1 : background->poller.fd;
}

int64_t kw__background_due(kw_client *client) {
    kw__background *background = without_thread(client);
    if (background == NULL || atomic_load(&background->stopping)) return INT64_MAX;
    return due(background);
}

kw_status kw__client_background(kw_client *client, kw_background *out, kw_error *error) {
    (void)error;
    kw__lock(&client->background_lock);
    kw__background *background = client->background;
    kw__unlock(&client->background_lock);
    if (background == NULL) return KW_OK; /* nothing was needed yet: all zero */
    kw__lock(&background->lock);
    *out = background->seen;
    out->thread = background->has_thread;
    out->link_up = background->is_up;
    for (const kw__watch *watch = background->watches; watch != NULL; watch = watch->next)
        out->watches++;
    for (const kw__duty *duty = background->duties; duty != NULL; duty = duty->next)
        out->duties++;
    kw__unlock(&background->lock);
    return KW_OK;
}

/* The end */

void kw__background_close(kw_client *client) {
    kw__lock(&client->background_lock);
    kw__background *background = client->background;
    bool first = background != NULL && !atomic_exchange(&background->stopping, true);
    kw__unlock(&client->background_lock);
    if (!first) return;
    kw__background_wake(background);
    if (background->has_thread) pthread_join(background->thread, NULL);
    while (atomic_exchange(&background->turning, true))
        sched_yield();                     /* one who steps may be at a round: it is the last */
    kw__duty_round(background, kw__now()); /* what is out ends with KW_CLOSED, and lets go of its object */
    kw__lock(&background->link.lock);
    kw__link_close(&background->link);
    kw__unlock(&background->link.lock);
}

void kw__background_free(kw_client *client) {
    if (client->background != NULL) unmake(client->background);
    client->background = NULL;
}

void kw__background_abandon(kw_client *client) {
    kw__background *background = client->background;
    if (background == NULL) return;
    kw__link_abandon(&background->link);
    kw__completions_abandon(background->completions);
    kw__poller_close(&background->poller);
    kw__signal_close(&background->signal);
}
