"""What a subcommand is, how it ends, and how its arguments are parsed.

Exit status: 0 all well; 1 something is wrong or was not found, and the output says what; 2 the command line was not understood.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gofaxpy.ctl.output import Output

OK, PROBLEM, USAGE = 0, 1, 2


class UsageError(Exception):
    """The command line is not understood.  Exit status 2.  ``usage`` is the short help that belongs to it."""

    def __init__(self, text: str, usage: str = "") -> None:
        super().__init__(text)
        self.usage = usage


@dataclass(frozen=True, slots=True)
class Command:
    """One subcommand.

    ``summary`` is its line in ``gofaxctl --help``, ``description`` and ``examples`` (command lines, with a ``#`` comment
    where they need one) are its own help.  ``arguments`` adds its arguments to a parser.  ``run`` does the work and
    returns the exit status; it raises :class:`gofaxpy.ctl.trouble.Trouble`.  ``inside``: the command may run on FreeSWITCH's
    console; so it never waits, and reaches FreeSWITCH and the configuration only through its output.  ``hidden``: gofaxctl
    itself uses the command, and no list shows it.
    """

    name: str
    summary: str
    description: str
    run: Callable[[argparse.Namespace, Output], int]
    arguments: Callable[[argparse.ArgumentParser], None] | None = None
    examples: str = ""
    inside: bool = False
    hidden: bool = False


class HelpWanted(Exception):
    """``--help`` or ``--version`` was given.  The text of the exception is the answer."""


class Parser(argparse.ArgumentParser):
    """An ArgumentParser that neither prints nor exits: inside FreeSWITCH, SystemExit would end the switch."""

    def error(self, message: str) -> None:  # type: ignore[override]
        raise UsageError(message, self.format_usage())

    def exit(self, status: int = 0, message: str | None = None) -> None:  # type: ignore[override]
        if status:
            raise UsageError(message or "not understood", self.format_usage())
        raise HelpWanted(message or "")

    def print_help(self, file: object = None) -> None:
        raise HelpWanted(self.format_help())
