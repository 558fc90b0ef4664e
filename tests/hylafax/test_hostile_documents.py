"""Documents of users that are small and cost much, through sendfax, hfaxd and faxq: what they cost gofaxsend and the switch."""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence

import pytest

from bench.measure import resident_kilobytes
from gofaxpy.send.document import MAX_LENGTH, MAX_PAGE
from rig import Installed, JobState, RunDir
from rig.server import ServerMaker
from rig.tiffs import ASCII, SHORT, Tag, build, number, page

SENDER = """#!/usr/bin/python3 -I
import os, sys
pid = os.fork()
if not pid:
    os.execv({gofaxsend!r}, sys.argv)
_, status, usage = os.wait4(pid, 0)
with open({peak!r}, "a") as file:
    print(usage.ru_maxrss, file=file)
os._exit(os.waitstatus_to_exitcode(status))
"""
PICTURE = page("<", length=1146, rows=8_000_000)
SHARED = struct.pack("<I", 8 + 64)


def twice(first: Tag) -> list[list[Tag]]:
    """A page that has the tag of ``first`` once more, in front of its own."""
    return [[first, *PICTURE]]


@pytest.mark.parametrize(("pages", "tail", "reason"), [
    (twice(number("<", 257, 8_000_000)), b"", "page 1 has the tag ImageLength (257) twice"),
    (twice(number("<", 258, 1, SHORT)), b"", "page 1 has the tag BitsPerSample (258) twice"),
    (twice(number("<", 259, 4, SHORT)), b"", "page 1 has the tag Compression (259) twice"),
    (
        [[*page("<"), *(Tag(40000 + at, ASCII, 65000, SHARED) for at in range(900))]] * 12, b"A" * 65536,
        "the tags of page 1 overlap each other or are too long",
    ),
], ids=["length", "bits", "compression", "shared texts"])
def test_a_small_document_that_costs_much_fails_its_job_and_costs_little(
    run_dir: RunDir, installed: Installed, make_server: ServerMaker, pages: Sequence[Sequence[Tag]], tail: bytes, reason: str,
) -> None:
    peak, sender = os.path.join(run_dir.path, "peak"), os.path.join(run_dir.sub("bin"), "sender")
    with open(sender, "w", encoding="utf-8") as file:
        file.write(SENDER.format(gofaxsend=installed.gofaxsend, peak=peak))
    os.chmod(sender, 0o755)
    os.chmod(run_dir.path, 0o777)       # the sender is uucp by then
    hylafax, switch = make_server(config_extra=f"SendFaxCmd: {sender}\n")
    document = os.path.join(run_dir.path, "hostile.tif")
    with open(document, "wb") as out:
        out.write(build(pages, tail=tail))
    before = resident_kilobytes(switch.pid)
    qfile = hylafax.wait_job(hylafax.sendfax([document], "1000"))
    assert qfile.state is JobState.FAILED and reason in qfile["status"], qfile["status"]
    with open(peak, encoding="ascii") as file:
        spent = max(map(int, file))
    assert spent < 40 << 10, f"gofaxsend had {spent} kB"
    assert resident_kilobytes(switch.pid, "VmHWM") - before < 40 << 10


def test_the_longest_page_that_is_let_through_costs_its_picture_and_no_more(
    run_dir: RunDir, make_server: ServerMaker,
) -> None:
    """310,000 white rows in T.6, a bit for each: 38 kB of TIFF, 64 MiB of picture, which the sending side unpacks."""
    hylafax, switch = make_server()
    rows = MAX_LENGTH
    document = os.path.join(run_dir.path, "long.tif")
    with open(document, "wb") as out:
        data = b"\xff" * (rows // 8) + b"\x00\x10\x01"      # EOFB (T.6, 2.4.1.1)
        out.write(build([page("<", length=rows, rows=rows, offset=8 + 64, octets=len(data))], tail=data))
    before = resident_kilobytes(switch.pid)
    qfile = hylafax.wait_job(hylafax.sendfax([document], "1000"), timeout=300)
    assert qfile["totdials"] == "1"
    assert resident_kilobytes(switch.pid, "VmHWM") - before < 3 * MAX_PAGE >> 10
    assert qfile.state is JobState.DONE, qfile["status"]
