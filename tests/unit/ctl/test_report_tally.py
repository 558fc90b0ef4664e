"""What is counted, and under which name."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from gofaxpy.ctl.report.media import Media
from gofaxpy.ctl.report.period import Period
from gofaxpy.ctl.report.tally import NO_FAX, Report, Tally, cause_of, count, number_key, ranked
from gofaxpy.hylafax.accounting import parse, read
from gofaxpy.hylafax.params import FaxParams
from gofaxpy.hylafax.spool import Spool
from gofaxpy.hylafax.xferfaxlog import Record, RecordType

from ..hylafax.test_accounting import GOFAXIP_RECV, GOFAXIP_SEND, NATIVE

DAY = Period(datetime(2026, 11, 23), datetime(2026, 11, 24))
NOON = datetime(2026, 11, 23, 12).timestamp()
PARAMS = FaxParams(ec=2)


def send(job: str, dest: str, reason: str = "", pages: int = 1, at: float = NOON, **more: str) -> Record:
    return Record(
        RecordType.SEND, at, f"00000{job}", "freeswitch0", job, dest=dest, reason=reason, pages=pages, conn_seconds=30,
        params=PARAMS, owner=more.pop("owner", "root"), **more,     # type: ignore[arg-type]
    )


def native() -> Report:
    paths = sorted(NATIVE.glob("*/xferfaxlog"))
    return count([record for path in paths for record in read(str(path), pytest.fail)], DAY)


def test_the_native_transfers() -> None:
    report = native()
    assert (report.sent.tally.count, report.sent.tally.failed, report.sent.tally.pages) == (13, 9, 13)
    assert (report.received.tally.count, report.received.tally.failed, report.received.tally.pages) == (3, 1, 5)
    assert {name: tally.count for name, tally in report.sent.by["cause"].items()} == {
        "Busy signal detected": 2, "Call aborted by user": 2, "No answer from remote": 1, "No local dialtone": 1,
        "No response to PPS repeated 3 times.": 2, "No carrier detected": 1,
    }


def test_a_call_counts_only_if_no_fax_came_of_it() -> None:
    report = native()
    assert {name: tally.count for name, tally in report.calls.by["cause"].items()} == {
        "ANSWER: CALL REJECTED": 1, "No sender protocol (T.30 T1 timeout)": 1,
    }


def test_a_call_without_a_fax_and_without_a_reason_is_named() -> None:
    report = count([Record(RecordType.CALL, NOON, "1", "d")], DAY)
    assert list(report.calls.by["cause"]) == [NO_FAX]


def test_a_job_is_delivered_when_one_attempt_succeeded() -> None:
    report = count([
        send("1", "030", "Busy signal detected"), send("1", "030"), send("2", "031", "No answer from remote"),
        send("2", "031", "Busy signal detected; too many attempts to dial", at=NOON + 60),
    ], DAY)
    assert report.delivered == 1
    [job] = report.open_jobs
    assert (job.jobid, job.attempts, job.reason) == ("2", 2, "Busy signal detected; too many attempts to dial")


def test_numbers_are_one_destination_however_they_are_spaced() -> None:
    report = count([send("1", "+49 (30) 555-1"), send("2", "+49305551"), send("3", "0305551")], DAY)
    assert {name: tally.count for name, tally in report.sent.by["destination"].items()} == {"+49 (30) 555-1": 2, "0305551": 1}


@pytest.mark.parametrize(("text", "key"), [
    ("+49 (30) 12-34", "+49301234"), ("030/1234", "0301234"), ("*21#", "*21#"), ("Fax@Example.com", "fax@example.com"),
    ("<script>1</script>", "<script>1</script>"), ("", ""), ("---", "---"),
])
def test_the_key_of_a_number(text: str, key: str) -> None:
    assert number_key(text) == key


@pytest.mark.parametrize(("reason", "cause"), [
    ("Busy signal detected; too many attempts to dial", "Busy signal detected"),
    ("No response to PPS repeated 3 times.; Giving up after 3 attempts to send same page",
     "No response to PPS repeated 3 times."),
    ("Unspecified Transmit Phase C error: 2 of 5 pages sent", "Unspecified Transmit Phase C error: n of m pages sent"),
    ("No carrier detected: 404", "No carrier detected: 404"),
])
def test_equal_causes_are_equal(reason: str, cause: str) -> None:
    assert cause_of(send("1", "030", reason)) == cause


def test_the_period_has_its_first_moment_and_not_its_end() -> None:
    moments = (DAY.since, DAY.until)
    report = count([send(str(number), "030", at=moment.timestamp()) for number, moment in enumerate(moments)], DAY)
    assert [job.jobid for job in report.jobs.values()] == ["0"]


def test_everything_lands_in_its_step() -> None:
    report = count([send("1", "030"), send("2", "030", "Busy signal detected", at=NOON + 3700)], DAY)
    filled = {start.hour: (sent.good, sent.failed) for start, (sent, _) in report.steps.items() if sent.count}
    assert filled == {12: (1, 0), 13: (0, 1)} and len(report.steps) == 24


def test_rates_and_ecm_are_those_of_either_writer() -> None:
    year = Period(datetime(2024, 1, 1), datetime(2025, 1, 1))
    report = count([parse(GOFAXIP_SEND), parse(GOFAXIP_RECV)], year)
    assert (list(report.sent.by["rate"]), list(report.sent.by["ecm"])) == (["14400 bit/s"], ["with ECM"])
    assert (report.sent.tally.failed, report.received.tally.failed) == (0, 0)
    assert list(report.received.by["caller"]) == ["030555"]


def test_the_number_called_is_the_third_call_id() -> None:
    record = Record(RecordType.RECV, NOON, "1", "d", dest="+49 30 0", cid_number="030", cid_rest="4711::gw")
    assert list(count([record], DAY).received.by["recipient"]) == ["4711"]


def test_ranks_are_stable() -> None:
    groups = {"b": Tally(1), "a": Tally(1), "c": Tally(5)}
    assert [name for name, _ in ranked(groups)] == ["c", "a", "b"]


@pytest.mark.parametrize(("log", "media"), [
    ("Nov 23 12:00:00.00: [    1]: USE T.38 negotiated\n", "T.38"), ("x: USE T.38 off\n", "audio"),
    ("x: USE T.38 off\nx: USE T.38 negotiated\n", "T.38"), ("x: nothing of it\n", ""),
])
def test_t38_comes_from_the_session_log(tmp_path: Path, log: str, media: str) -> None:
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "c000001").write_text(log)
    report = count([send("1", "030"), send("2", "030")], DAY, Media(Spool(str(tmp_path))))
    assert {name: tally.count for name, tally in report.sent.by["media"].items()} == ({media: 1} if media else {})
