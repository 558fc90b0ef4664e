"""As whom a fax goes out: DynamicConfigOutgoing, what a job wishes for itself, and the configuration."""

from __future__ import annotations

import os
import shutil
import signal
import time

import pytest

from rig.house import House, HouseMaker
from rig.install import CHECKOUT

RETRY, FAILED, DONE = 0, 1, 2
SCRIPT = {"dynamic_config": "etc/DynamicConfigOutgoing"}


def asked(make_house: HouseMaker, script: str, **outbound: object) -> House:
    """A house whose operator has this DynamicConfigOutgoing, and no faxrcvd that could be in the way."""
    house = make_house({"outbound": {**SCRIPT, **outbound}})
    house.script("DynamicConfigOutgoing", script)
    return house


def received(house: House) -> list[str]:
    """The RECV record of a fax to our own number: what it was sent as."""
    house.wait("the RECV record", lambda: "RECV" in [record[1] for record in house.records()])
    return next(record for record in house.records() if record[1] == "RECV")


def test_the_script_is_told_modem_owner_number_and_job(make_house: HouseMaker) -> None:
    house = asked(make_house, 'printf "[%s]" "$@" > log/arguments')
    job = house.job("1000", owner="anna; id")
    assert house.gofaxsend(job) == DONE
    with open(house.path("log", "arguments"), encoding="utf-8") as file:
        assert file.read() == f"[freeswitch0][anna; id][1000][{job}]"


# What a user may write for a premium number, and the status the job fails with.
REJECTED = "DynamicConfigOutgoing has rejected this fax"
PREMIUM = (
    ("0900123456", REJECTED), ("0-900-123456", REJECTED), ("(0)900/123456", REJECTED), ("0 900 123456", REJECTED),
    ("0.9.0.0 1", REJECTED), ("0/900", REJECTED), (" 0900 1", REJECTED), ("-0900", REJECTED), ("+49900123", REJECTED),
    ("+49 900 123", REJECTED), ("+49 (0)900 123", REJECTED), ("+49-0900", REJECTED), ("0049900123", REJECTED),
    ("00 49 900", REJECTED), ("0049 (0) 900", REJECTED), ("(00)49/900", REJECTED), ("*31#0900123", REJECTED),
    ("#31#0900", REJECTED), ("*31# 0-900", REJECTED), ("0900#", REJECTED), ("01033 0900 1", REJECTED), ("+0900", REJECTED),
    ("000 49 900", REJECTED),
    ("0+900", "can only be in front"), ("09+00", "can only be in front"), ("*31#+49900", "can only be in front"),
    ("\uff10\uff19\uff10\uff10123", "U+FF10"), ("\u0660900", "U+0660"), ("0\u00a0900", "U+00A0"), ("0\u2011900", "U+2011"),
    ("0,900", "cannot be dialled"), ("0w900", "cannot be dialled"), ("0900 M\u00fcller", "cannot be dialled"),
)


def shipped(make_house: HouseMaker, **outbound: object) -> House:
    """A house with the examples of conf/hylafax as they are."""
    house = make_house({"outbound": {**SCRIPT, **outbound}})
    for name in ("DynamicConfigOutgoing", "DynamicConfigOutgoing.table"):
        shutil.copy(os.path.join(CHECKOUT, "conf", "hylafax", name), house.path("etc", name))
    return house


def test_the_shipped_table_lets_nobody_fax_to_a_premium_number_however_it_is_written(make_house: HouseMaker) -> None:
    house = shipped(make_house)
    for number, reason in PREMIUM:
        job = house.job("1000", external=number)
        assert house.gofaxsend(job) == FAILED, number
        assert reason in house.qfile(job)["status"], (number, house.qfile(job)["status"])
        assert house.qfile(job)["totdials"] == "0" and "DIAL" not in house.session_log(house.qfile(job)["commid"])
    assert house.far_received() == [] and house.journal() == []


@pytest.mark.parametrize("number", ["1000", "1-000", "1/0.0 (0)"])
def test_the_script_sees_what_is_dialled_and_the_record_what_was_written(make_house: HouseMaker, number: str) -> None:
    house = asked(make_house, """
printf '%s\\n' "$3" >> log/numbers
case $3 in 1000) echo 'LocalIdentifier: +1 234' ;; esac
case $3 in 1*) echo 'Gateway: closed,default' ;; esac""")
    job = house.job("1000", external=number)
    assert house.gofaxsend(job) == DONE
    log = house.session_log(house.qfile(job)["commid"])
    assert "GATEWAY closed" in log and "DIAL 1000 (gateway default)" in log and "localidentifier='+1 234'" in log
    with open(house.path("log", "numbers"), encoding="utf-8") as file:
        assert file.read() == "1000\n"
    [record] = house.records()
    assert (record[1], record[7]) == ("SEND", number)


def test_a_number_that_cannot_be_dialled_fails_the_job_before_any_script_runs(make_house: HouseMaker) -> None:
    house = asked(make_house, "touch log/ran; exit 1")
    job = house.job("1000", external="0900x1")
    assert house.gofaxsend(job) == FAILED
    assert "cannot be dialled" in house.qfile(job)["status"] and not os.path.exists(house.path("log", "ran"))


@pytest.mark.parametrize("line", ["RejectCall: true", 'RejectCall: "yes"', "rejectcall:on"])
def test_the_script_rejects_a_fax_for_good(make_house: HouseMaker, line: str) -> None:
    house = asked(make_house, f"echo '{line}'")
    job = house.job("1000")
    assert house.gofaxsend(job) == FAILED
    qfile = house.qfile(job)
    assert (qfile["returned"], qfile["statuscode"], qfile["totdials"]) == ("1", "348", "0")
    assert qfile["status"] == "DynamicConfigOutgoing has rejected this fax"
    assert house.far_received() == [] and house.journal() == []


@pytest.mark.parametrize("quote", ['"', ""])
def test_the_script_names_tsi_and_caller_with_and_without_quotes(make_house: HouseMaker, quote: str) -> None:
    house = asked(make_house, f"""
echo 'LocalIdentifier: {quote}+1 234 567{quote}'
echo 'FAXNumber: {quote}+49 30 1337{quote}'
echo 'TagLine: {quote}ACME Corp{quote}'""", fax_number="4711", cid_name="cidnum")
    job = house.job("4711")
    assert house.gofaxsend(job) == DONE
    record = received(house)
    assert (record[8], record[14], record[15]) == ("+1 234 567", "+49 30 1337", "+49301337")
    assert "tagline='ACME Corp'" in house.session_log(house.qfile(job)["commid"])


def test_the_scripts_gateways_are_tried_in_order(make_house: HouseMaker) -> None:
    house = asked(make_house, "echo 'Gateway: closed, default'")
    job = house.job("1000")
    assert house.gofaxsend(job) == DONE
    log = house.session_log(house.qfile(job)["commid"])
    assert "GATEWAY closed: NORMAL_TEMPORARY_FAILURE" in log and "DIAL 1000 (gateway default)" in log


def test_the_scripts_prefix_takes_the_place_of_the_configured_one(make_house: HouseMaker) -> None:
    house = asked(make_house, "echo 'CallPrefix: 10'", call_prefix="99")
    assert house.gofaxsend(house.job("00")) == DONE
    assert len(house.far_received()) == 1


@pytest.mark.parametrize(
    ("policy", "returned", "code", "dials"),
    [("retry", RETRY, "422", "0"), ("fail", FAILED, "348", "0"), ("send", DONE, "0", "1")],
)
def test_a_script_that_fails_is_answered_as_the_operator_wants(
    make_house: HouseMaker, policy: str, returned: int, code: str, dials: str
) -> None:
    house = asked(make_house, "exit 3", dynamic_config_on_error=policy)
    job = house.job("1000")
    assert house.gofaxsend(job) == returned
    qfile = house.qfile(job)
    assert (qfile["returned"], qfile["statuscode"], qfile["totdials"]) == (str(returned), code, dials)
    assert ("ended with status 3" in qfile["status"]) is (policy != "send")
    assert "ended with status 3" in house.session_log(qfile["commid"])


@pytest.mark.parametrize(("said", "problem"), [
    ('Gateway: "a/b c"', "no name of a gateway"), ("CallPrefix: none", "'none' cannot be dialled before a number"),
])
def test_a_gateway_or_a_prefix_that_cannot_be_one_is_never_given_to_the_switch(
    make_house: HouseMaker, said: str, problem: str
) -> None:
    house = asked(make_house, f"echo '{said}'")
    job = house.job("1000")
    assert house.gofaxsend(job) == RETRY
    assert problem in house.qfile(job)["status"] and house.far_received() == []


def test_a_prefix_that_cannot_be_dialled_takes_nothing_else_of_what_the_script_says(make_house: HouseMaker) -> None:
    house = asked(make_house, "echo 'LocalIdentifier: +1 2'; echo 'CallPrefix: none'", dynamic_config_on_error="send")
    assert house.gofaxsend(house.job("4711")) == DONE
    assert received(house)[8] == "+1 2"


@pytest.mark.parametrize("closed", ["", "exec >&-; "])
def test_sigterm_while_the_script_runs_ends_the_job_before_anything_is_dialled(make_house: HouseMaker, closed: str) -> None:
    """Also where the script has closed its standard output, so that there is nothing to be read any more."""
    house = asked(make_house, f"{closed}touch log/begun; sleep 60", dynamic_config_timeout=50)
    job = house.job("1000")
    process = house.start_gofaxsend(job)
    house.wait("the script", lambda: house.spool_has("log", "begun"))
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=10 * house.switch.patience)
    assert time.monotonic() - began < 3 * house.switch.patience
    qfile = house.qfile(job)
    assert (process.returncode, qfile["returned"], qfile["statuscode"], qfile["totdials"]) == (RETRY, "0", "345", "0")
    assert house.journal() == [] and house.far_received() == []


@pytest.mark.parametrize("allowed", [True, False])
def test_a_jobs_own_tsi_and_number_count_where_the_operator_allows_it(make_house: HouseMaker, allowed: bool) -> None:
    house = make_house({"outbound": {"job_tsi": allowed, "job_fax_number": allowed, "fax_number": "4712"}})
    assert house.gofaxsend(house.job("4711", tsi="+49 40 99", faxnumber="4713")) == DONE
    record = received(house)
    wanted = ("+49 40 99", "4713") if allowed else ("+49 30 12340", "4712")
    assert (record[8], record[15]) == wanted


def test_the_script_beats_the_job(make_house: HouseMaker) -> None:
    house = asked(make_house, "echo 'LocalIdentifier: +1 2'", job_tsi=True, job_fax_number=True)
    assert house.gofaxsend(house.job("4711", tsi="+49 40 99", faxnumber="4713")) == DONE
    record = received(house)
    assert (record[8], record[15]) == ("+1 2", "4713")
