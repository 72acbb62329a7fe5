/*
 * Fuzzing what servers answer. The bytes go through the reader whole and in pieces, which must agree; every reply that
 * comes out is given to every operation, as its answer in time and as one that comes too late, and to the notification
 * link as something unasked.
 *
 * As a test it runs over the corpus in tests/fuzz/reply and over mutations of it that are the same every time. With a
 * fuzzer: clang -fsanitize=fuzzer,address -DKEYWRIGHT_FUZZER, and the corpus as argument.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/background_parts.h"
#include "engine/call.h"
#include "engine/keywright_rows.h"
#include "primitives/limiter.h"
#include "primitives/limiter_rows.h"
#include "redis/reader.h"
#include "testing/echo_rows.h"
#include "testing/listener_rows.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds, const char *what) {
    if (holds) return;
    fprintf(stderr, "%s\n", what);
    abort();
}

/* Who asks */

enum { LIMITERS = 4, WIDE = 6, COST = 3 };

static kw_client *client;
static kw_limiter *limiters[LIMITERS];
/* Those of several limits, of other states, with blocks. */
static kw_limiter *wide[WIDE];
static kw_echo *echo;
static kw_listener *listener;
static kw_cell *cell;
static kw_shelf *shelf, *shelf_of_all;

/* What those are, and a charge of each. */
static const struct {
    const char *limits;
    kw_limiter_options options;
    const char *charged;
} widths[WIDE] = {
    {"10/s burst 20; 7/m as b", {.shadow = 0}, "1 1767225600 1 1767225600300001 1767225626000001006"},
    {"10/s burst 20", {.block_us = 1000000, .block_max_us = 9000000}, "1 1767225600 1 1767225600300001"},
    {"10/s burst 20; 7/m as b shadow", {.shadow = 0}, "1 1767225600 1 1767225600300001 !none"},
    {"100/m", {.algorithm = KW_ALGORITHM_SLIDING_LOG}, "1 1767225600 1 3:1767225600000001:0"},
    {"100/m", {.algorithm = KW_ALGORITHM_SLIDING_COUNTER}, "1 1767225600 1 17672256000000013/0"},
    {"100 concurrent", {.algorithm = KW_ALGORITHM_CONCURRENCY}, "1 1767225600 1 3:1767225660000001:0:1767225600000001"},
};

static void open_wide(void) {
    kw_error error;
    for (int i = 0; i < WIDE; i++) {
        kw_limiter_options options = widths[i].options;
        options.size = sizeof options;
        must(kw_limiter_open(client, "wide", 4, widths[i].limits, &options, &wide[i], &error) == KW_OK, error.message);
    }
}

static void open_all(void) {
    static const struct {
        const char *limit;
        int32_t algorithm;
    } kinds[LIMITERS] = {{"10/s burst 20", KW_ALGORITHM_GCRA},
                         {"7/s", KW_ALGORITHM_GCRA}, /* a cost of it is no whole number of us */
                         {"4000000/h burst 1000000000000", KW_ALGORITHM_GCRA},
                         {"100/m", KW_ALGORITHM_FIXED_WINDOW}};
    kw_error error;
    if (client != NULL) return;
    must(kw_client_open("echo://?threads=0", NULL, &client, &error) == KW_OK, "no client");
    for (int i = 0; i < LIMITERS; i++) {
        kw_limiter_options options = {.size = sizeof options, .algorithm = kinds[i].algorithm};
        must(kw_limiter_open(client, "api", 3, kinds[i].limit, &options, &limiters[i], &error) == KW_OK, error.message);
    }
    open_wide();
    must(kw_echo_open(client, &echo, &error) == KW_OK, "no echo");
    must(kw_listener_open(client, "channel", 7, &listener, &error) == KW_OK, "no listener");
    must(kw_cell_open(client, "cell", 4, &cell, &error) == KW_OK, "no cell");
    must(kw_shelf_open(client, "kw:", 3, &shelf, &error) == KW_OK, "no shelf");
    must(kw_shelf_open(client, "", 0, &shelf_of_all, &error) == KW_OK, "no shelf of all");
    kw_listener_heard heard;
    must(kw_listener_state(listener, &heard, &error) == KW_OK, "no watch");
}

/* A decision that may be given to a caller. */
static void check_decision(const kw_limiter *limiter, kw_status status, const kw_decision *decision, int64_t charge) {
    must(status == KW_OK || status == KW_DENIED, "an answer that is none");
    must(decision->status == status && decision->limits == 1, "another status in the record");
    must(decision->limit == limiter->capacity, "another limit");
    must(decision->count == (status == KW_OK ? charge : 0), "another charge");
    must(decision->remaining >= 0 && decision->remaining <= decision->limit, "more remains than there is");
    must(decision->denied_by == (status == KW_OK ? -1 : 0), "denied by another");
    must((decision->retry_after_us > 0) == (status == KW_DENIED), "a time to come back, or none");
    must(decision->reset_after_us >= 0 && decision->delay_us >= 0, "a time before now");
    must(decision->delay_us <= decision->reset_after_us, "a booking behind the end");
    must(decision->settles_at_us[0] >= 0 && decision->settles_at_us[0] <= KW__SERVER_TIME_MAX, "a moment out of range");
    must(decision->binding == 0 && decision->lease == 0, "another limit's, or a lease of none");
}

static void check_hit(const kw__call *call) {
    check_decision((const kw_limiter *)call->object, call->status, call->step.result, COST);
}

static void check_look(const kw__call *call) {
    check_decision((const kw_limiter *)call->object, call->status, call->step.result, 0);
}

static void check_wide(const kw__call *call) {
    const kw_limiter *limiter = (const kw_limiter *)call->object;
    const kw_decision *decision = call->step.result;
    must(call->status == KW_OK || call->status == KW_DENIED, "an answer that is none");
    must(decision->status == call->status && decision->limits == limiter->count, "another status in the record");
    must(decision->binding >= 0 && decision->binding < limiter->count, "a limit that is none");
    must(decision->limit == limiter->rules[decision->binding].capacity, "another limit");
    must(decision->denied_by >= -1 && decision->denied_by < limiter->count, "denied by none");
    must(decision->count >= 0 && decision->count <= COST, "another charge");
    must(decision->count == 0 || call->status == KW_OK, "a denial that charged");
    must(decision->remaining >= 0 && decision->remaining <= 100, "more remains than there is");
    must((decision->retry_after_us > 0) == (call->status == KW_DENIED), "a time to come back, or none");
    must(decision->reset_after_us >= 0 && decision->delay_us >= 0 && decision->lease >= 0, "a time before now");
    for (int i = 0; i < KW__LIMITS_MAX; i++) {
        int64_t settles = decision->settles_at_us[i];
        must(settles >= 0 && settles <= KW__SERVER_TIME_MAX, "a moment out of range");
    }
}

static void check_status(const kw__call *call) {
    must(call->status == KW_OK, "a no of one that has none");
}

static void check_pair(const kw__call *call) {
    const kw_echo_pair *pair = call->step.result;
    must(call->status == KW_OK || call->status == KW_BUSY, "an answer that is none");
    must(pair->steps >= 1 && pair->length >= 0, "steps or a length that cannot be");
}

static void check_any(const kw__call *call) {
    must(call->status >= 0, "no answer");
}

/* Whether a reply can be the answer to a hit: "charged seconds microseconds state". Asked in another way than decode
 * does. */
static bool is_limiter_reply(const kw__reply *reply) {
    if (reply->kind != KW__REPLY_STRING) return false;
    const char *text = reply->bytes.data;
    int charged, end = -1;
    long long seconds, us;
    if (memchr(text, '\0', reply->bytes.length) != NULL) return false;
    if (sscanf(text, "%1d %19lld %6lld %n", &charged, &seconds, &us, &end) != 3 || end < 0) return false;
    return text[0] >= '0' && text[0] <= '1' && seconds >= 0 && us >= 0;
}

/* The same of those that may have granted a part. */
static bool is_wide_reply(const kw__reply *reply) {
    if (reply->kind != KW__REPLY_STRING || reply->bytes.length < 2) return false;
    const char *text = reply->bytes.data;
    return text[0] >= '0' && text[0] <= '0' + COST && text[1] == ' ';
}

static bool is_any(const kw__reply *reply) {
    return reply->kind != KW__REPLY_ERROR;
}

static bool is_integer(const kw__reply *reply) {
    return reply->kind == KW__REPLY_INTEGER;
}

static bool is_string(const kw__reply *reply) {
    return reply->kind == KW__REPLY_STRING;
}

/* One operation, what may be its answer at all, and what must hold of a success. */
struct entry {
    void *object;
    const kw__row *row;
    const void *args;
    bool (*may_be)(const kw__reply *reply);
    void (*check)(const kw__call *call);
};

static void ask(const struct entry *entry, const kw__reply *reply, bool late);

/* The decision on a hit that was charged. */
static kw_decision charge(kw_limiter *limiter, const kw__limiter_hit_args *hit, const char *text) {
    kw__reply reply = {.kind = KW__REPLY_STRING, .bytes = kw__bytes_text(text)};
    kw_decision decision = {0};
    kw_error error;
    kw__call *call = kw__call_open(&limiter->object, &kw__limiter_hit_row, hit, &error);
    must(call != NULL, "no call");
    must(call->row->decode(&call->step, &reply, &decision, &error) == KW_OK, "no charge");
    kw__call_release(call);
    return decision;
}

static void ask_limiters(const kw__reply *reply, bool late) {
    kw__bytes key = kw__bytes_text("u");
    kw__limiter_hit_args hit = {key, COST}, look = {key, 0};
    kw__limiter_peek_args peek = {key, COST};
    kw__limiter_wait_args wait = {key, COST, 10000000};
    kw__limiter_reset_args reset = {key};
    for (int i = 0; i < LIMITERS; i++) {
        bool is_window = !limiters[i]->books_ahead;
        const char *charged = is_window ? "1 1767225600 1 17672256600000003" : "1 1767225600 1 1767225600300001";
        kw__limiter_refund_args refund = {key, charge(limiters[i], &hit, charged), 1};
        ask(&(struct entry){limiters[i], &kw__limiter_hit_row, &hit, is_limiter_reply, check_hit}, reply, late);
        ask(&(struct entry){limiters[i], &kw__limiter_hit_row, &look, is_limiter_reply, check_look}, reply, late);
        ask(&(struct entry){limiters[i], &kw__limiter_peek_row, &peek, is_limiter_reply, check_look}, reply, late);
        ask(&(struct entry){limiters[i], &kw__limiter_wait_row, &wait, is_limiter_reply, check_hit}, reply, late);
        ask(&(struct entry){limiters[i], &kw__limiter_reset_row, &reset, is_integer, check_status}, reply, late);
        ask(&(struct entry){limiters[i], &kw__limiter_refund_row, &refund, is_integer, check_status}, reply, late);
    }
}

static void ask_wide(const kw__reply *reply, bool late) {
    kw__bytes key = kw__bytes_text("u");
    kw__limiter_hit_args hit = {key, COST};
    kw__limiter_hit_up_to_args up_to = {key, COST};
    kw__limiter_peek_args peek = {key, COST};
    for (int i = 0; i < WIDE; i++) {
        kw_decision charged = charge(wide[i], &hit, widths[i].charged);
        kw__limiter_refund_args refund = {key, charged, 1};
        ask(&(struct entry){wide[i], &kw__limiter_hit_row, &hit, is_wide_reply, check_wide}, reply, late);
        ask(&(struct entry){wide[i], &kw__limiter_hit_up_to_row, &up_to, is_wide_reply, check_wide}, reply, late);
        ask(&(struct entry){wide[i], &kw__limiter_peek_row, &peek, is_wide_reply, check_wide}, reply, late);
        ask(&(struct entry){wide[i], &kw__limiter_refund_row, &refund, is_integer, check_status}, reply, late);
        if (charged.lease == 0) continue;
        kw__limiter_renew_args renew = {key, charged};
        ask(&(struct entry){wide[i], &kw__limiter_renew_row, &renew, is_integer, check_any}, reply, late);
    }
}

static void ask_others(const kw__reply *reply, bool late) {
    kw__echo_send_args send = {kw__bytes_text("payload"), 7};
    kw__echo_steps_args steps = {7, 1, 0};
    kw__echo_grant_args grant = {8};
    kw__echo_keep_args keep = {9};
    kw__echo_script_args script = {10};
    kw__listener_hear_args hear = {0};
    kw__cell_swap_args swap = {kw__bytes_text("before"), kw__bytes_text("after")};
    ask(&(struct entry){client, &kw__client_ping_row, NULL, is_string, check_status}, reply, late);
    ask(&(struct entry){client, &kw__client_info_row, NULL, is_string, check_status}, reply, late);
    ask(&(struct entry){echo, &kw__echo_send_row, &send, is_any, check_pair}, reply, late);
    ask(&(struct entry){echo, &kw__echo_steps_row, &steps, is_any, check_pair}, reply, late);
    ask(&(struct entry){echo, &kw__echo_grant_row, &grant, is_integer, check_pair}, reply, late);
    ask(&(struct entry){echo, &kw__echo_keep_row, &keep, is_integer, check_pair}, reply, late);
    ask(&(struct entry){echo, &kw__echo_script_row, &script, is_any, check_pair}, reply, late);
    ask(&(struct entry){listener, &kw__listener_hear_row, &hear, is_any, check_any}, reply, late);
    for (uint64_t native = 0; native <= 1; native++) {
        atomic_store(&client->capabilities, native * KW_CAPABILITY_SET_IFEQ);
        ask(&(struct entry){cell, &kw__cell_swap_row, &swap, is_any, check_any}, reply, late);
    }
}

/* One call's life with this reply as the answer to whatever it sends */

static void answer(kw__call *call, const kw__reply *reply) {
    must(call->pending.command.length > 0 && !call->pending.command.failed, "nothing to send");
    kw__call_goes_out(call);
    for (int times = 0; kw__calls_of_links.answered(&call->pending, reply, 1000); times++) {
        must(times < 2, "sent again and again"); /* as a whole script, or in the other way of two */
    }
    kw__call_react_to_outcome(call);
}

static void check_failure(const kw__call *call) {
    const kw_error *error = &call->error;
    must(error->code == call->status, "another code");
    must(memchr(error->message, '\0', sizeof error->message) != NULL && error->message[0] != '\0', "no message");
    must(memchr(error->server, '\0', sizeof error->server) != NULL, "the server's words without an end");
    must(call->status != KW_INVALID && call->status != KW_UNKNOWN, "a status that no reply can bring");
}

static void ask(const struct entry *entry, const kw__reply *reply, bool late) {
    kw_error error;
    kw__call *call = kw__call_open(entry->object, entry->row, entry->args, &error);
    if (call == NULL) return;
    call->deadline = INT64_MAX;
    kw__call_react(call, KW__EVENT_START);
    if (!call->must_send && call->watches) {
        call->told_watching = true;
        kw__call_react_to_notices(call);
    }
    must(call->must_send, "an operation that asks nothing");
    if (late) {
        call->outstanding = true; /* it is on its way */
        kw__call_end_early(call, KW__EVENT_DEADLINE, KW_TIMEOUT, true);
        must(call->finished && call->status == KW_TIMEOUT, "not over in time");
    }
    for (int rounds = 0; call->must_send; rounds++) {
        must(rounds < 4, "it never ends");
        answer(call, reply);
        if (!call->finished) kw__call_end_early(call, KW__EVENT_CANCEL, KW_CANCELLED, false);
        if (late || call->status == KW_CANCELLED) continue;
        if (call->status < 0)
            check_failure(call);
        else
            must(entry->may_be(reply), "taken for an answer");
        if (call->status >= 0) entry->check(call);
    }
    must(!call->outstanding && call->ended, "something is left over");
    kw__call_release(call);
}

static void give(const kw__reply *reply) {
    kw__link *link = &client->background->link;
    for (int protocol = 2; protocol <= 3; protocol++) {
        client->background->confirming = 1;
        link->greeting.server.protocol = protocol;
        kw__notification_user.pushed(link, reply);
    }
    if (reply->kind == KW__REPLY_PUSH) return;
    for (int late = 0; late <= 1; late++) {
        ask_limiters(reply, late);
        ask_wide(reply, late);
        ask_others(reply, late);
    }
}

/* Reading */

enum { FOUND_MAX = 65536 };

/* What came out of the reader, for comparing two ways of reading. */
typedef struct found {
    kw_status status;
    size_t count;
    size_t length;
    char text[FOUND_MAX];
} found;

static void note(found *out, const void *data, size_t length) {
    if (length > FOUND_MAX - out->length) length = FOUND_MAX - out->length;
    if (length > 0) memcpy(out->text + out->length, data, length);
    out->length += length;
}

static void note_reply(found *out, const kw__reply *reply) {
    note(out, &reply->kind, sizeof reply->kind);
    note(out, &reply->integer, sizeof reply->integer);
    note(out, &reply->count, sizeof reply->count);
    note(out, &reply->bytes.length, sizeof reply->bytes.length);
    note(out, reply->bytes.data, reply->bytes.length);
    for (size_t i = 0; i < reply->count; i++)
        note_reply(out, reply->elements[i]);
}

/* Reads in pieces whose sizes follow from a seed; 0: in one. */
static void read_in_pieces(const uint8_t *data, size_t size, uint32_t seed, found *out, bool give_them) {
    kw__reader *reader = kw__reader_open();
    kw_error error;
    *out = (found){.status = KW_OK};
    for (size_t at = 0; reader != NULL && at < size && out->status == KW_OK;) {
        seed = seed * 1103515245 + 12345 * (seed != 0);
        size_t piece = seed == 0 ? size : (seed >> 16) % 9 + 1;
        if (piece > size - at) piece = size - at;
        char *copy = malloc(piece); /* of the exact size, so that a sanitizer sees reading beyond it */
        if (copy == NULL) break;
        memcpy(copy, data + at, piece);
        out->status = kw__reader_feed(reader, copy, piece, &error);
        free(copy);
        at += piece;
        const kw__reply *reply = NULL;
        while (out->status == KW_OK) {
            out->status = kw__reader_next(reader, &reply, &error);
            if (out->status != KW_OK || reply == NULL) break;
            out->count++;
            note_reply(out, reply);
            if (give_them && out->count <= 8) give(reply);
        }
    }
    must(out->status == KW_OK || out->status == KW_PROTOCOL, "a status that no bytes can bring");
    kw__reader_free(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static found whole, pieces;
    uint32_t seed = 1;
    open_all();
    for (size_t i = 0; i < size; i++)
        seed = seed * 31 + data[i];
    read_in_pieces(data, size, 0, &whole, true);
    read_in_pieces(data, size, seed | 1, &pieces, false);
    must(whole.status == pieces.status && whole.count == pieces.count, "pieces read otherwise than the whole");
    must(whole.length == pieces.length && memcmp(whole.text, pieces.text, whole.length) == 0, "other replies");
    return 0;
}

#if !defined(KEYWRIGHT_FUZZER)
#include "support/fuzz.h"
#include "support/test.h"

enum { MUTATIONS = 10000 };

static const char *const words[] = {"+OK\r\n",
                                    "+PONG\r\n",
                                    "-NOSCRIPT No matching script\r\n",
                                    "-ERR ",
                                    "-WRONGTYPE ",
                                    ":1\r\n",
                                    ":-9223372036854775808\r\n",
                                    "$-1\r\n",
                                    "*-1\r\n",
                                    "_\r\n",
                                    "*2\r\n",
                                    "*3\r\n",
                                    ">3\r\n",
                                    ">2\r\n",
                                    "%1\r\n",
                                    "~1\r\n",
                                    "|1\r\n",
                                    "=7\r\ntxt:abc\r\n",
                                    "$7\r\nmessage\r\n",
                                    "$10\r\ninvalidate\r\n",
                                    "$9\r\nsubscribe\r\n",
                                    "$7\r\nchannel\r\n",
                                    "$20\r\n__redis__:invalidate\r\n",
                                    "+1 1767225600 1 1767225600000000\r\n",
                                    "+0 1767225600 999999 1767225700000000\r\n",
                                    "+1 1767225600 0 1767225600000000999\r\n",
                                    "+0 0 0 \r\n",
                                    "9007199254740992",
                                    "9999999999999999",
                                    "1000000000000000",
                                    "-",
                                    " ",
                                    "\r\n",
                                    NULL};

static int read_corpus(void **state) {
    (void)state;
    test_fuzz_read("reply");
    return 0;
}

static int free_all(void **state) {
    (void)state;
    kw_shelf_free(shelf);
    kw_shelf_free(shelf_of_all);
    kw_cell_free(cell);
    kw_listener_free(listener);
    kw_echo_free(echo);
    for (int i = 0; i < LIMITERS; i++)
        kw_limiter_free(limiters[i]);
    kw_client_free(client);
    return 0;
}

static void the_corpus_holds(void **state) {
    (void)state;
    test_fuzz_corpus(LLVMFuzzerTestOneInput);
}

static void mutations_of_the_corpus_hold(void **state) {
    (void)state;
    test_fuzz_mutations(LLVMFuzzerTestOneInput, words, MUTATIONS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_corpus_holds),
        cmocka_unit_test(mutations_of_the_corpus_hold),
    };
    return test_run(read_corpus, free_all);
}
#endif
