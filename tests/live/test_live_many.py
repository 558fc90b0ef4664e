"""Forty calls at the same moment, in either direction: whatever the line does, nothing is lost and nothing is told wrongly.

In T.38 every fax must go through.  Audio wants packets in time; how many of forty calls a machine carries is noted, and those
that break must be told of as broken.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest

from rig.esl import EventSocket
from rig.house import House, HouseMaker
from rig.pages import compare_documents, read_pages
from rig.receiving import announced, faxrcvd, finished
from rig.watching import Watching

pytestmark = pytest.mark.live

CALLS = 40
PAGES = 3
RETRY, FAILED, DONE = 0, 1, 2
MODEMS: Mapping[str, Mapping[str, object]] = {"hylafax": {"modems": CALLS}}


@pytest.fixture(autouse=True)
def one_at_a_time() -> Iterator[None]:
    """Forty calls are enough for a machine: these tests wait for each other, in whatever process of a run they are."""
    with open(os.path.join(tempfile.gettempdir(), "gofaxpy-forty-calls.lock"), "w", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


class Results(Watching):
    """What the sending side of each call says of its fax: confirmed pages and success, by the call's UUID."""

    def __init__(self, house: House) -> None:
        super().__init__()
        self.of: dict[str, tuple[int, bool]] = {}
        self._events: EventSocket = house.switch.connect()
        self._events.command("event plain CUSTOM spandsp::txfaxresult")

    def __exit__(self, *reason: object) -> None:
        super().__exit__(*reason)
        self._events.close()

    def watch(self) -> None:
        while not self.over.is_set():
            try:
                headers, _ = self._events.event(0.5)
            except TimeoutError:
                continue
            pages = int(headers.get("fax-document-transferred-pages", "0"))
            self.of[headers["Unique-ID"]] = pages, headers.get("fax-success") == "1"


def whole(sent: str, arrived: str) -> bool:
    """Has every page arrived as it was sent?"""
    return [page.identical for page in compare_documents(read_pages(sent), read_pages(arrived))] == [True] * PAGES


@pytest.mark.parametrize("line", ["t38", "audio"])
def test_forty_faxes_come_in_at_once(
    make_house: HouseMaker, document: str, line: str, record_property: Callable[[str, object], None]
) -> None:
    house = make_house(MODEMS)
    faxrcvd(house)
    house.wait("the modems", lambda: house.spool_has("status", f"freeswitch{CALLS - 1}"))
    t38 = str(line == "t38").lower()

    def place(number: int) -> tuple[str, str]:
        call = house.switch.place_call("4711", document, ident=f"+49 {number:02d}", variables={"fax_enable_t38": t38})
        assert call.answered, call.reply
        return call.uuid, f"+49 {number:02d}"

    with Results(house) as results:
        with ThreadPoolExecutor(CALLS) as pool:
            station_of = dict(pool.map(place, range(CALLS)))
        finished(house)
    records = house.records()
    assert len([record for record in records if record[1] == "CALL"]) == CALLS == len({record[2] for record in records})
    received = {record[8]: record for record in records if record[1] == "RECV"}
    assert len(received) == len([record for record in records if record[1] == "RECV"])
    assert len(house.received()) == len([record for record in received.values() if record[10] != "0"]), "a file for each fax"
    good = 0
    for call, station in station_of.items():
        confirmed, success = results.of.get(call, (0, False))
        if station not in received:
            assert confirmed == 0, f"{station} had {confirmed} pages confirmed, and there is no fax"
            continue
        record = received[station]
        file = house.path("recvq", os.path.basename(record[4]))
        pages = len(read_pages(file)) if os.path.exists(file) else 0
        assert pages == int(record[10]) >= confirmed, f"{station} had {confirmed} pages confirmed, {pages} are in the file"
        assert announced(house, record[2])[3] == record[13], "faxrcvd and the record say the same"
        assert pages or record[13]
        if record[13] == "":
            assert whole(document, file), f"{station} is recorded as good, and is not"
            good += 1
        assert record[13] == "" or not success, f"{station} sent all its pages, and is recorded as failed: {record[13]}"
    record_property(f"whole faxes of {CALLS} that came in at once, {line}", good)
    assert good == CALLS or line == "audio"
    assert os.listdir(house.lock_dir) == [], "all modems are free"


@pytest.mark.parametrize("line", ["t38", "audio"])
def test_forty_faxes_go_out_at_once(
    make_house: HouseMaker, line: str, record_property: Callable[[str, object], None]
) -> None:
    """What does not go through at once goes through later, and no page is left out."""
    house = make_house(MODEMS, far_ends=[{"number": "10..", "does": "fax", "t38": "offer" if line == "t38" else "none"}])
    jobs = {number: house.job(f"10{number:02d}", pages=(PAGES,)) for number in range(CALLS)}
    left = dict(jobs)
    first = None
    for _ in range(4):
        senders = {number: house.start_gofaxsend(job, modem=f"freeswitch{number}") for number, job in left.items()}
        for number, sender in senders.items():
            output, _ = sender.communicate(timeout=60 * house.switch.patience)
            assert output == "" and sender.returncode in (RETRY, DONE), house.qfile(jobs[number])["status"]
        house.switch.wait_calls_over()
        check(house, jobs)
        left = {number: job for number, job in left.items() if senders[number].returncode == RETRY}
        first = CALLS - len(left) if first is None else first
        if not left:
            break
    record_property(f"whole faxes of {CALLS} that went out at once, {line}", first)
    assert not left, "four attempts were not enough"
    assert first == CALLS or line == "audio"
    assert house.journal() == []


def check(house: House, jobs: Mapping[int, int]) -> None:
    """What the jobs say has arrived: each page that is confirmed is in a file of its far end."""
    for number, job in jobs.items():
        qfile = house.qfile(job)
        files = [file for file in house.far_received() if os.path.basename(file).startswith(f"10{number:02d}-")]
        assert sum(len(read_pages(file)) for file in files) >= int(qfile["npages"]), f"job {job}: more confirmed than arrived"
        assert (qfile["returned"] == str(DONE)) is (qfile["npages"] == str(PAGES))
        sent = [record for record in house.records() if record[4] == str(job)]
        assert sum(int(record[10]) for record in sent) == int(qfile["npages"]), "the records count as the job does"
        assert (sent[-1][13] == "") is (qfile["returned"] == str(DONE))
        if len(files) == 1 and qfile["returned"] == str(DONE):
            assert whole(house.sent[job][0], files[0])
