"""The report on the likeness of the stand-in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rig.conformance import Outcome, Recorder, read, report


def test_rows_and_tests_stand_side_by_side() -> None:
    real = {
        "tests/live/test_a.py::one": Outcome(rows={"404: cause": "'UNALLOCATED_NUMBER'", "pop | holds": "False"}, switch="real"),
        "tests/live/test_a.py::three": Outcome(switch="real"),
        "tests/live/test_a.py::four": Outcome(),
        "tests/live/test_a.py::two": Outcome("FAILED", "assert 1 == 2"),
    }
    standin = {
        "tests/live/test_a.py::one": Outcome(
            rows={"404: cause": "'UNALLOCATED_NUMBER'", "pop | holds": "True"}, switch="stand-in"
        ),
        "tests/live/test_a.py::three": Outcome("skipped", "needs a real FreeSWITCH"),
        "tests/live/test_a.py::four": Outcome(),
    }
    lines = report(real, standin).splitlines()
    for count, what in ((1, "green on both switches"), (1, "green in both runs, without a switch"), (1, "failed on the real one"),
                        (1, "only on the real one, green"), (0, "failed on the stand-in"), (4, "in all")):
        assert f"| {count} | {what} |" in lines, what
    assert "| 1 | tests/live/test_a.py | real FreeSWITCH | needs a real FreeSWITCH |" in lines
    assert "| 404: cause | 'UNALLOCATED_NUMBER' | 'UNALLOCATED_NUMBER' |  |" in lines
    assert r"| pop \| holds | False | True | differs |" in lines
    assert "| two | FAILED (0 s) | not run (0 s) | assert 1 == 2 |" in lines
    assert "| three | passed (0 s) | skipped (0 s) | needs a real FreeSWITCH |" in lines
    assert "| four | passed, no switch (0 s) | passed, no switch (0 s) |  |" in lines


def test_outcomes_of_earlier_runs_stay(tmp_path: Path) -> None:
    path = tmp_path / "x" / "real.json"
    for name in ("one", "two"):
        recorder = Recorder(str(path))
        for phase in ("setup", "call", "teardown"):
            recorder.pytest_runtest_logreport(pytest.TestReport(
                f"tests/scenario/test_a.py::{name}", ("", 0, ""), {}, "passed", None, phase, duration=1.0,
                user_properties=[("row", "1"), *([("switch", "real")] if phase == "teardown" else [])],
            ))
        recorder.pytest_runtest_logreport(pytest.TestReport("tests/unit/x.py::y", ("", 0, ""), {}, "passed", None, "call"))
        recorder.pytest_sessionfinish()
    assert list(read(str(path))) == ["tests/scenario/test_a.py::one", "tests/scenario/test_a.py::two"]
    assert read(str(path))["tests/scenario/test_a.py::one"].rows == {"row": "1"}
    assert read(str(path))["tests/scenario/test_a.py::one"].switch == "real"
    assert json.loads(path.read_text())["tests/scenario/test_a.py::two"]["seconds"] == 3.0


def test_a_failure_is_told_by_its_first_line(tmp_path: Path) -> None:
    path = tmp_path / "real.json"
    recorder = Recorder(str(path))
    text = "    def test():\n>       assert x\nE       AssertionError: rings\nE       assert 1 == 2\n"
    recorder.pytest_runtest_logreport(
        pytest.TestReport("tests/live/test_a.py::a", ("", 0, ""), {}, "failed", text, "call")
    )
    skipped = ("tests/conftest.py", 30, "Skipped: needs a real FreeSWITCH")
    recorder.pytest_runtest_logreport(
        pytest.TestReport("tests/live/test_a.py::b", ("", 0, ""), {}, "skipped", skipped, "setup")
    )
    recorder.pytest_sessionfinish()
    found = read(str(path))
    assert [(o.result, o.why) for o in found.values()] == [
        ("FAILED", "AssertionError: rings"), ("skipped", "needs a real FreeSWITCH"),
    ]
