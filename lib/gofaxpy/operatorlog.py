"""Messages for the operator from inside FreeSWITCH: into the machine's syslog, beside HylaFAX's own, and FreeSWITCH's log.

Python's syslog module is of no use there: openlog(3) is the whole process', and would rename what FreeSWITCH's own
mod_syslog writes.  So messages go to ``/dev/log`` as datagrams (RFC 3164 without the host, as syslog(3) sends them);
where nobody takes them in, or not fast enough, they are lost rather than waited for.
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
_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()     # whatever the locale of the process


def datagram(settings: Log, level: str, text: str, now: float, pid: int) -> bytes:
    """One message, ``b""`` where ``log.level`` does not want it.  Control characters become blanks."""
    severity = _SEVERITIES.get(level, 6)
    if severity > _SEVERITIES.get(settings.level, 6):
        return b""
    local = time.localtime(now)
    stamp = f"{_MONTHS[local.tm_mon - 1]} {local.tm_mday:2d} {local.tm_hour:02d}:{local.tm_min:02d}:{local.tm_sec:02d}"
    priority = _FACILITIES.get(settings.syslog_facility, 3) << 3 | severity
    clean = text if text.isprintable() else "".join(char if char.isprintable() else " " for char in text)
    return f"<{priority}>{stamp} {TAG}[{pid}]: {clean}".encode("utf-8", "replace")[:MAX_OCTETS]


def tell(settings: Log, level: str, text: str) -> None:
    """One message to syslog and to FreeSWITCH's log.  Neither can fail or wait."""
    log(level, text)
    send(settings, level, text)


def send(settings: Log, level: str, text: str, path: str = DEV_LOG) -> None:
    """One message to syslog."""
    data = datagram(settings, level, text, time.time(), os.getpid())
    if not data:
        return
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC) as sender:
            sender.sendto(data, path)
    except OSError:
        return      # no syslog, or one that does not keep up
