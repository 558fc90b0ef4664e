"""What targets stand on: files to be read, a spool, and a module ``freeswitch`` that is as easily hurt as the real one."""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
import types
from collections.abc import Sequence

CONTROLS = frozenset(map(chr, (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029)))
TEXT_LIMIT = 400                # octets of one text taken from an input


PLACE = "GOFAXPY_FUZZ"          # environment variable: where a run wants its directories, to remove them all at the end


def fast_place() -> str | None:
    """Where fsync costs nothing, if there is such a place."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


class Directory:
    """A directory of this process for files that targets write and read; gone with the process."""

    def __init__(self) -> None:
        self.path = tempfile.mkdtemp(prefix="gofaxpy-fuzz-", dir=os.environ.get(PLACE) or fast_place())
        self._pid = os.getpid()
        atexit.register(self._remove)

    def _remove(self) -> None:
        if os.getpid() == self._pid:
            shutil.rmtree(self.path, ignore_errors=True)

    def file(self, name: str, data: bytes) -> str:
        """A file with these contents; one of the same name is overwritten."""
        path = os.path.join(self.path, name)
        with open(path, "wb") as file:
            file.write(data)
        return path

    def spool(self) -> str:
        """An empty spool with the directories that the targets need."""
        root = os.path.join(self.path, "spool")
        for name in ("log", "status", "recvq", "sendq", "docq", "etc", "info", "gofax/journal", "lock"):
            os.makedirs(os.path.join(root, name), exist_ok=True)
        return root


class Console:
    """Stands in for mod_python3's module: takes log lines, and breaks where FreeSWITCH would."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def consoleLog(self, level: str, text: str) -> None:
        text.encode()                                   # a lone surrogate ends the switch
        assert "\0" not in text and text.count("\n") == 1 and text.endswith("\n"), f"a forged log line: {text!r}"
        self.lines.append(text)
        del self.lines[:-50]


def install_console() -> Console:
    """Puts a console where :mod:`gofaxpy.switch.boundary` looks for FreeSWITCH."""
    console = Console()
    module = types.ModuleType("freeswitch")
    module.consoleLog = console.consoleLog  # type: ignore[attr-defined]
    sys.modules["freeswitch"] = module
    return console


def text_of(data: bytes) -> str:
    """Any text that may reach us: bytes that are no UTF-8 are lone surrogates, as they come from spool and switch."""
    return data[:TEXT_LIMIT].decode("utf-8", "surrogateescape")


def texts_of(data: bytes, count: int) -> list[str]:
    """``count`` texts, cut at the octets ``FF FE`` (which no UTF-8 has); missing ones are empty."""
    parts = data.split(b"\xff\xfe", count - 1)
    return [text_of(part) for part in parts] + [""] * (count - len(parts))


def controls_in(text: str) -> Sequence[str]:
    """The control characters in ``text``."""
    return [char for char in text if char in CONTROLS]


def clean(text: str) -> None:
    """Fails unless ``text`` may go to FreeSWITCH as one line."""
    assert not controls_in(text), f"control characters in {text!r}"
    text.encode()
