"""Wrong answers of the event socket, and jobs sent over one that gives them.

A fault takes the place of one reply.  The replies are counted in a conversation that goes well, so that a command that is
new gets its share of faults without being named here.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from crash.audit import Audit, SentJob, nothing_left, pages_of
from crash.sending import done_with, to_the_end
from gofaxpy.journal import Step as Mark
from rig.house import House
from rig.proxy import CUT, NEVER, At, Meddler, Part, Proxy, Step, untouched

LATE = 1.5          # seconds; the rig's connect_timeout is shorter
TOO_LATE = 16.0     # gofaxpy.switch.client.API_TIMEOUT is shorter
OTHER_JOB = "00000000-0000-4000-8000-000000000000"


def frame(kind: str, body: str = "", **headers: str) -> bytes:
    """One frame of an event socket."""
    lines = [f"Content-Type: {kind}", *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return ("\n".join(lines) + f"\n\n{body}").encode()


def _says(text: str) -> Meddler:
    """A reply of the same kind that says something else."""

    def meddle(part: Part) -> Iterable[Step]:
        if b"api/response" in part.data:
            return [frame("api/response", f"{text}\n")]
        return [frame("command/reply", Reply_Text=text)]

    return meddle


def _length(change: Callable[[int], object]) -> Meddler:
    """The same with another Content-Length."""

    def meddle(part: Part) -> Iterable[Step]:
        head, _, body = part.data.partition(b"\n\n")
        kept = [line for line in head.split(b"\n") if not line.startswith(b"Content-Length")]
        return [b"\n".join([*kept, f"Content-Length: {change(len(body))}".encode()]) + b"\n\n" + body]

    return meddle


def _other_kind(part: Part) -> Iterable[Step]:
    if b"api/response" in part.data:
        return [frame("command/reply", Reply_Text="+OK")]
    return [frame("api/response", "+OK\n")]


FAULTS: dict[str, Meddler] = {
    "late": lambda part: [LATE, part.data],
    "too late": lambda part: [TOO_LATE, part.data],
    "never, and nothing more": lambda part: [NEVER],
    "left out": lambda part: [],
    "twice": lambda part: [part.data, part.data],
    "-ERR": _says("-ERR something is wrong"),
    "-ERR without a word": _says("-ERR"),
    "-ERR after a while": lambda part: [0.6, *_says("-ERR something is wrong")(part)],
    "+OK and no more": _says("+OK"),
    "+OK for another job": _says(f"+OK Job-UUID: {OTHER_JOB}"),
    "neither +OK nor -ERR": _says("perhaps"),
    "of another kind": _other_kind,
    "an empty body": lambda part: [part.data.partition(b"\n\n")[0].partition(b"\nContent-Length")[0] + b"\n\n"],
    "without Content-Type": lambda part: [b"Reply-Text: +OK\n\n"],
    "of an unknown kind": lambda part: [frame("text/other", "+OK\n")],
    "Content-Length too short": _length(lambda length: length - 2 if length > 2 else 0),
    "Content-Length too long": _length(lambda length: length + 3),
    "Content-Length negative": _length(lambda length: -3),
    "Content-Length no number": _length(lambda length: "many"),
    "Content-Length without end": _length(lambda length: "9" * 5000),
    "a frame of 100 MB": _length(lambda length: 100 << 20),
    "cut in the middle": lambda part: [part.data[: len(part.data) // 2], CUT],
    "half of it, then silence": lambda part: [part.data[: len(part.data) // 2], NEVER],
    "garbage before it": lambda part: [b"\0\xff\x80 garbage\r\n", part.data],
    "newlines before it": lambda part: [b"\n\n\n", part.data],
    "no event socket": lambda part: [b"HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n", CUT],
    "200 kB without a line end": lambda part: [b"x" * 200_000, NEVER],
    "the switch's goodbye": lambda part: [frame("text/disconnect-notice", "Disconnected, goodbye.\n"), part.data],
    "the switch's goodbye and the end": lambda part: [frame("text/disconnect-notice", "Disconnected, goodbye.\n"), CUT],
    "go away": lambda part: [frame("text/rude-rejection", "Access Denied, go away.\n"), CUT],
    "a line of the log before it": lambda part: [frame("log/data", "a line\n", Log_Level="7"), part.data],
    "an event of another call before it": lambda part: [
        frame("text/event-plain", "Event-Name: CHANNEL_ANSWER\nUnique-ID: 1\n\n"), part.data],
}


@dataclass(slots=True)
class Sent:
    """What came of one job: what was found, what the first attempt over the proxy answered and said, and how long it took in
    seconds."""

    audit: Audit
    first: str
    status: str
    seconds: float
    parts: list[Part]


@dataclass(frozen=True, slots=True)
class Conversation:
    """One kind of conversation with the event socket.  ``connection`` (from 1) is where its replies are counted, ``before``
    what has happened to the job (with gofaxsend's configuration), ``way`` what else happens on the line, ``speed`` that of
    the line."""

    name: str
    connection: int = 1
    before: Callable[[House, SentJob, str], None] = lambda house, job, config: None
    way: Callable[[], Meddler] = lambda: untouched
    speed: str | float = "max"

    def replies(self, parts: Sequence[Part]) -> int:
        """How many replies there are to meddle with."""
        return sum(part.is_reply and part.connection == self.connection for part in parts)

    def wrong(self, nth: int, fault: Meddler) -> Meddler:
        """The fault in place of one reply, once."""
        return _both(self.way(), At(nth, lambda part: part.is_reply and part.connection == self.connection, fault))

    def always_wrong(self, nth: int, fault: Meddler) -> Meddler:
        """The fault in place of that reply on each connection from then on."""
        seen: Counter[int] = Counter()

        def meddle(part: Part) -> Iterable[Step]:
            if not part.is_reply or part.connection < self.connection:
                return [part.data]
            seen[part.connection] += 1
            return fault(part) if seen[part.connection] == nth + 1 else [part.data]

        return _both(self.way(), meddle)


def _both(first: Meddler, second: Meddler) -> Meddler:
    """Two meddlers; what the first leaves as it is goes to the second, too."""

    def meddle(part: Part) -> Iterable[Step]:
        steps = list(first(part))
        return second(part) if steps == [part.data] else steps

    return meddle


def _cut_behind_the_order() -> Meddler:
    return At(0, lambda part: b"api/response" in part.data, lambda part: [part.data, CUT])


def _sender_killed(house: House, job: SentJob, config: str) -> None:
    """An attempt whose sender dies while its call goes on."""
    process = house.start_gofaxsend(job.jobid, "-C", config)
    house.wait("the call", lambda: any(
        Mark.CONNECTED.value in Path(house.path("gofax", "journal", name)).read_text() for name in house.journal()))
    process.kill()
    process.communicate()
    job.returned.append("0")


CONVERSATIONS = (
    Conversation("a call"),
    Conversation("a call found again", 2, way=_cut_behind_the_order),
    Conversation("a call taken over", 3, before=_sender_killed, speed=60),
)


def send(house: House, conversation: Conversation, meddler: Meddler, number: str = "1000") -> Sent:
    """A job over a line with a meddler on it for one attempt; then to its end."""
    with Proxy(house.switch.esl_port, meddler) as proxy:
        config = house.config_through(proxy.port)
        before = set(house.far_received())
        jobid = house.job(number, (2, 1))
        job = SentJob(house, jobid, pages_of(house.sent[jobid]))
        conversation.before(house, job, config)
        found = Audit()
        began = time.monotonic()
        status = house.gofaxsend(jobid, "-C", config, timeout=180)
        seconds = time.monotonic() - began
        qfile = house.qfile(jobid)
        found.must(qfile["returned"] == str(status), f"exit status {status}, returned:{qfile['returned']}")
        found.must(status == 2 or tells_what_to_do(qfile["status"]), f"nobody can do anything about {qfile['status']!r}")
        job.returned.append(str(status))
        sent = Sent(found, str(status), qfile["status"], seconds, list(proxy.parts))
        proxy.meddler = untouched
        to_the_end(house, job, ("-C", config))
        job.far = [file for file in house.far_received() if file not in before]
        found.violations += job.audit().violations
    found.must(not house.switch.calls(), f"calls are left: {house.switch.calls()}")
    found.must(not house.journal(), f"journal entries are left: {house.journal()}")
    done_with(house, job)
    return sent


def ended(house: House, meddler: Meddler) -> tuple[Audit, list[Part]]:
    """A call that gofaxsend ends, because nobody at the other end speaks fax; one attempt, and what it leaves."""
    found, records = Audit(), len(house.records())
    jobid = house.job("2004")
    with Proxy(house.switch.esl_port, meddler) as proxy:
        began = time.monotonic()
        status = house.gofaxsend(jobid, "-C", house.config_through(proxy.port), timeout=180)
        seconds = time.monotonic() - began
        parts = list(proxy.parts)
    qfile = house.qfile(jobid)
    found.must((status, qfile["returned"]) == (0, "0"), f"exit status {status}, returned:{qfile['returned']}")
    found.must(qfile["status"] == "No page has got through for 1 s", f"status:{qfile['status']}")
    found.must((qfile["totdials"], qfile["tottries"]) == ("1", "1"), f"{qfile['totdials']} dials, {qfile['tottries']} tries")
    found.must(len(house.records()) == records + 1, "not one record")
    found.must(seconds < 60, f"it took {seconds:.0f} s")
    house.switch.wait_calls_over(10)
    nothing_left(house, found)
    done_with(house, SentJob(house, jobid, [], returned=["1"]))
    return found, parts


def tells_what_to_do(status: str) -> bool:
    """Whether a job's status names FreeSWITCH, and what to look at there or what it has said."""
    return bool(re.search(r"FreeSWITCH.*(\?$|see |must be |[^-]-ERR |`: |place the call: |has noted)", status))
