"""Whose socket is at the other end of a TCP connection, where that is on this machine.

Any user may listen on the event socket's port while FreeSWITCH does not, and would be told its password.  The kernel knows
whose socket it is: sock_diag(7) finds one connection among any number in some 50 us; where that is closed to us,
``/proc/net/tcp`` and ``tcp6`` (proc(5)) are read, 2 ms, with 10,000 connections 20 ms.

An end that is no socket of our network name space is none of the machine's users': it takes root to lead a port of the
machine elsewhere.  A program that passes connections on (rootless containers, ssh -L) is itself the other end.
"""

from __future__ import annotations

import os
import socket
import struct

ESTABLISHED = 1                         # linux/tcp_states.h
_SOCK_DIAG, _BY_FAMILY, _REQUEST = 4, 20, 1     # linux/netlink.h, sock_diag.h: NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY
_HEADER, _FOUND = struct.Struct("=IHHII"), struct.Struct("=BBBB48s5I")   # struct nlmsghdr; inet_diag_msg (inet_diag.h)
_ASK = struct.Struct("=BBBBI4s16s16sI8s")       # struct inet_diag_req_v2 with its inet_diag_sockid
_ENOENT = 2
_MAPPED = b"\0" * 10 + b"\xff\xff"      # of ::ffff:127.0.0.1 (RFC 4291, 2.5.5.2)

Address = tuple[bytes, int]
"""An IP address in network order, 4 or 16 octets, and a port."""


class NotConnected(Exception):
    """The other end is a socket of this machine that nobody has in hand: closed, or not accepted yet."""


def owner(connected: socket.socket) -> int | None:
    """The user id of the socket at the other end, None if that is not on this machine or cannot be found out.

    Ask only after the other end has said something: until its program has accepted the connection, it has no owner.  Raises
    :class:`NotConnected`.
    """
    try:
        theirs, ours = _address(connected.getpeername()), _address(connected.getsockname())
    except OSError:
        raise NotConnected from None
    try:
        found = _by_diag(theirs, ours)
        if found is None and _by_diag(ours, theirs) is None:
            raise OSError       # it knows of no connection at all: the kernel has no tcp_diag
        if found is None:
            found = _bound_to_an_interface(theirs, ours)
    except OSError:
        try:
            found = _by_proc(theirs, ours)
        except (OSError, ValueError, IndexError):
            return None
    if found is None:
        return None
    state, uid, inode = found
    if state != ESTABLISHED or not inode:       # the kernel shows such a one as root's
        raise NotConnected
    return uid


def _address(name: tuple[str, int] | tuple[str, int, int, int]) -> Address:
    text = name[0].partition("%")[0]
    packed = socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)
    return (packed[12:] if packed.startswith(_MAPPED) and len(packed) == 16 else packed), name[1]


def _bound_to_an_interface(theirs: Address, ours: Address) -> tuple[int, int, int] | None:
    """As :func:`_by_diag`, of a socket that hears one interface only, as anybody may have it (SO_BINDTODEVICE of socket(7)):
    the kernel finds it only where that one is named (inet_match in inet_hashtables.h)."""
    for interface, _ in socket.if_nameindex():
        found = _by_diag(theirs, ours, interface)
        if found is not None:
            return found
    return None


def _by_diag(theirs: Address, ours: Address, interface: int = 0) -> tuple[int, int, int] | None:
    """State, user and inode of the socket whose own address is ``theirs``; None if there is none.  Raises OSError."""
    family = socket.AF_INET if len(theirs[0]) == 4 else socket.AF_INET6
    ask = _ASK.pack(
        family, socket.IPPROTO_TCP, 0, 0, 0xFFFFFFFF, struct.pack(">HH", theirs[1], ours[1]), theirs[0], ours[0], interface,
        b"\xff" * 8,
    )
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _SOCK_DIAG) as link:
        link.settimeout(1)
        link.send(_HEADER.pack(_HEADER.size + len(ask), _BY_FAMILY, _REQUEST, 1, 0) + ask)
        answer = link.recv(8192)
    kind = _HEADER.unpack_from(answer)[1]
    if kind == _BY_FAMILY and len(answer) >= _HEADER.size + _FOUND.size:
        _, state, _, _, _, _, _, _, uid, inode = _FOUND.unpack_from(answer, _HEADER.size)
        return state, uid, inode
    error = -struct.unpack_from("=i", answer, _HEADER.size)[0] if len(answer) >= _HEADER.size + 4 else 0
    if error == _ENOENT:
        return None
    raise OSError(error, os.strerror(error))


def _by_proc(theirs: Address, ours: Address) -> tuple[int, int, int] | None:
    """As :func:`_by_diag`, from the tables of proc(5).  A socket for both kinds of addresses is in ``tcp6``, mapped."""
    forms = [("/proc/net/tcp", b"")] if len(theirs[0]) == 4 else []
    for table, prefix in (*forms, ("/proc/net/tcp6", _MAPPED if forms else b"")):
        wanted = b" ".join(_shown(prefix + address, port) for address, port in (theirs, ours))
        try:
            with open(table, "rb") as file:
                lines = file.read()
        except FileNotFoundError:
            if table == "/proc/net/tcp6":       # IPv6 is switched off
                continue
            raise
        at = lines.find(wanted)
        if at >= 0:
            fields = lines[at:lines.find(b"\n", at)].split()    # local, remote, state, queues, timer, retransmits, uid, …
            return int(fields[2], 16), int(fields[6]), int(fields[8])
    return None


def _shown(address: bytes, port: int) -> bytes:
    """As the kernel writes it: words of four octets in the machine's order."""
    words = struct.unpack(f"={len(address) // 4}I", address)
    return b"".join(b"%08X" % word for word in words) + b":%04X" % port
