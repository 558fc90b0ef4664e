"""The project installed where daemons can read it, and a gofax.yaml for a run.

A checkout may lie where user uucp cannot look (/root), so programs that run as uucp get a copy: in
the same layout, owned by root and byte-compiled, as a package would install it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

import yaml

from rig.guard import own
from rig.guard import port as guarded_port
from rig.rundir import RigError, RunDir

CHECKOUT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SYSTEM_PYTHON = "/usr/bin/python3"
"""Debian's own Python: the one that gofaxsend and FreeSWITCH's mod_python3 run with."""

def unit_settings(name: str = "freeswitch.service") -> list[tuple[str, str]]:
    """The settings of a unit in conf/systemd, in their order."""
    with open(os.path.join(CHECKOUT, "conf", "systemd", name), encoding="utf-8") as file:
        return re.findall(r"^([A-Za-z]+)=(.*)$", file.read(), re.M)


UMASK = int(dict(unit_settings())["UMask"], 8)
"""With which FreeSWITCH runs."""
DIRECTORY_MODE = int(dict(unit_settings())["LogsDirectoryMode"], 8)
"""Of the directories that it writes into."""

_PARTS = ("bin", "lib", "fs_scripts", "dialplan", "conf", "tests/mocks")


@dataclass(frozen=True, slots=True)
class Installed:
    """Where a run finds the parts of the project."""

    root: str

    @property
    def gofaxsend(self) -> str:
        """The SendFaxCmd."""
        return os.path.join(self.root, "bin", "gofaxsend")

    @property
    def gofaxctl(self) -> str:
        """The operator's command."""
        return os.path.join(self.root, "bin", "gofaxctl")

    @property
    def lib(self) -> str:
        """Directory of the package ``gofaxpy``."""
        return os.path.join(self.root, "lib")

    @property
    def scripts(self) -> str:
        """FreeSWITCH's entry points."""
        return os.path.join(self.root, "fs_scripts")

    @property
    def dialplan(self) -> str:
        """The inbound dialplan."""
        return os.path.join(self.root, "dialplan", "gofax.xml")

    @property
    def tests(self) -> str:
        """Directory of the package ``mocks``."""
        return os.path.join(self.root, "tests")


def install(run_dir: RunDir, checkout: str = CHECKOUT) -> Installed:
    """Copy the project into ``run_dir``.  Raises RigError for a checkout that lacks a part."""
    root = run_dir.sub("app")
    for part in _PARTS:
        source = os.path.join(checkout, part)
        if not os.path.isdir(source):
            raise RigError(f"{source} does not exist: this is no complete checkout")
        shutil.copytree(
            source, os.path.join(root, part), ignore=shutil.ignore_patterns("__pycache__", "*.pyc"), dirs_exist_ok=True
        )
    for directory, names, files in os.walk(root):
        for name in names:
            os.chmod(os.path.join(directory, name), 0o755)
        for name in files:
            path = os.path.join(directory, name)
            os.chmod(path, 0o755 if os.stat(path).st_mode & 0o100 else 0o644)
    compiling = [SYSTEM_PYTHON, "-m", "compileall", "-q", os.path.join(root, "lib"), os.path.join(root, "tests")]
    if subprocess.run(compiling, check=False, env=run_dir.environ).returncode != 0:
        raise RigError("the project does not compile: messages of compileall stand above")
    return Installed(root)


def gofaxyaml(
    path: str,
    *,
    spool: str,
    lock_dir: str,
    esl_port: int,
    modems: int = 2,
    password: str = "ClueCon",
    overrides: Mapping[str, Mapping[str, object]] | None = None,
) -> str:
    """Write a gofax.yaml for a run to ``path`` and return the path.

    What differs from the defaults: places, ports, a station identifier, short waits before the
    answer, and received files that every client of hfaxd may see.  ``overrides`` maps section to
    keys that are set on top.
    """
    own(path), own(spool), own(lock_dir), guarded_port(esl_port)
    settings: dict[str, dict[str, object]] = {
        "freeswitch": {
            "servers": [{"host": "127.0.0.1", "port": esl_port, "password": password}],
            "ident": "+49 30 12340",
            "header": "gofaxpy",
        },
        "hylafax": {"spooldir": spool, "lock_dir": lock_dir, "modems": modems},
        "inbound": {"answer_after": 200, "wait_time": 100, "recv_file_mode": "0644"},
        "outbound": {},
        "log": {"level": "debug"},
    }
    for section, keys in (overrides or {}).items():
        settings.setdefault(section, {}).update(keys)
    with open(path, "w", encoding="utf-8") as file:
        yaml.safe_dump(settings, file, sort_keys=False)
    os.chmod(path, 0o644)
    return path
