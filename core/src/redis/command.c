#include "redis/command.h"

/* Writes a mark, a number and a line's end where room was reserved; returns how many bytes. */
static size_t head(char *at, char mark, size_t number) {
    size_t length = 1;
    at[0] = mark;
    if (number < 10)
        at[length++] = (char)('0' + number);
    else
        length += kw__format_integer((int64_t)number, at + 1);
    at[length] = '\r';
    at[length + 1] = '\n';
    return length + 2;
}

#define HEAD_ROOM 24 /* of the longest head */

void kw__command_begin(kw__command *command, int arguments) {
    kw__buffer *out = command->out;
    command->left = arguments;
    if (!kw__buffer_reserve(out, HEAD_ROOM)) return;
    out->length += head(out->data + out->length, '*', (size_t)arguments);
}

void kw__command_bytes(kw__command *command, kw__bytes bytes) {
    kw__buffer *out = command->out;
    command->left--;
    if (!kw__buffer_reserve(out, bytes.length + HEAD_ROOM + 2)) return;
    char *at = out->data + out->length;
    at += head(at, '$', bytes.length);
    if (bytes.length > 0) memcpy(at, bytes.data, bytes.length);
    at += bytes.length;
    at[0] = '\r';
    at[1] = '\n';
    out->length = (size_t)(at + 2 - out->data);
}

void kw__command_text(kw__command *command, const char *text) {
    kw__command_bytes(command, kw__bytes_text(text));
}

void kw__command_integer(kw__command *command, int64_t number) {
    char digits[21];
    kw__command_bytes(command, kw__bytes_of(digits, kw__format_integer(number, digits)));
}

void kw__command_script(kw__command *command, const kw__script *script) {
    kw__command_script_more(command, script, 0, 0);
}

void kw__command_script_more(kw__command *command, const kw__script *script, int keys, int args) {
    kw__command_begin(command, 3 + script->keys + keys + script->args + args);
    kw__command_text(command, command->by_text ? "EVAL" : "EVALSHA");
    kw__command_bytes(command,
                      command->by_text ? kw__bytes_of(script->text, script->length) : kw__bytes_of(script->sha1, 40));
    kw__command_integer(command, script->keys + keys);
}

kw_status kw__command_end(kw__command *command, kw_error *error) {
    if (command->out->failed) return kw__fail_memory(error);
    if (command->left != 0) {
        return kw__fail(error, KW_INVALID, KW_REASON_NONE,
                        "a command was built with %d arguments too %s: a defect of keywright",
                        command->left > 0 ? command->left : -command->left, command->left > 0 ? "few" : "many");
    }
    return KW_OK;
}
