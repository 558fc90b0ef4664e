"""Fixtures for whole calls: a house (:mod:`rig.house`), made for the test and gone after it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping

import pytest

from rig import Installed, RunDir, Switch, gofaxyaml
from rig.house import FAR_ENDS, GATEWAYS, House
from rig.pages import make_tiff
from rig.ports import Port
from rig.spool import make_spool
from rig.switch import make_switch


@pytest.fixture
def make_house(run_dir: RunDir, installed: Installed) -> Iterator[Callable[..., House]]:
    """Makes a house; ``config`` are sections of gofax.yaml, the rest goes to the switch."""
    switches: list[Switch] = []

    def make(config: Mapping[str, Mapping[str, object]] | None = None, **options: object) -> House:
        spool, lock_dir = os.path.join(run_dir.path, "spool"), os.path.join(run_dir.path, "lock")
        make_spool(spool, lock_dir, sendfaxcmd=installed.gofaxsend, sendmail="/bin/true", modems=["freeswitch0", "freeswitch1"])
        port = Port()
        yaml = gofaxyaml(
            os.path.join(run_dir.path, "gofax.yaml"), spool=spool, lock_dir=lock_dir, esl_port=port.number, overrides=config
        )
        arguments: dict[str, object] = {"far_ends": FAR_ENDS, "gateways": GATEWAYS, **options}
        switch = make_switch(run_dir, installed, gofaxyaml=yaml, port=port, **arguments)
        switches.append(switch)
        switch.start()
        return House(run_dir, installed, spool, lock_dir, yaml, switch)

    yield make
    for switch in switches:
        switch.close()


@pytest.fixture
def house(make_house: Callable[..., House]) -> House:
    """A house as most scenarios want it."""
    return make_house()


@pytest.fixture
def document(run_dir: RunDir) -> str:
    """A three-page TIFF for a fax that comes in."""
    path = os.path.join(run_dir.path, "incoming.tif")
    make_tiff(path)
    return path
