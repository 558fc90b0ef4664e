"""What is wrong with a line, and how that sounds."""

from __future__ import annotations

import functools
import random
from ctypes import addressof, c_int16, string_at
from dataclasses import dataclass

from mocks.line import spandsp
from mocks.line.spandsp import SAMPLE_RATE, SAMPLES, STEP_BYTES, Sound

_SECONDS_OF_NOISE = 7
_TABLE_LEVEL = 8000
"""Root mean square of the stored noise in sample units; four times that still fits into a sample."""
_LOUDEST = 0.15
"""Half as loud again as the modems; the sum of both still fits into a sample."""
_FULL_SCALE = 32768


@dataclass(frozen=True, slots=True)
class Spoil:
    """The faults of one line.  Times are seconds of line time since the line exists; both directions suffer alike.

    ``noise``
        White noise under everything that is said (not in pauses), as root mean square with full scale as 1.
        The modems speak at 0.1, so 0.01 leaves a signal-to-noise ratio of 20 dB.  Without error correction 0.008
        (V.17 refused: 0.01) spoils some rows; 0.012 makes the modems train again for a slower rate; with 0.02 and
        more the fax fails as a rule.  V.17 may fail with any noise, see the package's notes.  Above 0.15 it gets
        no louder.  ValueError if it is not between 0 and 1.
    ``cuts``
        ``(start, length)`` of silences.  Up to 15 ms in a page spoil a row or two each (with error correction:
        that much is sent again); 20 ms and more make the modem lose the carrier, so the page is lost and with it, as a
        rule, the fax.  Some 100 ms of the training (8.5 s after both ends began) bring a second negotiation.
    ``hangup_after_pages``
        Hang up half a second after the sender heard that this many pages arrived, which is in the next page if there
        is one; 0 is half a second into the first page.
    ``hangup_after``
        Hang up after so many seconds.
    ``hangup_by``
        Which end does: "a" the caller, "b" the called.  That is for the owner of the line to know, who has to hang up
        the channels; the engines are cut off alike.
    ``stall``
        The ends ("a", "b" or "ab") where a fax that is over does not return before the call is hung up or the end is
        detached, though its result is told (signalwire/freeswitch #3044).
    """

    noise: float = 0.0
    cuts: tuple[tuple[float, float], ...] = ()
    hangup_after_pages: int | None = None
    hangup_after: float | None = None
    hangup_by: str = "b"
    stall: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.noise <= 1:
            raise ValueError(f"noise is {self.noise}: it must be between 0 and 1 (full scale; the modems speak at 0.1)")


CLEAN = Spoil()
"""A line without faults."""


class Disturber:
    """Puts the audible faults of a line into its sound, step by step."""

    def __init__(self, spoil: Spoil) -> None:
        self._factor = min(spoil.noise, _LOUDEST) * _FULL_SCALE / _TABLE_LEVEL
        self._noise = _noise() if spoil.noise else None
        self._at = 0
        self._cuts = [(round(start * SAMPLE_RATE), round((start + length) * SAMPLE_RATE)) for start, length in spoil.cuts]
        self.active = bool(self._noise is not None or self._cuts)
        """False if there is nothing to do."""

    def disturb(self, step: int, *directions: int) -> None:
        """Spoil what was said in step number ``step`` of the line: the samples at the given addresses."""
        for sound in directions:
            if self._noise is not None and any(string_at(sound, STEP_BYTES)):  # noise in a pause would pass for a carrier
                spandsp.add_scaled(addressof(self._noise) + self._at, sound, self._factor)
                self._at = (self._at + STEP_BYTES) % (len(self._noise) * 2)
        first = step * SAMPLES
        for start, end in self._cuts:
            begin, count = max(start - first, 0), min(end - first, SAMPLES) - max(start - first, 0)
            if count > 0:
                for sound in directions:
                    spandsp.silence(sound, begin, count)


@functools.cache
def _noise() -> Sound:
    """Gaussian noise, the same in every run."""
    made = random.Random(4711)
    count = _SECONDS_OF_NOISE * SAMPLE_RATE // SAMPLES * SAMPLES
    most = _FULL_SCALE - 1
    samples = (max(-most, min(most, round(made.gauss(0, _TABLE_LEVEL)))) for _ in range(count))
    return (c_int16 * count)(*samples)
