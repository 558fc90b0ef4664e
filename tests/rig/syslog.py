"""A small syslog daemon for machines that have none, such as a container.

HylaFAX's daemons and gofaxsend speak to ``/dev/log`` only.  There is one such socket per machine: where one exists it is
left alone.  If it is that of another sink of ours (of another test, or of another run) its messages are read there, those
of everybody; if it belongs to a real syslog daemon they are to be found where that puts them.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import threading
import time
import uuid

DEV_LOG = "/dev/log"
# A crashed run leaves a link of this form behind; any other /dev/log is not ours to touch.
_OURS = re.compile(r"/gofaxpy-[^/]+/dev-log$")
_SOCKET, _FILE = "dev-log", os.path.join("log", "syslog")
_MARK = "rig: read so far"


class SyslogSink:
    """Collects what is sent to /dev/log, from ``start`` to ``stop``, in ``log/syslog`` of the run's directory."""

    def __init__(self, run_dir: str) -> None:
        self._path = os.path.join(run_dir, _SOCKET)
        self._socket: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self._source = ""
        self._begin = 0

    def start(self) -> bool:
        """Take /dev/log if it is free.  True if its messages can be read here now, whoever takes them in."""
        if os.geteuid() != 0:
            return False
        _remove_dead_link()
        if self._take():
            self._source = self._path
        else:
            with contextlib.suppress(OSError):
                target = os.readlink(DEV_LOG)
                if _OURS.search(target):
                    self._begin = os.path.getsize(_file_of(target))
                    self._source = target
        return bool(self._source)

    @property
    def where(self) -> str:
        """The file, or words that say where else to look."""
        return _file_of(self._source) if self._source else "this machine's own syslog (journalctl, /var/log/syslog)"

    def hears(self) -> bool:
        """Whether messages can still be read here: whoever took them in may be gone, with /dev/log."""
        return self._has_dev_log()

    def lines(self) -> list[str]:
        """All that was logged since the start, ``<priority>`` cut off.

        Empty where a real syslog daemon has /dev/log, or somebody else took it meanwhile: then some may be missing.
        """
        mark = f"{_MARK} {uuid.uuid4()}"
        if not self._has_dev_log() or not _send(self._source, mark):
            return []
        deadline = time.monotonic() + 30
        while mark not in (lines := self._read()):     # messages arrive in order: now all before it are there
            if time.monotonic() > deadline:
                return []
            time.sleep(0.005)
        return [line for line in lines if not line.startswith(_MARK)]

    def stop(self) -> None:
        """Give /dev/log up again."""
        if self._socket is not None and self._thread is not None:
            if self._has_dev_log():
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(DEV_LOG)
            _send(self._path, "")
            self._thread.join()
            self._socket.close()
            self._socket = None
            os.unlink(self._path)
        self._source = ""

    def _take(self) -> bool:
        sink = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            sink.bind(self._path)
            os.chmod(self._path, 0o666)
            os.makedirs(os.path.dirname(_file_of(self._path)), exist_ok=True)
            with open(_file_of(self._path), "ab"):
                pass
            os.symlink(self._path, DEV_LOG)  # fails if anybody has it
        except OSError:
            sink.close()
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._path)
            return False
        self._socket = sink
        self._thread = threading.Thread(target=self._collect, args=(sink,), name="syslog", daemon=True)
        self._thread.start()
        return True

    def _has_dev_log(self) -> bool:
        with contextlib.suppress(OSError):
            return os.readlink(DEV_LOG) == self._source
        return False

    def _read(self) -> list[str]:
        with open(_file_of(self._source), "rb") as file:
            file.seek(self._begin)
            return file.read().decode("utf-8", "surrogateescape").splitlines()

    def _collect(self, sink: socket.socket) -> None:
        with open(_file_of(self._path), "ab", buffering=0) as file:
            while message := sink.recv(65536):
                file.write(re.sub(rb"^<\d+>", b"", message).rstrip(b"\0\n").replace(b"\n", b"\\n") + b"\n")


def _file_of(path: str) -> str:
    """Where the sink with the socket at ``path`` puts its messages."""
    return os.path.join(os.path.dirname(path), _FILE)


def _send(path: str, message: str) -> bool:
    """Speak to a sink; False if nobody is there."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
        try:
            end.sendto(message.encode(), path)
        except OSError:
            return False
    return True


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
