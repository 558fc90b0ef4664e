"""What belongs to this machine: its kernel, whose locks tell who is at work, and its addresses."""

from __future__ import annotations

import socket

_BOOT_ID = "/proc/sys/kernel/random/boot_id"    # random(4)
_DISCARD = 9        # a port for connect(2) on a datagram socket, which sends nothing
_known: list[str] = []


def boot_id() -> str:
    """Names the kernel that runs, from its start to its end; containers of one machine have it in common.  ``""`` where it
    cannot be read.

    Processes that see the same one see each other's locks on a file.  Over a network that depends on how it is mounted.
    """
    if not _known:
        try:
            with open(_BOOT_ID, encoding="ascii") as file:
                _known.append(file.read().strip())
        except (OSError, ValueError):
            return ""
    return _known[0]


def is_here(host: str) -> bool:
    """Whether ``host``, a name or an address, leads to this machine (in a container: to this container)."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError):     # UnicodeError: a name that the codec `idna` refuses
        return False
    return any(_is_own(family, address) for family, _, _, _, address in found)


def _is_own(family: int, address: tuple[object, ...]) -> bool:
    """A socket can be bound to the address; and what goes there comes from there, for with ip_nonlocal_bind (ip(7), set where
    an address moves between machines) one can be bound to any."""
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as bound:
            bound.bind((address[0], 0, *address[2:]))
        with socket.socket(family, socket.SOCK_DGRAM) as connected:
            connected.connect((address[0], _DISCARD, *address[2:]))
            source = str(connected.getsockname()[0])
    except OSError:
        return False
    return source == address[0] or source.startswith("127.")
