"""What HylaFAX knows of a destination: info/<digits of its canonical number> (faxd/FaxMachineInfo.c++).

The file has ``tag:value`` lines, with texts in double quotes.  An ``&`` before a tag means that the administrator has fixed the
value; it is never changed.  faxq reads the file when it prepares a document, for example to choose the compression.  Without a
file faxq expects a machine that can do everything, so only what is certain is written here.
"""

from __future__ import annotations

import os

from gofaxpy.hylafax.canonical import digits
from gofaxpy.hylafax.encoding import decode, encode, one_line
from gofaxpy.hylafax.errors import SpoolError, reason
from gofaxpy.hylafax.spool import Spool, open_own, read_start

# HylaFAX's tags in their order, with the values of a machine that was never called.  Those of _OPTIONAL are not written empty.
DEFAULTS: dict[str, str] = {
    "supportsVRes": "1", "supports2DEncoding": "yes", "supportsMMR": "yes", "hasV34Trouble": "no", "hasV17Trouble": "no",
    "supportsPostScript": "no", "supportsBatching": "yes", "calledBefore": "no", "maxPageWidth": "2432",
    "maxPageLength": "65535", "maxSignallingRate": '"14400"', "minScanlineTime": '"0ms"', "remoteCSI": '""',
    "remoteNSF": '""', "remoteDIS": '""', "sendFailures": "0", "lastSendFailure": '""', "dialFailures": "0",
    "lastDialFailure": '""', "pagingProtocol": '"ixo"',
}
_OPTIONAL = ("lastSendFailure", "lastDialFailure")
_MAX_SIZE = 1 << 16


class MachineInfo:
    """The contents of one file.  A rewrite keeps unknown tags, and the order of all."""

    def __init__(self, text: str = "") -> None:
        self._values = dict(DEFAULTS)
        self._locked: set[str] = set()
        for line in text.split("\n"):
            tag, colon, value = line.partition(":")
            tag = tag.strip()
            locked = tag.startswith("&")
            tag = tag.removeprefix("&").strip()
            if colon and tag:
                self._values[tag] = value.strip()
                self._locked.add(tag) if locked else self._locked.discard(tag)

    def get(self, tag: str) -> str:
        """The value without its quotes."""
        value = self._values.get(tag, "")
        return value[1:-1] if len(value) > 1 and value[0] == value[-1] == '"' else value

    def flag(self, tag: str) -> bool:
        """Whether the value is ``yes``."""
        return self.get(tag) == "yes"

    def number(self, tag: str) -> int:
        """The value as a whole number, 0 where it is none."""
        value = self.get(tag)
        return int(value) if value.isascii() and value.isdigit() else 0

    def set(self, tag: str, value: str | int | bool) -> None:
        """Sets a value unless the administrator has fixed it; texts are quoted where HylaFAX quotes them."""
        if tag in self._locked:
            return
        text = ("yes" if value else "no") if isinstance(value, bool) else one_line(str(value))
        quoted = DEFAULTS.get(tag, "").startswith('"')
        self._values[tag] = '"' + text.replace('"', "'") + '"' if quoted else text

    def render(self) -> str:
        """The text of the file."""
        return "".join(
            f"{'&' if tag in self._locked else ''}{tag}:{value}\n"
            for tag, value in self._values.items() if not (tag in _OPTIONAL and value == '""')
        )


def path_of(spool: Spool, canonical: str) -> str:
    """The file of a destination.  Raises SpoolError for a number without any digit."""
    name = digits(canonical)
    if not name:
        raise SpoolError(f"{canonical!r} has no digits, so there is no info file for it")
    return spool.path("info", name)


def read(spool: Spool, canonical: str) -> MachineInfo:
    """The info of a destination; the defaults where there is no file.  Raises SpoolError."""
    path = path_of(spool, canonical)
    try:
        return MachineInfo(decode(read_start(path, _MAX_SIZE)))
    except FileNotFoundError:
        return MachineInfo()
    except OSError as error:
        raise SpoolError(f"{path}: cannot be read: {reason(error)}") from error


def write(spool: Spool, canonical: str, info: MachineInfo) -> None:
    """Writes the file in place, readable for every user, as native does.  Raises SpoolError."""
    path = path_of(spool, canonical)
    try:
        fd = open_own(path, os.O_WRONLY, 0o644)
        with os.fdopen(fd, "wb") as file:
            if os.fstat(fd).st_uid == os.geteuid():
                os.fchmod(fd, 0o644)
            file.write(encode(info.render()))
            file.truncate()
    except OSError as error:
        raise SpoolError(f"{path}: cannot be written: {reason(error)}") from error
