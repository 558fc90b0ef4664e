"""Every figure can be taken, and what is printed can be read.  How good the figures are is no test's business."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from bench.compare import BASE, HERE, checkout_of, compared
from bench.figure import Figure, Reading, at_most, times
from bench.figures import TABLE
from bench.measure import cpu_seconds, percentile
from bench.site import Site
from bench.table import table
from rig.install import CHECKOUT
from rig.rundir import RigError

FIELDS = {"name", "value", "unit", "n", "reference", "ratio", "against", "target", "met"}


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with Site.open(quick=True) as opened:
        yield opened


@pytest.mark.parametrize("figure", [figure for figure in TABLE if figure.available()], ids=lambda figure: figure.name)
def test_each_figure_can_be_taken(site: Site, figure: Figure) -> None:
    readings = list(figure.measure(site, figure.few))
    lines = [json.loads(figure.line(reading)) for reading in readings]
    assert all(set(line) == FIELDS and line["value"] >= 0 and line["n"] > 0 for line in lines if line["name"] != "call_memory")
    assert set(figure.targets) <= {line["name"] for line in lines} | _ONLY_AT_LENGTH


_ONLY_AT_LENGTH = {"call_cpu_200_at_once"}


def test_a_job_that_must_be_joined_shows_as_copied(site: Site) -> None:
    """The figure that is to be nothing is something where there is something to see."""
    from bench.sending import launched_copies

    with site.house(modems=2) as house:
        assert launched_copies(house, house.job("1000", (1, 1))) > 0


def test_the_program_prints_lines_of_json_and_a_table() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--quick", "idle"], env={**os.environ, "PYTHONPATH": os.path.join(CHECKOUT, "tests")},
        stdout=subprocess.PIPE, text=True, check=True,
    )
    lines, _, shown = done.stdout.partition("\n\n")
    assert [json.loads(line)["name"] for line in lines.splitlines()] == ["supervisor_idle"]
    assert shown.splitlines()[0].split()[:2] == ["figure", "value"]
    assert shown.splitlines()[1].startswith("supervisor_idle")


def _figure() -> Figure:
    return Figure("x", "an example", lambda site, n: iter(()), 1, 1, {"x": times(2), "y": at_most(5)})


@pytest.mark.parametrize(("reading", "met"), [
    (Reading("x", 4, "ms", 1, 2), True), (Reading("x", 4.1, "ms", 1, 2), False), (Reading("x", 4, "ms", 1), False),
    (Reading("y", 5, "ms", 1, 0.1), True), (Reading("y", 5.1, "ms", 1, 100), False), (Reading("z", 5, "ms", 1), None),
])
def test_a_target_limits_the_value_or_the_ratio(reading: Reading, met: bool | None) -> None:
    assert _figure().met(reading) is met
    row = table([(_figure(), reading)]).splitlines()[1]
    assert ("MISSED" in row) is (met is False) and row.endswith(" met") is (met is True)


def test_two_revisions_are_compared_by_their_medians() -> None:
    found = {
        ("x", BASE): [Reading("x", value, "ms", 1, 2) for value in (9, 4, 4)],
        ("x", HERE): [Reading("x", value, "ms", 1, 2) for value in (1, 2, 7)],
        ("only here", HERE): [Reading("only here", 1, "ms", 1)],
    }
    assert list(compared(found)) == [("x", "ms", "4", "2", "-50 %", "2", "1")]


def test_a_revision_is_taken_out_whole() -> None:
    with checkout_of("HEAD") as directory:
        assert os.path.exists(os.path.join(directory, "lib", "gofaxpy", "journal.py"))
    with pytest.raises(RigError, match="no-such-revision"), checkout_of("no-such-revision"):
        pass


def test_percentiles_and_the_clock_of_a_process() -> None:
    assert percentile([3, 1, 2], 0.5) == 2 and percentile(list(range(100)), 0.99) == 99
    before = cpu_seconds(os.getpid())
    while cpu_seconds(os.getpid()) - before < 0.01:
        pass
    with pytest.raises(OSError):
        cpu_seconds(2 ** 22)
