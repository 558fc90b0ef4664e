"""``python3 -I -m gofaxpy.drain [PORT | HOST:PORT]`` has FreeSWITCH accept no new calls, in or out.  Calls in progress go on.

It is the ``ExecStop=`` of FreeSWITCH's unit.  FreeSWITCH itself, started with ``-elegant-term``, ends after SIGTERM when it
has no calls any more, but accepts new ones until then (measured on 1.10.12).  ``fsctl pause`` is undone by ``fsctl resume``
or a restart.

The FreeSWITCH meant is the one of ``freeswitch.servers`` whose event socket is on this machine.  If there are several, the
unit of each names its own by the argument.
"""

from __future__ import annotations

import sys

from gofaxpy.config.file import ConfigError, load
from gofaxpy.config.keys import FreeSwitch, Server, config_path
from gofaxpy.local import is_here
from gofaxpy.switch.client import Client, EventSocketError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

USAGE = "usage: python3 -I -m gofaxpy.drain [PORT | HOST:PORT], an event socket of this machine that freeswitch.servers names"


class DrainError(Exception):
    """No FreeSWITCH was paused; the text says why, and what to do."""


def main(arguments: Sequence[str]) -> int:
    """The exit status: 0 if FreeSWITCH is paused, 1 if not, with the reasons on standard error, 2 for a wrong command line."""
    if len(arguments) > 1 or any(argument.startswith("-") for argument in arguments):
        print(USAGE, file=sys.stderr)
        return 2
    try:
        config = load(config_path())
        user, timeout = config.hylafax.user, config.freeswitch.connect_timeout
        server = chosen(config.freeswitch, arguments[0] if arguments else "")
        with Client.connect(server.host, server.port, server.secret(), timeout, user=user) as client:
            answer = " ".join(client.api("fsctl", "pause").split())
        if not answer.startswith("+OK"):
            raise DrainError(f"{server.host}:{server.port} answers to fsctl pause: {answer[:100]}")
    except ConfigError as error:
        problems = error.problems
    except (DrainError, EventSocketError, OSError) as error:
        problems = [str(error)]
    else:
        return 0
    for problem in problems:
        print(f"gofaxpy.drain: {problem}", file=sys.stderr)
    return 1


def chosen(config: FreeSwitch, wanted: str) -> Server:
    """The server of this machine; of several the one that is ``wanted``, by its port or as HOST:PORT.

    Raises DrainError if there is none, or if it is not certain which: a FreeSWITCH paused by mistake refuses all faxes.
    """
    here = [server for server in config.servers if is_here(server.host)]
    host, _, port = wanted.rpartition(":")
    fitting = [
        server for server in here
        if not wanted or (str(server.port) == port and host.strip("[]") in ("", server.host))
    ]
    fitting = list({server.port if is_loopback(server) else (server.host, server.port): server for server in fitting}.values())
    if len(fitting) == 1:
        return fitting[0]
    names = ", ".join(f"{server.host}:{server.port}" for server in here)
    if not here:
        raise DrainError("freeswitch.servers names no event socket of this machine")
    if not fitting:
        raise DrainError(f"freeswitch.servers names no event socket {wanted!r} of this machine, only {names}")
    raise DrainError(
        f"freeswitch.servers names several event sockets of this machine ({names}): say which is that of the FreeSWITCH to be"
        " stopped, in its unit: ExecStop=-/usr/bin/python3 -I -m gofaxpy.drain PORT"
    )


def is_loopback(server: Server) -> bool:
    """Whether the server has one of the names of the loopback interface, which all lead to the same socket."""
    return server.host in ("127.0.0.1", "::1", "localhost")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
