"""Limit texts that the package `limits` takes mean the same here; any other is read or refused at a place."""

import re

from hypothesis import assume, given, settings
from hypothesis import strategies as st

import keywright

SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400, "month": 2_592_000, "year": 31_104_000}
BOUND = 2**52
#: The expressions of limits 5.8.
ONE = r"\s*([0-9]+)\s*(/|\s*per\s*)\s*([0-9]+)?\s*([a-z]+)\s*"
MANY = re.compile(rf"^{ONE}(:?[,;|]{ONE})*$", re.IGNORECASE)

space = st.sampled_from(["", "", " ", "\t", "\n ", "\r\v\f"])
word = st.sampled_from(["per", "PER", "Per"])
unit = st.builds(
    lambda name, plural: name + plural, st.sampled_from([*SECONDS, "Hour", "MINUTE"]), st.sampled_from(["", "s"])
)
one = st.tuples(
    space,
    st.integers(1, BOUND - 1).map(str) | st.sampled_from(["007", "1"]),
    space,
    st.just("/") | st.tuples(space, word, space).map("".join),
    space,
    st.sampled_from(["", ""]) | st.integers(1, 300).map(str),
    space,
    unit,
    space,
).map("".join)
separator = st.sampled_from([",", ";", "|", ":;", ":,"])
many = st.builds(
    lambda first, more: first + "".join(mark + text for mark, text in more),
    one,
    st.lists(st.tuples(separator, one), max_size=7),
)


@given(many)
@settings(max_examples=300, deadline=None)
def test_what_limits_takes_is_taken(text):
    assert MANY.match(text)
    expected = []
    for single in re.split("[,;|]", text):
        amount, _, multiple, name = re.match(ONE, single, re.IGNORECASE).groups()
        seconds = SECONDS[name.lower().removesuffix("s")]
        expected.append((int(amount), int(multiple or 1) * seconds * 1_000_000))
    assume(all(period < BOUND for _, period in expected) and len(text) <= 1024)
    read = keywright.limits_parse(text)
    assert [(limit.amount, round(limit.period * 1_000_000)) for limit in read] == expected
    assert all(limit.burst == limit.amount and limit.label == "" for limit in read)


WORDS = ["10", "0", "4503599627370496", "/", "per", "s", "minutes", "fortnight", "burst", "as", "plan", ";", ":", "-1"]


@given(st.one_of(st.text(max_size=40), st.lists(st.sampled_from([*WORDS, "\u00e9"]), max_size=12).map(" ".join)))
@settings(max_examples=300, deadline=None)
def test_any_text_is_read_or_refused_at_a_place(text):
    assume("\0" not in text)
    try:
        read = keywright.limits_parse(text)
    except keywright.Invalid as error:
        assert 0 <= error.position <= len(text.encode())
        assert error.reason.name in ("LIMIT_SYNTAX", "LIMIT_RANGE", "LIMIT_SIZE")
    else:
        assert 1 <= len(read) <= 8
