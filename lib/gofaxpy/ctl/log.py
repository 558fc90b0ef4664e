"""``gofaxctl log``: the session logs of a job's attempts, of one call, or of the last one."""

from __future__ import annotations

import argparse
import os
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

from gofaxpy.ctl.command import OK, Command, UsageError
from gofaxpy.ctl.output import shown
from gofaxpy.ctl.trouble import Trouble

if TYPE_CHECKING:
    from gofaxpy.ctl.output import Output
    from gofaxpy.setting import Setting

MAX_LOG = 1 << 20           # octets; a session of 500 pages takes 200 KB
MOST_ATTEMPTS = 24


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("which", metavar="JOB|COMMID|last", nargs="?", default="last",
                        help="a job number, a communication identifier (nine digits), or `last`")


def run(arguments: argparse.Namespace, output: Output) -> int:
    """Shows the session logs that were asked for, the oldest first."""
    from gofaxpy.setting import Setting

    setting = Setting.of(output.config)
    which = arguments.which
    if which != "last" and not (which.isascii() and which.isdigit() and len(which) <= 9):
        raise UsageError(f"{shown(which)!r} is no job number, no communication identifier and not `last`")
    if which == "last":
        commids = [_last(setting)]
    elif len(which) == 9:
        commids = [which]
    else:
        commids = _attempts(setting, which)
    found = []
    for commid in commids:
        lines = _read(setting, commid, missing_is_fine=len(commids) > 1)
        if lines:
            found.append({"commid": commid, "lines": lines})
    if not found:
        raise Trouble(f"there is no session log of job {which} any more: faxcron(8) removes old ones")
    output.data(found)
    for number, log in enumerate(found):
        if number:
            output.line()
        output.line(output.style(f"{setting.spool.session_log(str(log['commid']))}", "bold"))
        for line in log["lines"]:
            output.line(_coloured(output, shown(line)))
    return OK


def _last(setting: Setting) -> str:
    directory = setting.spool.path("log")
    latest = (0.0, "")
    try:
        with os.scandir(directory) as entries:
            for entry in entries:
                with suppress(FileNotFoundError):       # faxcron(8) has just removed this log
                    if _is_log(entry.name) and entry.is_file(follow_symlinks=False):
                        latest = max(latest, (entry.stat(follow_symlinks=False).st_mtime, entry.name))
    except OSError as error:
        raise Trouble(_reason(directory, error)) from None
    if not latest[1]:
        raise Trouble(f"there are no session logs in {directory}")
    return latest[1][1:]


def _is_log(name: str) -> bool:
    return len(name) == 10 and name[0] == "c" and name[1:].isascii() and name[1:].isdigit()


def _attempts(setting: Setting, job: str) -> list[str]:
    """The commids of a job's last attempts: from the accounting, and from the qfile for the attempt under way."""
    from gofaxpy.hylafax.accounting import read
    from gofaxpy.hylafax.encoding import decode
    from gofaxpy.hylafax.errors import QFileError, SpoolError
    from gofaxpy.hylafax.qfile import QFile
    from gofaxpy.hylafax.spool import read_start

    commids: deque[str] = deque(maxlen=MOST_ATTEMPTS)

    def add(commid: str) -> None:
        if len(commid) == 9 and commid.isascii() and commid.isdigit() and commid not in commids:
            commids.append(commid)

    path = setting.xferfaxlog
    if path and os.path.exists(path):
        try:
            for record in read(path, lambda line: None):
                if record.jobid == job:
                    add(record.commid)
        except SpoolError as error:
            raise Trouble(str(error)) from None
    for queue in ("sendq", "doneq"):
        path = setting.spool.path(queue, f"q{job}")
        try:
            add(QFile.parse(decode(read_start(path, MAX_LOG))).get("commid"))
        except (FileNotFoundError, QFileError):     # a power failure may have left the qfile empty
            continue
        except OSError as error:
            raise Trouble(_reason(path, error)) from None
    if not commids:
        raise Trouble(f"nothing is known of job {job}: there is no such job, or no attempt yet, or it was long ago")
    return list(commids)


def _read(setting: Setting, commid: str, missing_is_fine: bool) -> list[str]:
    from gofaxpy.hylafax.encoding import decode
    from gofaxpy.hylafax.spool import read_start

    path = setting.spool.session_log(commid)
    try:
        return [decode(line) for line in read_start(path, MAX_LOG).split(b"\n") if line]
    except FileNotFoundError:
        if missing_is_fine:
            return []
        raise Trouble(f"{path}: there is no such session log; faxcron(8) removes old ones") from None
    except OSError as error:
        raise Trouble(_reason(path, error)) from None


def _reason(path: str, error: OSError) -> str:
    hint = "; session logs are for HylaFAX's user: run this as root or uucp" if isinstance(error, PermissionError) else ""
    return f"{path}: {error.strerror}{hint}"


def _coloured(output: Output, line: str) -> str:
    words = line.upper()
    if any(word in words for word in ("FAILED", "ABNORMALLY", "REJECT", "ERROR", "CANNOT", "TIMED OUT", "REFUSED")):
        return output.style(line, "red")
    if "SESSION BEGIN" in words or "SESSION END" in words:
        return output.style(line, "dim")
    return line


COMMAND = Command(
    "log",
    "session logs: what happened in a call",
    "Shows the session logs of all attempts of a job, of one call by its communication identifier, or of the latest call.",
    run,
    _arguments,
    "gofaxctl log last\ngofaxctl log 42                 # every attempt of job 42\ngofaxctl log 000000017          # that call\n"
    "gofaxctl log 42 --json | jq .[].commid",
    inside=True,
)
