"""The report that holds the stand-in against a real FreeSWITCH: each scenario and each probe on both, side by side.

A test run leaves its outcomes in the file that the environment variable CONFORMANCE names (``Recorder``); the report is made
of two of them::

    PYTHONPATH=tests python3 -m rig.conformance REAL.json STANDIN.json REPORT.md
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

import pytest

CONFORMANCE = "CONFORMANCE"
SWITCH = "switch"
"""Property of a test: the kinds of switches that ran for it (:func:`rig.driven.switches_used`)."""
_FOLDERS = ("tests/scenario/", "tests/hylafax/", "tests/live/")
_PASSED, _SKIPPED, _FAILED, _NOT_RUN = "passed", "skipped", "FAILED", "not run"
_REAL = "real"


@dataclass(slots=True)
class Outcome:
    """How a test ended on one switch, and the rows of the contract that it has measured."""

    result: str = _PASSED
    why: str = ""
    seconds: float = 0.0
    rows: dict[str, str] = field(default_factory=dict)
    commit: str = ""
    switch: str = ""

    def to_json(self) -> dict[str, object]:
        """As it stands in the file."""
        return {name: getattr(self, name) for name in self.__slots__}


class Recorder:
    """A pytest plugin that notes outcomes; those of earlier runs stay, each with the commit it belongs to."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._found: dict[str, Outcome] = {}
        self._commit = _commit()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """One phase of a test is over."""
        if not report.nodeid.startswith(_FOLDERS):
            return
        outcome = self._found.setdefault(report.nodeid, Outcome(commit=self._commit))
        outcome.seconds += report.duration
        properties = {str(name): str(value) for name, value in report.user_properties}
        outcome.switch = properties.pop(SWITCH, outcome.switch)
        outcome.rows.update(properties)
        if report.skipped:
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
            outcome.result, outcome.why = _SKIPPED, reason.removeprefix("Skipped: ")
        elif report.failed:
            text = str(report.longrepr)
            lines = [line[1:].strip() for line in text.splitlines() if line.startswith("E ")]
            outcome.result, outcome.why = _FAILED, (lines or text.splitlines() or [""])[0][:200]

    def pytest_sessionfinish(self) -> None:
        """Write the file."""
        known = read(self._path) if os.path.exists(self._path) else {}
        known.update(self._found)
        os.makedirs(os.path.dirname(os.path.abspath(self._path)), exist_ok=True)
        with open(self._path, "w", encoding="utf-8") as file:
            json.dump({name: outcome.to_json() for name, outcome in sorted(known.items())}, file, indent=1)


def read(path: str) -> dict[str, Outcome]:
    """The outcomes of a file."""
    with open(path, encoding="utf-8") as file:
        return {name: Outcome(**values) for name, values in json.load(file).items()}


def report(real: Mapping[str, Outcome], standin: Mapping[str, Outcome]) -> str:
    """The report, in Markdown."""
    names = sorted(real.keys() | standin.keys())
    missing = Outcome(_NOT_RUN)
    pairs = [(name, real.get(name, missing), standin.get(name, missing)) for name in names]
    lines = [
        "# The stand-in held against a real FreeSWITCH", "", *_table(("tests", ""), _totals(pairs)), "",
        "What differs and why is told in docs/stand-in.md.", "", "## Tests that did not run on both", "",
        *_table(("tests", "module", "ran on", "why not on the other"), _on_one(pairs)), "",
        "## Rows of the contract that were measured", "",
        *_table(("row", "real FreeSWITCH", "stand-in", ""), _rows(pairs)), "",
    ]
    for module, group in groupby(pairs, key=lambda pair: pair[0].partition("::")[0]):
        lines += [f"## {module}", "", *_table(("test", "real FreeSWITCH", "stand-in", ""), map(_outcome_row, group)), ""]
    return "\n".join(lines)


Pair = tuple[str, Outcome, Outcome]


def _totals(pairs: Sequence[Pair]) -> Iterable[tuple[str, ...]]:
    def count(matches: Callable[[Outcome, Outcome], bool]) -> str:
        return str(sum(matches(real, standin) for _, real, standin in pairs))

    green = (_PASSED, _PASSED)
    yield count(lambda a, b: (a.result, b.result) == green and a.switch == _REAL), "green on both switches"
    yield count(lambda a, b: (a.result, b.result) == green and a.switch != _REAL), "green in both runs, without a switch"
    yield count(lambda a, b: a.result == _PASSED and b.result == _SKIPPED), "only on the real one, green"
    yield count(lambda a, b: a.result == _SKIPPED and b.result == _PASSED), "only on the stand-in, green"
    yield count(lambda a, b: a.result == _FAILED), "failed on the real one"
    yield count(lambda a, b: b.result == _FAILED), "failed on the stand-in"
    yield count(lambda a, b: _NOT_RUN in (a.result, b.result)), "in one run only"
    yield count(lambda a, b: True), "in all"


def _on_one(pairs: Iterable[Pair]) -> Iterable[tuple[str, ...]]:
    found: dict[tuple[str, str, str], int] = {}
    for name, real, standin in pairs:
        if (real.result == _SKIPPED) is not (standin.result == _SKIPPED):
            side, other = ("real FreeSWITCH", standin) if standin.result == _SKIPPED else ("stand-in", real)
            key = name.partition("::")[0], side, other.why
            found[key] = found.get(key, 0) + 1
    for (module, side, why), number in sorted(found.items()):
        yield str(number), module, side, why


def _rows(pairs: Iterable[Pair]) -> Iterable[tuple[str, ...]]:
    for _, real, standin in pairs:
        for name in {**real.rows, **standin.rows}:
            a, b = real.rows.get(name, ""), standin.rows.get(name, "")
            yield name, a, b, "" if a == b else "differs" if a and b else "only one"


def _outcome_row(pair: Pair) -> tuple[str, ...]:
    name, real, standin = pair
    remarks = "; ".join(dict.fromkeys(outcome.why for outcome in (real, standin) if outcome.why))
    return name.partition("::")[2], _cell(real), _cell(standin), remarks


def _cell(outcome: Outcome) -> str:
    if outcome.result == _PASSED and not outcome.switch:
        return f"{outcome.result}, no switch ({outcome.seconds:.0f} s)"
    old = outcome.commit not in ("", _commit())
    return f"{outcome.result} ({outcome.seconds:.0f} s{', at ' + outcome.commit if old else ''})"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return lines + ["| " + " | ".join(_escaped(cell) for cell in row) + " |" for row in rows]


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")


def _commit() -> str:
    git = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return git.stdout.strip()


if __name__ == "__main__":
    with open(sys.argv[3], "w", encoding="utf-8") as target:
        target.write(report(read(sys.argv[1]), read(sys.argv[2])))
    print(sys.argv[3])
