"""The child process from outside: its program, its environment, its control socket."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Mapping, Sequence

#: The program of the child process.
PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "__main__.py")


def environment(script_dir: str, python_path: Sequence[str], env: Mapping[str, str]) -> dict[str, str]:
    """This process's environment, `env` over it, and PYTHONPATH as mod_python3 sets it for itself and its children.

    This process's own PYTHONPATH is that of a test, not of a switch, and stays out.
    """
    own = env.get("PYTHONPATH", "")
    return {**os.environ, **env, "PYTHONPATH": ":".join([*python_path, *filter(None, [own]), script_dir])}


def spawn(
    command: Sequence[str], directory: str, env: Mapping[str, str]
) -> tuple[subprocess.Popen[bytes], socket.socket]:
    """Start `command` in `directory`, the descriptor of its control socket added as last argument; process and socket.

    The thread that calls this must live as long as the child: the kernel ties PR_SET_PDEATHSIG to it. Raises OSError.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        try:
            process = subprocess.Popen(
                [*command, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                cwd=directory,
                env=env,
            )
        except OSError:
            ours.close()
            raise
    return process, ours
