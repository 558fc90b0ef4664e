"""Fixtures for what is tested on a real switch, and for probes of the contract that run on both."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import pytest

from rig import Installed, RunDir, install
from rig.driven import FREESWITCH
from rig.fixtures import document, house, make_house
from rig.house import House

__all__ = ["document", "house", "make_house"]

PROBES = Path(__file__).parent / "probes"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Forty calls at once come last: audio of other tests would not get its packets in time."""
    items.sort(key=lambda item: "test_live_many" in item.nodeid)


def left_by_probe(house: House) -> dict[str, object]:
    """What a probe has left in the global variable ``probe``, once it has."""
    house.wait("the probe's end", lambda: house.switch.api("global_getvar probe").startswith("{"))
    found: dict[str, object] = json.loads(house.switch.api("global_getvar probe"))
    house.switch.api("global_setvar probe=")
    return found


class Row(Protocol):
    """Notes a row of the contract for the report, and holds what was measured against what is known.

    ``standin`` is what the stand-in does where it differs, for the reason told in docs/stand-in.md.
    """

    def __call__(self, name: str, measured: object, real: object, standin: object = ...) -> None: ...


@pytest.fixture
def row(record_property: Callable[[str, object], None]) -> Row:
    """See :class:`Row`."""

    def note(name: str, measured: object, real: object, standin: object = ...) -> None:
        record_property(name, repr(measured))
        wanted = real if os.environ.get(FREESWITCH) or standin is ... else standin
        assert measured == wanted, name

    return note


@pytest.fixture(scope="module")
def installed(request: pytest.FixtureRequest) -> Iterator[Installed]:
    """The project with ``probe.py`` among its scripts.  In modules that say PROBE_TAKES_CALLS another one takes the
    incoming calls."""
    with RunDir() as directory:
        project = install(directory)
        for probe in PROBES.glob("*.py"):
            if probe.name == "probe.py" or getattr(request.module, "PROBE_TAKES_CALLS", False):
                Path(project.scripts, probe.name).write_bytes(probe.read_bytes())
        yield project
