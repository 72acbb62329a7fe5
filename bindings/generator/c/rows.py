"""The rows of the operation table, and what each wants written by hand."""

from __future__ import annotations

from ..check import spans_of
from ..model import BYTES, Model, Module
from .text import C_TYPES, generated

REPEAT = {
    "read": "KW__REPEAT_READ",
    "state": "KW__REPEAT_BY_STATE",
    "record": "KW__REPEAT_BY_RECORD",
    "never": "KW__REPEAT_NEVER",
}


def rows_header(model: Model, module: Module) -> str:
    guard = f"KW__{module.name}_ROWS_H".upper()
    public = "keywright_test.h" if module.library == "test" else "keywright.h"
    out = [
        generated(module.source),
        f"#ifndef {guard}\n#define {guard}\n\n",
        f'#include "{public}"\n\n#include "engine/row.h"\n',
    ]
    out.extend(f'#include "{path}"\n' for path in called(model, module))
    out.append("\n")
    for handle in dict.fromkeys(operation.handle for operation in module.operations if operation.serves):
        out.append(f"kw__object *kw__{handle}_serves(kw__object *object, const void *args);\n\n")
    for operation in module.operations:
        symbol = operation.symbol
        if operation.args:
            out.append(f"typedef struct {symbol}_args {{\n")
            for argument in operation.args:
                if argument.type in BYTES:
                    out.append(f"    kw__bytes {argument.name};\n")
                elif argument.type == "record":
                    out.append(f"    {model.record(argument.record).c_name} {argument.name};\n")
                elif argument.type == "calls":
                    inner = model.operation(argument.of).symbol
                    out.append(
                        f"    {inner}_args {argument.name}[{argument.max}];\n    size_t {argument.name}_count;\n"
                    )
                else:
                    out.append(f"    {C_TYPES[argument.type]} {argument.name};\n")
            out.append(f"}} {symbol}_args;\n\n")
        out.append(f"extern const kw__row {symbol}_row;\n")
        out.append(f"kw_status {symbol}_encode(const kw__step *step, kw__command *command, kw_error *error);\n")
        out.append(
            f"kw_status {symbol}_decode(const kw__step *step, const kw__reply *reply, void *answer, kw_error *error);\n"
        )
        if operation.steps:
            out.append(f"extern const uint16_t {symbol}_state_size, {symbol}_answer_size;\n")
            out.append(f"void {symbol}_advance(const kw__step *step, const kw__event *event, kw__effects *effects);\n")
        if operation.keeps_state:
            out.append(f"extern const uint16_t {symbol}_state_size;\n")
        if operation.locally:
            out.append(f"bool {symbol}_locally(const kw__step *step, const kw__event *event, kw_status *status);\n")
        if operation.concludes:
            out.append(f"kw_status {symbol}_conclude(const kw__step *step, const kw__event *event);\n")
        if operation.coalesces:
            out.append(f"uint64_t {symbol}_group(const kw__step *step);\n")
            out.append(f"bool {symbol}_same(const kw__step *a, const kw__step *b);\n")
        if operation.grants and not operation.steps:
            out.append(
                f"kw_status {symbol}_undo(const kw__step *step, const void *answer, kw__command *command, "
                "kw_error *error);\n"
            )
        out.append("\n")
    out.append("#endif\n")
    return "".join(out)


def called(model: Model, module: Module) -> list[str]:
    """The headers of other modules, calls of whose operations are arguments here."""
    homes = [
        model.home(model.operation(argument.of))
        for operation in module.operations
        for argument in operation.args
        if argument.type == "calls"
    ]
    return sorted({f"{home.layer}/{home.name}_rows.h" for home in homes if home is not module})


def rows(model: Model, module: Module) -> str:
    out = [generated(module.source), f'#include "{module.layer}/{module.name}_rows.h"\n\n']
    for operation in module.operations:
        symbol = operation.symbol
        facts = (
            ("KW__MUTATES", operation.mutates),
            ("KW__GRANTS", operation.grants),
            ("KW__READS_ERRORS", operation.reads_errors),
            ("KW__LISTS", bool(operation.items)),
        )
        flags = [word for word, on in facts if on]
        spans = spans_of(model, operation)
        out.append(f"const kw__row {symbol}_row = {{\n")
        out.append(f'    .number = {operation.number},\n    .name = "{operation.full_name}",\n')
        out.append(f"    .flags = {' | '.join(flags) or '0'},\n    .repeat = {REPEAT[operation.klass]},\n")
        if operation.args:
            out.append(f"    .args_size = sizeof({symbol}_args),\n")
        if spans:
            offsets = ", ".join(f"offsetof({symbol}_args, {name})" for name in spans)
            out.append(f"    .spans = {{{offsets}}},\n    .span_count = {len(spans)},\n")
        waits = [argument.name for argument in operation.args if argument.type == "wait"]
        if waits:
            out.append(f"    .wait_at = offsetof({symbol}_args, {waits[0]}),\n")
        if operation.result:
            out.append(f"    .result_size = sizeof({model.record(operation.result).c_name}),\n")
        elif operation.items:
            out.append("    .result_size = sizeof(kw_list *),\n")
        out.append(f"    .encode = {symbol}_encode,\n    .decode = {symbol}_decode,\n")
        if operation.serves:
            out.append(f"    .serves = kw__{operation.handle}_serves,\n")
        if operation.steps:
            out.append(f"    .state_size = &{symbol}_state_size,\n    .answer_size = &{symbol}_answer_size,\n")
            out.append(f"    .advance = {symbol}_advance,\n")
        if operation.keeps_state:
            out.append(f"    .state_size = &{symbol}_state_size,\n")
        if operation.locally:
            out.append(f"    .locally = {symbol}_locally,\n")
        if operation.concludes:
            out.append(f"    .conclude = {symbol}_conclude,\n")
        if operation.coalesces:
            out.append(f"    .group = {symbol}_group,\n    .same = {symbol}_same,\n")
        if operation.grants and not operation.steps:
            out.append(f"    .undo = {symbol}_undo,\n")
        out.append("};\n\n")
    return "".join(out).rstrip() + "\n"
