"""The threads of the child process: one per call, each on a line to the switch.

The thread that runs a call dies with it, as the thread state that mod_python3 makes for every call does, so
`threading.local` never outlives a call. Before that it starts its successor, which waits for the line's next call.
"""

from __future__ import annotations

import _thread
import os
import socket
import sys
import time
from typing import Any

from mocks.host import events, link, script
from mocks.host.wire import (
    CHUNK,
    CONTROL_CALL_LINE,
    CONTROL_DRAIN,
    CONTROL_READY,
    Wire,
)

#: Seconds between two looks whether scripts still run, once the switch wants to end.
DRAIN_INTERVAL = 0.02

_waiting: set[int] = set()


def serve(arguments: dict[str, Any]) -> None:
    """Take lines from the switch and serve them until it is gone. Never returns while the switch lives.

    `arguments`: `control` is the file descriptor of the control socket, `pop_holds_lock` see `mocks.host.seam.Quirks`.
    """
    events.EventConsumer.pop_holds_lock = arguments["pop_holds_lock"]
    control = socket.socket(fileno=arguments["control"])
    link.connect(control)
    control.send(CONTROL_READY)
    while True:
        packet, descriptors, _flags, _address = socket.recv_fds(control, CHUNK, 1, socket.MSG_CMSG_CLOEXEC)
        if not packet:
            os._exit(0)
        if packet == CONTROL_CALL_LINE:
            _thread.start_new_thread(_wait_and_run, (Wire(socket.socket(fileno=descriptors[0])),))
        elif packet == CONTROL_DRAIN:
            _drain()


def _wait_and_run(wire: Wire) -> None:
    try:
        me = _thread.get_ident()
        _waiting.add(me)
        call = wire.receive()
        _waiting.discard(me)
        if call is None:
            os._exit(0)
        link.adopt(wire)
        written = script.run(call)
        wire.send({"done": written, "drop": link.take_dropped()})
        _thread.start_new_thread(_wait_and_run, (wire,))
    except OSError:
        os._exit(0)  # the switch is gone in the middle of an answer


def _drain() -> None:
    """End the process when no thread but this one and those that wait for calls is left."""
    me = _thread.get_ident()
    while set(sys._current_frames()) - _waiting - {me}:
        time.sleep(DRAIN_INTERVAL)
    os._exit(0)
