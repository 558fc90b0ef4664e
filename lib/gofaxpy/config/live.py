"""The configuration of a process that runs for long: it is read again when the file has changed.

While the file is broken, the first of these that there is stays in force, so that no call is lost to a typing error:

1. the configuration that this process has read before;
2. the copy of the last good file, ``gofax/gofax.yaml.good`` in the spool, when FreeSWITCH starts with a broken file.  Only its
   owner may read it: it holds the password of the event socket;
3. the keys that are right in the broken file, with the defaults for the rest.  The defaults accept faxes and keep them.
"""

from __future__ import annotations

import os
import threading
import time

from gofaxpy.config.file import ConfigError, load, parse, read
from gofaxpy.config.keys import Config
from gofaxpy.hylafax.spool import private_directory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

COPY = os.path.join("gofax", "gofax.yaml.good")
SETTLED = 0.5       # seconds after a change until the file is read: an editor may still be writing it


class ConfigFile:
    """One file, and the configuration in force.  ``clock`` gives seconds since the epoch, as file times are."""

    def __init__(self, path: str, clock: Callable[[], float] = time.time) -> None:
        self.path = path
        self._clock = clock
        self._lock = threading.Lock()
        self._stamp: tuple[int, int, int] | None = None
        self._config: Config | None = None

    def current(self, complain: Callable[[str], None]) -> Config:
        """The configuration in force.  Problems of a changed file go to ``complain`` once, line by line."""
        with self._lock:
            stamp = _stamp(self.path)
            if self._config is not None and (stamp == self._stamp or self._being_written(stamp)):
                return self._config
            self._stamp = stamp
            self._config = self._read(complain)
            return self._config

    def _being_written(self, stamp: tuple[int, int, int] | None) -> bool:
        return stamp is not None and 0 <= self._clock() - stamp[0] / 1e9 < SETTLED

    def _read(self, complain: Callable[[str], None]) -> Config:
        data = b""
        try:
            data = read(self.path)
            config = parse(data, self.path)
        except ConfigError as error:
            if self._config is not None:
                config, in_force = self._config, "the configuration read before stays in force"
            else:
                copies = (last_good(spooldir) for spooldir in _spooldirs(error.salvaged, data))
                copy = next((found for found in copies if found is not None), None)
                config = copy or error.salvaged
                in_force = f"its last good state holds instead, from {COPY} in the spool" if copy is not None else (
                    "what is right in it holds, and the defaults for the rest"
                )
            for problem in [*error.problems, f"{self.path}: {in_force}"]:
                complain(problem)
        else:
            _keep(config, data, complain)
        return config


def _spooldirs(salvaged: Config, data: bytes) -> list[str]:
    """Where the copy may be: the spool that the reader has found, and each ``spooldir:`` of a file that is no YAML.

    Without the latter, a server whose spool is not the default one would lose its calls to a missing bracket.
    """
    named = [
        line.partition(":")[2].partition("#")[0].strip(" \t\r\"'") for line in data.decode("utf-8", "replace").split("\n")
        if line.strip().startswith("spooldir:")
    ]
    return [salvaged.hylafax.spooldir, *(path for path in named if path.startswith("/") and "\0" not in path)]


def last_good(spooldir: str) -> Config | None:
    """The configuration in the copy that FreeSWITCH keeps in this spool; None if there is no copy, or no usable one."""
    try:
        return load(os.path.join(spooldir, COPY))
    except ConfigError:
        return None


def _keep(config: Config, data: bytes, complain: Callable[[str], None]) -> None:
    """Keeps a copy of a good file for a start with a broken one.  rename(2) puts it into its place, so it is always whole."""
    copy = os.path.join(config.hylafax.spooldir, COPY)
    try:
        if os.geteuid() == 0 != os.stat(config.hylafax.spooldir).st_uid:
            return      # HylaFAX's user could not replace a file of root's
        private_directory(config.hylafax.spooldir, os.path.dirname(COPY))
        if os.path.lexists(f"{copy}.new"):      # left by a FreeSWITCH that died, or a link put there by another program
            os.unlink(f"{copy}.new")
        fd = os.open(f"{copy}.new", os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(fd, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(fd)
        os.rename(f"{copy}.new", copy)
    except OSError as error:
        complain(f"{copy}: a copy of the configuration cannot be kept there: {error.strerror}")


def _stamp(path: str) -> tuple[int, int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
