"""The embedded interpreter as the switch sees it: start it, run scripts in it, notice when it crashes.

Scripts run in a child process (`mocks.host`), as in mod_python3 all in one interpreter. The thread that asks for a
script carries it: it serves the script's requests until the script returns, as a channel's thread runs its script in
the real switch. Sources: FreeSWITCH `src/mod/languages/mod_python3/mod_python3.c`, `src/switch_cpp.cpp`,
`src/switch_core.c` (shutdown).
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from mocks.host.child import PROGRAM, environment, spawn
from mocks.host.gil import GilWatch, Holds
from mocks.host.mishap import Mishaps
from mocks.host.seam import ChannelLike, HostGone, Quirks, SwitchServices
from mocks.host.service import Service
from mocks.host.splitter import split_call
from mocks.host.wire import (
    CHUNK,
    CONTROL_CALL_LINE,
    CONTROL_CRASH,
    CONTROL_DRAIN,
    CONTROL_READY,
    CONTROL_THREAD_LINE,
    OP_HELLO,
    Wire,
)

__all__ = ["ChannelLike", "HostGone", "PythonHost", "Quirks", "SwitchServices"]

LOG_ALERT = 1
LOG_ERROR = 3
LOG_NOTICE = 5

#: Seconds `fsctl shutdown` waits for handlers of calls, and for scripts outside calls after that (measured on 1.10.12).
SHUTDOWN_GRACE = 50.0
THREAD_GRACE = 4.0
#: Seconds the child process may take to come up.
START_TIMEOUT = 30.0


class PythonHost:
    """The interpreter. All methods may be called from any thread."""

    def __init__(
        self,
        services: SwitchServices,
        *,
        script_dir: str,
        python_path: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        run_dir: str,
        python: str = sys.executable,
        quirks: Quirks | None = None,
        on_crash: Callable[[str], None] | None = None,
    ) -> None:
        """`script_dir` goes behind `python_path` and `env`'s own PYTHONPATH, before the standard library, as
        mod_python3 arranges it. `env` is added to this process's environment; `run_dir` becomes the working directory.
        `on_crash(reason)` is called in the moment a crash is noticed, before any waiting caller hears of it: a switch
        that ends itself there behaves like one that got a SIGSEGV.
        """
        self._services = services
        self._quirks = quirks or Quirks()
        self._on_crash = on_crash
        self._run_dir = run_dir
        self._python = python
        self._environment = environment(script_dir, python_path, env or {})
        self.gil = GilWatch(services.log)
        self._service = Service(services, self.gil, self._quirks)
        self._lock = threading.Lock()
        self._idle: list[Wire] = []
        self._calls = threading.Condition()
        self._handlers = 0
        self._control: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._ready = threading.Event()
        self._stopping = False
        self._gone = threading.Event()
        self.crashed = threading.Event()
        self.crash_reason = ""

    # Life

    def start(self) -> None:
        """Start the child process and wait until it takes calls. Raises RuntimeError if it does not come up."""
        # The kernel ties PR_SET_PDEATHSIG to the thread that forked, so that thread stays for as long as the child.
        threading.Thread(target=self._live, name="python-host", daemon=True).start()
        threading.Thread(target=self._watch_gil, name="python-gil", daemon=True).start()
        self._ready.wait(START_TIMEOUT)
        if self._gone.is_set() or not self._ready.is_set():
            raise RuntimeError(
                f"the embedded interpreter did not start ({self._python} {PROGRAM}): "
                f"{self.crash_reason or f'no sign of life within {START_TIMEOUT:.0f} s'}; see standard error"
            )

    def stop(self, grace: float = SHUTDOWN_GRACE, thread_grace: float = THREAD_GRACE) -> None:
        """End as `fsctl shutdown` does: wait up to `grace` seconds for handlers of calls, then up to `thread_grace`
        for scripts outside calls, then kill whatever still runs. `stop(0, 0)` is `fsctl shutdown now`."""
        with self._calls:
            self._calls.wait_for(lambda: not self._handlers or self._gone.is_set(), grace)
        self._stopping = True
        if self._control is not None:
            try:
                self._control.send(CONTROL_DRAIN)
            except OSError:
                thread_grace = 0.0
            if thread_grace > 0:
                self._gone.wait(thread_grace)
            if self._process is not None and self._process.returncode is None:
                self._process.kill()
            self._gone.wait()

    @property
    def pid(self) -> int:
        """Process id of the interpreter, 0 before `start`."""
        return self._process.pid if self._process is not None else 0

    def _live(self) -> None:
        try:
            command = [self._python, PROGRAM, json.dumps({"parent": os.getpid(), **asdict(self._quirks)})]
            self._process, self._control = spawn(command, self._run_dir, self._environment)
        except OSError as error:
            self.crash_reason = str(error)
            self._gone.set()
            self._ready.set()
            return
        while True:
            try:
                packet, descriptors, _flags, _address = socket.recv_fds(
                    self._control, CHUNK, 1, socket.MSG_CMSG_CLOEXEC
                )
            except OSError:
                packet, descriptors = b"", []
            if not packet:
                break
            self._control_message(packet, descriptors)
        status = self._process.wait()
        if not self._ready.is_set():
            self.crash_reason = f"it ended with status {status}"
        elif not self._stopping and not self.crash_reason:
            self._crash(f"the embedded interpreter ended with status {status}, as the switch would have")
        self._gone.set()
        with self._calls:
            self._calls.notify_all()
        self._service.close()
        self._control.close()
        with self._lock:
            idle, self._idle = self._idle, []
        for wire in idle:
            wire.close()
        self._ready.set()

    def _control_message(self, packet: bytes, descriptors: list[int]) -> None:
        kind = packet[:1]
        if kind == CONTROL_READY:
            self._ready.set()
        elif kind == CONTROL_THREAD_LINE:
            wire = Wire(socket.socket(fileno=descriptors[0]))
            threading.Thread(target=self._serve_thread, args=(wire,), name="python-thread", daemon=True).start()
        elif kind == CONTROL_CRASH:
            told = json.loads(packet[1:])
            self._crash(f"{told['call']}: {told['reason']}\n    at {told['where']}")

    def _watch_gil(self) -> None:
        while not self._gone.wait(1.0):
            self.gil.check()

    def _crash(self, reason: str) -> None:
        self.crash_reason = reason
        text = f"*** CRASH: the real switch would be gone now ***\n    {reason}"
        print(text, file=sys.stderr, flush=True)
        self._services.log(LOG_ALERT, text)
        if self._on_crash is not None:
            self._on_crash(reason)
        self.crashed.set()

    # Scripts

    def application(self, channel: ChannelLike, data: str) -> None:
        """The dialplan application `python`: `handler(session, args)`. Blocks until the handler has returned.

        Raises HostGone when the interpreter ended meanwhile.
        """
        with self._calls:
            self._handlers += 1
        try:
            self._run("handler", data, channel, with_stream=False)
        finally:
            with self._calls:
                self._handlers -= 1
                self._calls.notify_all()

    def api(self, args: str, session_uuid: str | None = None) -> str:
        """The API command `python MODULE[::func] ARGS`: `fsapi(session, stream, env, args)`; what it wrote.

        `session` is the string `na` unless `session_uuid` names a channel. Raises HostGone.
        """
        channel = self._services.channel(session_uuid) if session_uuid is not None else None
        return self._run("fsapi", args, channel, with_stream=True)

    def thread(self, args: str) -> None:
        """The API command `pyrun` and the startup scripts: `runtime(args)` in a thread of its own; returns at once."""
        threading.Thread(target=self._run_thread, args=(args,), name="pyrun", daemon=True).start()

    def gil_report(self) -> str:
        """Who held the interpreter lock, for an operator (see `mocks.host.gil`)."""
        return self.gil.report()

    def gil_counts(self) -> dict[str, Holds]:
        """The same as values, by name of the call."""
        return self.gil.counts()

    @property
    def mishaps(self) -> Mishaps:
        """What befalls events on their way to the scripts."""
        return self._service.mishaps

    def _run_thread(self, args: str) -> None:
        try:
            self._run("runtime", args, None, with_stream=False)
        except HostGone:
            return  # whoever waits for the interpreter hears of it elsewhere; nobody waits for this thread

    def _run(self, function: str, text: str, channel: ChannelLike | None, *, with_stream: bool) -> str:
        call = split_call(text, function)
        if call is None:
            self._services.log(LOG_ERROR, "No module name specified!")
            return ""
        self._services.log(LOG_NOTICE, f"Invoking py module: {call.module}")
        request: dict[str, Any] = {"module": call.module, "function": call.function, "argument": call.argument}
        where = f"{call.module}::{call.function}"
        if channel is not None:
            request["session"] = channel.uuid
            where += f" of call {channel.uuid}"
            self._service.hold(channel)
        if with_stream:
            request["env"] = [
                ["Event-Name", "API"], ["API-Command", "python"], ["API-Command-Argument", text.strip()]
            ]  # fmt: skip
        wire = self._take_line()
        try:
            wire.send(request)
            while (message := wire.receive()) is not None:
                if "done" in message:
                    self._service.drop(message["drop"])
                    self._give_line(wire)
                    return str(message["done"] or "")
                wire.send(self._service.answer(message, where))
        except OSError as error:
            wire.close()
            self._gone.wait()
            raise HostGone(f"the interpreter ended while {where} ran: {self.crash_reason or error}") from error
        wire.close()
        self._gone.wait()
        raise HostGone(f"the interpreter ended while {where} ran: {self.crash_reason or 'it was stopped'}")

    def _serve_thread(self, wire: Wire) -> None:
        """Requests of a thread that a script started; its first message says its name."""
        where = "a thread"
        try:
            while (message := wire.receive()) is not None:
                if message["op"] == OP_HELLO:
                    where = f"thread {message['args'][0]}"
                    message["args"] = []
                wire.send(self._service.answer(message, where))
        except OSError:
            pass  # the interpreter ended while it was being answered
        finally:
            wire.close()

    def _take_line(self) -> Wire:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        if self._control is None:
            raise HostGone("the embedded interpreter was not started")
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                socket.send_fds(self._control, [CONTROL_CALL_LINE], [theirs.fileno()])
            except OSError as error:
                ours.close()
                raise HostGone(f"the embedded interpreter has ended: {self.crash_reason or error}") from error
        return Wire(ours)

    def _give_line(self, wire: Wire) -> None:
        with self._lock:
            if not self._gone.is_set():
                self._idle.append(wire)
                return
        wire.close()
