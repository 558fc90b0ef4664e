"""Queue files as the rig reads them."""

from __future__ import annotations

import pytest

from rig.rundir import RigError
from rig.spool import JobState, make_spool, parse_qfile

TEXT = """\
tts:1795474146
state:6
npages:1
totpages:3
external:+49 (30) 55-62002
status:No answer from remote; \\
second line
statuscode:3
returned:7
notify:none
!postscript:0::docq/doc4.ps.4
fax:1::docq/doc4.ps;c0
"""


def test_fields_and_items_are_told_apart() -> None:
    qfile = parse_qfile("sendq/q4", TEXT)
    assert qfile.state is JobState.ACTIVE
    assert qfile["external"] == "+49 (30) 55-62002"
    assert (qfile.number("npages"), qfile.number("totpages")) == (1, 3)
    assert qfile.items == ("!postscript:0::docq/doc4.ps.4", "fax:1::docq/doc4.ps;c0")


def test_a_status_of_several_lines_is_joined() -> None:
    assert parse_qfile("q", TEXT)["status"] == "No answer from remote; \nsecond line"
    assert parse_qfile("q", TEXT)["statuscode"] == "3"


def test_a_missing_field_is_empty_and_counts_as_zero() -> None:
    qfile = parse_qfile("q", "state:5\n")
    assert (qfile["csi"], qfile.number("npages")) == ("", 0)


def test_a_file_without_a_state_is_refused() -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        _ = parse_qfile("q", "npages:1\n").state


@pytest.mark.parametrize("command", ["gofaxsend", "/usr/bin/gofaxsend -v"])
def test_a_sendfaxcmd_that_faxq_would_not_run_is_refused(command: str) -> None:
    with pytest.raises(RigError, match="SendFaxCmd must be one absolute path without arguments"):
        make_spool("/nonexistent/spool", "/nonexistent/lock", sendfaxcmd=command, sendmail="", modems=())
