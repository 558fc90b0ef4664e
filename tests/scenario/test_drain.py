"""Before FreeSWITCH is stopped: no new calls, and those in progress go on (gofaxpy.drain, ExecStop of its unit)."""

from __future__ import annotations

import os
import subprocess

import pytest

from rig.driven import Switch
from rig.house import House, HouseMaker
from rig.install import SYSTEM_PYTHON
from rig.namespaces import networks_are_allowed
from rig.receiving import announced, faxrcvd, finished
from rig.servers import another_switch, set_keys


def drain(house: House, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = house.run_dir.environ | {"PYTHONPATH": house.installed.lib, "GOFAX_CONFIG": house.config}
    command = [SYSTEM_PYTHON, "-m", "gofaxpy.drain", *arguments]
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
    ([{"host": "198.51.100.1"}], "names no event socket of this machine"),
    ([{"host": "nobody.invalid"}], "names no event socket of this machine"),
])  # fmt: skip
def test_it_says_why_nobody_could_be_told(make_house: HouseMaker, servers: list[dict[str, object]], text: str) -> None:
    house = make_house({"freeswitch": {"servers": servers}})
    done = drain(house)
    assert done.returncode == 1 and text in done.stderr


def paused(switch: Switch) -> bool:
    return "is not ready" in switch.api("status")


@pytest.mark.standin("a second FreeSWITCH on the same machine")
def test_of_two_switches_the_one_that_is_named_is_told(house: House) -> None:
    """Without a name none is: the wrong one would refuse all faxes."""
    with another_switch(house) as other:
        done = drain(house)
        assert done.returncode == 1
        assert f"127.0.0.1:{house.switch.esl_port}, 127.0.0.1:{other.esl_port}" in done.stderr
        assert "ExecStop=-/usr/bin/python3 -I -m gofaxpy.drain PORT" in done.stderr
        done = drain(house, str(other.esl_port + 1))
        assert (done.returncode, "names no event socket" in done.stderr) == (1, True)
        assert [paused(house.switch), paused(other)] == [False, False]
        done = drain(house, str(other.esl_port))
        assert (done.returncode, done.stderr) == (0, "")
        assert [paused(house.switch), paused(other)] == [False, True]
        done = drain(house, f"127.0.0.1:{house.switch.esl_port}")
        assert (done.returncode, paused(house.switch)) == (0, True)


def test_servers_of_other_machines_are_left_alone_and_names_of_this_one_are_known(house: House) -> None:
    """A configuration that several machines share."""
    own = {"port": house.switch.esl_port, "password": house.switch.password}
    elsewhere = [{"host": "198.51.100.1"}, {"host": "nobody.invalid"}]
    set_keys(house.config, "freeswitch", servers=[*elsewhere, own | {"host": "localhost"}, own | {"host": "127.0.0.1"}])
    done = drain(house)
    assert (done.returncode, done.stderr, paused(house.switch)) == (0, "", True)


def test_a_command_line_that_cannot_be_understood(house: House) -> None:
    for arguments in (["8021", "8022"], ["--help"]):
        done = drain(house, *arguments)
        assert done.returncode == 2 and done.stderr.startswith("usage: "), arguments
    assert not paused(house.switch)


_NETWORK = """
ip link set lo up && ip address add 192.0.2.2/24 dev lo && echo "$1" >/proc/sys/net/ipv4/ip_nonlocal_bind || exit 3
exec "$2" -c 'import sys; from gofaxpy.local import is_here; print(*map(is_here, sys.argv[1:]))' 192.0.2.2 192.0.2.3 127.0.0.1 ::1
"""


@pytest.mark.skipif(not networks_are_allowed(), reason="this machine gives nobody a network of his own")
@pytest.mark.parametrize("nonlocal_bind", ["0", "1"])
def test_an_address_of_a_network_card_is_this_machine_s(house: House, nonlocal_bind: str) -> None:
    """Also where one may bind to any address, as keepalived wants it (ip_nonlocal_bind)."""
    command = ["unshare", "-n", "sh", "-c", _NETWORK, "network", nonlocal_bind, SYSTEM_PYTHON]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={"PATH": os.environ["PATH"],
                          "PYTHONPATH": house.installed.lib})
    assert done.stdout.split() == ["True", "False", "True", "True"], done.stderr
