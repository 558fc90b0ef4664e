"""Start and drive a switch: what tests and the demo need of one, and the stand-in that gives it.

The interface says nothing of what kind of switch it is: calls come in over the endpoint
``sofia/far``, which on the stand-in as on a real FreeSWITCH leads into the project's own inbound
dialplan, and go out by the gateways of the configuration.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol

import yaml

from rig.esl import EventSocket
from rig.install import SYSTEM_PYTHON, Installed
from rig.ports import Port
from rig.rundir import FAX_USER, RigError, RunDir

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
_UUID = re.compile(r"^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?=,|$)", re.M)


@dataclass(frozen=True, slots=True)
class PlacedCall:
    """A call that was placed from outside: ``reply`` is ``+OK <uuid>`` or ``-ERR CAUSE``."""

    uuid: str
    reply: str

    @property
    def answered(self) -> bool:
        """True if our side answered."""
        return self.reply.startswith("+OK")

    @property
    def cause(self) -> str:
        """Why the call failed, such as ``USER_BUSY``; ``""`` if it was answered."""
        return self.reply.removeprefix("-ERR").strip() if not self.answered else ""


class Switch(Protocol):
    """What a switch is to tests and demo."""

    esl_port: int
    log: str
    """Path of the log file."""

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def kill(self) -> None: ...
    def api(self, command: str) -> str: ...
    def originate(self, dialstring: str, application: str, *, timeout: float = 120) -> str: ...
    def place_call(self, number: str, document: str) -> PlacedCall: ...
    def calls(self) -> list[str]: ...
    def wait_calls_over(self, timeout: float = 60) -> None: ...


def dial_variables(variables: Mapping[str, str]) -> str:
    """``{a='x',b='y'}`` for a dialstring; ``""`` for no variables.  Commas split even inside quotes."""
    if not variables:
        return ""
    quoted = (f"{name}='{re.sub(_SPECIAL, _escape, value)}'" for name, value in variables.items())
    return "{" + ",".join(quoted) + "}"


_SPECIAL = re.compile(r"[\\,']")


def _escape(found: re.Match[str]) -> str:
    return "\\" + found[0]


class StandIn:
    """The stand-in switch of ``tests/mocks`` as a process of its own, run as uucp like FreeSWITCH.

    ``far_ends`` and ``gateways`` are those of its configuration; ``gofaxyaml`` is the file that the
    scripts inside the switch read (environment variable GOFAX_CONFIG).  ``port`` is for callers
    who must know it beforehand; it is released by ``stop``.  A context manager; ``start`` raises RigError.
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
    ) -> None:
        self.run_dir = run_dir
        self._installed = installed
        self._port = port or Port()
        self.esl_port = self._port.number
        self.password = password
        self.directory = run_dir.sub("switch", owner=FAX_USER)
        self.far = os.path.join(self.directory, "far")
        """Directory of what the far ends received."""
        self.log = os.path.join(self.directory, "freeswitch.log")
        self.output = os.path.join(run_dir.sub("log"), "standin.log")
        """What the process itself printed: its last words after a crash."""
        self._process: subprocess.Popen[str] | None = None
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
            "env": {"GOFAX_CONFIG": gofaxyaml, **run_dir.environ, **(env or {})},
            "startup_scripts": list(startup_scripts),
            "dialplan": dialplan,
            "gateways": {name: dict(value) for name, value in (gateways or {"default": {}}).items()},
            "far_ends": [dict(far_end) for far_end in far_ends],
        }
        with open(self._config, "w", encoding="utf-8") as file:
            yaml.safe_dump(settings, file, sort_keys=False)

    def __enter__(self) -> StandIn:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    # -- life ---------------------------------------------------------------------------------

    def start(self, timeout: float = 30) -> None:
        """Start the switch; returns when its event socket answers.  May be called again after its end."""
        self._ready.clear()
        identity: dict[str, object] = {"user": FAX_USER, "group": FAX_USER, "extra_groups": ()}
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
            umask=0o022,
            **(identity if os.geteuid() == 0 else {}),  # type: ignore[call-overload]
        )
        self._reader = threading.Thread(target=self._read_output, args=(self._process,), daemon=True)
        self._reader.start()
        deadline = time.monotonic() + timeout
        while not self._ready.wait(0.05):
            if self._process.poll() is not None:
                self._reader.join()
                raise RigError(f"the switch ended with status {self._process.returncode}: {self._last_words()}")
            if time.monotonic() > deadline:
                self.kill()
                raise RigError(f"the switch was not ready after {timeout:g} s: {self._last_words()}")

    @property
    def running(self) -> bool:
        """True while the process lives."""
        return self._process is not None and self._process.poll() is None

    @property
    def status(self) -> int | None:
        """Exit status of the process, None while it runs; CRASHED after what crashes FreeSWITCH."""
        return self._process.poll() if self._process else None

    def stop(self, timeout: float = 20) -> None:
        """Shut the switch down in order (``fsctl shutdown``), by force after ``timeout`` seconds."""
        if self.running and self._process is not None:
            with contextlib.suppress(RigError, OSError):
                self.api("fsctl shutdown")
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout)
        self.kill()
        self._port.release()

    def kill(self) -> None:
        """End the switch like a crash does: kill -9, no goodbyes."""
        if self._process is None or self._reader is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._reader.join(10)
        if self._process.stdout:
            self._process.stdout.close()

    def wait_end(self, timeout: float = 30) -> int:
        """Wait until the process ends by itself and return its exit status."""
        if self._process is None:
            raise RigError("the switch was never started")
        return self._process.wait(timeout)

    # -- calls --------------------------------------------------------------------------------

    def connect(self) -> EventSocket:
        """A new connection to the event socket."""
        return EventSocket(self.esl_port, self.password)

    def api(self, command: str) -> str:
        """Run one API command over a connection of its own."""
        with self.connect() as socket:
            return socket.api(command)

    def originate(self, dialstring: str, application: str, *, timeout: float = 120) -> str:
        """Originate a call to ``dialstring``; returns ``+OK <uuid>`` or ``-ERR CAUSE`` when it is answered or over."""
        with self.connect() as socket:
            return socket.bgapi(f"originate {dialstring} '&{application}'", timeout).strip()

    def place_call(
        self,
        number: str,
        document: str,
        *,
        caller_number: str = "030123456",
        caller_name: str = "ACME Corp",
        ident: str = "+49 30 FAR",
        diversion: str = "",
        variables: Mapping[str, str] | None = None,
        timeout: float = 120,
    ) -> PlacedCall:
        """Call our ``number`` from outside and send the TIFF ``document``; returns when answered or refused.

        ``variables`` are added to the calling leg, e.g. ``fax_use_ecm``.
        """
        call = str(uuid.uuid4())
        chosen = {
            "origination_uuid": call,
            "origination_caller_id_number": caller_number,
            "origination_caller_id_name": caller_name,
            "fax_ident": ident,
            **({"sip_h_Diversion": diversion} if diversion else {}),
            **(variables or {}),
        }
        sent = os.path.join(self.directory, f"{call}.tif")
        shutil.copyfile(document, sent)  # to where the switch's user can read it
        reply = self.originate(f"{dial_variables(chosen)}sofia/far/{number}", f"txfax({sent})", timeout=timeout)
        return PlacedCall(call, reply)

    def calls(self) -> list[str]:
        """UUIDs of the calls that exist now."""
        return _UUID.findall(self.api("show channels"))

    def wait_calls_over(self, timeout: float = 60) -> None:
        """Wait until no call exists.  Raises TimeoutError."""
        deadline = time.monotonic() + timeout
        while calls := self.calls():
            if time.monotonic() > deadline:
                raise TimeoutError(f"after {timeout:g} s there are still calls: {calls}; see {self.log}")
            time.sleep(0.05)

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
