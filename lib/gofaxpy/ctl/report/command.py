"""``gofaxctl report``: faxes, pages and failures over a period, from HylaFAX's accounting."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

from gofaxpy.ctl.command import OK, Command, UsageError
from gofaxpy.ctl.trouble import Trouble

if TYPE_CHECKING:
    from gofaxpy.ctl.output import Output
    from gofaxpy.ctl.report.period import Period
    from gofaxpy.ctl.report.tally import Report
    from gofaxpy.hylafax.accounting import Malformed

GROUPS = (
    "cause", "destination", "user", "caller", "recipient", "modem", "hour", "weekday", "rate", "ecm", "format", "resolution",
    "media", "time",
)


def _arguments(parser: argparse.ArgumentParser) -> None:
    when = parser.add_argument_group("period (without any: the last 30 days)")
    when.add_argument("--last", metavar="TIME", default="", help="so long until now: 12h, 7d, 4w, 3m, 1y")
    when.add_argument("--since", metavar="WHEN", default="", help="2026-11-23, '2026-11-23 08:00', 2026-11, today, yesterday, 7d")
    when.add_argument("--until", metavar="WHEN", default="", help="the same; the day, month or year named belongs to it")
    source = parser.add_argument_group("accounting")
    source.add_argument("--log", metavar="FILE", action="append", default=[], help="this file instead of the spool's; repeatable")
    source.add_argument("--rotated", action="store_true", help="also what logrotate has put aside: xferfaxlog.1, .2.gz and so on")
    source.add_argument("--t38", action="store_true", help="also count T.38 and audio, from the session logs that still exist")
    form = parser.add_argument_group("form")
    kind = form.add_mutually_exclusive_group()
    kind.add_argument("--csv", action="store_true", help="all figures as CSV")
    kind.add_argument("--html", action="store_true", help="one self-contained HTML page with plots")
    form.add_argument("-o", "--output", metavar="FILE", default="", help="write there; the file appears when it is complete")
    form.add_argument("--by", metavar="GROUPS", default="", help="only these, separated by commas: " + ", ".join(GROUPS))
    form.add_argument("--top", metavar="N", type=int, default=0, help="rows of each table (10; on an HTML page 25)")


def run(arguments: argparse.Namespace, output: Output) -> int:
    """Reads the accounting and writes the report.  Lines that are no records are named on standard error and not counted."""
    from datetime import datetime

    from gofaxpy.ctl.report import export, text
    from gofaxpy.ctl.report.period import period

    if arguments.output and not (arguments.csv or arguments.html or output.json):
        raise UsageError("--output goes with --csv, --html or --json")
    groups = _groups(arguments.by)
    if arguments.top < 0:
        raise UsageError("--top is a number of rows, from 1 on")
    now = datetime.now()
    try:
        span = period(arguments.since, arguments.until, arguments.last, now)
    except ValueError as error:
        raise UsageError(str(error)) from None
    files = _files(arguments, output)
    report, malformed, wrong = _counted(arguments, output, files, span, groups)
    if output.json:
        import json
        _deliver(arguments.output, json.dumps(export.data(report, files, malformed, wrong), indent=2) + "\n", output)
    elif arguments.csv:
        _deliver(arguments.output, export.csv_text(report, groups), output)
    elif arguments.html:
        from gofaxpy.ctl.report.page import page
        name = output.config.freeswitch.ident if not arguments.log else ""
        _deliver(arguments.output, page(report, files, malformed, wrong, now, arguments.top or 25, name), output)
    else:
        text.write(output, report, groups or text.USUAL, arguments.top or 10)
    text.complain(output, malformed, wrong)
    return OK


def _counted(
    arguments: argparse.Namespace, output: Output, files: list[str], span: Period, groups: tuple[str, ...]
) -> tuple[Report, list[Malformed], int]:
    """The report; the first lines that are no records, and how many those are."""
    from gofaxpy.ctl.report import export
    from gofaxpy.ctl.report.media import Media
    from gofaxpy.ctl.report.tally import count
    from gofaxpy.hylafax.accounting import read_all
    from gofaxpy.hylafax.errors import SpoolError
    from gofaxpy.hylafax.spool import open_regular
    from gofaxpy.setting import Setting

    malformed: list[Malformed] = []
    wrong = 0

    def note(bad: Malformed) -> None:
        nonlocal wrong
        wrong += 1
        if len(malformed) < export.MOST_MALFORMED:
            malformed.append(bad)

    opener = output.open_named if arguments.log else open_regular
    media = Media(Setting.of(output.config).spool) if arguments.t38 or "media" in groups else None
    try:
        return count(read_all(files, note, span.since.timestamp(), opener), span, media), malformed, wrong
    except SpoolError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            path = next((path for path in files if not os.path.exists(path)), error.__cause__.filename)
            raise Trouble(f"{path}: does not exist") from None
        hint = "; HylaFAX's user and root can read it" if isinstance(error.__cause__, PermissionError) else ""
        raise Trouble(f"{error}{hint}") from None


def _groups(names: str) -> tuple[str, ...]:
    groups = tuple(name.strip() for name in names.split(",") if name.strip())
    for name in groups:
        if name not in GROUPS:
            raise UsageError(f"--by: {name!r} is no group; {', '.join(GROUPS)} are")
    return groups


def _files(arguments: argparse.Namespace, output: Output) -> list[str]:
    """The accounting files to read, the oldest first."""
    from gofaxpy.hylafax.accounting import with_rotated

    given: list[str] = arguments.log
    if not given:
        name = output.config.hylafax.xferfaxlog
        if not name:
            raise Trouble("hylafax.xferfaxlog is empty in the configuration: no accounting is written; name a file with --log")
        path = os.path.join(output.config.hylafax.spooldir, name)
        if not os.path.exists(path) and not arguments.rotated:
            raise Trouble(f"{path}: does not exist; nothing has been sent or received yet, or this user may not look")
        given = [path]
    if not arguments.rotated:
        return given
    found: list[str] = []
    for path in given:
        try:
            with output.root():       # HylaFAX's user may not be allowed to list the directory
                names = with_rotated(path)
            found += [name for name in names if name not in found]
        except OSError as error:
            raise Trouble(f"{error.filename}: {error.strerror}") from None
    if not found:
        raise Trouble(f"{given[0]}: does not exist, nor do older ones")
    return found


def _deliver(path: str, text: str, output: Output) -> None:
    """Writes to the terminal, or to a file that appears only when it is complete."""
    if not path:
        output.write(text)
        return
    try:
        with output.owner_of(os.path.dirname(path) or "."):
            _write(path, text)
    except OSError as error:
        raise Trouble(f"{path}: cannot be written: {error.strerror}") from None


def _write(path: str, text: str) -> None:
    temporary = f"{path}.{os.getpid()}.new"
    try:
        with open(temporary, "x", encoding="utf-8") as file:
            file.write(text)
        os.replace(temporary, path)
    except OSError as error:
        if os.path.exists(temporary) and not isinstance(error, FileExistsError):
            os.unlink(temporary)
        raise


COMMAND = Command(
    "report",
    "faxes, pages and failures over a period",
    "Counts faxes, pages and failures, by cause, destination, user, caller, modem and more, from HylaFAX's accounting\n"
    "(log/xferfaxlog), whoever wrote it: gofaxpy, native HylaFAX, GOfax.IP.  On a terminal as tables, or as CSV, JSON or\n"
    "one HTML page that needs nothing else.  Numbers that differ only in blanks and signs are counted together.",
    run,
    _arguments,
    examples="gofaxctl report\n"
    "gofaxctl report --last 7d --by cause,destination --top 20\n"
    "gofaxctl report --since 2026-10 --until 2026-10 --rotated --html -o october.html\n"
    "gofaxctl report --since yesterday --until yesterday --csv | mail -s 'Faxes' office@example.com\n"
    "gofaxctl report --last 1y --rotated --by time",
)
