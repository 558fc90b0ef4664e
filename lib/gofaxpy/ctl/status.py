"""``gofaxctl status``: modems, calls in progress, the last faxes.

Only FreeSWITCH's process knows the pages and rates of a call.  So in a shell the command asks `python gofax status` for the
state.  If FreeSWITCH does not answer, the command shows what the spool says, and the reason.
"""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

from gofaxpy import jsontext
from gofaxpy.ctl.command import OK, PROBLEM, Command, UsageError
from gofaxpy.ctl.output import shown
from gofaxpy.ctl.trouble import Trouble

if TYPE_CHECKING:
    from typing import Any

    from gofaxpy.ctl.output import Output

LAST = 10
CLEAR = "\x1b[H\x1b[2J"


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--watch", metavar="SECONDS", type=float, nargs="?", const=2.0, default=0.0,
                        help="show it again and again, every 2 seconds unless told otherwise, until Ctrl-C")
    parser.add_argument("--last", metavar="N", type=int, default=LAST, help="how many of the last faxes (10)")


def run(arguments: argparse.Namespace, output: Output) -> int:
    """Shows the state once, or until interrupted.  Exit status 1 if FreeSWITCH or the supervisor does not run."""
    if not 0 <= arguments.last <= 100:
        raise UsageError("--last is a number from 0 to 100")
    if not arguments.watch:
        return _once(output, arguments.last)
    if output.inside:
        raise UsageError("FreeSWITCH's console cannot watch; use gofaxctl status --watch")
    if not 0.2 <= arguments.watch <= 3600:
        raise UsageError("--watch is a number of seconds from 0.2 to 3600")
    while True:
        if output.colour:
            output.write(CLEAR)
        _once(output, arguments.last)
        output.flush()
        time.sleep(arguments.watch)
        output.forget()


def _once(output: Output, last: int) -> int:
    from gofaxpy.ctl.state import gather
    from gofaxpy.setting import Setting

    state: dict[str, Any]
    if output.inside:
        state = gather(Setting.of(output.config), last, inside=True)
    else:
        try:
            state = _asked(output, last)
        except Trouble as error:
            state = gather(Setting.of(output.config), last, inside=False)
            state["switch"] = str(error)
    output.data(state)
    if not output.json:
        _show(output, state)
    return OK if state.get("supervisor") and not state.get("switch") else PROBLEM


def _asked(output: Output, last: int) -> dict[str, Any]:
    reply = output.switch.api("python", f"gofax status --json --last {last}")
    try:
        state = jsontext.parse(reply)
        if not isinstance(state, dict):
            raise ValueError
    except (ValueError, RecursionError):
        why = shown(reply.strip()[:200]) or "it does not find the script gofax.py"
        raise Trouble(f"FreeSWITCH runs, but not the fax server in it: {why}; `gofaxctl doctor` finds out why") from None
    return state


# -- for a person

def _show(output: Output, state: dict[str, Any]) -> None:
    output.line(_headline(output, state))
    for problem in state.get("problems", ()):
        output.line(output.style(shown(problem), "red"))
    modems = state.get("modems", [])
    idle = [modem for modem in modems if modem.get("status") == "Running and idle" and modem.get("locked_by") is None]
    if idle and len(idle) == len(modems):
        output.line(f"all {len(modems)} modems idle")
    else:
        output.line()
        output.table(("MODEM", "STATUS", "LOCKED BY"), [
            (modem.get("modem"), modem.get("problem") or modem.get("status"), modem.get("locked_by") or "") for modem in modems
        ])
    output.line()
    _show_calls(output, state.get("calls", []), int(state.get("at", time.time())))
    _show_last(output, state.get("last", []))


def _headline(output: Output, state: dict[str, Any]) -> str:
    if state.get("switch"):
        return output.style("; ".join(shown(line) for line in str(state["switch"]).splitlines()), "red", "bold")
    if not state.get("supervisor"):
        return output.style("the supervisor does not run: HylaFAX sees no modems; `gofaxctl doctor` knows more", "red", "bold")
    return output.style(f"gofax {shown(state.get('version', ''))} is running", "green")


def _show_calls(output: Output, calls: list[dict[str, Any]], now: int) -> None:
    if not calls:
        output.line("no calls in progress")
        return
    output.table(("CALL", "JOB", "COMMID", "NUMBER", "STATION", "MODEM", "STEP", "PAGES", "RATE", "SECONDS"), [
        (
            *(call.get(key) for key in ("direction", "job", "commid", "number", "station", "modem", "step")),
            _of(call), call.get("rate") or "", max(0, now - int(call.get("since") or now)),
        )
        for call in calls
    ], right=(7, 8, 9))


def _of(call: dict[str, Any]) -> str:
    if call.get("pages") is None:
        return ""
    return f"{call['pages']}/{call['pages_due']}" if call.get("pages_due") else f"{call['pages']}"


def _show_last(output: Output, last: list[dict[str, Any]]) -> None:
    if not last:
        return
    output.line()
    output.table(("LAST FAXES", "", "COMMID", "JOB OR FILE", "NUMBER", "STATION", "PAGES", "SECONDS", "RESULT"), [
        (
            time.strftime("%Y-%m-%d %H:%M", time.localtime(fax.get("at") or 0)),
            *(fax.get(key) for key in ("direction", "commid", "job", "number", "station", "pages", "seconds")),
            fax.get("reason") or "ok",
        )
        for fax in last
    ], right=(6, 7))


COMMAND = Command(
    "status",
    "modems, calls in progress, last faxes",
    "Shows the virtual modems, the calls in progress with page and rate, and the last faxes with how they ended.\n"
    "STEP is how far a call has come: opened, launched, connected, fax over; accepted, receiving, received …",
    run,
    _arguments,
    "gofaxctl status\ngofaxctl status --watch        # every 2 seconds, until Ctrl-C\n"
    "gofaxctl status --json | jq '.calls[] | {number, pages, rate}'\nfs_cli -x 'python gofax status'",
    inside=True,
)
