"""What the follower of a call waits for, since when, for how long, and what it does then: one table.

**The states.**  Two things are known of a call, and each may change without the other: how far it has got, and whether
FreeSWITCH can be asked about it.

- CALLING: FreeSWITCH tells us of the call; the call is not answered.
- SENDING: FreeSWITCH tells us of the call; it was answered, and its fax is on the way or just over.
- CUT_CALLING, CUT_SENDING: the same, but the connection to FreeSWITCH is lost and cannot be made again.  That says nothing
  about the call: it goes on.
- ABSENT: FreeSWITCH knows no such call, and the call was not answered.  It may be about to be placed: the order is carried
  out after its reply.
- GONE_HELD, GONE_UNSEEN, GONE_FREE: FreeSWITCH knows no such call, and the call was answered.  It is over, and its handler is
  about to note the result.  The handler holds the journal entry until then (GONE_HELD); whether it does cannot be seen on
  every file system (GONE_UNSEEN); where it does not any more, nobody will note a result (GONE_FREE).

The follower ends when the call's end is known, or when it gives up.  It never gives up on a call that FreeSWITCH knows: it
hangs up, and asks again at each look until FreeSWITCH tells of the end.

**The table.**  In each state the rows that name it hold, in their order; the first that is due and has something to do is
followed.  A row whose moment has not come to pass is not due.  What a row does:

- FIND_AGAIN: drops the connection, and asks after the call over another one.
- HANG_UP: has FreeSWITCH end the call; the row's reason is the attempt's.
- HANG_UP_UNANSWERED: the same, unless the journal says that the call was answered: the event may have been lost.
- ASK_JOURNAL: looks for a result that the handler has noted; the event that told of it may have been lost.
- TAKE_REPLY: the reply to the originate is the end of the call.
- GIVE_UP: withdraws the call if it is not answered, so that it sends nothing from then on, and ends.
"""

from __future__ import annotations

from enum import Enum

from gofaxpy.config.keys import Outbound
from gofaxpy.values import frozen

LOOK = 0.5      # seconds between looks at the table while something is overdue, or the abort flag has nothing to wake by
# Seconds in which the handler of a call that is gone notes the result, by whether it holds the entry (Entry.in_work).
SECONDS_FOR_THE_NOTE = {True: 60.0, None: 5.0, False: 0.0}


class State(Enum):
    """What is known of the call: see above."""

    CALLING = "not answered"
    SENDING = "answered"
    CUT_CALLING = "not answered, FreeSWITCH cannot be asked"
    CUT_SENDING = "answered, FreeSWITCH cannot be asked"
    ABSENT = "not answered, not known to FreeSWITCH"
    GONE_HELD = "over, its handler is at work"
    GONE_UNSEEN = "over, its handler cannot be seen"
    GONE_FREE = "over, its handler is gone"


WITH_CONNECTION = frozenset((State.CALLING, State.SENDING))
GONE = {True: State.GONE_HELD, None: State.GONE_UNSEEN, False: State.GONE_FREE}     # by Entry.in_work
WITHOUT_CONNECTION = frozenset(State) - WITH_CONNECTION
ANY = frozenset(State)


class Moment(Enum):
    """What a deadline counts from."""

    BEGUN = "the follower has begun"
    PROGRESS = "the call has last got on"
    HEARD = "the last event"
    RESULT = "SpanDSP's result"
    REPLY = "FreeSWITCH has replied that the originate failed"
    UNKNOWN = "FreeSWITCH has first said that there is no such call to be ended"
    ABORT = "the user wants the job ended"
    LOST = "the connection was lost"


class Then(Enum):
    """What is done when a deadline is over: see above."""

    FIND_AGAIN = "ask after the call"
    HANG_UP = "hang up"
    HANG_UP_UNANSWERED = "hang up unless it was answered"
    ASK_JOURNAL = "ask the journal"
    TAKE_REPLY = "take the reply for the end"
    GIVE_UP = "give up"


class Wait(Enum):
    """What is waited for: the name of a row."""

    END_OF_UNKNOWN = "the end of a call that FreeSWITCH does not know any more"
    REPLIED_END = "the end's event, after the reply"
    EVENT = "an event"
    ABORTED_END = "the end of a call that the user wants ended"
    FAX_END = "the end of a call whose fax is over"
    PAGE = "a page"
    END = "the end of the call"
    ANSWER = "the answer"
    ABORTED_FIND = "FreeSWITCH, while the user wants the call ended"
    FIND_CALLING = "FreeSWITCH, which was calling"
    FIND_SENDING = "FreeSWITCH, which was sending"
    APPEAR = "a call whose order was cut off"
    NOTE_HELD = "the result, from a handler at work"
    NOTE_UNSEEN = "the result, from a handler that cannot be seen"
    NOTE_FREE = "the result, from a handler that is gone"


@frozen
class Deadline:
    """One row."""

    states: frozenset[State]
    since: Moment
    seconds: float
    then: Then
    reason: str = ""        # the attempt's, for the user; "{:g}" becomes the seconds


Deadlines = dict[Wait, Deadline]


def deadlines(limits: Outbound) -> Deadlines:
    """The table, with the limits that the operator has set."""
    calling, sending = frozenset((State.CALLING,)), frozenset((State.SENDING,))
    return {
        # FreeSWITCH tells of the end of a call within this; else the end was missed, or its event waits for a handler that
        # does not return
        Wait.END_OF_UNKNOWN: Deadline(WITH_CONNECTION, Moment.UNKNOWN, 10.0, Then.FIND_AGAIN),
        # CHANNEL_HANGUP_COMPLETE comes within 20 ms of a failed originate's reply, before or after it
        Wait.REPLIED_END: Deadline(ANY, Moment.REPLY, 0.5, Then.TAKE_REPLY),
        # FreeSWITCH may lose events (full queues)
        Wait.EVENT: Deadline(WITH_CONNECTION, Moment.HEARD, 40.0, Then.ASK_JOURNAL),
        Wait.ABORTED_END: Deadline(WITH_CONNECTION, Moment.ABORT, 0.0, Then.HANG_UP),
        # T.38 stalls at the end of a fax (signalwire/freeswitch #3044)
        Wait.FAX_END: Deadline(WITH_CONNECTION, Moment.RESULT, 5.0, Then.HANG_UP),
        Wait.PAGE: Deadline(
            sending, Moment.PROGRESS, limits.page_timeout, Then.HANG_UP, "No page has got through for {:g} s"),
        Wait.END: Deadline(
            sending, Moment.BEGUN, limits.call_timeout, Then.HANG_UP, "The call has reached its limit of {:g} s"),
        # the switch bounds the ringing itself; this much later something is wrong
        Wait.ANSWER: Deadline(
            calling, Moment.BEGUN, limits.ring_timeout + 15.0, Then.HANG_UP_UNANSWERED,
            "The switch has not given up ringing in time"),
        Wait.ABORTED_FIND: Deadline(
            frozenset((State.CUT_CALLING, State.CUT_SENDING, State.ABSENT)), Moment.ABORT, 0.0, Then.GIVE_UP),
        # a call that is not answered can be withdrawn; a fax under way is worth more patience
        Wait.FIND_CALLING: Deadline(frozenset((State.CUT_CALLING,)), Moment.LOST, 15.0, Then.GIVE_UP),
        Wait.FIND_SENDING: Deadline(frozenset((State.CUT_SENDING,)), Moment.LOST, 60.0, Then.GIVE_UP),
        # if the order was taken at all, the call exists within this
        Wait.APPEAR: Deadline(frozenset((State.ABSENT,)), Moment.BEGUN, 3.0, Then.GIVE_UP),
        **{
            wait: Deadline(frozenset((GONE[held],)), Moment.LOST, SECONDS_FOR_THE_NOTE[held], Then.GIVE_UP)
            for wait, held in ((Wait.NOTE_HELD, True), (Wait.NOTE_UNSEEN, None), (Wait.NOTE_FREE, False))
        },
    }
