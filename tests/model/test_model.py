"""A few random sequences, always the same ones, and those that once broke a promise; ``make model`` runs as many as there is
time for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from model.choose import choose
from model.run import Outcome, run
from model.sequences import ONCE_BROKEN
from model.steps import written

pytestmark = [pytest.mark.timeout(300), pytest.mark.standin("minutes on a real line; `make model` runs there")]
RANDOM = {f"seed {seed}": written(choose(seed)) for seed in (11, 12, 13)}
AT_ONCE = 3     # most of a sequence is waiting
Outcomes = Mapping[str, Future[Outcome]]


@pytest.fixture(scope="module")
def outcomes(request: pytest.FixtureRequest) -> Iterator[Outcomes]:
    """What comes of the sequences whose tests are to run, by name."""
    items = [item for item in request.session.items if isinstance(item, pytest.Function) and item.module is request.module]
    names = [str(item.callspec.params["name"]) for item in items]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {name: pool.submit(run, {**RANDOM, **ONCE_BROKEN}[name]) for name in names}
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("name", RANDOM, ids=lambda name: name.replace(" ", "-"))
def test_a_random_sequence_keeps_all_promises(outcomes: Outcomes, name: str) -> None:
    outcome = outcomes[name].result()
    assert not outcome.violations, f"MODEL='{RANDOM[name]}'\n{outcome}"
    assert outcome.trail and outcome.calls, outcome


@pytest.mark.parametrize("name", ONCE_BROKEN, ids=lambda name: name.replace(" ", "-"))
def test_what_once_broke_a_promise_does_so_no_more(outcomes: Outcomes, name: str) -> None:
    outcome = outcomes[name].result()
    assert not outcome.violations, f"MODEL='{ONCE_BROKEN[name]}'\n{outcome}"
