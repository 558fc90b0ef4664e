"""A spool that is root's and sticky, as docs/install.md has it: uucp cannot exchange etc/ and bin/, and faxes go as before."""

from __future__ import annotations

import os
import stat
import subprocess

import pytest

from rig import JobState, PrivateHylaFAX
from rig.pages import compare_documents, read_pages
from rig.rundir import FAX_USER, fax_ids
from rig.server import ServerMaker, idle, recorded, wait


def as_uucp(*command: str) -> int:
    """The exit status of a command of uucp's."""
    return subprocess.run(
        command, user=FAX_USER, group=FAX_USER, extra_groups=(), check=False, capture_output=True
    ).returncode


def test_uucp_cannot_exchange_what_faxq_runs(hylafax: PrivateHylaFAX, make_server: ServerMaker) -> None:
    hylafax.closed = True
    make_server()
    for name in ("etc", "bin"):
        assert as_uucp("mv", hylafax.path(name), hylafax.path(f"{name}.o")) != 0
        assert as_uucp("touch", hylafax.path(name, "new")) != 0
    assert as_uucp("rm", "-f", hylafax.path("etc", "config")) != 0 and as_uucp("mv", hylafax.spool, hylafax.spool + ".o") != 0
    assert as_uucp("touch", hylafax.path("new")) == 0, "FIFOs are made there"


def test_in_debians_spool_he_can(hylafax: PrivateHylaFAX, make_server: ServerMaker) -> None:
    """Or else the test above would say nothing, and doctor's warning neither."""
    make_server()
    assert as_uucp("mv", hylafax.path("bin"), hylafax.path("bin.o")) == 0


@pytest.mark.parametrize("restart", [False, True])
def test_faxes_go_out_and_come_in(hylafax: PrivateHylaFAX, make_server: ServerMaker, document: str, restart: bool) -> None:
    hylafax.closed = True
    _, switch = make_server()
    if restart:
        hylafax.stop_faxq()
        hylafax.start_faxq()
    job = hylafax.sendfax([document], "4711", "-D")
    qfile = hylafax.wait_job(job)
    assert (qfile.state, qfile["npages"]) == (JobState.DONE, "3")
    assert recorded(hylafax, "CALL")
    [fax] = hylafax.received()
    assert [page.identical for page in compare_documents(read_pages(document), read_pages(fax))] == [True] * 3
    mails = [mail.text for mail in hylafax.wait_mails(2)]
    assert any("was completed successfully" in " ".join(text.split()) for text in mails), mails
    for name in ("FIFO", "FIFO.freeswitch0", "FIFO.freeswitch1"):
        found = os.lstat(hylafax.path(name))
        assert stat.S_ISFIFO(found.st_mode) and found.st_uid == fax_ids()[0], name
    assert wait(lambda: idle(hylafax) == 2), hylafax.faxstat("-s")
    switch.stop()
    assert "FreeSWITCH is not running" in hylafax.faxstat("-s")
