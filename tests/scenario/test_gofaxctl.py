"""gofaxctl as an operator runs it, against a switch that works; and the same commands from FreeSWITCH's console."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from typing import Any

import pytest

from rig.house import House, HouseMaker
from rig.rundir import FAX_USER

OK, PROBLEM, USAGE = 0, 1, 2
NASTY = "\x1b]0;owned\x07 \x1b[2J\u202eevil"


class Ctl:
    """Runs bin/gofaxctl with a house's configuration."""

    def __init__(self, house: House) -> None:
        self.house = house

    def __call__(self, *words: str, status: int = OK, user: str | None = None, **env: str) -> str:
        """What it prints; its exit status must be ``status``.  The complaints are in ``self.complaints``."""
        options: dict[str, Any] = {"user": user, "extra_groups": ()} if user else {}
        done = subprocess.run(
            [self.house.installed.gofaxctl, "-C", self.house.config, *words], capture_output=True, text=True, check=False,
            env={**self.house.run_dir.environ, **env}, stdin=subprocess.DEVNULL, cwd="/", timeout=60, **options,
        )
        self.complaints = done.stderr
        assert done.returncode == status, done.stdout + done.stderr
        assert "Traceback" not in done.stderr and "ClueCon" not in done.stdout + done.stderr
        return done.stdout

    def json(self, *words: str, status: int = OK) -> Any:
        return json.loads(self(*words, "--json", status=status))

    def console(self, command: str) -> str:
        """What ``fs_cli -x 'python gofax …'`` prints."""
        return self.house.switch.console(f"python gofax {command}")


@pytest.fixture
def ctl(house: House) -> Ctl:
    house.wait("the supervisor", lambda: house.spool_has("status", "freeswitch1"))
    return Ctl(house)


def test_status_shows_modems_and_that_nothing_goes_on(ctl: Ctl) -> None:
    text = ctl("status")
    assert "is running" in text and "all 2 modems idle" in text and "no calls in progress" in text
    state = ctl.json("status")
    assert state["supervisor"] is True and state["switch"] == "" and state["calls"] == [] and state["last"] == []
    assert [modem["modem"] for modem in state["modems"]] == ["freeswitch0", "freeswitch1"]
    assert ctl.console("status") == text
    assert json.loads(ctl.console("status --json"))["modems"] == state["modems"]


def test_status_follows_a_fax_page_by_page(make_house: HouseMaker) -> None:
    house = make_house(speed=10)
    ctl = Ctl(house)
    job = house.job("1000")
    sending = house.start_gofaxsend(job)
    seen: list[dict[str, Any]] = []
    while sending.poll() is None:
        seen += [call for call in ctl.json("status")["calls"] if call not in seen]
    sending.communicate()
    assert [call["direction"] for call in seen] == ["out"] * len(seen)
    assert {0, 1, 2} <= {call["pages"] for call in seen}, seen
    best = max(seen, key=lambda call: call["pages"] or 0)
    assert (best["job"], best["number"], best["pages_due"], best["rate"], best["ecm"]) == (str(job), "1000", 3, 14400, True)
    assert (best["station"], best["modem"], best["gateway"]) == ("+49 30 FAR", "freeswitch0", "default")
    [last] = ctl.json("status")["last"]
    assert (last["direction"], last["job"], last["pages"], last["reason"]) == ("out", str(job), 3, "")
    assert f"out  {best['commid']}  {job}" in ctl("status")


def test_status_shows_an_incoming_call_and_cleans_what_the_caller_says_of_itself(make_house: HouseMaker, document: str) -> None:
    house = make_house(speed=10)
    ctl = Ctl(house)
    call = house.switch.place_call("4711", document, caller_number="030123456", ident=NASTY[:20], caller_name=NASTY)
    assert call.answered
    texts: list[str] = []
    while house.switch.calls():
        texts.append(ctl("status"))
    house.wait("the record", lambda: any(record[1] == "RECV" for record in house.records()))
    texts.append(ctl("status"))
    assert any("030123456" in text and "receiving" in text for text in texts), texts
    for text in texts:
        assert "\x1b" not in text and "\x07" not in text and "\u202e" not in text
    assert "\x1b" not in ctl("log", "last")


def test_status_without_the_switch_says_so_and_shows_the_spool(ctl: Ctl) -> None:
    ctl.house.switch.stop()
    text = ctl("status", status=PROBLEM)
    assert "connection refused" in text.lower() and "FreeSWITCH is not running" in text
    assert ctl.json("status", status=PROBLEM)["supervisor"] is False


def test_watch_repeats_until_it_is_ended(ctl: Ctl) -> None:
    process = subprocess.Popen(
        [ctl.house.installed.gofaxctl, "-C", ctl.house.config, "status", "--watch", "0.2", "--json"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ctl.house.run_dir.environ,
    )
    try:
        assert process.stdout is not None
        shown = 0
        for line in process.stdout:
            shown += line.count('"supervisor": true')
            if shown == 2:
                break
        process.send_signal(signal.SIGINT)
        _, complaints = process.communicate(timeout=20)
        assert (shown, process.returncode, complaints) == (2, 130, "")
    finally:
        process.kill()
        process.communicate()


def test_overrides_are_set_listed_used_and_deleted(ctl: Ctl) -> None:
    assert ctl("overrides") == "no overrides\n"
    assert "+OK" in ctl("overrides", "set", "1000", "fax_use_ecm", "false")
    assert ctl.json("overrides") == [{"number": "1000", "variable": "fax_use_ecm", "value": "false", "problem": ""}]
    job = ctl.house.job("1000", pages=(1,))
    assert ctl.house.gofaxsend(job) == 2
    log = ctl.house.session_log(ctl.house.qfile(job)["commid"])
    assert "Override of 1000: fax_use_ecm='false'" in log
    assert ctl.house.switch.api("db select/override-1000/fax_use_ecm") == "false"
    assert ctl.json("overrides", "list", "1000")[0]["variable"] == "fax_use_ecm"
    ctl("overrides", "del", "1000", "fax_use_ecm")
    ctl("overrides", "list", "1000", status=PROBLEM)
    ctl("overrides", "del", "1000", status=PROBLEM)
    assert "no override" in ctl.complaints


@pytest.mark.parametrize(
    ("words", "status", "complaint"),
    [
        (("set", "1000", "fax_start_page", "3"), PROBLEM, "gofax sets this variable itself"),
        (("set", "1000", "fax_ident", "a{b"), PROBLEM, "cannot be passed to FreeSWITCH"),
        (("set", "1000", "no name", "x"), PROBLEM, "no name of a channel variable"),
        (("set", "1000", "fax_ident"), USAGE, "needs a number, a variable and a value"),
        (("set", "10/00", "fax_ident", "x"), OK, ""),       # a slash is one of the separators people write
        (("set", "10'00", "fax_ident", "x"), USAGE, "cannot be dialled"),
        (("del",), USAGE, "needs a number"),
        (("forget", "1000"), USAGE, "invalid choice"),
    ],
)
def test_what_could_not_be_used_is_not_taken_as_an_override(
    ctl: Ctl, words: tuple[str, ...], status: int, complaint: str
) -> None:
    ctl("overrides", *words, status=status)
    assert complaint in ctl.complaints


def test_the_console_has_the_same_overrides(ctl: Ctl) -> None:
    assert ctl.console("overrides set 012345 fax_enable_t38 false").startswith("+OK")
    assert ctl.console("overrides set 012345 fax_ident +49 30 1234").startswith("+OK")
    found = {row["variable"]: row["value"] for row in ctl.json("overrides", "list", "012345")}
    assert found == {"fax_enable_t38": "false", "fax_ident": "+49 30 1234"}
    ctl.house.switch.api("db insert/override-77/fax_start_page/4")
    assert "left out: gofax sets this variable itself" in ctl.console("overrides")
    assert ctl.console("overrides del 012345").startswith("+OK")
    assert ctl.console("overrides del 012345").startswith("-ERR there is no override for 012345")


def test_fallback_lists_clears_and_expires(ctl: Ctl) -> None:
    api = ctl.house.switch.api
    now = int(time.time())
    api(f"db insert/fallback/030111/{now}")
    api(f"db insert/fallback/030222/{now - 100 * 86400}")
    api("db insert/fallback/030333/by hand")
    api(f"db insert/gofax-ladder/030444/2 {now}")
    rows = {row["number"]: row for row in ctl.json("fallback")}
    assert set(rows) == {"030111", "030222", "030333", "030444"}
    assert rows["030333"]["since"] == "" and "rung 2" in rows["030444"]["what"]
    assert "030222" in ctl("fallback", "expire", "90")
    assert ctl.console("fallback clear 030-111") == "+OK 1 deleted: 030111\n"
    assert ctl.console("fallback clear 030111").startswith("-ERR there is no entry")
    assert {row["number"] for row in ctl.json("fallback")} == {"030333", "030444"}
    ctl("fallback", "expire", "soon", status=USAGE)
    ctl("fallback", "clear", status=USAGE)
    ctl("fallback", "clear", "all")
    assert ctl("fallback") == "no entries\n"


def test_the_log_of_a_job_of_a_call_and_of_the_last_one(ctl: Ctl) -> None:
    job = ctl.house.job("1000", pages=(1,))
    ctl.house.gofaxsend(job)
    busy = ctl.house.job("2000", pages=(1,))
    ctl.house.gofaxsend(busy)
    ctl.house.gofaxsend(busy)
    commid = ctl.house.qfile(job)["commid"]
    assert "SESSION END" in ctl("log", str(job)) and f"c{commid}" in ctl("log", str(job))
    assert ctl("log", commid) == ctl("log", str(job))
    attempts = ctl.json("log", str(busy))
    assert len(attempts) == 2 and attempts[0]["commid"] < attempts[1]["commid"]
    assert ctl.json("log") == attempts[1:]
    assert ctl.console("log last") == ctl("log", "last")
    for which, complaint in (("4711", "nothing is known of job"), ("999999999", "no such session log"), ("../x", "is no job")):
        ctl("log", which, status=USAGE if "/" in which else PROBLEM)
        assert complaint in ctl.complaints
    ctl("log", "last", status=PROBLEM, user="nobody")
    assert "run this as root or uucp" in ctl.complaints


def test_outcomes_are_those_of_the_configuration(make_house: HouseMaker) -> None:
    house = make_house({"outbound": {"failed_response": ["USER_BUSY"]}})
    rows = {row["end"]: row for row in Ctl(house).json("outcomes")}
    assert rows["USER_BUSY"]["returned"] == "failed" and rows["NO_ANSWER"]["returned"] == "retry"
    assert rows["T0_EXPIRED"]["status"] == "No carrier detected"
    assert "USER_BUSY" in Ctl(house).console("outcomes")


def test_nothing_escapes_from_the_console(ctl: Ctl) -> None:
    """argparse prints and exits; inside FreeSWITCH both would be the end of more than a command."""
    for words in ("", "--help", "status --help", "--version"):
        assert "gofax" in ctl.console(words) and "-ERR" not in ctl.console(words)
    for words in ("nonsense", "status --watch", "status --last x", "status --last 1000", "selftest", "--json", "-C", "\\"):
        assert ctl.console(words).startswith("-ERR") or "usage: gofax" in ctl.console(words), words
    assert "is running" in ctl.console("status")
    assert ctl.house.switch.running


def test_colours_are_for_terminals_that_want_them(ctl: Ctl) -> None:
    assert "\x1b[" not in ctl("status")
    assert "\x1b[32m" in ctl("status", "--color", "always")
    assert "\x1b[" not in ctl("status", "--color", "always", "--json")
    terminals = (({"TERM": "xterm"}, True), ({"TERM": "xterm", "NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False))
    for environment, coloured in terminals:
        assert ("\x1b[32m" in _on_a_terminal(ctl, environment)) is coloured


def _on_a_terminal(ctl: Ctl, environment: dict[str, str]) -> str:
    master, slave = os.openpty()
    process = subprocess.Popen(
        [ctl.house.installed.gofaxctl, "-C", ctl.house.config, "status"], stdin=slave, stdout=slave, stderr=slave,
        env={**ctl.house.run_dir.environ, **environment},
    )
    os.close(slave)
    text = b""
    try:
        while chunk := os.read(master, 65536):
            text += chunk
    except OSError:
        pass        # the terminal's other end is closed
    process.wait()
    os.close(master)
    return text.decode()


def test_mistakes_are_told_with_status_two(ctl: Ctl) -> None:
    for words in (("nonsense",), ("status", "--frobnicate"), ("overrides", "set"), ("--jso", "status")):
        ctl(*words, status=USAGE)
        assert "usage: gofaxctl" in ctl.complaints or "gofaxctl:" in ctl.complaints
    assert "commands:" in ctl()
    for command in ("status", "overrides", "fallback", "outcomes", "log", "import-config"):
        text = ctl(command, "--help")
        assert "examples:" in text and f"gofaxctl {command}" in text


def test_the_switch_s_own_user_can_run_it(ctl: Ctl) -> None:
    assert "is running" in ctl("status", user=FAX_USER)
