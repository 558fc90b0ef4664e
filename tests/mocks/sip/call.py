"""What the two ends of a call share: the line between them, and what becomes of T.38.

The T.30 exchange is audio in any case; T.38 is who asked for it and who took part, as states.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from mocks.config import FarEnd
from mocks.line import Clock, FaxEndpoint, Line, Spoil

#: The ends of a line: who called, and who was called.
CALLER, CALLEE = "a", "b"


@dataclass(frozen=True, slots=True)
class T38Side:
    """What one end that runs a fax does about T.38: accept a re-INVITE for it, send one."""

    accepts: bool = False
    requests: bool = False


def t38_status(me: T38Side, other: T38Side | None) -> str:
    """`fax_t38_status` of one end (mod_spandsp_fax.c): who asks and is refused says so, who is not asked is off."""
    asked = me.requests or (other is not None and other.requests and me.accepts)
    if not asked:
        return "off"
    if me.requests and (other is None or not other.accepts):
        return "refused"
    return "negotiated"


class Call:
    """The line of one call; it exists from the first use on.

    `on_cut` hangs up for the script of the line (once); it must not wait for anything.
    """

    def __init__(self, clock: Clock, far: FarEnd, on_cut: Callable[[], None]) -> None:
        self._clock = clock
        self._far = far
        self._on_cut = on_cut
        self._lock = threading.Lock()
        self._line: Line | None = None
        self._over = False
        self._cut = False
        self._occupied: set[str] = set()
        self._fax: dict[str, T38Side] = {}

    def attach(self, end: str, endpoint: FaxEndpoint | None, silence: float | None = None) -> bool:
        """Put a fax engine or silence at one end; False when the call is over."""
        with self._lock:
            if self._over:
                return False
            if self._line is None:
                self._line = Line(self._clock, spoil(self._far))
                self._line.on_cut = self.cut
            self._occupied.add(end)
            line = self._line
        line.attach(end, endpoint, silence)
        return True

    def fall_silent(self, end: str) -> None:
        """Put silence at an end that has nothing attached."""
        if end not in self._occupied:
            self.attach(end, None)

    def detach(self, end: str) -> None:
        """The end does something else. Once the call is over the line itself takes care of what was attached."""
        with self._lock:
            self._occupied.discard(end)
            line = None if self._over else self._line
        if line is not None:
            line.detach(end)

    def stop(self, end: str) -> None:
        """An engine at that end is to stop in the middle of the word. Does not wait for it."""
        if self._line is not None:
            threading.Thread(target=self.detach, args=(end,), name="stop fax", daemon=True).start()

    def end(self) -> None:
        """The call is over: both ends fall silent for good. Does not wait for that: an engine may be asking for it."""
        with self._lock:
            line, first = self._line, not self._over
            self._over = True
        if line is not None and first:
            threading.Thread(target=line.hangup, name="hang up", daemon=True).start()

    def cut(self) -> None:
        """The line broke down as its script says: hang up, once. Engines may report the drop before the line does."""
        with self._lock:
            if self._cut or self._over:
                return
            self._cut = True
        self._on_cut()

    def enter_fax(self, end: str, side: T38Side | None) -> None:
        """Note what an end that runs a fax thinks of T.38; None when it runs none any more."""
        with self._lock:
            if side is None:
                self._fax.pop(end, None)
            else:
                self._fax[end] = side

    def stalls(self, end: str) -> bool:
        """True when a fax in T.38 does not return after its result: the far end stays on the line in silence.

        mod_spandsp waits for a packet then (signalwire/freeswitch #3044); only the hang-up ends that.
        """
        return self._far.t38 == "stall" and self.t38(end) == "negotiated"

    def t38(self, end: str) -> str:
        """`fax_t38_status` of that end, as things stand."""
        with self._lock:
            mine = self._fax.get(end, T38Side())
            other = self._fax.get(CALLEE if end == CALLER else CALLER)
        return t38_status(mine, other)


def spoil(far: FarEnd) -> Spoil:
    """The troubles of the line that the far end's script asks for."""
    return Spoil(
        noise=far.noise,
        cuts=far.cuts,
        hangup_after_pages=far.hangup_after_pages,
        hangup_after=far.hangup_after,
    )
