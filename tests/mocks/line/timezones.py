"""Names of time zones as SpanDSP wants them for the header line: POSIX TZ strings."""

from __future__ import annotations

import os
import re
import zoneinfo

_NAME = re.compile(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*")


def posix_timezone(name: str) -> str:
    """The POSIX rule of ``Europe/Berlin`` and the like (``CET-1CEST,M3.5.0,M10.5.0/3``); anything else unchanged.

    mod_spandsp looks a name up in FreeSWITCH's timezones.conf and takes it for a rule if it is not there.  Here the
    system's own database is asked, whose files end with the rule (RFC 8536, footer).
    """
    if not _NAME.fullmatch(name):
        return name
    for folder in zoneinfo.TZPATH:
        try:
            with open(os.path.join(folder, name), "rb") as file:
                data = file.read()
        except OSError:
            continue
        lines = data.rsplit(b"\n", 2)
        if data.startswith(b"TZif") and len(lines) == 3:
            return lines[1].decode("ascii", "replace")
    return name
