"""Errors of FreeSWITCH's event socket.  Every text says what to check."""

from __future__ import annotations


class EventSocketError(Exception):
    """Any failure in the conversation with FreeSWITCH's event socket."""


class ProtocolError(EventSocketError):
    """The protocol was violated."""


class RemoteProtocolError(ProtocolError):
    """The other side has violated it; perhaps it is no event socket."""


class LocalProtocolError(ProtocolError):
    """This side was about to send something that the protocol does not allow."""


class SwitchUnreachable(EventSocketError):
    """No process answers at the address, or one that is no event socket."""


class StrangerListens(SwitchUnreachable):
    """A process of another user of this machine answers at the address; it is not sent the password."""


class AuthenticationFailed(EventSocketError):
    """FreeSWITCH refuses the password."""


class Rejected(EventSocketError):
    """FreeSWITCH's access list does not allow this machine's address."""


class ConnectionLost(EventSocketError):
    """The connection is gone."""


class CommandRefused(EventSocketError):
    """FreeSWITCH has answered a command with ``-ERR``."""
