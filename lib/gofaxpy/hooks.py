"""Runs an operator's hook script (DynamicConfig and the like) so that the script can do no harm to its call.

No shell is involved, because the arguments come from callers and users.  A script has a time limit, after which its whole
process group is killed.  Its output is read up to a limit.
"""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Callable, Sequence

from gofaxpy.hylafax.encoding import encode
from gofaxpy.values import frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    import subprocess

# Threads of FreeSWITCH have 240 KiB stacks, and their children inherit that as RLIMIT_STACK; scripts need the usual 8 MiB.
PRLIMIT = (b"/usr/bin/prlimit", b"--stack=8388608:", b"--")
# FreeSWITCH may run with real-time priority, for its timers.  A script that inherits it would delay them.
CHRT = (b"/usr/bin/chrt", b"--other", b"0")
KEPT_ENVIRONMENT = ("PATH", "TZ", "LANG", "LC_ALL", "LC_CTYPE")
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
MAX_OUTPUT = 65536              # octets
MAX_ARGUMENT = 1024             # characters
UMASK = 0o077                   # that of HylaFAX's servers (faxd/ModemServer.c++); FreeSWITCH's own may be any
TICK = 0.2                      # seconds between checks of the abort flag
SHORT_TICK = 0.01               # seconds between checks of a script that has closed its output; mostly it ends at once


def _never() -> bool:
    return False


@frozen
class HookResult:
    """How a script ended."""

    output: str         # what it printed
    status: int         # its exit status; negative: the signal that ended it, or -1 if it was not started
    problem: str        # "" if it ran, printed no more than MAX_OUTPUT and ended with status 0


def environment(extra: dict[str, str] | None = None) -> dict[str, str]:
    """A small environment for a script, and ``extra``.  FreeSWITCH's own environment is not passed on."""
    kept = {name: os.environ[name] for name in KEPT_ENVIRONMENT if name in os.environ}
    kept.setdefault("PATH", DEFAULT_PATH)
    return kept | (extra or {})


def argument(text: str) -> bytes:
    """One word for execve(2): bounded, without NUL.  Octets that were not UTF-8 become what they were."""
    return encode(text.replace("\0", "")[:MAX_ARGUMENT])


def run(
    program: str, arguments: Sequence[str], directory: str, timeout: float, aborted: Callable[[], bool] = _never
) -> HookResult:
    """Runs ``program`` in ``directory`` and waits for its end, at most ``timeout`` seconds or until ``aborted()`` is true.

    ``program`` is a path, relative to ``directory`` unless absolute.  Never raises for a script that fails.
    """
    import subprocess  # loaded only where a hook is configured

    path = program if program.startswith("/") else os.path.join(directory, program)
    usual = PRLIMIT if os.sched_getscheduler(0) == os.SCHED_OTHER else (*CHRT, *PRLIMIT)
    command = [*usual, argument(path), *map(argument, arguments)]
    if not os.access(encode(path), os.X_OK):
        return HookResult("", -1, f"{path} cannot be executed: is it there, and executable for this user?")
    try:
        process = subprocess.Popen(
            command, cwd=directory, env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, start_new_session=True, umask=UMASK,
        )
    except OSError as error:
        return HookResult("", -1, f"{path} cannot be started: {error.strerror}")
    assert process.stdout is not None
    deadline = time.monotonic() + timeout
    with process.stdout:
        data, problem = _read(process.stdout.fileno(), deadline, aborted)
    problem = problem or _wait(process, deadline, aborted)
    if problem:
        _kill_group(process.pid)
    status = process.wait()
    if not problem and status != 0:
        problem = f"ended with status {status}"
    return HookResult(data.decode("utf-8", "surrogateescape"), status, f"{path} {problem}" if problem else "")


def _read(fd: int, deadline: float, aborted: Callable[[], bool]) -> tuple[bytes, str]:
    """Reads to the end of the pipe.  The output, and in words why the end was not reached, ``""`` if it was."""
    data = b""
    poll = select.poll()    # select(2) takes no descriptor over 1023, and FreeSWITCH with a hundred calls has more
    poll.register(fd, select.POLLIN)
    while True:
        if problem := _no_more(deadline, aborted):
            return data, problem
        left = max(deadline - time.monotonic(), 0.0)
        if not poll.poll(min(left, TICK) * 1000):
            continue
        chunk = os.read(fd, 8192)
        if not chunk:
            return data, ""
        data += chunk
        if len(data) > MAX_OUTPUT:
            return data[:MAX_OUTPUT], f"prints more than {MAX_OUTPUT} bytes"


def _wait(process: subprocess.Popen[bytes], deadline: float, aborted: Callable[[], bool]) -> str:
    """Waits for the end of the script, which may come long after the end of its output.  In words why it did not come."""
    while process.poll() is None:
        if problem := _no_more(deadline, aborted):
            return problem
        time.sleep(SHORT_TICK)
    return ""


def _no_more(deadline: float, aborted: Callable[[], bool]) -> str:
    """Why the script is not waited for any longer, ``""`` if it is."""
    if aborted():
        return "was not waited for: the job is aborted"
    return "has not ended in time" if time.monotonic() >= deadline else ""


def _kill_group(pid: int) -> None:
    """Kills the script and the processes that it has started, except those that have left its process group."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
