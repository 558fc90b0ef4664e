"""What mod_spandsp tells of a fax."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gofaxpy.switch.faxresult import FaxResult, ResultCode

SENT = {
    "fax_success": "1", "fax_result_code": "0", "fax_result_text": "OK", "fax_ecm_used": "on",
    "fax_t38_status": "negotiated", "fax_local_station_id": "+49 30 1", "fax_remote_station_id": "  FAR END ",
    "fax_document_transferred_pages": "3", "fax_document_total_pages": "3", "fax_image_resolution": "8040x3850",
    "fax_image_pixel_size": "1728x1146", "fax_image_size": "568", "fax_bad_rows": "2",
    "fax_longest_bad_row_run": "1", "fax_encoding": "32", "fax_encoding_name": "T.85(L0)",
    "fax_transfer_rate": "14400", "fax_v17_disabled": "0", "fax_remote_vendor": "ACME",
}
RESULT = FaxResult(
    success=True, code=ResultCode.OK, text="OK", ecm=True, rate=14400, t38_status="negotiated",
    local_station="+49 30 1", remote_station="FAR END", pages_transferred=3, pages_total=3, resolution="8040x3850",
    pixel_size="1728x1146", image_size=568, bad_rows=2, longest_bad_row_run=1, encoding=32,
    encoding_name="T.85(L0)", remote_vendor="ACME",
)


def variables(values: dict[str, str]) -> FaxResult | None:
    return FaxResult.from_variables(lambda name: values.get(name, ""))


def test_a_result_is_read_from_the_channel_variables() -> None:
    fax = variables(SENT)
    assert fax == RESULT
    assert fax is not None and fax.pixel_width == 1728


def test_a_fax_that_never_began_has_no_result() -> None:
    assert variables({"fax_ident": "X", "fax_filename": "/x.tif", "fax_ecm_requested": "1", "fax_v17_disabled": "0"}) is None
    assert FaxResult.from_event({"Event-Name": "CUSTOM"}) is None


def test_an_event_is_read_from_its_own_headers_first_and_then_from_the_variables_in_it() -> None:
    headers = {name.replace("_", "-"): value for name, value in SENT.items() if "encoding" not in name}
    headers |= {"variable_" + name: value for name, value in SENT.items() if "encoding" in name}
    headers["variable_fax_transfer_rate"] = "9600"
    assert FaxResult.from_event(headers) == RESULT


def test_a_failed_fax_has_its_code_and_text() -> None:
    fax = variables({"fax_success": "0", "fax_result_code": "49", "fax_result_text": "The call dropped prematurely"})
    assert fax == FaxResult(code=ResultCode.CALLDROPPED, text="The call dropped prematurely")


@pytest.mark.parametrize(("number", "code"), [
    ("2", ResultCode.T0_EXPIRED), ("3", ResultCode.T1_EXPIRED), ("41", ResultCode.FILEERROR),
    ("49", ResultCode.CALLDROPPED), ("61", ResultCode.CSA_UNACCEPTABLE), ("62", ResultCode.UNKNOWN),
    ("", ResultCode.UNKNOWN), ("x", ResultCode.UNKNOWN), ("-7", ResultCode.UNKNOWN),
])
def test_codes_have_spandsps_numbers(number: str, code: ResultCode) -> None:
    assert ResultCode.parse(number) is code


def test_a_code_nobody_knows_shows_in_the_text() -> None:
    fax = variables({"fax_success": "0", "fax_result_code": "99", "fax_result_text": "New trouble"})
    assert fax is not None
    assert (fax.code, fax.text) == (ResultCode.UNKNOWN, "New trouble (99)")


def test_a_negotiated_fax_without_a_result_is_no_success() -> None:
    fax = variables({"fax_transfer_rate": "9600", "fax_remote_station_id": "X"})
    assert fax == FaxResult(rate=9600, remote_station="X")


def test_a_station_identifier_cannot_break_a_line_or_a_file() -> None:
    fax = FaxResult.from_event({"fax-remote-station-id": "A\nstate:7\udcfc"})
    assert fax is not None and fax.remote_station == "A state:7\ufffd"


@given(st.dictionaries(st.sampled_from(sorted(SENT)), st.text(st.characters(exclude_categories=())), min_size=1))
def test_garbage_is_read_as_nothing_and_survives_json(values: dict[str, str]) -> None:
    fax = variables(values)
    if fax is None:
        assert not any(values.get(name) for name in ("fax_success", "fax_result_code", "fax_transfer_rate"))
        return
    assert FaxResult.from_facts(json.loads(json.dumps(fax.facts()))) == fax
    assert min(fax.pages_transferred, fax.rate, fax.bad_rows, fax.image_size, fax.pixel_width) >= 0


def test_facts_are_plain_and_come_back() -> None:
    fax = RESULT.with_negotiations(2)
    facts = json.loads(json.dumps(fax.facts()))
    assert facts["code"] == 0 and facts["negotiations"] == 2
    assert FaxResult.from_facts(facts) == fax


@pytest.mark.parametrize("facts", [{}, None, [], "x"])
def test_no_facts_are_no_result(facts: object) -> None:
    assert FaxResult.from_facts(facts) is None


def test_facts_of_the_wrong_type_count_as_missing() -> None:
    fax = FaxResult.from_facts({"success": 1, "rate": "14400", "pages_transferred": 2, "code": "x", "other": 1})
    assert fax == FaxResult(pages_transferred=2)


def test_nothing_left_to_send_is_a_success_without_pages() -> None:
    fax = FaxResult.nothing_left()
    assert (fax.success, fax.code, fax.pages_transferred) == (True, ResultCode.OK, 0)
