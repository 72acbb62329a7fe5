"""What lies in the server: names of keys, and what others wrote there."""

from __future__ import annotations

from .limiter import Body, Limiter, Scenario, file, tell, window


def keys_of_any_bytes(s: Scenario) -> None:
    for key in (b"", b"user:42", b"{a}", b"%", b"%25", b"a b", "\u00e9".encode(), b"\0", b"\xff\xfe", b"\r\n"):
        assert s.hit(key=key).status == "OK"
        s.state(key=key)
    for key in (b"", b"%", b"%25", b"\0"):
        s.hit(key=key)


def each_its_own(s: Scenario) -> None:
    for limiter in s.limiters:
        if limiter != "same":
            assert s.hit(on=limiter).status == "OK"
            s.state(on=limiter)


def labels(s: Scenario) -> None:
    each_its_own(s)
    assert s.hit(3, on="same").status == "DENIED"


FOREIGN = ["hello", "5", "1767225600", "abcdefghijklmnop", "1767225600.12345", "-767225600000000", "nan" + 13 * " "]
FOREIGN += ["inf" + 13 * " ", "1767225600000000nan", "1767225600000000-12", "abcdefghijklmnopqrs"]
#: To a window these are states.
FOREIGN_TO_GCRA = ["17672256000000001", "176722560000000012", "17672256000000001234"]


def foreign(key: str, values: list[str]) -> Body:
    def body(s: Scenario) -> None:
        for value in values:
            s.command("SET", key, value)
            s.refused("hit", "WRONG_TYPE", cost=1)
            s.refused("peek", "WRONG_TYPE", cost=1)
            s.steps.append({"do": "state", "key": key, "value": value, "expires_at_ms": -1})
        s.command("DEL", key)
        s.command("RPUSH", key, "a")
        s.refused("hit", "WRONG_TYPE", cost=1)
        s.refused("peek", "WRONG_TYPE", cost=0)
        s.reset()
        s.hit()

    return body


# ---- the files

file("keys", "Names of keys: any bytes, and each limit its own state.")
tell("keys of any bytes", keys_of_any_bytes, limit="1/h")
tell(
    "names of any bytes",
    each_its_own,
    plain=Limiter("1/h"),
    colon=Limiter("1/h", name=b"a:b"),
    braces=Limiter("1/h", name=b"{}"),
    percent=Limiter("1/h", name=b"100%"),
    zero=Limiter("1/h", name=b"\0\xff"),
)
tell(
    "the label is the period, unless one is given; the shape is part of it",
    labels,
    second=Limiter("1/s"),
    minute=Limiter("1/m"),
    named=Limiter("1/m as plan"),
    window=window("1/s"),
    same=Limiter("5/s burst 3"),
)

file("foreign", "A key of ours that holds what no limiter wrote is left alone; reset takes it away.")
TAT = "kw:limiter:{api:u}:tat:1000000"
tell("whole intervals", foreign(TAT, FOREIGN + FOREIGN_TO_GCRA))
tell("sevenths", foreign(TAT, FOREIGN + FOREIGN_TO_GCRA), limit="7/s")
tell("windows", foreign("kw:limiter:{api:u}:window:1000000", FOREIGN), main=window("10/s"))
