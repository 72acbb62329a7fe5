"""What a benchmark consists of: works, the subjects that do each, and what is asked of them."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Subject:
    """One program that does the work. It is started once and called for each round."""

    name: str
    command: list[str]
    note: str = ""
    callers: int = 1
    missing: str = ""  # why it cannot run here
    prepares: bool = False  # its keys are brought into a state before rounds begin


@dataclass
class Target:
    """What one subject is asked to reach, against another of the same work, or by itself."""

    subject: str
    of: str  # empty where a bound is by itself
    figure: str  # p50_us, ops_per_s, client_us, server_us or bytes_per_item
    at_most: float | None = None
    at_least: float | None = None
    at_most_above: float | None = None  # a difference in the figure's unit instead of a ratio
    below: float | None = None  # by itself, in the figure's unit
    placement: str = "one"  # where it must hold

    def bound(self) -> dict[str, float]:
        bounds = {"at_most": self.at_most, "at_least": self.at_least, "at_most_above": self.at_most_above}
        bounds["below"] = self.below
        return {name: value for name, value in bounds.items() if value is not None}

    def meets(self, mine: float, theirs: float) -> bool:
        if self.at_most_above is not None:
            return mine - theirs <= self.at_most_above
        if self.at_most is not None:
            return mine <= self.at_most * theirs
        return self.at_least is not None and mine >= self.at_least * theirs


@dataclass
class Work:
    """One thing to do, the same for all its subjects. Ratios are to the first."""

    name: str
    subjects: list[Subject]
    figure: str = "p50_us"  # what the table's ratio is of
    targets: list[Target] = field(default_factory=list)
    placements: tuple[str, ...] = ()  # measured there whatever was asked for


@dataclass
class Figures:
    """What was measured of one subject at one placement: the medians of its rounds."""

    operations: list[float] = field(default_factory=list)
    p50: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)
    client: list[float] = field(default_factory=list)
    server: list[float] = field(default_factory=list)
    bytes_per_item: int | None = None
