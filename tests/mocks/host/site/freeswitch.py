"""The module `freeswitch` as scripts of mod_python3 know it, talking to the stand-in switch.

Names, arguments and results are those of `src/mod/languages/mod_python3/freeswitch.py` of FreeSWITCH 1.10.12.
"""

from __future__ import annotations

import time

from mocks.host.events import LOG_DEBUG, Event, EventConsumer, Stream, log
from mocks.host.link import ask, ask_holding
from mocks.host.session import S_HUP, CoreSession, Session
from mocks.host.swig import CONST_CHAR, char_ptr, integer

__all__ = [
    "API", "S_HUP", "CoreSession", "Event", "EventConsumer", "Session", "Stream", "consoleCleanLog", "consoleLog",
    "console_clean_log", "console_log", "getGlobalVariable", "msleep", "running", "setGlobalVariable",
]  # fmt: skip

for _class in (CoreSession, Event, EventConsumer, Session, Stream):
    _class.__module__ = __name__


class API:
    """Commands of the switch. Every one keeps the interpreter lock until it is done."""

    def __init__(self, s: Session | None = None) -> None:
        if s is not None and not isinstance(s, CoreSession):
            raise TypeError("in method 'new_API', argument 1 of type 'CoreSession *'")

    def execute(self, command: str | None, data: str | None = None) -> str:
        """Run one command with its arguments; its reply."""
        name = char_ptr(command, "API_execute", 2, CONST_CHAR)
        args = char_ptr(data, "API_execute", 3, CONST_CHAR)
        if not name:
            log("err", "No application specified")
            return "-ERR No application specified"
        return str(ask_holding(f"API.execute({name})", "api", name, args or ""))

    def executeString(self, command: str | None) -> str:
        """Run one command given with its arguments as one text; its reply."""
        text = char_ptr(command, "API_executeString", 2, CONST_CHAR)
        if not text:
            return self.execute(None)
        name, _blank, args = text.partition(" ")
        return self.execute(name, args)

    def getTime(self) -> str:
        """Milliseconds since 1970 as text."""
        return str(time.time_ns() // 1_000_000)


def consoleLog(level_str: str | None, msg: str | None) -> None:
    """A line in the switch's log; level: console, alert, crit, err, warning, notice, info, debug (or its number)."""
    level = char_ptr(level_str, "consoleLog", 1)
    text = char_ptr(msg, "consoleLog", 2)
    log(level, text or "")


def consoleCleanLog(msg: str | None) -> None:
    """A line in the log without time and level."""
    log(LOG_DEBUG, char_ptr(msg, "consoleCleanLog", 1) or "")


console_log = consoleLog
console_clean_log = consoleCleanLog


def msleep(ms: int) -> None:
    """Wait `ms` milliseconds with the interpreter lock held: all Python in the switch waits too."""
    ask_holding("freeswitch.msleep", "msleep", integer(ms, "msleep", 1, "unsigned int"))


def setGlobalVariable(var_name: str | None, var_val: str | None) -> None:
    """Set a variable of the switch; None and the empty text remove it."""
    name = char_ptr(var_name, "setGlobalVariable", 1)
    value = char_ptr(var_val, "setGlobalVariable", 2)
    if name:
        ask("api", "global_setvar", f"{name}={value or ''}")


def getGlobalVariable(var_name: str | None) -> str | None:
    """A variable of the switch, None if it is not set."""
    name = char_ptr(var_name, "getGlobalVariable", 1)
    return (ask("api", "global_getvar", name) or None) if name else None


def running() -> bool:
    """Is the switch running?"""
    return True
