"""``python -m model``: the long run (``make model``).

Variables of the environment: ``SEQUENCES`` and ``SECONDS`` say how much (whichever comes first), ``SEED`` where to begin,
``WORKERS`` how many sequences at a time, ``SHRINK=0`` leaves a sequence as it was found.
``MODEL='submit pages=3; attempt job=0'`` runs this one sequence instead.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass

from model.choose import choose
from model.run import Outcome, run
from model.shrink import shrink
from model.steps import parse, written


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a seed: its sequence, and, where that breaks something, the shortest one found that does."""

    seed: int
    text: str
    shortest: str
    outcome: Outcome


def try_seed(seed: int, shorten: bool) -> Result:
    """One sequence, in a process of the pool."""
    sequence = choose(seed)
    outcome, text = run(sequence), written(sequence)
    if outcome.violations and shorten:
        sequence, outcome = shrink(sequence, outcome)
    return Result(seed, text, written(sequence), outcome)


def results(first: int, count: int, seconds: float, at_once: int, shorten: bool) -> Iterator[Result]:
    """``count`` seeds from ``first`` on; none is begun after ``seconds``."""
    ends, following = time.monotonic() + seconds, first
    waiting: set[Future[Result]] = set()
    with ProcessPoolExecutor(at_once) as pool:
        while True:
            while len(waiting) < at_once and following < first + count and time.monotonic() < ends:
                waiting.add(pool.submit(try_seed, following, shorten))
                following += 1
            if not waiting:
                return
            over, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in over)


def main() -> int:
    """The exit status: 0 if nothing was broken."""
    setting = os.environ.get
    if setting("MODEL"):
        outcome = run(parse(os.environ["MODEL"]))
        print(outcome)
        return int(bool(outcome.violations))
    first, seconds = int(setting("SEED") or time.time()), float(setting("SECONDS") or 600)
    at_once, count = int(setting("WORKERS") or os.cpu_count() or 1), int(setting("SEQUENCES") or 10**6)
    done = steps = calls = broken = 0
    for result in results(first, count, seconds, at_once, setting("SHRINK") != "0"):
        done, steps, calls = done + 1, steps + result.text.count(";"), calls + result.outcome.calls
        if result.outcome.violations:
            broken += 1
            print(f"SEED={result.seed} {result.text}\nMODEL='{result.shortest}'\n{result.outcome}\n", flush=True)
    print(f"{done} sequences from SEED={first} on: {steps} steps, {calls} answered calls, {broken} sequences broke a promise")
    return int(bool(broken))


if __name__ == "__main__":
    sys.exit(main())
