"""A broken gofax.yaml costs no call, whenever it is broken: the last good one stays in force."""

from __future__ import annotations

import os

import pytest

from rig.house import House, HouseMaker

RETRY, DONE = 0, 2
BROKEN = "outbound:\n  dail: external\n"


def change(house: House, text: str) -> None:
    """Another content, put there at once, as editors do."""
    with open(house.config + ".new", "w", encoding="utf-8") as file:
        file.write(text)
    os.utime(house.config + ".new", (1, 1))     # long ago: nobody is writing any more
    os.chmod(house.config + ".new", 0o644)
    os.rename(house.config + ".new", house.config)


def text_of(house: House) -> str:
    with open(house.config, encoding="utf-8") as file:
        return file.read()


def switch_log(house: House) -> str:
    with open(house.switch.log, encoding="utf-8", errors="replace") as file:
        return file.read()


@pytest.fixture
def well(house: House) -> House:
    """A house whose supervisor has read the configuration and kept a copy."""
    house.wait("the supervisor", lambda: house.spool_has("status", "freeswitch1"))
    assert house.spool_has("gofax", "gofax.yaml.good")
    return house


@pytest.mark.parametrize("text", [BROKEN, "", "a: [", "\0" * 2000])
def test_faxes_go_and_come_while_the_file_is_broken(well: House, document: str, text: str) -> None:
    change(well, text)
    job = well.job("1000", pages=(1,))
    assert well.gofaxsend(job) == DONE
    assert well.switch.place_call("4711", document).answered
    well.wait("the fax", lambda: any(record[1] == "RECV" for record in well.records()))
    well.wait("the complaint", lambda: "the configuration read before stays in force" in switch_log(well))
    assert f"{well.config}:" in switch_log(well)


@pytest.mark.parametrize("mistake", ["  dail: external\n", "a: [\n"])
def test_a_switch_that_starts_with_a_broken_file_goes_on_as_before(well: House, document: str, mistake: str) -> None:
    good = text_of(well)
    change(well, good + mistake)
    well.switch.kill()
    well.switch.start()
    well.wait("the complaint", lambda: "its last good state holds instead" in switch_log(well))
    assert well.switch.place_call("4711", document).answered
    well.wait("the fax", lambda: any(record[1] == "RECV" for record in well.records()))
    job = well.job("1000", pages=(1,))
    assert well.gofaxsend(job) == DONE
    change(well, good.replace("modems: 2", "modems: 1"))
    well.wait("the change", lambda: "the modems are set up anew" in switch_log(well))


def test_a_first_start_with_a_broken_file_takes_calls_by_what_is_right_in_it(make_house: HouseMaker, document: str) -> None:
    """And sends nothing: what is missing might be the prefix, and the fax would be somebody else's."""
    house = make_house({"outbound": {"dail": "external"}})
    assert house.switch.place_call("4711", document).answered
    house.wait("the fax", lambda: any(record[1] == "RECV" for record in house.records()))
    assert not house.spool_has("gofax", "gofax.yaml.good")
    job = house.job("1000", pages=(1,))
    assert house.gofaxsend(job) == RETRY
    assert "outbound.dail: no such key; did you mean dial?" in house.qfile(job)["status"]
    assert house.far_received() == []
