"""Scenarios of joint limiters: each hit is done to the models of its limiters, and written down with their answers."""

from __future__ import annotations

from collections.abc import Callable

from .limiter import Limiter, fields_of
from .scenario import SECOND, YEAR_2026, Step, Tale, escape, put

# The path to it is set where scenarios of limiters are told.
from support.limits_model import Decision, Keys, joint  # noqa: E402  isort: skip

#: The files of the folder `joint`: what each is about, and its scenarios.
FILES: dict[str, tuple[str, list[Tale]]] = {}


class Scenario(Tale):
    def __init__(self, name: str, limiters: list[tuple[str, Limiter, str]]) -> None:
        listed: Step = {
            "limiters": [alias for alias, _, _ in limiters],
            "limits": [made.written["limits"] for _, made, _ in limiters],
            "algorithms": [made.written["algorithm"] for _, made, _ in limiters],
        }
        super().__init__("joint", name, YEAR_2026, {"main": listed})
        self.limiters = limiters
        self.kept: dict[tuple[str, str], Keys] = {}
        self.saved: dict[str, list[tuple[Decision, joint.Part, str]]] = {}

    def passed(self) -> None:
        for keys in self.kept.values():
            keys.pass_to(self.now)

    def part(self, place: int, key: str) -> joint.Part:
        alias, made, _ = self.limiters[place]
        return joint.Part(made.model, self.kept.setdefault((alias, key), Keys()))

    def hit(self, *costs: int, keys: list[str] | None = None, save: str = "", do: str = "hit") -> joint.Answer:
        """Of each limiter's own key, unless others are named."""
        named = keys or [key for _, _, key in self.limiters]
        parts = [self.part(place, key) for place, key in enumerate(named)]
        answer = (joint.hit if do == "hit" else joint.peek)(parts, self.now, list(costs))
        step: Step = {"do": do, "items": [{"key": key, "cost": cost} for key, cost in zip(named, costs, strict=True)]}
        if save:
            step["save"] = save
            self.saved[save] = list(zip(answer.decisions, parts, named, strict=True))
        whole: Step = {
            "status": answer.status,
            "reason": "SERVER",
            "denied_by": answer.denied_by,
            "limiters": len(named),
            "retry_after_us": answer.retry_after_us,
        }
        step["expect"] = [whole, *(self.told(each) for each in answer.decisions)]
        self.steps.append(step)
        return answer

    def told(self, each: Decision) -> Step:
        fields = fields_of(each) | {"reason": each.reason, "binding": each.binding}
        return fields | ({"lease": each.lease, "decided_at_us": self.now} if each.lease else {})

    def peek(self, *costs: int) -> joint.Answer:
        return self.hit(*costs, do="peek")

    def refund(self, of: str, place: int, count: int) -> None:
        answer, part, key = self.saved[of][place]
        self.steps.append({"do": "refund", "limiter": place, "key": key, "decision": of, "count": count})
        part.model.refund(part.keys, self.now, answer, count)

    def refused(self, position: int | None, *items: tuple[str, int], do: str = "hit") -> None:
        listed = [{"key": key, "cost": cost} for key, cost in items]
        self.fails(do, "INVALID", "RANGE", position, items=listed)

    def state(self) -> None:
        """What lies in the server of all limits that are strings."""
        for (alias, key), keys in self.kept.items():
            made = next(made for name, made, _ in self.limiters if name == alias)
            for shape in made.model.shapes:
                step: Step = {"do": "state"}
                place = f"{escape(alias.encode()).decode()}:{escape(key.encode()).decode()}"
                put(step, "key", f"kw:limiter:{{{place}}}:{shape.part}".encode())
                value = keys.get(shape.part)
                if isinstance(value, list | dict):
                    continue
                step["value"] = value
                if value is not None:
                    step["expires_at_ms"] = keys.expires(shape.part)
                self.steps.append(step)


def all_or_nothing(s: Scenario) -> None:
    assert [each.count for each in s.hit(2, 3).decisions] == [2, 3]
    s.state()
    assert s.hit(1, 2).status == "OK"
    before = list(s.steps)
    denied = s.hit(1, 1)
    assert (denied.status, denied.denied_by) == ("DENIED", 1) and denied.decisions[0].retry_after_us == 0
    s.peek(1, 1)
    s.state()
    assert [step for step in s.steps[-2:] if step["value"] is None] == [] and len(s.steps) > len(before)
    s.clock(by=int(denied.retry_after_us) - 1)
    assert s.hit(1, 1).retry_after_us == 1
    s.clock(by=1)
    assert s.hit(1, 1).status == "OK"
    s.state()
    s.command("DBSIZE", reply=str(sum(len(keys.held) for keys in s.kept.values())))


def the_longest_is_told(s: Scenario) -> None:
    s.hit(10, 5, 4)
    both = s.hit(1, 1, 1)
    assert both.denied_by == 2 and both.decisions[0].denied_by == both.decisions[1].denied_by == 0
    s.clock(by=2 * SECOND)
    assert s.hit(1, 1, 1).denied_by == 2
    assert s.hit(1, 0, 0).status == "OK"
    s.state()


def looked_at(s: Scenario) -> None:
    assert s.hit(1, 0).decisions[1].count == 0
    s.state()  # looking has opened no window
    s.command("DBSIZE", reply="1")
    s.hit(0, 5)
    assert s.hit(1, 0).status == "OK"
    assert s.hit(0, 0).decisions[1].remaining == 0
    s.hit(1, 1)
    s.state()


def more_than_ever_fits(s: Scenario) -> None:
    for do in ("hit", "peek"):
        answer = s.hit(11, 1, do=do)
        assert (answer.denied_by, answer.retry_after_us) == (0, "never")
    s.command("DBSIZE", reply="0")


def given_back_by_each(s: Scenario) -> None:
    s.hit(6, 4, save="six")
    s.hit(4, 1)
    s.clock(by=100_000)
    s.refund("six", 0, 6)
    s.state()
    s.refund("six", 1, 2)
    s.state()
    assert s.hit(6, 2).status == "OK"  # what has flowed back of the six is not given again
    assert s.hit(1, 1).status == "DENIED"


def permits(s: Scenario) -> None:
    first = s.hit(1, 1, save="first")
    assert first.decisions[0].lease and not first.decisions[1].lease
    s.hit(1, 1)
    denied = s.hit(1, 1)
    assert (denied.denied_by, denied.retry_after_us) == (0, 60 * SECOND)
    s.clock(by=SECOND)
    s.refund("first", 0, 1)
    assert s.hit(1, 1).status == "OK"
    s.state()


def shadows(s: Scenario) -> None:
    s.hit(1, 1)
    assert s.hit(1, 1).decisions[1].reason == "SHADOW"
    s.state()
    denied = s.hit(9, 1)
    assert denied.denied_by == 0 and denied.decisions[1].denied_by == -1


def two_keys(s: Scenario) -> None:
    assert s.hit(2, 5).status == "OK"
    assert s.hit(1, 6).status == "DENIED"
    s.state()
    s.hit(3, 3, keys=["cid", "ann"])
    s.state()
    s.refused(1, ("ann", 1), ("ann", 1))
    s.refused(1, ("ann", 1), ("ann", 1), do="peek")
    s.state()


def what_cannot_be(s: Scenario) -> None:
    s.refused(None, ("ann", 1))
    s.refused(None, *[("ann", 1)] * 9)
    s.refused(1, ("ann", 1), ("x", -1))
    s.refused(0, ("ann", 2**52), ("x", 1))
    s.fails("open", "INVALID", "RANGE", limiters=[], limits=[], algorithms=[])
    nine: Step = {"limiters": ["one"] * 9, "limits": ["1/s"] * 9, "algorithms": ["gcra"] * 9}
    s.fails("open", "INVALID", "RANGE", **nine)
    eight = "1/s; 2/m; 3/h; 4/d; 5/w; 6/month; 7/year; 8 concurrent"
    many: Step = {"limiters": ["one"] * 5, "limits": [eight] * 4 + ["1/s"], "algorithms": ["gcra"] * 5}
    s.fails("open", "INVALID", "RANGE", **many)
    s.command("DBSIZE", reply="0")


def tell(name: str, body: Callable[[Scenario], None], *limiters: tuple[str, Limiter, str]) -> None:
    tale = Scenario(name, list(limiters))
    body(tale)
    list(FILES.values())[-1][1].append(tale)


user = ("user", Limiter("10/s"), "ann")
address = ("ip", Limiter("5/m", "fixed_window"), "10.0.0.1")

FILES["hits"] = ("Several limiters, each with a key and a cost of its own: all are charged, or none.", [])
tell("all or nothing", all_or_nothing, user, address)
tell("the longest is told", the_longest_is_told, user, address, ("day", Limiter("4/h", "sliding_counter"), "all"))
tell("a cost of nothing looks", looked_at, user, address)
tell("more than ever fits", more_than_ever_fits, user, address)
tell("each gives its own back", given_back_by_each, user, address)
tell("permits", permits, ("jobs", Limiter("2 concurrent", "concurrency"), "gpu"), ("user", Limiter("7/s"), "ann"))
tell("a shadow among them", shadows, user, ("try", Limiter("1/h shadow"), "ann"))
tell("several limits each", all_or_nothing, ("user", Limiter("10/s; 20/m"), "ann"), ("ip", Limiter("5/m; 9/h"), "x"))
tell("a log and a window", all_or_nothing, ("user", Limiter("10/s"), "é%{}:"), ("ip", Limiter("5/s"), ""))
tell("one limiter for two keys", two_keys, ("user", Limiter("10/s"), "ann"), ("user", Limiter("10/s"), "bob"))
tell("what cannot be", what_cannot_be, user, address)
