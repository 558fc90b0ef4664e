"""Times as HylaFAX writes them (libhylafax/FmtTime.c++, faxd/FaxMachineLog.c++), independent of the process's locale."""

from __future__ import annotations

import time

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
YEAR = 365 * 24 * 60 * 60


def duration(seconds: float) -> str:
    """Whole seconds as ``H:MM:SS``, hours without padding; negative ones as 0, more than a year as ``??:??:??``."""
    whole = int(seconds)
    if whole < 0:
        return "0:00:00"
    if whole > YEAR:
        return "??:??:??"
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def log_stamp(epoch: float) -> str:
    """Seconds since the epoch as ``Nov 23 22:49:16.76``, local time, centiseconds cut off."""
    centiseconds = round(epoch * 1_000_000) // 10_000  # rounded to microseconds first: epoch * 100 may be just too small
    local = time.localtime(centiseconds // 100)
    clock = f"{local.tm_hour:02d}:{local.tm_min:02d}:{local.tm_sec:02d}.{centiseconds % 100:02d}"
    return f"{MONTHS[local.tm_mon - 1]} {local.tm_mday:02d} {clock}"
