"""The accounting read back, whoever wrote it: native's records, ours, GOfax.IP's, and what is none."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import random
import time
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gofaxpy.hylafax import accounting
from gofaxpy.hylafax.accounting import BadRecord, Malformed, parse, read, read_all, with_rotated
from gofaxpy.hylafax.errors import SpoolError
from gofaxpy.hylafax.params import NO_DCS, FaxParams
from gofaxpy.hylafax.xferfaxlog import Record, RecordType, append, format
from gofaxpy.values import replace

NATIVE = Path(__file__).parents[2] / "data" / "native"
# As GOfax.IP writes them (gofaxlib/xferfaxlog.go): a fax sent, one received, one that was never answered
GOFAXIP_SEND = (
    '03/17/24 15:04\tSEND\t00000012\tfreeswitch0\t42\t"my tag"\troot@localhost\t"030123"\t"+49 30 FAR"\t65576\t2\t00:01:02'
    '\t00:01:02\t"OK"\t""\t""\t""\t"root"\t"T.6"'
)
GOFAXIP_RECV = (
    '03/17/24 15:05\tRECV\t00000013\tfreeswitch1\trecvq/fax00000001.tif\t""\tfax\t"4711"\t"+49 30 FAR"\t40\t1\t00:00:30'
    '\t00:00:30\t"OK"\t""ACME "North"""\t""030555""\t""\t""\t"T.4 2-D"'
)
GOFAXIP_UNANSWERED = (
    '01/01/01 00:00\tSEND\t00000014\tfreeswitch0\t43\t""\troot@localhost\t"030124"\t""\t0\t0\t2562047:47:16\t2562047:47:16'
    '\t"USER_BUSY"\t""\t""\t""\t"root"\t""'
)


def all_of(path: Path, since: float = 0.0) -> tuple[list[Record], list[Malformed]]:
    bad: list[Malformed] = []
    return list(read(str(path), bad.append, since)), bad


@pytest.mark.parametrize("path", sorted(NATIVE.glob("*/xferfaxlog")), ids=lambda path: path.parent.name)
def test_every_native_record_is_read_without_loss(path: Path) -> None:
    records, bad = all_of(path)
    assert not bad and len(records) == len(path.read_text().splitlines())
    for record, line in zip(records, path.read_text().splitlines(), strict=True):
        fields = line.split("\t")
        assert [record.type.value, record.commid, record.device, record.jobid] == fields[1:5]
        assert str(record.pages) == fields[10]
        assert f'"{record.reason}"' == fields[13] and f'"{record.cid_name}"' == fields[14]


def test_natives_rate_and_format_are_known_only_of_a_call_that_negotiated() -> None:
    [sent], _ = all_of(NATIVE / "send-ok" / "xferfaxlog")
    assert sent.params is not None
    assert (sent.params.signalrate, sent.params.dataformat, sent.params.ecm) == (
        "14400 bit/s", "2-D MMR", "T.30 Annex A, 256-byte ECM"
    )
    [busy], _ = all_of(NATIVE / "send-busy" / "xferfaxlog")
    assert busy.params is None and busy.reason == "Busy signal detected"


def test_a_gofaxip_success_is_a_success_at_its_rate_and_with_ecm() -> None:
    record = parse(GOFAXIP_SEND)
    assert record.reason == "" and record.params is not None
    assert (record.params.rate, record.params.ec, record.params.dataformat) == (14400, 2, "2-D MMR")
    assert (record.job_seconds, record.dest, record.owner) == (62, "030123", "root")


def test_gofaxips_doubled_quotes_are_taken_off() -> None:
    record = parse(GOFAXIP_RECV)
    assert (record.cid_name, record.cid_number) == ('ACME "North"', "030555")
    assert record.params is not None
    assert (record.params.rate, record.params.ec, record.params.dataformat) == (14400, 0, "2-D MR")


def test_a_gofaxip_call_of_the_year_1_gets_the_date_of_the_record_before_and_no_time(tmp_path: Path) -> None:
    path = tmp_path / "xferfaxlog"
    path.write_text("\n".join([GOFAXIP_SEND, GOFAXIP_UNANSWERED, ""]))
    records, bad = all_of(path)
    assert not bad
    assert records[1].start == records[0].start == time.mktime((2024, 3, 17, 15, 4, 0, 0, 0, -1))
    assert (records[1].reason, records[1].job_seconds, records[1].conn_seconds) == ("USER_BUSY", 0, 0)


def test_a_failed_gofaxip_call_keeps_its_reason() -> None:
    record = parse(GOFAXIP_SEND.replace('"OK"', '"NO_ANSWER"').replace('"T.6"', '""').replace("65576", "0"))
    assert (record.reason, record.params) == ("NO_ANSWER", None)


def test_a_tab_that_came_with_a_name_does_not_shift_the_fields() -> None:
    line = GOFAXIP_SEND.replace('"030123"', '"0301\t23"')
    assert parse(line).dest == "0301 23" and parse(line).owner == "root"


def test_old_records_may_end_after_the_reason() -> None:
    fields = (NATIVE / "send-ok" / "xferfaxlog").read_text().rstrip("\n").split("\t")
    record = parse("\t".join(fields[:14]))
    assert (record.pages, record.owner, record.params) == (3, "", None)


@pytest.mark.parametrize(("line", "why"), [
    ("", "1 fields"),
    ("garbage", "1 fields instead of 19"),
    (GOFAXIP_SEND.replace("SEND", "SUBMIT"), "'SUBMIT' is no type of record"),
    (GOFAXIP_SEND.replace("03/17/24", "13/17/24"), "is no date"),
    (GOFAXIP_SEND.replace("03/17/24", "2024-03-17"), "is no date"),
    (GOFAXIP_SEND.replace("\t2\t00:01:02", "\ttwo\t00:01:02"), "'two' is no number for the pages"),
    (GOFAXIP_SEND.replace("\t2\t00:01:02", "\t²\t00:01:02"), "is no number for the pages"),
    (GOFAXIP_SEND.replace("00:01:02", "62s"), "is no time"),
    (GOFAXIP_SEND.rstrip('"'), "a quote is not closed"),
])
def test_what_is_no_record_says_why(line: str, why: str) -> None:
    with pytest.raises(BadRecord, match=why):
        parse(line)


def test_bad_lines_are_named_and_the_rest_is_read(tmp_path: Path) -> None:
    path = tmp_path / "xferfaxlog"
    path.write_bytes(b"\n".join([
        GOFAXIP_SEND.encode(), b"03/17/24 15:05\tSEND\t0000", b"\0" * 200_000, b"\0" * 30 + GOFAXIP_RECV.encode(),
        b"\xff\x1b[2J", b"",
    ]))
    records, bad = all_of(path)
    assert [record.type for record in records] == [RecordType.SEND, RecordType.RECV]
    assert [(item.path, item.line) for item in bad] == [(str(path), 2), (str(path), 5)]
    assert "3 fields instead of 19" in bad[0].why and bad[0].text == "03/17/24 15:05\tSEND\t0000"


_texts = st.text(alphabet=st.sampled_from('\t\n\r\0\x0b\x1c"\\\' ,=aü\udcff'), max_size=12)


@settings(deadline=None)
@given(texts=st.lists(_texts, min_size=5, max_size=5), pages=st.integers(0, 10_000), seconds=st.integers(0, 400_000))
def test_what_we_write_is_what_we_read(texts: list[str], pages: int, seconds: int) -> None:
    tag, station, reason, name, owner = texts
    params = FaxParams(df=3, ec=2)
    record = Record(
        RecordType.SEND, 1795474140.0, "000000005", "freeswitch0", "4", tag, "root@localhost", "900123", station, params, pages,
        seconds, seconds + 1, reason, name, "", "", owner, params.dcs(),
    )
    found = parse(format(record))
    assert replace(found, jobtag="", station="", reason="", cid_name="", owner="") == replace(
        record, jobtag="", station="", reason="", cid_name="", owner=""
    )
    assert bool(found.reason) == bool(reason)
    for written, text in ((found.jobtag, tag), (found.station, station), (found.owner, owner)):
        assert len(written) == len(text)


@settings(deadline=None)
@given(st.text(alphabet=st.sampled_from('\t"0123/: SENDOKT.6'), max_size=300) | st.text(max_size=300))
def test_no_line_does_more_harm_than_being_no_record(line: str) -> None:
    with suppress(BadRecord):
        parse(line)


@settings(deadline=None)
@given(at=st.integers(0, len(GOFAXIP_SEND) - 1), text=st.sampled_from(["", "\t", '"', "0", "x", "?", "\0"]))
def test_no_damage_to_a_record_does_more_harm_than_being_none(at: int, text: str) -> None:
    with suppress(BadRecord):
        parse(GOFAXIP_SEND[:at] + text + GOFAXIP_SEND[at + 1:])


def test_a_record_without_a_dcs_has_no_rate() -> None:
    params = FaxParams(br=3)
    record = Record(RecordType.SEND, 1795474140.0, "1", "d", params=params, conn_seconds=5, dcs=NO_DCS)
    assert parse(format(record)).params is None


def test_a_v34_rate_comes_from_the_parameters_and_jbig_from_the_dcs() -> None:
    params = FaxParams(br=13, df=4, ec=2)
    found = parse(format(Record(RecordType.SEND, 1795474140.0, "1", "d", params=params, conn_seconds=5, dcs=params.dcs()))).params
    assert found is not None and (found.rate, found.dataformat) == (33600, "JBIG")


def test_rotated_and_compressed_logs_are_found_and_read_oldest_first(tmp_path: Path) -> None:
    log = tmp_path / "xferfaxlog"
    def record(number: int) -> Record:
        return Record(RecordType.SEND, 1795474140.0 + 60 * number, str(number), "d")
    (tmp_path / "xferfaxlog.2.gz").write_bytes(gzip.compress(format(record(0)).encode()))
    (tmp_path / "xferfaxlog.1").write_text(format(record(1)))
    append(str(log), record(2))
    (tmp_path / "xferfaxlog.old").write_text("not a log that logrotate made")
    for age, name in ((300, "xferfaxlog.2.gz"), (200, "xferfaxlog.1"), (0, "xferfaxlog")):
        os.utime(tmp_path / name, (1795474500 - age,) * 2)
    names = with_rotated(str(log))
    assert [os.path.basename(name) for name in names] == ["xferfaxlog.2.gz", "xferfaxlog.1", "xferfaxlog"]
    assert [record.commid for record in read_all(names, pytest.fail)] == ["0", "1", "2"]


def test_what_begins_before_the_period_is_passed_over_without_a_word(tmp_path: Path) -> None:
    path = tmp_path / "xferfaxlog"
    path.write_text(f"03/17/24 15:00\tbroken\n{GOFAXIP_SEND}\n{GOFAXIP_RECV}\n")
    records, bad = all_of(path, since=parse(GOFAXIP_RECV).start)
    assert [record.type for record in records] == [RecordType.RECV] and not bad


def test_a_log_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(SpoolError, match="none: cannot be read: No such file"):
        all_of(tmp_path / "none")
    cut = tmp_path / "xferfaxlog.1.gz"
    cut.write_bytes(gzip.compress(GOFAXIP_SEND.encode())[:-9])
    with pytest.raises(SpoolError, match=r"xferfaxlog\.1\.gz: cannot be read: the compressed file is cut off"):
        all_of(cut)


def test_an_endless_line_is_read_in_pieces(tmp_path: Path) -> None:
    path = tmp_path / "xferfaxlog"
    path.write_bytes(b"x" * (3 * accounting.LONGEST_LINE) + b"\n" + GOFAXIP_SEND.encode() + b"\n")
    records, bad = all_of(path)
    assert len(records) == 1 and [item.line for item in bad] == [1]


def test_records_of_old_releases_have_times_without_hours_and_the_owner_earlier() -> None:
    record = parse('05/06/04 10:00\tSEND\t00000002\tttyS0\t2\t""\tme@x\t"123"\t"456"\t4105\t1\t1:02\t0:57\t""\t""\t""\t"root"')
    assert (record.job_seconds, record.conn_seconds, record.owner, record.cid_rest) == (62, 57, "root", "")
    assert parse('05/06/04 10:00\tRECV\t00000002\tttyS0\t\t""\tfax\t"1"\t"2"\t4105\t1\t0:57\t61:02\t""').conn_seconds == 3662


PACKERS = {".gz": gzip.compress, ".xz": lzma.compress, ".bz2": bz2.compress, "": bytes}


@pytest.mark.parametrize("ending", PACKERS)
def test_a_log_that_grows_when_it_is_unpacked_is_refused(tmp_path: Path, ending: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounting, "MAX_LOG", 1 << 20)
    path = tmp_path / f"xferfaxlog.1{ending}"
    for octets in (bytes(1 << 21), b"\n" * (1 << 21)):
        path.write_bytes(PACKERS[ending](octets))
        with pytest.raises(SpoolError, match="holds more than"):
            list(accounting.read(str(path), lambda line: None))
    path.write_bytes(PACKERS[ending](b"\n" * (1 << 20)))
    assert list(accounting.read(str(path), lambda line: None)) == []


@pytest.mark.parametrize("ending", [".gz", ".xz", ".lzma", ".bz2"])
@pytest.mark.parametrize("octets", [b"x" * 100, b"", None])
def test_a_compressed_log_that_is_damaged_is_an_error_with_its_name(tmp_path: Path, ending: str, octets: bytes | None) -> None:
    path = tmp_path / f"xferfaxlog.1{ending}"
    if octets is None:
        whole = bytearray(PACKERS[ending.replace("lzma", "xz")](random.Random(1).randbytes(9999)))
        for at in range(500, len(whole), 97):
            whole[at] ^= 0xFF
        octets = bytes(whole)
    path.write_bytes(octets)
    with suppress(SpoolError):      # an empty one may be a log of nothing
        assert list(accounting.read(str(path), lambda line: None)) == []


def test_xz_gets_no_more_memory_than_a_log_needs(tmp_path: Path) -> None:
    path = tmp_path / "xferfaxlog.1.xz"
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 1 << 29}]
    path.write_bytes(lzma.compress(b"x", filters=filters))
    with pytest.raises(SpoolError, match=r"damaged|[Mm]emory"):
        list(accounting.read(str(path), lambda line: None))


def test_the_streams_of_xz_are_read_one_after_the_other(tmp_path: Path) -> None:
    path = tmp_path / "xferfaxlog.1.xz"
    lines: list[Malformed] = []
    path.write_bytes(lzma.compress(b"one\n") + bytes(8) + lzma.compress(b"two\n" * 9000) + lzma.compress(b"three"))
    assert list(accounting.read(str(path), lines.append)) == []
    assert [line.text for line in lines] == ["one", *["two"] * 9000, "three"]
