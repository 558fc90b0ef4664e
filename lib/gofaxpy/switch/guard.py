"""Keeps every exception inside the script in which it was raised.

mod_python3 formats an exception that leaves a handler into a buffer of 20 KB without a check of its length
(``print_python_error`` in its mod_python3.c): a long message ends the whole switch.  So does SystemExit, for which Python itself
ends the process.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from gofaxpy.switch.boundary import log

MAX_REPORT = 2000               # bytes in the log for one exception, frames and message together
MAX_MESSAGE = 400
MAX_FRAMES = 12


def guarded(name: str) -> Callable[[Callable[..., object]], Callable[..., None]]:
    """A decorator for functions that FreeSWITCH calls: an exception is logged under the script's ``name`` and not raised."""

    def decorate(function: Callable[..., object]) -> Callable[..., None]:
        def call(*args: object) -> None:
            try:
                function(*args)
            except BaseException as error:      # SystemExit would end FreeSWITCH
                with suppress(Exception):       # if the log fails too, nothing else can be done
                    for line in report(name, error):
                        log("err", line)

        call.__name__ = function.__name__
        call.__doc__ = function.__doc__
        return call

    return decorate


def report(name: str, error: BaseException) -> list[str]:
    """The lines for the log: the exception, then its frames, the innermost first, together at most :data:`MAX_REPORT` bytes."""
    try:
        message = str(error)[:MAX_MESSAGE]
    except Exception as again:
        message = f"(its text raised {type(again).__name__})"
    lines = [f"{name}: {type(error).__name__}: {message}"]
    places = []
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        places.append(f"{name}:   in {code.co_name}, {code.co_filename[-80:]} line {trace.tb_lineno}")
        del places[:-MAX_FRAMES]
        trace = trace.tb_next
    left = MAX_REPORT - _size(lines[0])
    for place in reversed(places):
        left -= _size(place)
        if left < 0:
            break
        lines.append(place)
    return lines


def _size(line: str) -> int:
    return len(line.encode("utf-8", "replace")) + 1
