"""The switch dies, and comes back: what was received is finished, what was sent is not sent again."""

from __future__ import annotations

import os
import signal

import pytest

from rig.house import House, HouseMaker
from rig.pages import read_pages

FAXRCVD = """#!/bin/sh
echo "$1|$2|$3|$4" >> {file}
"""
DONE = 2


def faxrcvd(house: House) -> str:
    """Puts a faxrcvd into the spool that notes each of its runs; returns the file it writes."""
    file = house.path("log", "faxrcvd-runs")
    with open(house.path("bin", "faxrcvd"), "w", encoding="utf-8") as script:
        script.write(FAXRCVD.format(file=file))
    os.chmod(house.path("bin", "faxrcvd"), 0o755)
    return file


def lines(file: str) -> list[str]:
    try:
        with open(file, encoding="utf-8") as text:
            return text.read().splitlines()
    except FileNotFoundError:
        return []


def test_pages_received_before_the_switch_died_are_recorded_and_announced_once(
    make_house: HouseMaker, document: str
) -> None:
    house = make_house(speed=20)
    runs = faxrcvd(house)
    house.switch.place_call("4711", document)
    house.wait("page 1", lambda: "page 1 in" in house.session_log("000000001"))
    house.switch.kill()
    assert house.journal() == ["c000000001"]
    house.switch.start()
    house.wait("the end of the journal entry", lambda: not house.journal())
    [fax] = house.received()
    assert 1 <= len(read_pages(fax)) < 3
    assert [run.split("|")[:3] for run in lines(runs)] == [["recvq/fax000000001.tif", "freeswitch1", "000000001"]]
    assert [record[1] for record in house.records()] == ["RECV", "CALL"]
    assert house.records()[0][13] == "FreeSWITCH ended while the fax came in"
    house.switch.stop()
    house.switch.start()
    assert len(lines(runs)) == 1 and len(house.records()) == 2


def test_a_modem_is_free_again_after_the_switch_died_with_a_call_on_it(make_house: HouseMaker, document: str) -> None:
    house = make_house(speed=20)
    faxrcvd(house)
    house.switch.place_call("4711", document)
    house.wait("page 1", lambda: "page 1 in" in house.session_log("000000001"))
    house.switch.kill()
    house.switch.start()
    house.wait("the end of the journal entry", lambda: not house.journal())
    assert not os.path.exists(os.path.join(house.lock_dir, "LCK..freeswitch1"))


def test_an_orderly_shutdown_in_mid_page_keeps_what_was_received(make_house: HouseMaker, document: str) -> None:
    house = make_house(speed=20)
    runs = faxrcvd(house)
    house.switch.place_call("4711", document)
    house.wait("page 1", lambda: "page 1 in" in house.session_log("000000001"))
    house.switch.api("fsctl shutdown")
    assert house.switch.wait_end(60) == 0
    house.switch.kill()
    house.switch.start()
    house.wait("the end of the journal entry", lambda: not house.journal())
    [fax] = house.received()
    assert 1 <= len(read_pages(fax)) < 3
    assert len(lines(runs)) == 1 and [record[1] for record in house.records()] == ["RECV", "CALL"]


@pytest.mark.parametrize("pages", [1, 2])
def test_a_job_whose_switch_died_sends_only_the_pages_that_are_not_confirmed(make_house: HouseMaker, pages: int) -> None:
    house = make_house(speed=20)
    job = house.job("1000")
    process = house.start_gofaxsend(job)
    house.wait(f"page {pages}", lambda: house.qfile(job)["npages"] == str(pages))
    house.switch.kill()
    house.switch.start()
    output, _ = process.communicate(timeout=60 * house.switch.patience)
    assert (process.returncode, output) == (0, "")
    assert house.qfile(job)["returned"] == "0" and house.qfile(job)["npages"] == str(pages)
    assert house.gofaxsend(job) == DONE
    assert [len(read_pages(far)) for far in house.far_received()][-1] == 3 - pages


def test_an_orderly_shutdown_in_mid_page_of_a_fax_that_is_sent_costs_an_attempt(make_house: HouseMaker) -> None:
    house = make_house(speed=20)
    job = house.job("1000")
    process = house.start_gofaxsend(job)
    house.wait("page 1", lambda: house.qfile(job)["npages"] == "1")
    house.switch.api("fsctl shutdown")
    assert house.switch.wait_end(60) == 0
    output, _ = process.communicate(timeout=60 * house.switch.patience)
    assert (process.returncode, output) == (0, "")
    qfile = house.qfile(job)
    confirmed = int(qfile["npages"])
    assert confirmed in (1, 2) and (qfile["returned"], qfile["totdials"], qfile["tottries"]) == ("0", "1", "1")
    house.switch.kill()
    house.switch.start()
    assert house.gofaxsend(job) == DONE
    assert [len(read_pages(far)) for far in house.far_received()][-1] == 3 - confirmed
    assert [(record[1], record[10]) for record in house.records()] == [("SEND", str(confirmed)), ("SEND", str(3 - confirmed))]
    assert house.journal() == []


def test_faxrcvd_that_outlives_the_switch_is_not_run_again(house: House, document: str) -> None:
    runs = faxrcvd(house)
    with open(house.path("bin", "faxrcvd"), "a", encoding="utf-8") as script:
        script.write("while [ ! -e log/go-on ]; do sleep 0.1; done\n")
    house.switch.place_call("4711", document)
    house.wait("faxrcvd", lambda: lines(runs))
    house.switch.kill()
    house.switch.start()
    with open(house.path("log", "go-on"), "w", encoding="utf-8"):
        pass
    house.wait("the end of the journal entry", lambda: not house.journal())
    assert len(lines(runs)) == 1


def test_a_gofaxsend_that_was_killed_at_any_step_leaves_a_job_that_is_tried_again(make_house: HouseMaker) -> None:
    house = make_house(speed=20)
    job = house.job("1000")
    for _ in range(3):
        process = house.start_gofaxsend(job)
        house.wait("the start", lambda: house.qfile(job)["returned"] == "0")
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert house.qfile(job)["returned"] == "0"
    house.switch.wait_calls_over()
    assert house.gofaxsend(job) == DONE
    assert sum(len(read_pages(far)) for far in house.far_received()) == 3
