"""gofaxctl selftest: a page from the configured switch to itself, compared; and what it says where that fails."""

from __future__ import annotations

import json
import os
import subprocess
import time

import pytest

from gofaxpy.ctl import selftest_page
from rig.house import House, HouseMaker
from rig.rundir import FAX_USER


def selftest(house: House, *words: str, user: str | None = None, **env: str) -> tuple[int, str, str]:
    options: dict[str, object] = {"user": user, "group": user, "extra_groups": ()} if user else {}
    done = subprocess.run(
        [house.installed.gofaxctl, "-C", house.config, "selftest", *words], capture_output=True, text=True, check=False,
        env={**house.run_dir.environ, **env}, stdin=subprocess.DEVNULL, timeout=60 * house.switch.patience,
        **options,  # type: ignore[call-overload]
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout, done.stderr


def test_a_page_arrives_as_it_was_sent_and_leaves_nothing_behind(house: House) -> None:
    status, out, err = selftest(house, "--json")
    assert status == 0, err
    facts = json.loads(out)
    # a real switch's header line pushes the page down, and the page keeps its length
    lost = facts["shift"] if house.switch.live else 0
    assert (facts["result"], facts["rows"], facts["rows_same"]) == ("ok", selftest_page.ROWS, selftest_page.ROWS - lost)
    house.switch.wait_calls_over()
    assert house.received() == [] and house.records() == []
    assert not [name for name in os.listdir(house.path("tmp")) if name.startswith("gofax-selftest-")]


def test_faxes_own_user_may_run_it_too(house: House) -> None:
    status, out, err = selftest(house, user=FAX_USER)
    assert (status, err) == (0, "") and "as it was sent" in out


def test_the_pictures_can_be_kept(house: House) -> None:
    directory = os.path.join(house.run_dir.path, "kept")
    assert selftest(house, "--keep", directory)[0] == 0
    assert sorted(os.listdir(directory)) == ["received.tif", "sent.tif"]
    sent, received = (selftest_page.read(f"{directory}/{name}.tif") for name in ("sent", "received"))
    assert selftest_page.compare(sent, received).identical
    assert selftest(house, "--keep", directory)[0] == 1, "what is there is not overwritten"


def test_out_by_the_gateway_and_back_in(house: House) -> None:
    status, out, _ = selftest(house, "--to", "4711", "--json")
    assert status == 0, out
    assert json.loads(out)["received"] == "recvq/fax000000001.tif"
    house.wait("its record", lambda: any(record[1] == "RECV" for record in house.records()))


def test_what_does_not_come_back_is_told(house: House) -> None:
    status, _, err = selftest(house, "--to", "1000")
    assert status == 1 and "nothing has come in here" in err
    assert selftest(house, "--to", "10W00")[0] == 2


@pytest.mark.standin("a real switch has its modem")
def test_a_switch_without_a_modem_fails_it(make_house: HouseMaker) -> None:
    house = make_house(more={"absent_modules": ["mod_spandsp"]})
    began = time.monotonic()
    status, _, err = selftest(house)
    assert status == 1 and "mod_spandsp" in err and time.monotonic() - began < 20 * house.switch.patience


def test_without_libtiff_s_tools_it_says_what_to_install(house: House) -> None:
    status, _, err = selftest(house, PATH="/nowhere")
    assert status == 1 and "apt install libtiff-tools" in err


def test_a_stranger_is_told_who_may(house: House) -> None:
    status, _, err = selftest(house, user="daemon")
    assert status == 1 and ("run this as root or uucp" in err or "Permission denied" in err)


def test_damage_is_seen_row_by_row() -> None:
    rows = selftest_page.test_page()
    blank = bytes(len(rows[0]))
    header = [blank[:-1] + b"\1"] * 30
    assert selftest_page.compare(rows, header + rows[:-30]).identical, "a header line pushes the page down"
    assert selftest_page.compare(rows, header + rows[:-30]).shift == 30
    assert not selftest_page.compare(rows, rows[:500] + [blank] * (len(rows) - 500)).identical
    assert not selftest_page.compare(rows, rows[:600]).identical
    assert not selftest_page.compare(rows, []).identical
