"""On a real FreeSWITCH: CPU of a fax that our handlers carry, against the bare dialplan's rxfax and txfax.

Both ends of every call are in the one FreeSWITCH process, so half of what a bare call takes is the far end's.  The
reference is the other half, the fax machine that a bare dialplan is; what our handlers add is added to that.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

from bench.crowd import interpreter
from bench.figure import Reading
from bench.measure import children_cpu_seconds, cpu_seconds, median
from bench.sending import start_jobs, wait_for
from bench.site import APPLICATION_NUMBER, Site
from rig.house import OWN_NUMBER, House
from rig.pages import make_tiff
from rig.receiving import script
from rig.rundir import RigError
from rig.switch import FREESWITCH

AT_ONCE = 4
FAR_NUMBER = "1000"
IN_GOOD_TIME = 60.0
TRIES = 4
"""Late packets break faxes of a real line; a wave with a broken one is not counted and done again."""


def available() -> bool:
    """Whether there is a FreeSWITCH to measure on."""
    return bool(os.environ.get(FREESWITCH))


def fax(site: Site, n: int) -> Iterator[Reading]:
    """n rounds of faxes of one page, several at once: received bare and by our handler, sent bare and by our handler."""
    with site.house(modems=AT_ONCE, live=True) as house:
        bench = _Bench(house)
        waves = {
            "received_bare": bench.received_bare, "received": bench.received, "sent_bare": bench.sent_bare, "sent": bench.sent,
        }
        for wave in waves.values():
            wave()      # what is loaded once
        bench.rest()
        found: dict[str, list[float]] = {name: [] for name in waves}
        bench.received_waves, before = 0, children_cpu_seconds(bench.pid)
        for _ in range(n):
            for name, wave in waves.items():
                found[name].append(bench.taken(wave))
        runners = (children_cpu_seconds(bench.pid) - before) / (bench.received_waves * AT_ONCE)
    for way in ("received", "sent"):
        bare, ours = median(found[f"{way}_bare"]) * 1e3, median(found[way]) * 1e3
        yield Reading(
            f"live_cpu_{way}", bare / 2 + ours - bare, "ms", n * AT_ONCE, bare / 2, "one end of a bare call"
        )
    yield Reading("live_cpu_faxrcvd_runner", runners * 1e3, "ms", n * AT_ONCE, None, "processes of FreeSWITCH, per fax received")


class _Bench:
    """A real FreeSWITCH and the four kinds of waves; each returns when all of its calls are over."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.pid = interpreter(house)
        self.received_waves = 0
        self._idle = 0.0
        self._document = os.path.join(house.run_dir.path, "page.tif")
        make_tiff(self._document, 1)
        os.chmod(self._document, 0o644)
        script(house, "bin/faxrcvd", "#!/bin/sh\n")

    def rest(self, seconds: float = 5.0) -> None:
        """Notes what FreeSWITCH takes when nothing happens."""
        used = cpu_seconds(self.pid)
        time.sleep(seconds)
        self._idle = (cpu_seconds(self.pid) - used) / seconds

    def taken(self, wave: Callable[[], None]) -> float:
        """CPU seconds of FreeSWITCH for one call of a wave, less what it takes when nothing happens.  Raises RigError."""
        for _ in range(TRIES):
            broken, began, used = self._broken(), time.monotonic(), cpu_seconds(self.pid)
            wave()
            if self._broken() == broken:
                return (cpu_seconds(self.pid) - used - self._idle * (time.monotonic() - began)) / AT_ONCE
        raise RigError(f"a fax broke in each of {TRIES} waves: this machine has too much else to do for faxes in real time")

    def _broken(self) -> int:
        """Ends of faxes that did not go well, so far."""
        with open(self.house.switch.log, encoding="utf-8", errors="replace") as file:
            return sum("Fax processing not successful" in line for line in file)

    def received_bare(self) -> None:
        self._calls_to(APPLICATION_NUMBER)

    def received(self) -> None:
        self._calls_to(OWN_NUMBER)
        self.received_waves += 1

    def sent(self) -> None:
        wait_for(start_jobs(self.house, FAR_NUMBER, AT_ONCE))
        self._over()

    def sent_bare(self) -> None:
        dial = f"{{ignore_early_media=true}}sofia/gateway/default/{FAR_NUMBER}"
        with ThreadPoolExecutor(AT_ONCE) as pool:
            replies = list(pool.map(
                lambda _: self.house.switch.originate(dial, f"txfax({self._document})"), range(AT_ONCE)
            ))
        assert all(reply.startswith("+OK") for reply in replies), replies
        self._over()

    def _calls_to(self, number: str) -> None:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            calls = list(pool.map(lambda _: self.house.switch.place_call(number, self._document), range(AT_ONCE)))
        assert all(call.answered for call in calls), [call.reply for call in calls]
        self._over()

    def _over(self) -> None:
        self.house.switch.wait_calls_over(IN_GOOD_TIME)
        self.house.wait("the end of the journal entries", lambda: not self.house.journal(), IN_GOOD_TIME)
