"""What gofaxsend tells the operator by syslog: the lines native faxsend has there, and whatever is wrong."""

from __future__ import annotations

import syslog


def info(text: str) -> None:
    """A step of a job."""
    _write(syslog.LOG_INFO, text)


def error(text: str, more: str = "") -> None:
    """Trouble, with ``more`` lines about it."""
    for part in [text, *more.splitlines()]:
        _write(syslog.LOG_ERR, part)


def _write(priority: int, text: str) -> None:
    syslog.syslog(priority, text.encode("utf-8", "backslashreplace").decode("ascii", "backslashreplace"))
