"""Places one call through FreeSWITCH: subscribes to all about it, then asks ``outbound_fax::launch``."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from gofaxpy.config.keys import Server
from gofaxpy.send.connection import connect_to
from gofaxpy.switch.arguments import encode_args
from gofaxpy.switch.client import Client, EventSocketError
from gofaxpy.values import frozen

LAUNCH = "outbound_fax::launch"
EVENTS = ("CHANNEL_PROGRESS", "CHANNEL_PROGRESS_MEDIA", "CHANNEL_ANSWER", "CHANNEL_HANGUP_COMPLETE", "BACKGROUND_JOB")
SUBCLASSES = ("spandsp::txfaxnegociateresult", "spandsp::txfaxpageresult", "spandsp::txfaxresult")


@frozen
class CallIds:
    """The ids of one call, chosen before it is placed so that none of its events is missed."""

    uuid: str
    job_uuid: str
    gateway: str

    def facts(self) -> dict[str, str]:
        """As they stand in the journal."""
        return {"uuid": self.uuid, "job_uuid": self.job_uuid, "gateway": self.gateway}

    @classmethod
    def from_facts(cls, facts: Mapping[str, object]) -> CallIds:
        """From the journal."""
        return cls(*(str(facts.get(name, "")) for name in ("uuid", "job_uuid", "gateway")))


class LaunchError(Exception):
    """FreeSWITCH did not take the order to call; no call was placed."""


def reconnect(server: Server, timeout: float, ids: CallIds) -> Client:
    """A fresh connection that watches a call placed before.  Raises :class:`EventSocketError`, OSError."""
    client = connect_to(server, timeout)
    try:
        watch(client, ids)
    except EventSocketError:
        client.close()
        raise
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
    if not text.removeprefix("-ERR"):
        return "FreeSWITCH could not run outbound_fax.py: see FreeSWITCH's log (is gofaxpy visible to mod_python3?)"
    return f"FreeSWITCH did not place the call: {text.removeprefix('-ERR ')}"
