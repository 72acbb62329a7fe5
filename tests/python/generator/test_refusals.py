"""What the generator refuses to generate from, and that it says which item is wrong in which way."""

import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "bindings"))

from generator.check import check  # noqa: E402
from generator.model import Model, SpecError  # noqa: E402
from generator.spec import load, module  # noqa: E402

SPEC = """
[module]
name = "bucket"
prefix = "kw_bucket"
layer = "primitives"
numbers = [32, 47]
includes = []
summary = "Buckets for tests."
text = ""

[[enum]]
name = "status"
doc = "What became of a call."
values = [ { name = "OK", value = 0, doc = "It went well." }, { name = "BUSY", value = 1, doc = "It did not." } ]

[[record]]
name = "poured"
doc = "How much was poured."
size = 16
fields = [
  { name = "status", type = "i32", enum = "status", doc = "The kw_status of it." },
  { name = "amount", type = "i64", doc = "How much it was." },
]

[[record]]
name = "bare"
doc = "A result without a status."
fields = [ { name = "amount", type = "i64", doc = "How much it was." } ]

[[record]]
name = "wishes"
sized = true
doc = "What one may wish for."
fields = [ { name = "amount", type = "i64", doc = "How much it is." } ]

[[handle]]
name = "bucket"
doc = "A bucket of water."

[[operation]]
name = "pour"
handle = "bucket"
number = 32
class = "never"
mutates = true
asks = true
grants = true
many = true
doc = "Pours from the bucket."
threads = "any"
round_trips = "1"
since = "0.1.0"
statuses = ["BUSY"]
args = [
  { name = "key", type = "key", doc = "Whose bucket it is." },
]
result = "poured"
"""

KEY = '  { name = "key", type = "key", doc = "Whose bucket it is." },\n'

CALLS = 'type = "calls", of = "bucket.pour", min = 1, max = 4'

NESTED = """
[[record]]
name = "poured_by_all"
doc = "How much was poured by several."
fields = [
  { name = "status", type = "i32", enum = "status", doc = "The kw_status of it." },
  { name = "buckets", type = "i32", doc = "How many there were." },
  { name = "each", type = "record", record = "poured", count = 4, length = "buckets", doc = "What each says." },
]
"""

JOIN = """
[[handle]]
name = "line"
doc = "A line of buckets."

[[function]]
name = "open"
handle = "line"
role = "constructor"
doc = "Makes a line."
threads = "any"
round_trips = "0"
since = "0.1.0"
args = [
  { name = "buckets", type = "handles", handle = "bucket", min = 1, max = 4, doc = "The buckets in it." },
  { name = "line", type = "handle_out", handle = "line", doc = "The line; NULL on failure." },
]

[[operation]]
name = "fill"
handle = "line"
number = 33
class = "never"
mutates = true
asks = true
doc = "Pours from each."
threads = "any"
round_trips = "1"
since = "0.1.0"
statuses = ["BUSY"]
args = [
  { name = "pours", type = "calls", of = "bucket.pour", min = 1, max = 4, doc = "What is poured from each." },
]
result = "poured_by_all"
"""

ALL = SPEC + NESTED + JOIN


def joined(before, after):
    assert before in ALL
    return ALL.replace(before, after)


LABEL = """
[[function]]
name = "label"
handle = "bucket"
role = "plain"
doc = "Writes what stands on the bucket."
threads = "any"
round_trips = "0"
since = "0.1.0"
args = [
  { name = "text", type = "buffer", doc = "Where it is written." },
  { name = "length", type = "size_out", doc = "How long it is." },
]
"""


def made(text):
    model = Model("0.1.0", [module(text, "bucket.toml")], {})
    check(model)
    return model


def changed(before, after):
    assert before in SPEC
    return SPEC.replace(before, after)


def argument(words, name="other"):
    return changed(KEY, KEY + f'  {{ name = "{name}", doc = "Something else.", {words} }},\n')


def test_what_is_right_is_taken():
    made(SPEC)
    made(SPEC + LABEL.replace('"buffer"', '"buffer", max = 9'))
    made(ALL)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (changed('class = "never"\nmutates = true', 'class = "read"'), "operation bucket.pour cannot both grant and"),
        (changed('class = "never"', 'class = "read"'), "operation bucket.pour cannot both mutate and"),
        (changed('class = "never"', 'class = "often"'), "operation bucket.pour has unknown class 'often'"),
        (changed('result = "poured"', ""), "operation bucket.pour comes in many without a result"),
        (changed('result = "poured"', 'result = "bare"'), "the first field of bare must be status"),
        (changed("many = true", "many = true\nsteps = true"), "only what takes one exchange can come in many"),
        *((argument(f'type = "{kind}"'), f"argument other cannot be {kind}")
          for kind in ("size_out", "i64_out", "memory_out", "buffer", "text", "timeout")),
        (argument('type = "record_out", record = "bare"'), "argument other cannot be record_out"),
        (argument('type = "record_array_out", record = "bare"'), "argument other cannot be record_array_out"),
        (argument('type = "handle", handle = "bucket"'), "argument other cannot be handle"),
        (argument('type = "handle_out", handle = "bucket"'), "argument other cannot be handle_out"),
        (argument('type = "record", record = "bare", nullable = true'), "can be neither nullable nor sized"),
        (argument('type = "record", record = "wishes"'), "can be neither nullable nor sized"),
        (argument('type = "i64"', "timeout_us"), "timeout_us is a parameter of every operation"),
        (argument('type = "i64"', "key"), "'key' stands twice"),
        (argument('type = "bytes"'), "bytes other must state their max"),
        (argument('type = "i64"', "while"), "while is a word of C"),
        (changed('name = "pour"', 'name = "use"'), "operation bucket.use bears a word that Rust or Python keeps"),
        (changed('result = "poured"', 'items = "poured"'), "bucket.pour answers a list: it asks, has no other"),
        (changed('statuses = ["BUSY"]', "statuses = []").replace('result = "poured"', 'items = "poured"'),
         "operation bucket.pour answers a list: it can neither come in many"),
        (changed('result = "poured"', 'items = "drops"'), "the spec names 'drops'"),
        (argument('type = "float"'), "argument other has unknown type 'float'"),
        (changed(KEY, "".join(KEY.replace('"key", type', f'"key{i}", type') for i in range(9))),
         "has 9 arguments of bytes, a row has room for 8"),
        (changed(KEY, KEY + '{ name = "a_us", type = "wait", doc = "One wait." },\n'
                      '{ name = "b_us", type = "wait", doc = "Another wait." },\n'),
         "operation bucket.pour waits twice"),
        (changed("size = 16", "size = 12"), "record poured states a size of 12, its fields take 16"),
        (changed("number = 32\n", "number = 48\n"), "bucket.pour has number 48, its module's block is 32 to 47"),
        (changed("numbers = [32, 47]\n", ""), "bucket.toml: state the block"),
        (changed("numbers = [32, 47]", "numbers = [47, 32]"), "bucket.toml: state the block"),
        (changed("number = 32\n", ""), "operation bucket.pour lacks 'number'"),
        (changed('class = "never"\n', ""), "operation bucket.pour lacks 'class'"),
        (changed('class = "never"\n', 'klass = "never"\n'), "operation bucket.pour: unknown words ['klass']"),
        (changed("many = true", "maney = true"), "operation bucket.pour: unknown words ['maney']"),
        (changed("many = true", 'many = "yes"'), "operation bucket.pour: many is true or false"),
        (changed('name = "key", type = "key", doc', 'name = "key", doc'), "operation bucket.pour: key lacks 'type'"),
        (changed("[[operation]]", "[[operations]]"), "bucket.toml: unknown tables ['operations']"),
        (changed("[module]", "[modul]"), "bucket.toml: unknown tables ['modul']"),
        (changed('statuses = ["BUSY"]', 'statuses = ["LAZY"]'), "names unknown status 'LAZY'"),
        (changed('statuses = ["BUSY"]', 'statuses = ["BUSY"]\nmessages = { OK = "it went well" }'),
         "bucket.pour has a message for OK, which is none of its statuses"),
        (changed("asks = true\n", ""), "bucket.pour does not ask, so its BUSY is raised: give it a message"),
        (changed('result = "poured"', 'result = "poured"\nscripts = ["pour"]'), "core/lua/pour.lua, which is not"),
        (changed('result = "poured"', 'result = "poured"\npatient = "wait"'), "operation bucket.pour has no wait with"),
        (
            changed("many = true", "steps = true\nconcludes = true"),
            "operation bucket.pour has steps and does without the server",
        ),
        (
            changed("many = true", "steps = true\ncoalesces = true"),
            "operation bucket.pour coalesces: it can neither have steps",
        ),
        (changed("many = true", "steps = true\nkeeps_state = true"), "bucket.pour has steps, and so a state"),
        (changed(KEY, KEY.replace('"key", type = "key"', '"key", type = "name"'))
         .replace("many = true", "many = true\nserves = true"),
         "operation bucket.pour is served by whoever its key says"),
        (changed('name = "pour"', 'name = "override"'), "operation bucket.override bears a word that Rust or Python"),
        (changed('result = "poured"', 'result = "poured"\nshows = "depth"'), "bucket.pour shows depth, which its"),
        (changed('result = "poured"', 'result = "poured"\nshows = "amount"'), "shows one field, which tells no BUSY"),
        (changed('doc = "A bucket of water."', 'doc = "Bucket."'), "the text of bucket only repeats its name"),
        (changed('doc = "A bucket of water."', 'doc = "A bucket of water."\nbelongs_to = "well"'), "names 'well'"),
        (SPEC + LABEL, "buffer text must state its max, and a size_out must follow it"),
        (SPEC + LABEL.replace('"buffer"', '"buffer", max = 9').replace('"size_out"', '"i64_out"'),
         "buffer text must state its max, and a size_out must follow it"),
        (joined('doc = "Pours from each."', 'many = true\ndoc = "Pours from each."'),
         "operation line.fill takes calls: it cannot itself come in many"),
        (argument(CALLS), "calls other are of bucket.pour, which does not come in many"),
        (argument('type = "handles", handle = "bucket", min = 1, max = 4'), "argument other cannot be handles"),
        (joined('role = "constructor"', 'role = "plain"'), "kw_line_open cannot take handles: only constructors do"),
        (joined('type = "handles", handle = "bucket", min = 1, max = 4', CALLS),
         "kw_line_open cannot take calls: only operations do"),
        (joined('type = "handles", handle = "bucket"', 'type = "handles"'), "buckets does not say of what"),
        (joined('handle = "bucket", min = 1', 'handle = "pail", min = 1'), "the spec names 'pail'"),
        (joined(', of = "bucket.pour"', ""), "pours does not say of what"),
        (joined('of = "bucket.pour", min = 1', 'of = "bucket.spill", min = 1'), "the spec names 'bucket.spill'"),
        (joined('of = "bucket.pour", min = 1', 'of = "line.fill", min = 1'), "line.fill, which does not come in many"),
        (joined('of = "bucket.pour", min = 1', 'of = "bucket.pour"'), "pours must state how many"),
        (joined('of = "bucket.pour", min = 1, max = 4', 'of = "bucket.pour", min = 1, max = 9'),
         "line.fill has 9 arguments of bytes, a row has room for 8"),
        (joined(', length = "buckets"', ""), "poured_by_all.each: several records, of which a field before them"),
        (joined('length = "buckets"', 'length = "pails"'), "poured_by_all.each: several records"),
        (joined("count = 4", "count = 1"), "poured_by_all.each: several records"),
        (joined('record = "poured", count', 'record = "wishes", count'), "wishes is sized or holds records"),
        (joined('record = "poured", count', 'record = "poured_by_all", count'), "poured_by_all is sized or holds"),
        (joined('type = "record", record = "poured", count = 4, length = "buckets"', 'type = "record"'),
         "what is of type record names its record"),
        (joined('type = "i32", doc = "How many', 'type = "i32", record = "poured", doc = "How many'),
         "what is of type record names its record"),
        (changed('layer = "primitives"', 'layer = "primitives"\nof = "well"'), "it is a part of well, which is no"),
    ],
)  # fmt: skip
def test_what_is_refused(text, complaint):
    with pytest.raises(SpecError, match=re.escape(complaint)):
        made(text)


def test_blocks_of_numbers_do_not_overlap():
    other = SPEC[: SPEC.index("[[enum]]")].replace("bucket", "pail").replace("[32, 47]", "[40, 50]")
    model = Model("0.1.0", [module(SPEC, "bucket.toml"), module(other, "pail.toml")], {})
    with pytest.raises(SpecError, match=r"pail\.toml: its block of numbers overlaps that of bucket\.toml"):
        check(model)


def test_a_no_stands_in_for_nothing_by_default():
    pour = made(changed("asks = true\n", 'messages = { BUSY = "somebody else pours" }\n')).modules[0].operations[0]
    assert (pour.asks, pour.steps, pour.patient, pour.scripts) == (False, False, "", [])


def test_every_word_of_the_spec_is_explained():
    """bindings/api/README.md names each word that a table may have, and each type."""
    from dataclasses import fields

    from generator import model

    told = (ROOT / "bindings/api/README.md").read_text()
    kinds = (model.Module, model.Constant, model.Enum, model.Value, model.Record, model.Field, model.Handle,
             model.Function, model.Argument, model.Operation)  # fmt: skip
    lists = {"constants", "enums", "records", "handles", "functions", "operations", "source"}
    words = {item.name for kind in kinds for item in fields(kind)} - lists - {"klass"} | {"class"}
    words |= model.ARGUMENT_TYPES | model.FIELD_TYPES | model.CLASSES | model.ROLES
    explained = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`\n]+)`", told))))
    assert sorted(words - explained) == []


def test_a_no_of_what_does_something_is_raised_in_every_language():
    """With a result or without: nobody looks at it."""
    reads = (ROOT / "python/keywright/_generated/quota_calls.py").read_text()
    for name in ("COMMIT", "CANCEL"):
        assert reads.count(f"read_usage_or_raise(status, room.data, 0, {name}_NOES)") == 1
    reads = (ROOT / "python/keywright/_generated/limiter_calls.py").read_text()
    for name in ("COMMIT", "CANCEL"):  # of a record that has a class by hand
        raising = f"read_decision_or_raise(status, room.data, 0, Decision, self, key, {name}_NOES)"
        assert reads.count(raising) == 1
    commit = re.compile(r"func \(q \*Quota\) Commit\(.*?^}", re.DOTALL | re.MULTILINE)
    assert "refused(status, err, quotaCommitNoes)" in commit.search((ROOT / "bindings/go/quota.go").read_text())[0]
    settled = re.compile(r"pub fn commit\(.*?^    }", re.DOTALL | re.MULTILINE)
    rust = (ROOT / "bindings/rust/keywright/src/api/quota.rs").read_text()
    assert "settled(status, QUOTA_COMMIT_NOES)?" in settled.search(rust)[0]


def test_the_projects_own_spec_is_taken():
    assert [one.name for one in load(ROOT).modules][:1] == ["keywright"]


def test_records_in_a_record_lie_where_c_has_them():
    model = made(ALL)
    record = model.record("poured_by_all")
    assert (record.layout.offsets, record.layout.size) == ([0, 4, 8], 72)
    assert record.nested.inner is model.record("poured")


def test_a_part_stands_behind_its_whole():
    names = [one.name for one in load(ROOT).modules]
    assert names.index("joint") == names.index("limiter") + 1


def test_bytes_of_a_list_are_one_field():
    record = load(ROOT).record("top_entry")
    assert [(item.name, item.type) for item in record.told] == [("rank", "i64"), ("score", "i64"), ("member", "name")]
    assert record.layout.names == ["rank", "score", "member_offset", "member_length"]
