"""The connection to FreeSWITCH over which a job is sent, made as soon as it is known where FreeSWITCH is.

FreeSWITCH greets while the rest of gofaxsend is still being loaded, and a job is not prepared for a switch that is not
there.  No connection is no error yet: a job whose fax was delivered before is answered without a call.
"""

from __future__ import annotations

from collections.abc import Callable

from gofaxpy.config.keys import FreeSwitch, Server
from gofaxpy.switch.client import Client, EventSocketError, never


class Connection:
    """The first server that answered, of those that are configured.

    ``problems`` says what was wrong with the others.  There is no client before :meth:`connect`, if no server is left, or if
    the client was lost or given away (:meth:`take`).  Used by one job at a time; :meth:`close` at its end.
    """

    def __init__(self, settings: FreeSwitch, turn: int, aborted: Callable[[], bool]) -> None:
        self.settings = settings
        self.problems: list[str] = []
        self.server: Server | None = None
        self.aborted = aborted
        self._turn = turn
        self._client: Client | None = None
        self._ruled_out: dict[tuple[str, int], str] = {}

    def take(self) -> tuple[Client, Server]:
        """The client and its server.  The caller closes the client.  Connects (again) where there is none.

        Raises :class:`EventSocketError` with what was wrong at each server.
        """
        if self._client is None or not self._client.alive():
            self.close()
            self.connect()
        client, self._client = self._client, None
        if client is None or self.server is None:
            raise EventSocketError(self.said() or "not tried: the job is aborted")
        return client, self.server

    def rule_out(self, server: Server, problem: str) -> None:
        """This server is not used any more: it answers, or did so, but is in trouble."""
        self._ruled_out[server.host, server.port] = problem
        self.problems = []

    def has_servers(self) -> bool:
        """Whether a server is left that is not ruled out."""
        return any((server.host, server.port) not in self._ruled_out for server in self.settings.servers)

    def said(self) -> str:
        """What was wrong with each server that was tried."""
        several = len(self.settings.servers) > 1
        ruled_out = [f"{host}:{port}: {text}" if several else text for (host, port), text in self._ruled_out.items()]
        return "; ".join([*ruled_out, *self.problems])

    def close(self) -> None:
        """Closes the client if it was not taken."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def connect(self) -> None:
        """Tries the servers in turn until one answers; :attr:`problems` says what was wrong with those before."""
        self.problems = []
        for server in in_turn(self.settings, self._turn):
            if self.aborted():
                return
            if (server.host, server.port) in self._ruled_out:
                continue
            try:
                self._client, self.server = connect_to(server, self.settings.connect_timeout, self.aborted), server
                return
            except OSError as error:
                self.problems.append(f"{server.password_file}: {error.strerror}")
            except EventSocketError as error:
                self.problems.append(str(error))


def in_turn(settings: FreeSwitch, turn: int) -> list[Server]:
    """The servers in the order in which an attempt tries them (``freeswitch.server_order``).  ``turn`` counts attempts."""
    servers = list(settings.servers)
    first = turn % len(servers) if settings.server_order == "round_robin" else 0
    return servers[first:] + servers[:first]


def connect_to(server: Server, timeout: float, aborted: Callable[[], bool] = never) -> Client:
    """One server.  Raises :class:`EventSocketError`, and OSError if the password's file cannot be read."""
    return Client.connect(server.host, server.port, server.secret(), timeout, aborted)
