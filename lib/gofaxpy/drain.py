"""``python3 -I -m gofaxpy.drain``: tells FreeSWITCH to take no new calls, in or out.  What is in progress goes on.

It is the ``ExecStop=`` of FreeSWITCH's unit.  FreeSWITCH itself, started with ``-elegant-term``, ends at SIGTERM as soon as
there are no calls any more, but goes on taking new ones until then (measured on 1.10.12).  ``fsctl pause`` is undone by
``fsctl resume`` or a restart.
"""

from __future__ import annotations

import sys

from gofaxpy.config import config_path
from gofaxpy.configfile import ConfigError, load
from gofaxpy.switch.client import Client, EventSocketError

LOOPBACK = ("127.", "::1", "localhost")


def main() -> int:
    """0 if this machine's FreeSWITCH has been told, 1 if not, with the reasons on standard error."""
    problems: list[str] = []
    try:
        config = load(config_path())
        settings, user = config.freeswitch, config.hylafax.user
        for server in settings.servers:
            if not server.host.startswith(LOOPBACK):
                continue        # another machine's FreeSWITCH is not the one that is stopped
            try:
                with Client.connect(server.host, server.port, server.secret(), settings.connect_timeout, user=user) as client:
                    client.api("fsctl", "pause")
                return 0
            except (EventSocketError, OSError) as error:
                problems.append(str(error))
    except ConfigError as error:
        problems = error.problems
    for problem in problems or ["freeswitch.servers names no event socket of this machine"]:
        print(f"gofaxpy.drain: {problem}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
