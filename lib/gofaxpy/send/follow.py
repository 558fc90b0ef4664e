"""Follows one call of ours in FreeSWITCH from the launch to its end.

What the event socket tells is believed while it lasts, but a lost connection says nothing about the call: it goes on.
So the follower connects again, asks whether the call still exists, and where the switch can say no more, the journal
has the result that the handler inside FreeSWITCH has noted before hanging up.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from enum import Enum

from gofaxpy.config.keys import Outbound
from gofaxpy.journal import Entry, JournalError, Step
from gofaxpy.outcome import Stage
from gofaxpy.send.abort import NO_WAKE, wake_of
from gofaxpy.send.lostcall import Fate, fate_of, handler_is_gone
from gofaxpy.switch.client import Client, EventSocketError
from gofaxpy.switch.esl import EventFrame
from gofaxpy.switch.faxresult import FaxResult
from gofaxpy.switch.hangup import CallEnd
from gofaxpy.values import define, frozen

TICK = 0.2                  # seconds between attempts to connect again
LOOK = 0.5                  # seconds between looks while something is overdue, or the abort flag has nothing to wake by
SECONDS_AFTER_FAX = 5.0     # a call whose fax is over is hung up after this (T.38 stalls: signalwire/freeswitch #3044)
SECONDS_AFTER_REPLY = 0.5   # CHANNEL_HANGUP_COMPLETE comes within 20 ms of a failed originate's reply, before or after it
SECONDS_AFTER_RING = 15.0   # the switch bounds the ringing itself; this much later something is wrong
SECONDS_TO_RECONNECT = 60.0         # for a fax under way
SECONDS_TO_RECONNECT_DIALLED = 15.0 # for a call that is not answered yet: it can be withdrawn
# How long the handler of a call that is gone may take to note the result, by whether it holds the entry (Entry.in_work).
SECONDS_FOR_THE_NOTE = {True: 60.0, None: 5.0, False: 0.0}
SECONDS_AFTER_KILL = 10.0   # a call that FreeSWITCH does not know any more has told of its end within this
SECONDS_OF_SILENCE = 40.0   # FreeSWITCH may lose events (full queues): after so long without one the journal is asked
SECONDS_TO_APPEAR = 3.0     # a call whose order was cut off may take this long to exist, if it was taken at all
EVENTS = ("CHANNEL_PROGRESS", "CHANNEL_PROGRESS_MEDIA", "CHANNEL_ANSWER", "CHANNEL_HANGUP_COMPLETE", "BACKGROUND_JOB")
SUBCLASSES = ("spandsp::txfaxnegociateresult", "spandsp::txfaxpageresult", "spandsp::txfaxresult")


class Progress(Enum):
    """What a listener is told while a call goes on, with the event's headers."""

    RINGING = "ringing"
    CONNECTED = "connected"
    NEGOTIATED = "negotiated"
    PAGE = "page"
    OVER = "over"
    ABORTED = "aborted"


@frozen
class CallIds:
    """The ids of one call, chosen before it is placed so that none of its events is missed."""

    uuid: str
    job_uuid: str
    gateway: str

    def facts(self) -> dict[str, str]:
        """As they stand in the journal."""
        return {"uuid": self.uuid, "job_uuid": self.job_uuid, "gateway": self.gateway}

    @classmethod
    def from_facts(cls, facts: Mapping[str, object]) -> CallIds:
        """From the journal."""
        return cls(*(str(facts.get(name, "")) for name in ("uuid", "job_uuid", "gateway")))


@define
class Trace:
    """What became of the call.  ``connected_at`` is the monotonic clock's, 0 where it did not get that far."""

    stage: Stage = Stage.DIALLED
    connected_at: float = 0.0
    fax: FaxResult | None = None
    end: CallEnd | None = None
    aborted: bool = False
    reason: str = ""
    withdrawn: bool = False     # lost from sight, but certain to send nothing
    refused: bool = False       # FreeSWITCH has called nobody, for a reason of its own: another one may


def exists(client: Client, uuid: str) -> bool:
    """Whether FreeSWITCH knows the call.  Raises EventSocketError, also where it does not say."""
    answer = client.api("uuid_exists", uuid).strip()
    if answer not in ("true", "false"):
        said = " ".join(answer.split())[:80] or "nothing"
        raise EventSocketError(f"FreeSWITCH does not say whether a call goes on (uuid_exists: {said}), see its log")
    return answer == "true"


class Follower:
    """Watches one call and keeps its limits.  ``listener`` hears of progress; ``aborted`` is asked when it wakes, and at every
    look."""

    def __init__(
        self, client: Client | None, reconnect: Callable[[], Client], ids: CallIds, limits: Outbound, entry: Entry,
        listener: Callable[[Progress, Mapping[str, str]], None], aborted: Callable[[], bool],
    ) -> None:
        self._client = client
        self._reconnect = reconnect
        self._ids = ids
        self._limits = limits
        self._entry = entry
        self._listener = listener
        self._aborted = aborted
        self._wake = wake_of(aborted)
        self._trace = Trace()
        self._began = time.monotonic()
        self._progress_at = self._heard_at = self._looked_at = self._began
        self._fax_over_at = 0.0
        self._reply_at = 0.0
        self._reply: CallEnd | None = None
        self._progressed = False    # the far end has been heard of
        self._lost_at = self._began
        self._unknown_since = 0.0   # there is no such call to be ended, and nobody has told of its end
        self._noted = False         # the journal has the result
        self._gone = False          # FreeSWITCH was asked, and knows no such call any more
        self._look_into_journal()

    @property
    def client(self) -> Client | None:
        """The connection in use at the end, which may be another one than at the beginning; None if it is lost."""
        return self._client

    def follow(self) -> Trace:
        """Until the call is over or can no longer be seen (then the stage is UNKNOWN)."""
        while not self._ended():
            if self._client is None:
                self._look_again()
                continue
            try:
                if self._is_looked_for():       # also where each connection breaks at once
                    self._watch_limits()
                    continue
                event = self._client.events(*self._until())
                if event is not None:
                    self._take(event)
                if event is None or self._is_looked_for():
                    self._watch_limits()
            except EventSocketError:
                self._disconnect()
                self._lost_at = time.monotonic()
        self._look_into_journal()
        if self._trace.stage is Stage.DIALLED and self._trace.end is not None and not self._progressed:
            self._see_whether_made(self._trace.end)
        return self._trace

    def _see_whether_made(self, end: CallEnd) -> None:
        """A call that FreeSWITCH could not make says nothing about who was to be called."""
        why = end.not_made()
        if why:
            self._trace.stage, self._trace.refused = Stage.NOT_DIALLED, True
            self._trace.reason = self._trace.reason or f"FreeSWITCH {why}"

    def _look_into_journal(self) -> None:
        """What the handler inside FreeSWITCH has noted counts where an event was missed: it notes before it hangs up."""
        for mark in self._entry.marks():
            if mark.facts.get("uuid") != self._ids.uuid:
                continue
            if mark.step is Step.CONNECTED and self._trace.stage is Stage.DIALLED:
                self._trace.stage = Stage.CONNECTED
                # by the other clock, which may have been set since; it was after the beginning, and is over
                now = time.monotonic()
                self._trace.connected_at = min(max(now - (time.time() - mark.at), self._began), now)
            elif mark.step is Step.FAX_OVER:
                self._noted = True
                self._trace.stage = Stage.CONNECTED     # whatever was lost from sight: this is its end
                self._trace.fax = self._trace.fax or FaxResult.from_facts(mark.facts.get("fax"))
                self._trace.reason = self._trace.reason or str(mark.facts.get("problem", ""))

    # -- events

    def _take(self, event: EventFrame) -> None:
        self._heard_at = time.monotonic()
        headers = event.headers
        if event.name == "BACKGROUND_JOB":
            if headers.get("Job-UUID") == self._ids.job_uuid and event.body.startswith("-ERR"):
                self._reply = CallEnd.from_reply(event.body)
                self._reply_at = time.monotonic()
            return
        if headers.get("Unique-ID") != self._ids.uuid:
            return
        if event.name in ("CHANNEL_PROGRESS", "CHANNEL_PROGRESS_MEDIA"):
            self._progressed = True
            self._tell(Progress.RINGING, headers)
        elif event.name == "CHANNEL_ANSWER":
            self._connected(headers)
        elif event.name == "CHANNEL_HANGUP_COMPLETE":
            self._trace.end = CallEnd.from_headers(headers)
            self._trace.fax = self._trace.fax or FaxResult.from_variables(lambda name: headers.get(f"variable_{name}", ""))
        elif event.name == "CUSTOM":
            self._fax_event(event.subclass, headers)

    def _connected(self, headers: Mapping[str, str]) -> None:
        if self._trace.stage is not Stage.CONNECTED:
            self._trace.stage = Stage.CONNECTED
            self._trace.connected_at = time.monotonic()
            self._tell(Progress.CONNECTED, headers)

    def _fax_event(self, subclass: str, headers: Mapping[str, str]) -> None:
        self._connected(headers)
        if subclass.endswith("negociateresult"):
            self._tell(Progress.NEGOTIATED, headers)
        elif subclass.endswith("pageresult"):
            self._tell(Progress.PAGE, headers)
        elif subclass.endswith("faxresult"):
            self._fax_over_at = time.monotonic()
            self._trace.fax = FaxResult.from_event(headers)
            if self._trace.fax is not None and self._entry.find(Step.FAX_OVER) is None:
                with suppress(JournalError):    # the handler notes it as well, and here it is known anyway
                    self._entry.mark(Step.FAX_OVER, uuid=self._ids.uuid, fax=self._trace.fax.facts())
            self._tell(Progress.OVER, headers)

    def _tell(self, progress: Progress, headers: Mapping[str, str]) -> None:
        self._progress_at = time.monotonic()
        self._listener(progress, headers)

    # -- limits and ends

    def _ended(self) -> bool:
        if self._trace.end is not None or self._trace.stage is Stage.UNKNOWN:
            return True
        if self._reply_at and time.monotonic() - self._reply_at >= SECONDS_AFTER_REPLY:
            self._trace.end = self._reply
            return True
        return False

    def _until(self) -> tuple[float, int]:
        """When to look at the limits next if nothing happens, and what wakes before that."""
        now = time.monotonic()
        soon = now + LOOK
        if self._wake == NO_WAKE or self._trace.aborted:
            return soon, NO_WAKE
        if self._fax_over_at or self._reply_at or self._unknown_since:
            return soon, self._wake
        if self._trace.stage is Stage.CONNECTED:
            limit = min(self._progress_at + self._limits.page_timeout, self._began + self._limits.call_timeout)
        else:
            limit = self._began + self._limits.ring_timeout + SECONDS_AFTER_RING
        return max(soon, min(limit, self._heard_at + SECONDS_OF_SILENCE)), self._wake

    def _is_looked_for(self) -> bool:
        """Events must not keep limits and abort from being looked at, however fast they come."""
        return self._trace.end is None and time.monotonic() - self._looked_at >= LOOK

    def _watch_limits(self) -> None:
        self._looked_at = now = time.monotonic()
        if now - self._heard_at >= SECONDS_OF_SILENCE:
            self._heard_at = now
            if self._noted_result():
                return
        connected = self._trace.stage is Stage.CONNECTED
        if self._note_abort() or (self._fax_over_at and now - self._fax_over_at > SECONDS_AFTER_FAX):
            self._kill("")
        elif connected and now - self._progress_at > self._limits.page_timeout:
            self._kill(f"No page has got through for {self._limits.page_timeout} s")
        elif connected and now - self._began > self._limits.call_timeout:
            self._kill(f"The call has reached its limit of {self._limits.call_timeout} s")
        elif not connected and now - self._began > self._limits.ring_timeout + SECONDS_AFTER_RING:
            self._look_into_journal()       # the answer's event may have been lost
            if self._trace.stage is Stage.DIALLED:
                self._kill("The switch has not given up ringing in time")

    def _note_abort(self) -> bool:
        """Whether the user wants the job ended; told once."""
        if not self._aborted():
            return False
        if not self._trace.aborted:
            self._trace.aborted = True
            self._listener(Progress.ABORTED, {})
        return True

    def _kill(self, reason: str) -> None:
        """Ends the call.  Asked for again at every tick: right after the launch the channel may not exist yet.

        Where FreeSWITCH goes on knowing no such call (mod_commands.c, kill_function: ``-ERR No such channel!``), its end was
        missed, or the end's event waits for a handler that does not return: then it is asked after as after a lost connection.
        """
        if reason and not self._trace.reason:
            self._trace.reason = reason
        assert self._client is not None
        if not self._client.api("uuid_kill", self._ids.uuid).startswith("-ERR"):
            self._unknown_since = 0.0
            return
        now = time.monotonic()
        self._unknown_since = self._unknown_since or now
        if now - self._unknown_since > SECONDS_AFTER_KILL:
            self._unknown_since, self._lost_at = 0.0, now
            self._disconnect()

    # -- without a connection

    def _look_again(self) -> None:
        """Connects again and asks after the call; gives up when the switch stays away."""
        if self._noted_result():
            return
        try:
            self._client = self._reconnect()
            alive = exists(self._client, self._ids.uuid)
        except (EventSocketError, OSError) as error:
            self._disconnect()
            connected = self._trace.stage is Stage.CONNECTED
            patience = SECONDS_TO_RECONNECT if connected else SECONDS_TO_RECONNECT_DIALLED
            gone = connected and handler_is_gone(self._entry, self._ids.uuid, self._limits.call_timeout)
            if gone or self._note_abort() or time.monotonic() - self._lost_at > patience:
                self._lose(f"FreeSWITCH cannot be reached any more, so it is not known what became of the call: {error}")
            else:
                time.sleep(TICK)
            return
        if alive or self._noted_result():
            return
        if self._trace.stage is Stage.CONNECTED:
            # over, and its handler is about to note how; it may wait for events a second and for the disk
            self._lost_at = self._lost_at if self._gone else time.monotonic()
            self._gone, since = True, self._lost_at
            patience = SECONDS_FOR_THE_NOTE[self._entry.in_work(self._ids.uuid)]
            if self._noted_result():
                return
        else:
            patience, since = SECONDS_TO_APPEAR, self._began    # it may be about to be placed
        if time.monotonic() - since > patience or (self._note_abort() and not self._gone):
            self._lose("FreeSWITCH knows the call no more, and nobody has noted how it ended")
        else:
            self._disconnect()
            time.sleep(TICK)

    def _noted_result(self) -> bool:
        """The handler's note of the result; the call itself may last a moment longer."""
        self._look_into_journal()
        if not self._noted:
            return False
        self._trace.end = CallEnd.unknown()
        return True

    def _lose(self, reason: str) -> None:
        """Gives up.  A call that is not connected is withdrawn, so that whatever becomes of it, it sends nothing; one whose
        handler is gone is over, and nobody will tell more of it."""
        fate = Fate.UNKNOWN
        with suppress(JournalError):
            fate = fate_of(self._entry, self._ids.uuid, self._limits.call_timeout)
        if self._noted_result():
            return
        self._trace.reason = self._trace.reason or reason
        if fate is Fate.OVER:
            self._trace.stage, self._trace.end = Stage.CONNECTED, CallEnd.unknown()
            return
        self._trace.withdrawn = fate is Fate.WITHDRAWN
        self._trace.stage = Stage.UNKNOWN

    def _disconnect(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None
