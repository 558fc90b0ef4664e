"""Makes a sequence that breaks something as short as it can be, by trying again without one part after the other."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from model.run import Outcome, run
from model.steps import Step

Runner = Callable[[Sequence[Step]], Outcome]


def kind(violation: str) -> str:
    """What is broken, without the numbers and lists that differ from run to run."""
    return re.sub(r"\(.*|\[.*|\{.*|'[^']*'|[\d.]+", "", violation).strip()


def shrink(sequence: Sequence[Step], outcome: Outcome, runner: Runner = run, most: int = 40) -> tuple[list[Step], Outcome]:
    """The shortest sequence found in ``most`` runs that still breaks one of the same promises, and what came of it."""
    wanted, best = {kind(violation) for violation in outcome.violations}, (list(sequence), outcome)
    tried = 0
    again = True
    while again and tried < most:
        again = False
        for candidate in _smaller(best[0]):
            if tried >= most:
                break
            tried += 1
            found = runner(candidate)
            if wanted & {kind(violation) for violation in found.violations}:
                best, again = (candidate, found), True
                break
    return best


def _smaller(sequence: Sequence[Step]) -> Iterator[list[Step]]:
    """With one step less; then with one word less, or fewer pages."""
    for place in reversed(range(len(sequence))):
        if len(sequence) > 1:
            yield [*sequence[:place], *sequence[place + 1:]]
    for place, step in enumerate(sequence):
        simpler = [step.without("victim", "at")] if step.get("victim") else []
        simpler += [step.without(name) for name, _ in step.words if name in ("by", "meets", "ranges", "speed", "log")]
        if "," in step.get("pages"):
            simpler.append(Step.of(step.verb, pages=step.get("pages").rpartition(",")[0], ranges=step.get("ranges")))
        for one in simpler:
            yield [*sequence[:place], one, *sequence[place + 1:]]
