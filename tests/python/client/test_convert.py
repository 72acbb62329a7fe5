"""From Python's values to the library's: durations, numbers, texts."""

from datetime import timedelta
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keywright import Algorithm, Invalid, Reason
from keywright._convert import to_bytes, to_enum, to_str, to_timeout, to_us, whole

FOREVER = 2**63 - 1


@pytest.mark.parametrize(
    ("value", "us"),
    [
        (0, 0),
        (0.0, 0),
        (1, 1_000_000),
        (0.1, 100_000),
        (2.3, 2_300_000),
        (1e-6, 1),
        (1e-9, 1),
        (timedelta(milliseconds=5), 5_000),
        (timedelta(days=1, microseconds=1), 86_400_000_001),
        (True + 1, 2_000_000),
        (inf, FOREVER),
        (9e12, 9 * 10**18),
    ],
)
def test_durations(value, us):
    assert to_us(value, "wait") == us


@pytest.mark.parametrize("value", [-1, -1e-9, nan, -inf, timedelta(microseconds=-1)])
def test_there_is_no_negative_duration(value):
    with pytest.raises(Invalid, match="wait must be 0 or more seconds") as caught:
        to_us(value, "wait")
    assert caught.value.reason is Reason.RANGE
    with pytest.raises(Invalid) as caught:
        to_us(value, "timeout")
    assert caught.value.reason is Reason.TIMEOUT


def str_of(value):
    return type(value).__name__


@pytest.mark.parametrize("value", [1e13, 1e308, 10**400, timedelta.max], ids=str_of)
def test_too_long_is_not_for_ever(value):
    with pytest.raises(Invalid, match=r"math\.inf") as caught:
        to_us(value, "wait")
    assert caught.value.reason is Reason.OVERFLOW


def test_a_timeout_of_0_is_at_once_and_none_is_the_clients():
    assert to_timeout(None) == 0
    assert to_timeout(0) == 1
    assert to_timeout(timedelta()) == 1
    assert to_timeout(inf) == FOREVER


@given(st.integers(1, 10**9))
def test_microseconds_are_kept(us):
    assert to_us(us / 1e6, "wait") == us


@given(st.binary(max_size=50).filter(lambda data: 0 not in data))
def test_any_bytes_come_back_as_text(data):
    assert to_bytes(to_str(data), "name") == data


def test_a_text_ends_at_its_nul():
    assert to_str(b"abc\0def") == "abc"
    assert to_str(b"abc") == "abc"


@pytest.mark.parametrize("value", [0, -1, FOREVER, -FOREVER])
def test_numbers(value):
    assert whole(value, "cost") == value


def test_enums_by_member_and_by_name():
    assert to_enum("gcra", Algorithm, "algorithm") is Algorithm.GCRA
    assert to_enum(Algorithm.GCRA, Algorithm, "algorithm") is Algorithm.GCRA
    with pytest.raises(Invalid, match="'gcra', 'fixed_window'"):
        to_enum("none", Algorithm, "algorithm")
