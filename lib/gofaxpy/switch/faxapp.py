"""Variables and values for rxfax and txfax (mod_spandsp_fax.c), used in both directions."""

from __future__ import annotations

DOCUMENT = "gofax_document"
SECONDS_FOR_EVENTS = 1.0        # the supervisor reads events within a tenth of a second; this bounds the wait on a slow machine
# SpanDSP's result means that the fax is over.  If txfax does not return after it (T.38 stalls, signalwire/freeswitch #3044),
# FreeSWITCH hangs up by itself, without any Python.
HANG_UP_AFTER_RESULT = "sched_hangup +3 NORMAL_CLEARING"


def flag(value: bool) -> str:
    """The value of a channel variable that is on or off."""
    return "true" if value else "false"
