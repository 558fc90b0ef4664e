"""QualifyTSI: the first expression found decides."""

from __future__ import annotations

from pathlib import Path

import pytest

from gofaxpy.inbound.qualify import accepts
from gofaxpy.switch.clean import incoming


@pytest.mark.parametrize(("rules", "tsi", "expected"), [
    ("", "+49 30 1", False), ("^.*$", "+49 30 1", True), ("!^.*30\n.*", "+49 30 1", False), ("!30\n.*", "+49 40 1", True),
    ("# all\n\n49", "+49 30 1", True), ("49", "<UNSPECIFIED>", False), ("<UNSPECIFIED>", "<UNSPECIFIED>", True),
    ("30\n!30", "+49 30", True), ("(\n49", "49", True),
    # as HylaFAX's tsitest answers
    ("^\\+49[[:space:]]+[[:digit:]]+$", "+49 30", True), ("^\\+49[[:space:]]+[[:digit:]]+$", "+49 30x", False),
    ("!^\\+49[[:blank:]]*666\n.*", "+49 666", False), ("[[:upper:]]{3}", "ACME", True), ("[^[:alnum:]+ ]", "+49 (30)", True),
    ("^[[:digit:][:punct:] ]+$", "+49 (30) [1]", True), ("^[][+ 0-9]+$", "+49 [30]", True), ("\\[[0-9]", "[3", True),
    ("[[:number:]]", "30", False),
])
def test_the_first_match_decides_and_no_match_refuses(tmp_path: Path, rules: str, tsi: str, expected: bool) -> None:
    (tmp_path / "tsi").write_text(rules)
    assert accepts(str(tmp_path / "tsi"), tsi, []) is expected


def test_what_is_wrong_with_the_file_is_told(tmp_path: Path) -> None:
    problems: list[str] = []
    (tmp_path / "tsi").write_text("ok\n(\n")
    assert not accepts(str(tmp_path / "tsi"), "x", problems)
    assert not accepts(str(tmp_path / "missing"), "x", problems), "as native: no patterns, nobody"
    assert "tsi:2: not a regular expression" in problems[0] and "cannot be read" in problems[1]


@pytest.mark.parametrize("tsi", ["M\udcfcller", incoming("M\udcfcller")])
def test_bytes_that_are_no_utf8_are_compared_as_what_the_switch_has_made_of_them(tmp_path: Path, tsi: str) -> None:
    (tmp_path / "tsi").write_bytes(b"^M\xfcller$")
    assert accepts(str(tmp_path / "tsi"), tsi, [])
