"""The stand-in switch as a program: `python -m mocks.standin --config FILE`.

Prints `ready PORT` (the port of the event socket) on standard output when it takes calls. SIGTERM and SIGINT end it as
`fsctl shutdown` does. Exit status: 0 after an orderly end, 70 after something that would have crashed the real switch,
2 for a wrong configuration.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections.abc import Sequence

from mocks.config import Config, ConfigError, load
from mocks.esl.bus import Origin
from mocks.esl.event import Event
from mocks.esl.server import EventSocket
from mocks.host.pyhost import PythonHost
from mocks.switch import Services, Switch
from mocks.switchlog import ALERT, CONSOLE

CRASH_STATUS = 70
#: Seconds a stopped interpreter may take for scripts outside calls.
_SCRIPT_GRACE = 4.0
#: Stack of a thread, in bytes: hundreds of calls have three threads each.
_STACK = 1024 * 1024
_SHUTDOWN = Origin("switch_core.c", "switch_core_destroy", 3023)


def run(config: Config) -> int:
    """Run a switch until it is told to end; the exit status."""
    switch = Switch(config)
    server = EventSocket(switch)
    host = _interpreter(switch) if config.script_dir else None
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: threading.Thread(target=switch.shutdown_requested.set).start())
    server.start()
    print(f"ready {server.port}", flush=True)
    switch.shutdown_requested.wait()
    if switch.crash_reason:
        _crash(switch.crash_reason)
    if switch.exit_now:
        os._exit(0)
    _end(switch, server, host)
    return 0


def _interpreter(switch: Switch) -> PythonHost:
    config = switch.config
    host = PythonHost(
        Services(switch),
        script_dir=config.script_dir,
        python_path=config.python_path,
        env=config.env,
        run_dir=config.run_dir,
        on_crash=_crash,
    )
    host.start()
    switch.interpreter = host
    for script in config.startup_scripts:
        host.thread(script)
    return host


def _crash(reason: str) -> None:
    """What a segmentation fault would have done: everything is gone at once."""
    sys.stderr.write(f"*** the switch crashed: {reason}\n")
    sys.stderr.flush()
    os._exit(CRASH_STATUS)


def _end(switch: Switch, server: EventSocket, host: PythonHost | None) -> None:
    """The orderly end (`switch_core_destroy`): say so, hang up, wait for handlers, unload the modules under the rest."""
    switch.bus.fire(Event("SHUTDOWN", None, [("Event-Info", "System Shutting Down")]), _SHUTDOWN)
    switch.no_new_sessions = True
    switch.verbose_events = True
    switch.log.write(CONSOLE, "End existing sessions")
    switch.hangup_all("SYSTEM_SHUTDOWN")
    if not switch.wait_for_channels(switch.config.shutdown_wait):
        switch.log.write(ALERT, f"{len(switch.channels())} session(s) did not end: modules are unloaded under them")
    switch.log.write(CONSOLE, "Clean up modules.")
    if host is not None:
        host.stop(0, _SCRIPT_GRACE)
    switch.bus.drain(2)
    server.close()
    switch.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="standin", description="A small FreeSWITCH for tests and the demo.")
    parser.add_argument("--config", required=True, metavar="FILE", help="YAML file, see mocks/config.py")
    options = parser.parse_args(arguments)
    try:
        config = load(options.config)
    except (ConfigError, OSError) as error:
        print(f"standin: {error}", file=sys.stderr)
        return 2
    threading.stack_size(_STACK)
    return run(config)


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    os._exit(status)  # threads that are still in a call must not keep the process
