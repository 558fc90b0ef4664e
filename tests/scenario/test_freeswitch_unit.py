"""What conf/systemd/freeswitch.service relies on, on a real FreeSWITCH."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time

import pytest

from rig.house import House, HouseMaker
from rig.install import CHECKOUT
from rig.receiving import faxrcvd
from rig.rundir import RunDir
from rig.switch import FREESWITCH

pytestmark = pytest.mark.live


def setting(name: str) -> str:
    """A setting of the unit."""
    with open(os.path.join(CHECKOUT, "conf", "systemd", "freeswitch.service"), encoding="utf-8") as file:
        [value] = re.findall(rf"^{name}=(.*)$", file.read(), re.M)
    return str(value)


@pytest.fixture
def house(make_house: HouseMaker, run_dir: RunDir, monkeypatch: pytest.MonkeyPatch) -> House:
    """A house whose FreeSWITCH has the options of the unit in addition to the rig's own."""
    program = os.path.join(os.environ[FREESWITCH], "bin", "freeswitch")
    options = setting("ExecStart").split()[1:]
    assert "-elegant-term" in options
    wrapper = os.path.join(run_dir.sub("unit/bin"), "freeswitch")
    with open(wrapper, "w", encoding="utf-8") as file:
        file.write(f'#!/bin/sh\nexec "{program}" {" ".join(options)} "$@"\n')
    os.chmod(wrapper, 0o755)
    monkeypatch.setenv(FREESWITCH, os.path.dirname(os.path.dirname(wrapper)))
    made: House = make_house()
    return made


def freeswitch_of(run_dir: RunDir) -> int:
    """Its process id."""
    [pid] = [pid for pid in run_dir.processes() if os.path.basename(os.readlink(f"/proc/{pid}/exe")) == "freeswitch"]
    return pid


def stop(house: House, run_dir: RunDir) -> None:
    """What systemd does."""
    command = setting("ExecStop").removeprefix("-").split()
    assert command[:2] == ["/usr/bin/python3", "-I"]
    environment = run_dir.environ | {"PYTHONPATH": house.installed.lib, "GOFAX_CONFIG": house.config}
    subprocess.run([command[0], *command[2:]], check=True, env=environment)
    os.kill(freeswitch_of(run_dir), signal.SIGTERM)


def test_a_stop_waits_for_the_fax_in_progress_and_takes_no_other(house: House, run_dir: RunDir, document: str) -> None:
    faxrcvd(house)
    assert house.switch.place_call("4711", document).answered
    house.wait("the fax to begin", lambda: [name for name in os.listdir(house.path("recvq")) if name.startswith("fax")])
    stop(house, run_dir)
    time.sleep(5)
    assert house.switch.running and house.switch.calls(), "the call was cut off"
    assert not house.switch.place_call("4711", document).answered
    house.switch.wait_end(120)
    house.wait("the end of what is to be done for the fax", lambda: not house.journal())
    kinds = [record[1] for record in house.records()]
    assert kinds.count("CALL") == 1, "the call was not followed to its end"


def test_a_stop_without_calls_is_quick(house: House, run_dir: RunDir) -> None:
    began = time.monotonic()
    stop(house, run_dir)
    house.switch.wait_end(20)
    assert time.monotonic() - began < 10 * house.switch.patience


def test_what_freeswitch_starts_may_have_the_usual_stack(house: House, run_dir: RunDir) -> None:
    with open(f"/proc/{freeswitch_of(run_dir)}/limits", encoding="ascii") as file:
        [(soft, hard)] = re.findall(r"^Max stack size +(\d+) +(\d+)", file.read(), re.M)
    assert (int(soft), int(hard)) == (240 << 10, 8 << 20), "FreeSWITCH sets these itself"
    assert setting("LimitSTACK") == "8M:infinity"
