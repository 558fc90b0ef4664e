"""The switch dies at any step of a reception: what is missing is done at its next start, and nothing twice."""

from __future__ import annotations

import os
import shutil
import time

import pytest

from gofaxpy.journal import Step
from rig.house import House, HouseMaker
from rig.pages import read_pages
from rig.receiving import announced, entry_lines, faxrcvd, finished, receive, script
from rig.rundir import FAX_USER
from rig.servers import set_keys
from rig.spool import make_spool

STEPS = (Step.ACCEPTED, Step.RECEIVING, Step.RECEIVED, Step.TAGGED, Step.RECORDED, Step.ANNOUNCING)
ENTRY = "c000000001"
KEEP = f"cp gofax/journal/{ENTRY} log/entry"


def leave(house: House, lines: list[str]) -> None:
    """Makes the journal look as if the switch had died after these marks."""
    path = house.path("gofax", "journal", ENTRY)
    with open(path, "w", encoding="utf-8") as file:
        file.write("".join(f"\n{line}\n" for line in lines))
    shutil.chown(path, FAX_USER, FAX_USER)
    os.chmod(path, 0o600)


def entry(house: House) -> str:
    with open(house.path("gofax", "journal", ENTRY), encoding="utf-8") as file:
        return file.read()


def restart(house: House) -> None:
    house.switch.start()
    house.wait("the end of the journal entry", lambda: not house.journal())


def taken_apart(house: House, document: str) -> list[str]:
    """A fax is received, then the switch dies; the marks it had made."""
    faxrcvd(house, KEEP)
    receive(house, document)
    house.switch.kill()
    with open(house.path("log", "entry"), encoding="utf-8") as file:
        lines = entry_lines(file.read())
    assert [f'"step":"{step}"' in line for step, line in zip(STEPS, lines, strict=True)] == [True] * len(STEPS)
    return lines


@pytest.mark.parametrize("step", STEPS)
def test_after_death_at_any_step_everything_is_there_once(house: House, document: str, step: Step) -> None:
    lines = taken_apart(house, document)
    done = STEPS.index(step)
    os.unlink(house.path("log", "faxrcvd.000000001"))
    if done < STEPS.index(Step.RECORDED):
        os.unlink(house.path("log", "xferfaxlog"))
    if step is Step.ACCEPTED:
        os.unlink(house.received()[0])
    leave(house, lines[:done + 1])
    restart(house)
    types = [record[1] for record in house.records()]
    if step is Step.ACCEPTED:
        assert types == ["CALL"] and house.records()[0][13] == "FreeSWITCH ended before the fax began"
        assert announced(house) == [] and house.received() == []
    else:
        assert types == ["RECV", "CALL"]
        assert [len(read_pages(fax)) for fax in house.received()] == [3]
        assert announced(house)[:3] == ["recvq/fax000000001.tif", "freeswitch1", "000000001"]
    house.switch.stop()
    assert house.journal() == []


@pytest.mark.parametrize("written", [1, 2])
def test_records_that_were_written_but_not_marked_are_not_written_again(
    house: House, document: str, written: int
) -> None:
    lines = taken_apart(house, document)
    path = house.path("log", "xferfaxlog")
    with open(path, encoding="utf-8") as file:
        records = file.readlines()
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(records[:written])
    leave(house, lines[:STEPS.index(Step.TAGGED) + 1])
    restart(house)
    assert [record[1] for record in house.records()] == ["RECV", "CALL"]


def test_a_torn_last_mark_counts_as_none(house: House, document: str) -> None:
    lines = taken_apart(house, document)
    os.unlink(house.path("log", "xferfaxlog"))
    leave(house, [*lines[:4], lines[4][:9]])
    restart(house)
    assert [record[1] for record in house.records()] == ["RECV", "CALL"]


def test_an_entry_that_says_nothing_keeps_no_other_waiting(house: House, document: str) -> None:
    lines = taken_apart(house, document)
    os.unlink(house.path("log", "faxrcvd.000000001"))
    leave(house, lines[:5])
    for name, text in (("c000000000", ""), ("c00000000x", '{"step":"accepted","at":1,"file":"/etc/passwd"}')):
        path = house.path("gofax", "journal", name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        shutil.chown(path, FAX_USER, FAX_USER)
    house.switch.start()
    house.wait("the good entry", lambda: house.journal() == ["c00000000x"])
    assert announced(house)[0] == "recvq/fax000000001.tif"
    assert house.switch.running


def test_faxrcvd_that_cannot_be_executed_runs_at_the_next_start(house: House, document: str) -> None:
    faxrcvd(house)
    os.chmod(house.path("bin", "faxrcvd"), 0o644)
    assert house.switch.place_call("4711", document).answered
    house.switch.wait_calls_over()
    house.wait("the complaint", lambda: "could not be started" in house.session_log("000000001"))
    assert house.journal() == [ENTRY] and announced(house) == []
    house.switch.kill()
    os.chmod(house.path("bin", "faxrcvd"), 0o755)
    restart(house)
    assert announced(house)[0] == "recvq/fax000000001.tif"
    assert [record[1] for record in house.records()] == ["RECV", "CALL"]


def test_faxrcvd_that_cannot_be_executed_at_first_runs_without_a_new_start(house: House, document: str) -> None:
    faxrcvd(house)
    os.chmod(house.path("bin", "faxrcvd"), 0o644)
    assert house.switch.place_call("4711", document).answered
    house.wait("the complaint", lambda: "could not be started" in house.session_log("000000001"))
    os.chmod(house.path("bin", "faxrcvd"), 0o755)
    long_ago = time.time() - 301
    house.wait("the mark", lambda: '"unannounced"' in entry(house))
    os.utime(house.path("gofax", "journal", ENTRY), (long_ago, long_ago))
    house.wait("the next look", lambda: announced(house), 30)
    house.wait("the end of the journal entry", lambda: not house.journal())
    assert [record[1] for record in house.records()] == ["RECV", "CALL"]
    assert house.session_log("000000001").count("RECV FAX: end") == 1


def test_a_faxrcvd_that_could_not_be_started_is_not_given_up(house: House, document: str) -> None:
    lines = taken_apart(house, document)
    os.unlink(house.path("log", "faxrcvd.000000001"))
    missing = lines[-1].replace("announcing", "unannounced")
    leave(house, [*lines, missing, lines[-1], missing, lines[-1], missing])
    restart(house)
    assert announced(house)[0] == "recvq/fax000000001.tif"


def test_faxrcvd_that_never_ends_well_for_the_machine_is_given_up(house: House, document: str) -> None:
    lines = taken_apart(house, document)
    os.unlink(house.path("log", "faxrcvd.000000001"))
    leave(house, [*lines, lines[-1], lines[-1]])
    restart(house)
    assert announced(house) == []
    assert "begun 3 times without an end" in house.session_log("000000001")


@pytest.mark.parametrize(("text", "told"), [
    ("echo 'no disk'; exit 4", "ended with status 4"), ("exec sleep 60", "was ended after 1 s"),
    ("exec yes", "was ended after 1 s"),
])
def test_faxrcvd_that_fails_is_told_of_and_not_run_again(
    make_house: HouseMaker, document: str, text: str, told: str
) -> None:
    house = make_house({"inbound": {"faxrcvd_timeout": 1}})
    script(house, "bin/faxrcvd", f"#!/bin/sh\n{text}\n")
    receive(house, document)
    log = house.session_log("000000001")
    assert f"RECV FAX: faxrcvd {told}" in log
    assert ("faxrcvd: no disk" in log) == ("no disk" in text)
    assert os.path.getsize(house.path("log", "c000000001")) < 50000


def test_what_faxrcvd_leaves_in_the_background_keeps_nobody_waiting(house: House, document: str) -> None:
    faxrcvd(house, "(while [ ! -e log/go-on ]; do sleep 0.1; done) &")
    receive(house, document)
    assert announced(house)
    open(house.path("log", "go-on"), "w", encoding="utf-8").close()


def test_a_call_whose_disk_was_full_is_finished_when_there_is_room(house: House, document: str) -> None:
    lines = taken_apart(house, document)
    os.unlink(house.path("log", "xferfaxlog"))
    os.mkdir(house.path("log", "xferfaxlog"))
    leave(house, lines[:4])
    restart(house)
    assert "RECV and CALL could not be recorded" in house.session_log("000000001")
    assert announced(house)
    finished(house)


@pytest.mark.parametrize("step", [Step.RECEIVED, Step.RECORDED])
def test_a_fax_that_waits_in_a_spool_that_is_named_no_more_is_finished_there(
    house: House, document: str, step: Step
) -> None:
    """It was put off (a full disk, say) before hylafax.spooldir was changed."""
    lines = taken_apart(house, document)
    os.unlink(house.path("log", "faxrcvd.000000001"))
    if step is Step.RECEIVED:
        os.unlink(house.path("log", "xferfaxlog"))
    os.unlink(house.path("status", "freeswitch1"))      # of the switch that was killed
    house.switch.start()
    house.wait("the modems", lambda: house.spool_has("status", "freeswitch1"))
    spool = f"{house.spool}2"
    make_spool(spool, house.lock_dir, sendfaxcmd=house.installed.gofaxsend, sendmail="/bin/true", modems=[])
    set_keys(house.config, "hylafax", spooldir=spool)
    house.wait("the other spool", lambda: os.path.exists(os.path.join(spool, "status", "freeswitch1")))
    leave(house, lines[:STEPS.index(step) + 1])
    os.utime(house.path("gofax", "journal", ENTRY), (time.time() - 60, time.time() - 60))
    house.wait("the end of the journal entry", lambda: not house.journal(), 40)
    assert [record[1] for record in house.records()] == ["RECV", "CALL"]
    assert announced(house)[:3] == ["recvq/fax000000001.tif", "freeswitch1", "000000001"]
    assert os.listdir(os.path.join(spool, "recvq")) == []
