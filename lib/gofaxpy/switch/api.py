"""FreeSWITCH as the rest of the program sees it from inside: its API commands and its events.

:mod:`gofaxpy.switch.boundary` has the classes that do it; code that needs no more than what stands here can be tried
with plain objects.  ``typing`` is slow to load, so the protocols exist for type checkers only: import them under
``TYPE_CHECKING``.
"""

from __future__ import annotations

NOT_RUNNING = "FreeSWITCH is not running"       # the line faxstat shows for a modem that no FreeSWITCH looks after

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from gofaxpy.switch.eventtext import EventRecord

    Command = Callable[[str, str], str]     # one API command and its arguments, which gives the reply

    class SwitchApi(Protocol):
        """API commands (:class:`gofaxpy.switch.boundary.Api`)."""

        def command(self, name: str, args: str = "") -> str: ...

    class EventSource(Protocol):
        """Events (:class:`gofaxpy.switch.boundary.Events`); never waits."""

        def next(self) -> EventRecord | None: ...
