"""FreeSWITCH makes no calls, for a reason of its own: that is no verdict on the destination, and no dial."""

from __future__ import annotations

import os
import time

import pytest

from rig.house import FAR_ENDS, House, HouseMaker
from rig.servers import another_switch, name_servers
from rig.spool import QFile

RETRY, DONE = 0, 2
TWO = pytest.mark.standin("a second FreeSWITCH on the same spool")
NO_CALLS = "FreeSWITCH makes no new calls: it is paused (fsctl pause), stopping, or at a limit of its own"


def assert_no_dial(qfile: QFile, reason: str) -> None:
    assert qfile["status"].startswith(reason), qfile["status"]
    assert (qfile["totdials"], qfile["ndials"], qfile["tottries"]) == ("0", "0", "0")
    assert int(qfile["tts"]) > time.time()


def assert_nobody_was_called(house: House, qfile: QFile, reason: str) -> None:
    assert_no_dial(qfile, reason)
    assert house.records() == [] and os.listdir(house.path("info")) == [] and house.journal() == []


@pytest.mark.parametrize("trouble", ["pause", "pause outbound", "sps 1", "min_idle_cpu 100"])
def test_a_switch_that_makes_no_calls_costs_no_dial_and_says_nothing_of_the_destination(house: House, trouble: str) -> None:
    house.wait("a first look at the processor", lambda: "min idle cpu 0.00/100.00" not in house.switch.api("status"))
    house.switch.api(f"fsctl {trouble}")
    if "sps" in trouble and house.switch.live:
        time.sleep(2)       # what is left of the second that had another limit
    job = house.job("1000", maxdials="1")
    assert house.gofaxsend(job) == RETRY
    assert_nobody_was_called(house, house.qfile(job), NO_CALLS)
    for undo in ("resume", "sps 200", "min_idle_cpu 0"):
        house.switch.api(f"fsctl {undo}")
    if "sps" in trouble and house.switch.live:
        time.sleep(2)
    assert house.gofaxsend(job) == DONE
    assert (house.qfile(job)["totdials"], len(house.records())) == ("1", 1)


def test_a_switch_at_its_limit_of_sessions(house: House) -> None:
    assert house.switch.originate("sofia/gateway/default/2004", "park()").startswith("+OK")
    house.switch.api("fsctl max_sessions 1")
    job = house.job("1000", maxdials="1")
    assert house.gofaxsend(job) == RETRY
    assert_nobody_was_called(house, house.qfile(job), NO_CALLS)


def test_a_switch_that_is_shutting_down(house: House) -> None:
    assert house.switch.originate("sofia/gateway/default/2004", "park()").startswith("+OK")
    with house.switch.connect() as other:
        other.command("bgapi fsctl shutdown asap")
        house.wait("the beginning of the end", lambda: "not ready" in house.switch.api("status"))
        job = house.job("1000", maxdials="1")
        assert house.gofaxsend(job) == RETRY
        assert_nobody_was_called(house, house.qfile(job), NO_CALLS)
        house.switch.api("hupall")


@pytest.mark.standin("a missing module")
def test_a_switch_without_mod_sofia(make_house: HouseMaker) -> None:
    house = make_house(more={"absent_modules": ["mod_sofia"]})
    job = house.job("1000", maxdials="1")
    assert house.gofaxsend(job) == RETRY
    assert_nobody_was_called(house, house.qfile(job), "FreeSWITCH cannot call: mod_sofia is not loaded")


def test_the_gateways_of_a_paused_switch_are_not_tried_one_after_the_other(make_house: HouseMaker) -> None:
    house = make_house({"freeswitch": {"gateways": ["default", "closed", "dead"]}})
    house.switch.api("fsctl pause")
    job = house.job("1000")
    assert house.gofaxsend(job) == RETRY
    assert house.session_log(house.qfile(job)["commid"]).count("DIAL ") == 1


def test_a_call_that_was_made_counts_although_the_switch_makes_no_other(make_house: HouseMaker) -> None:
    """The first gateway is in trouble, and the switch is paused before the second one is tried."""
    house = make_house({"freeswitch": {"gateways": ["dead", "default"]}, "outbound": {"progress_timeout": 4}}, speed=1)
    job = house.job("1000")
    process = house.start_gofaxsend(job)
    house.wait("the first gateway", house.switch.sessions)
    house.switch.api("fsctl pause outbound")
    process.communicate(timeout=60 * house.switch.patience)
    qfile = house.qfile(job)
    assert "PROGRESS_TIMEOUT" in qfile["status"]
    assert (qfile["totdials"], qfile["ndials"], len(house.records())) == ("1", "1", 1)


def test_a_far_end_that_is_out_of_order_counts(make_house: HouseMaker) -> None:
    """The same cause, but from there (Q.850 27 in the refusal's Reason header)."""
    house = make_house(far_ends=[{"number": "2005", "does": "reject", "cause": "DESTINATION_OUT_OF_ORDER"}, *FAR_ENDS])
    job = house.job("2005")
    assert house.gofaxsend(job) == RETRY
    qfile = house.qfile(job)
    assert qfile["status"] == "No carrier detected: DESTINATION_OUT_OF_ORDER (502 Bad Gateway)"
    assert (qfile["totdials"], qfile["ndials"], len(house.records())) == ("1", "1", 1)
    assert os.listdir(house.path("info"))


@TWO
def test_the_next_server_calls_where_the_first_one_makes_no_calls(house: House) -> None:
    """Within the attempt, through the gateway that the first one could not use."""
    with another_switch(house) as other:
        house.switch.api("fsctl pause")
        job = house.job("1000", maxdials="1")
        assert house.gofaxsend(job) == DONE
        qfile = house.qfile(job)
        log = house.session_log(qfile["commid"])
        assert f"{NO_CALLS}" in log and f"FreeSWITCH at 127.0.0.1:{other.esl_port}" in log
        assert (qfile["totdials"], len(house.records())) == ("1", 1)


@TWO
def test_servers_of_which_none_makes_calls_are_all_named(house: House) -> None:
    with another_switch(house) as other:
        for switch in (house.switch, other):
            switch.api("fsctl pause")
        job = house.job("1000", maxdials="1")
        assert house.gofaxsend(job) == RETRY
        reason = f"127.0.0.1:{house.switch.esl_port}: {NO_CALLS}"
        assert_nobody_was_called(house, house.qfile(job), reason)
        assert f"127.0.0.1:{other.esl_port}: FreeSWITCH makes" in house.session_log(house.qfile(job)["commid"])


@TWO
def test_the_next_server_calls_where_the_first_one_has_no_python(house: House) -> None:
    """It cannot be given an order (mod_python3 is not loaded)."""
    with another_switch(house, absent_modules=["mod_python3"]) as other:
        name_servers(house, other, house.switch)
        job = house.job("1000", maxdials="1")
        assert house.gofaxsend(job) == DONE
        assert "FreeSWITCH has no mod_python3 loaded" in house.session_log(house.qfile(job)["commid"])
        assert house.qfile(job)["totdials"] == "1"


def test_a_fax_in_progress_ends_and_the_next_job_waits_while_a_switch_is_drained(make_house: HouseMaker) -> None:
    house = make_house(speed=20)
    first = house.job("1000")
    process = house.start_gofaxsend(first)
    house.wait("page 1", lambda: house.qfile(first)["npages"] == "1")
    house.switch.api("fsctl pause")
    job = house.job("1000", maxdials="1")
    assert house.gofaxsend(job) == RETRY
    assert_no_dial(house.qfile(job), NO_CALLS)
    process.communicate(timeout=120 * house.switch.patience)
    assert process.returncode == DONE
