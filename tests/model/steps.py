"""One step of a sequence, and its text: what is printed can be run again (``MODEL='submit pages=3; attempt job=0'``)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Step:
    """What somebody does: a verb and its words, such as ``attempt`` with ``job=0 meets=breaks:1``.  No value has a blank."""

    verb: str
    words: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, verb: str, **words: object) -> Step:
        """With the words that are not empty, in the order given."""
        return cls(verb, tuple((name, str(value)) for name, value in words.items() if str(value)))

    def __str__(self) -> str:
        return " ".join((self.verb, *(f"{name}={value}" for name, value in self.words)))

    def get(self, name: str, default: str = "") -> str:
        """One word's value."""
        return dict(self.words).get(name, default)

    def number(self, name: str, default: int = 0) -> int:
        """One word's value as a number."""
        return int(self.get(name) or default)

    def without(self, *names: str) -> Step:
        """The same with fewer words."""
        return Step(self.verb, tuple(word for word in self.words if word[0] not in names))


def parse(text: str) -> list[Step]:
    """Reads what :func:`written` has written.  Raises ValueError for what is no step."""
    steps = []
    for part in filter(None, (part.strip() for part in text.split(";"))):
        verb, *words = part.split()
        pairs = [word.partition("=") for word in words]
        if bad := [name for name, equals, _ in pairs if not equals]:
            raise ValueError(f"{part!r}: {bad[0]!r} is no NAME=VALUE")
        steps.append(Step(verb, tuple((name, value) for name, _, value in pairs)))
    return steps


def written(steps: Iterable[Step]) -> str:
    """A sequence in one line."""
    return "; ".join(map(str, steps))
