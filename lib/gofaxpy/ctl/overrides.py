"""``gofaxctl overrides``: channel variables that FreeSWITCH's mod_db has for one destination.

The entries are those of ``db insert/override-NUMBER/VARIABLE/VALUE``.  Other than ``db insert``, this command refuses a
variable that could not be used when a call is placed.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from gofaxpy.ctl.command import OK, PROBLEM, Command, UsageError
from gofaxpy.ctl.output import shown
from gofaxpy.ctl.trouble import Trouble

if TYPE_CHECKING:
    from gofaxpy.ctl.output import Output
    from gofaxpy.switch.db import Db


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=("list", "set", "del"), nargs="?", default="list")
    parser.add_argument("number", nargs="?", default="", help="the destination as it is dialled, without prefix or with it")
    parser.add_argument("variable", nargs="?", default="", help="a channel variable, such as fax_enable_t38")
    parser.add_argument("value", nargs="*", help="its value")


def run(arguments: argparse.Namespace, output: Output) -> int:
    """Lists, sets or deletes."""
    from gofaxpy.switch.db import Db, DbError
    from gofaxpy.switch.dialstring import DialstringError, destination

    number, variable, value = arguments.number, arguments.variable, " ".join(arguments.value)
    try:
        number = destination(number) if number else ""
    except DialstringError as error:
        raise UsageError(str(error)) from None
    db = Db(output.switch.api)
    try:
        if arguments.action == "list":
            if variable:
                raise UsageError("overrides list takes a number at most")
            return _list(output, db, number)
        if not number:
            raise UsageError(f"overrides {arguments.action} needs a number")
        if arguments.action == "set":
            if not variable or not value:
                raise UsageError("overrides set needs a number, a variable and a value")
            return _set(output, db, number, variable, value)
        if value:
            raise UsageError("overrides del takes a number and a variable at most")
        return _delete(output, db, number, variable)
    except DbError as error:
        raise Trouble(str(error)) from None


def _list(output: Output, db: Db, number: str) -> int:
    from gofaxpy.stations.overrides import OVERRIDE

    numbers = [number] if number else sorted(
        realm.removeprefix(OVERRIDE) for realm in db.realms() if realm.startswith(OVERRIDE)
    )
    found = []
    for one in numbers:
        for name in sorted(db.keys(OVERRIDE + one)):
            found.append({"number": one, "variable": name, **_entry(db, OVERRIDE + one, name)})
    output.data(found)
    if found:
        output.table(("NUMBER", "VARIABLE", "VALUE", ""), [
            (row["number"], row["variable"], row["value"], f"left out: {row['problem']}" if row["problem"] else "")
            for row in found
        ])
    else:
        output.line(f"no overrides{' for ' + number if number else ''}")
    return PROBLEM if number and not found else OK


def _entry(db: Db, realm: str, name: str) -> dict[str, str]:
    """The stored value, and why it is left out of calls, if it is.  `db insert` accepts names that `db select` cannot read."""
    from gofaxpy.stations.overrides import problem_of
    from gofaxpy.switch.db import DbError

    try:
        value = db.select(realm, name)
    except DbError as error:
        return {"value": "", "problem": str(error)}
    return {"value": value, "problem": problem_of(name, value)}


def _set(output: Output, db: Db, number: str, variable: str, value: str) -> int:
    from gofaxpy.stations.overrides import OVERRIDE, problem_of

    problem = problem_of(variable, value)
    if problem:
        raise Trouble(f"{shown(variable)} cannot be overridden: {problem}")
    db.insert(OVERRIDE + number, variable, value)
    if db.select(OVERRIDE + number, variable) != value:
        raise Trouble(f"mod_db has not kept {variable} for {number}: see FreeSWITCH's log")
    output.data({"number": number, "variable": variable, "value": value})
    output.line(f"+OK {shown(variable)}={shown(value)} from the next call to {number} on")
    return OK


def _delete(output: Output, db: Db, number: str, variable: str) -> int:
    from gofaxpy.stations.overrides import OVERRIDE

    there = db.keys(OVERRIDE + number)
    gone = [name for name in there if not variable or name == variable]
    if not gone:
        raise Trouble(f"there is no override{' ' + shown(variable) if variable else ''} for {number}")
    for name in gone:
        db.delete(OVERRIDE + number, name)
    output.data({"number": number, "deleted": gone})
    output.line(f"+OK {', '.join(shown(name) for name in gone)} deleted for {number}")
    return OK


COMMAND = Command(
    "overrides",
    "channel variables for single destinations",
    "Lists, sets or deletes variables that are set on every call to one destination, and beat the configuration,\n"
    "the softmodem fallback and the ladder.  They are kept in FreeSWITCH's mod_db and survive restarts.\n\n"
    "Variables of use: fax_enable_t38, fax_enable_t38_request, fax_use_ecm, fax_disable_v17 (true or false).",
    run,
    _arguments,
    "gofaxctl overrides                                      # all of them\n"
    "gofaxctl overrides set 012345 fax_enable_t38 false      # audio only for 012345\n"
    "gofaxctl overrides del 012345 fax_enable_t38            # that one; without a variable all of the number\n"
    "fs_cli -x 'python gofax overrides set 012345 fax_enable_t38 false'",
    inside=True,
)
