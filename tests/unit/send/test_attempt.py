"""What an attempt keeps of its pages and of its far end, event by event."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gofaxpy.hylafax.errors import QFileError
from gofaxpy.hylafax.qfile import QFileHandle
from gofaxpy.send.call import Progress
from gofaxpy.send.confirm import confirm, delivered_before
from gofaxpy.send.due import Run, noted, runs_of
from gofaxpy.send.progress import begin, equipment, on_progress, result
from gofaxpy.switch.faxresult import FaxResult, ResultCode

if TYPE_CHECKING:
    from conftest import Make
    from gofaxpy.send.attempt import Attempt

NEGOTIATED = {
    "fax-remote-station-id": "+49 30 FAR", "fax-ecm-used": "on", "fax-transfer-rate": "9600", "fax-t38-status": "off",
    "fax-remote-vendor": "Maker: Ltd", "fax-remote-model": "X1",
}


def page(number: int) -> dict[str, str]:
    return {
        "fax-document-transferred-pages": str(number), "fax-encoding-name": "T.6", "fax-image-pixel-size": "1728x2292",
        "fax-image-resolution": "8040x7700",
    }


def on_disk(attempt: Attempt) -> str:
    return Path(attempt.handle.path).read_text()


def session_log(attempt: Attempt) -> str:
    return Path(attempt.log.path).read_text()


def test_a_job_that_faxq_has_given_out_says_at_once_that_it_is_to_be_tried_again(make: Make) -> None:
    attempt = make(returned="7")
    begin(attempt)
    assert "returned:0\n" in on_disk(attempt) and "status:Preparing\n" in on_disk(attempt)
    assert f"commid:{attempt.commid}\n" in on_disk(attempt)


def test_each_confirmed_page_leaves_the_qfile_and_nothing_else(make: Make) -> None:
    attempt = make((2, 1))
    on_progress(attempt, Progress.CONNECTED, {})
    assert not attempt.connected, "an answer is no fax machine yet"
    on_progress(attempt, Progress.NEGOTIATED, NEGOTIATED)
    assert (attempt.connected, attempt.fax_seen, attempt.station) == (True, True, "+49 30 FAR")
    assert attempt.qfile.get("csi") == "+49 30 FAR" and attempt.qfile.get("nsf") == "Equipment:Maker  Ltd X1:Station:"
    on_progress(attempt, Progress.PAGE, page(1))
    assert (attempt.confirmed, len(attempt.remaining())) == (1, 2)
    assert "npages:1\n" in on_disk(attempt) and "status:Sending page 2\n" in on_disk(attempt)
    assert (attempt.params.rate, attempt.params.ec > 0) == (9600, True)
    on_progress(attempt, Progress.PAGE, page(3))       # the event of page 2 was missed
    assert (attempt.confirmed, attempt.remaining(), attempt.qfile.number("npages")) == (3, [], 3)
    assert not any(item.op == "fax" for item in attempt.qfile.items)
    assert not Path(attempt.spool.path("docq", "doc0.tif.7")).exists(), "the document has its common name"
    assert session_log(attempt).count("SEND file") == 2


def test_more_pages_than_there_are_confirm_no_more(make: Make) -> None:
    attempt = make((1,))
    confirm(attempt, 5)
    assert (attempt.confirmed, attempt.qfile.number("npages")) == (1, 1)


def test_a_result_says_what_events_did_not(make: Make) -> None:
    attempt = make((2,))
    fax = FaxResult(True, ResultCode.OK, rate=14400, remote_station="+49 30 FAR", pages_transferred=2, ecm=True)
    result(attempt, fax)
    assert (attempt.station, attempt.confirmed, attempt.fax_seen, attempt.params.rate) == ("+49 30 FAR", 2, True, 14400)


def test_a_rate_alone_is_no_fax_machine(make: Make) -> None:
    attempt = make((2,))
    result(attempt, FaxResult(code=ResultCode.CALLDROPPED, rate=14400))
    assert (attempt.fax_seen, attempt.station, attempt.confirmed) == (False, "", 0)


def test_a_document_that_goes_away_meanwhile_does_not_keep_pages_in_the_qfile(make: Make) -> None:
    attempt = make((2,))
    assert len(attempt.remaining()) == 2
    Path(attempt.spool.path("docq", "doc0.tif;e1")).unlink()
    on_progress(attempt, Progress.PAGE, page(2))
    assert (attempt.confirmed, attempt.remaining()) == (2, [])


def test_pages_of_an_earlier_attempt_leave_the_job_and_are_not_this_one_s(make: Make) -> None:
    attempt = make((2, 1))
    runs = runs_of({"due": noted(attempt, attempt.remaining())})
    assert runs is not None and [(run.first, run.pages, run.count, run.name) for run in runs] == [
        (0, 2, 2, "docq/doc0.tif"), (0, 1, 1, "docq/doc1.tif"),
    ]
    delivered_before(attempt, runs, 2)
    assert (attempt.confirmed, attempt.qfile.number("npages"), len(attempt.remaining())) == (0, 2, 1)


def test_delivered_pages_behind_others_are_left_out(make: Make) -> None:
    attempt = make((1, 2))
    second = [run for run in runs_of({"due": noted(attempt, attempt.remaining())}) or [] if run.name == "docq/doc1.tif"]
    delivered_before(attempt, second, 2)
    assert [each.file for each in attempt.remaining()] == ["docq/doc0.tif;e1"]
    assert attempt.qfile.number("npages") == 0, "they are skipped when their turn comes"


@pytest.mark.parametrize("facts", [{}, {"due": "x"}, {"due": [[1, 2]]}, {"due": [[0, 1, 1, "x", "many", 0]]}])
def test_what_an_entry_does_not_say_is_not_made_up(facts: dict[str, object]) -> None:
    assert runs_of(facts) is None


def test_the_runs_of_an_entry_are_read_back() -> None:
    assert runs_of({"due": [[0, 2, 3, "docq/x", 10, 20]]}) == [Run(0, 2, 3, "docq/x", 10, 20)]


def test_a_spool_in_trouble_does_not_end_the_call(make: Make) -> None:
    attempt = make((2,), pagehandling="nonsense")
    on_progress(attempt, Progress.PAGE, page(1))
    assert attempt.confirmed == 0 and "pagehandling" in session_log(attempt)


@pytest.mark.parametrize("jobid", ["", "x", "../7"])
def test_a_job_without_a_number_is_no_attempt(make: Make, jobid: str) -> None:
    with pytest.raises(QFileError, match="is no job number"):
        make(jobid=jobid)


def test_the_qfile_is_held_as_long_as_the_attempt(make: Make) -> None:
    attempt = make()
    with pytest.raises(Exception, match="another process"):
        QFileHandle.open(attempt.handle.path, blocking=False)


def test_an_unknown_maker_is_native_s_unknown() -> None:
    assert equipment("", "") == "Equipment:unknown :Station:"
