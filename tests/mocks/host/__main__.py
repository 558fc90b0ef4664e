"""The program of the child process in which all scripts run, started by `mocks.host.pyhost`.

Arguments: JSON (`parent`: process id of the switch, and the fields of `mocks.host.seam.Quirks`), control descriptor.

It arranges the process as FreeSWITCH 1.10.12 arranges itself: 240 KiB of stack for threads and, as soft limit, for
children; recursion limit 240; signals as `/proc/PID/status` of a running switch shows them; `sys.path` of an embedded
interpreter. Source: `src/switch.c` (stack limit and re-execution), `src/switch_core.c` (signals), `mod_python3.c`.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import sys

STACK = 240 * 1024
STACK_HARD = 8 * 1024 * 1024
RECURSION_LIMIT = STACK // 1024
PR_SET_PDEATHSIG = 1

_HERE = os.path.dirname(os.path.abspath(__file__))
_TESTS = os.path.dirname(os.path.dirname(_HERE))


def main() -> None:
    """Prepare the process and serve calls until the switch is gone."""
    arguments = {**json.loads(sys.argv[1]), "control": int(sys.argv[2])}
    limit_stack()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != arguments["parent"]:
        os._exit(0)  # the switch died before the kernel knew that this process is to go with it
    set_signals()
    os.set_inheritable(arguments["control"], False)
    del sys.path[0]  # this directory: an embedded interpreter has no program whose directory could be there
    sys.path.insert(0, _TESTS)
    from mocks.host import interpreter  # only now can it be found

    sys.path.remove(_TESTS)
    add_site(os.path.join(_HERE, "site"))
    sys.argv[:] = [""]
    sys.setrecursionlimit(RECURSION_LIMIT)
    interpreter.serve(arguments)


def add_site(directory: str) -> None:
    """Put the stand-in's `freeswitch` behind the standard library and before what the system has installed: a machine
    with a real mod_python3 has a `freeswitch.py` of its own among its packages."""
    packages = [place for place, path in enumerate(sys.path) if path.endswith(("site-packages", "dist-packages"))]
    sys.path.insert(packages[0] if packages else len(sys.path), directory)


def limit_stack() -> None:
    """Set the limits of the stack and execute this program again: new threads get what was the limit at that moment."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_STACK)
    ceiling = STACK_HARD if hard == resource.RLIM_INFINITY else min(hard, STACK_HARD)
    if (_soft, hard) == (STACK, ceiling):
        return
    resource.setrlimit(resource.RLIMIT_STACK, (STACK, ceiling))
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def set_signals() -> None:
    """Ignore what the switch ignores (children inherit that), and leave its end to the switch."""
    for number in (signal.SIGPIPE, signal.SIGQUIT, signal.SIGALRM, signal.SIGIO, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_IGN)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda _number, _frame: None)  # caught, so that children start with the default


if __name__ == "__main__":
    main()
