"""info/<number>: read and written as native HylaFAX does, and what an attempt teaches."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gofaxpy.hylafax.dialrules import DIALTEST, canonical
from gofaxpy.hylafax.errors import SpoolError
from gofaxpy.hylafax.info import MachineInfo, path_of, read, write
from gofaxpy.hylafax.returned import Returned
from gofaxpy.hylafax.spool import Spool
from gofaxpy.hylafax.statuscode import StatusCode
from gofaxpy.outcome import Delay, Ending, Stage, Verdict
from gofaxpy.send.machine import learn
from gofaxpy.switch.faxresult import FaxResult
from gofaxpy.switch.hangup import CallEnd, HangupCause

NATIVE = Path(__file__).parents[2] / "data" / "native"
FILES = sorted(NATIVE.glob("*/info-*"))
BUSY = Verdict(Returned.RETRY, StatusCode.BUSY, "Busy signal detected", Delay.BUSY, True)
DONE = Verdict(Returned.DONE, StatusCode.NONE, "")
BROKEN = Verdict(Returned.RETRY, StatusCode.DISCONNECTED, "Remote fax disconnected prematurely", Delay.PROTOCOL)
NOT_ANSWERED = Ending(Stage.DIALLED, call=CallEnd(HangupCause.USER_BUSY))


def spool(tmp_path: Path) -> Spool:
    (tmp_path / "info").mkdir()
    (tmp_path / "etc").mkdir()
    return Spool(str(tmp_path))


def sent(encoding: str, ecm: bool = True, pages: int = 1) -> Ending:
    return Ending(Stage.CONNECTED, 1, pages, fax=FaxResult(True, encoding_name=encoding, ecm=ecm, pages_transferred=pages))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.parent.name)
def test_a_native_file_is_written_as_it_was(file: Path) -> None:
    assert MachineInfo(file.read_text()).render() == file.read_text()


@pytest.mark.parametrize(("case", "code", "times"), [
    ("send-busy/info-4930486123", StatusCode.BUSY, 2), ("send-no-answer/info-4930480123", StatusCode.NO_ANSWER, 1),
    ("send-no-dialtone/info-4930999", StatusCode.NO_DIALTONE, 1), ("send-silence/info-49308000", StatusCode.NO_CARRIER, 1),
])
def test_failed_calls_leave_the_file_native_leaves(case: str, code: StatusCode, times: int) -> None:
    info = MachineInfo()
    for _ in range(times):
        learn(info, NOT_ANSWERED, Verdict(Returned.RETRY, code, code.text, dial_failed=True), "")
    assert info.render() == (NATIVE / case).read_text()


def test_a_fax_ends_the_count_of_failures_and_a_failed_one_is_noted() -> None:
    info = MachineInfo()
    learn(info, NOT_ANSWERED, BUSY, "")
    learn(info, sent("T.6"), BROKEN, "+49 30 FAR")
    assert (info.flag("calledBefore"), info.number("dialFailures"), info.number("sendFailures")) == (True, 0, 1)
    assert info.get("lastSendFailure") == BROKEN.text and info.get("remoteCSI") == "+49 30 FAR"
    learn(info, sent("T.6"), DONE, "")
    assert info.number("sendFailures") == 0 and info.get("remoteCSI") == "+49 30 FAR"


@pytest.mark.parametrize(("encoding", "ecm", "mmr", "two"), [
    ("T.6", True, True, True), ("T.4 2-D", True, False, True), ("T.4 1-D", True, False, False),
    ("T.4 2-D", False, True, True), ("T.4 1-D", False, True, False), ("", True, True, True), ("T.85", True, True, True),
])
def test_compression_is_learnt_from_pages_that_have_gone(encoding: str, ecm: bool, mmr: bool, two: bool) -> None:
    info = MachineInfo()
    learn(info, sent(encoding, ecm), DONE, "")
    assert (info.flag("supportsMMR"), info.flag("supports2DEncoding")) == (mmr, two)
    info = MachineInfo()
    learn(info, sent(encoding, ecm, 0), BROKEN, "")
    assert info.flag("supportsMMR") and info.flag("supports2DEncoding"), "without a page nothing is known"


def test_what_the_administrator_has_fixed_stays() -> None:
    info = MachineInfo("&supportsMMR:no\n&remoteCSI:\"fixed\"\nown:thing\n")
    learn(info, sent("T.6"), DONE, "other")
    lines = info.render().splitlines()
    assert "&supportsMMR:no" in lines and '&remoteCSI:"fixed"' in lines and "own:thing" in lines


def test_an_abort_is_no_failure() -> None:
    info = MachineInfo()
    learn(info, Ending(Stage.DIALLED, aborted=True), BUSY, "")
    learn(info, Ending(Stage.CONNECTED, aborted=True), BROKEN, "")
    assert (info.number("dialFailures"), info.number("sendFailures")) == (0, 0)


def test_the_file_is_written_in_place_and_read_back(tmp_path: Path) -> None:
    where = spool(tmp_path)
    write(where, "+49 30 1", MachineInfo('lastSendFailure:"' + "x" * 100 + '"\n'))
    inode = os.stat(path_of(where, "49301")).st_ino
    info = MachineInfo()
    info.set("remoteCSI", 'a"b\nc')
    write(where, "+49 30 1", info)
    assert (tmp_path / "info" / "49301").stat().st_ino == inode
    assert (tmp_path / "info" / "49301").stat().st_mode & 0o777 == 0o644
    assert read(where, "+49 30 1").get("remoteCSI") == "a'b c"
    assert read(where, "5").render() == MachineInfo().render()
    with pytest.raises(SpoolError, match="no digits"):
        read(where, "abc")


@pytest.mark.parametrize(
    ("number", "wanted"),
    [("900123", "+4930900123"), ("0221 5", "+492215"), ("+1 2", "+12"), ("00445", "+445"), ("(0221) 5", "+492215")],
)
def test_numbers_are_filed_as_faxq_files_them(tmp_path: Path, number: str, wanted: str) -> None:
    assert os.access(DIALTEST, os.X_OK), "hylafax-server is not installed"
    where = spool(tmp_path)
    assert canonical(where, number) == number, "no configuration, no rules"
    rules = "DialStringRules: /etc/hylafax/dialrules\n"
    prefixes = "CountryCode: 49\nAreaCode: 30\nLongDistancePrefix: 0\nInternationalPrefix: 00\n"
    (tmp_path / "etc" / "config").write_text(rules + prefixes)
    assert canonical(where, number) == wanted


@pytest.mark.parametrize("text", [" &supportsMMR:no\n", 'remoteCSI:"a\x0cb\x1cc:1"\n', "& &x:1\n&&y:2\n"])
def test_what_is_read_and_written_again_stays_the_same(text: str) -> None:
    once = MachineInfo(text).render()
    assert MachineInfo(once).render() == once
    assert once.count("\n") <= MachineInfo().render().count("\n") + text.count("\n")
