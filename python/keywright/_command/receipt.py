"""A decision as one word, for a shell to keep until it renews, releases or refunds."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode

from .. import Decision, Limiter, Reason
from .._convert import invalid
from .._generated.limiter_calls import read_decision, write_decision


def write(limiter: Limiter, decision: Decision) -> str:
    ffi = limiter._library.ffi
    return urlsafe_b64encode(ffi.buffer(write_decision(limiter._library, decision))[:]).decode()


def read(limiter: Limiter, key: str, text: str) -> Decision:
    """Whether it is a decision of this limiter for this key, the library sees."""
    ffi = limiter._library.ffi
    try:
        data = ffi.buffer(ffi.from_buffer("kw_decision *", urlsafe_b64decode(text)))
        return read_decision(0, data, 0, Decision, limiter, key)
    except (ValueError, KeyError):
        wrong = "this is no receipt: give the one that `keywright limiter hit --json` printed"
        raise invalid(wrong, Reason.DECISION) from None
