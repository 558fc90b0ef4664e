"""A line that can be cut: a relay for SIP and RTP between the far ends and our own profile.

It passes on what comes, and puts itself into the way of the audio by changing the port in each SDP (RFC 4566) that goes
through it.  Requests inside of a dialog go past it, so a change to T.38 leaves the line.
"""

from __future__ import annotations

import contextlib
import re
import selectors
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

Address = tuple[str, int]
Cut = tuple[float, float]
"""Begin and length in seconds; the call's first audio packet is 0."""
_SILENCE = {8: b"\xd5", 0: b"\xff"}
"""Payload types PCMA and PCMU (RFC 3551) and what silence is in them."""
_RTP_HEADER = 12


@dataclass(slots=True)
class _Leg:
    """One direction: what arrives at ``socket`` goes out by ``partner`` to ``target``."""

    socket: socket.socket
    target: Address | None = None
    partner: _Leg | None = None


class _Call:
    """The audio of one call, both directions."""

    def __init__(self, address: str, cuts: tuple[Cut, ...]) -> None:
        self.cuts = cuts
        self.began: float | None = None
        self.to_caller, self.to_called = _Leg(_bound(address)), _Leg(_bound(address))
        self.to_caller.partner, self.to_called.partner = self.to_called, self.to_caller

    def silent(self) -> bool:
        """Is the line cut at this moment?"""
        now = time.monotonic()
        if self.began is None:
            self.began = now
        return any(begin <= now - self.began < begin + length for begin, length in self.cuts)


class Line:
    """Listens on a UDP port of ``address``; what the SIP user agent at ``caller`` sends goes to ``called``, and back.

    ``cuts_of`` says from an INVITE's text which cuts its call has.  Ends with ``close``.
    """

    def __init__(self, address: str, caller: Address, called: Address, cuts_of: Callable[[str], tuple[Cut, ...]]) -> None:
        self._address, self._caller, self._called, self._cuts_of = address, caller, called, cuts_of
        self._sip = _bound(address)
        self.port: int = self._sip.getsockname()[1]
        self._calls: dict[str, _Call] = {}
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._sip, selectors.EVENT_READ)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="line", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the line."""
        self._closing.set()
        self._thread.join(5)
        for key in list(self._selector.get_map().values()):
            assert isinstance(key.fileobj, socket.socket)
            key.fileobj.close()
        self._selector.close()

    def _run(self) -> None:
        while not self._closing.is_set():
            for key, _ in self._selector.select(0.3):
                with contextlib.suppress(OSError):  # a port that is closed meanwhile
                    if key.data is None:
                        self._signal(*self._sip.recvfrom(65536))
                    else:
                        self._audio(*key.data)

    def _signal(self, data: bytes, source: Address) -> None:
        to_called = source == self._caller
        head, separator, body = data.partition(b"\r\n\r\n")
        call_id = re.search(rb"(?im)^(?:call-id|i):\s*(\S+)", head)
        if body and call_id is not None:
            call = self._call(call_id[1].decode("latin-1"), head.decode("utf-8", "replace"))
            # The caller's SDP says where the called side is to send to, and the other way round.
            leg = call.to_caller if to_called else call.to_called
            audio = re.search(rb"(?m)^m=audio (\d+)", body)
            if audio is not None:
                leg.target = (source[0], int(audio[1]))
                body = body.replace(audio[0], b"m=audio %d" % leg.socket.getsockname()[1])
                head = re.sub(rb"(?im)^(content-length|l):\s*\d+", b"Content-Length: %d" % len(body), head)
        self._sip.sendto(head + separator + body, self._called if to_called else self._caller)

    def _call(self, call_id: str, head: str) -> _Call:
        call = self._calls.get(call_id)
        if call is None:
            call = self._calls[call_id] = _Call(self._address, self._cuts_of(head))
            for leg in (call.to_caller, call.to_called):
                self._selector.register(leg.socket, selectors.EVENT_READ, (call, leg))
        return call

    def _audio(self, call: _Call, leg: _Leg) -> None:
        packet = leg.socket.recv(2048)
        silence = _SILENCE.get(packet[1] & 0x7F) if len(packet) > _RTP_HEADER else None
        if silence is not None and call.silent():
            packet = packet[:_RTP_HEADER] + silence * (len(packet) - _RTP_HEADER)
        # It leaves by the port that its receiver itself sends to: nobody takes the line for a change of address.
        if leg.target is not None and leg.partner is not None:
            leg.partner.socket.sendto(packet, leg.target)


def _bound(address: str) -> socket.socket:
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind((address, 0))
    return udp
