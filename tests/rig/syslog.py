"""A small syslog daemon for machines that have none, such as a container.

HylaFAX's daemons and gofaxsend speak to ``/dev/log`` only.  There is one such socket per machine:
where one exists it belongs to a real syslog daemon (or to another run) and is left alone, and the
messages are to be found there.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import threading

DEV_LOG = "/dev/log"
_MARK = b"<7>rig: read so far"
# A crashed run leaves a link of this form behind; any other /dev/log is not ours to touch.
_OURS = re.compile(r"/gofaxpy-[^/]+/dev-log$")


class SyslogSink:
    """Collects what is sent to /dev/log in ``file`` while the run lasts, if nobody else does.

    ``where`` tells a person where the messages are.
    """

    def __init__(self, run_dir: str, file: str) -> None:
        self.file = file
        self._path = os.path.join(run_dir, "dev-log")
        self._socket: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self._taken = threading.Event()

    def start(self) -> bool:
        """Take /dev/log if it is free.  True if this sink has it now."""
        if os.geteuid() != 0:
            return False
        _remove_dead_link()
        sink = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            sink.bind(self._path)
            os.chmod(self._path, 0o666)
            os.symlink(self._path, DEV_LOG)  # fails if anybody has it
        except OSError:
            sink.close()
            return False
        self._socket = sink
        self._thread = threading.Thread(target=self._collect, args=(sink,), name="syslog", daemon=True)
        self._thread.start()
        return True

    @property
    def where(self) -> str:
        """The file, or words that say where else to look."""
        return self.file if self._socket else "this machine's own syslog (journalctl, /var/log/syslog)"

    def lines(self) -> list[str]:
        """All that was logged, ``<priority>`` cut off; empty where somebody else has /dev/log, or took it meanwhile."""
        if self._socket is not None:
            if not self._has_dev_log():
                return []
            self._taken.clear()
            self._send(_MARK)       # messages arrive in order: when this one is there, all before it are
            self._taken.wait(30)
        try:
            with open(self.file, encoding="utf-8", errors="surrogateescape") as file:
                return file.read().splitlines()
        except FileNotFoundError:
            return []

    def stop(self) -> None:
        """Give /dev/log up again."""
        if self._socket is None or self._thread is None:
            return
        if self._has_dev_log():
            with contextlib.suppress(FileNotFoundError):
                os.unlink(DEV_LOG)
        self._send(b"")
        self._thread.join()
        self._socket.close()
        self._socket = None
        os.unlink(self._path)

    def _has_dev_log(self) -> bool:
        with contextlib.suppress(OSError):
            return os.readlink(DEV_LOG) == self._path
        return False

    def _send(self, message: bytes) -> None:
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
            end.sendto(message, self._path)

    def _collect(self, sink: socket.socket) -> None:
        with open(self.file, "ab", buffering=0) as file:
            while message := sink.recv(65536):
                if message == _MARK:
                    self._taken.set()
                    continue
                file.write(re.sub(rb"^<\d+>", b"", message).rstrip(b"\0\n").replace(b"\n", b"\\n") + b"\n")


def _remove_dead_link() -> None:
    with contextlib.suppress(OSError):
        target = os.readlink(DEV_LOG)
        if not _OURS.search(target):
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect(target)
            except OSError:
                os.unlink(DEV_LOG)
