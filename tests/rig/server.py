"""A fax server as users have it: a private HylaFAX, our send command, and a switch with our scripts."""

from __future__ import annotations

import time
from collections.abc import Callable

from rig.driven import Switch, patience
from rig.hylafax import PrivateHylaFAX

Server = tuple[PrivateHylaFAX, Switch]
ServerMaker = Callable[..., Server]
"""Makes one: sections of gofax.yaml, then options of the switch."""


def idle(hylafax: PrivateHylaFAX) -> int:
    """How many modems faxstat shows as idle."""
    return hylafax.faxstat("-s").count("Running and idle")


def wait(condition: Callable[[], object], seconds: float = 20) -> bool:
    """Waits until the condition holds; whether it came to that."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > seconds * patience():
            return False
        time.sleep(0.05)
    return True


def recorded(hylafax: PrivateHylaFAX, kind: str, count: int = 1) -> bool:
    """Waits for so many accounting records of a kind."""
    return wait(lambda: [record[1] for record in hylafax.xferfaxlog()].count(kind) == count, 60)
