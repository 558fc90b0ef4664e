"""What only a real FreeSWITCH can show: T.38 by packets, the page as it leaves the modem, the real line."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping

import pytest

from rig.house import House, HouseMaker
from rig.pages import compare_documents, preview, read_pages
from rig.receiving import faxrcvd, receive, script

pytestmark = pytest.mark.live

RETRY, FAILED, DONE = 0, 1, 2
PICTURES = os.environ.get("LIVE_PICTURES", "")
"""Environment variable: a directory for pictures of pages that somebody should look at."""


def far_end(t38: str, **more: object) -> list[Mapping[str, object]]:
    return [{"number": "1000", "does": "fax", "ident": "+49 30 FAR", "t38": t38, **more}]


def log_of(house: House, job: int) -> str:
    return house.session_log(house.qfile(job)["commid"])


def switch_log(house: House) -> str:
    with open(house.switch.log, encoding="utf-8", errors="replace") as file:
        return file.read()


@pytest.mark.parametrize(("t38", "told"), [("offer", True), ("none", False), ("refuse", False)])
def test_three_pages_go_out(make_house: HouseMaker, t38: str, told: bool) -> None:
    house = make_house(far_ends=far_end(t38))
    job = house.job("1000", pages=(2, 1))
    assert house.gofaxsend(job) == DONE, house.qfile(job)["status"]
    assert ("USE T.38 negotiated" in log_of(house, job)) is told
    [far] = house.far_received()
    sent = [page for image in house.sent[job] for page in read_pages(image)]
    assert [(page.identical, page.shift > 0) for page in compare_documents(sent, read_pages(far))] == [(True, True)] * 3


@pytest.mark.parametrize("t38", ["true", "false"])
def test_three_pages_come_in(house: House, document: str, t38: str) -> None:
    faxrcvd(house)
    receive(house, document, variables={"fax_enable_t38": t38})
    [fax] = house.received()
    assert [page.identical for page in compare_documents(read_pages(document), read_pages(fax))] == [True] * 3
    assert ("T38 status         negotiated" in switch_log(house)) is (t38 == "true")


def test_the_far_end_sees_the_identifier_that_dynamic_config_gives(make_house: HouseMaker, document: str) -> None:
    house = make_house({"inbound": {"dynamic_config": "etc/DynamicConfig"}})
    faxrcvd(house)
    script(house, "etc/DynamicConfig", "#!/bin/sh\necho 'LocalIdentifier: +1 234 567'\n")
    with house.switch.connect() as events:
        events.command("event plain CHANNEL_HANGUP_COMPLETE")
        call = house.switch.place_call("4711", document, variables={"fax_enable_t38": "true"})
        headers: Mapping[str, str] = {}
        while headers.get("Unique-ID") != call.uuid:
            headers, _ = events.event(200)
    assert headers["variable_fax_remote_station_id"] == "+1 234 567"


@pytest.mark.parametrize("header", ["", "ACME Corp 030 1234"])
def test_the_header_line_on_the_page(make_house: HouseMaker, header: str) -> None:
    """A text is printed on top and moves the page down; without one the page arrives as it was sent, to its last row."""
    house = make_house({"freeswitch": {"header": header}}, far_ends=far_end("offer"))
    job = house.job("1000", pages=(1,))
    assert house.gofaxsend(job) == DONE
    [far] = house.far_received()
    [sent], [got] = read_pages(house.sent[job][0]), read_pages(far)
    if PICTURES:
        preview(far, os.path.join(PICTURES, f"header-{bool(header)}.png"), width=1000)
    if header:
        assert not all(got.is_blank(row) for row in range(got.tag_line_rows))
    else:
        assert got.rows == sent.rows


def test_bad_rows_of_a_page_without_error_correction(house: House, document: str) -> None:
    faxrcvd(house)
    receive(house, document, variables={"fax_use_ecm": "false", "standin_cuts": "[[16, 0.1], [19, 0.1]]"})
    recv = house.records()[0]
    assert recv[1] == "RECV" and int(recv[10]) == sum(len(read_pages(fax)) for fax in house.received())


def test_what_the_supervisor_costs_when_nothing_happens(make_house: HouseMaker) -> None:
    """CPU time of the whole process in 20 s; a twentieth of one core would be far too much."""
    house = make_house({"hylafax": {"modems": 60}})
    house.wait("the modems", lambda: os.path.exists(house.path("status", "freeswitch59")))
    time.sleep(5)
    before = cpu_seconds(house)
    time.sleep(20)
    assert (cpu_seconds(house) - before) / 20 < 0.05


def cpu_seconds(house: House) -> float:
    """CPU time of the switch: user and system, from proc(5)."""
    with open(f"/proc/{process_of(house)}/stat", encoding="ascii", errors="replace") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def process_of(house: House) -> int:
    found = [
        pid for pid in house.run_dir.processes()
        if os.path.basename(os.readlink(f"/proc/{pid}/exe")) == "freeswitch"
    ]
    assert len(found) == 1
    return found[0]


def test_an_override_given_at_the_console_holds_for_the_next_fax(make_house: HouseMaker) -> None:
    house = make_house(far_ends=far_end("offer"))
    assert house.switch.console("db insert/override-1000/fax_use_ecm/false") == "+OK"
    job = house.job("1000", pages=(1,))
    assert house.gofaxsend(job) == DONE
    assert "Override of 1000: fax_use_ecm='false'" in log_of(house, job)
    assert "USE error correction mode" not in log_of(house, job)


def test_the_console_shows_gateway_profile_and_supervisor(house: House) -> None:
    assert "NOREG" in house.switch.console("sofia status gateway default")
    assert "RUNNING" in house.switch.console("sofia status")
    assert house.switch.console("module_exists mod_python3") == "true"
    house.wait("the supervisor", lambda: os.path.exists(house.path("status", "freeswitch1")))
