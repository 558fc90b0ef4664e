"""The cases that were recorded of native HylaFAX (tests/data/native), sent by us: field by field the same, or said why not."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from gofaxpy.hylafax.qfile import QFile
from rig import JobState, PrivateHylaFAX
from rig.pages import NORMAL, make_tiff
from rig.server import ServerMaker, wait

NATIVE = os.path.join(os.path.dirname(__file__), "..", "data", "native")

# What differs from run to run, or belongs to the place: times, numbers of jobs and calls, the number called.
QFILE_OF_THE_RUN = {"tts", "killtime", "jobid", "groupid", "commid", "external", "number"}
# What a fax machine says of itself in its DIS; mod_spandsp tells nobody.
INFO_OF_THE_DIS = {"supportsVRes", "maxPageWidth", "remoteDIS"}
INFO_OF_THE_CASE = {
    "send-busy": {"dialFailures"}, "send-busy-last-dial": {"dialFailures"},     # that number had been called before
    # a user who ends a job says nothing about the machine; native counts the page that was not confirmed then
    "send-faxrm-page-2": {"sendFailures", "lastSendFailure"},
}
# Native's lines about the modem's dialogue and what the DIS offers.
LOG_COMPARED = re.compile(
    r"SESSION |SEND FAX|DIAL |REMOTE CSI|USE [0-9]+ bit/s|USE error correction|SEND file|ABORT|SEND FAILED"
)
# fields of a SEND record, from 0: type, job tag, sender, CSI, params, pages, reason, CallIDs, owner, DCS
RECORD_COMPARED = (1, 5, 6, 8, 9, 10, 13, 14, 15, 16, 17, 18)


@dataclass(frozen=True)
class Case:
    """One recorded case: what is called, and how the recorded end is reached.  ``other`` has native's text → ours."""

    number: str
    flags: tuple[str, ...] = ()
    pages: tuple[int, ...] = (3,)
    end: JobState = JobState.DONE
    attempts: int = 1
    faxrm: str = ""                                 # a line of the session log at which the job is removed
    options: Mapping[str, object] = field(default_factory=dict)
    other: Mapping[str, str] = field(default_factory=dict)


DROPPED = {"No response to PPS repeated 3 times.": "Remote fax disconnected prematurely"}
CASES = {
    "send-ok": Case("1000"),
    "send-two-documents": Case("1000", pages=(3, 1)),
    "send-page-range": Case("1000", ("-Z", "2-3")),
    "send-busy": Case("2000", end=JobState.SLEEPING),
    "send-busy-last-dial": Case("2000", ("-T", "1"), end=JobState.FAILED),
    "send-no-answer": Case("2001", end=JobState.SLEEPING, options={"config": {"outbound": {"ring_timeout": 3}}}),
    # a modem's dead line is a gateway's trouble here, and the status says which
    "send-no-dialtone": Case("2003", end=JobState.SLEEPING, other={
        "No local dialtone": "No local dialtone: NORMAL_TEMPORARY_FAILURE (503 Service Unavailable)"}),
    "send-silence": Case("2004", end=JobState.SLEEPING),
    "send-resume": Case("1001", attempts=3, options={"config": {"outbound": {"retry_protocol": 1}}}, other=DROPPED),
    "send-faxrm-dialing": Case("2001", end=JobState.FAILED, faxrm="DIAL", options={"speed": 1}),
    "send-faxrm-page-2": Case("1000", end=JobState.FAILED, faxrm="page 1 of 3", options={"speed": 4}),
}


def recorded(case: str, name: str) -> str:
    with open(os.path.join(NATIVE, case, name), encoding="utf-8") as file:
        return file.read()


def normal(text: str, job: object, number: str, commids: list[str]) -> str:
    """Without what is of the run: jobs, documents, commids, the number, durations."""
    for commid in commids:
        text = text.replace(commid, "COMMID")
    text = re.sub(rf"\bJOB {job}\b", "JOB n", text)
    text = re.sub(r"docq/doc\d+\.tif\.\d+", "docq/docN.tif.n", text)
    text = re.sub(r"docq/doc\d+", "docq/docN", text)
    text = re.sub(rf"(?:\+?4930)?{number}\b", "NUMBER", text)
    text = re.sub(r"/dev/\w+|MODEM \w+", "MODEM", text)
    text = re.sub(r"\d+:\d\d:\d\d", "TIME", text)
    return re.sub(r"Z[0-9a-f]{4}", "", text)


def native_qfile(case: str, state: JobState) -> QFile:
    """The recorded qfile in this state, from its last moment or from when it began to sleep."""
    if state is not JobState.SLEEPING:
        return QFile.parse(recorded(case, "qfile-at-end"))
    lines: list[str] = []
    moments = re.split(r"^---.*\n", recorded(case, "qfile-over-time"), flags=re.M)[1:]
    qfile = QFile.parse(moments[0])
    for moment in moments[1:]:
        lines = [line[1:] for line in moment.splitlines() if line.startswith("+")]
        for line in lines:
            tag, _, value = line.partition(":")
            if tag.lstrip("!") not in ("fax", "tiff"):
                qfile.set(tag, value)
    return qfile


def tags(qfile: QFile) -> dict[str, str]:
    lines = [line.partition(":") for line in qfile.render().splitlines()]
    return {
        tag: re.sub(r"Z[0-9a-f]{4}", "", value)     # how much white there is at a page's end
        for tag, _, value in lines if tag not in QFILE_OF_THE_RUN and tag not in ("fax", "!tiff", "tiff")
    }


def events(text: str) -> list[str]:
    """The job's events of faxwatch: number and text, without job, destination and priority."""
    found = []
    for line in text.splitlines():
        parts = re.match(r"\d+ (1[0-2]\d) JOB \S+ \(.*?\): (.*)", line)
        if parts:
            found.append(f"{parts[1]} {parts[2]}")
    return found


def log_lines(text: str) -> list[str]:
    lines = [line.split("]: ", 1)[1] for line in text.splitlines() if "]: " in line]
    return [re.sub(r" \(gateway .*\)$", "", line) for line in lines if LOG_COMPARED.match(line)]


def session_logs(hylafax: PrivateHylaFAX) -> dict[str, str]:
    found = {}
    for name in sorted(os.listdir(hylafax.path("log"))):
        if re.fullmatch(r"c\d{9}", name):
            with open(hylafax.path("log", name), encoding="utf-8") as file:
                found[name[1:]] = file.read()
    return found


@pytest.mark.standin("compares with a modem's exchange, whose end the stand-in's line repeats")
@pytest.mark.parametrize("name", list(CASES))
def test_what_native_wrote_is_what_we_write(make_server: ServerMaker, name: str) -> None:
    case = CASES[name]
    options = {"speed": 30, **case.options}
    hylafax, _ = make_server(**options)
    documents = []
    for index, pages in enumerate(case.pages):
        documents.append(os.path.join(hylafax.run_dir.path, f"document{index}.tif"))
        make_tiff(documents[-1], pages, dpi=NORMAL)
    with hylafax.faxwatch("J*S*") as watch:
        time.sleep(3)       # it does not say when it watches; and faxq may sleep over jobs right after the modems came
        job = hylafax.sendfax(documents, case.number, "-i", "my tag", *case.flags)
        client = hylafax.job(job)["client"]
        if case.faxrm:
            assert wait(lambda: any(case.faxrm in text for text in session_logs(hylafax).values()), 60)
            hylafax.faxrm(job)
        qfile_text = hylafax.wait_job(job, {case.end})
        watch.wait_for("Requeue job" if case.end is JobState.SLEEPING else "Corpus reaped")
        watched = watch.stop()
    logs = session_logs(hylafax)
    assert len(logs) == case.attempts

    def translated(text: str) -> str:
        for native, ours in case.other.items():
            text = text.replace(native, ours)
        return text

    # the qfile
    with open(qfile_text.path, encoding="utf-8") as file:
        ours = QFile.parse(file.read())
    native = native_qfile(name, case.end)
    native.set("client", client)        # as hfaxd calls it, by this machine's /etc/hosts
    assert tags(ours) == {tag: translated(value) for tag, value in tags(native).items()}

    # SEND records
    records = [record for record in hylafax.xferfaxlog() if record[1] == "SEND"]
    native_records = [line.split("\t") for line in recorded(name, "xferfaxlog").splitlines()]
    for record, native_record in zip(records, native_records, strict=True):
        assert len(record) == len(native_record) == 19
        for place in RECORD_COMPARED:
            assert record[place].strip('"') == translated(native_record[place].strip('"')), f"field {place + 1}"

    # session logs
    native_job = native.get("jobid")
    native_number = native.get("external")
    files = [file for file in sorted(os.listdir(os.path.join(NATIVE, name))) if file.startswith("session-log-c")]
    native_logs = {file.rpartition("-c")[2]: recorded(name, file) for file in files}
    for (commid, text), (native_commid, native_text) in zip(logs.items(), native_logs.items(), strict=True):
        mine = [normal(line, job, case.number, [commid]) for line in log_lines(text)]
        theirs = [normal(translated(line), native_job, native_number, [native_commid]) for line in log_lines(native_text)]
        if name == "send-resume":       # native says it in syslog and not here
            mine = [line for line in mine if not line.startswith("SEND FAILED")]
        assert mine == theirs

    # syslog, unless this machine has a real one (see rig.syslog); other runs may write there too
    senders = {re.findall(r"\[ *(\d+)\]", text)[0] for text in logs.values()}
    lines = hylafax.syslog.lines()
    said = [found for line in lines if (found := re.search(r"gofaxsend\[(\d+)\]: (.*)", line))]
    mine = [normal(found[2], job, case.number, list(logs)) for found in said if found[1] in senders]
    native_said = re.findall(r"FaxSend\[\d+\]: ((?:SEND FA|ABORT|CAUGHT).*)", recorded(name, "getty-syslog"))
    theirs = [normal(translated(line), native_job, native_number, list(native_logs)) for line in native_said]
    if name == "send-resume":
        mine = [line for line in mine if not line.startswith("SEND FAILED")]
    assert mine == theirs or not lines

    # events of clients
    mine = [normal(line, job, case.number, list(logs)) for line in events(watched)]
    theirs = [normal(line, native_job, native_number, list(native_logs)) for line in events(recorded(name, "faxwatch"))]
    assert mine == theirs[:len(mine)] and (len(mine) == len(theirs) or case.end is JobState.SLEEPING)

    # info/
    info = f"info-4930{native_number}"
    if os.path.exists(os.path.join(NATIVE, name, info)):
        with open(hylafax.path("info", f"4930{case.number}"), encoding="utf-8") as file:
            mine_info = dict(line.rstrip("\n").split(":", 1) for line in file)
        theirs_info = dict(line.split(":", 1) for line in recorded(name, info).splitlines())
        if name == "send-resume":
            theirs_info["lastSendFailure"] = translated(theirs_info["lastSendFailure"])
        differing = {tag for tag in mine_info | theirs_info if mine_info.get(tag) != theirs_info.get(tag)}
        known = INFO_OF_THE_DIS | INFO_OF_THE_CASE.get(name, set())
        assert differing <= known, {tag: (mine_info.get(tag), theirs_info.get(tag)) for tag in differing}
