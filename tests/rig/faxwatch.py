"""faxwatch in the background: the events of faxq as hfaxd hands them to its clients."""

from __future__ import annotations

import re
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from types import TracebackType

from rig.driven import patience


class FaxWatch:
    """Collects the lines of one faxwatch process.  A context manager."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str]) -> None:
        self._lines: list[str] = []
        self._changed = threading.Condition()
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=dict(env),
            encoding="utf-8", errors="surrogateescape", process_group=0,
        )  # fmt: skip
        self._thread = threading.Thread(target=self._collect, name="faxwatch", daemon=True)
        self._thread.start()

    def __enter__(self) -> FaxWatch:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    @property
    def lines(self) -> list[str]:
        """The lines so far."""
        with self._changed:
            return list(self._lines)

    def wait_for(self, pattern: str, timeout: float = 20) -> str:
        """The first line that ``pattern`` is found in.  Raises TimeoutError with all lines."""
        found: list[str] = []

        def seen() -> bool:
            found[:] = [line for line in self._lines if re.search(pattern, line)]
            return bool(found)

        with self._changed:
            began = time.monotonic()
            while not self._changed.wait_for(seen, 1) and time.monotonic() - began < timeout * patience():
                pass
            if not found:
                raise TimeoutError(f"no {pattern!r} among faxwatch's lines: {self._lines}")
        return found[0]

    def stop(self) -> str:
        """End faxwatch; returns all its lines as one text."""
        self._process.terminate()
        self._process.wait()
        self._thread.join()
        if self._process.stdout:
            self._process.stdout.close()
        return "\n".join(self._lines)

    def _collect(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._changed:
                self._lines.append(line.rstrip("\n"))
                self._changed.notify_all()
