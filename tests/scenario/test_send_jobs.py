"""Jobs that are not like others: JobControl's wishes, polling, several jobs in one process."""

from __future__ import annotations

import signal

import pytest

from rig.house import House, HouseMaker

RETRY, FAILED, DONE = 0, 1, 2


def test_a_job_to_poll_is_failed_with_the_reason_and_nobody_is_called(house: House) -> None:
    job = house.job("1000")
    with open(house.path("sendq", f"q{job}"), "a", encoding="utf-8") as file:
        file.write("poll:0::\n")
    assert house.gofaxsend(job) == FAILED
    qfile = house.qfile(job)
    assert (qfile["returned"], qfile["statuscode"], qfile["status"]) == ("1", "324", "Modem does not support polling")
    assert house.far_received() == [] and qfile["totdials"] == "0"


def test_what_jobcontrol_wants_holds_for_the_attempt_and_is_not_written_down(house: House) -> None:
    job = house.job("2000")
    assert house.gofaxsend(job, "-c", 'desiredec:"0"', "-c", 'number:"x"', "-c", 'external:"1000"') == DONE
    log = house.session_log(house.qfile(job)["commid"])
    assert "USE error correction mode" not in log and "DIAL 1000" in log
    assert (house.qfile(job)["desiredec"], house.qfile(job)["external"]) == ("2", "2000")


def test_a_batch_is_sent_in_one_process_up_to_the_first_job_that_fails(house: House) -> None:
    jobs = [house.job(number) for number in ("1000", "1000", "2000", "1000")]
    assert house.gofaxsend(jobs[3], *(f"sendq/q{job}" for job in jobs[:3])) == RETRY
    assert [house.qfile(job)["returned"] for job in jobs] == ["2", "2", "0", "7"]
    assert len(house.far_received()) == 2


@pytest.mark.parametrize("wrong", [["-x"], ["-c", "nonsense"], ["-c", ':"x"']])
def test_a_command_line_that_cannot_be_understood_is_a_retry_and_never_status_2(house: House, wrong: list[str]) -> None:
    job = house.job("1000")
    process = house.start_gofaxsend(job, *wrong)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == RETRY and "gofaxsend:" in output
    assert house.qfile(job)["returned"] == "7", "faxq then goes by the exit status"


def test_sigterm_before_the_originate_dials_nothing(make_house: HouseMaker) -> None:
    house = make_house({"outbound": {"dynamic_config": "etc/slow"}})
    house.script("slow", "touch log/begun; sleep 1; exit 0")
    job = house.job("1000")
    process = house.start_gofaxsend(job)
    house.wait("the script", lambda: house.spool_has("log", "begun"))
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=10)
    qfile = house.qfile(job)
    assert (process.returncode, qfile["returned"], qfile["statuscode"]) == (RETRY, "0", "345")
    assert house.switch.calls() == [] and house.far_received() == []
