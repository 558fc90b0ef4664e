"""What rxfax and txfax (mod_spandsp_fax.c) are given, in either direction."""

from __future__ import annotations

DOCUMENT = "gofax_document"
SECONDS_FOR_EVENTS = 1.0        # events are taken in within a tenth of a second; this bounds the wait for a slow machine
# SpanDSP's result means that the fax is over; where txfax does not return (T.38 stalls, signalwire/freeswitch #3044)
# the switch itself hangs up, without needing any Python for it.
HANG_UP_AFTER_RESULT = "sched_hangup +3 NORMAL_CLEARING"


def flag(value: bool) -> str:
    """A channel variable that is on or off."""
    return "true" if value else "false"
