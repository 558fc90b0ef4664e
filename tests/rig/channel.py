"""A channel and API commands of FreeSWITCH as plain objects: for quick tests of handlers, without a switch or a process."""

from __future__ import annotations

import os
import pwd
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace

import pytest

from gofaxpy.config.file import load
from gofaxpy.setting import Setting

UUID = "01234567-89ab-4def-8123-456789abcdef"


class Session:
    """mod_python3's Session.  ``applications`` are run when the handler executes them; ``executed`` has them in order."""

    def __init__(
        self, variables: Mapping[str, str] | None = None, applications: Mapping[str, Callable[[Session], None]] | None = None,
        at_hangup: Callable[[], None] = lambda: None,
    ) -> None:
        self.variables = {"uuid": UUID, **(variables or {})}
        self.executed: list[tuple[str, str]] = []
        self.cause = ""         # with which it was hung up
        self.up = True
        self._applications = applications or {}
        self._at_hangup = at_hangup

    def getVariable(self, name: str) -> str | None:
        return self.variables.get(name)

    def setVariable(self, name: str, value: str) -> None:
        if value:
            self.variables[name] = value
        else:
            self.variables.pop(name, None)

    def execute(self, app: str, data: str) -> None:
        self.executed.append((app, data))
        if app == "respond":
            self.up = False
        if self.up and app in self._applications:
            self._applications[app](self)

    def ready(self) -> bool:
        return self.up

    def hangup(self, cause: str) -> None:
        if not self.cause:
            self._at_hangup()
            self.cause = cause
        self.up = False

    def ran(self, app: str) -> list[str]:
        """The data of each time that the application was executed."""
        return [data for name, data in self.executed if name == app]


class Commands:
    """mod_python3's API.  A command is answered by the first of ``replies`` that it begins with, otherwise with nothing."""

    def __init__(self, replies: Mapping[str, str] | None = None) -> None:
        self.given: list[str] = []
        self._replies = replies or {}

    def execute(self, command: str, data: str) -> str:
        line = f"{command} {data}"
        self.given.append(line)
        return next((reply for beginning, reply in self._replies.items() if line.startswith(beginning)), "")


class OwnSpool:
    """A spool of HylaFAX's user, who this process is meanwhile (root becomes ``uucp``), and FreeSWITCH's log."""

    def __init__(self, path: Path, user: str, lines: list[str]) -> None:
        self.path = path
        self.user = user
        self.lines = lines

    def configure(self, text: str = "") -> Setting:
        """The setting of a configuration for the spool, with the lines of ``text`` besides; ``GOFAX_CONFIG`` names it."""
        path = self.path / "etc" / "gofax.yaml"
        hylafax = f"hylafax: {{spooldir: {self.path}, lock_dir: {self.path}/lock, user: {self.user}, modems: 2}}\n"
        sections = ("freeswitch", "inbound", "outbound", "log")
        left_out = "".join(f"{name}: {{}}\n" for name in sections if f"{name}:" not in text)
        path.write_text(hylafax + text + left_out)
        os.environ["GOFAX_CONFIG"] = str(path)
        return Setting.of(load(str(path)))


@pytest.fixture
def own_spool(monkeypatch: pytest.MonkeyPatch) -> Iterator[OwnSpool]:
    """A spool that belongs to this test."""
    lines: list[str] = []
    module = SimpleNamespace(consoleLog=lambda level, text: lines.append(f"{level}: {text.strip()}"))
    monkeypatch.setitem(sys.modules, "freeswitch", module)
    monkeypatch.setenv("GOFAX_CONFIG", "/nonexistent")
    root = os.geteuid() == 0
    user = pwd.getpwnam("uucp") if root else pwd.getpwuid(os.geteuid())
    spool = Path(tempfile.mkdtemp(prefix="gofax-spool-"))
    os.chown(spool, user.pw_uid, user.pw_gid)
    if root:
        os.setresuid(user.pw_uid, user.pw_uid, 0)
    try:
        for name in ("recvq", "sendq", "docq", "log", "status", "lock", "etc", "bin"):
            (spool / name).mkdir()
        yield OwnSpool(spool, user.pw_name, lines)
    finally:
        if root:
            os.setresuid(0, 0, 0)
        shutil.rmtree(spool)
