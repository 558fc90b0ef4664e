"""One incoming fax, an accident in the switch, its restart, and the audit of what the sender had been promised."""

from __future__ import annotations

import contextlib
import os
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from crash.audit import Audit, at_rest, nothing_left, pages_of, which
from crash.strace import CHANGES, Accident, Attached, calls_in
from rig.driven import burden
from rig.esl import EventSocket
from rig.house import OWN_NUMBER, House
from rig.rundir import RigError, lives
from rig.switch import StandIn

RUNS = "log/faxrcvd-runs"
FAXRCVD = f"""#!/bin/sh
echo "$1|$3" >> {RUNS}
"""
PAGE = "spandsp::txfaxpageresult"


def prepare(house: House) -> None:
    """A faxrcvd that notes its runs."""
    with open(house.path("bin", "faxrcvd"), "w", encoding="utf-8") as script:
        script.write(FAXRCVD)
    os.chmod(house.path("bin", "faxrcvd"), 0o755)


@dataclass(slots=True)
class IncomingFax:
    """What is known of one call from the caller's side."""

    house: House
    document: str
    confirmed: int = 0
    """Pages that the caller's modem saw confirmed, as its events told before the switch died."""
    before_files: set[str] = field(default_factory=set)
    before_records: int = 0
    before_runs: int = 0

    def place(self, patience: float = 60.0) -> None:
        """Calls and listens until the call is over or the switch is gone."""
        house = self.house
        self.before_files, self.before_records = set(house.received()), len(house.records())
        self.before_runs = len(runs(house))
        with contextlib.suppress(RigError, OSError, TimeoutError), house.switch.connect() as socket:
            socket.command(f"event plain CHANNEL_HANGUP_COMPLETE CUSTOM {PAGE}")
            uuid = house.switch.place_call(OWN_NUMBER, self.document).uuid
            self._listen(socket, uuid, patience)

    def _listen(self, socket: EventSocket, uuid: str, patience: float) -> None:
        deadline = time.monotonic() + patience * burden()
        while time.monotonic() < deadline:
            headers, _ = socket.event(timeout=max(deadline - time.monotonic(), 0.1))
            if headers.get("Unique-ID") != uuid:
                continue
            if headers.get("Event-Name") == "CHANNEL_HANGUP_COMPLETE":
                return
            self.confirmed = max(self.confirmed, int(headers.get("fax-document-transferred-pages", "0")))

    def audit(self, announced_before: bool) -> Audit:
        """(a) what was confirmed is on the disk, recorded once, and announced; ``announced_before``: faxrcvd had begun
        when the accident happened, and may be run again."""
        house, found = self.house, Audit()
        files = [file for file in house.received() if file not in self.before_files]
        sent = pages_of([self.document])
        kept = [which(sent, pages_of([file])) for file in files]
        found.must(len(files) <= 1, f"one call left {len(files)} files")
        pages = kept[0] if kept else []
        found.must(pages == list(range(1, len(pages) + 1)), f"the pages kept are {pages}")
        found.must(len(pages) >= self.confirmed, f"{self.confirmed} pages were confirmed to the sender, {len(pages)} are there")
        records = house.records()[self.before_records:]
        types = Counter(record[1] for record in records)
        found.must(all(len(record) == 19 for record in records), f"torn records: {records}")
        found.must(types["RECV"] == len(files), f"{len(files)} files, {types['RECV']} RECV records")
        found.must(types["CALL"] <= 1 and (types["CALL"] or not files), f"{types['CALL']} CALL records")
        for record in records:
            if record[1] == "RECV":
                found.must(record[10] == str(len(pages)), f"a RECV record of {record[10]} pages, there are {len(pages)}")
        told = Counter(run.partition("|")[0] for run in runs(house)[self.before_runs:])
        for file in files:
            name = os.path.relpath(file, house.spool)
            most = 2 if announced_before else 1
            found.must(1 <= told[name] <= most, f"faxrcvd was run {told[name]} times for {name}")
        found.must(sum(told.values()) <= 2, f"faxrcvd was run for {dict(told)}")
        nothing_left(house, found)
        bad = house.path("recvq", "bad")
        found.must(not os.path.isdir(bad) or not os.listdir(bad), "something was set aside in recvq/bad")
        return found


def runs(house: House) -> list[str]:
    """One line for each run of faxrcvd."""
    try:
        with open(house.path(RUNS), encoding="utf-8") as file:
            return file.read().splitlines()
    except FileNotFoundError:
        return []


def calls_of_a_call(house: House, document: str, calls: Sequence[str] = CHANGES) -> dict[str, int]:
    """The most of each of these system calls that one thread of the embedded interpreter makes for a call that goes well."""
    log = _log(house)
    with Attached(interpreter(house), log, ["-e", f"trace={','.join(calls)}"]):
        IncomingFax(house, document).place()
        house.wait("the end of the journal entry", lambda: not house.journal())
    return calls_in(log)


def received_through(house: House, document: str, accident: Accident) -> Audit:
    """A fax comes in, the interpreter meets ``accident``, the switch dies and comes back."""
    fax = IncomingFax(house, document)
    python = interpreter(house)
    with Attached(python, _log(house), accident.arguments()):
        fax.place(patience=8)
    if house.switch.running and not accident.error:
        house.switch.kill()     # the accident was another thread's, or came after all: a crash at the end it is
    announced = len(runs(house)) > fax.before_runs
    if not house.switch.running:
        house.wait("the end of the interpreter", lambda: not lives(python))
        restart(house)
    found = Audit()
    try:
        house.wait("the end of the journal entry", lambda: not house.journal(), timeout=20)
        house.switch.wait_calls_over(20)
        house.wait("idle modems", lambda: at_rest(house), timeout=20)
    except (AssertionError, TimeoutError) as error:
        found.violations.append(str(error))
    found.violations += fax.audit(announced).violations
    return found


def failed_calls(house: House, document: str, accident: Accident) -> Audit:
    """A fax comes in while one system call fails; the switch lives on, and is started anew to finish what was put off."""
    fax = IncomingFax(house, document)
    with Attached(interpreter(house), _log(house), accident.arguments()):
        fax.place(patience=8)
    announced = len(runs(house)) > fax.before_runs
    restart(house)
    found = Audit()
    try:
        house.wait("the end of the journal entry", lambda: not house.journal(), timeout=20)
        house.wait("idle modems", lambda: at_rest(house), timeout=20)
    except AssertionError as error:
        found.violations.append(str(error))
    found.violations += fax.audit(announced).violations
    return found


def restart(house: House) -> None:
    """As systemd does it: once everything of the old one has ended."""
    old = _children(house.switch.pid) if house.switch.running else []
    house.switch.kill()
    house.wait("the end of the interpreter", lambda: not any(lives(pid) for pid in old))
    house.switch.start()


def interpreter(house: House) -> int:
    """The process of the stand-in that runs our Python: the child of the switch's process."""
    switch = house.switch
    assert isinstance(switch, StandIn)
    began = time.monotonic()
    while time.monotonic() - began < 10 * burden():
        for child in _children(switch.pid):
            with contextlib.suppress(OSError), open(f"/proc/{child}/cmdline", "rb") as command:
                if b"host/__main__" in command.read():
                    return child
        time.sleep(0.02)
    raise RigError("the stand-in has no interpreter")


def _children(parent: int) -> list[int]:
    found = []
    for name in os.listdir("/proc"):
        with contextlib.suppress(OSError):
            if name.isdigit():
                with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as file:
                    if int(file.read().rpartition(")")[2].split()[1]) == parent:
                        found.append(int(name))
    return found


def _log(house: House) -> str:
    return os.path.join(house.run_dir.sub("strace", owner="uucp"), "switch")


__all__ = ["IncomingFax", "calls_of_a_call", "failed_calls", "interpreter", "prepare", "received_through", "restart", "runs"]
