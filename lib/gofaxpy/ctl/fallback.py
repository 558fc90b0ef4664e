"""``gofaxctl fallback``: the stations that get no T.38 (softmodem fallback), and the rungs of the ladder."""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

from gofaxpy.ctl.command import OK, PROBLEM, Command, UsageError
from gofaxpy.ctl.trouble import Trouble

if TYPE_CHECKING:
    from gofaxpy.ctl.output import Output
    from gofaxpy.switch.db import Db


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=("list", "clear", "expire"), nargs="?", default="list")
    parser.add_argument("what", nargs="?", default="", metavar="NUMBER|DAYS",
                        help="clear: a number, or `all`; expire: entries older than so many days go")


def run(arguments: argparse.Namespace, output: Output) -> int:
    """Lists, or deletes the entries of a number, of all, or old ones."""
    from gofaxpy.switch.db import Db, DbError

    try:
        return _run(arguments.action, arguments.what, output, Db(output.switch.api))
    except DbError as error:
        raise Trouble(str(error)) from None


def _run(action: str, what: str, output: Output, db: Db) -> int:
    from gofaxpy.inbound.recipient import caller_of
    from gofaxpy.stations.ladder import DAY

    found = _entries(db)
    names = (what, caller_of(what))     # the fax server makes entries without separators; one made by hand may have some
    if action == "list":
        if what:
            found = [row for row in found if row["number"] in names]
        return _show(output, found, what)
    if not what:
        raise UsageError(f"fallback {action} needs a number{', or `all`' if action == 'clear' else ' of days'}")
    if action == "clear":
        gone = [row for row in found if what == "all" or row["number"] in names]
        if not gone and what != "all":
            raise Trouble(f"there is no entry for {what}")
    else:
        if not (what.isascii() and what.isdigit() and len(what) <= 5):
            raise UsageError(f"{what!r} is no number of days")
        before = time.time() - int(what) * DAY
        # an entry without a time was made by hand (`db insert`): only `clear` removes it
        gone = [row for row in found if row["since"] and int(str(row["since"])) < before]
    for row in gone:
        db.delete(str(row["realm"]), str(row["number"]))
    output.data({"deleted": gone})
    output.line(f"+OK {len(gone)} deleted: {', '.join(str(row['number']) for row in gone)}" if gone else "+OK nothing to delete")
    return OK


def _entries(db: Db) -> list[dict[str, object]]:
    """The entries of both lists; ``since`` is seconds since the epoch, 0 where the entry has no time."""
    from gofaxpy.stations import fallback, ladder

    found: list[dict[str, object]] = []
    for number in sorted(db.keys(fallback.REALM)):
        found.append(_entry(fallback.REALM, number, "no T.38 (softmodem fallback)", _value(db, fallback.REALM, number)))
    for number in sorted(db.keys(ladder.REALM)):
        rung, _, at = _value(db, ladder.REALM, number).partition(" ")
        if rung.isascii() and rung.isdigit() and len(rung) < 3 and int(rung) < len(ladder.RUNGS):
            found.append(_entry(ladder.REALM, number, f"ladder, rung {rung}: {ladder.RUNGS[int(rung)][0]}", at))
    return found


def _value(db: Db, realm: str, number: str) -> str:
    """The value; ``""`` for a key that `db insert` accepts and `db select` cannot name."""
    from gofaxpy.switch.db import DbError

    try:
        return db.select(realm, number)
    except DbError:
        return ""


def _entry(realm: str, number: str, what: str, at: str) -> dict[str, object]:
    since = int(at) if at.isascii() and at.isdigit() and len(at) <= 11 else 0
    return {"number": number, "what": what, "since": since, "realm": realm}


def _show(output: Output, found: list[dict[str, object]], number: str) -> int:
    output.data([{**row, "since": _when(row, "%Y-%m-%dT%H:%M:%S%z")} for row in found])
    if found:
        output.table(("NUMBER", "SINCE", "WHAT"), [(row["number"], _when(row, "%Y-%m-%d %H:%M"), row["what"]) for row in found])
    else:
        output.line(f"no entries{' for ' + number if number else ''}")
    return PROBLEM if number and not found else OK


def _when(row: dict[str, object], form: str) -> str:
    since = int(str(row["since"]))
    return time.strftime(form, time.localtime(since)) if since else ""


COMMAND = Command(
    "fallback",
    "stations that get no T.38, and rungs of the ladder",
    "Lists the stations on the softmodem fallback list, whose faxes go without T.38, and the destinations that stand\n"
    "on a rung of the ladder (outbound.ladder); clears single entries, or those that are old.",
    run,
    _arguments,
    "gofaxctl fallback\n"
    "gofaxctl fallback clear 012345      # `all` clears every entry\n"
    "gofaxctl fallback expire 90         # what is older than 90 days\n"
    "fs_cli -x 'python gofax fallback clear 012345'",
    inside=True,
)
