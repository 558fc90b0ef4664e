"""``gofaxctl import-config``: GOfax.IP's gofax.conf as a gofax.yaml that behaves the same."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

from gofaxpy.ctl.command import OK, PROBLEM, Command, Trouble
from gofaxpy.ctl.desk import shown

if TYPE_CHECKING:
    from gofaxpy.ctl.desk import Desk


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="gofax.conf", help="GOfax.IP's configuration; `-` reads standard input")
    parser.add_argument("-o", "--output", metavar="FILE", default="",
                        help="write there, for root and HylaFAX's group only; an existing file is left alone without --force")
    parser.add_argument("--force", action="store_true", help="overwrite --output")


def run(arguments: argparse.Namespace, desk: Desk) -> int:
    """Translates, tells what has no counterpart, and writes."""
    import sys

    from gofaxpy.gofaxconf import convert

    try:
        if arguments.file == "-":
            text = sys.stdin.read(1 << 20)
        else:
            with open(arguments.file, encoding="utf-8", errors="replace") as file:
                text = file.read(1 << 20)
    except OSError as error:
        raise Trouble(f"{arguments.file}: {error.strerror}") from None
    result = convert(text, arguments.file)
    for note in result.notes:
        desk.complain(f"{shown(note)}\n")
    if result.problems:
        for problem in result.problems:
            desk.complain(f"gofaxctl: {shown(problem)}\n")
        desk.data({"problems": list(result.problems), "notes": list(result.notes)})
        return PROBLEM
    if arguments.output:
        _write(arguments.output, result.yaml, arguments.force)
    desk.data({"output": arguments.output, "notes": list(result.notes), "settings": result.settings, "yaml": result.yaml})
    if arguments.output:
        desk.line(f"{arguments.output} written; `gofaxctl -C {arguments.output} doctor` looks whether all is in its place")
    elif not desk.json:
        desk.write(result.yaml)
    return OK


def _write(path: str, text: str, force: bool) -> None:
    """With the mode of a file that holds a password: nobody but its owner and group."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | (os.O_TRUNC if force else os.O_EXCL)
    try:
        fd = os.open(path, flags, 0o640)
        with os.fdopen(fd, "w", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise Trouble(f"{path} exists already; --force overwrites it") from None
    except OSError as error:
        raise Trouble(f"{path}: {error.strerror}") from None


COMMAND = Command(
    "import-config",
    "GOfax.IP's gofax.conf as gofax.yaml",
    "Reads GOfax.IP's gofax.conf and prints a gofax.yaml that behaves the same, key by key; a key that gofax.conf leaves out\n"
    "gets the value that GOfax.IP then takes, which is not always our default.  What has no counterpart is told on\n"
    "standard error.",
    run,
    _arguments,
    "gofaxctl import-config /etc/gofax.conf\ngofaxctl import-config /etc/gofax.conf -o /etc/gofax.yaml",
)
