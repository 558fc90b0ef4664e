"""The boundary to FreeSWITCH: the one module that imports ``freeswitch`` (mod_python3's module, FreeSWITCH 1.10).

All calls of a switch share one process.  Three things must not happen to it, and every function here says which of them it
guards against:

* **a crash**: by text that is not valid UTF-8 (see :mod:`gofaxpy.switch.clean`), or by ``setHangupHook`` (signalwire/freeswitch
  #2267; no function here sets one);
* **a standstill**: a function that waits while it holds the interpreter's lock stops the Python of every other call:
  ``Session("dialstring")``, ``API().execute("originate")``, a blocking ``EventConsumer.pop``, ``msleep``,
  ``session.answer`` and ``preAnswer`` (FreeSWITCH's switch_cpp.cpp: they lack ``begin_allow_threads``);
* **an injection**: FreeSWITCH expands the data of applications, and ``${command(arguments)}`` in it runs a command; it expands
  the value of a variable again (``switch_channel_expand_variables``).

``freeswitch`` exists only inside FreeSWITCH.  It is imported where it is used, so that code built on this module can be tested
with plain objects in its place.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable

from gofaxpy.switch.clean import incoming, one_line, outgoing
from gofaxpy.switch.eventtext import EventRecord, event_record
from gofaxpy.switch.hangup import HangupCause

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class SessionLike(Protocol):
        """The methods of mod_python3's Session that may be used."""

        def getVariable(self, name: str, /) -> str | None: ...
        def setVariable(self, name: str, value: str, /) -> None: ...
        def execute(self, app: str, data: str, /) -> None: ...
        def ready(self) -> bool: ...
        def hangup(self, cause: str, /) -> None: ...

    class ApiLike(Protocol):
        """mod_python3's API."""

        def execute(self, command: str, data: str, /) -> str | None: ...

    class StreamLike(Protocol):
        """mod_python3's Stream: where the reply of an API command goes."""

        def write(self, text: str, /) -> None: ...

    class EventLike(Protocol):
        """mod_python3's Event."""

        def serialize(self) -> str: ...

    class ConsumerLike(Protocol):
        """mod_python3's EventConsumer."""

        def bind(self, name: str, subclass: str, /) -> int: ...
        def pop(self, block: int, /) -> EventLike | None: ...


READY_AGAIN = 0.02              # seconds between the two questions of Call.ready
MAX_VALUE = 4096                # characters of a channel variable
MAX_DATA = 1024                 # characters of an application's data
MAX_REPLY = 64 << 10
MAX_LOG_LINE = 2048
MAX_API_REPLY = 1 << 20
LEVELS = frozenset(("debug", "info", "notice", "warning", "err", "crit", "alert", "console"))

# Variables whose value no far end can choose.
_HARMLESS = frozenset(("uuid",))

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,127}")
_APPLICATION = re.compile(r"[a-z][a-z0-9_]{0,39}")
_DATA = re.compile(r"(?:[A-Za-z0-9 _./:+,=@#*-]|\$\{[A-Za-z0-9_]+\})*")
_REFERENCE = re.compile(r"\$\{([A-Za-z0-9_]+)\}")
_EXPANDED = re.compile(r"\$\\*\{")       # as FreeSWITCH itself recognises one (switch_string_var_check_const)
_STATUS = re.compile(r"[3-6][0-9]{2}(?: [A-Za-z0-9 .-]{1,60})?")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

# API commands that wait, or that need the interpreter's lock, which the caller holds; and what to do instead.
_BLOCKING: dict[str, str] = {
    "originate": "use background()",
    "python": "call the function itself",
    "pyrun": "start a thread",
    "msleep": "use time.sleep",
    "system": "use subprocess",
    "fsctl": "use the event socket",
    "eval": "it runs what it expands",
    "expand": "it runs what it expands",
}


def log(level: str, text: str) -> None:
    """Writes one line into FreeSWITCH's log; an unknown level counts as info.  Guards against the crash.  As ``text`` becomes
    one line, it cannot forge others."""
    import freeswitch

    line = outgoing(one_line(text), MAX_LOG_LINE).strip()
    freeswitch.consoleLog(level if level in LEVELS else "info", f"gofax: {line}\n")


class Call:
    """A channel of FreeSWITCH.  Text from it and text to it is cleaned.

    Use it as a context manager.  A Session object holds a read lock on its session until it is freed (FreeSWITCH's
    switch_cpp.cpp).  One that lives on, in a cycle of references or the traceback of an exception, keeps its channel after the
    hang-up until Python collects it.  At the end of the block the Call gives its Session up.
    """

    def __init__(self, session: SessionLike, pause: Callable[[float], None] = time.sleep) -> None:
        """``session`` as mod_python3 gives it to ``handler``; ``pause`` waits for some seconds without the lock."""
        self._held: SessionLike | None = session
        self._pause = pause
        self._own: set[str] = set()
        self.uuid = self.get("uuid")

    def __enter__(self) -> Call:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Gives the Session up.  Every later use of this object raises ValueError."""
        self._held = None

    @property
    def _session(self) -> SessionLike:
        if self._held is None:
            raise ValueError(f"the call {self.uuid} has been let go")
        return self._held

    def get(self, name: str) -> str:
        """A channel variable, ``""`` if it is unset.  Guards against the crash: invalid UTF-8 becomes U+FFFD, control
        characters become blanks (:func:`gofaxpy.switch.clean.incoming`)."""
        return incoming(self._session.getVariable(_checked(_NAME, name, "name of a variable")))

    def set(self, name: str, value: str) -> bool:
        """Sets a channel variable; ``""`` unsets it.  True if it then has the value, else it is unset.

        Guards against the crash; and against the injection: FreeSWITCH would expand a value with ``${`` as soon as it is
        referred to.  Some versions refuse such a value in ``session.setVariable`` and some do not (1.10.12), so it is refused
        here.  FreeSWITCH refuses other values without an error; so the variable is read back.
        """
        _checked(_NAME, name, "name of a variable")
        clean = outgoing(value, MAX_VALUE)
        if len(value) > MAX_VALUE or _EXPANDED.search(clean):
            self.unset(name)
            return False
        self._own.add(name)
        self._session.setVariable(name, clean)
        if (self._session.getVariable(name) or "") == clean:
            return True
        self.unset(name)
        return False

    def unset(self, name: str) -> None:
        """Removes a channel variable."""
        self._session.setVariable(_checked(_NAME, name, "name of a variable"), "")

    def execute(self, app: str, data: str = "") -> None:
        """Runs an application of the dialplan and waits for its end; other Python runs meanwhile.

        Guards against the injection: ``data`` must come from this program and may hold letters, digits, blanks,
        ``_./:+,=@#*-`` and references like ``${gofax_document}``, to variables that :meth:`set` of this object has set
        and to ``${uuid}``: FreeSWITCH expands the value of any other variable again, and a caller may have chosen it.  Raises
        ValueError."""
        _checked(_APPLICATION, app, "name of an application")
        if len(data) > MAX_DATA or not _DATA.fullmatch(data):
            raise ValueError(f"{data[:80]!r} is not safe as data of {app}: put it into a channel variable")
        foreign = set(_REFERENCE.findall(data)) - self._own - _HARMLESS
        if foreign:
            raise ValueError(f"the data of {app} refers to {min(foreign)}, which was not set here")
        self._session.execute(app, data)

    def ready(self) -> bool:
        """Whether the call is still up.  FreeSWITCH is asked twice, :data:`READY_AGAIN` seconds apart: right after the far end
        has hung up it may answer yes once more."""
        if not self._session.ready():
            return False
        self._pause(READY_AGAIN)
        return bool(self._session.ready())

    def sleep(self, milliseconds: int) -> None:
        """Waits, at most until the far end hangs up.  Guards against the standstill."""
        if milliseconds > 0:
            self.execute("sleep", str(milliseconds))

    def respond(self, status: str | int) -> None:
        """Refuses the call with a SIP status from 300 to 699, perhaps with a phrase: ``503 Try Later``.
        Raises ValueError."""
        self.execute("respond", _checked(_STATUS, str(status), "SIP status to refuse a call with"))

    def hangup(self, cause: str = "NORMAL_CLEARING") -> None:
        """Hangs up; the handler goes on.  ``session.hangup`` gives the interpreter's lock free.  Raises ValueError for an unknown
        cause, which FreeSWITCH would take for NORMAL_CLEARING."""
        parsed = HangupCause.parse(cause)
        if parsed is HangupCause.NONE:
            raise ValueError(f"{cause[:60]!r} is no hangup cause of FreeSWITCH")
        self._session.hangup(parsed.name)


class Api:
    """API commands, run inside the switch.  Each holds the interpreter's lock until it is done."""

    def __init__(self, api: ApiLike | None = None) -> None:
        """``api`` is mod_python3's API; it is made here unless the caller gives one."""
        if api is None:
            import freeswitch

            api = freeswitch.API()
        self._api: ApiLike = api

    def command(self, name: str, args: str = "") -> str:
        """Runs one command that returns at once; its reply, ``""`` for an empty one.

        Guards against the standstill and the crash: raises ValueError for commands that wait, and for arguments that
        the switch cannot take as they are."""
        word = _checked(_APPLICATION, name.lower(), "name of an API command")
        if word in _BLOCKING:
            raise ValueError(f"{name} must not be called from inside FreeSWITCH: {_BLOCKING[word]}")
        if outgoing(args, MAX_REPLY) != args or "\n" in args:
            raise ValueError(f"arguments of {name} that FreeSWITCH cannot take: {args[:80]!a}")
        return incoming(self._api.execute(word, args), MAX_API_REPLY, multiline=True)

    def background(self, job_uuid: str, command: str) -> str:
        """Runs ``command`` in a thread of the switch and returns at once with ``+OK Job-UUID: …``; the result is a
        BACKGROUND_JOB event with this Job-UUID.

        Guards against the standstill (an originate rings for a minute) and against a crash of its own: mod_commands
        copies the UUID into a buffer for 36 characters without looking at its length.  Raises ValueError, also when
        the switch does not take the command."""
        _checked(_UUID, job_uuid, "UUID")
        reply = self.command("bgapi", f"uuid:{job_uuid} {command}")
        if not reply.startswith("+OK"):
            raise ValueError(f"FreeSWITCH does not take the command: {reply.strip()[:200] or 'no reply'}")
        return reply


class Reply:
    """The reply of a script that an API command has called."""

    def __init__(self, stream: StreamLike) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        """Adds to the reply, 64 Ki characters at a time.  Guards against the crash."""
        for start in range(0, len(text), MAX_REPLY):
            self._stream.write(outgoing(text[start:start + MAX_REPLY], MAX_REPLY))


class Events:
    """Events of the whole switch, for the one thread that reads them.

    A consumer gets **every** event of its names, for every call, each a copy with all channel variables, and keeps up to 5000
    that were not read.  So a process has one consumer, not one for each call.
    """

    def __init__(
        self, bindings: Iterable[tuple[str, str]], consumer: Callable[[str, str], ConsumerLike] | None = None
    ) -> None:
        """``bindings`` are names of events, each with the subclass of a CUSTOM event or ``""``.  Raises ValueError without any.
        ``consumer`` is mod_python3's EventConsumer, unless the caller gives another."""
        if consumer is None:
            import freeswitch

            consumer = freeswitch.EventConsumer
        pairs = list(bindings)
        if not pairs:
            raise ValueError("no events to bind to")
        self._consumer: ConsumerLike = consumer(*pairs[0])
        for name, subclass in pairs[1:]:
            if not self._consumer.bind(name, subclass):
                log("err", f"FreeSWITCH does not bind to event {name} {subclass}")

    def next(self) -> EventRecord | None:
        """The next event, or None if none is waiting; never waits itself.  Guards against the standstill (a blocking
        pop holds the lock) and against the crash."""
        while (event := self._consumer.pop(0)) is not None:
            record = event_record(event.serialize())
            if record is not None:
                return record
        return None


def _checked(form: re.Pattern[str], text: str, what: str) -> str:
    if not form.fullmatch(text):
        raise ValueError(f"{text[:80]!r} is no {what}")
    return text
