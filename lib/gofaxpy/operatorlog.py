"""Messages for the operator from inside FreeSWITCH: into the machine's syslog, beside HylaFAX's own, and FreeSWITCH's log.

Python's syslog module is of no use here: openlog(3) holds for the whole process, and would rename what FreeSWITCH's own
mod_syslog writes.  So messages go to ``/dev/log`` as datagrams (RFC 3164 without the host, as syslog(3) sends them).
A message is lost, not waited for, if syslog does not run or does not keep up.
"""

from __future__ import annotations

import os
import socket
import time

from gofaxpy.config.keys import Log
from gofaxpy.switch.boundary import log

DEV_LOG = "/dev/log"
TAG = "gofax"
MAX_OCTETS = 2000
_FACILITIES = {"user": 1, "daemon": 3, **{f"local{number}": 16 + number for number in range(8)}}
_SEVERITIES = {"err": 3, "warning": 4, "notice": 5, "info": 6, "debug": 7}
_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()     # strftime(3) would use the locale of the process


def datagram(config: Log, level: str, text: str, now: float, pid: int) -> bytes:
    """One message as syslog takes it, ``b""`` if ``log.level`` is below its level.  Control characters become blanks.

    ``now`` is in seconds since the epoch; an unknown level counts as ``info``.
    """
    severity = _SEVERITIES.get(level, 6)
    if severity > _SEVERITIES.get(config.level, 6):
        return b""
    local = time.localtime(now)
    stamp = f"{_MONTHS[local.tm_mon - 1]} {local.tm_mday:2d} {local.tm_hour:02d}:{local.tm_min:02d}:{local.tm_sec:02d}"
    priority = _FACILITIES.get(config.syslog_facility, 3) << 3 | severity
    clean = text if text.isprintable() else "".join(char if char.isprintable() else " " for char in text)
    return f"<{priority}>{stamp} {TAG}[{pid}]: {clean}".encode("utf-8", "replace")[:MAX_OCTETS]


def write(config: Log, level: str, text: str) -> None:
    """One message to syslog and to FreeSWITCH's log.  Never fails and never waits."""
    log(level, text)
    send(config, level, text)


def send(config: Log, level: str, text: str, path: str = DEV_LOG) -> None:
    """One message to syslog only."""
    data = datagram(config, level, text, time.time(), os.getpid())
    if not data:
        return
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC) as sender:
            sender.sendto(data, path)
    except OSError:
        return      # syslog does not run, or does not keep up


class Problems:
    """What is wrong at present, by what it is wrong with: a loop that meets a problem in every round logs it once.

    The problem of a subject is new if it reads differently from the last one, or if the subject was well in between.
    """

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}

    def is_new(self, subject: str, text: str) -> bool:
        """Notes that ``subject`` has this problem now.  Whether that is to be logged."""
        new = self._texts.get(subject) != text
        self._texts[subject] = text
        return new

    def passed(self, subject: str) -> None:
        """``subject`` is well again."""
        self._texts.pop(subject, None)
