"""gofaxctl on FreeSWITCH's console: ``python gofax WORDS``.

FreeSWITCH's command splitter removes quotes and backslashes before the words come here.  So they are cut at blanks, and a
subcommand that takes a text takes all remaining words.  Nothing may be printed, waited for or raised here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gofaxpy.config.keys import config_path
from gofaxpy.ctl.main import COMMANDS, build_parser, run
from gofaxpy.ctl.output import Output
from gofaxpy.ctl.trouble import Trouble

if TYPE_CHECKING:
    from typing import Protocol

    from gofaxpy.config.keys import Config

    class Commands(Protocol):
        """:class:`gofaxpy.switch.boundary.Api`."""

        def command(self, name: str, args: str = "") -> str: ...


MOST = 1 << 20     # characters of one reply: the state of some thousand calls


class _InProcess:
    """FreeSWITCH, asked from inside its own process."""

    def __init__(self, api: Commands) -> None:
        self._api = api

    def api(self, command: str, args: str = "") -> str:
        try:
            return self._api.command(command, args)
        except ValueError as error:
            raise Trouble(str(error)) from None


def answer(api: Commands, args: str | None) -> str:
    """The reply to ``python gofax ARGS``.  A problem is on a line that begins with ``-ERR``, as in FreeSWITCH's own replies."""
    text: list[str] = []
    wrong: list[str] = []

    def connect(config: Config) -> _InProcess:
        return _InProcess(api)

    output = Output(text.append, wrong.append, connect, option=config_path(), inside=True)
    words = (args or "").split()
    commands = [command for command in COMMANDS if command.inside]
    status = run(words, output, build_parser(commands, "gofax", words[0] if words else ""))
    if status and wrong:
        text.append("-ERR " + "".join(wrong).removeprefix("gofaxctl: "))
    reply = "".join(text)
    return reply if len(reply) <= MOST else reply[:MOST] + "\n-ERR the rest does not fit into one reply; use gofaxctl\n"
