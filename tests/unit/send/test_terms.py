"""The terms of an attempt, as far as no script is needed to see them."""

from __future__ import annotations

import time

import pytest

from gofaxpy.config.keys import Config, FreeSwitch, Outbound
from gofaxpy.hylafax.confline import parse
from gofaxpy.hylafax.qfile import QFile
from gofaxpy.send.terms import TO_THE_END, amended, of_job, tag_line
from gofaxpy.switch.dialstring import DialstringError

CONFIG = Config(freeswitch=FreeSwitch(header="House", ident="+1"))


@pytest.mark.parametrize(("desiredtl", "allowed", "header"), [("1", True, "Mine"), ("0", True, "House"), ("1", False, "House")])
def test_a_jobs_tag_line_counts_if_it_is_wanted_and_allowed(desiredtl: str, allowed: bool, header: str) -> None:
    config = Config(freeswitch=CONFIG.freeswitch, outbound=Outbound(job_tag_line=allowed))
    qfile = QFile.parse(f"tagline:Mine\ndesiredtl:{desiredtl}\n")
    assert of_job(config, qfile).header == header


@pytest.mark.parametrize(("text", "shown"), [
    ("From %%n|%c|Page %%p of %%t", "From +49 30 1"), ("ACME", "ACME"), ("%d.%m.%Y ACME", "ACME"),
    ("50% of", "50 of"), ("%", ""), ("", ""),
    ("%%l an %%r (%%c)|%%i/%%I|%%T S.", "+1 an Dr. 5% | x (Kanzlei) 7/7 3 S."), ("%%s <%%m> %%d", "Anna <a@b> 0815"),
    ("100%%%|%%x%%q", "100%"), ("|Seite %%P von %%T|", ""), ("%-d.%Ey", ""),
])
def test_what_a_tag_line_asks_for_is_filled_in_as_far_as_spandsp_does_not_do_it(text: str, shown: str) -> None:
    qfile = QFile.parse(
        f"external:0815\njobid:7\ngroupid:7\ntotpages:3\nsender:Anna\nmailaddr:a@b\nreceiver:Dr. 5% | x\ncompany:Kanzlei\n"
        f"tagline:{text}\n"
    )
    assert tag_line(qfile, "+1", "+49 30 1") == shown


def test_what_the_script_says_beats_the_job() -> None:
    terms = of_job(CONFIG, QFile.parse("tagline:Mine\ndesiredtl:1\n"))
    said = parse("TagLine: ACME Corp #1  \nLocalIdentifier: +1 234 567\nGateway: a,b", None, TO_THE_END)
    assert amended(terms, said).header == "ACME Corp #1"
    assert amended(terms, said).ident == "+1 234 567"
    assert amended(terms, said).gateways == ("a", "b")
    assert amended(terms, {}) == terms


def test_an_empty_prefix_takes_the_configured_one_away() -> None:
    terms = of_job(Config(outbound=Outbound(call_prefix="0")), QFile.parse("jobid:1\n"))
    assert terms.prefix == "0" and amended(terms, {"callprefix": ""}).prefix == ""


@pytest.mark.parametrize("name", ["a b", "x/y", "g'", "{}", "a|b"])
def test_a_gateway_that_cannot_be_one_is_refused(name: str) -> None:
    with pytest.raises(DialstringError, match="gateway"):
        amended(of_job(CONFIG, QFile.parse("jobid:1\n")), {"gateway": name})


@pytest.mark.parametrize("prefix", ["none", "0w", "${x}", "9" * 64])
def test_a_prefix_that_cannot_be_dialled_is_the_scripts_trouble_and_not_the_jobs(prefix: str) -> None:
    with pytest.raises(DialstringError, match="before a number"):
        amended(of_job(CONFIG, QFile.parse("jobid:1\n")), {"callprefix": prefix})


@pytest.mark.parametrize(("prefix", "dialled"), [("", ""), ("+49 (30) ", "+4930"), ("*31#", "*31#"), ("0-", "0")])
def test_a_prefix_may_be_written_as_numbers_are(prefix: str, dialled: str) -> None:
    assert amended(of_job(CONFIG, QFile.parse("jobid:1\n")), {"callprefix": prefix}).prefix == dialled


def test_a_tag_line_of_any_length_is_made_in_a_moment() -> None:
    qfile = QFile.parse("jobid:1\ntagline:" + "x" * 300_000 + "\n")
    began = time.process_time()
    assert len(tag_line(qfile, "+1", "")) == 1000
    assert time.process_time() - began < 1
