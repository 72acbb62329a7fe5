"""What a call is given: many at once, arguments that cannot be, limits that cannot be opened."""

from __future__ import annotations

from .limiter import Body, Limiter, Scenario, file, tell, window
from .scenario import SECOND

MOST = 2**52 - 1


def each_its_own(s: Scenario) -> None:
    s.hit(8, key="b")
    answers = s.hit_many(("a", 1), ("b", 3), ("c", 10), ("d", 0), ("e", 11), ("f", 2))
    assert [answer.status for answer in answers] == ["OK", "DENIED", "OK", "OK", "DENIED", "OK"]
    for key in "abcdef":
        s.state(key)
    s.clock(by=SECOND // 4)
    s.hit_many(("a", 10), ("b", 3), ("c", 3), ("e", 1))
    for key in "abce":
        s.state(key)


def a_crowd(s: Scenario) -> None:
    s.hit_many(*((f"key{number}", number % 12) for number in range(40)))
    for number in (0, 1, 10, 11, 39):
        s.state(f"key{number}")


def none(s: Scenario) -> None:
    s.hit_many()
    s.command("DBSIZE", reply="0")


def one_fails(part: str) -> Body:
    def body(s: Scenario) -> None:
        foreign = f"kw:limiter:{{api:b}}:{part}"
        s.command("SET", foreign, "hello")
        s.hit_many(("a", 1), ("c", 2))
        step = s.steps.pop()
        step["items"].insert(1, {"key": "b", "cost": 1})
        step["expect"].insert(1, {"status": "WRONG_TYPE"})
        s.steps.append(step)
        s.state("a")
        s.state("c")
        s.command("GET", foreign, reply="hello")

    return body


def one_is_wrong(s: Scenario) -> None:
    good = [{"key": "a", "cost": 1}, {"key": "b", "cost": 2}]
    long = {"key": "k" * 1025, "cost": 1}
    for wrong, reason in (
        ({"key": "w", "cost": -1}, "RANGE"),
        ({"key": "w", "cost": MOST + 1}, "RANGE"),
        (long, "KEY_LENGTH"),
    ):
        for place in range(3):
            items = [*good[:place], wrong, *good[place:]]
            s.fails("hit_many", "INVALID", reason, place, items=items)
    s.command("DBSIZE", reply="0")


def arguments(s: Scenario) -> None:
    s.hit(1, save="one")
    s.state()
    before = s.steps[-1]
    for do in ("hit", "peek"):
        s.refused(do, "INVALID", "RANGE", cost=-1)
        s.refused(do, "INVALID", "RANGE", cost=MOST + 1)
        s.fails(do, "INVALID", "KEY_LENGTH", key="k" * 1025, cost=1)
    s.fails("reset", "INVALID", "KEY_LENGTH", key="k" * 1025)
    s.refused("wait", "INVALID", "RANGE", cost=-1, wait_us=SECOND)
    s.refused("refund", "INVALID", "RANGE", decision="one", count=-1)
    s.refused("refund", "INVALID", "RANGE", decision="one", count=MOST + 1)
    s.state()
    assert s.steps[-1] == before
    assert s.hit(MOST).retry_after_us == "never"
    s.hit(key="k" * 1024)
    s.state("k" * 1024)
    s.command("DBSIZE", reply="2")


def of_another(s: Scenario) -> None:
    s.hit(3, on="api", save="three")
    for other in ("named", "labelled"):
        s.hit(3, on=other)
        s.fails("refund", "INVALID", "DECISION", on=other, key="u", decision="three", count=1)
        s.state(on=other)
    s.refund("three", 3, on="again")
    s.state(on="api")


def names(s: Scenario) -> None:
    s.cannot_open("10/s", "INVALID", "NAME_LENGTH", name="")
    s.cannot_open("10/s", "INVALID", "NAME_LENGTH", name="n" * 256)
    s.cannot_open("10/s", "INVALID", "OPTION", max_wait_us=86_400_000_001)
    s.peek()


def texts(s: Scenario) -> None:
    for text, reason, position in (
        ("", "LIMIT_SYNTAX", 0),
        ("ten/s", "LIMIT_SYNTAX", 0),
        ("10", "LIMIT_SYNTAX", 2),
        ("10/", "LIMIT_SYNTAX", 3),
        ("10/fortnight", "LIMIT_SYNTAX", 3),
        ("10/s burst", "LIMIT_SYNTAX", 10),
        ("10/s burst 5 burst 6", "LIMIT_SYNTAX", 13),
        ("10/s as 5", "LIMIT_SYNTAX", 8),
        ("10/s;", "LIMIT_SYNTAX", 5),
        ("10.5/s", "LIMIT_SYNTAX", 2),
        ("-1/s", "LIMIT_SYNTAX", 0),
        ("0/s", "LIMIT_RANGE", 0),
        ("10/0 s", "LIMIT_RANGE", 3),
        ("10/s burst 0", "LIMIT_RANGE", 11),
        (f"{2**52}/s", "LIMIT_RANGE", 0),
        ("1/year burst 1000000", "LIMIT_SIZE", None),
    ):
        s.cannot_open(text, "INVALID", reason, position)
    s.peek()


file("many", "Many hits in one call: each its own answer, and what is wrong of one.")
tell("each its own answer", each_its_own)
tell("at 7/s", each_its_own, limit="7/s burst 10")
tell("in windows", each_its_own, main=window("10/s"))
tell("forty keys", a_crowd, limit="10/m")
tell("none", none)
tell("one that fails leaves the others theirs", one_fails("tat:1000000"))
tell("in a window too", one_fails("window:1000000"), main=window("10/s"))
tell("one that is wrong, and nothing is sent", one_is_wrong)

file("arguments", "What cannot be is refused before anything is sent, for the same reason everywhere.")
tell("costs, counts and keys", arguments)
tell("in a window", arguments, main=window("10/s"))
tell(
    "a decision is refunded by a limiter of that name and label",
    of_another,
    api=Limiter("10/s"),
    named=Limiter("10/s", name=b"other"),
    labelled=Limiter("10/s as plan"),
    again=Limiter("10/s"),
)
tell("names and options", names)
tell("limit texts, and where they are wrong", texts)
