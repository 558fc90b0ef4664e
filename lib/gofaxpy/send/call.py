"""One call that was ordered: what it is known by, what is told of it while it goes on, and what became of it."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from gofaxpy.journal import Entry
from gofaxpy.outcome.causes import Stage
from gofaxpy.outcome.judge import Ending
from gofaxpy.send.launch import CallIds
from gofaxpy.switch.client import Client, EventSocketError
from gofaxpy.switch.faxresult import FaxResult
from gofaxpy.switch.hangup import CallEnd
from gofaxpy.values import define, frozen


class Progress(Enum):
    """What a listener is told while a call goes on, with the event's headers."""

    RINGING = "ringing"
    CONNECTED = "connected"
    NEGOTIATED = "negotiated"
    PAGE = "page"
    OVER = "over"
    ABORTED = "aborted"


@frozen
class PlacedCall:
    """A call that was ordered: its ids, its entry in the journal, and how to connect to its FreeSWITCH again."""

    ids: CallIds
    entry: Entry
    reconnect: Callable[[], Client]     # raises EventSocketError, OSError


@define
class Trace:
    """What became of the call; the attempt ends as that of its last call (:meth:`ending`)."""

    stage: Stage = Stage.DIALLED
    connected_at: float = 0.0   # by the monotonic clock; 0 where the call was not answered
    fax: FaxResult | None = None
    end: CallEnd | None = None
    aborted: bool = False
    reason: str = ""
    withdrawn: bool = False     # lost from sight, but certain to send nothing
    refused: bool = False       # no FreeSWITCH made the call, for a reason of its own: another server may

    @property
    def kept(self) -> bool:
        """Whether the call may still be running."""
        return self.stage is Stage.UNKNOWN and not self.withdrawn

    def ending(self, pages_due: int = 0, pages_sent: int = 0, fax_seen: bool = True) -> Ending:
        """The ending of an attempt of which this was the last call."""
        return Ending(
            self.stage, pages_due, pages_sent, self.end, self.fax, self.aborted, reason=self.reason, kept=self.kept,
            fax_seen=fax_seen, refused=self.refused, connected_at=self.connected_at,
        )


def exists(client: Client, uuid: str) -> bool:
    """Whether FreeSWITCH knows the call.  Raises EventSocketError, also where it does not say."""
    answer = client.api("uuid_exists", uuid).strip()
    if answer not in ("true", "false"):
        said = " ".join(answer.split())[:80] or "nothing"
        raise EventSocketError(f"FreeSWITCH does not say whether a call goes on (uuid_exists: {said}), see its log")
    return answer == "true"
