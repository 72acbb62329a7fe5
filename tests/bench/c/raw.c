/*
 * The floor: hiredis and nothing else. Sends one command over and over, word by word as it stands on the command line;
 * each @ in a word becomes the number of a key.
 *
 *     raw SOCKET call 1 YES WORD...         one connection, one command at a time
 *     raw SOCKET pipeline DEPTH YES WORD... one connection, DEPTH commands in one write
 *     raw SOCKET threads COUNT YES WORD...  COUNT threads with a connection each
 *
 * YES tells which number of the reply is 1 when the answer is yes; -1: any answer is one.
 */
#include <hiredis/hiredis.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/measure.h"

/* The words of the command for one key. */
typedef struct {
    const char **words;
    size_t *lengths;
} command;

typedef struct {
    redisContext **links;
    command commands[BENCH_KEYS];
    int words, depth, yes;
} floor_subject;

static redisContext *connect_to(const char *socket) {
    redisContext *link = redisConnectUnix(socket);
    if (link == NULL || link->err) {
        bench_die("no connection to %s: %s", socket, link == NULL ? "no memory" : link->errstr);
    }
    return link;
}

static void take(const floor_subject *self, redisContext *link, void *reply, bench_samples *samples) {
    redisReply *answer = reply;
    if (answer == NULL) {
        bench_die("the link was lost: %s", link->errstr);
    }
    if (answer->type == REDIS_REPLY_ERROR) {
        bench_die("the server says: %s", answer->str);
    }
    if (self->yes >= 0) {
        size_t yes = (size_t)self->yes;
        bool is_yes = answer->type == REDIS_REPLY_ARRAY && yes < answer->elements && answer->element[yes]->integer == 1;
        samples->refused += !is_yes;
    }
    freeReplyObject(answer);
}

/* Where callers begin among the keys, so that they do not march in step. */
static int first_key(int caller) {
    return caller * 37 % BENCH_KEYS;
}

static void call(void *subject, int caller, int64_t until, bench_samples *samples) {
    const floor_subject *self = subject;
    redisContext *link = self->links[caller];
    int64_t now = bench_now();
    for (int key = first_key(caller); now < until; key = (key + 1) % BENCH_KEYS) {
        const command *one = &self->commands[key];
        take(self, link, redisCommandArgv(link, self->words, one->words, one->lengths), samples);
        now = bench_note(samples, now, 1);
    }
}

static void pipeline(void *subject, int caller, int64_t until, bench_samples *samples) {
    const floor_subject *self = subject;
    redisContext *link = self->links[caller];
    int64_t now = bench_now();
    for (int key = 0; now < until;) {
        for (int i = 0; i < self->depth; i++, key = (key + 1) % BENCH_KEYS) {
            const command *one = &self->commands[key];
            if (redisAppendCommandArgv(link, self->words, one->words, one->lengths) != REDIS_OK) {
                bench_die("no memory");
            }
        }
        for (int i = 0; i < self->depth; i++) {
            void *reply = NULL;
            redisGetReply(link, &reply);
            take(self, link, reply, samples);
        }
        now = bench_note(samples, now, (uint64_t)self->depth);
    }
}

static void prepare(floor_subject *self, char **words) {
    for (int key = 0; key < BENCH_KEYS; key++) {
        command *one = &self->commands[key];
        one->words = bench_allocate((size_t)self->words, sizeof one->words[0]);
        one->lengths = bench_allocate((size_t)self->words, sizeof one->lengths[0]);
        for (int i = 0; i < self->words; i++) {
            one->words[i] = bench_expand(words[i], key);
            one->lengths[i] = strlen(one->words[i]);
        }
    }
}

int main(int argc, char **argv) {
    if (argc < 6) {
        bench_die("raw SOCKET call|pipeline|threads COUNT YES WORD...");
    }
    static floor_subject self;
    static char name[64];
    const char *how = argv[2];
    int count = atoi(argv[3]);
    bool threads = strcmp(how, "threads") == 0, batches = strcmp(how, "pipeline") == 0;
    self.depth = count;
    self.yes = atoi(argv[4]);
    self.words = argc - 5;
    prepare(&self, argv + 5);
    int links = threads ? count : 1;
    self.links = bench_allocate((size_t)links, sizeof self.links[0]);
    for (int i = 0; i < links; i++) {
        self.links[i] = connect_to(argv[1]);
    }
    snprintf(name, sizeof name, "hiredis %d.%d.%d", HIREDIS_MAJOR, HIREDIS_MINOR, HIREDIS_PATCH);
    bench_subject subject = {.name = name, .subject = &self, .round = batches ? pipeline : call, .callers = links};
    return bench_serve(&subject);
}
