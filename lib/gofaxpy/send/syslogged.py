"""What gofaxsend tells the operator by syslog: the lines native faxsend has there, and everything that is wrong."""

from __future__ import annotations

import syslog


def info(text: str) -> None:
    """A step of a job."""
    _write(syslog.LOG_INFO, text)


def error(text: str, more: str = "") -> None:
    """Trouble, with ``more`` lines about it."""
    for part in [text, *more.splitlines()]:
        _write(syslog.LOG_ERR, part)


def trouble(cause: BaseException) -> None:
    """Trouble of our own, which is settled otherwise."""
    error_with_trace(str(cause) or type(cause).__name__, cause)


def error_with_trace(text: str, cause: BaseException) -> None:
    """``text``, and where in the program ``cause`` was raised."""
    import traceback  # slow to load

    error(text, "".join(traceback.format_exception(cause, limit=8)))


def _write(priority: int, text: str) -> None:
    syslog.syslog(priority, text.encode("utf-8", "backslashreplace").decode("ascii", "backslashreplace"))
