"""Places one call through FreeSWITCH: connects to an event socket, subscribes, and asks ``outbound_fax::launch``."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from gofaxpy.config import FreeSwitch, Server
from gofaxpy.send.follow import EVENTS, SUBCLASSES, CallIds
from gofaxpy.switch.arguments import encode_args
from gofaxpy.switch.client import Client, EventSocketError

LAUNCH = "outbound_fax::launch"


class LaunchError(Exception):
    """FreeSWITCH did not take the order to call; nobody has been called."""


def connect(settings: FreeSwitch, turn: int, complain: Callable[[str], None]) -> tuple[Client, Server]:
    """The first server that answers, from the one on whose ``turn`` it is; what is wrong with others goes to ``complain``.

    Raises :class:`EventSocketError` with what was wrong at each of them if none is left.
    """
    problems = []
    for server in in_turn(settings, turn):
        try:
            return connect_to(server, settings.connect_timeout), server
        except OSError as error:
            problems.append(f"{server.password_file}: {error.strerror}")
        except EventSocketError as error:
            problems.append(str(error))
        if len(settings.servers) > 1:
            complain(problems[-1])
    raise EventSocketError("; ".join(problems))


def in_turn(settings: FreeSwitch, turn: int) -> list[Server]:
    """The servers in the order in which an attempt tries them (``freeswitch.server_order``).  ``turn`` counts attempts."""
    servers = list(settings.servers)
    first = turn % len(servers) if settings.server_order == "round_robin" else 0
    return servers[first:] + servers[:first]


def connect_to(server: Server, timeout: float) -> Client:
    """One server.  Raises :class:`EventSocketError`, and OSError if the password's file cannot be read."""
    return Client.connect(server.host, server.port, server.secret(), timeout)


def reconnect(server: Server, timeout: float, ids: CallIds) -> Client:
    """A fresh connection that watches a call placed before.  Raises :class:`EventSocketError`, OSError."""
    client = connect_to(server, timeout)
    watch(client, ids)
    return client


def new_ids(gateway: str) -> CallIds:
    """Fresh ids.  Every gateway tried gets its own: a second leg under the same UUID dies with ``Duplicate UUID!``."""
    return CallIds(_uuid(), _uuid(), gateway)


def _uuid() -> str:
    """A random UUID (RFC 4122, version 4) without the cost of loading the uuid module."""
    data = bytearray(os.urandom(16))
    data[6] = data[6] & 0x0F | 0x40
    data[8] = data[8] & 0x3F | 0x80
    text = data.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def watch(client: Client, ids: CallIds, names: Sequence[str] = EVENTS) -> None:
    """Subscribes to everything about one call.  Done before it is placed: a fast failure is over before its reply."""
    client.filter("Unique-ID", ids.uuid)
    client.filter("Job-UUID", ids.job_uuid)
    client.subscribe(names, SUBCLASSES)


def launch(client: Client, ids: CallIds, ref: str) -> list[str]:
    """Orders the call described by journal entry ``ref``; returns what the session log should say of it.

    Raises :class:`LaunchError`, ConnectionLost."""
    order = {"ref": ref, "uuid": ids.uuid, "job_uuid": ids.job_uuid, "gateway": ids.gateway}
    reply = client.api("python", f"{LAUNCH} {encode_args(order)}")
    if not reply.startswith("+OK"):
        raise LaunchError(_explained(reply))
    return reply.splitlines()[1:]


def _explained(reply: str) -> str:
    text = " ".join(reply.split())[:300]
    if "not found" in text.lower() or text.startswith("INVALID"):
        return f"FreeSWITCH has no mod_python3 loaded: {text}"
    if not text:
        return "FreeSWITCH could not run outbound_fax.py: see FreeSWITCH's log (is gofaxpy visible to mod_python3?)"
    return f"FreeSWITCH did not place the call: {text.removeprefix('-ERR ')}"
