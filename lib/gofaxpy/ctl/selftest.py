"""``gofaxctl selftest``: FreeSWITCH sends a page to itself, and the received page is compared with the sent one.

Both ends are SpanDSP in the configured FreeSWITCH, joined by mod_loopback.  So modems, T.30 and the audio path are tried
without a far end.  With ``--to`` the page goes out through the gateway, and must come back in from there.

If root has started gofaxctl, the process changes to HylaFAX's user for good.  FreeSWITCH must read the page that is written
here, and write the received one beside it; and root must neither work in a directory of another user nor unpack a TIFF that
came over a line.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from gofaxpy.ctl.command import OK, Command, UsageError
from gofaxpy.ctl.lesser import Lesser
from gofaxpy.ctl.output import shown
from gofaxpy.ctl.trouble import Trouble

if TYPE_CHECKING:
    from gofaxpy.config.keys import Config
    from gofaxpy.ctl import selftest_page
    from gofaxpy.ctl.output import Output

Api = Callable[[str, str], str]
PATIENCE = 180.0            # seconds; one page takes some 25, at 4800 bit/s a minute and a half
IDENT = "gofax selftest"
POLL = 0.5
SECONDS_TO_CLOSE = 3
_PATH = re.compile(r"[A-Za-z0-9/._-]+")


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--to", metavar="NUMBER", default="", help="send it by the first gateway to this number, one of our own")
    parser.add_argument("--keep", metavar="DIR", default="", help="keep what was sent and received in this new directory")


def run(arguments: argparse.Namespace, output: Output) -> int:
    """Sends, waits and compares."""
    from gofaxpy.switch.dialstring import DialstringError, dialable

    try:
        number = dialable(arguments.to) if arguments.to else ""
    except DialstringError as error:
        raise UsageError(str(error)) from None
    test = Selftest(output.switch.api, output.config, keep=arguments.keep)
    output.line("sending a page; this takes half a minute …")
    output.flush()
    with output.root():       # Selftest.run gives root up for good
        text = test.run(number)
    output.data({"result": "ok", "text": text, **test.facts})
    output.line(output.style("ok", "green", "bold") + f"  {shown(text)}")
    return OK


def become(user: str, keep: str = "") -> None:
    """Makes the directory ``keep``, unless it is ``""``, and changes from root to ``user``.  Raises :class:`Trouble`."""
    import pwd

    try:
        found = pwd.getpwnam(user)
    except KeyError:
        raise Trouble(f"there is no user {user}: correct hylafax.user") from None
    if os.geteuid() not in (0, found.pw_uid):
        raise Trouble(f"FreeSWITCH must be able to read the page: run this as root or {user}")
    try:
        if keep:
            _make(keep, found.pw_uid, found.pw_gid)
    except OSError as error:
        raise Trouble(f"{keep}: {error.strerror}") from None
    if os.geteuid() == 0:
        os.initgroups(user, found.pw_gid)
        os.setresgid(found.pw_gid, found.pw_gid, found.pw_gid)
        os.setresuid(found.pw_uid, found.pw_uid, found.pw_uid)
        os.umask(0o077)


def _make(path: str, uid: int, gid: int) -> None:
    """Makes a directory that belongs to the user ``uid``.  Raises OSError.

    Where another user could exchange it, it is made as that user, so that root gives no other directory away.
    """
    lesser = Lesser()
    with lesser.owner_of(os.path.dirname(path.rstrip("/")) or "."):
        os.mkdir(path, 0o700)
        if os.geteuid() == 0:
            fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            os.fchown(fd, uid, gid)
            os.close(fd)


def _compared(rows: Sequence[bytes], received: str) -> selftest_page.Difference:
    """Compares the pages.  The receiving call may still be closing its file when the sending one has ended, so this tries
    again for :data:`SECONDS_TO_CLOSE` seconds."""
    from gofaxpy.ctl import selftest_page

    for left in range(SECONDS_TO_CLOSE, -1, -1):
        try:
            found = selftest_page.compare(rows, selftest_page.read(received))
        except selftest_page.PageError:
            if not left:
                raise
        else:
            if found.identical or not left:
                return found
        time.sleep(1)
    raise AssertionError("not reached")


class Selftest:
    """One test.  ``facts`` has what was measured: seconds, rate in bit/s, rows."""

    def __init__(self, api: Api, config: Config, keep: str = "") -> None:
        self._api = api
        self._config = config
        self._keep = keep
        self.facts: dict[str, object] = {}

    def run(self, number: str = "") -> str:
        """Runs the test and says in words that it succeeded.  Raises :class:`Trouble`."""
        from gofaxpy.ctl import selftest_page

        become(self._config.hylafax.user, self._keep)
        for module in ("mod_spandsp", *(() if number else ("mod_loopback",))):
            if self._api("module_exists", module).strip() != "true":
                raise Trouble(f"FreeSWITCH has not loaded {module}: add it to modules.conf.xml; fs_cli -x 'load {module}'")
        directory = ""
        try:
            directory = self._directory()
            sent, received = os.path.join(directory, "sent.tif"), os.path.join(directory, "received.tif")
            rows = selftest_page.test_page()
            selftest_page.write(sent, rows)
            began = time.monotonic()
            if number:
                self._through(number, sent, received)
            else:
                self._loopback(sent, received)
            seconds = round(time.monotonic() - began)
            found = _compared(rows, received)
        except selftest_page.PageError as error:
            raise Trouble(str(error)) from None
        except OSError as error:
            raise Trouble(f"{error.filename}: {error.strerror}") from None
        finally:
            if directory and not self._keep:
                shutil.rmtree(directory, ignore_errors=True)
        self.facts.update(seconds=seconds, rows=found.rows, rows_same=found.same, shift=found.shift)
        if not found.identical:
            raise Trouble(f"the page has arrived damaged: {found.same} of {found.rows} rows are as they were sent")
        return f"the page has arrived as it was sent, in {seconds} s"

    def _directory(self) -> str:
        """A directory for both files.  It is in the spool, because FreeSWITCH may have another /tmp (systemd's PrivateTmp)."""
        in_spool = os.path.join(self._config.hylafax.spooldir, "tmp")
        directory = os.path.realpath(self._keep) if self._keep else tempfile.mkdtemp(prefix="gofax-selftest-", dir=in_spool)
        if not _PATH.fullmatch(directory):
            raise Trouble(f"{shown(directory)!r} cannot be named to FreeSWITCH: letters, digits and `/._-` only")
        return directory

    def _loopback(self, sent: str, received: str) -> None:
        self._originate(f"loopback/app=rxfax:{received}", sent)
        if not os.path.exists(received):
            raise Trouble("SpanDSP has received nothing from itself: see FreeSWITCH's log for the fax's result")

    def _through(self, number: str, sent: str, received: str) -> None:
        """Sends through the gateway.  The fax that comes in is recognised by its TSI and copied out of recvq."""
        recvq = os.path.join(self._config.hylafax.spooldir, "recvq")
        before = set(os.listdir(recvq))
        self._originate(f"sofia/gateway/{self._config.freeswitch.gateways[0]}/{number}", sent)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            for name in sorted(set(os.listdir(recvq)) - before):
                if name.startswith("fax") and self._is_ours(os.path.join(recvq, name)):
                    shutil.copyfile(os.path.join(recvq, name), received)
                    self.facts["received"] = f"recvq/{name}"
                    return
            time.sleep(POLL)
        raise Trouble(f"the page was sent to {number}, but nothing has come in here: does the other side lead it back to us?")

    def _is_ours(self, path: str) -> bool:
        from gofaxpy.hylafax.errors import SpoolError
        from gofaxpy.hylafax.tiff import each_directory

        try:
            return next(each_directory(path)).ascii(270).startswith(IDENT)
        except (SpoolError, StopIteration):
            return False        # rxfax is still writing it

    def _originate(self, dialstring: str, sent: str) -> None:
        """Sends the page and waits for the end of the call.  Raises :class:`Trouble` if it was not answered or not sent."""
        from gofaxpy.send.launch import new_ids
        from gofaxpy.switch.dialstring import fax_ident, variables

        uuid = new_ids("selftest").uuid
        chosen = variables({
            "origination_uuid": uuid, "originate_timeout": "30", "fax_ident": fax_ident(IDENT), "fax_use_ecm": "true",
            "fax_enable_t38": "false", "fax_enable_t38_request": "false", "execute_on_fax_result": "sched_hangup +3",
            "origination_caller_id_name": IDENT,
        })
        reply = self._api("bgapi", f"uuid:{new_ids('selftest').uuid} originate {chosen}{dialstring} '&txfax({sent})'")
        if not reply.startswith("+OK"):
            raise Trouble(f"FreeSWITCH does not take the command: {shown(reply.strip()[:200])}")
        began = time.monotonic()
        seen = False
        while time.monotonic() - began < PATIENCE:
            there = self._api("uuid_exists", uuid).strip() == "true"
            if there:
                seen = True
                rate = self._api("uuid_getvar", f"{uuid} fax_transfer_rate").strip()
                if rate.isdigit():
                    self.facts["rate"] = int(rate)
            elif seen or time.monotonic() - began > 5:
                return
            time.sleep(POLL)
        self._api("uuid_kill", uuid)
        raise Trouble(f"the fax was not over after {PATIENCE:.0f} s")


COMMAND = Command(
    "selftest",
    "send a page from FreeSWITCH to itself and compare it",
    "Sends one page by the SpanDSP of the configured FreeSWITCH to itself and compares the picture, row by row: modem, T.30\n"
    "and audio are tried without anybody outside; nothing gets into recvq.  With --to the page goes out by the first gateway\n"
    "of gofax.yaml and must come back to us; it is then in recvq and announced like any other.",
    run,
    _arguments,
    "gofaxctl selftest\ngofaxctl selftest --to 0301234          # out, and back in\n"
    "gofaxctl selftest --keep /tmp/selftest  # to look at the pictures",
)
