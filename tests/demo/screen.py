"""What the demo prints: numbered steps, details, command output, and bars that move on a terminal."""

from __future__ import annotations

import os
import time
from typing import TextIO

BAR = 30


class Screen:
    """Writes to ``stream``: with colour and moving bars if it is a terminal, else plain lines only."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.moving = stream.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        self._step = 0
        self._open_bar = False
        self._start = time.monotonic()

    def step(self, title: str) -> None:
        """Begin the next step."""
        self._step += 1
        seconds = time.monotonic() - self._start
        self._write(f"\n{self._bold(f'{self._step}. {title}')}  ({seconds:.1f} s)\n")

    def say(self, text: str) -> None:
        """One detail of the present step."""
        self._write(f"   {text}\n")

    def show(self, text: str) -> None:
        """Output of a command or contents of a file, set apart."""
        for line in text.rstrip("\n").split("\n"):
            self._write(f"   | {line}".rstrip() + "\n")

    def bar(self, label: str, part: float, text: str, *, done: bool = False) -> None:
        """Draw one bar, ``part`` from 0 to 1, over the last one unless that was ``done``.

        Where bars cannot move only the finished ones are printed.
        """
        if not done and not self.moving:
            return
        filled = BAR if done else min(BAR - 1, int(part * BAR))
        line = f"   {label} [{'#' * filled}{'.' * (BAR - filled)}] {text}"
        if self.moving:
            self._stream.write(f"\r\x1b[K{line}" + ("\n" if done else ""))
        else:
            self._stream.write(line + "\n")
        self._stream.flush()
        self._open_bar = self.moving and not done

    def last(self, text: str) -> None:
        """The last line: how it went."""
        self._write(f"\n{self._bold(text)}\n")

    def _bold(self, text: str) -> str:
        return f"\x1b[1m{text}\x1b[0m" if self.moving else text

    def _write(self, text: str) -> None:
        if self._open_bar:
            self._stream.write("\n")
            self._open_bar = False
        self._stream.write(text)
        self._stream.flush()
