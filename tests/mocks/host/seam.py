"""What the interpreter needs of the switch around it, and how it can differ from build to build."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from mocks.esl.event import Event


class ChannelLike(Protocol):
    """A call, as far as scripts reach it."""

    uuid: str

    def get_variable(self, name: str) -> str | None: ...
    def set_variable(self, name: str, value: str | None) -> bool: ...
    def execute(self, app: str, data: str) -> None: ...
    def ready(self) -> bool: ...
    def answered(self) -> bool: ...
    def media_ready(self) -> bool: ...
    def hangup(self, cause: str) -> None: ...
    def hangup_cause(self) -> str: ...
    def state(self) -> str: ...

    def hold(self) -> None:
        """A script has a session object for the call: it is not destroyed until `let_go`, hung up or not."""

    def let_go(self) -> None:
        """Undo one `hold`."""


class SwitchServices(Protocol):
    """The switch, as far as scripts reach it. Called from many threads at once."""

    def api(self, command: str, args: str) -> str: ...
    def channel(self, uuid: str) -> ChannelLike | None: ...

    def originate_for_session(self, dialstring: str) -> tuple[ChannelLike | None, str]:
        """Dial and wait for the answer: the channel and `SUCCESS`, or None and the hang-up cause."""

    def log(self, level: int, text: str) -> None: ...
    def subscribe(
        self, event_name: str, subclass: str | None, sink: Callable[[Event], None]
    ) -> Callable[[], None]: ...
    def fire(self, event: Event) -> None: ...


class HostGone(ConnectionError):
    """The interpreter ended, crashed or was stopped, while a script was asked for or ran."""


@dataclass(frozen=True, slots=True)
class Quirks:
    """Where builds of mod_python3 differ: the defaults are the side that harms a script more.

    `refuse_expansions`: `setVariable` ignores a value that contains `${`, as `switch_channel_set_variable_var_check`
    does when asked to check.  The session class of 1.10.12 asks it not to: the value is stored, and **run** when an
    application's data refers to the variable, because expansion expands what comes out of a variable again (measured).
    `pop_holds_lock`: a blocking `EventConsumer.pop` keeps the interpreter lock, as SWIG generates it (the wrapper that
    comes with 1.10.12 was patched by its `hack.diff` to release it; one that was generated anew was not).
    """

    refuse_expansions: bool = False
    pop_holds_lock: bool = True
