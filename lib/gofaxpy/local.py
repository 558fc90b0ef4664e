"""This machine: the identity of its running kernel, and its network addresses."""

from __future__ import annotations

import socket
import time

_BOOT_ID = "/proc/sys/kernel/random/boot_id"    # random(4)
_DISCARD = 9        # a port for connect(2) on a datagram socket, which sends nothing
_known: list[str] = []      # the boot id, once it was read


def boot_id() -> str:
    """Identifies the running kernel, from its boot to its end; ``""`` if that cannot be read.

    Containers of one machine have the same.  Processes under the same kernel see each other's locks on a file.  Processes
    under different kernels may not, if the file is on a network file system.
    """
    if not _known:
        try:
            with open(_BOOT_ID, "rb") as file:      # no codec is to be loaded while a call waits
                _known.append(file.read().decode().strip())
        except (OSError, ValueError):
            return ""
    return _known[0]


def began() -> float:
    """When the kernel that runs was started, in seconds since the epoch by the clock of now."""
    return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)


def is_here(host: str) -> bool:
    """Whether ``host``, a name or an address, leads to this machine (in a container: to this container)."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError):     # UnicodeError: a name that the codec `idna` refuses
        return False
    return any(_is_own(family, address) for family, _, _, _, address in found)


def _is_own(family: int, address: tuple[object, ...]) -> bool:
    """Whether a socket can be bound to the address, and datagrams to it have it as their source.

    The second condition is for machines with ip_nonlocal_bind (ip(7)), which is set if an address moves between machines:
    there a socket can be bound to any address.
    """
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as bound:
            bound.bind((address[0], 0, *address[2:]))
        with socket.socket(family, socket.SOCK_DGRAM) as connected:
            connected.connect((address[0], _DISCARD, *address[2:]))
            source = str(connected.getsockname()[0])
    except OSError:
        return False
    return source == address[0] or source.startswith("127.")
