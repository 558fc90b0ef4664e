"""How a thread of the interpreter talks to the switch, and how it crashes.

A thread that runs a script for the switch asks over the line its call came in on; a thread that a script started gets a
line of its own with its first request. Requests of calls that release the interpreter lock in the real switch wait in
`socket.recv`; those that hold it wait in the C library's `recv` called through `ctypes.PyDLL`, which keeps the lock.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import socket
import sys
import threading
from collections import deque
from typing import Any, NoReturn

from mocks.host.wire import (
    CHUNK,
    CONTROL_CRASH,
    CONTROL_THREAD_LINE,
    CRASH_STATUS,
    OP_HELLO,
    Wire,
    encode,
)

_libc = ctypes.PyDLL(None, use_errno=True)
_libc.recv.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
_libc.recv.restype = ctypes.c_ssize_t
_libc.send.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int]
_libc.send.restype = ctypes.c_ssize_t

_local = threading.local()
_control: socket.socket | None = None
#: Objects whose scripts' last reference went away: the next request takes the news along.
_dropped: deque[list[Any]] = deque()

_OWN_FILES = os.path.dirname(os.path.abspath(__file__)) + os.sep


class Link:
    """One thread's line to the switch; `own` if it is to be closed when the thread ends."""

    __slots__ = ("asking", "own", "wire")

    def __init__(self, wire: Wire, *, own: bool) -> None:
        self.wire = wire
        self.asking = False
        self.own = own

    def __del__(self) -> None:
        if self.own:
            self.wire.close()

    def ask(self, request: dict[str, Any], *, holding: bool) -> Any:
        """Send one request and wait for the answer. Raises RuntimeError with the switch's text if it failed there."""
        if _dropped:
            request["drop"] = take_dropped()
        self.asking = True
        try:
            if holding:
                answer = _exchange_holding(self.wire.sock.fileno(), encode(request))
            else:
                self.wire.send(request)
                answer = self.wire.receive()
        finally:
            self.asking = False
        if answer is None:
            os._exit(0)  # the switch is gone, and everything that runs in it with it
        if "error" in answer:
            raise RuntimeError(f"the stand-in switch failed: {answer['error']}")
        return answer["ok"]


def connect(control: socket.socket) -> None:
    """Use `control` for new lines and for the news of a crash (once, before any script runs)."""
    global _control  # noqa: PLW0603 - one process, one switch: this is the module that knows it
    _control = control


def adopt(wire: Wire) -> None:
    """This thread runs a script for the switch: its requests go over `wire`."""
    _local.link = Link(wire, own=False)


def ask(op: str, *args: object) -> Any:
    """The switch's answer to a request; other threads run meanwhile."""
    return _link().ask({"op": op, "args": args}, holding=False)


def ask_holding(what: str, op: str, *args: object) -> Any:
    """The switch's answer to a request that keeps the interpreter lock; `what` names the call in reports."""
    return _link().ask({"op": op, "args": args, "held": what}, holding=True)


def drop(*thing: object) -> None:
    """Tell the switch that an object is gone: at once, or with the next request if this is in the middle of one.

    Called from `__del__`, which the garbage collector may run anywhere.
    """
    _dropped.append(list(thing))
    link = getattr(_local, "link", None)
    if link is not None and not link.asking:
        link.ask({"op": "drop", "args": []}, holding=False)


def take_dropped() -> list[list[Any]]:
    """The news of gone objects that nobody has taken along yet."""
    taken: list[list[Any]] = []
    while _dropped:
        try:
            taken.append(_dropped.popleft())
        except IndexError:  # another thread took the last one
            break
    return taken


def crash(call: str, reason: str) -> NoReturn:
    """What happened here is undefined behaviour or worse in the real switch: end it, naming the script's line."""
    where = _script_line()
    if _control is not None:
        told = json.dumps({"call": call, "reason": reason[:2000], "where": where})
        _control.send(CONTROL_CRASH + told.encode("ascii"))
    os._exit(CRASH_STATUS)


def _script_line() -> str:
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_OWN_FILES):
        frame = frame.f_back
    if frame.f_code.co_filename.startswith(_OWN_FILES):
        return "the end of the script"
    return f"{frame.f_code.co_filename}:{frame.f_lineno} in {frame.f_code.co_name}"


def _link() -> Link:
    link = getattr(_local, "link", None)
    if link is None:
        link = Link(_own_line(), own=True)
        _local.link = link
        link.ask({"op": OP_HELLO, "args": [threading.current_thread().name]}, holding=False)
    return link


def _own_line() -> Wire:
    assert _control is not None
    ours, theirs = socket.socketpair()
    with theirs:
        socket.send_fds(_control, [CONTROL_THREAD_LINE], [theirs.fileno()])
    return Wire(ours)


def _exchange_holding(fd: int, data: bytes) -> Any:
    while data:
        sent = _libc.send(fd, data, len(data), socket.MSG_NOSIGNAL)
        if sent >= 0:
            data = data[sent:]
        elif ctypes.get_errno() != errno.EINTR:
            return None
    received = b""
    buffer = ctypes.create_string_buffer(CHUNK)
    while not received.endswith(b"\n"):
        count = _libc.recv(fd, buffer, CHUNK, 0)
        if count > 0:
            received += ctypes.string_at(buffer, count)
        elif count == 0 or ctypes.get_errno() != errno.EINTR:
            return None
    return json.loads(received)
