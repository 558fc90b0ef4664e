"""A private FreeSWITCH: its own configuration, databases, logs, scripts and addresses; no other instance is touched."""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence

from rig.driven import FREESWITCH, Switch, burden
from rig.install import UMASK, Installed
from rig.live.configuration import Addresses, own_address, write_configuration
from rig.live.farends import HANGUP_AFTER_PAGES, lines_have_t38
from rig.live.line import Cut, Line
from rig.live.watcher import Watcher
from rig.ports import Port
from rig.rundir import FAX_USER, RigError, RunDir

REALTIME = "LIVE_REALTIME"
"""Environment variable: ``1`` runs FreeSWITCH with real-time priority, as production machines should (``freeswitch -rp``,
``CPUSchedulingPolicy=rr``).  Where other programs keep the processors busy, audio comes late without it, and faxes break."""
_DIRECTORIES = ("db", "log", "run", "tmp", "storage", "cache", "certs", "recordings", "sounds", "grammar", "htdocs")
_OPTION = {"tmp": "temp"}
_FAR = re.compile(r"sofia/far/([^@/]+)$")
_TROUBLE = "standin_"
_CUTS_HEADER = "X-Rig-Cuts"
"""SIP header: when the line of this call is cut."""


class Live(Switch):
    """FreeSWITCH as installed below ``prefix``, run as uucp (or ``user``) at normal priority.

    The options are those of the stand-in (:class:`rig.switch.StandIn`).  ``speed`` counts for nothing: time is real.
    A far end that calls us can hang up (``standin_hangup_after``, ``standin_hangup_after_pages``), stall
    (``standin_t38=stall``) or have a line with ``standin_cuts``; far ends that we call can have ``cuts``, too.  What else
    the stand-in's lines can do raises RigError.
    """

    live = True

    def __init__(
        self,
        run_dir: RunDir,
        installed: Installed,
        *,
        prefix: str,
        gofaxyaml: str,
        far_ends: Sequence[Mapping[str, object]] = (),
        gateways: Mapping[str, Mapping[str, object]] | None = None,
        speed: str | float = "max",
        startup_scripts: Sequence[str] = ("fax_supervisor",),
        port: Port | None = None,
        password: str = "ClueCon",
        env: Mapping[str, str] | None = None,
        user: str = FAX_USER,
        umask: int = UMASK,
    ) -> None:
        self._program = os.path.join(prefix, "bin", "freeswitch")
        if not os.access(self._program, os.X_OK):
            raise RigError(f"{self._program} is no program: {FREESWITCH} must name the prefix of an installed FreeSWITCH")
        super().__init__(run_dir, gofaxyaml, port, password, user, umask)
        self.log = os.path.join(self.directory, "log", "freeswitch.log")
        self.output = os.path.join(run_dir.sub("log"), "freeswitch.out")
        for name in ("far", *_DIRECTORIES):
            run_dir.sub(os.path.join("switch", name), owner=FAX_USER)
        self._dead = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._dead.bind((own_address(self.esl_port), 0))
        self.at = Addresses.of(self.esl_port, self._dead.getsockname()[1])
        self._far_ends = far_ends
        address, fax, far = self.at.address, (self.at.address, self.at.fax_port), (self.at.address, self.at.far_port)
        self._line_in = Line(address, far, fax, lambda invite: _cuts(_header(invite, _CUTS_HEADER)))
        self._line_out = Line(address, fax, far, self._cuts_of_number)
        self._conf = os.path.join(run_dir.path, "freeswitch")
        write_configuration(
            self._conf, installed, self.at, line_port=self._line_out.port, password=password, startup_scripts=startup_scripts,
            gateways=gateways or {"default": {}}, far_ends=far_ends, far=self.far,
        )
        self._environment = {
            **run_dir.environ, "PYTHONPATH": installed.lib, "GOFAX_CONFIG": gofaxyaml, "HOME": self.directory, **(env or {}),
        }
        self._scripts = installed.scripts
        self._watcher: Watcher | None = None

    # -- life ---------------------------------------------------------------------------------

    def start(self, timeout: float = 240) -> None:
        self._note_start()
        directories = [(_OPTION.get(name, name), os.path.join(self.directory, name)) for name in _DIRECTORIES]
        arguments = [word for name, path in directories for word in (f"-{name}", path)]
        command = [
            self._program, "-nf", "-nc", "-np", "-nonat", "-conf", self._conf, "-scripts", self._scripts, *arguments
        ]
        identity: dict[str, object] = {"user": self._user, "group": self._user, "extra_groups": ()}
        if os.geteuid() != 0:
            identity = {}
        elif os.environ.get(REALTIME) == "1":  # root must choose it before it becomes another user; each exec keeps the pid
            user = ["setpriv", f"--reuid={self._user}", f"--regid={self._user}", "--clear-groups"]
            command, identity = ["chrt", "--rr", "10", *user, *command], {}
        with open(self.output, "ab") as output:
            self._process = subprocess.Popen(
                command,
                cwd=self.directory,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                process_group=0,
                umask=self._umask,
                **identity,  # type: ignore[call-overload]
            )
        began = time.monotonic()
        while not self._ready():
            if self._process.poll() is not None:
                raise RigError(f"FreeSWITCH ended with status {self._process.returncode}; see {self.output} and {self.log}")
            if time.monotonic() - began > timeout * burden():
                self.kill()
                raise RigError(f"FreeSWITCH was not ready after {timeout:g} s; see {self.log}")
            time.sleep(0.1)
        self._watcher = Watcher(self.esl_port, self.password)

    def _ready(self) -> bool:
        with contextlib.suppress(RigError, OSError, TimeoutError):
            return self.api("status").count("is ready") == 1 and self.api("sofia status").count("RUNNING") >= 2
        return False

    def close(self) -> None:
        self.stop()
        for line in (self._line_in, self._line_out):
            line.close()
        self._dead.close()

    def kill(self) -> None:
        super().kill()
        if self._watcher is not None:
            self._watcher.close()
            self._watcher = None

    def console(self, command: str) -> str:
        """By FreeSWITCH's own fs_cli.  It adds a newline, which is left out here.  Raises RigError where it fails."""
        program = os.path.join(os.path.dirname(self._program), "fs_cli")
        connection = ["-H", "127.0.0.1", "-P", str(self.esl_port), "-p", self.password]
        done = subprocess.run(
            [program, *connection, "-x", command], capture_output=True, encoding="utf-8", errors="surrogateescape",
            check=False, timeout=60, env=self.run_dir.environ,
        )
        if done.returncode != 0 or done.stderr:
            raise RigError(f"fs_cli -x '{command}' ended with status {done.returncode}: {done.stderr.strip()}")
        return done.stdout.removesuffix("\n")

    # -- calls --------------------------------------------------------------------------------

    def outside(self, number: str) -> str:
        return f"sofia/far/{number}@{self.at.address}:{self.at.fax_port}"

    def _originate(self, dialstring: str, target: str, timeout: float) -> str:
        """As on the stand-in, ``sofia/far/NUMBER`` is a call from outside to our NUMBER."""
        called = _FAR.sub(rf"sofia/far/\1@{self.at.address}:{self.at.fax_port}", dialstring)
        if _CUTS_HEADER in dialstring:
            called = called.replace(f"@{self.at.address}:{self.at.fax_port}", f"@{self.at.address}:{self._line_in.port}")
        return super()._originate(called, target, timeout)

    def _calling(self, variables: dict[str, str], document: str) -> tuple[dict[str, str], str]:
        chosen = {name: value for name, value in variables.items() if not name.startswith(_TROUBLE)}
        trouble = {name.removeprefix(_TROUBLE): value for name, value in variables.items() if name not in chosen}
        if lines_have_t38() and "cuts" not in trouble:
            chosen.setdefault("fax_enable_t38", "true")
        stalls = trouble.pop("t38", "") == "stall"
        if "hangup_after" in trouble:
            chosen["execute_on_answer"] = f"sched_hangup +{trouble.pop('hangup_after')}"
        if "hangup_after_pages" in trouble:
            chosen[HANGUP_AFTER_PAGES] = trouble.pop("hangup_after_pages")
        if "cuts" in trouble:
            chosen[f"sip_h_{_CUTS_HEADER}"] = trouble.pop("cuts")
        if trouble:
            raise RigError(f"a line of a real FreeSWITCH cannot have {', '.join(trouble)}")
        if not stalls:
            return super()._calling(chosen, document)
        return {**chosen, "rig_document": document}, "rig_stalling_sender XML far"

    def _cuts_of_number(self, invite: str) -> tuple[Cut, ...]:
        number = invite.partition("sip:")[2].partition("@")[0]
        for far_end in self._far_ends:
            if re.fullmatch(str(far_end["number"]), number):
                return _cuts(json.dumps(far_end.get("cuts", [])))
        return ()


def _header(message: str, name: str) -> str:
    found = re.search(rf"(?im)^{name}:\s*(.*?)\s*$", message)
    return found[1] if found else "[]"


def _cuts(text: str) -> tuple[Cut, ...]:
    return tuple((float(begin), float(length)) for begin, length in json.loads(text))
