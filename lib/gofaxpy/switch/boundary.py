"""The boundary to FreeSWITCH: the one module that imports ``freeswitch`` (mod_python3's module, FreeSWITCH 1.10).

Three things must not happen to a process that all calls of a switch share, and every function here says which of them
it guards against:

* **a crash**: text that is not valid UTF-8 handed to the switch (see :mod:`gofaxpy.switch.clean`), ``setHangupHook``
  (signalwire/freeswitch #2267: so there is nothing here that would set one);
* **a standstill**: calls that wait while they hold the interpreter's lock stop every other call's Python, too:
  ``Session("dialstring")``, ``API().execute("originate")``, a blocking ``EventConsumer.pop``, ``msleep``,
  ``session.answer`` and ``preAnswer`` (FreeSWITCH's switch_cpp.cpp: they lack ``begin_allow_threads``);
* **an injection**: the data of applications is expanded, and ``${command(arguments)}`` in it runs a command; what a
  variable expands to is expanded again (``switch_channel_expand_variables``).

``freeswitch`` exists only inside FreeSWITCH.  It is imported where it is used, so that what is built on this module can
be tried with plain objects in its place.
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

# Variables whose value nobody outside can choose.
_HARMLESS = frozenset(("uuid",))

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,127}")
_APPLICATION = re.compile(r"[a-z][a-z0-9_]{0,39}")
_DATA = re.compile(r"(?:[A-Za-z0-9 _./:+,=@#*-]|\$\{[A-Za-z0-9_]+\})*")
_REFERENCE = re.compile(r"\$\{([A-Za-z0-9_]+)\}")
_EXPANDED = re.compile(r"\$\\*\{")       # as FreeSWITCH itself recognises one (switch_string_var_check_const)
_STATUS = re.compile(r"[3-6][0-9]{2}(?: [A-Za-z0-9 .-]{1,60})?")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

# API commands that wait, or that need the interpreter's lock the caller holds, and what to do instead.
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
    """One line into FreeSWITCH's log; an unknown level counts as info.  Guards against the crash and, by making it one
    line, against forged log lines."""
    import freeswitch

    line = outgoing(one_line(text), MAX_LOG_LINE).strip()
    freeswitch.consoleLog(level if level in LEVELS else "info", f"gofax: {line}\n")


class Call:
    """A channel of the switch.  Text that comes from it is clean, text that goes to it is made so.

    A context manager, and to be used as one: a Session object that lives on, in a cycle of references or the traceback
    of an exception, keeps its channel after the hang-up for as long as Python likes (it holds a read lock on the
    session until it is freed; FreeSWITCH's switch_cpp.cpp).  At the end of the block the Call lets go of it.
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
        """Lets go of the channel.  Whatever is asked of this object afterwards raises ValueError."""
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

        Guards against the crash; and against the injection: a value with ``${`` would be expanded as soon as it is
        referred to.  Whether ``session.setVariable`` takes one differs (FreeSWITCH 1.10.12 does), so it is refused
        here, and what else the switch refuses without a word shows when the variable is read back.
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
        and to ``${uuid}``: the value of any other is expanded again, and may be what a caller wants to be run.
        Raises ValueError."""
        _checked(_APPLICATION, app, "name of an application")
        if len(data) > MAX_DATA or not _DATA.fullmatch(data):
            raise ValueError(f"{data[:80]!r} is not safe as data of {app}: put it into a channel variable")
        foreign = set(_REFERENCE.findall(data)) - self._own - _HARMLESS
        if foreign:
            raise ValueError(f"the data of {app} refers to {min(foreign)}, which was not set here")
        self._session.execute(app, data)

    def ready(self) -> bool:
        """Is the call still up?  Asked twice with a moment in between: right after a hang-up by somebody else the
        switch has been seen to say yes once more."""
        if not self._session.ready():
            return False
        self._pause(READY_AGAIN)
        return bool(self._session.ready())

    def sleep(self, milliseconds: int) -> None:
        """Waits; ends early when the caller hangs up.  Guards against the standstill."""
        if milliseconds > 0:
            self.execute("sleep", str(milliseconds))

    def respond(self, status: str | int) -> None:
        """Refuses the call with a SIP status from 300 to 699, perhaps with a phrase: ``503 Try Later``.
        Raises ValueError."""
        self.execute("respond", _checked(_STATUS, str(status), "SIP status to refuse a call with"))

    def hangup(self, cause: str = "NORMAL_CLEARING") -> None:
        """Hangs up; the handler goes on.  ``session.hangup`` gives the lock free.  Raises ValueError for a cause that
        FreeSWITCH does not know and would take for NORMAL_CLEARING."""
        parsed = HangupCause.parse(cause)
        if parsed is HangupCause.NONE:
            raise ValueError(f"{cause[:60]!r} is no hangup cause of FreeSWITCH")
        self._session.hangup(parsed.name)


class Api:
    """API commands, given inside the switch.  They hold the interpreter's lock until they are done."""

    def __init__(self, api: ApiLike | None = None) -> None:
        """``api``: mod_python3's API, made here unless it is given."""
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
    """Where the reply of a script called by an API command goes."""

    def __init__(self, stream: StreamLike) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        """Adds to the reply, 64 Ki characters at a time.  Guards against the crash."""
        for start in range(0, len(text), MAX_REPLY):
            self._stream.write(outgoing(text[start:start + MAX_REPLY], MAX_REPLY))


class Events:
    """Events of the whole switch, for the one thread that takes them in.

    A consumer gets **every** event of its names, of every call, each a copy with all channel variables, and keeps
    5000 of them if nobody takes them: one for the process, not one for each call.
    """

    def __init__(
        self, bindings: Iterable[tuple[str, str]], consumer: Callable[[str, str], ConsumerLike] | None = None
    ) -> None:
        """``bindings``: names of events, and the subclass of CUSTOM ones or ``""``.  Raises ValueError without any.
        ``consumer``: mod_python3's EventConsumer unless it is given."""
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
