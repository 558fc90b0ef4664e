"""The line between two ends: their sound, step by step, in a thread of its own.

Line time passes in steps of 20 ms.  With a numeric speed they come at that pace.  At full speed they come as fast as
they can be computed, but only while both ends have something attached: what a Python handler takes between the answer
and rxfax is wall time, and must not become minutes on the line.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable

from mocks.line.clock import Clock
from mocks.line.endpoint import FaxEndpoint
from mocks.line.spandsp import SAMPLES, Samples, Sound
from mocks.line.spoil import CLEAN, Spoil

STEP = SAMPLES / 8000
DRAIN = 1.0
"""Seconds of line time for which a hang-up waits for the last words of a good fax (DCN) to reach the other end."""
_FULL_SCALE = 32767


class _End:
    """What one end of the line has attached."""

    def __init__(self) -> None:
        self.endpoint: FaxEndpoint | None = None
        self.attached = False
        self.silent_until = 0.0     # line time; meaningful while there is no endpoint
        self.said = Samples()

    def busy(self, now: float) -> bool:
        """Something is attached that takes line time."""
        return self.attached and (self.endpoint is not None or now < self.silent_until)


class Line:
    """Joins the ends "a" (caller) and "b" (called).  The thread starts with the first thing attached.

    `on_cut` is called, once and from the line's thread, when :class:`Spoil` hangs up.
    """

    def __init__(self, clock: Clock, spoil: Spoil = CLEAN) -> None:
        self._clock = clock
        self._spoil = spoil
        self._ends = {"a": _End(), "b": _End()}
        self._changed = threading.Condition()
        self._closed = False
        self._hung_up = False
        self._time = 0.0
        self._random = random.Random(4711)      # the same noise in every run
        self._noise = _noise(spoil.noise, self._random)
        self._thread: threading.Thread | None = None
        self.on_cut: Callable[[], None] | None = None

    # -- for channels

    def attach(self, end: str, endpoint: FaxEndpoint | None, silence: float | None = None) -> None:
        """An engine, or `silence` in seconds of line time (None: for as long as the call lasts)."""
        with self._changed:
            if self._hung_up:
                if endpoint is not None:
                    endpoint.finish()
                return
            here = self._ends[end]
            here.endpoint, here.attached = endpoint, True
            here.silent_until = float("inf") if silence is None else self._time + silence
            if endpoint is not None:
                endpoint.stalls = end in self._spoil.stall
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="line", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def detach(self, end: str) -> None:
        """The channel does something else now; an engine that is not over counts as dropped."""
        with self._changed:
            here = self._ends[end]
            endpoint, here.endpoint, here.attached = here.endpoint, None, False
            if endpoint is not None and (endpoint.over or not self._hung_up):
                endpoint.finish()
            self._changed.notify_all()

    def hangup(self) -> None:
        """Ends the call.  A fax that has just been over on one end gets its last signal through to the other."""
        with self._changed:
            if self._hung_up:
                return
            self._hung_up = True
            self._changed.notify_all()
            thread = self._thread
        if thread is None:
            self._finish_all()
        elif thread is not threading.current_thread():
            thread.join()

    # -- the thread

    def _run(self) -> None:
        due = time.monotonic()
        while True:
            with self._changed:
                while not self._hung_up and not self._goes_on():
                    self._changed.wait()
                    due = time.monotonic()
                if self._hung_up:
                    break
            self._step()
            if self._clock.speed is not None:
                due += STEP / self._clock.speed
                pause = due - time.monotonic()
                if pause > 0:
                    time.sleep(pause)
            if self._cut():
                return
        self._drain()
        self._finish_all()

    def _goes_on(self) -> bool:
        """Whether line time passes now."""
        ends = list(self._ends.values())
        if self._clock.speed is not None:
            return any(end.endpoint is not None for end in ends)
        return all(end.busy(self._time) for end in ends) and any(end.endpoint is not None for end in ends)

    def _step(self) -> None:
        with self._changed:
            a, b = self._ends["a"], self._ends["b"]
            engines = ((a, a.endpoint, b.endpoint), (b, b.endpoint, a.endpoint))
        for end, speaks, _ in engines:
            if speaks is not None:
                speaks.transmit(end.said)
            else:
                end.said = Samples()
        for end, _, hears in engines:
            if hears is not None:
                hears.receive(self._disturbed(end.said))
        self._time += STEP

    def _disturbed(self, said: Sound) -> Sound:
        if any(start <= self._time < start + length for start, length in self._spoil.cuts):
            return Samples()
        if not self._noise or not any(said):
            return said     # noise in silence would pass for a carrier, and neither side would ever give up
        at = self._random.randrange(len(self._noise) - SAMPLES)
        noise = self._noise
        return Samples(*(max(-_FULL_SCALE, min(_FULL_SCALE, said[step] + noise[at + step])) for step in range(SAMPLES)))

    def _cut(self) -> bool:
        spoil = self._spoil
        engines = [end.endpoint for end in self._ends.values() if end.endpoint is not None]
        pages = max((engine.pages for engine in engines if engine.setup.transmit), default=0)
        by_pages = spoil.hangup_after_pages is not None and pages >= spoil.hangup_after_pages
        by_time = spoil.hangup_after is not None and self._time >= spoil.hangup_after
        if not (by_pages or by_time) or any(engine.over for engine in engines):
            return False
        with self._changed:
            self._hung_up = True
        self._finish_all()
        if self.on_cut is not None:
            self.on_cut()
        return True

    def _drain(self) -> None:
        """Goes on for a moment where one end's fax ended well and the other's has not heard of it yet."""
        left = int(DRAIN / STEP)
        while left > 0 and self._waits_for_the_end():
            self._step()
            left -= 1

    def _waits_for_the_end(self) -> bool:
        engines = [end.endpoint for end in self._ends.values() if end.endpoint is not None]
        return len(engines) == 2 and any(one.good for one in engines) and not all(one.over for one in engines)

    def _finish_all(self) -> None:
        with self._changed:
            engines = [end.endpoint for end in self._ends.values() if end.endpoint is not None]
        for engine in engines:
            engine.finish()


def _noise(level: float, made: random.Random) -> list[int]:
    """A second of white noise, or nothing."""
    if level <= 0:
        return []
    return [round(made.uniform(-level, level) * _FULL_SCALE) for _ in range(8000 + SAMPLES)]
