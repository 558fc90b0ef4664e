"""When a job is tried again, when it is given up, and what HylaFAX learns of a destination."""

from __future__ import annotations

import os
import time

import pytest

from rig.house import House, HouseMaker

RETRY, FAILED, DONE = 0, 1, 2


def info(house: House, number: str) -> dict[str, str]:
    path = house.path("info", number)
    if not os.path.exists(path):
        return {}
    with open(path, encoding="utf-8") as file:
        return dict(line.rstrip("\n").split(":", 1) for line in file)


def seconds_to_next_try(house: House, job: int) -> float:
    return house.qfile(job).number("tts") - time.time()


@pytest.mark.parametrize(("number", "key"), [("2000", "retry_busy"), ("2003", "retry_other"), ("1001", "retry_protocol")])
def test_the_next_try_is_as_far_off_as_the_operator_wants(make_house: HouseMaker, number: str, key: str) -> None:
    house = make_house({"outbound": {key: 7000}})
    job = house.job(number)
    assert house.gofaxsend(job) == RETRY
    assert 6900 < seconds_to_next_try(house, job) <= 7000


def test_a_jobs_own_retrytime_counts_more(make_house: HouseMaker) -> None:
    house = make_house({"outbound": {"retry_busy": 7000}})
    job = house.job("2000", retrytime="3000")
    assert house.gofaxsend(job) == RETRY
    assert 2900 < seconds_to_next_try(house, job) <= 3000


def test_a_person_who_answers_is_called_twice_and_no_more(house: House) -> None:
    job = house.job("2004")
    assert house.gofaxsend(job) == RETRY
    assert house.gofaxsend(job) == FAILED
    qfile = house.qfile(job)
    assert (qfile["returned"], qfile["status"], qfile["ndials"]) == ("1", "No carrier detected", "2")


def test_calls_that_reached_nobody_before_count_as_well_when_a_person_answers(house: House) -> None:
    """As native (faxd/FaxSend.c++): what is compared is ndials, the failed calls in a row, whatever they failed of."""
    job = house.job("2000")
    assert [house.gofaxsend(job) for _ in range(2)] == [RETRY, RETRY]
    path = house.path("sendq", f"q{job}")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    with open(path, "w", encoding="utf-8") as file:
        file.write(text.replace("external:2000", "external:2004"))
    assert house.gofaxsend(job) == FAILED
    assert (house.qfile(job)["ndials"], house.qfile(job)["status"]) == ("3", "No carrier detected")


def test_a_person_who_hangs_up_is_called_twice_and_no_more(make_house: HouseMaker) -> None:
    house = make_house(far_ends=[{"number": "2004", "does": "voice", "voice_seconds": 10}], speed=20)
    job = house.job("2004")
    assert [house.gofaxsend(job) for _ in range(2)] == [RETRY, FAILED]
    qfile = house.qfile(job)
    assert (qfile["status"], qfile["ndials"], qfile["tottries"]) == ("No carrier detected", "2", "0")
    assert info(house, "49302004")["calledBefore"] == "no", "or no later job would ever be given up"


def test_a_call_that_we_end_before_a_fax_machine_has_spoken_says_nothing_of_the_number(make_house: HouseMaker) -> None:
    house = make_house({"outbound": {"page_timeout": 1}}, speed=5)
    job = house.job("2004")
    assert house.gofaxsend(job) == RETRY and "No page has got through" in house.qfile(job)["status"]
    assert info(house, "49302004")["calledBefore"] == "no"


def test_a_number_with_a_fax_machine_that_was_reached_before_is_not_given_up(house: House) -> None:
    with open(house.path("info", "49302004"), "w", encoding="utf-8") as file:
        file.write("calledBefore:yes\n")
    os.chmod(house.path("info", "49302004"), 0o666)
    job = house.job("2004")
    assert [house.gofaxsend(job) for _ in range(3)] == [RETRY, RETRY, RETRY]


def test_hylafax_learns_what_a_machine_can_do(house: House) -> None:
    assert house.gofaxsend(house.job("1000")) == DONE
    known = info(house, "49301000")
    assert (known["calledBefore"], known["supportsMMR"], known["remoteCSI"]) == ("yes", "yes", '"+49 30 FAR"')
    assert (known["sendFailures"], known["dialFailures"], known["pagingProtocol"]) == ("0", "0", '"ixo"')


def test_failures_are_counted_as_native_counts_them(house: House) -> None:
    job = house.job("2000")
    house.gofaxsend(job)
    house.gofaxsend(job)
    known = info(house, "49302000")
    assert (known["dialFailures"], known["lastDialFailure"]) == ("2", '"Busy signal detected"')
    house.gofaxsend(house.job("1001"))
    known = info(house, "49301001")
    assert (known["sendFailures"], known["lastSendFailure"]) == ("1", '"Remote fax disconnected prematurely"')


def test_an_info_file_that_cannot_be_written_harms_no_fax(house: House) -> None:
    os.mkdir(house.path("info", "49301000"))
    job = house.job("1000")
    assert house.gofaxsend(job) == DONE
    assert "info/49301000" in house.session_log(house.qfile(job)["commid"])
