"""Incoming calls beside those that native HylaFAX took (tests/data/native/recv-*): session log, accounting, what clients
and syslog saw, the tags of the file, faxrcvd's mail.  Line by line the same, but for what the tables here name.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from rig import PrivateHylaFAX
from rig.guard import hylafax_program
from rig.pages import NORMAL, make_tiff
from rig.server import Server, ServerMaker, idle, recorded, wait

NATIVE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "data", "native")
FAXINFO = hylafax_program("faxinfo")

# Lines of native's that we have nothing to say for: frames and training, which SpanDSP keeps to itself until the DCS
# is over (rate and error correction it tells), and the dialogue with a modem that is a device.
ONLY_NATIVE = re.compile(
    r"RECV (recv|send|received|training|assumed) |RECV: |TRAINING |MODEM |"
    r"REMOTE wants (A4 page|unlimited|3\.85 line|2-D)|HylaFAX \(tm\)|DynamicConfig: etc/reject"
)
# Ours alone: whose words these are, and what a modem on a telephone line has not.
ONLY_OURS = re.compile(r"gofaxpy \d|USE T\.38 ")
# What differs from one call to another, and from a modem to ours.
SAME = (
    (r"^(<\d+>)?[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(\.\d\d)?", "WHEN"), (r"^\d\d/\d\d/\d\d \d\d:\d\d", "WHEN"),
    (r"\b\d{4}:\d\d:\d\d \d\d:\d\d:\d\d", "DATE"), (r"^\d{6} ", ""),
    (r"fax\d{9}\.tif", "FILE"), (r"\bc?\d{9}\b", "COMMID"), (r"\b\d+:\d\d:\d\d\b", "TIME"), (r"ttyF0|freeswitch\d", "MODEM"),
    (r"\[ *\d+\]", "[PID]"), (r"FaxGetty|gofax\b(?=\[)", "PROGRAM"),
    (r' ""$', ""), (r'(?<=")4711::"', '4711"'),     # the fourth caller id is the gateway
)


@dataclass(frozen=True)
class Case:
    """A call of native's, and how ours is made to be the same."""

    name: str
    number: str
    caller: str
    pages: int = 3
    variables: dict[str, str] = field(default_factory=dict)
    config: dict[str, dict[str, object]] = field(default_factory=dict)
    silent: bool = False

    def files(self, kind: str) -> list[str]:
        """The lines native left in the file whose name begins so."""
        directory = os.path.join(NATIVE, self.name)
        path = next(os.path.join(directory, name) for name in os.listdir(directory) if name.startswith(kind))
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read().splitlines()


CASES = [
    Case("recv-ok", "030555123", "ACME Corp"),
    Case("recv-dropped-page-2", "030555124", "ACME", variables={"standin_hangup_after_pages": "1"}),
    Case("recv-rejected", "0666", "Spam", config={"inbound": {"dynamic_config": "etc/reject"}}),
    Case("recv-silence", "030555127", "Somebody", silent=True),
]


def plain(lines: list[str], leave_out: re.Pattern[str]) -> list[str]:
    """The lines without what differs anyway."""
    kept = []
    for line in lines:
        text = line
        for pattern, word in SAME:
            text = re.sub(pattern, word, text)
        if text.strip() and not leave_out.search(text):
            kept.append(text.rstrip())
    return kept


@pytest.fixture(params=CASES, ids=lambda case: case.name)
def both(request: pytest.FixtureRequest, make_server: ServerMaker) -> tuple[Case, Callable[[], Server]]:
    """The case, and what makes the call and waits for its end."""
    case: Case = request.param

    def call() -> Server:
        config = {"freeswitch": {"ident": "+49.30.12345"}, **case.config}
        server = hylafax, switch = make_server(config)
        with open(hylafax.path("etc", "reject"), "w", encoding="utf-8") as script:
            script.write("#!/bin/sh\necho RejectCall: true\n")
        os.chmod(hylafax.path("etc", "reject"), 0o755)
        document = os.path.join(hylafax.run_dir.path, "document.tif")
        make_tiff(document, case.pages, dpi=NORMAL)
        if case.silent:
            variables = f"{{origination_caller_id_number={case.number},origination_caller_id_name={case.caller}}}"
            switch.originate(f"{variables}sofia/far/4711", "playback(silence_stream://-1)")
        else:
            switch.place_call(
                "4711", document, caller_number=case.number, caller_name=case.caller, variables=case.variables
            )
        assert recorded(hylafax, "CALL")
        assert wait(lambda: idle(hylafax) == 2)
        return server

    return case, call


@pytest.mark.standin("a call that says nothing, texts of SpanDSP 0.0.6")
def test_a_call_leaves_what_native_leaves(both: tuple[Case, Callable[[], Server]]) -> None:
    case, call = both
    hylafax, switch = call()
    session(case, hylafax)
    accounting(case, hylafax)
    syslog(case, hylafax)
    if case.name in ("recv-ok", "recv-dropped-page-2"):
        tags(case, hylafax)
        mail(case, hylafax)
    else:
        assert hylafax.received() == [] and hylafax.mails == []
    # the same call once more, for those who watch
    watch = hylafax.faxwatch()
    assert wait(lambda: hylafax.tell_faxq("+freeswitch0:R") or any("freeswitch0" in line for line in watch.lines))
    if case.silent:
        switch.api("hupall")
        switch.originate("{origination_caller_id_number=030555127,origination_caller_id_name=Somebody}sofia/far/4711",
                         "playback(silence_stream://-1)")
    else:
        switch.place_call("4711", os.path.join(hylafax.run_dir.path, "document.tif"), caller_number=case.number,
                          caller_name=case.caller, variables=case.variables)
    assert recorded(hylafax, "CALL", 2) and wait(lambda: idle(hylafax) == 2)
    watch.wait_for("freeswitch1: Marked ready")
    events(case, [line for line in watch.stop().splitlines() if "freeswitch0" not in line])


def session(case: Case, hylafax: PrivateHylaFAX) -> None:
    with open(hylafax.path("log", "c000000001"), encoding="utf-8") as file:
        ours = plain(file.read().splitlines(), ONLY_OURS)
    ours = [line for line in ours if "DynamicConfig: etc/reject" not in line]
    native = plain(case.files("session-log"), ONLY_NATIVE)
    assert ours == native


def accounting(case: Case, hylafax: PrivateHylaFAX) -> None:
    with open(hylafax.path("log", "xferfaxlog"), encoding="utf-8") as file:
        ours = plain(file.read().splitlines(), ONLY_OURS)
    native = plain(case.files("xferfaxlog"), ONLY_NATIVE)
    assert [line.split("\t")[:18] for line in ours] == [line.split("\t")[:18] for line in native]
    # the DCS of SpanDSP 0.0.6 has other options set than that of a class 1 modem's; rate, resolution, format, ECM agree
    assert [bool(line.split("\t")[18:]) for line in ours] == [bool(line.split("\t")[18:]) for line in native]


def syslog(case: Case, hylafax: PrivateHylaFAX) -> None:
    native = plain(case.files("getty-syslog"), ONLY_NATIVE)
    assert wait(lambda: syslog_lines(hylafax) == native, 5) or not hylafax.syslog.lines(), (syslog_lines(hylafax), native)


def syslog_lines(hylafax: PrivateHylaFAX) -> list[str]:
    """What our switch has told syslog, which all runs on a machine share."""
    with open(hylafax.path("log", "c000000001"), encoding="utf-8") as file:
        pid = re.findall(r"\[ *(\d+)\]", file.readline())[0]
    lines = plain([line for line in hylafax.syslog.lines() if f" gofax[{pid}]: " in line], ONLY_OURS)
    return [line for line in lines if "DynamicConfig: " not in line and "Call ID 4" not in line]


def tags(case: Case, hylafax: PrivateHylaFAX) -> None:
    [file] = hylafax.received()
    info = subprocess.run([FAXINFO, file], capture_output=True, text=True, check=True).stdout.splitlines()[1:]
    native = [line for line in case.files("tags-") if re.match(r" *(\w+): ", line)]
    wanted = [line for line in plain(native, ONLY_NATIVE) if not line.startswith(("Magic", "/", "Directory"))]
    ours = [line for line in plain(info, ONLY_OURS) if "CallID4" not in line]
    assert [untimed(line) for line in ours] == [untimed(line) for line in wanted]


def untimed(line: str) -> str:
    """SpanDSP's calls on the stand-in take no time: faxinfo knows none."""
    return re.sub(r"TIME$|<unknown>$", "T", line)


def mail(case: Case, hylafax: PrivateHylaFAX) -> None:
    [mine] = [mail.text for mail in hylafax.wait_mails(1)]
    head = "\n\n\nSession log"
    ours = plain(mine.partition(head)[0].splitlines(), ONLY_OURS)
    native = plain("\n".join(case.files("mail")[1:]).partition(head)[0].splitlines(), ONLY_NATIVE)
    places = re.compile(r"ftp://[^/]*/")
    assert [untimed(places.sub("", line)) for line in ours] == [untimed(places.sub("", line)) for line in native]


def events(case: Case, lines: list[str]) -> None:
    """Native tells parameters of the DCS at the start of the session; SpanDSP only rate and ECM, but it knows the TSI."""
    start = re.compile(r'(Session started \(com COMMID\)), .*')
    ours = [start.sub(r"\1", line) for line in plain(lines, ONLY_OURS)]
    native = [start.sub(r"\1", line) for line in plain(case.files("faxwatch"), re.compile("$^"))]
    assert ours == native
