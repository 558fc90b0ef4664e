"""Accounting records: native's to the octet, and safe against what far ends and users put into their names."""

from __future__ import annotations

import csv
import glob
import os
import subprocess
import time
from multiprocessing import get_context
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gofaxpy.hylafax.errors import SpoolError
from gofaxpy.hylafax.params import FaxParams
from gofaxpy.hylafax.xferfaxlog import Record, RecordType, append, format, is_recorded
from gofaxpy.values import replace
from rig.guard import hylafax_program

NATIVE = os.path.join(os.path.dirname(__file__), "..", "..", "data", "native")


def native_lines(*cases: str) -> list[str]:
    lines: list[str] = []
    for path in sorted(glob.glob(os.path.join(NATIVE, "*", "xferfaxlog"))):
        if path.split(os.sep)[-2] not in cases:
            lines += Path(path).read_text(encoding="utf-8").splitlines(keepends=True)
    return lines


def seconds(text: str) -> int:
    hours, minutes, rest = map(int, text.split(":"))
    return hours * 3600 + minutes * 60 + rest


def record_of(line: str) -> Record:
    """The record a native line was made from."""
    start, kind, commid, device, jobid, tag, sender, dest, station, params, pages, job, conn, reason, *rest = (
        line.rstrip("\n").split("\t")
    )
    name, number, others, owner, dcs = (field.strip('"') for field in rest)
    return Record(
        RecordType(kind), time.mktime(time.strptime(start, "%m/%d/%y %H:%M")), commid, device, jobid, tag.strip('"'), sender,
        dest.strip('"'), station.strip('"'), FaxParams.decode(int(params)) if int(params) else None, int(pages), seconds(job),
        seconds(conn), reason.strip('"'), name, number, others, owner, dcs,
    )


SEND = Record(
    RecordType.SEND, 1795474156.0, "000000005", "freeswitch0", "4", "my tag", "root@localhost", "900123", "+49 30 FAR",
    FaxParams(df=3, ec=2), 3, 26, 22, owner="root", dcs="00 44 1F 22",
)


def test_every_native_record_is_reproduced_from_its_fields() -> None:
    lines = native_lines("recv-odd-name")
    assert len(lines) == 19
    assert [format(record_of(line)) for line in lines] == lines


def test_quotes_in_a_callers_name_become_apostrophes_where_native_breaks_the_record() -> None:
    native = native_lines()[2]
    assert '"O\'Brien "Q" \\ %d ü"' in native
    ours = format(Record(
        RecordType.RECV, 1795475941.0, "000000030", "ttyF0", "recvq/fax000000009.tif", dest="+49.30.12345", station="+49 30 FAR",
        params=FaxParams(df=3, ec=2), pages=1, job_seconds=13.9, conn_seconds=13.2, cid_name="O'Brien \"Q\" \\ %d ü",
        cid_rest="4711", dcs="00 44 1F 22",
    ))
    assert ours.split("\t")[1:] == native.replace('"Q"', "'Q'").split("\t")[1:]


def test_incoming_records_have_fax_as_their_sender() -> None:
    kinds = (RecordType.RECV, RecordType.CALL, RecordType.SEND)
    fields = [format(Record(kind, 0, "1", "d")).split("\t") for kind in kinds]
    assert [field[6] for field in fields] == ["fax", "fax", ""]
    assert [field[9] for field in fields] == ["0", "0", "0"]


@pytest.mark.parametrize(("tag", "written"), [
    ("my tag", '"my tag"'), ('a "b" c', r'"a \"b\" c"'), ("a\tb\nc", '"a b c"'), ("x" * 100, '"' + "x" * 78 + '"'),
    ("x" * 77 + '"y', '"' + "x" * 77 + '"'), ("x" * 76 + '"y', '"' + "x" * 76 + r'\""'), ("a\\", '"a/"'), ('\\"', r'"/\""'),
    ("ü" * 50, '"' + "ü" * 39 + '"'), ("x" * 77 + "\\y", '"' + "x" * 77 + '"'),
])
def test_a_job_tag_is_escaped_and_cut_as_native_does(tag: str, written: str) -> None:
    assert format(replace(SEND, jobtag=tag)).split("\t")[5] == written


_TEXT_FIELDS = (
    "commid", "device", "jobid", "jobtag", "sender", "dest", "station", "reason", "cid_name", "cid_number", "cid_rest",
    "owner", "dcs",
)
_hostile = st.text(alphabet=st.sampled_from('\t\n\r\0\x0b\x1c\x85\u2028"\\\' ,aü\udcff'), max_size=12)


@given(st.fixed_dictionaries({name: _hostile for name in _TEXT_FIELDS}))
def test_no_text_can_add_a_field_or_a_record(texts: dict[str, str]) -> None:
    line = format(replace(SEND, **texts))
    assert line.count("\n") == 1 and line.endswith("\n")
    assert len(line.splitlines()) == 1
    assert len(line.rstrip("\n").split("\t")) == 19
    for rules in ({"doublequote": False, "escapechar": "\\"}, {"doublequote": False, "escapechar": None}):
        tagless = format(replace(SEND, **{**texts, "jobtag": ""})) if rules["escapechar"] is None else line
        [fields] = csv.reader([tagless.rstrip("\n")], delimiter="\t", strict=True, **rules)
        assert len(fields) == 19


def test_records_are_added_to_the_log(tmp_path: Path) -> None:
    path = str(tmp_path / "xferfaxlog")
    append(path, SEND)
    append(path, replace(SEND, jobid="5"))
    assert Path(path).read_text() == format(SEND) + format(replace(SEND, jobid="5"))
    assert os.stat(path).st_mode & 0o777 == 0o644 & ~_umask()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_a_record_is_known_by_its_job_as_well_since_commids_come_again(tmp_path: Path) -> None:
    log = str(tmp_path / "xferfaxlog")
    call = replace(SEND, type=RecordType.CALL, jobid="")
    received = replace(SEND, type=RecordType.RECV, jobid="recvq/fax000000007.tif")
    assert not is_recorded(log, SEND)
    append(log, SEND, received, call)
    assert is_recorded(log, SEND) and is_recorded(log, received) and is_recorded(log, call)
    assert is_recorded(log, replace(SEND, device="", pages=0, start=0.0)), "the same attempt, however much is known of it"
    assert not is_recorded(log, replace(SEND, jobid="5")) and not is_recorded(log, replace(SEND, commid="000000006"))
    assert not is_recorded(log, replace(received, jobid="recvq/fax000000008.tif"))
    assert not is_recorded(log, replace(call, start=SEND.start + 60)), "a call has no job"


def test_octets_that_are_not_utf8_are_written_as_they_came(tmp_path: Path) -> None:
    path = str(tmp_path / "xferfaxlog")
    append(path, replace(SEND, station="M\udcfcller"))
    assert b'"M\xfcller"' in Path(path).read_bytes()


def test_a_half_record_that_somebody_left_does_not_spoil_the_next(tmp_path: Path) -> None:
    path = tmp_path / "xferfaxlog"
    path.write_text("11/23/26 22:49\tSEND\t0000")
    append(str(path), SEND)
    assert path.read_text() == "11/23/26 22:49\tSEND\t0000\n" + format(SEND)


def _append_many(path: str, device: str) -> None:
    for number in range(50):
        append(path, replace(SEND, device=device, jobid=str(number)))


def test_records_of_several_processes_do_not_mix(tmp_path: Path) -> None:
    path = str(tmp_path / "xferfaxlog")
    context = get_context("spawn")
    writers = [context.Process(target=_append_many, args=(path, f"freeswitch{number}")) for number in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    lines = Path(path).read_text().splitlines(keepends=True)
    expected = [format(replace(SEND, device=f"freeswitch{n}", jobid=str(job))) for n in range(3) for job in range(50)]
    assert sorted(lines) == sorted(expected)


def test_a_record_that_cannot_be_written_says_which_log(tmp_path: Path) -> None:
    with pytest.raises(SpoolError, match=r"log/xferfaxlog: cannot add a SEND record: No such file"):
        append(str(tmp_path / "log" / "xferfaxlog"), SEND)


@pytest.fixture(scope="module")
def xferfaxstats(tmp_path_factory: pytest.TempPathFactory) -> str:
    """HylaFAX's own statistics script, told of a spool that has the two files it sources."""
    spool = tmp_path_factory.mktemp("spool")
    for name in ("bin", "etc"):
        (spool / name).mkdir()
    script = Path(hylafax_program("xferfaxstats")).read_text()
    (spool / "bin/common-functions").write_text(Path("/var/spool/hylafax/bin/common-functions").read_text())
    setup = Path("/etc/hylafax/setup.cache").read_text()
    (spool / "etc/setup.cache").write_text(setup)
    (spool / "xferfaxstats").write_text(script.replace("/var/spool/hylafax", str(spool)))
    return str(spool / "xferfaxstats")


def _statistics(script: str, log: Path, *options: str) -> list[str]:
    done = subprocess.run(["/bin/bash", script, *options, str(log)], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_xferfaxstats_counts_a_success_as_a_success_at_its_rate(xferfaxstats: str, tmp_path: Path) -> None:
    log = tmp_path / "xferfaxlog"
    now = time.time() - 3600
    append(str(log), replace(SEND, start=now))
    [line] = [line for line in _statistics(xferfaxstats, log) if line.startswith("root@localhost")]
    assert line.split() == ["root@localhost", "(root)", "3", "0:22", "8.2", "0", "14400", "2-D", "MMR"]


def test_xferfaxstats_parses_hostile_names_and_takes_jbig_from_the_dcs(xferfaxstats: str, tmp_path: Path) -> None:
    log = tmp_path / "xferfaxlog"
    jbig = FaxParams(df=4, ec=2)
    append(str(log), replace(
        SEND, start=time.time() - 3600, station='"\t"\n\\', jobtag='"\\"\t', params=jbig, dcs=jbig.dcs(), reason='said "no"',
    ))
    [line] = [line for line in _statistics(xferfaxstats, log) if line.startswith("root@localhost")]
    assert line.split()[-3:] == ["1", "14400", "JBIG"]


def test_no_text_makes_a_record_longer_than_readers_take() -> None:
    """callers choose names and users numbers; statistics read a record with all others."""
    long = "\u20ac" * 100_000
    record = Record(RecordType.RECV, 1e9, "000000001", "freeswitch0", *[long] * 5)
    record = replace(record, reason=long, cid_name=long, cid_number=long, cid_rest=long, owner=long, dcs=long)
    line = format(record)
    assert len(line.encode()) < 12 << 10 and line.count("\t") == 18
