"""Preparing a job gives what is to be sent, or an ending."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gofaxpy.config.keys import Outbound
from gofaxpy.hylafax.statuscode import StatusCode
from gofaxpy.outcome.causes import Stage
from gofaxpy.outcome.judge import Ending
from gofaxpy.send.prepare import NO_DOCUMENT, NO_PAGE, NOT_SAID, Prepared, facts_of, prepare

if TYPE_CHECKING:
    from conftest import Make
    from gofaxpy.send.attempt import Attempt


def prepared(attempt: Attempt) -> Prepared:
    made = prepare(attempt)
    assert isinstance(made, Prepared), made
    return made


def ending(attempt: Attempt) -> Ending:
    made = prepare(attempt)
    assert isinstance(made, Ending), made
    return made


def test_pages_in_a_row_are_sent_from_their_document(make: Make) -> None:
    attempt = make((3,), outbound=Outbound(call_prefix="0"))
    made = prepared(attempt)
    assert (made.called, made.number, made.document.pages) == ("1000", "01000", 3)
    assert made.document.path == attempt.spool.inside("docq/doc0.tif;e1")
    facts = facts_of(attempt, made)
    assert (facts["number"], facts["destination"], facts["pages"], facts["sent"], facts["totdials"]) == ("01000", "1000", 3, 0, 0)


@pytest.mark.parametrize(("tries", "v17", "ecm"), [("0", True, True), ("1", False, True), ("2", False, False)])
def test_after_so_many_tries_v17_and_ecm_are_left_out(make: Make, tries: str, v17: bool, ecm: bool) -> None:
    attempt = make(tottries=tries, outbound=Outbound(disable_v17_after_retry=1, disable_ecm_after_retry=2))
    facts = facts_of(attempt, prepared(attempt))
    assert (facts["v17"], facts["ecm"]) == (v17, ecm)


@pytest.mark.parametrize(("items", "handling", "code", "reason"), [
    ("poll:0::\n", "", StatusCode.NO_POLLING, ""),
    ("data:0::docq/x.doc\n", "", StatusCode.REJECTED, "docq/x.doc was not made into a fax, being `data` to HylaFAX"),
    ("", "", StatusCode.REJECTED, NO_DOCUMENT),
    (None, "e1Xe1X", StatusCode.REJECTED, NO_PAGE),
])
def test_a_job_that_cannot_be_sent_as_it_is_fails(
    make: Make, items: str | None, handling: str, code: StatusCode, reason: str
) -> None:
    end = ending(make((2,), items=items, pagehandling=handling))
    assert (end.stage, end.rejected, end.refusal) == (Stage.NOT_DIALLED, True, code)
    assert end.reason.startswith(reason) and bool(end.reason) == bool(reason)


def test_a_job_whose_pages_have_all_gone_is_done_without_a_call(make: Make) -> None:
    end = ending(make((2,), items="", npages="2", pagehandling=""))
    assert (end.stage, end.pages_due, end.fax and end.fax.success) == (Stage.CONNECTED, 0, True)


def test_a_missing_document_fails_the_job(make: Make) -> None:
    end = ending(make(items="fax:0::docq/gone.tif;e1\n"))
    assert end.rejected and "gone.tif" in end.reason


def test_a_document_that_cannot_be_opened_for_now_puts_the_job_off(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    attempt = make()

    def full(*_: object, **__: object) -> int:
        raise OSError(23, "Too many open files in system")

    monkeypatch.setattr(os, "open", full)
    end = ending(attempt)
    assert not end.rejected and "Too many open files" in end.reason


@pytest.mark.parametrize(("changes", "code"), [
    ({"totdials": "12"}, StatusCode.TOO_MANY_DIALS), ({"tottries": "3"}, StatusCode.TOO_MANY_TRIES),
])
def test_a_job_whose_dials_or_tries_are_used_up_is_not_dialled(make: Make, changes: dict[str, str], code: StatusCode) -> None:
    end = ending(make(**changes))
    assert (end.rejected, end.refusal) == (True, code)
    assert end.reason.startswith("An earlier call of this job, which was lost from sight")


@pytest.mark.parametrize("number", ["", "abc", "1000\"x"])
def test_a_number_that_cannot_be_dialled_fails_the_job(make: Make, number: str) -> None:
    end = ending(make(external=number))
    assert end.rejected and end.reason


def script(attempt: Attempt, text: str) -> None:
    path = Path(attempt.spool.path("etc", "Dynamic"))
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


@pytest.mark.parametrize(("text", "on_error", "rejected", "reason"), [
    ("echo 'RejectCall: true'", "retry", True, "DynamicConfigOutgoing has rejected this fax"),
    ("exit 3", "retry", False, "DynamicConfigOutgoing: "),
    ("exit 3", "fail", True, "DynamicConfigOutgoing: "),
])
def test_the_operator_s_script_refuses_or_puts_off(
    make: Make, text: str, on_error: str, rejected: bool, reason: str
) -> None:
    attempt = make(outbound=Outbound(dynamic_config="etc/Dynamic", dynamic_config_on_error=on_error))
    script(attempt, text)
    end = ending(attempt)
    assert (end.stage, end.rejected) == (Stage.NOT_DIALLED, rejected) and end.reason.startswith(reason)


def test_a_job_that_the_user_ends_while_it_is_prepared_is_not_dialled(make: Make) -> None:
    end = ending(make(aborted=lambda: True))
    assert (end.stage, end.aborted, end.rejected) == (Stage.NOT_DIALLED, True, False)


def test_what_cannot_be_said_to_the_far_end_is_said_in_the_session_log(make: Make) -> None:
    attempt = make(subaddr="12", passwd="34")
    prepared(attempt)
    assert NOT_SAID in Path(attempt.log.path).read_text()
