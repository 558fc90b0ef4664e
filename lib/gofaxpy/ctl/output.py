"""What a subcommand is given: options and configuration, a way to ask FreeSWITCH, and a place to write.

Text from a far end, a user or a log goes to a terminal through :func:`shown` only.  A station identifier may hold escape
sequences that move the cursor, retitle the window or type commands for the operator.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from gofaxpy.config.file import ConfigError, load
from gofaxpy.config.keys import config_path
from gofaxpy.ctl.lesser import Lesser, user_of
from gofaxpy.ctl.trouble import Trouble
from gofaxpy.switch.clean import incoming

if TYPE_CHECKING:
    from types import TracebackType

    from gofaxpy.config.keys import Config
    from gofaxpy.switch.client import Client

_SGR = {"red": "31", "green": "32", "yellow": "33", "blue": "34", "bold": "1", "dim": "2"}
# These characters change the order in which a terminal shows others (UAX #9), or are invisible.
_INVISIBLE = {number: None for number in (
    0xAD, 0x61C, 0x180E, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0xFEFF, *range(0xFFF9, 0xFFFC),
    *range(0xE0000, 0xE0080),
)}
MAX_SHOWN = 4096
_DESCRIPTORS = ("/dev/fd/", "/proc/self/fd/", "/dev/stdin")


def shown(value: object) -> str:
    """``value`` as text that a terminal can be given: one line, without control characters."""
    return incoming(value, MAX_SHOWN).translate(_INVISIBLE)


class Switch(Protocol):
    """FreeSWITCH for a subcommand: runs one API command that returns at once, and gives its reply."""

    def api(self, command: str, args: str = "") -> str: ...


@dataclass(slots=True)
class Output:
    """``write`` takes text for standard output, ``complain`` for standard error.  ``connect`` is called when a subcommand
    first asks FreeSWITCH.

    ``option`` is the configuration file of ``-C``, or ``""``.  ``inside`` is true on FreeSWITCH's console.  ``lesser`` puts
    root aside as soon as the configuration is read, for that names the spool and its user.
    """

    write: Callable[[str], object]
    complain: Callable[[str], object]
    connect: Callable[[Config], Switch]
    flush: Callable[[], object] = lambda: None
    json: bool = False
    colour: bool = False
    option: str = ""
    inside: bool = False
    lesser: Lesser | None = None
    _config: Config | None = field(default=None, init=False)
    _switch: Switch | None = field(default=None, init=False)

    # -- configuration and FreeSWITCH

    @property
    def config_path(self) -> str:
        """The configuration file: ``-C``, ``GOFAX_CONFIG`` or the usual place."""
        return config_path(self.option)

    @property
    def config(self) -> Config:
        """The configuration.  Raises :class:`Trouble` with a line for each problem of the file."""
        if self._config is None:
            try:
                self.use(load(self.config_path))
            except ConfigError as error:
                raise Trouble("\n".join(error.problems)) from None
        assert self._config is not None
        return self._config

    def use(self, config: Config) -> None:
        """Uses ``config`` instead of the file: doctor goes on with what is right in a broken one."""
        self._config = config
        if self.lesser is not None:
            self.lesser.become(user_of(config.hylafax))

    @property
    def switch(self) -> Switch:
        """FreeSWITCH, connected at first use.  Raises :class:`Trouble`."""
        if self._switch is None:
            self._switch = self.connect(self.config)
        return self._switch

    def forget(self) -> None:
        """Lets the next use read the configuration and connect again, for a subcommand that repeats itself."""
        self._config = self._switch = None
        if self.lesser is not None:
            self.lesser.regain()

    def root(self) -> AbstractContextManager[None]:
        """Within the block the process is root again, if root has started gofaxctl (:meth:`Lesser.root`)."""
        return self.lesser.root() if self.lesser is not None else nullcontext()

    def owner_of(self, path: str) -> AbstractContextManager[None]:
        """Within the block the process is the user who could exchange ``path`` (:meth:`Lesser.owner_of`): for a file that was
        named on the command line, or the directory of an output file."""
        return self.lesser.owner_of(path) if self.lesser is not None else nullcontext()

    def open_named(self, path: str) -> int:
        """Opens a file named on the command line, as the user who could exchange it; returns its descriptor.

        What the shell has opened itself (``<(…)``, ``/dev/stdin``) is opened as it is.  Raises OSError.
        """
        from gofaxpy.hylafax.spool import open_regular

        if path.startswith(_DESCRIPTORS):
            return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        with self.owner_of(path):
            return open_regular(path, follow=True)

    # -- the answer

    def line(self, text: str = "") -> None:
        """Writes one line for a person; nothing under ``--json``.  The caller makes ``text`` with :func:`shown` and
        :meth:`style`."""
        if not self.json:
            self.write(text + "\n")

    def data(self, value: object) -> None:
        """Writes the answer as JSON, under ``--json`` only.  It is ASCII, so no escape sequence reaches a terminal.  On
        FreeSWITCH's console, where gofaxctl in a shell asks for it, it is not indented."""
        if self.json:
            self.write(json.dumps(value, indent=None if self.inside else 2, default=str) + "\n")

    def style(self, text: str, *names: str) -> str:
        """``text`` with escape sequences for ``names`` (red, green, yellow, blue, bold, dim), if colours are on."""
        if not self.colour or not names:
            return text
        return f"\x1b[{';'.join(_SGR[name] for name in names)}m{text}\x1b[0m"

    def table(self, head: Sequence[str], rows: Iterable[Sequence[object]], right: Sequence[int] = ()) -> None:
        """Writes a table with a bold head; :func:`shown` cleans the cells.  ``right``: the columns aligned to the right."""
        cells = [[shown(cell) for cell in row] for row in rows]
        widths = [max(len(row[column]) for row in [list(head), *cells]) for column in range(len(head))]
        for number, row in enumerate([list(head), *cells]):
            padded = (
                cell.rjust(width) if column in right else cell.ljust(width)
                for column, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
            text = "  ".join(padded).rstrip()
            self.line(text if number else self.style(text, "bold"))


def wants_colour(choice: str, is_terminal: bool) -> bool:
    """``always``, ``never``, or ``auto``: on a terminal that has colours, unless NO_COLOR is set (no-color.org)."""
    if choice != "auto":
        return choice == "always"
    return is_terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM", "") not in ("", "dumb")


class Shell:
    """``connect`` in a shell: tries the event sockets of the configuration in order.  A context manager."""

    def __init__(self) -> None:
        self._client: Client | None = None

    def __call__(self, config: Config) -> Switch:
        from gofaxpy.switch.client import Client
        from gofaxpy.switch.errors import EventSocketError

        self.close()
        problems = []
        for server in config.freeswitch.servers:
            try:
                self._client = Client.connect(
                    server.host, server.port, server.secret(), config.freeswitch.connect_timeout, user=config.hylafax.user
                )
                return self
            except (EventSocketError, OSError, ValueError) as error:
                problems.append(_said(error))
        raise Trouble("\n".join(problems))

    def api(self, command: str, args: str = "") -> str:
        """See :class:`Switch`."""
        from gofaxpy.switch.errors import EventSocketError

        assert self._client is not None
        try:
            return self._client.api(command, args)
        except EventSocketError as error:
            raise Trouble(str(error)) from None

    def __enter__(self) -> Shell:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connection, if there is one."""
        if self._client is not None:
            self._client.close()
            self._client = None


def _said(error: Exception) -> str:
    """The text of an error, with the file it is about."""
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    return str(error)
