"""The switches that tests and the demo can have: the stand-in, or a real FreeSWITCH where there is one."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence

import yaml

from rig.driven import FREESWITCH, PlacedCall, Switch, burden, dial_variables, patience
from rig.install import SYSTEM_PYTHON, UMASK, Installed
from rig.live import Live
from rig.ports import Port
from rig.rundir import FAX_USER, RigError, RunDir

__all__ = ["CRASHED", "FREESWITCH", "Live", "PlacedCall", "StandIn", "Switch", "dial_variables", "make_switch", "patience"]

CRASHED = 70
"""Exit status of the stand-in after something that would have crashed FreeSWITCH."""

# The project's dialplan is included in a context, as an operator does it.
_DIALPLAN = """\
<include>
  <context name="fax">
    <X-PRE-PROCESS cmd="include" data="{}"/>
  </context>
</include>
"""


def make_switch(run_dir: RunDir, installed: Installed, **options: object) -> Switch:
    """The switch that a scenario runs on, not started yet: a real FreeSWITCH where the environment variable FREESWITCH
    names the prefix of one, else the stand-in.  ``options`` are those of StandIn; Live leaves out what it has no use for.
    """
    if os.environ.get(FREESWITCH):
        return Live(run_dir, installed, prefix=os.environ[FREESWITCH], **options)  # type: ignore[arg-type]
    return StandIn(run_dir, installed, **options)  # type: ignore[arg-type]


class StandIn(Switch):
    """The stand-in switch of ``tests/mocks`` as a process of its own, run as uucp like FreeSWITCH.

    ``far_ends`` and ``gateways`` are those of its configuration; ``gofaxyaml`` is the file that the
    scripts inside the switch read (environment variable GOFAX_CONFIG).  ``port`` is for callers
    who must know it beforehand; it is released by ``stop``.  ``more`` are further keys of its configuration;
    ``user`` and ``umask`` are those of the process.
    """

    def __init__(
        self,
        run_dir: RunDir,
        installed: Installed,
        *,
        gofaxyaml: str,
        far_ends: Sequence[Mapping[str, object]] = (),
        gateways: Mapping[str, Mapping[str, object]] | None = None,
        speed: str | float = "max",
        startup_scripts: Sequence[str] = ("fax_supervisor",),
        port: Port | None = None,
        password: str = "ClueCon",
        env: Mapping[str, str] | None = None,
        more: Mapping[str, object] | None = None,
        user: str = FAX_USER,
        umask: int = UMASK,
    ) -> None:
        super().__init__(run_dir, gofaxyaml, port, password, user, umask)
        self._installed = installed
        self.log = os.path.join(self.directory, "freeswitch.log")
        self.output = os.path.join(run_dir.sub("log"), "standin.log")
        self._reader: threading.Thread | None = None
        self._ready = threading.Event()
        self._config = os.path.join(run_dir.path, "standin.yaml")
        dialplan = os.path.join(run_dir.path, "dialplan.xml")
        with open(dialplan, "w", encoding="utf-8") as file:
            file.write(_DIALPLAN.format(installed.dialplan))
        settings = {
            "event_socket": {"host": "127.0.0.1", "port": self.esl_port, "password": password},
            "run_dir": self.directory,
            "speed": speed,
            "script_dir": installed.scripts,
            "python_path": [installed.lib],
            "env": {**run_dir.environ, "GOFAX_CONFIG": gofaxyaml, **(env or {})},
            "startup_scripts": list(startup_scripts),
            "dialplan": dialplan,
            "gateways": {name: dict(value) for name, value in (gateways or {"default": {}}).items()},
            "far_ends": [dict(far_end) for far_end in far_ends],
            **(more or {}),
        }
        with open(self._config, "w", encoding="utf-8") as file:
            yaml.safe_dump(settings, file, sort_keys=False)

    # -- life ---------------------------------------------------------------------------------

    def start(self, timeout: float = 30) -> None:
        self._note_start()
        self._ready.clear()
        identity: dict[str, object] = {"user": self._user, "group": self._user, "extra_groups": ()}
        self._process = subprocess.Popen(
            [SYSTEM_PYTHON, "-m", "mocks.standin", "--config", self._config],
            cwd=self.directory,
            env={**self.run_dir.environ, "PYTHONPATH": self._installed.tests, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="backslashreplace",
            process_group=0,  # Ctrl-C at the terminal is for the caller, who then ends us in order
            umask=self._umask,
            **(identity if os.geteuid() == 0 else {}),  # type: ignore[call-overload]
        )
        self._reader = threading.Thread(target=self._read_output, args=(self._process,), daemon=True)
        self._reader.start()
        began = time.monotonic()
        while not self._ready.wait(0.05):
            if self._process.poll() is not None:
                self._reader.join()
                raise RigError(f"the switch ended with status {self._process.returncode}: {self._last_words()}")
            if time.monotonic() - began > timeout * burden():
                self.kill()
                raise RigError(f"the switch was not ready after {timeout:g} s: {self._last_words()}")

    def kill(self) -> None:
        super().kill()
        if self._process is not None and self._reader is not None:
            self._reader.join(10)
            if self._process.stdout:
                self._process.stdout.close()

    # -- inside -------------------------------------------------------------------------------

    def _read_output(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        with open(self.output, "a", encoding="utf-8", errors="backslashreplace") as file:
            for line in process.stdout:
                file.write(line)
                file.flush()
                if line == f"ready {self.esl_port}\n":
                    self._ready.set()

    def _last_words(self) -> str:
        try:
            with open(self.output, encoding="utf-8") as file:
                return " / ".join(file.read().strip().splitlines()[-5:]) or f"it said nothing; see {self.log}"
        except FileNotFoundError:
            return f"it said nothing; see {self.log}"
