"""The report as data: for JSON, and as rows of CSV in which a spreadsheet finds no formula."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from datetime import datetime

from gofaxpy.ctl.output import shown
from gofaxpy.ctl.report.tally import Report, Side, Tally, ranked
from gofaxpy.hylafax.accounting import Malformed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

COLUMNS = ("direction", "group", "name", "count", "good", "failed", "pages", "job_seconds", "connected_seconds", "last_reason")
MOST_MALFORMED = 20     # lines that are shown; all are counted
# A spreadsheet runs what begins like this as a formula (CWE-1236) ...
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
# ... and a number to dial is none.
_NUMBER = re.compile(r"\+?[0-9 ]+")


def sides(report: Report) -> Sequence[tuple[str, Side]]:
    """The three sides of a report by name."""
    return (("sent", report.sent), ("received", report.received), ("calls", report.calls))


def data(report: Report, files: Sequence[str], malformed: Sequence[Malformed], count: int) -> dict[str, Any]:
    """The report for JSON.  ``count`` is how many lines were malformed, ``malformed`` the first of them."""
    answer: dict[str, Any] = {
        "period": {"since": _iso(report.period.since), "until": _iso(report.period.until)},
        "files": list(files),
        "malformed": {
            "count": count,
            "lines": [{"file": bad.path, "line": bad.line, "why": shown(bad.why), "text": shown(bad.text)} for bad in malformed],
        },
        "jobs": {"delivered": report.delivered, "open": len(report.jobs) - report.delivered},
    }
    for name, side in sides(report):
        answer[name] = {
            "total": _figures(side.tally),
            "by": {
                group: [{"name": shown(key), **_figures(tally)} for key, tally in ranked(tallies)]
                for group, tallies in side.by.items()
            },
        }
    answer["over_time"] = {
        "step": report.period.step.value,
        "steps": [
            {"start": _iso(start), "sent": _figures(sent), "received": _figures(received)}
            for start, (sent, received) in report.steps.items()
        ],
    }
    answer["open_jobs"] = [
        {
            "job": shown(job.jobid), "user": shown(job.owner), "destination": shown(job.dest), "attempts": job.attempts,
            "pages": job.pages, "last_attempt": _iso(datetime.fromtimestamp(job.last)), "reason": shown(job.reason),
        }
        for job in report.open_jobs
    ]
    return answer


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="minutes")


def _figures(tally: Tally) -> dict[str, Any]:
    return {
        "count": tally.count, "good": tally.good, "failed": tally.failed, "pages": tally.pages,
        "job_seconds": tally.job_seconds, "connected_seconds": tally.conn_seconds, "last_reason": shown(tally.last_reason),
    }


def csv_text(report: Report, groups: Sequence[str]) -> str:
    """The totals (group ``total``), every step of time and every group as rows of CSV (RFC 4180, newlines as on Unix)."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for direction, side in sides(report):
        writer.writerow(_row(direction, "total", "", side.tally))
        for group, tallies in side.by.items():
            if not groups or group in groups:
                writer.writerows(_row(direction, group, key, tally) for key, tally in ranked(tallies))
    if not groups or "time" in groups:
        step = report.period.step.value
        for start, pair in report.steps.items():
            for direction, tally in zip(("sent", "received"), pair, strict=True):
                writer.writerow(_row(direction, step, _iso(start), tally))
    return text.getvalue()


def _row(direction: str, group: str, name: str, tally: Tally) -> list[object]:
    figures = _figures(tally)
    reason = figures.pop("last_reason")
    return [direction, group, cell(name), *figures.values(), cell(reason)]


def cell(text: str) -> str:
    """Text from outside as a cell: cleaned, with an apostrophe in front if a spreadsheet would run it as a formula."""
    clean = shown(text)
    if clean.lstrip().startswith(_FORMULA) and not _NUMBER.fullmatch(clean.strip()):
        return "'" + clean
    return clean
