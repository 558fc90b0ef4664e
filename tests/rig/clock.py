"""A wall clock that tests may set: all processes of a run see it, and their monotonic clock goes on as ever.

libfaketime would do, but its version in Debian 12 makes time.sleep fail where the monotonic clock is left alone; clock.c is
what of it is needed.  It changes what programs read of the time, not what the kernel writes: a file that was just written
has a time stamp of the kernel's, so after a jump forward everything looks old, and after one backward everything comes from
the future.  No real clock is that hard on those who judge things by their age.
"""

from __future__ import annotations

import os
import struct
import subprocess

from rig.rundir import RigError, RunDir

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "clock.c")
HOUR, YEAR = 3600, 365 * 86400
_PAGE = 4096


class Clock:
    """The clock of a run.  Make it before the processes: they get it by their environment.  Raises RigError."""

    def __init__(self, run_dir: RunDir) -> None:
        directory = run_dir.sub("clock")
        library = os.path.join(directory, "clock.so")
        try:
            subprocess.run(["tcc", "-shared", "-nostdlib", "-o", library, SOURCE], check=True, capture_output=True, text=True)
        except FileNotFoundError:
            raise RigError("tcc is not installed (make deps)") from None
        except subprocess.CalledProcessError as error:
            raise RigError(f"{SOURCE} cannot be compiled: {error.stderr}") from None
        self._file = os.path.join(directory, "shift")
        with open(self._file, "wb") as file:
            file.write(bytes(_PAGE))
        for path in (library, self._file):
            os.chmod(path, 0o644)
        run_dir.more_environ |= {"LD_PRELOAD": library, "GOFAXPY_CLOCK": self._file}

    def jump(self, seconds: int) -> None:
        """Sets the clock so many seconds before (below 0) or behind the real time."""
        with open(self._file, "r+b") as file:
            file.write(struct.pack("@q", seconds))
