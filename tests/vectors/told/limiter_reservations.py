"""Scenarios of reservations: each is a hit of the model, and what comes back a refund of it."""

from __future__ import annotations

from dataclasses import replace

from .limiter import Limiter, Scenario, file, tell
from .scenario import SECOND

MINUTE = 60 * SECOND


def reserving(limits: str, algorithm: str = "gcra") -> Limiter:
    made = Limiter(limits, algorithm)
    made.written["reservations"] = 1
    return made


class Book:
    """The reservations of the key u."""

    def __init__(self, s: Scenario) -> None:
        self.s, self.model, self.keys = s, s._model(""), s._keys("u", "")
        self.open: dict[str, tuple[object, int, int]] = {}
        self.settled: dict[str, object] = {}

    def reserve(self, cost: int, id: str, lease: int = MINUTE, status: str = "OK") -> None:
        step = self.s._step("reserve", "u", "", cost=cost, id=id, lease_us=lease)
        if status in ("CONFLICT", "GONE"):
            answer = replace(self.model.peek(self.keys, self.s.now, 0), status=status)
        elif id in self.open:
            answer = self.open[id][0]
        else:
            self.seek(cost)
            answer = self.model.hit(self.keys, self.s.now, cost)
            if answer.status == "OK":
                self.open[id] = answer, cost, self.s.now + lease
        assert answer.status == status
        self.s._expect(step, answer, "", "", "u")

    def seek(self, cost: int) -> None:
        """What whoever would be denied does."""
        if self.model.peek(self.keys, self.s.now, cost).status == "DENIED":
            self.lapse()

    def lapse(self) -> None:
        for _, id in sorted((end, id) for id, (_, _, end) in self.open.items() if end <= self.s.now):
            answer, cost, _ = self.open.pop(id)
            self.model.refund(self.keys, self.s.now, answer, cost)

    def hit(self, cost: int) -> bool:
        self.seek(cost)
        return self.s.hit(cost).status == "OK"

    def settle(self, id: str, actual: int | None) -> None:
        more = {} if actual is None else {"actual": actual}
        step = self.s._step("cancel" if actual is None else "commit", "u", "", id=id, **more)
        self.lapse()
        if id in self.open:
            answer, cost, _ = self.open.pop(id)
            if cost > (actual or 0):
                self.model.refund(self.keys, self.s.now, answer, cost - (actual or 0))
            self.settled[id] = replace(self.model.peek(self.keys, self.s.now, 0), count=actual or 0)
        self.s._expect(step, self.settled[id], "", "", "u")


def settled(s: Scenario) -> None:
    book = Book(s)
    book.reserve(6, "a")
    assert not book.hit(5)
    s.clock(by=1000)
    book.settle("a", 2)
    s.state()
    assert book.hit(8)
    s.clock(by=1000)
    book.reserve(5, "b", status="DENIED")


def again(s: Scenario) -> None:
    book = Book(s)
    book.reserve(6, "a")
    s.clock(by=1000)
    book.hit(1)
    book.reserve(6, "a")
    book.reserve(5, "a", status="CONFLICT")
    s.clock(by=1000)
    book.settle("a", 2)
    book.hit(1)
    book.settle("a", 2)
    book.reserve(6, "a", status="GONE")
    book.reserve(3, "b")
    s.clock(by=1000)
    book.settle("b", None)
    book.settle("b", None)
    s.state()


def lapsed(s: Scenario) -> None:
    book = Book(s)
    book.reserve(6, "a", 10 * SECOND)
    s.clock(by=1000)
    book.reserve(4, "b", 20 * SECOND)
    s.clock(by=10 * SECOND - 1001)
    assert not book.hit(3)
    s.clock(by=1)
    assert book.hit(3)
    s.state()
    s.clock(by=1000)
    book.settle("b", 4)


file("reservations", "Reservations: settled once, and by themselves when their lease ends.")
for algorithm in ("gcra", "fixed_window", "sliding_counter", "sliding_log"):
    tell(f"settled, {algorithm}", settled, main=reserving("10/h", algorithm))
    tell(f"the same again, {algorithm}", again, main=reserving("10/h; 30/d", algorithm))
    tell(f"a lease that ends, {algorithm}", lapsed, main=reserving("10/h", algorithm))
tell("at 7 a minute", settled, main=reserving("7/m burst 10"))
