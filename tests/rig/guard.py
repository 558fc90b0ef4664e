"""Keeps a run from the machine's own fax server: every path and program of the rig's goes through here.

Debian's commands for operators (faxcron, faxqclean, faxinfo …) are all one script, ``hylafax_wrapper``, which mounts
/etc/hylafax into the machine's own spool and unmounts it, whatever ``-q`` says.  The programs themselves are in
/usr/lib/hylafax/bin.
"""

from __future__ import annotations

import os
import shutil

from rig.rundir import RigError, living

WRAPPER = "hylafax_wrapper"
PROGRAMS = "/usr/lib/hylafax/bin"
"""Where Debian has HylaFAX's programs themselves."""
LIVE_PORTS = {8021: "FreeSWITCH's event socket", 4559: "hfaxd", 4557: "hfaxd", 444: "hfaxd"}
"""Ports of a fax server that runs as its packages have it."""


def own(path: str) -> str:
    """``path``, if it lies in the directory of a run that goes on, also where links lead.  Raises RigError."""
    real = os.path.realpath(path)
    if not any(os.path.commonpath((real, directory)) == directory for directory in living()):
        leads = "" if real == os.path.abspath(path) else f" (which leads to {real})"
        raise RigError(f"{path}{leads} is not in a directory of this run: it may be the machine's own")
    return path


def program(name: str) -> str:
    """The program ``name``, a path or to be found by PATH, unless it is one that works on the machine's own spool.

    Raises RigError.
    """
    path = name if os.path.isabs(name) else shutil.which(name) or name
    if os.path.basename(os.path.realpath(path)) == WRAPPER:
        raise RigError(f"{path} is Debian's wrapper for the machine's own spool: run {PROGRAMS}/{os.path.basename(path)}")
    return name


def hylafax_program(name: str) -> str:
    """Path of one of HylaFAX's programs that the wrapper stands for in /usr/sbin, such as ``faxinfo``."""
    return program(os.path.join(PROGRAMS, name))


def port(number: int) -> int:
    """``number``, unless it is the port of a fax server as its packages have it.  Raises RigError."""
    if number in LIVE_PORTS:
        raise RigError(f"port {number} is that of {LIVE_PORTS[number]}, maybe the machine's own")
    return number
