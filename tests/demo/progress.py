"""Follows a job while it is sent, and draws a bar for each page.

How many pages are through is read from the job's queue file, where faxstat has it from too.  How
far the present page is cannot be known from outside: a T.30 sender hears of a page only when it is
confirmed.  Until then the bar moves by what the page's data take at the line's rate, and stops
short of the end.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from demo.screen import Screen
from rig import FINISHED, JobState, PrivateHylaFAX, QFile, StandIn
from rig.esl import EventSocket

_EVENTS = "event plain CHANNEL_ANSWER CUSTOM spandsp::txfaxnegociateresult"
_CONFIRMATION = 2.2
"""Seconds of line time for the exchange after a page (T.30 phase D) and the turn-round."""


def follow_job(
    screen: Screen,
    hylafax: PrivateHylaFAX,
    switch: StandIn,
    job: int,
    page_sizes: Sequence[int],
    *,
    speed: float,
    limit: float,
) -> QFile:
    """Draw the bars until the job is over, and return its queue file.

    ``page_sizes`` are the bytes of each page's data; ``speed`` is line time to clock time; after
    ``limit`` seconds TimeoutError is raised, and RigError if the switch goes away.
    """
    pages = len(page_sizes)
    started = page_started = time.monotonic()
    rate = 14400.0
    shown = 0
    with switch.connect() as events:
        events.command(_EVENTS)
        while True:
            for name, value in _news(events):
                if name == "answer":
                    screen.say(f"answered after {time.monotonic() - started:.1f} s")
                else:
                    rate = float(value)
                    screen.say(f"trained at {value} bit/s")
                page_started = time.monotonic()
            qfile = hylafax.job(job)
            while shown < min(qfile.number("npages"), pages):
                shown += 1
                seconds = time.monotonic() - page_started
                screen.bar(f"page {shown} of {pages}", 1, f"100 %  sent in {seconds:.1f} s", done=True)
                page_started = time.monotonic()
            if qfile.state in FINISHED or qfile.state is JobState.SLEEPING:
                return hylafax.wait_job(job, {qfile.state})
            if shown < pages:
                expected = (page_sizes[shown] * 8 / rate + _CONFIRMATION) / speed
                part = min(0.97, (time.monotonic() - page_started) / expected)
                screen.bar(f"page {shown + 1} of {pages}", part, f"{part:5.0%}")
            if time.monotonic() - started > limit:
                raise TimeoutError(
                    f"job {job} is still {qfile.state.name} after {limit:g} s, "
                    f"{qfile.number('npages')} of {pages} pages sent, status {qfile['status']!r}"
                )


def _news(events: EventSocket) -> list[tuple[str, str]]:
    """What happened within the last tenth of a second: ``answer`` or ``rate``, with its value."""
    try:
        headers, _ = events.event(0.1)
    except TimeoutError:
        return []
    if headers.get("Event-Name") == "CHANNEL_ANSWER":
        return [("answer", "")] if headers.get("Call-Direction") == "outbound" else []
    return [("rate", headers.get("fax-transfer-rate", "14400"))]
