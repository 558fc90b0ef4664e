"""What is measured: figures, their readings, and the targets they are held to."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum

from bench.site import Site


class Bound(Enum):
    """What of a reading a target limits."""

    VALUE = "value"
    RATIO = "ratio"


@dataclass(frozen=True, slots=True)
class Target:
    """At most ``most``, of the value in the reading's unit or of its ratio to the reference."""

    bound: Bound
    most: float

    def __str__(self) -> str:
        return f"{self.bound.value} <= {self.most:g}"


def at_most(most: float) -> Target:
    """A target for the value."""
    return Target(Bound.VALUE, most)


def times(most: float) -> Target:
    """A target for the ratio."""
    return Target(Bound.RATIO, most)


@dataclass(frozen=True, slots=True)
class Reading:
    """One number: ``n`` is how many measurements stand behind it, ``reference`` what ``against`` took in the same run
    and in the same unit (None where there is nothing to compare with)."""

    name: str
    value: float
    unit: str
    n: int
    reference: float | None = None
    against: str = ""

    @property
    def ratio(self) -> float | None:
        """How many times the reference; None without one, or where it is nothing."""
        return self.value / self.reference if self.reference else None


@dataclass(frozen=True, slots=True)
class Figure:
    """A row of the table of figures: one measurement that gives one or more readings.

    ``n`` is how often it is repeated, ``few`` how often where it only has to work.  ``targets`` are by the readings' names;
    a reading without one is shown for what it explains.  ``available`` says whether it can be taken on this machine.
    """

    name: str
    title: str
    measure: Callable[[Site, int], Iterator[Reading]]
    n: int
    few: int
    targets: Mapping[str, Target] = field(default_factory=dict)
    available: Callable[[], bool] = field(default=lambda: True)

    def met(self, reading: Reading) -> bool | None:
        """Whether the reading keeps its target, None if it has none."""
        target = self.targets.get(reading.name)
        if target is None:
            return None
        limited = reading.value if target.bound is Bound.VALUE else reading.ratio
        return limited is not None and limited <= target.most

    def line(self, reading: Reading, **more: object) -> str:
        """The reading as one line of JSON; ``more`` is put in front."""
        target = self.targets.get(reading.name)
        return json.dumps({
            **more, "name": reading.name, "value": _rounded(reading.value), "unit": reading.unit, "n": reading.n,
            "reference": _rounded(reading.reference), "ratio": _rounded(reading.ratio), "against": reading.against,
            "target": str(target) if target is not None else None, "met": self.met(reading),
        })


def _rounded(number: float | None) -> float | None:
    """Four significant digits: no measurement here is worth more."""
    return float(f"{number:.4g}") if number is not None else None
