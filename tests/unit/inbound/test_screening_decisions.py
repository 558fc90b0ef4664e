"""What DynamicConfig's lines mean for a call, and what a script that fails means."""

from __future__ import annotations

from pathlib import Path

import pytest

from gofaxpy.config.keys import Inbound
from gofaxpy.inbound.screening import Screening, screen

IDS = ("+49301", "ACME", "4711", "trunk")


def verdict(tmp_path: Path, script: str, on_error: str = "accept") -> Screening:
    path = tmp_path / "DynamicConfig"
    path.write_text(f"#!/bin/sh\ncat << 'END'\n{script}\nEND\n")
    path.chmod(0o755)
    return screen(Inbound(dynamic_config=str(path), dynamic_config_on_error=on_error), str(tmp_path), "freeswitch1", IDS)


def test_without_a_script_every_call_is_taken_as_configured() -> None:
    assert screen(Inbound(), "/nonexistent", "freeswitch1", IDS) == Screening()


@pytest.mark.parametrize(("lines", "expected"), [
    ("", Screening()), ("RejectCall: true", Screening(True)), ("rejectcall: Yes", Screening(True)),
    ("RejectCall: no", Screening()),
    ("LocalIdentifier: +1 234 567", Screening(ident="+1 234 567")), ('LocalIdentifier: "+1 2"', Screening(ident="+1 2")),
    ("MaxRecvPages: 5", Screening(max_pages=5)), ("MaxRecvPages: -5", Screening()),
    ("RecvFileMode: 0640", Screening(recv_file_mode="0640")),
    ("FaxRcvdCmd: bin/faxrcvd two", Screening(faxrcvd="bin/faxrcvd two")),
    ("QualifyTSI: etc/tsi", Screening(qualify_tsi="etc/tsi")),
    ("# RejectCall: true\n\nSpeakerVolume: off", Screening()), ("MaxRecvPages: 5\nMaxRecvPages: 6", Screening(max_pages=6)),
])
def test_what_a_line_means(tmp_path: Path, lines: str, expected: Screening) -> None:
    assert verdict(tmp_path, lines) == expected


@pytest.mark.parametrize(("lines", "problem"), [
    ("RecvFileMode: 0689", "RecvFileMode: '0689' is not octal"), ("RecvFileMode: 00640", "is not octal"),
    ("RejectCall true", "line 1: no ':'"), ('LocalIdentifier: "x', "the closing quote is missing"),
])
def test_a_line_that_cannot_be_used_is_named_and_the_others_hold(tmp_path: Path, lines: str, problem: str) -> None:
    found = verdict(tmp_path, f"{lines}\nMaxRecvPages: 5")
    assert problem in found.problem and (found.rejected, found.recv_file_mode, found.max_pages) == (False, "", 5)


@pytest.mark.parametrize(("on_error", "rejected"), [("accept", False), ("reject", True)])
def test_a_script_that_cannot_be_run_decides_as_configured(tmp_path: Path, on_error: str, rejected: bool) -> None:
    inbound = Inbound(dynamic_config="etc/missing", dynamic_config_on_error=on_error)
    found = screen(inbound, str(tmp_path), "freeswitch1", IDS)
    assert found.rejected is rejected and f"{tmp_path}/etc/missing cannot be executed" in found.problem
