"""``gofaxctl import-config``: GOfax.IP's gofax.conf as a gofax.yaml that behaves the same."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

from gofaxpy.ctl.command import OK, PROBLEM, Command
from gofaxpy.ctl.output import shown
from gofaxpy.ctl.trouble import Trouble

if TYPE_CHECKING:
    from gofaxpy.ctl.output import Output

_MOST = 1 << 20     # characters that are read


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="gofax.conf", help="GOfax.IP's configuration; `-` reads standard input")
    parser.add_argument("-o", "--output", metavar="FILE", default="",
                        help="write there, for root and HylaFAX's group only; an existing file is left alone without --force")
    parser.add_argument("--force", action="store_true", help="overwrite --output")


def run(arguments: argparse.Namespace, output: Output) -> int:
    """Converts the file and writes the result.  Names on standard error the keys that have no counterpart."""
    import sys

    from gofaxpy.config.gofaxconf import convert

    try:
        if arguments.file == "-":
            text = sys.stdin.read(_MOST)
        else:
            with open(output.open_named(arguments.file), encoding="utf-8", errors="replace") as file:
                text = file.read(_MOST)
    except OSError as error:
        raise Trouble(f"{arguments.file}: {error.strerror}") from None
    result = convert(text, arguments.file)
    for note in result.notes:
        output.complain(f"{shown(note)}\n")
    if result.problems:
        for problem in result.problems:
            output.complain(f"gofaxctl: {shown(problem)}\n")
        output.data({"problems": list(result.problems), "notes": list(result.notes)})
        return PROBLEM
    if arguments.output:
        try:
            with output.owner_of(os.path.dirname(arguments.output) or "."):
                _write(arguments.output, result.yaml, arguments.force)
        except FileExistsError:
            raise Trouble(f"{arguments.output} exists already; --force overwrites it") from None
        except OSError as error:
            raise Trouble(f"{arguments.output}: {error.strerror}") from None
    output.data({"output": arguments.output, "notes": list(result.notes), "settings": result.settings, "yaml": result.yaml})
    if arguments.output:
        output.line(f"{arguments.output} written; `gofaxctl -C {arguments.output} doctor` looks whether all is in its place")
    elif not output.json:
        output.write(result.yaml)
    return OK


def _write(path: str, text: str, force: bool) -> None:
    """Writes a new file with mode 0640 and HylaFAX's group, for it holds a password.

    A file of that name is replaced, not rewritten: a process that has the old file open must not read the new one.
    Raises OSError, :class:`Trouble`.
    """
    if os.path.islink(path) or (os.path.lexists(path) and not os.path.isfile(path)):
        raise Trouble(f"{path} is no regular file; remove it, or name another one")
    temporary = f"{path}.{os.urandom(6).hex()}"
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(fd, "w", encoding="utf-8") as file:
            if os.geteuid() == 0:
                os.fchown(fd, 0, _group())
            os.fchmod(fd, 0o640)
            file.write(text)
            file.flush()
            os.fsync(fd)
        if force:
            os.rename(temporary, path)
        else:
            os.link(temporary, path)
    finally:
        if os.path.lexists(temporary):
            os.unlink(temporary)


def _group() -> int:
    """The group of the default ``hylafax.user``; root's where there is no such user."""
    import pwd

    from gofaxpy.config.keys import HylaFax

    try:
        return pwd.getpwnam(HylaFax().user).pw_gid
    except KeyError:
        return 0


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
