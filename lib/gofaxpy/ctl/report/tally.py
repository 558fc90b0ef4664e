"""Counts accounting records: faxes, pages, failures and their causes, in all and by groups.

Terms: an **attempt** is one SEND record; a **fax received** is one RECV record.  A job is *delivered* if one of its attempts
in the period succeeded, and *open* otherwise: it may still wait in the queue.  A CALL record counts only if no fax came of the
call, for otherwise the RECV record says the same and more.  POLL and PAGE records belong to jobs too, and count as attempts.
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
    """Sums over some records.  Times are in seconds.  ``failed`` of ``count`` have a reason; ``last_reason`` is the latest."""

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
        """The share of records without a reason, 0 to 1; None where there are no records."""
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
    """One job within the period.  ``last`` is the start of its last attempt, in seconds since the epoch."""

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
    """One direction: its sum, and the sums of each grouping (:data:`SENT`, :data:`RECEIVED`, :data:`CALLS`)."""

    tally: Tally = field(default_factory=Tally)
    by: Groups = field(default_factory=dict)


@dataclass(slots=True)
class Report:
    """All figures of a report.  ``steps`` has attempts and faxes received for each of :meth:`Period.steps`."""

    period: Period
    sent: Side = field(default_factory=Side)
    received: Side = field(default_factory=Side)
    calls: Side = field(default_factory=Side)
    steps: dict[datetime, tuple[Tally, Tally]] = field(default_factory=dict)
    jobs: dict[tuple[str, str, str], Job] = field(default_factory=dict)

    @property
    def delivered(self) -> int:
        """How many jobs were delivered."""
        return sum(job.delivered for job in self.jobs.values())

    @property
    def open_jobs(self) -> list[Job]:
        """The jobs that were not delivered, or not yet, the latest first."""
        return sorted((job for job in self.jobs.values() if not job.delivered), key=lambda job: -job.last)


def cause_of(record: Record) -> str:
    """The reason without page counts and without what HylaFAX adds about the job, so that equal causes compare equal."""
    return _PAGES.sub("n of m", _ABOUT_THE_JOB.sub("", record.reason)).strip()


def number_key(text: str) -> str:
    """The digits, ``*``, ``#`` and ``+`` of a number, so that two spellings of it compare equal; other text in lower case."""
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
    """The number that was called (CallID3)."""
    return record.cid_rest.partition("::")[0] or record.dest or "unknown"


def _hour(record: Record) -> str:
    return f"{time.localtime(record.start).tm_hour:02d}"


def _weekday(record: Record) -> str:
    return WEEKDAYS[time.localtime(record.start).tm_wday]


def _failed_only(record: Record) -> str:
    return cause_of(record) if record.reason else ""


# The groupings of each direction.  The function gives the group of a record, or "" to leave it out of that grouping.
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
    """Counts the records that begin within the period.  ``media`` gives ``T.38``, ``audio`` or ``""`` for a record."""
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
                if name in _NUMBERS:        # a number is shown in the spelling of its first record
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
    """The groups, the largest first; groups of one size by name."""
    size = key or (lambda tally: tally.count)
    return sorted(groups.items(), key=lambda item: (-size(item[1]), item[0]))
