"""TCP ports on the loopback interface for servers that cannot choose one themselves."""

from __future__ import annotations

import socket


class Port:
    """A free port on 127.0.0.1, kept from everybody else until ``release``.

    It stays bound by a socket that never listens.  A server with SO_REUSEADDR, as all servers here
    have, can bind and listen beside it, and may end and come back on the same port.
    """

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", 0))
        self.number: int = self._socket.getsockname()[1]

    def release(self) -> None:
        """Let others have the port."""
        self._socket.close()
