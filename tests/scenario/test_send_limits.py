"""Limits of a call, and a user who ends a job at any moment: the call is over in time, and the job says why."""

from __future__ import annotations

import signal
import time

import pytest

from rig.house import House, HouseMaker

RETRY = 0
ABORTED = ("0", "345", "Call aborted by user")


def ends_by(house: House, number: str, seconds: float) -> tuple[str, str]:
    """Sends a job that a limit ends; its status, and its session log."""
    job = house.job(number)
    began = time.monotonic()
    assert house.gofaxsend(job, timeout=60) == RETRY
    assert time.monotonic() - began < seconds * house.switch.patience
    house.wait("the end of the call", lambda: not house.switch.calls(), 3)
    assert house.journal() == [] and house.qfile(job)["returned"] == "0"
    return house.qfile(job)["status"], house.qfile(job)["tottries"]


def test_a_call_without_progress_ends_at_the_page_timeout(make_house: HouseMaker) -> None:
    house = make_house({"outbound": {"page_timeout": 3}}, speed=1)
    assert ends_by(house, "2004", 12) == ("No page has got through for 3 s", "1")


def test_a_call_ends_at_its_time_limit(make_house: HouseMaker) -> None:
    house = make_house({"outbound": {"call_timeout": 4}}, speed=1)
    assert ends_by(house, "1000", 12) == ("The call has reached its limit of 4 s", "1")


def test_ringing_ends_at_its_time_limit(make_house: HouseMaker) -> None:
    house = make_house({"outbound": {"ring_timeout": 2}}, speed=1)
    assert ends_by(house, "2001", 10) == ("No answer from remote", "0")


@pytest.mark.parametrize("number", ["2001", "1000"])
def test_a_job_that_is_ended_at_any_moment_of_its_start_leaves_no_call(make_house: HouseMaker, number: str) -> None:
    house = make_house(speed=5)
    for delay in (0.0, 0.03, 0.06, 0.09, 0.12, 0.2, 0.3, 0.5, 0.8):
        job = house.job(number)
        process = house.start_gofaxsend(job)
        time.sleep(delay)
        process.send_signal(signal.SIGTERM)
        asked = time.monotonic()
        process.communicate(timeout=20 * house.switch.patience)
        assert time.monotonic() - asked < 3 * house.switch.patience, f"after {delay} s"
        house.wait("the end of the call", lambda: not house.switch.calls(), 3)
        qfile = house.qfile(job)
        if process.returncode == -signal.SIGTERM:       # before Python had set up its answer: faxq takes it as killed
            assert qfile["returned"] == "7", f"after {delay} s"
        else:
            assert (process.returncode, house.journal()) == (RETRY, []), f"after {delay} s"
            assert (qfile["returned"], qfile["statuscode"], qfile["status"]) == ABORTED, f"after {delay} s"
