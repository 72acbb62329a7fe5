/*
 * The floor: hiredis and nothing else. Sends one command over and over, word by word as it stands on the command line;
 * each @ in a word becomes the number of a key.
 *
 *     raw SOCKET call 1 ANSWER WORD...         one connection, one command at a time
 *     raw SOCKET pair 1 ANSWER WORD...         the same, but two commands in turn, as one operation: the second is
 * behind a word "--", and its last word is replaced by the last number of the first's reply raw SOCKET pipeline DEPTH
 * ANSWER WORD... one connection, DEPTH commands in one write raw SOCKET threads COUNT ANSWER WORD...  COUNT threads
 * with a connection each
 *
 * ANSWER is what the first number of a reply has to be; -1: any answer will do. Words before a word "++" are another
 * command, sent once for each key to prepare it.
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

/* The same command for all keys. */
typedef struct {
    command of[BENCH_KEYS];
    int words;
} commands;

typedef struct {
    redisContext **links;
    commands first, second, preparing;
    int depth;
    long long answer;
} floor_subject;

static redisContext *connect_to(const char *socket) {
    redisContext *link = redisConnectUnix(socket);
    if (link == NULL || link->err) {
        bench_die("no connection to %s: %s", socket, link == NULL ? "no memory" : link->errstr);
    }
    return link;
}

static redisReply *checked(redisContext *link, void *reply) {
    redisReply *answer = reply;
    if (answer == NULL) {
        bench_die("the link was lost: %s", link->errstr);
    }
    if (answer->type == REDIS_REPLY_ERROR) {
        bench_die("the server says: %s", answer->str);
    }
    return answer;
}

static bool is_wanted(const floor_subject *self, const redisReply *answer) {
    if (self->answer < 0) return true;
    return answer->type == REDIS_REPLY_ARRAY && answer->elements > 0 && answer->element[0]->integer == self->answer;
}

static void take(const floor_subject *self, redisContext *link, void *reply, bench_samples *samples) {
    redisReply *answer = checked(link, reply);
    samples->refused += !is_wanted(self, answer);
    freeReplyObject(answer);
}

static redisReply *ask(redisContext *link, const commands *what, int key) {
    const command *one = &what->of[key];
    return checked(link, redisCommandArgv(link, what->words, one->words, one->lengths));
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
        const command *one = &self->first.of[key];
        take(self, link, redisCommandArgv(link, self->first.words, one->words, one->lengths), samples);
        now = bench_note(samples, now, 1);
    }
}

static void give(command *one, int words, const char *number) {
    one->words[words - 1] = number;
    one->lengths[words - 1] = strlen(number);
}

static void pair(void *subject, int caller, int64_t until, bench_samples *samples) {
    floor_subject *self = subject;
    redisContext *link = self->links[caller];
    int64_t now = bench_now();
    for (int key = 0; now < until; key = (key + 1) % BENCH_KEYS) {
        char number[32];
        redisReply *answer = ask(link, &self->first, key);
        samples->refused += !is_wanted(self, answer);
        size_t last = answer->elements;
        snprintf(number, sizeof number, "%lld", last > 0 ? answer->element[last - 1]->integer : 0);
        freeReplyObject(answer);
        give(&self->second.of[key], self->second.words, number);
        freeReplyObject(ask(link, &self->second, key));
        now = bench_note(samples, now, 1);
    }
}

static void pipeline(void *subject, int caller, int64_t until, bench_samples *samples) {
    const floor_subject *self = subject;
    redisContext *link = self->links[caller];
    int64_t now = bench_now();
    for (int key = 0; now < until;) {
        for (int i = 0; i < self->depth; i++, key = (key + 1) % BENCH_KEYS) {
            const command *one = &self->first.of[key];
            if (redisAppendCommandArgv(link, self->first.words, one->words, one->lengths) != REDIS_OK) {
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

static void prepare(void *subject) {
    const floor_subject *self = subject;
    for (int key = 0; key < BENCH_KEYS; key++) {
        freeReplyObject(ask(self->links[0], &self->preparing, key));
    }
}

static void expand(commands *all, char **words, int count) {
    all->words = count;
    for (int key = 0; key < BENCH_KEYS; key++) {
        command *one = &all->of[key];
        one->words = bench_allocate((size_t)count, sizeof one->words[0]);
        one->lengths = bench_allocate((size_t)count, sizeof one->lengths[0]);
        for (int i = 0; i < count; i++) {
            one->words[i] = bench_expand(words[i], key);
            one->lengths[i] = strlen(one->words[i]);
        }
    }
}

/* How many words there are before a mark, -1 when it is not among them. */
static int before(char **words, int count, const char *mark) {
    for (int i = 0; i < count; i++) {
        if (strcmp(words[i], mark) == 0) return i;
    }
    return -1;
}

static void read_commands(floor_subject *self, char **words, int count) {
    int mark = before(words, count, "++");
    if (mark >= 0) {
        expand(&self->preparing, words, mark);
        words += mark + 1;
        count -= mark + 1;
    }
    mark = before(words, count, "--");
    if (mark >= 0) {
        expand(&self->second, words + mark + 1, count - mark - 1);
        count = mark;
    }
    expand(&self->first, words, count);
}

int main(int argc, char **argv) {
    if (argc < 6) {
        bench_die("raw SOCKET call|pair|pipeline|threads COUNT ANSWER WORD...");
    }
    static floor_subject self;
    static char name[64];
    const char *how = argv[2];
    int count = atoi(argv[3]);
    bool threads = strcmp(how, "threads") == 0, batches = strcmp(how, "pipeline") == 0;
    self.depth = count;
    self.answer = atoi(argv[4]);
    read_commands(&self, argv + 5, argc - 5);
    int links = threads ? count : 1;
    self.links = bench_allocate((size_t)links, sizeof self.links[0]);
    for (int i = 0; i < links; i++) {
        self.links[i] = connect_to(argv[1]);
    }
    snprintf(name, sizeof name, "hiredis %d.%d.%d", HIREDIS_MAJOR, HIREDIS_MINOR, HIREDIS_PATCH);
    bench_subject subject = {.name = name, .subject = &self, .round = call, .callers = links};
    if (self.preparing.words > 0) subject.prepare = prepare;
    if (self.second.words > 0) {
        subject.round = pair;
    } else if (batches) {
        subject.round = pipeline;
    }
    return bench_serve(&subject);
}
