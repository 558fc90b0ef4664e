"""Invariants of what reads and writes HylaFAX's files."""

from __future__ import annotations

import csv
import json
import os
import re
from typing import Any

from fuzz.ground import Directory, controls_in, text_of, texts_of
from gofaxpy.config.keys import Config, Outbound
from gofaxpy.hylafax import confline, events, fifo, info, pages, recvtags, sequence, tiff, tiffrepair, uucplock, xferfaxlog
from gofaxpy.hylafax.encoding import decode, encode, one_line
from gofaxpy.hylafax.errors import QFileError, SpoolError, TiffError
from gofaxpy.hylafax.params import FaxParams
from gofaxpy.hylafax.qfile import QFile
from gofaxpy.hylafax.sessionlog import SessionLog
from gofaxpy.hylafax.spool import Spool
from gofaxpy.journal import Entry, Step
from gofaxpy.send.terms import TO_THE_END, amended, of_job
from gofaxpy.switch.dialstring import DialstringError, dialable, gateway_name

_place = Directory()
_STAMP = re.compile(rb"[A-Z][a-z]{2} [ 0-9]\d \d\d:\d\d:\d\d\.\d\d: \[ *\d+\]: ")


def qfile(data: bytes) -> None:
    try:
        read = QFile.parse(decode(data))
    except QFileError:
        return
    written = encode(read.render())
    assert written == data + b"\n" * (not data.endswith(b"\n")), "a qfile that was not changed must come out as it went in"
    for tag in ("number", "status", "jobid", "totpages"):
        read.get(tag)
        read.number(tag)
    value = text_of(data[::-1])
    before = [(item.op, item.dirnum, item.address, item.file) for item in read.items]
    read.set("csi", value)
    read.set("status", value)
    again = QFile.parse(read.render())
    assert again.get("csi") == one_line(value).lstrip(" ")
    assert again.get("status").rstrip(" ") == "\n".join(map(one_line, value.split("\n"))).lstrip(" ").rstrip(" ")
    assert [(item.op, item.dirnum, item.address, item.file) for item in again.items] == before, "a value made a document"
    assert again.render() == read.render()


def job_pages(data: bytes) -> None:
    """The pages that are left, and each of them confirmed one by one: none twice, none forgotten."""
    try:
        job = QFile.parse(decode(data))
        left = pages.remaining_pages(job, _count)
    except (QFileError, TiffError):
        return
    assert all(0 <= page.directory < _count(page.file) for page in left), "a page that no document has"
    due = [(page.file, page.directory) for page in left if not page.skipped]
    for done in range(len(due)):
        pages.advance(job, 1, _count)
        now = [(page.file, page.directory) for page in pages.remaining_pages(job, _count) if not page.skipped]
        assert now == due[done + 1:], "other pages are left than those that have not been confirmed"


def _count(file: str) -> int:
    return len(file) % 5 + 1


def config_lines(data: bytes) -> None:
    problems: list[str] = []
    found = confline.parse(decode(data), problems, ("localidentifier", "gateway"))
    for tag, value in found.items():
        assert "\n" not in tag and ":" not in tag and "\0" not in value and tag != "include"
        confline.boolean(value)
        confline.number(value)
    assert len(found) + len(problems) <= data.count(b"\n") + 1, "a line that says more than one thing"


def accounting(data: bytes) -> None:
    texts = texts_of(data, 11)
    names = ("jobtag", "sender", "dest", "station", "reason", "cid_name", "cid_number", "cid_rest", "owner", "dcs", "jobid")
    fields_of_it: dict[str, Any] = dict(zip(names, texts, strict=True))
    record = xferfaxlog.Record(xferfaxlog.RecordType.SEND, 1e9, "000000001", "freeswitch0", **fields_of_it)
    line = xferfaxlog.format(record)
    assert line.endswith("\n") and not controls_in(line.replace("\t", "")[:-1]), "more than one record"
    fields = line[:-1].split("\t")
    assert len(fields) == 19, "fields of its own"
    for number, field in enumerate(fields):
        if number not in (0, 1, 2, 3, 4, 5, 6, 9, 10, 11, 12):
            assert field[0] == field[-1] == '"' and '"' not in field[1:-1] and not field[:-1].endswith("\\"), field
    assert re.fullmatch(r'"(?:[^"\\]|\\.)*"', fields[5]), f"the job tag ends early: {fields[5]}"
    for reader in ({"escapechar": "\\", "doublequote": False}, {"escapechar": "\\", "quoting": csv.QUOTE_NONE}):
        assert len(next(csv.reader([line], delimiter="\t", **reader))) == 19, reader  # type: ignore[arg-type]


def tiff_directories(data: bytes) -> None:
    path = _place.file("read.tif", data)
    try:
        count = tiff.page_count(path)
        found = tiff.directories(path)
    except TiffError:
        return
    assert 0 < count <= len(found)
    assert sum(len(page.tags) for page in found) * 12 <= len(data), "more tags than the file has room for"
    tags = [recvtags.PageTags(2220073, 30, "00 46 78 01", "+49 30 1\n0301\nACME", "2026:01:02 03:04:05")] * len(found)
    try:
        recvtags.write_receive_tags(path, tags)
    except TiffError:
        with open(path, "rb") as file:
            assert file.read() == data, "a file that could not be tagged was changed"
        return
    assert tiff.page_count(path) == count, "pages lost by tagging"
    for page in tiff.directories(path):
        assert page.number(tiff.FAX_RECV_PARAMS) == 2220073 and page.ascii(tiff.IMAGE_DESCRIPTION).endswith("ACME")


def tiff_repair(data: bytes) -> None:
    path = _place.file("broken.tif", data)
    try:
        count = tiffrepair.cut_damage(path)
    except TiffError:
        return
    assert tiff.page_count(path) == count, "other pages than those that were said to be saved"


def fifo_messages(data: bytes) -> None:
    found = fifo.messages(data)
    assert all(message and "\0" not in message for message in found)
    assert len(found) <= data.count(b"\0") + 1


def faxq_events(data: bytes) -> None:
    texts = texts_of(data, 9)
    received = events.RecvInfo(
        time=float(len(data)), npages=3, params=FaxParams(), qfile=texts[0], commid=texts[1], sender=texts[2], passwd=texts[3],
        subaddr=texts[4], reason=texts[5], callid=texts[6:],
    )
    made = [
        events.recv_page("freeswitch0", received), events.caller_id("freeswitch0", texts),
        events.modem_number(texts[0], texts[1]), events.modem_commid("freeswitch0", texts[2]),
        events.job_page_sent(texts[3], events.SendInfo(commid=texts[4], qfile="docq/a")),
    ]
    for message in made:
        assert len(encode(message)) < fifo.MAX_MESSAGE and not controls_in(message), "not one message"
        assert message[0] in "+@*"
    assert all(message.count('"') % 2 == 0 for message in (made[0], made[1], made[4]))
    outside = re.sub(r'"[^"]*"', "", made[0].partition(":")[2])
    assert 9 <= outside.count(",") <= 11, f"fields of its own: {made[0]}"


def destination_info(data: bytes) -> None:
    known = info.MachineInfo(decode(data))
    text = known.render()
    assert info.MachineInfo(text).render() == text, "an info file changes by being read and written"
    value = text_of(data)
    known.set("remoteCSI", value)
    again = info.MachineInfo(known.render())
    assert again.render() == known.render() and known.render().count("\n") <= text.count("\n") + 1
    for tag in ("sendFailures", "supportsVRes"):
        known.number(tag)


def receive_tags(data: bytes) -> None:
    texts = texts_of(data, 5)
    lines = recvtags.description(texts[0], texts[1:]).split("\n")
    assert len(lines) == 5 and not any(map(controls_in, lines)), "lines of its own"
    recvtags.tiff_date(texts[0])


def session_log(data: bytes) -> None:
    spool = Spool(_place.spool())
    path = spool.session_log("000000001")
    if os.path.exists(path):
        os.unlink(path)
    log = SessionLog.create(spool, "000000001", text_of(data))
    log.begin()
    log.line(decode(data))
    log.end()
    assert not log.error
    with open(path, "rb") as file:
        written = file.read()
    lines = written.split(b"\n")
    assert len(lines) == 4 and all(_STAMP.match(line) for line in lines[:3]), "lines of its own"
    assert not controls_in(decode(written).replace("\n", ""))


def journal_lines(data: bytes) -> None:
    path = _place.file("entry", data)
    with Entry(os.path.dirname(path), "entry", os.open(path, os.O_RDWR | os.O_APPEND)) as entry:
        before = entry.marks()
        facts = dict(zip("abc", texts_of(data, 3), strict=True))
        entry.mark(Step.RECEIVED, **facts)
        after = entry.marks()
    if len(data) < 1 << 19:
        assert [mark.step for mark in after] == [mark.step for mark in before] + [Step.RECEIVED], "one mark made others"
        assert after[-1].facts == json.loads(json.dumps(facts))


def sequence_file(data: bytes) -> None:
    number = sequence.next_number(_place.file("seqf", data))
    assert 1 <= number < sequence.MAX_NUMBER


def modem_lock(data: bytes) -> None:
    directory = os.path.dirname(_place.file("LCK..fuzz0", data))
    lock = uucplock.UUCPLock(directory, "fuzz0")
    held = lock.held_by()
    assert held is None or held >= 0


def spool_paths(data: bytes) -> None:
    """No name leads out of the spool, however it is put together."""
    text = decode(data)
    spool = Spool("/spool")
    for place in (spool.inside, spool.qfile, spool.session_log, spool.status, spool.device_fifo, spool.config):
        try:
            path = place(text)
        except SpoolError:
            continue
        assert os.path.normpath(path).startswith("/spool/") and "\0" not in path, path


def job_terms(data: bytes) -> None:
    """What a DynamicConfigOutgoing says, and a job's own wishes, up to the command that places the call."""
    output, job = data[: len(data) // 2], data[len(data) // 2:]
    try:
        read = QFile.parse(decode(job))
    except QFileError:
        return
    terms = of_job(Config(outbound=Outbound(job_tsi=True, job_fax_number=True)), read)
    try:
        terms = amended(terms, confline.parse(decode(output), [], TO_THE_END))
        number = dialable(terms.prefix + dialable(read.get("external")))
    except DialstringError:
        return
    assert set(number) <= set("0123456789*#+") and 0 < len(number) <= 64
    assert [gateway_name(gateway) for gateway in terms.gateways] == list(terms.gateways)

