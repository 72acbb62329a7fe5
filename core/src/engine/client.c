#include "engine/client.h"

#include "base/clock.h"
#include "base/memory.h"
#include "engine/background.h"
#include "engine/call.h"
#include "engine/completions.h"
#include "engine/keywright_rows.h"
#include "engine/run.h"
#include "redis/extra_scheme.h"

const char *kw__version(void) {
    return KW_VERSION;
}

kw__link *kw__client_link(kw_client *client) {
    return &client->link;
}

bool kw__client_is_forked(const kw_client *client) {
    return client->generation != kw__generation();
}

kw_status kw__client_check(const kw_client *client, kw_error *error) {
    if (kw__client_is_forked(client)) {
        return kw__fail(error, KW_FORKED, KW_REASON_NONE,
                        "this client belongs to the parent process: open one of your own after fork()");
    }
    if (atomic_load_explicit(&client->closed, memory_order_acquire)) {
        return kw__fail(error, KW_CLOSED, KW_REASON_NONE, "the client was closed: open another");
    }
    return KW_OK;
}

/* Nothing holds the client any more. */
static void destroy(kw__object *object) {
    kw_client *client = (kw_client *)object;
    kw__background_free(client);
    kw__link_free(&client->link);
    kw__embedded_release(client->embedded);
    if (client->url.kind == KW__ADDRESS_EXTRA) kw__extra_scheme_of_tests->forget(client);
    kw__calls_free(client);
    kw__url_free(&client->url);
    kw__parker_free(&client->idle);
    kw__mutex_free(&client->background_lock);
    kw__mutex_free(&client->lock);
    kw__free(client);
}

/* The parts that can fail, in order; what failed is taken back by the caller of open. */
static bool init_parts(kw_client *client) {
    int made = 0;
    if (kw__mutex_init(&client->lock) && ++made && kw__mutex_init(&client->background_lock) && ++made &&
        kw__parker_init(&client->idle) && ++made &&
        kw__link_init(&client->link, &kw__calls_of_links, &client->url, &client->counters)) {
        ++made;
    }
    if (made < 4) {
        if (made > 2) kw__parker_free(&client->idle);
        if (made > 1) kw__mutex_free(&client->background_lock);
        if (made > 0) kw__mutex_free(&client->lock);
        return false;
    }
    client->link.owner = client;
    client->link.client = client;
    return true;
}

kw_status kw__client_open(const char *url, const kw_client_options *options, kw_client **out, kw_error *error) {
    kw_client *client = kw__calloc(1, sizeof *client);
    if (client == NULL) return kw__fail_memory(error);
    client->generation = kw__generation();
    kw_status status = kw__url_parse(url, options, &client->url, error);
    if (status == KW_OK && client->url.kind == KW__ADDRESS_EMBEDDED) {
        status = kw__embedded_start(&client->url, &client->embedded, error);
    }
    if (status == KW_OK && !init_parts(client)) status = kw__fail_memory(error);
    if (status != KW_OK) {
        kw__embedded_release(client->embedded);
        kw__url_free(&client->url);
        kw__free(client);
        return status;
    }
    kw__object_init(&client->object, client, destroy);
    *out = client;
    return KW_OK;
}

/* Wakes calls that sleep for their timer; they see that the client is closed. */
static void wake_sleepers(kw_client *client) {
    kw__lock(&client->lock);
    for (kw__call *call = client->sleepers; call != NULL; call = call->next)
        kw__unpark(&call->waiter->parker);
    kw__unlock(&client->lock);
}

kw_status kw__client_close(kw_client *client, int64_t timeout_us, kw_error *error) {
    if (!atomic_exchange(&client->closed, true)) {
        kw__lock(&client->link.lock);
        kw__link_close(&client->link);
        kw__unlock(&client->link.lock);
        kw__completions_close_all(client);
        kw__background_close(client);
    }
    int64_t until = kw__deadline(kw__now(), timeout_us > 0 ? timeout_us : client->url.timeout_us);
    while (atomic_load(&client->inside) > 0) {
        wake_sleepers(client);
        int64_t now = kw__now();
        if (now >= until) {
            return kw__fail(error, KW_TIMEOUT, KW_REASON_NONE,
                            "calls of other threads have not returned yet; the client is closed");
        }
        int64_t soon = now + 10000; /* a sleeper that lay down after the wake-up is woken by the next round */
        kw__park(&client->idle, soon < until ? soon : until);
    }
    return KW_OK;
}

void kw__client_free(kw_client *client) {
    if (client == NULL) return;
    if (kw__client_is_forked(client)) {
        /* The parent's locks may be held for ever here, and its server is not ours to end. */
        kw__link_abandon(&client->link);
        kw__background_abandon(client);
        return;
    }
    kw__client_close(client, 1, NULL);
    kw__run_end_interrupted(client);
    kw__object_release(&client->object);
}

const char *kw__client_url(const kw_client *client) {
    return client == NULL ? "" : client->url.shown;
}

kw_status kw__client_stats(kw_client *client, kw_stats *stats, kw_error *error) {
    (void)error;
    kw__counters *counters = &client->counters;
    stats->calls = atomic_load_explicit(&counters->calls, memory_order_relaxed);
    stats->retries = atomic_load_explicit(&counters->retries, memory_order_relaxed);
    stats->reconnects = atomic_load_explicit(&counters->reconnects, memory_order_relaxed);
    stats->in_flight = atomic_load_explicit(&counters->in_flight, memory_order_relaxed);
    stats->bytes_sent = atomic_load_explicit(&counters->bytes_sent, memory_order_relaxed);
    stats->bytes_received = atomic_load_explicit(&counters->bytes_received, memory_order_relaxed);
    stats->timeouts = atomic_load_explicit(&counters->timeouts, memory_order_relaxed);
    stats->undone = atomic_load_explicit(&counters->undone, memory_order_relaxed);
    stats->undo_failed = atomic_load_explicit(&counters->undo_failed, memory_order_relaxed);
    stats->late_replies = atomic_load_explicit(&counters->late_replies, memory_order_relaxed);
    return KW_OK;
}

/* ping and info */

kw_status kw__client_ping_encode(const kw__step *step, kw__command *command, kw_error *error) {
    (void)step;
    kw__command_begin(command, 1);
    kw__command_text(command, "PING");
    return kw__command_end(command, error);
}

kw_status kw__client_ping_decode(const kw__step *step, const kw__reply *reply, void *answer, kw_error *error) {
    (void)step, (void)answer;
    return reply->kind == KW__REPLY_STRING ? KW_OK : kw__reply_unexpected("PING", error);
}

kw_status kw__client_info_encode(const kw__step *step, kw__command *command, kw_error *error) {
    return kw__client_ping_encode(step, command, error);
}

kw_status kw__client_info_decode(const kw__step *step, const kw__reply *reply, void *answer, kw_error *error) {
    if (reply->kind != KW__REPLY_STRING) return kw__reply_unexpected("PING", error);
    kw_client *client = step->object->client;
    kw_info *info = answer;
    kw__lock(&client->lock);
    const kw__server server = client->server;
    kw__unlock(&client->lock);
    memset(info, 0, sizeof *info);
    memcpy(info->server, server.valkey ? "valkey" : "redis", server.valkey ? 7 : 6);
    memcpy(info->version, server.version, sizeof info->version);
    memcpy(info->run_id, server.run_id, sizeof info->run_id);
    info->version_number = server.version_number;
    info->protocol = server.protocol;
    info->role = server.role;
    info->capabilities = server.capabilities;
    info->client_id = server.client_id;
    return KW_OK;
}
