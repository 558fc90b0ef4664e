"""Runs one of HylaFAX's small programs with some input, and reads its output within a time limit.

gofaxsend does this for every fax, and loading :mod:`subprocess` would take longer than the program itself.
"""

from __future__ import annotations

import os
import select
import time
from collections.abc import Sequence

LONGEST_QUESTION = 4096     # octets; every pipe holds as many before a process reads it (pipe(7))
LONGEST_ANSWER = 65536      # octets; the rest of a longer output is left out
_SIGKILL, _SIGPIPE = 9, 13  # signal(7); the module signal is slow to load


def answer_of(command: Sequence[bytes], question: bytes, seconds: float) -> bytes:
    """The output of ``command`` (its first word is an absolute path) for the input ``question``.  The exit status is ignored.

    Raises OSError if the program cannot be started or the question is too long, and TimeoutError if the program does not end
    within ``seconds``; then it is killed.
    """
    if len(question) > LONGEST_QUESTION:
        raise OSError(f"a question of {len(question)} octets is too long")
    stdin, question_end = os.pipe()
    try:
        try:
            os.write(question_end, question)
        finally:
            os.close(question_end)
        answer_end, stdout = os.pipe()
        try:
            pid = _started(command, stdin, stdout)
            return _output(pid, answer_end, time.monotonic() + seconds)
        finally:
            os.close(answer_end)
    finally:
        os.close(stdin)


def _started(command: Sequence[bytes], stdin: int, stdout: int) -> int:
    """Starts the program and returns its pid.  Closes ``stdout`` in this process."""
    try:
        return os.posix_spawn(
            command[0], list(command), os.environ, setsid=True, setsigdef=(_SIGPIPE,),   # Python itself ignores SIGPIPE
            file_actions=(
                (os.POSIX_SPAWN_DUP2, stdin, 0), (os.POSIX_SPAWN_DUP2, stdout, 1),
                (os.POSIX_SPAWN_OPEN, 2, b"/dev/null", os.O_WRONLY, 0),
            ),
        )
    finally:
        os.close(stdout)


def _output(pid: int, fd: int, deadline: float) -> bytes:
    output = b""
    try:
        while True:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([fd], [], [], left)[0]:
                os.kill(pid, _SIGKILL)
                raise TimeoutError("it has not ended in time")
            chunk = os.read(fd, 8192)
            if not chunk:
                return output
            output = (output + chunk)[:LONGEST_ANSWER]
    finally:
        os.waitpid(pid, 0)
