"""The examples in conf/hylafax, run as an incoming call and a job run them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gofaxpy.config.keys import Config, Inbound, Outbound
from gofaxpy.hylafax.qfile import QFile
from gofaxpy.inbound.screening import Screening, screen
from gofaxpy.send.terms import Answer, settle_terms
from rig.install import CHECKOUT

EXAMPLES = os.path.join(CHECKOUT, "conf", "hylafax")
INBOUND = Inbound(dynamic_config="etc/DynamicConfig", dynamic_config_on_error="reject")
OUTBOUND = Config(outbound=Outbound(dynamic_config="etc/DynamicConfigOutgoing", call_prefix="0", fax_number="030123400"))
TRICKS = (
    "$(echo RejectCall: true)", "`reboot`", "${IFS}", "x\nRejectCall: true\n", "x\r\nLocalIdentifier: me", "*", "[a-z]*", "?",
    "-n", "--", "\\", "a\\", "'", '"', ";id", "|id", "&", "%s%n", "~root", "../../etc/passwd", "é\udcff", "\x01", " ", "#",
    "x" * 5000,
)


@pytest.fixture
def spool(tmp_path: Path) -> str:
    shutil.copytree(EXAMPLES, tmp_path / "etc")
    return str(tmp_path)


def call(spool: str, caller: str, recipient: str, name: str = "ACME Corp") -> Screening:
    return screen(INBOUND, spool, "freeswitch0", (caller, name, recipient, "default"))


def job(spool: str, owner: str, number: str) -> Answer:
    qfile = QFile.parse(f"owner:{owner}\nexternal:{number}\njobid:7\n")
    return settle_terms(OUTBOUND, qfile, number, "freeswitch0", spool, lambda: False)


@pytest.mark.parametrize(("caller", "recipient", "expected"), [
    ("0301", "4700", Screening(ident="+49 30 1234", max_pages=200)),
    ("0301", "4711", Screening(ident="+49 30 4711", max_pages=200)),
    ("0304567", "4712", Screening(ident="+49 30 1234", max_pages=2000)),
    ("0301", "4713", Screening(ident="+49 30 1234", max_pages=200, qualify_tsi="etc/stations")),
    ("", "4700", Screening(True, "+49 30 1234", max_pages=200)),
    ("anonymous", "4700", Screening(True, "+49 30 1234", max_pages=200)),
    ("+499001234", "4711", Screening(True, "+49 30 4711", max_pages=200)),
    ("00499001234", "4711", Screening(True, "+49 30 4711", max_pages=200)),
])  # fmt: skip
def test_the_table_decides_on_a_call(spool: str, caller: str, recipient: str, expected: Screening) -> None:
    assert call(spool, caller, recipient) == expected


@pytest.mark.parametrize(("owner", "number", "ident", "header", "fax_number", "gateways", "prefix"), [
    ("bob", "030555", "+49 30 1234", "Example Hospital", "030123400", ["default"], "0"),
    ("alice", "030555", "+49 30 1234 11", "Example Hospital", "030123411", ["default"], "0"),
    ("lab-2", "0044555", "+49 30 1234", "Example Hospital, Laboratory", "030123477", ["carrier-abroad", "default"], "0"),
    ("bob", "471", "+49 30 1234", "Example Hospital", "030123400", ["default"], ""),
])  # fmt: skip
def test_the_table_decides_on_a_job(
    spool: str, owner: str, number: str, ident: str, header: str, fax_number: str, gateways: list[str], prefix: str
) -> None:
    answer = job(spool, owner, number)
    assert (answer.refusal, answer.trouble) == ("", "")
    terms = answer.terms
    assert (terms.ident, terms.header, terms.fax_number) == (ident, header, fax_number)
    assert (list(terms.gateways), terms.prefix) == (gateways, prefix)


@pytest.mark.parametrize("number", [
    "0900123", "+49900123", "+490900123", "0049900123", "00490900123", "*31#0900123", "0100330900123",
    "+49100330900123", "+490100330900123", "+490049900123", "0049100330900123", "00490100330900123", "00490049900123", "+0900123",
    "0000900123",
])
def test_a_job_to_a_premium_number_is_refused(spool: str, number: str) -> None:
    assert job(spool, "alice", number).refusal


def test_a_missing_table_is_an_error_and_not_a_verdict(spool: str) -> None:
    for name in ("DynamicConfig", "DynamicConfigOutgoing"):
        os.unlink(os.path.join(spool, "etc", f"{name}.table"))
    assert call(spool, "0301", "4711").rejected and "status" in call(spool, "0301", "4711").problem
    assert "status" in job(spool, "alice", "030555").trouble


def test_a_last_line_without_a_newline_counts(spool: str) -> None:
    with open(os.path.join(spool, "etc", "DynamicConfig.table"), "a", encoding="ascii") as file:
        file.write("4711 0301 RejectCall: true")
    assert call(spool, "0301", "4711").rejected


@pytest.mark.parametrize("trick", TRICKS)
def test_what_a_caller_says_is_only_compared(spool: str, trick: str) -> None:
    plain = call(spool, "0301", "4700")
    assert call(spool, trick, "4700") == plain
    assert call(spool, "0301", "4700", name=trick) == plain
    assert call(spool, trick, trick) == plain


@pytest.mark.parametrize("trick", [trick for trick in TRICKS if "\n" not in trick and trick.strip()])
def test_what_a_user_says_is_only_compared(spool: str, trick: str) -> None:
    assert job(spool, trick, "030555").terms == job(spool, "bob", "030555").terms
    assert job(spool, "bob", f"9{trick}999").terms == job(spool, "bob", "99999").terms


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(caller=st.text(st.characters(exclude_categories=()), min_size=1), recipient=st.text(min_size=5))
def test_nothing_a_caller_says_is_printed(spool: str, caller: str, recipient: str) -> None:
    verdict = call(spool, caller, recipient)
    assert verdict.ident in ("+49 30 1234", "+49 30 4711") and verdict.problem == ""
    assert verdict.max_pages in (200, 2000) and verdict.faxrcvd == ""
