"""What mod_db remembers of a destination: an operator's overrides, and stations that fail with T.38."""

from __future__ import annotations

import shutil
import time

import pytest

from rig.house import FAR_ENDS, House, HouseMaker
from rig.pages import NORMAL, make_tiff

RETRY, FAILED, DONE = 0, 1, 2
T38 = {"number": "3001", "does": "fax", "ident": "+49 30 FAR", "t38": "offer"}
DROPS = {"number": "3002", "does": "fax", "ident": "+49 30 FAR", "t38": "offer", "hangup_after_pages": 1}
ENDS = (*FAR_ENDS, T38, DROPS)
FALLBACK = {"freeswitch": {"softmodem_fallback": True}}


def log_of(house: House, job: int) -> str:
    return house.session_log(house.qfile(job)["commid"])


def test_an_override_changes_the_call_and_stands_in_the_log(house: House) -> None:
    assert house.switch.api("db insert/override-1000/fax_use_ecm/false").startswith("+OK")
    assert house.switch.api("db insert/override-1000/sip_h_X-Account/'Dr. O\\'Neil, Berlin'").startswith("+OK")
    job = house.job("1000")
    assert house.gofaxsend(job) == DONE
    log = log_of(house, job)
    assert "Override of 1000: fax_use_ecm='false'" in log and "sip_h_X-Account=\"Dr. O'Neil, Berlin\"" in log
    assert "USE error correction mode" not in log
    other = house.job("10-00")
    assert house.gofaxsend(other) == DONE
    assert "Override of 1000" in log_of(house, other), "separators are no part of the realm"


@pytest.mark.parametrize("entry", ["origination_uuid/x", "fax_start_page/2", "a b/c", "x/${system(id)}", "x/{y}"])
def test_an_override_that_cannot_be_used_is_left_out_and_told(house: House, entry: str) -> None:
    assert house.switch.api(f"db insert/override-1000/{entry}").startswith("+OK")
    job = house.job("1000")
    assert house.gofaxsend(job) == DONE
    assert "is left out" in log_of(house, job)
    assert house.qfile(job)["npages"] == "3"


def test_overrides_hold_with_and_without_our_prefix(make_house: HouseMaker) -> None:
    house = make_house({"outbound": {"call_prefix": "10"}})
    house.switch.api("db insert/override-00/fax_use_ecm/false")
    house.switch.api("db insert/override-1000/fax_use_ecm/true")
    job = house.job("00")
    assert house.gofaxsend(job) == DONE
    assert "Override of 00:" in log_of(house, job)
    assert "USE error correction mode" in log_of(house, job)


def test_a_remembered_station_is_sent_to_without_t38(make_house: HouseMaker) -> None:
    house = make_house(FALLBACK, far_ends=ENDS)
    job = house.job("3001")
    assert house.gofaxsend(job) == DONE
    assert "USE T.38 negotiated" in log_of(house, job)
    house.switch.api("db insert/fallback/3001/1700000000")
    job = house.job("3001")
    assert house.gofaxsend(job) == DONE
    assert "Softmodem fallback: an earlier fax" in log_of(house, job)
    assert "USE T.38 negotiated" not in log_of(house, job)


def test_a_station_that_negotiates_again_and_fails_gets_no_t38_from_then_on(make_house: HouseMaker) -> None:
    """T.30 negotiates anew where the resolution changes (EOM); that is a second negotiation in one call."""
    house = make_house(FALLBACK, far_ends=[*ENDS, {**DROPS, "number": "3003", "hangup_after_pages": 2}])
    job = house.job("3003", pages=(1, 3))
    make_tiff(house.sent[job][1], 3, dpi=NORMAL)
    shutil.chown(house.sent[job][1], "uucp", "uucp")
    before = int(time.time())
    assert house.gofaxsend(job) == RETRY
    assert log_of(house, job).count("USE T.38 negotiated") == 2
    assert before <= int(house.switch.api("db select/fallback/3003")) <= time.time()
    assert house.gofaxsend(job) == DONE
    assert "Softmodem fallback: an earlier fax" in log_of(house, job) and "USE T.38 negotiated" not in log_of(house, job)


def test_a_rung_of_the_ladder_is_forgotten_in_time(make_house: HouseMaker) -> None:
    house = make_house({"outbound": {"ladder": True, "ladder_days": 1}}, far_ends=ENDS)
    house.switch.api(f"db insert/gofax-ladder/3001/'3 {int(time.time()) - 86460}'")
    job = house.job("3001")
    assert house.gofaxsend(job) == DONE
    assert "USE T.38 negotiated" in log_of(house, job) and "rung" not in log_of(house, job)


def test_a_fax_that_is_only_cut_off_makes_no_station_one_for_the_fallback(make_house: HouseMaker) -> None:
    house = make_house(FALLBACK, far_ends=ENDS)
    assert house.gofaxsend(house.job("3002")) == RETRY
    assert house.switch.api("db exists/fallback/3002") == "false"


def test_without_the_fallback_nothing_is_looked_up(make_house: HouseMaker) -> None:
    house = make_house(far_ends=ENDS)
    house.switch.api("db insert/fallback/3001/1700000000")
    job = house.job("3001")
    assert house.gofaxsend(job) == DONE
    assert "USE T.38 negotiated" in log_of(house, job)


def test_an_override_beats_the_fallback(make_house: HouseMaker) -> None:
    house = make_house(FALLBACK, far_ends=ENDS)
    house.switch.api("db insert/fallback/3001/1700000000")
    house.switch.api("db insert/override-3001/fax_enable_t38/true")
    house.switch.api("db insert/override-3001/fax_enable_t38_request/true")
    job = house.job("3001")
    assert house.gofaxsend(job) == DONE
    assert "USE T.38 negotiated" in log_of(house, job)


def test_a_destination_goes_down_the_ladder_and_up_again(make_house: HouseMaker) -> None:
    house = make_house({"outbound": {"ladder": True}}, far_ends=ENDS)
    job = house.job("3002")
    assert house.gofaxsend(job) == RETRY
    assert house.switch.api("db select/gofax-ladder/3002").startswith("1 ")
    assert house.gofaxsend(job) == RETRY
    assert "rung 1 (audio instead of T.38)" in log_of(house, job) and "USE T.38 negotiated" not in log_of(house, job)
    assert house.switch.api("db select/gofax-ladder/3002").startswith("2 ")
    assert house.gofaxsend(job) == DONE
    assert "rung 2" in log_of(house, job) and "USE error correction mode" not in log_of(house, job)
    assert house.switch.api("db select/gofax-ladder/3002").startswith("1 ")


def test_the_last_rung_is_9600_and_an_override_beats_it(make_house: HouseMaker) -> None:
    house = make_house({"outbound": {"ladder": True}}, far_ends=ENDS)
    house.switch.api(f"db insert/gofax-ladder/1000/'3 {int(time.time())}'")
    house.switch.api("db insert/override-1000/fax_use_ecm/true")
    job = house.job("1000")
    assert house.gofaxsend(job) == DONE
    assert "USE 9600 bit/s" in log_of(house, job) and "USE error correction mode" in log_of(house, job)
