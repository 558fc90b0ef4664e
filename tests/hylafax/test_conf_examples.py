"""The examples for HylaFAX's hooks, run by Debian's own faxrcvd and notify, and its config lines by faxq."""

from __future__ import annotations

import base64
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable

import pytest

from rig import JobState, PrivateHylaFAX
from rig.hylafax import FAXQ
from rig.install import CHECKOUT
from rig.rundir import FAX_USER

EXAMPLES = os.path.join(CHECKOUT, "conf", "hylafax")
DONE = "sys.exit(2)"
FAILED = "sys.exit(1)"


@pytest.fixture
def server(hylafax: PrivateHylaFAX, make_sender: Callable[[str], str]) -> PrivateHylaFAX:
    hylafax.start(make_sender(DONE))
    for name in ("FaxDispatch", "FaxDispatch.table", "FaxNotify"):
        shutil.copy(os.path.join(EXAMPLES, name), hylafax.path("etc", name))
    return hylafax


def faxrcvd(server: PrivateHylaFAX, document: str, caller: str, recipient: str, name: str = "ACME", reason: str = "") -> None:
    """faxrcvd as it is run for a received fax, with its output for the reader of a failure."""
    file = "recvq/fax000000001.tif"
    shutil.copy(document, server.path(file))
    shutil.chown(server.path(file), FAX_USER, FAX_USER)
    done = subprocess.run(
        ["bin/faxrcvd", file, "freeswitch0", "000000001", reason, caller, name, recipient, "default"],
        cwd=server.spool, env=server.run_dir.environ | {"HANGUPCAUSE": "NORMAL_CLEARING", "TRANSFER_RATE": "14400"},
        user=FAX_USER, group=FAX_USER, extra_groups=(), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )
    assert done.returncode == 0 and "FaxDispatch" not in done.stderr, done.stdout + done.stderr


def attachment(text: str, kind: str) -> bytes:
    """The content of the attachment of a type."""
    part = next(part for part in text.split("--NextPart") if f"Content-Type: {kind}" in part)
    return base64.b64decode(part.partition("\n\n")[2])


@pytest.mark.parametrize(("caller", "recipient", "address", "kind", "magic"), [
    ("0301", "4711", "sales@example.com", "application/pdf", b"%PDF-"),
    ("0304567", "4712", "laboratory@example.com", "image/tiff", b"II*\0"),
    ("0301", "4712", "office@example.com", "application/pdf", b"%PDF-"),
    ("", "4711", "sales@example.com", "application/pdf", b"%PDF-"),
    ("0301", "", "faxmaster@example.com", "application/pdf", b"%PDF-"),
    ("0301", "9999", "faxmaster@example.com", "application/pdf", b"%PDF-"),
])  # fmt: skip
def test_faxdispatch_sends_a_fax_where_its_table_says(
    server: PrivateHylaFAX, document: str, caller: str, recipient: str, address: str, kind: str, magic: bytes
) -> None:
    faxrcvd(server, document, caller, recipient)
    [mail] = server.wait_mails(1)
    assert mail.arguments == f"-ffax@example.com -oi {address}"
    assert attachment(mail.text, kind).startswith(magic)


def test_the_faxmaster_hears_of_a_fax_that_broke_off(server: PrivateHylaFAX, document: str) -> None:
    faxrcvd(server, document, "0301", "4711", reason="T.30 T2 timeout, expected page not received")
    mails = server.wait_mails(2)
    assert {mail.arguments.split()[-1] for mail in mails} == {"faxmaster@example.com", "sales@example.com"}
    assert all("rrors" in mail.text for mail in mails), "Debian's templates do not show the reason itself"


@pytest.mark.parametrize("trick", ["$(touch {mark})", "`touch {mark}`", "';touch {mark};'", '";touch {mark};"', "a@b -X{mark}"])
def test_what_a_caller_says_is_only_compared(server: PrivateHylaFAX, document: str, trick: str) -> None:
    mark = server.path("tmp", "mark")
    word = trick.replace("{mark}", mark)
    faxrcvd(server, document, word, word, name=word)
    [mail] = server.wait_mails(1)
    assert mail.arguments == "-ffax@example.com -oi faxmaster@example.com"
    assert not os.path.exists(mark)


def test_faxnotify_returns_the_pages_of_a_job_that_is_done_and_leaves_the_faxmaster_alone(
    server: PrivateHylaFAX, document: str
) -> None:
    server.announce_modems()
    server.wait_job(server.sendfax([document], "5551234", "-D", sender="Ann <ann@example.com>"))
    [mail] = server.wait_mails(1)
    assert mail.arguments == "-ffax@example.com -oi ann@example.com"
    assert attachment(mail.text, "application/pdf").startswith(b"%PDF-")
    assert len(server.mails) == 1


def test_faxnotify_tells_the_faxmaster_of_a_job_that_was_given_up(
    server: PrivateHylaFAX, document: str, make_sender: Callable[[str], str]
) -> None:
    make_sender(FAILED)
    server.announce_modems()
    job = server.wait_job(server.sendfax([document], "5551234", "-D", sender="Ann <ann@example.com>"))
    assert job.state is JobState.FAILED
    mails = server.wait_mails(2)
    assert {mail.arguments.split()[-1] for mail in mails} == {"faxmaster@example.com", "ann@example.com"}
    assert not any("application/pdf" in mail.text for mail in mails)


def test_faxq_understands_every_line_of_the_examples(
    hylafax: PrivateHylaFAX, make_sender: Callable[[str], str], document: str
) -> None:
    with open(os.path.join(EXAMPLES, "config"), encoding="ascii") as file:
        text = file.read()
    sender = make_sender(DONE)
    text = text.replace("/usr/bin/gofaxsend", sender).replace("/var/lock", hylafax.lock_dir)
    assert sender in text and hylafax.lock_dir in text
    hylafax.start(sender, config_extra=text, trace=True)
    shutil.copy(os.path.join(EXAMPLES, "config.freeswitch"), hylafax.path("etc", "config.freeswitch0"))
    hylafax.announce_modems()
    assert hylafax.wait_job(hylafax.sendfax([document], "5551234")).state is JobState.DONE
    assert "Modem freeswitch0 (+49.30.1234)" in hylafax.faxstat("-s")
    settings = re.findall(r"^(\w+):", text, re.M)
    assert len(settings) == 13
    with open(FAXQ, "rb") as program:
        known = program.read()
    for name in settings:
        assert b"\0" + name.lower().encode() + b"\0" in known, f"faxq knows no {name}"
    # other programs of other tests may be heard as well; nothing is where a real syslog has /dev/log
    if lines := [line for line in hylafax.syslog.lines() if " FaxQueuer[" in line]:
        log = "\n".join(lines)
        assert [name for name in settings if not re.search(rf"\b{name} = ", log, re.I)] == []
        assert "nknown" not in log, log


def test_a_stop_of_faxq_waits_for_the_job_that_is_being_sent(
    hylafax: PrivateHylaFAX, make_sender: Callable[[str], str], document: str
) -> None:
    with open(os.path.join(CHECKOUT, "conf", "systemd", "faxq.service.d", "gofax.conf"), encoding="utf-8") as file:
        line = next(line for line in file if line.startswith("ExecStop="))
    command = shlex.split(line.removeprefix("ExecStop=").replace("\\\\", "\\").replace("/var/spool/hylafax", hylafax.spool))
    hylafax.start(make_sender("time.sleep(3); open('tmp/ended', 'w').close(); sys.exit(2)"))
    hylafax.announce_modems()
    job = hylafax.sendfax([document], "5551234")
    hylafax.wait_job(job, {JobState.ACTIVE})
    waiting = hylafax.sendfax([document], "5551235", "-a", "now + 1 day")
    stopping = subprocess.Popen(command, env=hylafax.run_dir.environ | {"MAINPID": str(hylafax.faxq_pid)})
    hylafax.wait_faxq_ended()
    assert stopping.wait(60) == 0
    assert os.path.exists(hylafax.path("tmp", "ended"))
    assert hylafax.job(job).state is JobState.DONE and hylafax.job(waiting).state is not JobState.DONE
    subprocess.run(command, env=hylafax.run_dir.environ, check=True, timeout=5)     # faxq has ended by itself: nothing to do
