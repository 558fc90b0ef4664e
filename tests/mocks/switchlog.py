"""The log file of the switch, in the layout of FreeSWITCH's mod_logfile, and the loud messages on stderr.

`UUID YYYY-MM-DD HH:MM:SS.uuuuuu 99.00% [LEVEL] where text`, the UUID only for lines about a call.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable

LEVELS = ("CONSOLE", "ALERT", "CRIT", "ERR", "WARNING", "NOTICE", "INFO", "DEBUG")
CONSOLE, ALERT, CRIT, ERR, WARNING, NOTICE, INFO, DEBUG = range(8)
_LOUD = WARNING
_WORDS = {name.lower(): level for level, name in enumerate(LEVELS)} | {"error": ERR, "critical": CRIT}


def level_of(word: str) -> int | None:
    """The level a word or digit means (`switch_log_str2level`), None when it means none."""
    if word.isdigit():
        return min(int(word), DEBUG)
    return _WORDS.get(word.lower())


class SwitchLog:
    """Writes lines to a file; warnings and worse go to stderr as well."""

    def __init__(self, path: str) -> None:
        self._file = open(path, "ab", buffering=0)  # noqa: SIM115 - closed by close()
        self._lock = threading.Lock()
        self._sinks: list[Callable[[int, str], None]] = []

    def write(self, level: int, text: str, uuid: str = "") -> None:
        """Log `text` (lines of it) at `level` 0…7, marked with the UUID of the call it is about."""
        level = max(CONSOLE, min(level, DEBUG))
        now = time.time()
        stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now)) + f".{int(now % 1 * 1e6):06d}"
        head = f"{uuid} " if uuid else ""
        lines = "".join(f"{head}{stamp} 99.00% [{LEVELS[level]}] {line}\n" for line in text.rstrip("\n").split("\n"))
        with self._lock:
            if not self._file.closed:
                self._file.write(lines.encode("utf-8", "surrogateescape"))
            sinks = list(self._sinks)
        if level <= _LOUD:
            sys.stderr.write(lines.encode("utf-8", "backslashreplace").decode("utf-8"))
            sys.stderr.flush()
        for sink in sinks:
            sink(level, text)

    def subscribe(self, sink: Callable[[int, str], None]) -> Callable[[], None]:
        """Hand every line to `sink` too; returns what ends that."""
        with self._lock:
            self._sinks.append(sink)

        def unsubscribe() -> None:
            with self._lock:
                if sink in self._sinks:
                    self._sinks.remove(sink)

        return unsubscribe

    def close(self) -> None:
        """Close the file; later lines only go to stderr."""
        with self._lock:
            self._file.close()
