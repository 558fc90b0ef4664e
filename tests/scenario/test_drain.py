"""Before FreeSWITCH is stopped: no new calls, and those in progress go on (gofaxpy.drain, ExecStop of its unit)."""

from __future__ import annotations

import os
import subprocess

import pytest

from rig.house import House, HouseMaker
from rig.install import SYSTEM_PYTHON
from rig.receiving import announced, faxrcvd, finished


def drain(house: House) -> subprocess.CompletedProcess[str]:
    environment = house.run_dir.environ | {"PYTHONPATH": house.installed.lib, "GOFAX_CONFIG": house.config}
    command = [SYSTEM_PYTHON, "-m", "gofaxpy.drain"]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd="/")


def test_no_new_calls_and_the_fax_in_progress_goes_on(make_house: HouseMaker, document: str) -> None:
    house = make_house(speed=20)
    faxrcvd(house)
    assert house.switch.place_call("4711", document).answered
    house.wait("the fax to begin", lambda: os.listdir(house.path("recvq")))
    done = drain(house)
    assert (done.returncode, done.stderr) == (0, "")
    assert not house.switch.place_call("4711", document).answered
    assert house.gofaxsend(house.job("1000")) == 0, "a job is put off"
    finished(house)
    if not house.switch.live:   # audio in real time may break off on a busy machine, with or without a pause
        assert announced(house)[3] == ""
    house.switch.api("fsctl resume")
    assert house.switch.place_call("4711", document).answered
    finished(house)


@pytest.mark.parametrize(("servers", "text"), [
    ([{"host": "127.0.0.1", "port": 1}], "cannot be reached"),
    ([{"host": "192.0.2.1"}], "names no event socket of this machine"),
])  # fmt: skip
def test_it_says_why_nobody_could_be_told(make_house: HouseMaker, servers: list[dict[str, object]], text: str) -> None:
    house = make_house({"freeswitch": {"servers": servers}})
    done = drain(house)
    assert done.returncode == 1 and text in done.stderr
