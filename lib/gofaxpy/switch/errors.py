"""What can go wrong with FreeSWITCH's event socket.  Every text says what to check."""

from __future__ import annotations


class EventSocketError(Exception):
    """Something is wrong with the conversation with FreeSWITCH's event socket."""


class ProtocolError(EventSocketError):
    """The protocol was not kept."""


class RemoteProtocolError(ProtocolError):
    """The other side did not keep it; perhaps it is no event socket at all."""


class LocalProtocolError(ProtocolError):
    """We were about to send what must not be sent."""


class SwitchUnreachable(EventSocketError):
    """Nobody answers there, or something that is no event socket."""


class StrangerListens(SwitchUnreachable):
    """Who answers there is a user of this machine that the password is not for."""


class AuthenticationFailed(EventSocketError):
    """The switch does not take the password."""


class Rejected(EventSocketError):
    """The switch does not talk to this machine."""


class ConnectionLost(EventSocketError):
    """The connection is gone."""


class CommandRefused(EventSocketError):
    """The switch answered a command with ``-ERR``."""
