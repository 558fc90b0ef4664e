"""The line between two ends: their sound, 20 ms at a time, in a thread of its own.

At a numeric speed line time goes by with the clock, whatever the ends do.  At full speed it goes by as fast as the
sound can be computed, but only while both ends have something attached: the wall time that Python handlers take
between the answer and rxfax must not become minutes on the line.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from ctypes import addressof

from mocks.line import spandsp
from mocks.line.clock import Clock
from mocks.line.endpoint import FaxEndpoint, News
from mocks.line.spandsp import SAMPLE_RATE, SAMPLES, Samples
from mocks.line.spoil import CLEAN, Disturber, Spoil

STEP = SAMPLES / SAMPLE_RATE
"""Seconds of line time in one step."""

_TICK = 0.02
"""The longest sleep of the thread in wall seconds, which is also how long a hang-up may go unnoticed."""

_INTO_THE_PAGE = 25
"""How many steps into the next page `Spoil.hangup_after_pages` hangs up."""



class _End:
    """One end of the line and what is attached to it.  Times are steps of the line."""

    def __init__(self) -> None:
        self._buffer = Samples()
        self.said = addressof(self._buffer)
        """Where the samples are that this end says in the current step."""
        self.endpoint: FaxEndpoint | None = None
        self.silent_until = 0.0

    @property
    def live(self) -> FaxEndpoint | None:
        """The engine attached, if its fax is not over."""
        return self.endpoint if self.endpoint is not None and not self.endpoint.over else None

    def engaged(self, step: int) -> bool:
        """Something is attached: an engine (even if its fax is over) or silence that lasts."""
        return self.endpoint is not None or step < self.silent_until


class Line:
    """Joins end "a" (the caller) with end "b" (the called).

    ``on_cut`` is called once, from the line's thread, when :class:`Spoil` hangs up: before the engines notice, as a BYE
    comes before the fax result.
    """

    def __init__(self, clock: Clock, spoil: Spoil = CLEAN) -> None:
        self.spoil = spoil
        self.on_cut: Callable[[], None] | None = None
        self._clock = clock
        self._began = clock.now()
        self._ends = {"a": _End(), "b": _End()}
        self._disturber = Disturber(spoil)
        self._step = 0
        self._cut_at = math.inf if spoil.hangup_after is None else spoil.hangup_after / STEP
        self._pages_cut_at = math.inf
        self._hung_up = False
        self._thread: threading.Thread | None = None
        # Held while an engine works and while an end changes, never while a callback runs.
        self._changed = threading.Condition()
        # Python's locks are not fair: without a turnstile the line at full speed would hardly let anybody else in.
        self._turnstile = threading.Lock()

    @property
    def time(self) -> float:
        """Seconds of line time since the line exists, as far as its sound has been computed."""
        return self._step * STEP

    def attach(self, end: str, endpoint: FaxEndpoint | None, silence: float | None = None) -> None:
        """Attach an engine, or silence (or a voice): ``silence`` seconds of it, None for as long as the call lasts.

        What was attached before is detached.  On a line that was hung up the fax ends at once, code 49.
        """
        with self._inside():
            here = self._ends[end]
            before = _let_go(here)
            if endpoint is not None:
                endpoint.begin(stalls=end in self.spoil.stall)
                here.endpoint = endpoint
            else:
                here.silent_until = math.inf if silence is None else self._step + silence / STEP
            if self._hung_up:
                before += _let_go(here)
            elif self._thread is None:
                self._thread = threading.Thread(target=self._run, name="fax line", daemon=True)
                self._thread.start()
            self._changed.notify_all()
        _tell(before)

    def detach(self, end: str) -> None:
        """The channel does something else now; a fax that is not over ends with code 49."""
        with self._inside():
            before = _let_go(self._ends[end])
            self._changed.notify_all()
        _tell(before)

    def hangup(self) -> None:
        """End the call: a fax that is not over ends with code 49, and every `FaxEndpoint.wait` returns.

        Does not wait for that, so it may be called from anywhere, callbacks included.
        """
        with self._inside():
            self._hung_up = True
            self._changed.notify_all()

    @contextmanager
    def _inside(self) -> Iterator[None]:
        """The lock, for a thread that is not the line's."""
        with self._turnstile:
            self._changed.acquire()
        try:
            yield
        finally:
            self._changed.release()

    # -- the thread

    def _run(self) -> None:
        try:
            self._skip()
            while self._advance():
                self._pause()
        finally:
            with self._changed:
                self._hung_up = True
                left = [news for end in self._ends.values() for news in _let_go(end)]
            _tell(left)

    def _advance(self) -> bool:
        """One step, as soon as line time goes on; False when the call is over."""
        with self._turnstile:
            pass
        with self._changed:
            while not (self._hung_up or self._goes_on() or self._step >= self._cut_at):
                self._changed.wait(self._wall_until_cut())
                self._skip()
            if self._hung_up:
                return False
            self._compute()
            news = [(end.endpoint, end.endpoint.take_news()) for end in self._ends.values() if end.endpoint is not None]
            cut = self._step >= self._schedule_cut()
        for endpoint, items in news:
            endpoint.tell(items)
        if cut and self.on_cut is not None:
            self.on_cut()
        return not cut

    def _goes_on(self) -> bool:
        """Whether there is sound to compute."""
        ends = self._ends.values()
        at_work = any(end.live is not None for end in ends)
        return at_work and (self._clock.speed is not None or all(end.engaged(self._step) for end in ends))

    def _compute(self) -> None:
        """20 ms of sound in both directions."""
        a, b = self._ends["a"], self._ends["b"]
        for end in (a, b):
            if end.live is not None:
                end.live.transmit(end.said)
            else:
                spandsp.silence(end.said)
        if self._disturber.active:
            self._disturber.disturb(self._step, a.said, b.said)
        for end, other in ((a, b), (b, a)):
            endpoint = end.live
            if endpoint is not None:
                endpoint.receive(other.said)
                endpoint.settle()
        self._step += 1

    def _schedule_cut(self) -> float:
        """The step at which the script of the line hangs up."""
        pages = self.spoil.hangup_after_pages
        if pages is not None and math.isinf(self._pages_cut_at):
            for end in self._ends.values():
                sender = end.endpoint
                if sender is not None and sender.setup.transmit and sender.training_confirmed and sender.pages >= pages:
                    self._pages_cut_at = self._step + _INTO_THE_PAGE
                    self._cut_at = min(self._cut_at, self._pages_cut_at)
        return self._cut_at

    def _skip(self) -> None:
        """At a numeric speed time went by while there was nothing to compute."""
        if self._clock.speed is not None:
            self._step = max(self._step, int(self._elapsed() / STEP))

    def _elapsed(self) -> float:
        """Seconds of line time since the line exists, by the clock."""
        return self._clock.now() - self._began

    def _wall_until_cut(self) -> float | None:
        """How long an idle line may sleep."""
        speed = self._clock.speed
        if speed is None or math.isinf(self._cut_at):
            return None
        return max(self._cut_at * STEP - self._elapsed(), STEP) / speed

    def _pause(self) -> None:
        """At a numeric speed: until the next step is due.  Faster than real time, several steps are done in one go."""
        speed = self._clock.speed
        while speed is not None and not self._hung_up:
            ahead = (self.time - self._elapsed()) / speed
            if ahead <= 0:
                return
            time.sleep(_TICK if speed > 1 else min(ahead, _TICK))


def _let_go(end: _End) -> list[tuple[FaxEndpoint, list[News]]]:
    """Detach whatever is at the end; what has to be told about it."""
    endpoint, end.endpoint, end.silent_until = end.endpoint, None, 0.0
    if endpoint is None:
        return []
    endpoint.close()
    return [(endpoint, endpoint.take_news())]


def _tell(left: list[tuple[FaxEndpoint, list[News]]]) -> None:
    """Tell the last news of engines that were let go.  An error in one callback does not keep the others waiting."""
    with ExitStack() as stack:
        for endpoint, news in reversed(left):
            stack.callback(endpoint.give_up)
            stack.callback(endpoint.tell, news)
