"""Session logs: the form of native's lines, and no harm to a fax when they cannot be written."""

from __future__ import annotations

import glob
import os
import re
import resource
import time
from pathlib import Path

import pytest

from gofaxpy.hylafax.fmttime import duration, log_stamp
from gofaxpy.hylafax.sessionlog import SessionLog
from gofaxpy.hylafax.spool import Spool

NATIVE = os.path.join(os.path.dirname(__file__), "..", "..", "data", "native")
STAMP = "Nov 23 22:49:16.76"
WHEN = time.mktime((2026, 11, 23, 22, 49, 16, 0, 0, -1)) + 0.76
LINE = re.compile(r"(\w{3}) (\d\d) (\d\d):(\d\d):(\d\d)\.(\d\d): \[([ \d]{4}\d)\]: .*")


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    (tmp_path / "log").mkdir()
    return Spool(str(tmp_path))


def contents(spool: Spool, commid: str = "000000005") -> str:
    return Path(spool.session_log(commid)).read_bytes().decode("utf-8", "surrogateescape")


def create(spool: Spool, number: str = "", mode: int = 0o600) -> SessionLog:
    return SessionLog.create(spool, "000000005", number, lambda: WHEN, mode, 583)


def test_a_session_begins_and_ends_as_natives_does(spool: Spool) -> None:
    log = create(spool, "+49 (30) 900123")
    log.begin("HylaFAX (tm) Version 6.0.7")
    log.line("DIAL 900123")
    log.end()
    native = Path(NATIVE, "send-ok", "session-log-c000000005").read_text(encoding="utf-8").splitlines(keepends=True)
    ours = contents(spool).replace("[  583]", "[28316]").splitlines(keepends=True)
    assert ours[:2] == native[:2]
    assert [line[21:] for line in ours] == [native[n][21:] for n in (0, 1, 3, -1)]


def test_natives_lines_and_ours_have_the_same_form(spool: Spool) -> None:
    lines = [
        line for path in glob.glob(os.path.join(NATIVE, "*", "session-log-*"))
        for line in Path(path).read_text(encoding="utf-8").splitlines()
    ]
    create(spool).line("text")
    assert len(lines) > 300
    assert all(LINE.fullmatch(line) for line in [*lines, *contents(spool).splitlines()])
    assert contents(spool) == f"{STAMP}: [  583]: text\n"


@pytest.mark.parametrize(("epoch", "stamp"), [
    (WHEN, STAMP), (WHEN + 0.009, STAMP), (WHEN + 0.24, "Nov 23 22:49:17.00"), (WHEN - 20 * 86400, "Nov 03 22:49:16.76"),
])
def test_the_stamp_has_centiseconds_and_english_months(epoch: float, stamp: str) -> None:
    assert log_stamp(epoch) == stamp


@pytest.mark.parametrize(("seconds", "text"), [
    (0, "0:00:00"), (26, "0:00:26"), (62.99, "0:01:02"), (3600, "1:00:00"), (10 * 3600 + 61, "10:01:01"), (-5, "0:00:00"),
    (366 * 86400, "??:??:??"),
])
def test_durations_are_natives(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_no_text_can_make_a_line_of_its_own_or_write_to_a_terminal(spool: Spool) -> None:
    create(spool).line('REMOTE CSI "x\nNov 23 22:49:16.76: [  583]: SEND\r\x1b[2J\0\x85\u2028"')
    assert contents(spool).splitlines() == [f'{STAMP}: [  583]: REMOTE CSI "x Nov 23 22:49:16.76: [  583]: SEND  [2J   "']


def test_what_a_script_printed_is_logged_line_by_line(spool: Spool) -> None:
    create(spool).lines("one\n\n  two \r\nthree")
    assert [line[29:] for line in contents(spool).splitlines()] == ["one", "  two", "three"]


def test_octets_that_are_not_utf8_are_kept_and_endless_lines_cut(spool: Spool) -> None:
    log = create(spool)
    log.line("M\udcfcller")
    log.line("ü" * 10000)
    first, second = contents(spool).splitlines()
    assert first.endswith(": M\udcfcller")
    assert second.endswith("ü") and len(second.encode()) < 4100


def test_the_log_belongs_to_its_owner_unless_it_is_wanted_otherwise(spool: Spool) -> None:
    create(spool)
    assert os.stat(spool.session_log("000000005")).st_mode & 0o777 == 0o600
    SessionLog.create(spool, "000000006", mode=0o666)
    assert os.stat(spool.session_log("000000006")).st_mode & 0o777 == 0o644


def test_a_log_can_be_gone_on_with(spool: Spool) -> None:
    create(spool).begin()
    again = SessionLog.reopen(spool, "000000005", lambda: WHEN, 7)
    again.line("more")
    again.end()
    again.line("never")
    assert [line[20:] for line in contents(spool).splitlines()] == [
        "[  583]: SESSION BEGIN 000000005 ", "[    7]: more", "[    7]: SESSION END",
    ]


def test_a_log_that_is_there_already_is_left_alone(spool: Spool) -> None:
    create(spool).line("first")
    second = create(spool)
    second.line("second")
    assert "there is a session log of this name already" in second.error
    assert "second" not in contents(spool)


@pytest.mark.parametrize("commid", ["../x", "", "a/b"])
def test_a_log_outside_of_the_spool_is_not_opened(spool: Spool, commid: str) -> None:
    log = SessionLog.create(spool, commid)
    log.line("text")
    assert "cannot be a communication identifier" in log.error


def test_a_log_that_is_missing_stops_nothing(spool: Spool) -> None:
    log = SessionLog.reopen(spool, "000000009")
    log.begin()
    log.end()
    assert "c000000009: cannot open the session log: No such file" in log.error
    assert os.listdir(spool.path("log")) == []


def test_a_full_disk_stops_nothing_and_is_told(spool: Spool) -> None:
    log = create(spool)
    log.line("before")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (60, hard))
    try:
        log.line("this one is cut")
        log.line("this one is lost")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    log.line("after")
    lines = contents(spool).splitlines()
    assert "gaps" in log.error
    assert (lines[0][29:], lines[-1][29:]) == ("before", "after")
    assert not any("lost" in line for line in lines)
