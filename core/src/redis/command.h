/*
 * Writing a command: its bytes as the protocol wants them, in a buffer of the caller's. The count of arguments stands
 * first on the wire, so it is told at the beginning and checked at the end.
 */
#ifndef KW__COMMAND_H
#define KW__COMMAND_H

#include "base/bytes.h"
#include "base/error.h"
#include "redis/script.h"

typedef struct kw__command {
    kw__buffer *out;
    int left;     /* arguments still owed */
    bool by_text; /* send scripts whole: the server did not know the hash */
} kw__command;

/* Begins a command of `arguments` words, its name among them. */
void kw__command_begin(kw__command *command, int arguments);
/* Begins a call of a script: its keys and arguments follow, in the order of its head. */
void kw__command_script(kw__command *command, const kw__script *script);
/* The same of one that takes so many more keys and arguments than its head names. */
void kw__command_script_more(kw__command *command, const kw__script *script, int keys, int args);
void kw__command_bytes(kw__command *command, kw__bytes bytes);
void kw__command_text(kw__command *command, const char *text);
void kw__command_integer(kw__command *command, int64_t number);
/* KW_OK, or KW_NO_MEMORY when an append failed. Too few or too many arguments are a defect and end in KW_INVALID. */
kw_status kw__command_end(kw__command *command, kw_error *error);

#endif
