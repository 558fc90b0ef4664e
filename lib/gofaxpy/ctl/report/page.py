"""The report as one self-contained HTML page: no script, no other file, no network.

Text from outside (identifiers, names, reasons) goes through :func:`esc`.  Should any slip through, the page's
Content-Security-Policy forbids scripts and all external resources.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from datetime import datetime

from gofaxpy import __version__
from gofaxpy.ctl.output import shown
from gofaxpy.ctl.report import svg
from gofaxpy.ctl.report.figures import clock, percent, step_label, step_name
from gofaxpy.ctl.report.style import CSS
from gofaxpy.ctl.report.tally import WEEKDAYS, Job, Report, Side, Tally, ranked
from gofaxpy.hylafax.accounting import Malformed

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
SERIES = ("Sent", "Received", "Failed")
_SENT, _RECEIVED, _FAILED = "s0", "s1", "s2"     # the classes of their colours


def esc(value: object) -> str:
    """Text from outside as HTML text, or as an attribute in double quotes."""
    return html.escape(shown(value), quote=True)


def page(
    report: Report, files: Sequence[str], malformed: Sequence[Malformed], count: int, made: datetime, top: int, name: str,
) -> str:
    """The whole page.  ``name`` is shown below the title (our station identifier); ``top`` limits the rows of each table."""
    title = f"Fax report {report.period}"
    sent, received = report.sent, report.received
    body = [
        f"<header><h1>{esc(title)}</h1>",
        f"<p>{esc(name)}</p>" if name else "",
        "</header><main>",
        _tiles(report),
        _bad_lines(malformed, count),
        _over_time(report),
        '<div class="pair">', _by_clock(report), "</div>",
        "<h2>Sending</h2>",
        '<div class="pair">',
        _causes("Why attempts failed", sent), _bars("Rates of attempts that connected", sent, ("rate",)),
        _bars("Error correction, format, resolution", sent, ("media", "ecm", "format", "resolution")),
        _table("Modems", "Modem", sent, "modem", top),
        "</div>",
        _table("Destinations", "Destination", sent, "destination", top, reason=True),
        _table("Users", "User", sent, "user", top, reason=True),
        _open_jobs(report.open_jobs, top),
        "<h2>Receiving</h2>",
        '<div class="pair">',
        _causes("Why receiving failed", received), _bars("Rates", received, ("rate",), _RECEIVED),
        _bars("Error correction, format, resolution", received, ("media", "ecm", "format", "resolution"), _RECEIVED),
        _table("Modems", "Modem", received, "modem", top, colour=_RECEIVED),
        "</div>",
        _table("Numbers called", "Number", received, "recipient", top, colour=_RECEIVED),
        _table("Callers", "Caller", received, "caller", top, reason=True, colour=_RECEIVED),
        "<h2>Calls without a fax</h2>",
        '<div class="pair">',
        _causes("What became of them", report.calls), _table("Callers", "Caller", report.calls, "caller", top),
        "</div>",
        "</main>",
        f"<footer>Made {made:%Y-%m-%d %H:%M} by gofaxctl {esc(__version__)} from {esc(', '.join(files) or 'no accounting')}."
        " An attempt is one call of one job; a job is delivered when one of its attempts succeeded.</footer>",
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="referrer" content="no-referrer">'
        f'<link rel="icon" href="data:,"><title>{esc(title)}</title><style>{CSS}</style></head>\n<body>'
        + "\n".join(part for part in body if part) + "</body></html>\n"
    )


def _tiles(report: Report) -> str:
    sent, received = report.sent.tally, report.received.tally
    tiles = (
        (f"{report.delivered:,}", f"of {len(report.jobs):,} jobs delivered"),
        (percent(sent.success), f"of {sent.count:,} attempts succeeded"),
        (f"{sent.pages:,}", "pages sent"),
        (f"{received.count:,}", f"faxes received, {received.failed:,} of them with errors"),
        (f"{received.pages:,}", "pages received"),
        (clock(sent.conn_seconds + received.conn_seconds), "hours:minutes:seconds connected"),
    )
    items = "".join(f"<li><b>{figure}</b><span>{what}</span></li>" for figure, what in tiles)
    return f'<ul class="tiles">{items}</ul>'


def _bad_lines(malformed: Sequence[Malformed], count: int) -> str:
    if not count:
        return ""
    items = "".join(f"<li>{esc(bad.path)}:{bad.line}: {esc(bad.why)}</li>" for bad in malformed)
    more = f"<li>and {count - len(malformed):,} more</li>" if count > len(malformed) else ""
    lines = "1 line of the accounting is" if count == 1 else f"{count:,} lines of the accounting are"
    return f'<details class="note"><summary>{lines} no record and not counted</summary><ul>{items}{more}</ul></details>'


def _key() -> str:
    items = "".join(f'<li><i class="s{number}"></i>{name}</li>' for number, name in enumerate(SERIES))
    return f'<ul class="key" aria-hidden="true">{items}</ul>'


def _plot(
    heading: str, level: str, labels: Sequence[str], tips: Sequence[str], pairs: Sequence[tuple[Tally, Tally]], wide: bool,
) -> str:
    """A plot with columns of faxes sent, received, and failed in either direction, and a table of the same figures."""
    values = [
        [sent.good for sent, _ in pairs], [received.good for _, received in pairs],
        [sent.failed + received.failed for sent, received in pairs],
    ]
    totals = ", ".join(f"{name.lower()} {sum(column):,}" for name, column in zip(SERIES, values, strict=True))
    plot = svg.columns(
        labels, list(zip(SERIES, values, strict=True)), f"{heading}: {totals}", width=1120 if wide else svg.WIDTH,
        height=260 if wide else svg.HEIGHT, tips=tips,
    )
    rows = [
        (tips[at], *(f"{column[at]:,}" for column in values)) for at in range(len(labels)) if any(column[at] for column in values)
    ]
    table = _rows("hnnn", ("When", *SERIES), rows)
    return (
        f'<figure><{level}>{heading}</{level}>{_key()}<div class="plot{" wide" if wide else ""}">{plot}</div>'
        f"<details><summary>Figures</summary>{table}</details></figure>"
    )


def _over_time(report: Report) -> str:
    step = report.period.step
    starts = list(report.steps)
    heading = {"hour": "Hour by hour", "day": "Day by day", "week": "Week by week", "month": "Month by month"}[step.value]
    return _plot(
        heading, "h2", [step_label(start, step) for start in starts], [step_name(start, step) for start in starts],
        list(report.steps.values()), wide=True,
    )


def _by_clock(report: Report) -> str:
    sent, received = report.sent.by, report.received.by
    hours = [f"{hour:02d}" for hour in range(24)]
    nothing = Tally()
    by_hour = [(sent["hour"].get(hour, nothing), received["hour"].get(hour, nothing)) for hour in hours]
    by_day = [(sent["weekday"].get(day, nothing), received["weekday"].get(day, nothing)) for day in WEEKDAYS]
    return _plot("By hour of day", "h3", hours, [f"{hour}:00 to {hour}:59" for hour in hours], by_hour, wide=False) + _plot(
        "By day of the week", "h3", [day[:3] for day in WEEKDAYS], WEEKDAYS, by_day, wide=False
    )


def _causes(heading: str, side: Side) -> str:
    """The causes of failures, with a bar for each."""
    causes = ranked(side.by["cause"])
    most = max((tally.count for _, tally in causes), default=0)
    total = sum(tally.count for _, tally in causes)
    rows = [
        (esc(name), svg.bar(0, tally.count, most, (_SENT, _FAILED)), f"{tally.count:,}", percent(tally.count / total))
        for name, tally in causes
    ]
    return _section(heading, _rows("hbnn", ("Cause", "", "Count", "Share"), rows))


def _bars(heading: str, side: Side, groups: Sequence[str], colour: str = _SENT) -> str:
    """The shares of the members of ``groups``, with a bar for each; failed transfers have their own colour."""
    rows = []
    for group in groups:
        known = ranked(side.by.get(group, {}))
        total = sum(tally.count for _, tally in known)
        for name, tally in known:
            bar = svg.bar(tally.good, tally.failed, total, (colour, _FAILED))
            rows.append((esc(name), bar, f"{tally.count:,}", percent(tally.count / total)))
    return _section(heading, _rows("hbnn", ("", "", "Count", "Share"), rows))


def _table(
    heading: str, what: str, side: Side, group: str, top: int, reason: bool = False, colour: str = _SENT,
) -> str:
    """One row for each member of a group: figures, a bar, and with ``reason`` why its last failure happened."""
    known = ranked(side.by[group])
    most = max((tally.count for _, tally in known), default=0)
    rows = []
    for name, tally in known[:top]:
        bar = svg.bar(tally.good, tally.failed, most, (colour, _FAILED))
        figures = (f"{tally.count:,}", f"{tally.failed:,}", f"{tally.pages:,}", clock(tally.conn_seconds))
        rows.append((esc(name), bar, *figures, *([esc(tally.last_reason)] if reason else [])))
    head = (what, "", "Count", "Failed", "Pages", "Connected", *(["Last failure"] if reason else []))
    return _section(heading, _rows("hbnnnn" + "t" * reason, head, rows), len(known) - top)


def _open_jobs(jobs: Sequence[Job], top: int) -> str:
    rows = [
        (esc(job.jobid), esc(job.owner), esc(job.dest), f"{job.attempts}", f"{datetime.fromtimestamp(job.last):%Y-%m-%d %H:%M}",
         esc(job.reason))
        for job in jobs[:top]
    ]
    head = ("Job", "User", "Destination", "Attempts", "Last attempt", "What it ended with")
    return _section("Jobs not delivered, or not yet", _rows("nttnnt", head, rows), len(jobs) - top)


def _section(heading: str, table: str, more: int = 0) -> str:
    rest = f'<p class="dim">and {more:,} more</p>' if more > 0 else ""
    return f"<section><h3>{heading}</h3>{table}{rest}</section>"


def _rows(kinds: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table.  Its cells must be HTML already.  ``kinds`` has a letter for each column: h the head of the row, b a bar, n a
    number, t a text."""
    if not rows:
        return '<p class="none">None.</p>'
    heads = "".join(
        f'<th scope="col" class="{kind}">{text}</th>' if text else "<td></td>" for kind, text in zip(kinds, head, strict=True)
    )
    body = "".join(
        "<tr>" + "".join(_cell(kind, cell) for kind, cell in zip(kinds, row, strict=True)) + "</tr>" for row in rows
    )
    return f'<div class="scroll"><table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>'


def _cell(kind: str, cell: str) -> str:
    return f'<th scope="row">{cell}</th>' if kind == "h" else f'<td class="{kind}">{cell}</td>'
