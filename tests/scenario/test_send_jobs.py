"""Jobs that are not like others: JobControl's wishes, polling, several jobs in one process."""

from __future__ import annotations

import os
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


@pytest.mark.parametrize("besides", [False, True])
def test_what_hylafax_has_not_made_into_a_fax_never_passes_for_sent(house: House, besides: bool) -> None:
    """hfaxd takes a text that is neither PostScript nor PDF nor TIFF for `data`, and faxq hands it on as it is."""
    job = house.job("1000", totpages="1" if besides else "0", pagehandling="e1P" if besides else "", pages=(1,))
    with open(house.path("sendq", f"q{job}"), encoding="utf-8") as file:
        lines = [line for line in file.read().splitlines() if besides or not line.startswith(("fax:", "!tiff:"))]
    with open(house.path("sendq", f"q{job}"), "w", encoding="utf-8") as file:
        file.write("\n".join([*lines, "data:0::docq/doc9.txt", ""]))
    assert house.gofaxsend(job) == FAILED
    assert "docq/doc9.txt was not made into a fax" in house.qfile(job)["status"]
    assert house.far_received() == [] and house.qfile(job)["totdials"] == "0"


def test_a_range_without_any_page_is_told_as_such(house: House) -> None:
    job = house.job("1000", pages=(2,), pagehandling="e1Xe1X", skippages="2", pagerange="9")
    assert house.gofaxsend(job) == FAILED
    assert "None of the job's pages is among those" in house.qfile(job)["status"]


def test_a_document_that_is_left_out_altogether_is_given_back_as_a_sent_one_is(house: House) -> None:
    job = house.job("1000", pages=(1, 1, 1), pagehandling="e1Xe1Xe1P", skippages="2", pagerange="3")
    assert house.gofaxsend(job) == DONE
    kept = sorted(name for name in os.listdir(house.path("docq")) if ";" not in name)
    assert kept == [f"doc{job}{index}.tif" for index in range(3)], "the job's own links are gone, as its qfile says"
    assert (house.qfile(job)["npages"], house.qfile(job)["nskip"]) == ("3", "2")


def test_a_document_that_was_cut_short_since_faxq_looked_at_it_is_not_sent_for_the_whole(house: House) -> None:
    """As a power failure may leave it: a TIFF whose first page names no second one any more is a good one of one page."""
    job = house.job("1000", pages=(1,), pagehandling="e1Se1Se1P", totpages="3")
    assert house.gofaxsend(job) == FAILED
    assert "describes 3 pages, but the documents have only 1 left" in house.qfile(job)["status"]
    assert house.far_received() == []


def test_a_subaddress_that_is_not_sent_is_told(house: House) -> None:
    job = house.job("1000", pages=(1,))
    with open(house.path("sendq", f"q{job}"), "a", encoding="utf-8") as file:
        file.write("subaddr:4711\n")
    assert house.gofaxsend(job) == DONE
    assert "subaddress and password (SUB, PWD of T.30) are not sent" in house.session_log(house.qfile(job)["commid"])


def test_what_jobcontrol_wants_holds_for_the_attempt_and_is_not_written_down(house: House) -> None:
    job = house.job("2000")
    assert house.gofaxsend(job, "-c", 'desiredec:"0"', "-c", 'number:"x"', "-c", 'external:"1000"') == DONE
    log = house.session_log(house.qfile(job)["commid"])
    assert "USE error correction mode" not in log and "DIAL 1000" in log
    assert (house.qfile(job)["desiredec"], house.qfile(job)["external"]) == ("2", "2000")


@pytest.mark.parametrize(("rate", "asked", "used"), [("13", "3", "9600"), ("3", "", "9600"), ("4", "", "14400")])
def test_a_job_or_jobcontrol_may_want_no_more_than_9600(house: House, rate: str, asked: str, used: str) -> None:
    job = house.job("1000", pages=(1,), desiredbr=rate)
    assert house.gofaxsend(job, *(["-c", f'desiredbr:"{asked}"'] if asked else [])) == DONE
    assert f"USE {used} bit/s" in house.session_log(house.qfile(job)["commid"])


def test_a_batch_is_sent_in_one_process_up_to_the_first_job_that_fails(house: House) -> None:
    jobs = [house.job(number) for number in ("1000", "1000", "2000", "1000")]
    assert house.gofaxsend(jobs[3], *(f"sendq/q{job}" for job in jobs[:3])) == RETRY
    assert [house.qfile(job)["returned"] for job in jobs] == ["2", "2", "0", "7"]
    assert len(house.far_received()) == 2


@pytest.mark.parametrize("wrong", [["-x"], ["-c", "nonsense"], ["-c", ':"x"']])
def test_a_command_line_that_cannot_be_understood_is_a_retry_and_never_status_2(house: House, wrong: list[str]) -> None:
    job = house.job("1000")
    process = house.start_gofaxsend(job, *wrong)
    output, _ = process.communicate(timeout=30 * house.switch.patience)
    assert process.returncode == RETRY and "gofaxsend:" in output
    assert house.qfile(job)["returned"] == "7", "faxq then goes by the exit status"


def test_sigterm_before_the_originate_dials_nothing(make_house: HouseMaker) -> None:
    house = make_house({"outbound": {"dynamic_config": "etc/slow"}})
    house.script("slow", "touch log/begun; sleep 1; exit 0")
    job = house.job("1000")
    process = house.start_gofaxsend(job)
    house.wait("the script", lambda: house.spool_has("log", "begun"))
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=10 * house.switch.patience)
    qfile = house.qfile(job)
    assert (process.returncode, qfile["returned"], qfile["statuscode"]) == (RETRY, "0", "345")
    assert house.switch.calls() == [] and house.far_received() == []


@pytest.mark.parametrize(("tries", "key", "lost"), [
    ("0", "disable_ecm_after_retry", ""), ("1", "disable_ecm_after_retry", "USE error correction mode"),
    ("1", "disable_v17_after_retry", "USE 14400 bit/s"),
])
def test_after_a_failed_try_ecm_or_v17_is_given_up(make_house: HouseMaker, tries: str, key: str, lost: str) -> None:
    house = make_house({"outbound": {key: 1}})
    job = house.job("1000", tottries=tries)
    assert house.gofaxsend(job) == DONE
    log = house.session_log(house.qfile(job)["commid"])
    wanted = {"USE error correction mode", "USE 14400 bit/s"} - {lost}
    assert all(text in log for text in wanted) and (not lost or lost not in log)


def test_a_document_that_is_gone_fails_the_job_with_its_name(house: House) -> None:
    job = house.job("1000")
    os.unlink(house.sent[job][0])
    assert house.gofaxsend(job) == FAILED
    assert f"docq/doc{job}0.tif" in house.qfile(job)["status"] and house.qfile(job)["totdials"] == "0"
