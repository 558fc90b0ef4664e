"""Fixtures for tests with Debian's faxq and hfaxd."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping

import pytest

from rig import Installed, PrivateHylaFAX, RunDir, Switch, gofaxyaml
from rig.house import FAR_ENDS, GATEWAYS
from rig.pages import NORMAL, make_tiff
from rig.ports import Port
from rig.server import Server, ServerMaker, idle, wait
from rig.switch import make_switch

SenderMaker = Callable[[str], str]


@pytest.fixture
def hylafax(run_dir: RunDir) -> Iterator[PrivateHylaFAX]:
    """A private HylaFAX that is not started yet."""
    with PrivateHylaFAX(run_dir) as private:
        yield private


@pytest.fixture
def make_sender(run_dir: RunDir) -> SenderMaker:
    """Make a SendFaxCmd from the lines of a Python program; ``qfile`` is the job's queue file."""

    def make(program: str) -> str:
        path = os.path.join(run_dir.sub("bin"), "sender")
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"#!/usr/bin/python3 -I\nimport os, sys, time\nqfile = sys.argv[-1]\n{program}\n")
        os.chmod(path, 0o755)
        return path

    return make


@pytest.fixture
def document(run_dir: RunDir) -> str:
    """A three-page TIFF, of the resolution that sendfax asks for by default: faxq need not convert it."""
    path = os.path.join(run_dir.path, "document.tif")
    make_tiff(path, dpi=NORMAL)
    return path


@pytest.fixture
def make_server(run_dir: RunDir, installed: Installed, hylafax: PrivateHylaFAX) -> Iterator[ServerMaker]:
    """A fax server as users have it: HylaFAX, our send command, and the switch with our scripts."""
    switches: list[Switch] = []

    def make(
        config: Mapping[str, Mapping[str, object]] | None = None, modems: int = 2, config_extra: str = "", **options: object
    ) -> Server:
        port = Port()
        yaml = gofaxyaml(
            os.path.join(run_dir.path, "gofax.yaml"), spool=hylafax.spool, lock_dir=hylafax.lock_dir,
            esl_port=port.number, modems=modems, overrides=config,
        )
        hylafax.start(installed.gofaxsend, modems, env={"GOFAX_CONFIG": yaml}, config_extra=config_extra)
        arguments: dict[str, object] = {"far_ends": FAR_ENDS, "gateways": GATEWAYS, **options}
        switch = make_switch(run_dir, installed, gofaxyaml=yaml, port=port, **arguments)
        switches.append(switch)
        switch.start()
        assert wait(lambda: idle(hylafax) == modems), hylafax.faxstat("-s")
        return hylafax, switch

    yield make
    for switch in switches:
        switch.close()
