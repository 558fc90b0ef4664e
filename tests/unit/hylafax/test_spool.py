"""Paths in the spool, modem status, status codes, numbers, and the cleaning of text."""

from __future__ import annotations

import fcntl
import glob
import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gofaxpy.hylafax import modemstatus, statuscode
from gofaxpy.hylafax.canonical import digits
from gofaxpy.hylafax.encoding import cut, decode, encode, one_line
from gofaxpy.hylafax.errors import SpoolError
from gofaxpy.hylafax.spool import Spool
from gofaxpy.hylafax.statuscode import StatusCode

NATIVE = os.path.join(os.path.dirname(__file__), "..", "..", "data", "native")
SPOOL = Spool("/var/spool/hylafax")


def test_things_are_where_hylafax_has_them() -> None:
    assert SPOOL.qfile("42") == "/var/spool/hylafax/sendq/q42"
    assert SPOOL.fifo == "/var/spool/hylafax/FIFO"
    assert SPOOL.device_fifo("freeswitch0") == "/var/spool/hylafax/FIFO.freeswitch0"
    assert SPOOL.status("freeswitch0") == "/var/spool/hylafax/status/freeswitch0"
    assert SPOOL.config("freeswitch0") == "/var/spool/hylafax/etc/config.freeswitch0"
    assert SPOOL.session_log("000000005") == "/var/spool/hylafax/log/c000000005"
    assert SPOOL.path("recvq", "seqf") == "/var/spool/hylafax/recvq/seqf"
    assert SPOOL.inside("docq/doc4.tif;c0") == "/var/spool/hylafax/docq/doc4.tif;c0"
    assert SPOOL.lock_dir == "/var/lock"


@pytest.mark.parametrize("path", ["", "/etc/passwd", "../x", "docq/../../x", "docq/.hidden", ".", "docq/a\0b", "./x"])
def test_a_path_that_leaves_the_spool_is_refused(path: str) -> None:
    with pytest.raises(SpoolError, match="spool /var/spool/hylafax"):
        SPOOL.inside(path)


@given(st.text(alphabet=st.sampled_from("./\0ab"), max_size=12))
def test_whatever_is_taken_stays_in_the_spool(path: str) -> None:
    try:
        taken = SPOOL.inside(path)
    except SpoolError:
        return
    assert os.path.normpath(taken).startswith("/var/spool/hylafax/")


@pytest.mark.parametrize("name", ["", "..", "a/b", ".x", "a\0"])
def test_what_cannot_be_part_of_a_name_is_refused(name: str) -> None:
    for make in (SPOOL.qfile, SPOOL.device_fifo, SPOOL.status, SPOOL.config, SPOOL.session_log):
        with pytest.raises(SpoolError, match="cannot be a"):
            make(name)
    with pytest.raises(SpoolError, match="no path inside"):
        SPOOL.path("log", "/etc/passwd")


# -- modem status


def test_native_texts_of_a_modem_are_known() -> None:
    seen = set()
    for path in glob.glob(os.path.join(NATIVE, "*", "faxstat")):
        seen |= set(re.findall(r"^Modem ttyF0 \(.*?\): (.*)$", Path(path).read_text(encoding="utf-8"), re.MULTILINE))
    ours = {text for name, text in vars(modemstatus).items() if name.isupper() and isinstance(text, str)}
    ours |= {modemstatus.sending_job(str(number)) for number in range(20)} | {modemstatus.receiving_from("+49 30 FAR")}
    assert len(seen) > 8
    assert seen <= ours


def test_a_status_is_written_in_place(tmp_path: Path) -> None:
    (tmp_path / "status").mkdir()
    spool = Spool(str(tmp_path))
    modemstatus.write_status(spool, "freeswitch0", modemstatus.receiving_from("a long name\nwith two lines"))
    inode = os.stat(spool.status("freeswitch0")).st_ino
    modemstatus.write_status(spool, "freeswitch0", modemstatus.IDLE)
    status = os.stat(spool.status("freeswitch0"))
    assert (tmp_path / "status/freeswitch0").read_text() == "Running and idle\n"
    assert (status.st_ino, status.st_mode & 0o777) == (inode, 0o644)
    with open(spool.status("freeswitch0"), "rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_status_is_one_line_of_bounded_length(tmp_path: Path) -> None:
    (tmp_path / "status").mkdir()
    modemstatus.write_status(Spool(str(tmp_path)), "m", modemstatus.receiving_from("ü\n" * 5000))
    octets = (tmp_path / "status/m").read_bytes()
    assert octets.count(b"\n") == 1 and len(octets) <= 201
    assert octets.decode().startswith('Receiving from "ü ü ')


def test_a_status_that_cannot_be_written_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(SpoolError, match="status/m: cannot write the modem's status: No such file"):
        modemstatus.write_status(Spool(str(tmp_path)), "m", "x")


# -- status codes


def test_every_status_that_native_wrote_has_our_code_and_text() -> None:
    found = set()
    for path in glob.glob(os.path.join(NATIVE, "*", "session-log-*")):
        found |= set(re.findall(r"SEND FAILED: .* ERR \[(\d+)\] (.*)", Path(path).read_text(encoding="utf-8")))
    assert len(found) > 5
    for code, text in found:
        status = StatusCode(int(code))
        assert text == status.text or text.endswith("; " + status.text)


def test_natives_qfile_over_time_has_our_texts() -> None:
    text = Path(NATIVE, "send-resume", "qfile-over-time").read_text(encoding="utf-8")
    assert f"+status:{StatusCode.NO_RESPONSE_PPS.text}\n+statuscode:{StatusCode.NO_RESPONSE_PPS:d}\n" in text


def test_two_texts_are_joined_as_native_joins_them() -> None:
    end = Path(NATIVE, "send-busy-last-dial", "qfile-at-end").read_text(encoding="utf-8")
    joined = statuscode.append(StatusCode.BUSY.text, StatusCode.TOO_MANY_DIALS.text)
    assert f"status:{joined}\nstatuscode:{StatusCode.TOO_MANY_DIALS:d}\n" in end
    assert statuscode.append("", "x") == "x"


def test_every_code_but_none_has_a_text() -> None:
    assert [code for code in StatusCode if not code.text] == [StatusCode.NONE]


# -- numbers and text


@pytest.mark.parametrize(("number", "filed"), [
    ("+49 (30) 55-62002", "49305562002"), ("900123", "900123"), ("", ""), ("anonymous", ""), ("٤٢x7", "7"), ("²", ""),
])
def test_numbers_are_filed_under_their_digits(number: str, filed: str) -> None:
    assert digits(number) == filed


@given(st.binary(max_size=50))
def test_octets_survive_as_text(octets: bytes) -> None:
    assert encode(decode(octets)) == octets


def test_surrogates_that_stand_for_no_octet_become_question_marks() -> None:
    assert encode("a\ud800b") == b"a?b"


@given(st.text(alphabet=st.characters(exclude_categories=[]), max_size=50))
def test_one_line_is_one_line_of_the_same_length(text: str) -> None:
    line = one_line(text)
    assert len(line) == len(text)
    assert len(line.splitlines()) <= 1
    assert all(now in (was, " ") for was, now in zip(text, line, strict=True))


@given(st.text(max_size=40), st.integers(0, 60))
def test_a_cut_text_is_a_prefix_of_whole_characters(text: str, octets: int) -> None:
    shortened = cut(text, octets)
    assert text.startswith(shortened)
    assert len(encode(shortened)) <= octets
    assert shortened == text or len(encode(text[:len(shortened) + 1])) > octets
