"""Drive a switch from outside, whatever it is: the stand-in and a real FreeSWITCH (:mod:`rig.switch`).

Calls come in over the endpoint ``sofia/far``, which on both leads into the project's own inbound dialplan, and go out by
the gateways of the configuration.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from rig.esl import EventSocket
from rig.guard import own
from rig.install import DIRECTORY_MODE
from rig.ports import Port
from rig.rundir import FAX_USER, RigError, RunDir

FREESWITCH = "FREESWITCH"
"""Environment variable: prefix of the installation of the real FreeSWITCH that tests are to use, such as /usr."""
_UUID = re.compile(r"^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?=,|$)", re.M)
_SESSIONS = re.compile(r"^(\d+) session\(s\) - peak", re.MULTILINE)


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


def burden() -> float:
    """How many times as long things may take because of what else the machine does: programs that want to run for each
    processor, now or over the last minute, whichever are more; 1 where there is room."""
    with open("/proc/loadavg", encoding="ascii") as file:       # see proc(5)
        fields = file.read().split()
    return max(1.0, max(float(fields[0]), float(fields[3].partition("/")[0])) / (os.cpu_count() or 1))


def patience() -> float:
    """How many times as long as on the stand-in, whose line time runs fast, on an idle machine things may take now on this
    run's switch.  To be asked anew while one waits: another program may have begun."""
    return (8.0 if os.environ.get(FREESWITCH) else 1.0) * burden()


def dial_variables(variables: Mapping[str, str]) -> str:
    """``{a='x',b='y'}`` for a dialstring; ``""`` for no variables.  Commas split even inside quotes."""
    if not variables:
        return ""
    quoted = (f"{name}='{re.sub(_SPECIAL, _escape, value)}'" for name, value in variables.items())
    return "{" + ",".join(quoted) + "}"


_SPECIAL = re.compile(r"[\\,'\n\r]")


def _escape(found: re.Match[str]) -> str:
    return "\\" + {"\n": "n", "\r": "r"}.get(found[0], found[0])


_started: list[Switch] = []


def switches_used() -> str:
    """What kinds of switches have run since the last call, those that still run included: ``real``, ``stand-in``, both
    or none."""
    kinds = {"real" if switch.live else "stand-in" for switch in _started}
    _started[:] = [switch for switch in _started if switch.running]
    return " and ".join(sorted(kinds))


class Switch(ABC):
    """A switch as a process of its own.  A context manager; ``start`` raises RigError."""

    log: str
    """Path of the log file."""
    output: str
    """What the process itself printed: its last words after a crash."""
    live = False
    """True for a real FreeSWITCH."""
    _process: subprocess.Popen[Any] | None = None

    def __init__(self, run_dir: RunDir, gofaxyaml: str, port: Port | None, password: str, user: str, umask: int) -> None:
        own(gofaxyaml)
        self.run_dir = run_dir
        self._port = port or Port()
        self.esl_port = self._port.number
        self.password = password
        self._user, self._umask = user, umask
        self.directory = run_dir.sub("switch", owner=FAX_USER)
        """Where the switch may write."""
        os.chmod(self.directory, DIRECTORY_MODE)
        self.far = os.path.join(self.directory, "far")
        """Directory of what the far ends received."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    @abstractmethod
    def start(self, timeout: float = 30) -> None:
        """Start the switch; returns when it takes calls and commands.  May be called again after its end."""

    def _note_start(self) -> None:
        """For :func:`switches_used`."""
        if self not in _started:
            _started.append(self)

    @property
    def patience(self) -> float:
        """:func:`patience`: how many times as long a call may take."""
        return patience()

    @property
    def running(self) -> bool:
        """True while the process lives."""
        return self._process is not None and self._process.poll() is None

    @property
    def status(self) -> int | None:
        """Exit status of the process, None while it runs; CRASHED after what crashes the stand-in."""
        return self._process.poll() if self._process else None

    @property
    def pid(self) -> int:
        """The process, whether it runs or has ended.  Raises RigError before the first start."""
        if self._process is None:
            raise RigError("the switch was never started")
        return self._process.pid

    def stop(self, timeout: float = 20) -> None:
        """Shut the switch down in order (``fsctl shutdown``), by force after ``timeout`` seconds."""
        if self.running and self._process is not None:
            with contextlib.suppress(RigError, OSError):
                self.api("fsctl shutdown")
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout)
        self.kill()
        self._port.release()

    def close(self) -> None:
        """Stop it for good."""
        self.stop()

    def kill(self) -> None:
        """End the switch like a crash does: kill -9, no goodbyes."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def wait_end(self, timeout: float = 30) -> int:
        """Wait until the process ends by itself and return its exit status."""
        if self._process is None:
            raise RigError("the switch was never started")
        return self._process.wait(timeout * self.patience)

    # -- calls --------------------------------------------------------------------------------

    def connect(self) -> EventSocket:
        """A new connection to the event socket."""
        return EventSocket(self.esl_port, self.password)

    def api(self, command: str) -> str:
        """Run one API command over a connection of its own."""
        with self.connect() as socket:
            return socket.api(command)

    def console(self, command: str) -> str:
        """What ``fs_cli -x COMMAND`` prints to an operator."""
        return self.api(command)

    def originate(self, dialstring: str, application: str, *, timeout: float = 120) -> str:
        """Originate a call to ``dialstring``; returns ``+OK <uuid>`` or ``-ERR CAUSE`` when it is answered or over."""
        return self._originate(dialstring, f"'&{application}'", timeout)

    def originate_to(self, dialstring: str, target: str, *, timeout: float = 120) -> str:
        """The same for any ``target``, with the quotes it is to have: an application or an extension."""
        return self._originate(dialstring, target, timeout)

    def outside(self, number: str) -> str:
        """Dialstring of a call from outside to our ``number``."""
        return f"sofia/far/{number}"

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

        ``variables`` are added to the calling leg, e.g. ``fax_use_ecm``; ``standin_KEY`` is trouble of the line or of the
        caller, as the stand-in's far ends have it (``mocks/config.py``).
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
        chosen, target = self._calling(chosen, sent)
        return PlacedCall(call, self._originate(f"{dial_variables(chosen)}{self.outside(number)}", target, timeout))

    def _calling(self, variables: dict[str, str], document: str) -> tuple[dict[str, str], str]:
        """Variables and target of the originate that sends ``document`` from outside."""
        return variables, f"'&txfax({document})'"

    def _originate(self, dialstring: str, target: str, timeout: float) -> str:
        with self.connect() as socket:
            return socket.bgapi(f"originate {dialstring} {target}", timeout).strip()

    def calls(self) -> list[str]:
        """UUIDs of the calls that exist now."""
        return _UUID.findall(self.api("show channels"))

    def sessions(self) -> int:
        """How many channels there are now."""
        found = _SESSIONS.search(self.api("status"))
        return int(found[1]) if found else 0

    def wait_calls_over(self, timeout: float = 60) -> None:
        """Wait until no call exists, ``timeout`` times ``patience`` seconds at most.  Raises TimeoutError.

        FreeSWITCH writes its table of channels behind the calls' backs, so a call that has just begun is not in there;
        the count of sessions has it.
        """
        began = time.monotonic()
        while (sessions := self.sessions()) or self.calls():
            if time.monotonic() - began > timeout * self.patience:
                raise TimeoutError(f"after {timeout:g} s there are still {sessions} calls: {self.calls()}; see {self.log}")
            time.sleep(0.05)
