"""Holds a process at a step of the journal, just before or just after the mark is written, for as long as a test wants.

What writes marks runs with a few lines of ours before it: they look at what goes through ``os.write``, and wait in front
of the mark that a file names.  gofaxsend gets them by a SendFaxCmd that runs it, FreeSWITCH's Python by a
``sitecustomize`` on the path of this switch, the process that runs faxrcvd by a word in the command that starts it.  The
product knows nothing of it.
"""

from __future__ import annotations

import os

from gofaxpy.journal import Step
from rig import Installed
from rig.rundir import FAX_USER, RunDir, fax_ids

_WATCH = '''\
import os
import time

_ORDER, _STARTS = {order!r}, {starts!r}
_write = os.write


def _watched(fd, data):
    if bytes(data[:9]) != b'\\n{{"step":':
        return _write(fd, data)
    try:
        with open(_ORDER) as file:
            step, when = file.read().split("/")
        if f'"step":"{{step}}"'.encode() not in data:
            return _write(fd, data)
        os.rename(_ORDER, _ORDER + ".taken")        # only one process is held
    except (OSError, ValueError):
        return _write(fd, data)
    written = _write(fd, data) if when == "after" else None
    with open(_ORDER + ".holding", "w") as file:
        file.write(str(os.getpid()))
    os.rename(_ORDER + ".holding", _ORDER + ".held")
    while os.path.exists(_ORDER + ".held"):
        time.sleep(0.01)
    return _write(fd, data) if written is None else written


os.write = _watched
'''
_RUN = '''\
#!/usr/bin/python3 -IS
{watch}
import runpy
import sys

sys.argv = {argv}
{more}
runpy.run_path(sys.argv[0], run_name="__main__")
'''
_NOTE_START = """\
with open(_STARTS, "a") as _file:
    _file.write(f"{os.getpid()} {sys.argv[-1]}\\n")
while os.path.exists(_ORDER + ".load"):
    time.sleep(0.01)
"""
_IN_SWITCH = """
import subprocess

_init = subprocess.Popen.__init__


def _started(self, command, *rest, **options):
    words = list(command) if isinstance(command, list) else []
    at = next((n for n, word in enumerate(words) if bytes(word).endswith(b"/gofaxpy/faxrcvd.py")), 0)
    if at:
        words.insert(at, {runner!r}.encode())
        command = words
    _init(self, command, *rest, **options)


subprocess.Popen.__init__ = _started
"""


class Holding:
    """The seam of one run.  ``python_path`` is for the switch's environment, ``sendfaxcmd`` for ``etc/config``."""

    def __init__(self, run_dir: RunDir, installed: Installed) -> None:
        self._order = os.path.join(run_dir.sub("order", owner=FAX_USER), "step")
        self._starts = os.path.join(run_dir.sub("order", owner=FAX_USER), "starts")
        directory = run_dir.sub("holding")
        watch = _WATCH.format(order=self._order, starts=self._starts)
        self.sendfaxcmd = os.path.join(directory, "gofaxsend")
        runner = os.path.join(directory, "runner")
        inside = os.path.join(directory, "inside")
        os.makedirs(inside, exist_ok=True)
        _program(self.sendfaxcmd, _RUN.format(watch=watch, argv=f"[{installed.gofaxsend!r}, *sys.argv[1:]]", more=_NOTE_START))
        _program(runner, _RUN.format(watch=watch, argv="sys.argv[1:]", more=""))
        _program(os.path.join(inside, "sitecustomize.py"), watch + _IN_SWITCH.format(runner=runner))
        self.python_path = f"{inside}:{installed.lib}"

    def at(self, step: Step, when: str) -> None:
        """The next process that notes this step waits ``before`` or ``after`` it has done so."""
        with open(self._order + ".new", "w", encoding="ascii") as file:
            file.write(f"{step}/{when}")
        os.chown(self._order + ".new", *fax_ids())
        os.rename(self._order + ".new", self._order)

    def loading(self) -> None:
        """The next gofaxsend waits before it is loaded, until :meth:`release`."""
        with open(self._order + ".load", "w", encoding="ascii"):
            pass

    def held(self) -> int:
        """The process that waits, 0 if none does yet."""
        try:
            with open(self._order + ".held", encoding="ascii") as file:
                return int(file.read())
        except FileNotFoundError:
            return 0

    def release(self) -> None:
        """Whoever waits goes on."""
        for name in ("", ".held", ".load"):
            if os.path.exists(self._order + name):
                os.unlink(self._order + name)

    def starts(self) -> list[tuple[int, int]]:
        """Process and job of each gofaxsend that was started."""
        try:
            with open(self._starts, encoding="ascii") as file:
                found = [line.split() for line in file]
        except FileNotFoundError:
            return []
        return [(int(pid), int(qfile.rpartition("/q")[2])) for pid, qfile in found]


def _program(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, 0o755)
