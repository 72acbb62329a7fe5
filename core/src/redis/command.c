#include "redis/command.h"

static void head(kw__buffer *out, char mark, int64_t number) {
    if (!kw__buffer_reserve(out, 24)) return;
    char *at = out->data + out->length;
    *at = mark;
    size_t length = 1 + kw__format_integer(number, at + 1);
    memcpy(at + length, "\r\n", 2);
    out->length += length + 2;
}

void kw__command_begin(kw__command *command, int arguments) {
    command->left = arguments;
    head(command->out, '*', arguments);
}

void kw__command_bytes(kw__command *command, kw__bytes bytes) {
    kw__buffer *out = command->out;
    command->left--;
    head(out, '$', (int64_t)bytes.length);
    if (!kw__buffer_reserve(out, bytes.length + 2)) return;
    kw__buffer_append(out, bytes.data, bytes.length);
    kw__buffer_append(out, "\r\n", 2);
}

void kw__command_text(kw__command *command, const char *text) {
    kw__command_bytes(command, kw__bytes_text(text));
}

void kw__command_integer(kw__command *command, int64_t number) {
    char digits[21];
    kw__command_bytes(command, kw__bytes_of(digits, kw__format_integer(number, digits)));
}

void kw__command_script(kw__command *command, const kw__script *script) {
    command->uses_script = true;
    kw__command_begin(command, 3 + script->keys + script->args);
    kw__command_text(command, command->by_text ? "EVAL" : "EVALSHA");
    kw__command_bytes(command, command->by_text ? kw__bytes_of(script->text, script->length)
                                                : kw__bytes_of(script->sha1, 40));
    kw__command_integer(command, script->keys);
}

kw_status kw__command_end(kw__command *command, kw_error *error) {
    if (command->out->failed) return kw__fail_memory(error);
    if (command->left != 0) {
        return kw__fail(error, KW_INVALID, KW_REASON_NONE, "a command was built with %d arguments too %s: a defect of keywright",
                        command->left > 0 ? command->left : -command->left, command->left > 0 ? "few" : "many");
    }
    return KW_OK;
}
