"""Scripts of the operator that misbehave in every way: no call is held up, no fax lost, and nothing of them is believed.

All misbehave at once: the script that is configured does what the number says, which is the caller's of an incoming fax
and the one that is called of an outgoing one.
"""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from gofaxpy.hylafax.qfile import QFileHandle
from rig.house import House, HouseMaker
from rig.pages import read_pages
from rig.receiving import FAXRCVD, announced, finished, script

RETRY, FAILED, DONE = 0, 1, 2
TIMEOUT = 2
HANG = 90000 + os.getpid()      # seconds, and not to be taken for a script of another run on this machine
SLOW = 20.0     # seconds within which a dozen of calls at once are answered, with a script that has 2
FAR_ENDS = [{"number": "10..", "does": "fax", "ident": "+49 30 FAR"}]


@dataclass(frozen=True)
class Misbehaviour:
    """A script and what is said of it: ``problem`` for DynamicConfig and DynamicConfigOutgoing (empty: it has had its say,
    and the fax goes on), ``faxrcvd`` for the same as faxrcvd (empty: nothing)."""

    name: str
    text: str
    problem: str = ""
    faxrcvd: str = ""


LATE, ENDED = "has not ended", f"was ended after {TIMEOUT} s"
MISBEHAVIOURS = (
    Misbehaviour("hangs", "exec sleep HANG", LATE, ENDED),
    Misbehaviour("hangs and ignores signals", "trap '' TERM INT HUP ALRM; while :; do sleep 1; done", LATE, ENDED),
    Misbehaviour("stops itself", "kill -STOP $$", LATE, ENDED),
    Misbehaviour("dies of a signal", "kill -SEGV $$", "status -11", "status -11"),
    Misbehaviour("is killed in mid-line", "printf 'RejectCall: tr'; kill -9 $$", "status -9", "status -9"),
    Misbehaviour("leaves a child that keeps standard output", "sleep HANG & exit 0", LATE),
    Misbehaviour("leaves a daemon that keeps standard output", "setsid sleep 20 & exit 0", LATE),
    Misbehaviour("closes standard output and hangs", "exec >&- 2>&-; exec sleep HANG", LATE, ENDED),
    Misbehaviour("closes standard output and ends", "exec >&-; exit 0"),
    Misbehaviour("prints without end", "exec yes 'LocalIdentifier: evil'", "prints more", ENDED),
    Misbehaviour("prints a line without end", "exec tr '\\0' x </dev/zero", "prints more", ENDED),
    Misbehaviour("prints octets", "awk 'BEGIN { for (i = 0; i < 256; i++) printf \"%c\", i; print \"\" }'"),
    Misbehaviour(
        "prints garbage and ends well",
        "printf 'Reject Call\\n:::\\n==\\n\"\\nGateway\\nRejectCall\\n: true\\n${system(touch log/evil)}\\n`touch log/evil`\\n'",
    ),
    Misbehaviour("wants input", "read line; cat >/dev/null; exit 0"),
    Misbehaviour("removes itself", 'rm -f "$0"; exit 0'),
    Misbehaviour("removes its directory", "mkdir log/own; cd log/own; rmdir ../own; exit 0"),
    Misbehaviour("fails", "echo 'RejectCall: false'; exit 3", "status 3", "status 3"),
    Misbehaviour("cannot be executed", "exec /etc/passwd", "status 126", "status 126"),
)
CONFIG = {"dynamic_config_timeout": TIMEOUT}


def script_by(house: House, name: str, word: int, before: str = "", hang: int = HANG) -> None:
    """The script of that name does what its ``word`` argument ends in, 00 for the first misbehaviour."""
    lines = [before, f"case \"${{{word}}}\" in"]
    for number, one in enumerate(MISBEHAVIOURS):
        script(house, f"etc/{name}-{number:02}", f"#!/bin/sh\n{one.text.replace('HANG', str(hang))}\n")
        lines.append(f"*{number:02}) exec etc/{name}-{number:02};;")
    script(house, f"etc/{name}", "#!/bin/sh\n" + "\n".join([*lines, "esac", ""]))


def sleepers() -> int:
    """What is left of the scripts."""
    found = 0
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                found += file.read() == b"sleep\0%d\0" % HANG
        except OSError:
            continue
    return found


def test_no_misbehaviour_of_dynamic_config_outgoing_holds_up_or_sends_a_fax_it_should_not(make_house: HouseMaker) -> None:
    house = make_house(
        {"outbound": {"dynamic_config": "etc/Outgoing", "dynamic_config_on_error": "retry", **CONFIG}}, far_ends=FAR_ENDS,
    )
    script_by(house, "Outgoing", 3)
    jobs = [house.job(f"10{number:02}") for number in range(len(MISBEHAVIOURS))]
    began = time.monotonic()
    with ThreadPoolExecutor(len(jobs)) as senders:
        returned = list(senders.map(house.gofaxsend, jobs))
    assert time.monotonic() - began < SLOW * house.switch.patience
    for one, job, status in zip(MISBEHAVIOURS, jobs, returned, strict=True):
        qfile = house.qfile(job)
        assert status == (RETRY if one.problem else DONE), f"{one.name}: {qfile['status']}"
        assert one.problem in qfile["status"], f"{one.name}: {qfile['status']}"
        assert qfile["totdials"] == ("0" if one.problem else "1"), one.name
        with QFileHandle.open(house.path("sendq", f"q{job}")) as handle:       # it is still a qfile
            assert handle.qfile.get("jobid") == str(job)
        assert "SESSION END" in house.session_log(qfile["commid"]), one.name
    well = sum(not one.problem for one in MISBEHAVIOURS)
    assert [len(read_pages(far)) for far in house.far_received()] == [3] * well
    assert house.journal() == [] and not house.spool_has("log", "evil")
    house.wait("the end of the scripts", lambda: not sleepers())


def test_no_misbehaviour_of_dynamic_config_holds_up_or_refuses_a_call_it_should_not(
    make_house: HouseMaker, document: str
) -> None:
    house = make_house({"inbound": {"dynamic_config": "etc/Incoming", "dynamic_config_on_error": "reject", **CONFIG}})
    script(house, "bin/faxrcvd", FAXRCVD.format(file=house.path("log", "faxrcvd"), more=""))
    script_by(house, "Incoming", 2)
    began = time.monotonic()
    with ThreadPoolExecutor(len(MISBEHAVIOURS)) as callers:
        calls = list(callers.map(
            lambda number: house.switch.place_call("4711", document, caller_number=f"03010{number:02}"),
            range(len(MISBEHAVIOURS)),
        ))
    assert time.monotonic() - began < SLOW * house.switch.patience
    finished(house)
    for one, call in zip(MISBEHAVIOURS, calls, strict=True):
        assert call.answered == (not one.problem), f"{one.name}: {call.reply}"
    records = house.records()
    for number, one in enumerate(MISBEHAVIOURS):
        types = sorted(record[1] for record in records if record[15] == f"03010{number:02}")
        assert types == (["CALL"] if one.problem else ["CALL", "RECV"]), one.name
        [commid] = {record[2] for record in records if record[15] == f"03010{number:02}"}
        assert one.problem in house.session_log(commid), one.name
        assert bool(announced(house, commid)) == (not one.problem), one.name
    assert [len(read_pages(fax)) for fax in house.received()] == [3] * sum(not one.problem for one in MISBEHAVIOURS)
    assert not house.spool_has("log", "evil") and os.listdir(house.lock_dir) == []
    house.wait("the end of the scripts", lambda: not sleepers())


def test_no_misbehaviour_of_faxrcvd_costs_a_fax_or_keeps_anything_waiting(make_house: HouseMaker, document: str) -> None:
    house = make_house({"inbound": {"faxrcvd_timeout": TIMEOUT}})
    script_by(house, "Received", 5, 'echo "$1" >> log/runs', hang=15)
    os.unlink(house.path("bin", "faxrcvd"))
    os.symlink(house.path("etc", "Received"), house.path("bin", "faxrcvd"))
    with ThreadPoolExecutor(len(MISBEHAVIOURS)) as callers:
        calls = list(callers.map(
            lambda number: house.switch.place_call("4711", document, caller_number=f"03010{number:02}"),
            range(len(MISBEHAVIOURS)),
        ))
    assert all(call.answered for call in calls)
    finished(house)
    records = [record for record in house.records() if record[1] == "RECV"]
    for number, one in enumerate(MISBEHAVIOURS):
        [record] = [record for record in records if record[15] == f"03010{number:02}"]
        log = house.session_log(record[2])
        said = [line for line in log.splitlines() if "RECV FAX: faxrcvd " in line]
        assert (one.faxrcvd in "".join(said)) if one.faxrcvd else not said, f"{one.name}: {log}"
        assert len(log) < 100_000, one.name
        assert len(read_pages(house.path(record[4]))) == 3, one.name
    with open(house.path("log", "runs"), encoding="utf-8") as file:
        assert sorted(file.read().split()) == sorted(record[4] for record in records), "each fax was announced once"
    assert not house.spool_has("log", "evil") and house.switch.running


@pytest.mark.parametrize("mode", [None, 0o644])
def test_a_script_that_is_missing_or_not_executable_is_named(make_house: HouseMaker, document: str, mode: int | None) -> None:
    house = make_house({
        "outbound": {"dynamic_config": "etc/Hook", "dynamic_config_on_error": "fail"},
        "inbound": {"dynamic_config": "etc/Hook", "dynamic_config_on_error": "accept"},
    })
    if mode is not None:
        script(house, "etc/Hook", "#!/bin/sh\necho 'RejectCall: true'\n")
        os.chmod(house.path("etc", "Hook"), mode)
    job = house.job("1000")
    assert house.gofaxsend(job) == FAILED
    assert "etc/Hook cannot be executed" in house.qfile(job)["status"]
    assert house.switch.place_call("4711", document).answered
    finished(house)
    assert "etc/Hook cannot be executed" in house.session_log("000000002")
