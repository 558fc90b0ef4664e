"""Follows one call of ours in FreeSWITCH from the launch to its end.

What the event socket tells is believed while it lasts, but a lost connection says nothing about the call: it goes on.
So the follower connects again, asks whether the call still exists, and where the switch can say no more, the journal
has the result that the handler inside FreeSWITCH has noted before hanging up.  How long it waits for what, and what it does
then, is the table of :mod:`gofaxpy.send.deadlines`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress

from gofaxpy.journal import JournalError, Step
from gofaxpy.outcome.causes import Stage
from gofaxpy.send.abort import NO_WAKE, wake_of
from gofaxpy.send.call import PlacedCall, Progress, Trace, exists
from gofaxpy.send.deadlines import GONE, LOOK, Deadline, Deadlines, Moment, State, Then, Wait
from gofaxpy.send.lostcall import Fate, fate_of, handler_is_gone
from gofaxpy.switch.client import Client, EventSocketError
from gofaxpy.switch.esl import EventFrame
from gofaxpy.switch.faxresult import FaxResult
from gofaxpy.switch.hangup import CallEnd

TICK = 0.2      # seconds between attempts to connect again
UNREACHABLE = "FreeSWITCH cannot be reached any more, so it is not known what became of the call: {}"
NOT_KNOWN = "FreeSWITCH knows the call no more, and nobody has noted how it ended"


class Follower:
    """Watches one call and keeps its deadlines.  ``listener`` hears of progress; ``aborted`` is asked when it wakes, and at every
    look."""

    def __init__(
        self, call: PlacedCall, client: Client | None, table: Deadlines, listener: Callable[[Progress, Mapping[str, str]], None],
        aborted: Callable[[], bool],
    ) -> None:
        self._uuid = call.ids.uuid
        self._call = call
        self._entry = call.entry
        self._client = client
        self._table = table
        self._longest = table[Wait.END].seconds     # that a call may last
        self._listener = listener
        self._aborted = aborted
        self._wake = wake_of(aborted)
        self._trace = Trace()
        now = time.monotonic()
        self._at = dict.fromkeys((Moment.BEGUN, Moment.PROGRESS, Moment.HEARD, Moment.LOST), now)
        self._looked_at = now
        self._reply: CallEnd | None = None
        self._rang = False          # the far end has been heard of
        self._noted = False         # the journal has the result
        self._gone = False          # FreeSWITCH was asked, and does not know the answered call any more
        self._why_lost = ""         # what a follower that gives up says
        self._look_into_journal()

    @property
    def client(self) -> Client | None:
        """The connection in use at the end, which may be another one than at the beginning; None if it is lost."""
        return self._client

    def follow(self) -> Trace:
        """Until the call is over or can no longer be seen (then the stage is UNKNOWN)."""
        while not self._is_over():
            if self._client is None:
                self._find_again()
                continue
            try:
                if self._is_time_to_look():     # also where each connection breaks at once
                    self._look(self._state())
                    continue
                event = self._client.events(*self._until())
                if event is not None:
                    self._take(event)
                if event is None or self._is_time_to_look():
                    self._look(self._state())
            except EventSocketError:
                self._disconnect()
                self._at[Moment.LOST] = time.monotonic()
        self._look_into_journal()
        if self._trace.stage is Stage.DIALLED and self._trace.end is not None and not self._rang:
            self._see_whether_made(self._trace.end)
        return self._trace

    def _is_over(self) -> bool:
        return self._trace.end is not None or self._trace.stage is Stage.UNKNOWN

    def _see_whether_made(self, end: CallEnd) -> None:
        """A call that FreeSWITCH could not make says nothing about the destination."""
        why = end.not_made()
        if why:
            self._trace.stage, self._trace.refused = Stage.NOT_DIALLED, True
            self._trace.reason = self._trace.reason or f"FreeSWITCH {why}"

    def _look_into_journal(self) -> None:
        """What the handler inside FreeSWITCH has noted counts where an event was missed: it notes before it hangs up."""
        for mark in self._entry.marks():
            if mark.facts.get("uuid") != self._uuid:
                continue
            if mark.step is Step.CONNECTED and self._trace.stage is Stage.DIALLED:
                self._trace.stage = Stage.CONNECTED
                # by the other clock, which may have been set since; it was after the beginning, and is over
                now = time.monotonic()
                self._trace.connected_at = min(max(now - (time.time() - mark.at), self._at[Moment.BEGUN]), now)
            elif mark.step is Step.FAX_OVER:
                self._noted = True
                self._trace.stage = Stage.CONNECTED     # whatever was lost from sight: this is its end
                self._trace.fax = self._trace.fax or FaxResult.from_facts(mark.facts.get("fax"))
                self._trace.reason = self._trace.reason or str(mark.facts.get("problem", ""))

    def _noted_result(self) -> bool:
        """The handler's note of the result; the call itself may last a moment longer."""
        self._look_into_journal()
        if self._noted:
            self._trace.end = CallEnd.unknown()
        return self._noted

    # -- events

    def _take(self, event: EventFrame) -> None:
        self._at[Moment.HEARD] = time.monotonic()
        headers = event.headers
        if event.name == "BACKGROUND_JOB":
            if headers.get("Job-UUID") == self._call.ids.job_uuid and event.body.startswith("-ERR"):
                self._reply = CallEnd.from_reply(event.body)
                self._at[Moment.REPLY] = time.monotonic()
            return
        if headers.get("Unique-ID") != self._uuid:
            return
        if event.name in ("CHANNEL_PROGRESS", "CHANNEL_PROGRESS_MEDIA"):
            self._rang = True
            self._got_on(Progress.RINGING, headers)
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
            self._got_on(Progress.CONNECTED, headers)

    def _fax_event(self, subclass: str, headers: Mapping[str, str]) -> None:
        self._connected(headers)
        if subclass.endswith("negociateresult"):
            self._got_on(Progress.NEGOTIATED, headers)
        elif subclass.endswith("pageresult"):
            self._got_on(Progress.PAGE, headers)
        elif subclass.endswith("faxresult"):
            self._at[Moment.RESULT] = time.monotonic()
            self._trace.fax = FaxResult.from_event(headers)
            if self._trace.fax is not None and self._entry.find(Step.FAX_OVER) is None:
                with suppress(JournalError):    # the handler notes it as well, and here it is known anyway
                    self._entry.mark(Step.FAX_OVER, uuid=self._uuid, fax=self._trace.fax.facts())
            self._got_on(Progress.OVER, headers)

    def _got_on(self, progress: Progress, headers: Mapping[str, str]) -> None:
        self._at[Moment.PROGRESS] = time.monotonic()
        self._listener(progress, headers)

    # -- the table

    def _state(self) -> State:
        """The state while there is a connection."""
        return State.SENDING if self._trace.stage is Stage.CONNECTED else State.CALLING

    def _rows(self, state: State) -> Iterator[tuple[Deadline, float]]:
        """The rows that hold in this state, and when each is due."""
        for row in self._table.values():
            since = self._at.get(row.since)
            if state in row.states and since is not None:
                yield row, since + row.seconds

    def _look(self, state: State) -> None:
        """Follows the first row that is due and has something to do."""
        self._looked_at = now = time.monotonic()
        self._note_abort()
        for row, due in self._rows(state):
            if due <= now and self._follow_row(row):
                return

    def _follow_row(self, row: Deadline) -> bool:
        """False if there was nothing to do, and the next row counts."""
        match row.then:
            case Then.FIND_AGAIN:
                del self._at[Moment.UNKNOWN]
                self._at[Moment.LOST] = time.monotonic()
                self._disconnect()
            case Then.TAKE_REPLY:
                self._trace.end = self._reply
            case Then.ASK_JOURNAL:
                self._at[Moment.HEARD] = time.monotonic()
                return self._noted_result()
            case Then.HANG_UP_UNANSWERED:
                self._look_into_journal()
                if self._trace.stage is Stage.DIALLED:
                    self._hang_up(row)
            case Then.HANG_UP:
                self._hang_up(row)
            case Then.GIVE_UP:
                self._give_up()
        return True

    def _until(self) -> tuple[float, int]:
        """When to look at the table next if nothing happens, and what wakes before that."""
        soon = time.monotonic() + LOOK
        if self._wake == NO_WAKE or self._trace.aborted:
            return soon, NO_WAKE
        return max(soon, min(due for _, due in self._rows(self._state()))), self._wake

    def _is_time_to_look(self) -> bool:
        """Events must not keep deadlines and abort from being looked at, however fast they come."""
        return self._trace.end is None and time.monotonic() - self._looked_at >= LOOK

    def _note_abort(self) -> None:
        """Notes that the user wants the job ended, and tells the listener once."""
        if self._aborted() and not self._trace.aborted:
            self._trace.aborted = True
            self._at[Moment.ABORT] = time.monotonic()
            self._listener(Progress.ABORTED, {})

    def _hang_up(self, row: Deadline) -> None:
        """Ends the call.  Asked for again at every look: right after the launch the channel may not exist yet.

        FreeSWITCH may go on knowing no such call (mod_commands.c, kill_function: ``-ERR No such channel!``): its end was
        missed, or the end's event waits for a handler that does not return.  Then another row of the table is due.
        """
        self._trace.reason = self._trace.reason or row.reason.format(row.seconds)
        assert self._client is not None, "only states with a connection have rows that hang up"
        if self._client.api("uuid_kill", self._uuid).startswith("-ERR"):
            self._at.setdefault(Moment.UNKNOWN, time.monotonic())
        else:
            self._at.pop(Moment.UNKNOWN, None)

    # -- without a connection

    def _find_again(self) -> None:
        """Connects again and asks after the call.  Where that says nothing, the table says how long to go on."""
        if self._noted_result():
            return
        state = self._asked()
        if state is None or self._noted_result():
            return
        self._look(state)
        if not self._is_over():
            self._disconnect()
            time.sleep(TICK)

    def _asked(self) -> State | None:
        """The state as FreeSWITCH has it, asked over a fresh connection; None if it has the call and tells of it again."""
        connected = self._trace.stage is Stage.CONNECTED
        try:
            self._client = self._call.reconnect()
            if exists(self._client, self._uuid):
                return None
        except (EventSocketError, OSError) as error:
            self._disconnect()
            self._why_lost = UNREACHABLE.format(error)
            if not connected:
                return State.CUT_CALLING
            gone = handler_is_gone(self._entry, self._uuid, self._longest)
            return State.GONE_FREE if gone else State.CUT_SENDING
        self._why_lost = NOT_KNOWN
        if not connected:
            return State.ABSENT
        if not self._gone:      # over, and its handler is about to note how; it may wait for events a second and for the disk
            self._gone = True
            self._at[Moment.LOST] = time.monotonic()
        return GONE[self._entry.in_work(self._uuid)]

    def _give_up(self) -> None:
        """Gives up.  A call that is not connected is withdrawn, so that whatever becomes of it, it sends nothing.  If the
        handler of a connected call is gone, the call is over, and nothing more will be known of it."""
        fate = Fate.UNKNOWN
        with suppress(JournalError):
            fate = fate_of(self._entry, self._uuid, self._longest)
        if self._noted_result():
            return
        self._trace.reason = self._trace.reason or self._why_lost
        if fate is Fate.OVER:
            self._trace.stage, self._trace.end = Stage.CONNECTED, CallEnd.unknown()
            return
        self._trace.withdrawn = fate is Fate.WITHDRAWN
        self._trace.stage = Stage.UNKNOWN

    def _disconnect(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None
