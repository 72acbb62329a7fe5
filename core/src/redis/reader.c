#include "redis/reader.h"

#include <alloc.h>
#include <pthread.h>
#include <read.h>

#include "base/memory.h"

#define CHUNK ((size_t)4096)

/* The arena: chunks that are kept from reply to reply; a reply larger than a chunk gets one of its own. */
typedef struct chunk chunk;
struct chunk {
    chunk *next;
    size_t capacity;
    size_t used;
};

struct kw__reader {
    redisReader *parser;
    chunk *chunks; /* the newest first; the oldest is the one that stays */
    size_t total;  /* bytes given out for the reply under construction */
    bool given;    /* the last reply was handed out: its memory may go */
    bool too_large;
};

static void *take(kw__reader *reader, size_t size) {
    size = (size + 15) & ~(size_t)15;
    if (size > KW__READER_MAX_BYTES - reader->total) {
        reader->too_large = true;
        return NULL;
    }
    chunk *top = reader->chunks;
    if (top == NULL || size > top->capacity - top->used) {
        size_t capacity = size > CHUNK ? size : CHUNK;
        top = kw__malloc(sizeof(chunk) + 16 + capacity);
        if (top == NULL) return NULL;
        *top = (chunk){reader->chunks, capacity, 0};
        reader->chunks = top;
    }
    char *base = (char *)top + ((sizeof(chunk) + 15) & ~(size_t)15);
    void *memory = base + top->used;
    top->used += size;
    reader->total += size;
    return memory;
}

/* Forgets the reply: frees all chunks but an ordinary one. */
static void forget(kw__reader *reader) {
    while (reader->chunks != NULL && (reader->chunks->next != NULL || reader->chunks->capacity > CHUNK)) {
        chunk *next = reader->chunks->next;
        kw__free(reader->chunks);
        reader->chunks = next;
    }
    if (reader->chunks != NULL) reader->chunks->used = 0;
    reader->total = 0;
    reader->given = false;
}

/* A new object, hung into its parent. */
static kw__reply *make(const redisReadTask *task, kw__reply_kind kind) {
    kw__reply *reply = take(task->privdata, sizeof *reply);
    if (reply == NULL) return NULL;
    *reply = (kw__reply){.kind = kind};
    if (task->parent != NULL) {
        kw__reply *parent = task->parent->obj;
        parent->elements[task->idx] = reply;
    }
    return reply;
}

static void *make_text(const redisReadTask *task, kw__reply_kind kind, const char *text, size_t length) {
    kw__reply *reply = make(task, kind);
    char *copy = reply == NULL ? NULL : take(task->privdata, length + 1);
    if (copy == NULL) return NULL;
    if (length > 0) memcpy(copy, text, length);
    copy[length] = '\0';
    reply->bytes = kw__bytes_of(copy, length);
    return reply;
}

static void *make_string(const redisReadTask *task, char *text, size_t length) {
    if (task->type == REDIS_REPLY_VERB && length >= 4) { /* "txt:" says what kind of text; we do not ask */
        text += 4;
        length -= 4;
    }
    return make_text(task, task->type == REDIS_REPLY_ERROR ? KW__REPLY_ERROR : KW__REPLY_STRING, text, length);
}

/* In how many others a reply lies. */
static int depth_of(const redisReadTask *task) {
    int depth = 0;
    while ((task = task->parent) != NULL)
        depth++;
    return depth;
}

static void *make_array(const redisReadTask *task, size_t count) {
    /* An attribute stands before the reply that it speaks of; nobody asked for it: it goes the way of the pushes. */
    bool aside = task->type == REDIS_REPLY_PUSH || task->type == REDIS_REPLY_ATTR;
    kw__reply *reply = make(task, aside ? KW__REPLY_PUSH : KW__REPLY_ARRAY);
    if (reply == NULL) return NULL;
    if (count > KW__READER_MAX_ELEMENTS || depth_of(task) >= KW__READER_MAX_DEPTH) {
        ((kw__reader *)task->privdata)->too_large = true;
        return NULL;
    }
    reply->count = count;
    reply->elements = take(task->privdata, count * sizeof *reply->elements);
    return reply->elements == NULL ? NULL : reply;
}

static void *make_integer(const redisReadTask *task, long long number) {
    kw__reply *reply = make(task, KW__REPLY_INTEGER);
    if (reply != NULL) reply->integer = number;
    return reply;
}

static void *make_double(const redisReadTask *task, double number, char *text, size_t length) {
    (void)number;
    return make_text(task, KW__REPLY_STRING, text, length);
}

static void *make_nil(const redisReadTask *task) {
    return make(task, KW__REPLY_NIL);
}

static void *make_bool(const redisReadTask *task, int yes) {
    return make_integer(task, yes);
}

static void drop_object(void *object) {
    (void)object; /* the arena owns it */
}

static redisReplyObjectFunctions functions = {make_string, make_array, make_integer, make_double,
                                              make_nil,    make_bool,  drop_object};

static char *copy_c_text(const char *text) {
    return kw__copy_text(text, strlen(text));
}

/* hiredis allocates where we do, so that its allocations can be made to fail too. */
static void lend_allocator(void) {
    hiredisAllocFuncs ours = {kw__malloc, kw__calloc, kw__realloc, copy_c_text, kw__free};
    hiredisSetAllocators(&ours);
}

kw__reader *kw__reader_open(void) {
    static pthread_once_t lent = PTHREAD_ONCE_INIT;
    pthread_once(&lent, lend_allocator);
    kw__reader *reader = kw__calloc(1, sizeof *reader);
    if (reader == NULL) return NULL;
    reader->parser = redisReaderCreateWithFunctions(&functions);
    if (reader->parser == NULL) {
        kw__free(reader);
        return NULL;
    }
    reader->parser->privdata = reader;
    /* Both bounds are make_array's: hiredis would call them a breach of the protocol. */
    reader->parser->maxelements = 0;
    reader->parser->maxdepth = 0;
    return reader;
}

void kw__reader_free(kw__reader *reader) {
    if (reader == NULL) return;
    redisReaderFree(reader->parser);
    while (reader->chunks != NULL) {
        chunk *next = reader->chunks->next;
        kw__free(reader->chunks);
        reader->chunks = next;
    }
    kw__free(reader);
}

static kw_status too_large(kw_error *error) {
    return kw__fail(error, KW_PROTOCOL, KW_REASON_REPLY_SIZE,
                    "the server sent a reply beyond the bounds of %zu MiB, %zu elements, depth %d, lines of %zu KiB: "
                    "ask for less at a time, or see what lies in the key",
                    KW__READER_MAX_BYTES >> 20, KW__READER_MAX_ELEMENTS, KW__READER_MAX_DEPTH,
                    KW__READER_MAX_LINE >> 10);
}

/* hiredis looks for the end of a line from its beginning each time: one that never ends would cost the square of its
 * length. */
static bool line_is_endless(const redisReader *parser) {
    const char *at = parser->buf + parser->pos, *end = at + KW__READER_MAX_LINE;
    if (parser->len - parser->pos <= KW__READER_MAX_LINE) return false;
    while ((at = memchr(at, '\r', (size_t)(end - at))) != NULL) {
        if (*++at == '\n') return false;
    }
    return true;
}

kw_status kw__reader_feed(kw__reader *reader, const char *data, size_t length, kw_error *error) {
    redisReader *parser = reader->parser;
    if (parser->len - parser->pos + length > KW__READER_MAX_BYTES) return too_large(error);
    return redisReaderFeed(parser, data, length) == REDIS_OK ? KW_OK : kw__fail_memory(error);
}

kw_status kw__reader_next(kw__reader *reader, const kw__reply **reply, kw_error *error) {
    *reply = NULL;
    if (reader->given) forget(reader);
    void *object = NULL;
    if (redisReaderGetReply(reader->parser, &object) != REDIS_OK) {
        if (reader->too_large) return too_large(error);
        if (reader->parser->err == REDIS_ERR_OOM) return kw__fail_memory(error);
        return kw__fail(error, KW_PROTOCOL, KW_REASON_NONE,
                        "the peer does not speak the protocol of Redis (%s): check host and port",
                        reader->parser->errstr);
    }
    if (object == NULL && line_is_endless(reader->parser)) return too_large(error);
    reader->given = object != NULL;
    *reply = object;
    return KW_OK;
}
