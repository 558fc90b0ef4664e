"""Counts accounting records: how many faxes and pages, how many failed and why, and how that spreads.

Terms: an **attempt** is one SEND record, one call of one job; a **fax received** one RECV record.  A job is *delivered* if
one of its attempts in the period succeeded, and *open* otherwise: it may still wait in the queue.  A CALL record counts
only where no fax came of it, for otherwise its RECV record tells the same and more.  POLL and PAGE records, which jobs
cause as well, are counted as attempts.
"""

from __future__ import annotations

import re
import time
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime

from gofaxpy.ctl.report.period import Period, floor
from gofaxpy.hylafax.params import EC_DISABLE, FaxParams
from gofaxpy.hylafax.recvtags import UNSPECIFIED
from gofaxpy.hylafax.xferfaxlog import Record, RecordType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
NO_FAX = "No fax came of the call"
_ABOUT_THE_JOB = re.compile(r"; (?:too many attempts to (?:dial|send)|Giving up after .*)$")
_PAGES = re.compile(r"\b\d+ of \d+\b")
_A_NUMBER = re.compile(r"[ (]*\+?[0-9*# ()./-]*[0-9][0-9*# ()./-]*")
_NO_DIGIT = re.compile(r"[^0-9*#+]")


@dataclass(slots=True)
class Tally:
    """Sums over some records.  Times in seconds; ``failed`` of ``count`` have a reason, the latest one is kept."""

    count: int = 0
    failed: int = 0
    pages: int = 0
    job_seconds: int = 0
    conn_seconds: int = 0
    last_reason: str = ""

    @property
    def good(self) -> int:
        return self.count - self.failed

    @property
    def success(self) -> float | None:
        """The share that went well, 0 to 1; None where there was nothing."""
        return self.good / self.count if self.count else None

    def add(self, record: Record) -> None:
        """Adds one record."""
        self.count += 1
        self.pages += record.pages
        self.job_seconds += int(record.job_seconds)
        self.conn_seconds += int(record.conn_seconds)
        if record.reason:
            self.failed += 1
            self.last_reason = record.reason


Groups = dict[str, dict[str, Tally]]


@dataclass(slots=True)
class Job:
    """What became of one job within the period."""

    jobid: str
    owner: str
    dest: str
    attempts: int = 0
    pages: int = 0
    delivered: bool = False
    last: float = 0.0
    reason: str = ""


@dataclass(slots=True)
class Side:
    """One direction: its sum, and sums by everything it can be grouped by (:data:`SENT`, :data:`RECEIVED`, :data:`CALLS`)."""

    tally: Tally = field(default_factory=Tally)
    by: Groups = field(default_factory=dict)


@dataclass(slots=True)
class Report:
    """Everything a report shows.  ``steps`` has one entry for each :meth:`Period.steps`: attempts and faxes received."""

    period: Period
    sent: Side = field(default_factory=Side)
    received: Side = field(default_factory=Side)
    calls: Side = field(default_factory=Side)
    steps: dict[datetime, tuple[Tally, Tally]] = field(default_factory=dict)
    jobs: dict[tuple[str, str, str], Job] = field(default_factory=dict)

    @property
    def delivered(self) -> int:
        """Jobs that arrived."""
        return sum(job.delivered for job in self.jobs.values())

    @property
    def open_jobs(self) -> list[Job]:
        """Jobs that have not arrived (yet), the latest first."""
        return sorted((job for job in self.jobs.values() if not job.delivered), key=lambda job: -job.last)


def cause_of(record: Record) -> str:
    """Why it failed, so that equal causes are equal: without what HylaFAX adds about the job, without page counts."""
    return _PAGES.sub("n of m", _ABOUT_THE_JOB.sub("", record.reason)).strip()


def number_key(text: str) -> str:
    """Numbers that dial the same are the same, however they are spaced; what is no number stays as it is."""
    return _NO_DIGIT.sub("", text) if _A_NUMBER.fullmatch(text) else text.strip().lower()


def _params(what: Callable[[FaxParams], str]) -> Callable[[Record], str]:
    return lambda record: what(record.params) if record.params is not None else ""


def _rate(params: FaxParams) -> str:
    return params.signalrate


def _ecm(params: FaxParams) -> str:
    return "without ECM" if params.ec == EC_DISABLE else "with ECM"


def _format(params: FaxParams) -> str:
    return params.dataformat


def _resolution(params: FaxParams) -> str:
    return params.resolution


def _caller(record: Record) -> str:
    station = "" if record.station == UNSPECIFIED else record.station.strip()
    return record.cid_number or station or "unknown"


def _recipient(record: Record) -> str:
    """CallID3 is the number that was called."""
    return record.cid_rest.partition("::")[0] or record.dest or "unknown"


def _hour(record: Record) -> str:
    return f"{time.localtime(record.start).tm_hour:02d}"


def _weekday(record: Record) -> str:
    return WEEKDAYS[time.localtime(record.start).tm_wday]


def _failed_only(record: Record) -> str:
    return cause_of(record) if record.reason else ""


# By what each direction is grouped, and how a record's group is found; "" leaves the record out of that grouping.
_COMMON: dict[str, Callable[[Record], str]] = {
    "modem": lambda record: record.device, "hour": _hour, "weekday": _weekday, "rate": _params(_rate), "ecm": _params(_ecm),
    "format": _params(_format), "resolution": _params(_resolution),
}
SENT: dict[str, Callable[[Record], str]] = {
    "cause": _failed_only, "destination": lambda record: record.dest,
    "user": lambda record: record.owner or record.sender or "unknown", **_COMMON,
}
RECEIVED: dict[str, Callable[[Record], str]] = {"cause": _failed_only, "caller": _caller, "recipient": _recipient, **_COMMON}
CALLS: dict[str, Callable[[Record], str]] = {
    "cause": lambda record: cause_of(record) or NO_FAX, "caller": _caller, "recipient": _recipient,
}
_NUMBERS = ("destination", "caller", "recipient")


def count(
    records: Iterable[Record], period: Period, media: Callable[[Record], str] | None = None,
) -> Report:
    """Counts the records that begin within the period.  ``media`` tells T.38 from audio, where that is known."""
    report = Report(period, steps={step: (Tally(), Tally()) for step in period.steps()})
    sides = (
        (report.sent, SENT), (report.received, RECEIVED), (report.calls, CALLS),
    )
    groupings = [dict(table) for _, table in sides]
    if media is not None:
        groupings[0]["media"] = groupings[1]["media"] = media
    names: dict[tuple[str, str], str] = {}
    for side, grouping in zip((side for side, _ in sides), groupings, strict=True):
        side.by = {name: defaultdict(Tally) for name in grouping}
    since, until = period.since.timestamp(), period.until.timestamp()
    faxes: set[str] = set()
    for record in records:
        if record.type is RecordType.RECV:
            faxes.add(record.commid)
        if not since <= record.start < until:
            continue
        if record.type is RecordType.CALL:
            if record.commid in faxes:
                continue
            number = 2
        else:
            number = 1 if record.type is RecordType.RECV else 0
            _to_step(report, record, number)
            if number == 0:
                _to_job(report, record)
        side = sides[number][0]
        side.tally.add(record)
        for name, group_of in groupings[number].items():
            group = group_of(record)
            if group:
                if name in _NUMBERS:        # shown as it was first written
                    group = names.setdefault((name, number_key(group)), group)
                side.by[name][group].add(record)
    return report


def _to_step(report: Report, record: Record, number: int) -> None:
    at = floor(datetime.fromtimestamp(record.start), report.period.step)
    if at in report.steps:
        report.steps[at][number].add(record)


def _to_job(report: Report, record: Record) -> None:
    owner = record.owner or record.sender
    job = report.jobs.setdefault((record.jobid, owner, record.dest), Job(record.jobid, owner, record.dest))
    job.attempts += 1
    job.pages += record.pages
    job.delivered = job.delivered or not record.reason
    job.last, job.reason = record.start, record.reason


def ranked(groups: dict[str, Tally], key: Callable[[Tally], float] | None = None) -> list[tuple[str, Tally]]:
    """Groups, the largest first; equal ones by name."""
    size = key or (lambda tally: tally.count)
    return sorted(groups.items(), key=lambda item: (-size(item[1]), item[0]))
