"""The steps after a call: each is done once, in its order, and what a crash has left is made good."""

from __future__ import annotations

import errno
import os
import resource
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from pathlib import Path

import pytest

from gofaxpy.calls.registry import PROCESS
from gofaxpy.hylafax.errors import SpoolError
from gofaxpy.hylafax.recvtags import UNSPECIFIED
from gofaxpy.hylafax.sessionlog import SessionLog
from gofaxpy.hylafax.tiff import IMAGE_DESCRIPTION, each_directory
from gofaxpy.inbound import finish
from gofaxpy.inbound.calllog import CallLog
from gofaxpy.inbound.finish import MOST_ANNOUNCEMENTS, Received
from gofaxpy.inbound.recvq import PostponedError, check_room
from gofaxpy.journal import Entry, Mark, Step
from gofaxpy.setting import Setting
from gofaxpy.switch.faxresult import FaxResult, ResultCode
from rig.channel import OwnSpool
from rig.pages import make_tiff

COMMID = "000000003"
FILE = "recvq/fax000000001.tif"
GOOD = FaxResult(success=True, code=ResultCode.OK, remote_station="+49 30 1", pages_transferred=1, rate=14400)
NO_FAX = FaxResult(code=ResultCode.T1_EXPIRED)
FACTS: Mapping[str, object] = {
    "commid": COMMID, "device": "freeswitch1", "started": 1000.0, "fax_number": "4700", "process": PROCESS,
    "caller_number": "0301", "caller_name": "ACME", "recipient": "4711", "gateway": "trunk",
}
BEGUN_OFTEN = (Step.ANNOUNCING,) * MOST_ANNOUNCEMENTS       # so that faxrcvd is not run here


@pytest.fixture
def setting(own_spool: OwnSpool) -> Setting:
    return own_spool.configure()


@pytest.fixture
def log(setting: Setting) -> Iterator[CallLog]:
    log = CallLog(setting, SessionLog.create(setting.spool, COMMID))
    yield log
    log.close()


def left_after(setting: Setting, fax: FaxResult | None, file: str = FILE, steps: tuple[Step, ...] = ()) -> Entry:
    """The entry of a call that is over, with what was done of it."""
    entry = setting.journal.create(f"c{COMMID}", Step.ACCEPTED, **FACTS)
    entry.note(Step.RECEIVING, file=file)
    result = fax.facts() if fax is not None else None
    entry.note(Step.RECEIVED, file=file, fax=result, seconds=9.0, fax_seconds=6.0, fax_started=1002.0)
    for step in steps:
        entry.note(step)
    return entry


def steps_of(entry: Entry) -> list[Step]:
    return [mark.step for mark in entry.marks()]


def records(setting: Setting) -> list[list[str]]:
    path = Path(setting.xferfaxlog)
    return [[field.strip('"') for field in line.split("\t")] for line in path.read_text().splitlines()] if path.exists() else []


def test_a_fax_is_tagged_then_recorded(setting: Setting, log: CallLog) -> None:
    make_tiff(setting.spool.inside(FILE), 1, dpi=98)
    with left_after(setting, GOOD) as entry:
        for step in BEGUN_OFTEN:
            entry.note(step)
        finish.finish(setting, entry, log)
        assert [step for step in steps_of(entry) if step is not Step.ANNOUNCING][-2:] == [Step.TAGGED, Step.RECORDED]
    [page] = each_directory(setting.spool.inside(FILE))
    assert page.ascii(IMAGE_DESCRIPTION).split("\n") == ["+49 30 1", "0301", "ACME", "4711", "trunk"]
    received, call = records(setting)
    assert (received[1], received[4], received[8], received[10]) == ("RECV", FILE, "+49 30 1", "1")
    assert (call[1], call[2], call[14], call[15], call[16]) == ("CALL", COMMID, "ACME", "0301", "4711::trunk")


def test_steps_that_were_done_are_not_done_again(setting: Setting, log: CallLog) -> None:
    make_tiff(setting.spool.inside(FILE), 1, dpi=98)
    before = Path(setting.spool.inside(FILE)).read_bytes()
    with left_after(setting, GOOD, steps=(Step.TAGGED, Step.RECORDED, *BEGUN_OFTEN)) as entry:
        finish.finish(setting, entry, log)
    assert Path(setting.spool.inside(FILE)).read_bytes() == before and records(setting) == []


def test_the_recovery_writes_no_record_twice_that_was_written_but_not_marked(setting: Setting, log: CallLog) -> None:
    make_tiff(setting.spool.inside(FILE), 1, dpi=98)
    with left_after(setting, GOOD, steps=BEGUN_OFTEN) as entry:
        finish.finish(setting, entry, log)
    written = records(setting)
    assert len(written) == 2
    with left_after(setting, GOOD, steps=(Step.TAGGED, *BEGUN_OFTEN)) as entry:
        finish.finish(setting, entry, log, again=True)
        assert Step.RECORDED in steps_of(entry)
    assert records(setting) == written


@pytest.mark.parametrize("step", [None, Step.ANNOUNCED])
def test_an_entry_with_nothing_left_to_do_goes(setting: Setting, log: CallLog, step: Step | None) -> None:
    entry = left_after(setting, GOOD, steps=(step,)) if step else setting.journal.create(f"c{COMMID}", Step.RECEIVING, file=FILE)
    with entry:
        finish.finish(setting, entry, log)
        assert not os.path.exists(entry.path) and records(setting) == []


def test_a_fax_whose_announcements_never_ended_is_given_up_with_a_message(
    setting: Setting, log: CallLog, own_spool: OwnSpool
) -> None:
    make_tiff(setting.spool.inside(FILE), 1, dpi=98)
    with left_after(setting, GOOD, steps=(Step.TAGGED, Step.RECORDED, *BEGUN_OFTEN)) as entry:
        finish.finish(setting, entry, log)
        assert not os.path.exists(entry.path) and os.path.exists(setting.spool.inside(FILE))
    assert f"{FILE} is given up" in own_spool.lines[-1]


@pytest.mark.parametrize(("content", "aside"), [(b"", []), (b"II*\0\0\0\0\0", []), (b"no TIFF at all", ["fax000000001.tif"])])
def test_a_file_without_a_page_is_no_fax_and_what_is_in_it_is_set_aside(
    setting: Setting, log: CallLog, content: bytes, aside: list[str]
) -> None:
    Path(setting.spool.inside(FILE)).write_bytes(content)
    with left_after(setting, NO_FAX) as entry:
        finish.finish(setting, entry, log)
        assert not os.path.exists(entry.path)
    assert not os.path.exists(setting.spool.inside(FILE))
    bad = setting.spool.path("recvq", "bad")
    assert (os.listdir(bad) if os.path.isdir(bad) else []) == aside
    assert [record[1] for record in records(setting)] == ["CALL"]


def test_calls_are_recorded_only_where_it_is_wanted(own_spool: OwnSpool) -> None:
    setting = own_spool.configure("inbound: {log_calls: false}\n")
    log = CallLog(setting, SessionLog.create(setting.spool, COMMID))
    with left_after(setting, NO_FAX, file="") as entry:
        finish.finish(setting, entry, log)
        assert Step.RECORDED in steps_of(entry) and records(setting) == []
    log.close()


@pytest.mark.parametrize(("number", "postponed"), [
    (errno.ENOSPC, True), (errno.EDQUOT, True), (errno.EIO, True), (errno.EMFILE, True), (errno.EACCES, False),
    (errno.EISDIR, False),
])
@pytest.mark.parametrize("wrapped", [True, False])
def test_what_passes_postpones_the_next_step_and_nothing_else_does(number: int, postponed: bool, wrapped: bool) -> None:
    error: OSError | SpoolError = OSError(number, os.strerror(number))
    if wrapped:
        error, error.__cause__ = SpoolError("log/xferfaxlog: cannot be written"), error
    with pytest.raises(PostponedError) if postponed else nullcontext():
        check_room(error)


def test_a_record_that_cannot_be_written_at_the_moment_postpones_the_rest(setting: Setting, log: CallLog) -> None:
    with left_after(setting, GOOD, file="", steps=(Step.TAGGED,)) as entry:
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        free = os.open(os.devnull, os.O_RDONLY)
        os.close(free)
        resource.setrlimit(resource.RLIMIT_NOFILE, (free, limits[1]))
        try:
            with pytest.raises(PostponedError, match="Too many open files"):
                finish.finish(setting, entry, log)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        assert steps_of(entry)[-1] is Step.TAGGED and os.path.exists(entry.path)


def test_a_record_that_cannot_be_written_costs_the_record_only(
    setting: Setting, log: CallLog, own_spool: OwnSpool
) -> None:
    os.mkdir(setting.xferfaxlog)
    with left_after(setting, NO_FAX, file="") as entry:
        finish.finish(setting, entry, log)
        assert Step.RECORDED in steps_of(entry) and not os.path.exists(entry.path)
    assert any("CALL could not be recorded" in line for line in own_spool.lines)


def marks(*steps: tuple[Step, Mapping[str, object]]) -> dict[Step, Mark]:
    return {step: Mark(step, 1.0, dict(facts)) for step, facts in steps}


@pytest.mark.parametrize(("later", "reason"), [
    ([], finish.DIED_BEFORE_THE_ANSWER),
    ([(Step.RECEIVING, {"file": FILE})], finish.NO_RESULT),
    ([(Step.RECEIVING, {"file": FILE}), (Step.RECEIVED, {"reason": "why"})], "why"),
    ([(Step.RECEIVED, {"fax": GOOD.facts(), "file": FILE})], "A page could not be written to the disk: 0 of 1 are there"),
    ([(Step.RECEIVED, {"fax": FaxResult(success=True).facts()})], ""),
])
def test_the_reason_of_a_call(setting: Setting, later: list[tuple[Step, Mapping[str, object]]], reason: str) -> None:
    found = Received.read(setting, marks((Step.ACCEPTED, FACTS), *later))
    assert found.reason == reason
    assert found.call_ids == ["0301", "ACME", "4711", "trunk"]


def test_a_call_of_a_freeswitch_that_died_says_so(setting: Setting) -> None:
    found = Received.read(setting, marks((Step.ACCEPTED, FACTS | {"process": "another"}), (Step.RECEIVING, {"file": FILE})))
    assert (found.reason, found.pages, found.fax) == (finish.DIED_IN_THE_FAX, 0, None)


def test_pages_whose_events_did_not_come_share_the_time_of_the_fax(setting: Setting) -> None:
    make_tiff(setting.spool.inside(FILE), 3, dpi=98)
    facts = {"file": FILE, "fax": GOOD.facts(), "fax_seconds": 30.0, "page_seconds": [4], "seconds": 33.0}
    found = Received.read(setting, marks((Step.ACCEPTED, FACTS), (Step.RECEIVED, facts)))
    assert (found.pages, found.page_seconds, found.seconds) == (3, [4, 10.0, 10.0], 33.0)


def test_a_fax_without_a_result_takes_its_sender_from_the_file(setting: Setting) -> None:
    make_tiff(setting.spool.inside(FILE), 1, dpi=98)
    found = Received.read(setting, marks((Step.ACCEPTED, FACTS), (Step.RECEIVING, {"file": FILE})))
    assert found.pages == 1 and found.sender.station != UNSPECIFIED
