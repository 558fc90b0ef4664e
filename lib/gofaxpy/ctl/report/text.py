"""The report as tables on a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from gofaxpy.ctl.output import Output, shown
from gofaxpy.ctl.report.figures import clock, percent, step_name
from gofaxpy.ctl.report.tally import WEEKDAYS, Report, Side, Tally, ranked
from gofaxpy.hylafax.accounting import Malformed

# The groups that are shown without --by, and each group's heading.
USUAL = ("cause", "destination", "user", "caller", "recipient", "modem")
HEADINGS = {
    "cause": "CAUSE", "destination": "DESTINATION", "user": "USER", "caller": "CALLER", "recipient": "NUMBER CALLED",
    "modem": "MODEM", "hour": "HOUR", "weekday": "WEEKDAY", "rate": "RATE", "ecm": "ECM", "format": "FORMAT",
    "resolution": "RESOLUTION", "media": "MEDIA", "time": "TIME",
}
_TITLES = {"sent": "Sending, attempts", "received": "Receiving, faxes", "calls": "Calls without a fax"}
_BY_NAME = ("hour", "rate")
_HEAD = ("COUNT", "GOOD", "FAILED", "SUCCESS", "PAGES", "CONNECTED")
_RIGHT = (1, 2, 3, 4, 5, 6)


def write(output: Output, report: Report, groups: Sequence[str], top: int) -> None:
    """The whole report, ``top`` rows of each group."""
    output.line(output.style(f"Fax report {report.period}", "bold"))
    output.line()
    named: tuple[tuple[str, Side], ...] = (("sent", report.sent), ("received", report.received), ("calls", report.calls))
    output.table(
        ("", *_HEAD), [(_TITLES[name], *_figures(side.tally)) for name, side in named if name != "calls" or side.tally.count],
        right=_RIGHT,
    )
    output.line()
    output.line(f"Jobs: {report.delivered} delivered, {len(report.jobs) - report.delivered} not, or not yet")
    for name, side in named:
        for group in groups:
            known = side.by.get(group)
            if known:
                output.line()
                _group(output, f"{_TITLES[name]}, by {HEADINGS[group].lower()}", HEADINGS[group], known, top, group)
    if "time" in groups:
        output.line()
        _time(output, report)
    if report.open_jobs and "cause" in groups:
        output.line()
        _open_jobs(output, report, top)


def _group(output: Output, title: str, heading: str, known: dict[str, Tally], top: int, group: str) -> None:
    rows = ranked(known)
    if group in _BY_NAME:
        rows.sort(key=lambda item: (len(item[0]), item[0]))
    elif group == "weekday":
        rows.sort(key=lambda item: WEEKDAYS.index(item[0]))
    elif group == "cause":
        output.line(output.style(title, "bold"))
        output.table(("COUNT", "PAGES", heading), [(tally.count, tally.pages, name) for name, tally in rows[:top]], right=(0, 1))
        _rest(output, len(rows) - top)
        return
    limit = len(rows) if group in (*_BY_NAME, "weekday") else top
    output.line(output.style(title, "bold"))
    output.table((heading, *_HEAD), [(name, *_figures(tally)) for name, tally in rows[:limit]], right=_RIGHT)
    _rest(output, len(rows) - limit)


def _time(output: Output, report: Report) -> None:
    step = report.period.step
    rows = [
        (step_name(start, step), sent.good, sent.failed, sent.pages, received.good, received.failed, received.pages)
        for start, (sent, received) in report.steps.items()
    ]
    output.line(output.style(f"By {step.value}", "bold"))
    output.table(("TIME", "SENT", "FAILED", "PAGES", "RECEIVED", "FAILED", "PAGES"), rows, right=_RIGHT)


def _open_jobs(output: Output, report: Report, top: int) -> None:
    jobs = report.open_jobs
    rows = [
        (job.jobid, job.owner, job.dest, job.attempts, f"{datetime.fromtimestamp(job.last):%Y-%m-%d %H:%M}", job.reason)
        for job in jobs[:top]
    ]
    output.line(output.style("Jobs not delivered, or not yet", "bold"))
    output.table(("JOB", "USER", "DESTINATION", "ATTEMPTS", "LAST", "ENDED WITH"), rows, right=(3,))
    _rest(output, len(jobs) - top)


def _rest(output: Output, more: int) -> None:
    if more > 0:
        output.line(output.style(f"and {more} more (--top)", "dim"))


def _figures(tally: Tally) -> tuple[object, ...]:
    return tally.count, tally.good, tally.failed, percent(tally.success), tally.pages, clock(tally.conn_seconds)


def complain(output: Output, malformed: Sequence[Malformed], count: int) -> None:
    """Names on standard error the lines that were no records."""
    if not count:
        return
    output.complain(f"gofaxctl: {count} {'line is' if count == 1 else 'lines are'} no accounting record and not counted:\n")
    for bad in malformed:
        output.complain(f"  {shown(bad.path)}:{bad.line}: {shown(bad.why)}\n")
    if count > len(malformed):
        output.complain(f"  and {count - len(malformed)} more\n")
