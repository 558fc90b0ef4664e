"""Parses a command line and runs its subcommand, for a shell and for FreeSWITCH's console."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from gofaxpy import __version__
from gofaxpy.ctl import fallback, importconfig, log, metrics, outcomes, overrides, selftest, status
from gofaxpy.ctl.command import PROBLEM, USAGE, Command, HelpWanted, Parser, UsageError
from gofaxpy.ctl.doctor import command as doctor
from gofaxpy.ctl.lesser import Lesser
from gofaxpy.ctl.output import Output, Shell, shown, wants_colour
from gofaxpy.ctl.report import command as report
from gofaxpy.ctl.trouble import Trouble

COMMANDS: tuple[Command, ...] = (
    doctor.COMMAND,
    status.COMMAND,
    selftest.COMMAND,
    overrides.COMMAND,
    fallback.COMMAND,
    outcomes.COMMAND,
    log.COMMAND,
    importconfig.COMMAND,
    report.COMMAND,
    metrics.COMMAND,
    doctor.INSIDE,
)
_DESCRIPTION = "Looks after the fax server: what it does, what is wrong with it, and what it remembers of destinations."
_EPILOG = """\
exit status:
  0  all well      1  something is wrong, or was not found      2  the command was not understood

`gofaxctl COMMAND --help` explains a command, with examples.  What is marked (*) can also be asked from FreeSWITCH's
console: fs_cli -x 'python gofax COMMAND …'."""


def build_parser(commands: Sequence[Command] = COMMANDS, program: str = "gofaxctl", wanted: str = "") -> Parser:
    """The parser for ``commands``.  Hidden commands are left out, except the one named ``wanted``."""
    form = argparse.RawDescriptionHelpFormatter
    parser = Parser(prog=program, description=_DESCRIPTION, epilog=_EPILOG, formatter_class=form, allow_abbrev=False)
    _general(parser, argparse.SUPPRESS)
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version")
    parser.set_defaults(config="", json=False, color="auto", command=None)
    chosen = parser.add_subparsers(title="commands", metavar="COMMAND", parser_class=Parser)
    for command in commands:
        if command.hidden and command.name != wanted:
            continue
        examples = "examples:\n" + "".join(f"  {line}\n" for line in command.examples.splitlines()) if command.examples else ""
        child = chosen.add_parser(
            command.name, help=command.summary + (" (*)" if command.inside else ""), description=command.description,
            epilog=examples, formatter_class=form, allow_abbrev=False,
        )
        _general(child, argparse.SUPPRESS)
        if command.arguments is not None:
            command.arguments(child)
        child.set_defaults(command=command)
    return parser


class _Version(argparse.Action):
    """``--version``.  argparse's own action prints; this one raises."""

    def __call__(self, *_: object, **__: object) -> None:
        raise HelpWanted(f"gofaxctl {__version__}\n")


def _general(parser: argparse.ArgumentParser, default: str) -> None:
    """Adds the options that may stand before or after the subcommand."""
    parser.add_argument("-C", "--config", metavar="FILE", default=default, help="configuration instead of /etc/gofax.yaml")
    parser.add_argument("--json", action="store_true", default=default, help="print data as JSON")
    parser.add_argument(
        "--color", choices=("auto", "always", "never"), default=default,
        help="colours: auto is on a terminal, unless NO_COLOR is set",
    )


def main(argv: Sequence[str]) -> int:
    """Runs ``gofaxctl`` in a shell; returns the exit status."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        with Shell() as connect:
            output = Output(sys.stdout.write, sys.stderr.write, connect, flush=sys.stdout.flush, lesser=Lesser())
            status = run(argv, output, build_parser(), sys.stdout.isatty())
            sys.stdout.flush()
            return status
    except BrokenPipeError:     # `gofaxctl log last | head`: head has closed the pipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return PROBLEM
    except KeyboardInterrupt:
        return 130


def run(argv: Sequence[str], output: Output, parser: Parser, terminal: bool = False) -> int:
    """Runs one command line and returns its exit status.  Help, usage errors and :class:`Trouble` are written to ``output``."""
    try:
        arguments = parser.parse_args(list(argv))
        if arguments.command is None:
            raise HelpWanted(parser.format_help())
        output.json, output.option = arguments.json, arguments.config
        output.colour = wants_colour(arguments.color, terminal) and not output.json
        status: int = arguments.command.run(arguments, output)
        return status
    except HelpWanted as wanted:
        output.write(str(wanted))
        return 0
    except UsageError as error:
        output.complain(f"{error.usage}gofaxctl: {shown(error)}\n")
        return USAGE
    except Trouble as error:
        for text in str(error).splitlines():
            output.complain(f"gofaxctl: {shown(text)}\n")
        return PROBLEM
