"""Runs a sequence in a world of its own and says what it has broken."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field

from model.check import check
from model.deeds import do, finish
from model.steps import Step, parse
from model.world import World


@dataclass(slots=True)
class Outcome:
    """``violations`` is empty where all is well; ``trail`` has each step, and how the jobs stood after it."""

    violations: list[str] = field(default_factory=list)
    trail: list[str] = field(default_factory=list)
    calls: int = 0

    def __str__(self) -> str:
        return "\n".join([*self.violations, *(f"    {line}" for line in self.trail)])


def run(sequence: str | Sequence[Step]) -> Outcome:
    """From the first step, which may be ``world …``, to the end of all jobs."""
    steps = parse(sequence) if isinstance(sequence, str) else list(sequence)
    setting = steps.pop(0) if steps and steps[0].verb == "world" else Step("world")
    outcome = Outcome()
    with World(setting) as world:
        outcome.trail = world.trail
        doing = "the beginning"
        try:
            for step in steps:
                doing = str(step)
                do(world, step)
            doing = "the end"
            unfinished = finish(world)
            outcome.violations = [*unfinished, *dict.fromkeys(check(world).violations)]
        except Exception as error:
            frames = traceback.extract_tb(error.__traceback__)
            where = ", ".join(f"{frame.name}:{frame.lineno}" for frame in frames if "/model/" in frame.filename)
            outcome.violations.append(f"at {doing!r}: {type(error).__name__}: {error} ({where})")
            world.note("then")
        outcome.calls = len(world.model.calls)
        outcome.trail += [f"call {call}" for call in (
            f"{one.number} {[str(page) for page in one.pages]}{' torn' if one.torn else ''}" for one in world.model.calls
        )]
    return outcome
