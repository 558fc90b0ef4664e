"""A few random sequences, always the same ones; ``make model`` runs as many as there is time for."""

from __future__ import annotations

import pytest

from model.choose import choose
from model.run import run
from model.steps import written

pytestmark = [pytest.mark.timeout(300), pytest.mark.standin("minutes on a real line; `make model` runs there")]
SEEDS = (11, 12, 13, 14)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_random_sequence_keeps_all_promises(seed: int) -> None:
    sequence = choose(seed)
    outcome = run(sequence)
    assert not outcome.violations, f"MODEL='{written(sequence)}'\n{outcome}"
    assert outcome.trail and outcome.calls, outcome
