"""The class `freeswitch.Session`: a call as a script sees it.

Source: `CoreSession` in FreeSWITCH `src/switch_cpp.cpp` and `Session` in `mod_python3/freeswitch_python.cpp`. Which
methods release the interpreter lock is theirs: those that work between `begin_allow_threads` and `end_allow_threads`.
"""

from __future__ import annotations

from typing import Any

from mocks.host.events import log
from mocks.host.link import ask, ask_holding, crash, drop
from mocks.host.swig import CONST_CHAR, boolean, char_ptr, integer, no_such_constructor

LOG_ERROR = 3

S_HUP = 1

#: Methods of the real class that nothing in a fax server needs.
_ABSENT = frozenset(
    """
    _print collectDigits detectSpeech getDigits getPrivate getXMLCDR insertFile originate playAndDetectSpeech
    playAndGetDigits read recordFile run_dtmf_callback say sayPhrase sendEvent setDTMFCallback setEventData
    setInputCallback setPrivate set_tts_params set_tts_parms speak unsetInputCallback waitForAnswer
    """.split()
)


class CoreSession:
    """What all sessions can do. Not to be constructed."""

    def __init__(self, *_args: object) -> None:
        raise AttributeError("No constructor defined - class is abstract")

    def __getattr__(self, name: str) -> Any:
        if name in _ABSENT:
            raise NotImplementedError(f"the stand-in switch has no session.{name}")
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")


class Session(CoreSession):
    """A call. Objects handed to a script belong to the call; `Session(UUID)` finds one, `Session(DIALSTRING)` dials."""

    uuid: str | None
    allocated: int
    flags: int
    _cause: str

    def __init__(self, *args: object) -> None:
        self._unset()
        if len(args) > 2:
            raise no_such_constructor("Session", ("PYTHON::Session::Session()", "PYTHON::Session::Session(char *)"))
        if args:
            self._find_or_dial(char_ptr(args[0], "new_Session", 1))

    @classmethod
    def of_call(cls, uuid: str) -> Session:
        """The session of the call that a script runs in; the switch holds its channel already."""
        session = cls()
        session.uuid, session.allocated = uuid, 1
        return session

    def _find_or_dial(self, target: str | None) -> None:
        if target is None:
            return  # the overload that wraps a session of the switch takes the NULL: an object without a call
        if "/" not in target and ask("attach", target):
            self.uuid, self.allocated = target, 1
            return
        self.uuid, self._cause = ask_holding("freeswitch.Session(dialstring)", "originate", target)
        if self.uuid is not None:
            self.allocated, self.flags = 1, S_HUP

    def _unset(self) -> None:
        self.uuid, self.allocated, self.flags, self._cause = None, 0, 0, "NONE"

    def _sane(self) -> bool:
        if self.allocated:
            return True
        log(LOG_ERROR, "session is not initalized")
        return False

    def __del__(self) -> None:
        # A constructor that raised leaves an object without attributes.
        if self.__dict__.get("allocated"):
            drop("session", self.uuid, bool(self.flags & S_HUP))

    def destroy(self) -> None:
        """Let go of the call; it is hung up if this object dialled it or was told to by `setAutoHangup`."""
        if self.allocated:
            uuid, hang_up = self.uuid, bool(self.flags & S_HUP)
            self._unset()
            drop("session", uuid, hang_up)

    # Variables

    def getVariable(self, var: str | None) -> str | None:
        """The variable's value, None if it is not set; bytes that are not UTF-8 arrive as lone surrogates."""
        name = char_ptr(var, "CoreSession_getVariable", 2)
        if not self._sane():
            return ""
        value: str | None = ask("get", self.uuid, name) if name else None
        return value

    def setVariable(self, var: str | None, val: str | None) -> None:
        """Set a variable; None and the empty text remove it."""
        name = char_ptr(var, "CoreSession_setVariable", 2)
        value = char_ptr(val, "CoreSession_setVariable", 3)
        if self._sane() and name:
            ask("set", self.uuid, name, value or None)

    # Calls that release the lock

    def execute(self, app: str | None, data: str | None = None) -> None:
        """Run a dialplan application; its data is expanded (`${…}`)."""
        name = char_ptr(app, "CoreSession_execute", 2, CONST_CHAR)
        text = char_ptr(data, "CoreSession_execute", 3, CONST_CHAR)
        if not self._sane():
            return
        if not name:
            log(LOG_ERROR, "No application specified")
            return
        ask("execute", self.uuid, name, text or "")

    def sleep(self, ms: int, sync: int = 0) -> int:
        """Wait `ms` milliseconds of the call, or until it ends; 1."""
        milliseconds = integer(ms, "CoreSession_sleep", 2)
        integer(sync, "CoreSession_sleep", 3)
        return int(ask("sleep", self.uuid, milliseconds)) if self._sane() else -1

    def streamFile(self, file: str, starting_sample_count: int = 0) -> int:
        """Play a file into the call; 1, or 0 if the call ended."""
        path = char_ptr(file, "CoreSession_streamFile", 2)
        integer(starting_sample_count, "CoreSession_streamFile", 3)
        return int(ask("play", self.uuid, path or "")) if self._sane() else -1

    def transfer(self, extension: str, dialplan: str | None = None, context: str | None = None) -> int:
        """Send the call through the dialplan again once the script has returned; 1, or 0 if it has ended."""
        parts = [
            char_ptr(part, "CoreSession_transfer", position)
            for position, part in enumerate((extension, dialplan, context), 2)
        ]
        return int(ask("transfer", self.uuid, " ".join(part for part in parts if part))) if self._sane() else -1

    def hangup(self, cause: str | None = "normal_clearing") -> None:
        """Hang up with that cause. The script goes on."""
        name = char_ptr(cause, "CoreSession_hangup", 2, CONST_CHAR)
        if self._sane():
            ask("hangup", self.uuid, (name or "normal_clearing").upper())

    def hangupState(self) -> None:
        """Run the hang-up state handlers of a call that has ended: in the stand-in the call does so by itself."""
        self._sane()

    # Calls that keep the lock

    def answer(self) -> int:
        """Answer the call; 1 if it is answered."""
        return int(ask_holding("session.answer", "answer", self.uuid)) if self._sane() else -1

    def preAnswer(self) -> int:
        """Open the media path without answering; 1 if it is open."""
        return int(ask_holding("session.preAnswer", "pre_answer", self.uuid)) if self._sane() else -1

    # States

    def ready(self) -> bool:
        """Is the call there and not hung up?"""
        return self._sane() and bool(ask("ready", self.uuid))

    def answered(self) -> bool:
        """Was the call ever answered?"""
        return self._sane() and bool(ask("answered", self.uuid))

    def mediaReady(self) -> bool:
        """Is there media on the call?"""
        return self._sane() and bool(ask("media_ready", self.uuid))

    def bridged(self) -> bool:
        """Is the call connected to another? Never in the stand-in."""
        self._sane()
        return False

    def getState(self) -> str:
        """`CS_EXECUTE`, `CS_HANGUP` …; `ERROR` without a call."""
        return str(ask("state", self.uuid)) if self.allocated else "ERROR"

    def hangupCause(self) -> str:
        """The cause an originate of this object ended with: `NONE` for every other session, whatever happened to it."""
        return self._cause

    def get_uuid(self) -> str:
        """The call's uuid."""
        return self.uuid or "uninitialized"

    # The rest

    def setAutoHangup(self, val: bool) -> int:
        """Hang up when this object goes away; 0."""
        wanted = boolean(val, "CoreSession_setAutoHangup", 2)
        if not self._sane():
            return -1
        self.flags = self.flags | S_HUP if wanted else self.flags & ~S_HUP
        return 0

    def setHangupHook(self, pyfunc: object, arg: object = None) -> None:
        """Crashes the real switch around the fifteenth call (signalwire/freeswitch issue 2267), so here at once."""
        crash(
            "session.setHangupHook",
            "the hook runs in a thread that does not hold the interpreter lock (signalwire/freeswitch issue 2267): the "
            "real switch crashes around the fifteenth call. Ask session.ready() after each execute instead",
        )

    def flushEvents(self) -> int:
        """Forget events queued for the session: there never are any."""
        return 0 if self._sane() else -1

    def flushDigits(self) -> int:
        """Forget dialled digits: there never are any."""
        return 0 if self._sane() else -1

    def begin_allow_threads(self) -> bool:
        """Hands the lock away in the real class; nothing a script may do."""
        crash("session.begin_allow_threads", "the script goes on without the interpreter lock: undefined behaviour")

    def consoleLog(self, level_str: str | None, msg: str | None) -> None:
        """A line in the switch's log; `level_str` as for `freeswitch.consoleLog`."""
        level = char_ptr(level_str, "CoreSession_consoleLog", 2)
        text = char_ptr(msg, "CoreSession_consoleLog", 3)
        log(level, text or "")
