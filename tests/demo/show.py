"""The demo: sendfax → faxq → gofaxsend → switch → T.30 → switch → recvq, and a look at what came out.

Everything runs in a directory of its own under /tmp and is gone afterwards; what was received and
all log files stay in ``demo-out``.
"""

from __future__ import annotations

import contextlib
import glob
import io
import os
import shutil
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator

from PIL import Image, ImageSequence

from demo.progress import follow_job
from demo.screen import Screen
from rig import Installed, JobState, PrivateHylaFAX, QFile, RigError, RunDir, StandIn, gofaxyaml, install
from rig.install import CHECKOUT
from rig.pages import compare_documents, make_postscript, preview, read_pages
from rig.ports import Port

PAGES = 3
NUMBER = "12340"
"""The machine's own number: that of its first modem."""
SPEED = 4
"""Line time to clock time: slow enough to watch, fast enough not to wait."""
LIMIT = 60
OUT = "demo-out"


class DemoError(Exception):
    """Something is not as it should be: ``reason``, and where to look (a file in demo-out)."""

    def __init__(self, reason: str, log: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.log = log


class Demo:
    """One run; ``play`` raises DemoError with the reason if anything is amiss."""

    def __init__(self, screen: Screen, run_dir: RunDir, out: str, checkout: str) -> None:
        self.screen = screen
        self.run_dir = run_dir
        self.out = out
        self.checkout = checkout
        self.hylafax = PrivateHylaFAX(run_dir)
        self.switch: StandIn | None = None

    def play(self) -> None:
        """The whole show."""
        screen = self.screen
        screen.step("Install the project into a directory of its own")
        installed = install(self.run_dir, self.checkout)
        screen.say(f"{self.run_dir.path}: bin/gofaxsend, lib/gofaxpy, fs_scripts, dialplan (gone at the end)")
        port = Port()
        config = gofaxyaml(
            os.path.join(self.run_dir.path, "gofax.yaml"),
            spool=self.hylafax.spool,
            lock_dir=self.hylafax.lock_dir,
            esl_port=port.number,
        )
        screen.step("Start HylaFAX on a private spool")
        self.hylafax.start(installed.gofaxsend, env={"GOFAX_CONFIG": config})
        screen.say(f"faxq and hfaxd run, clients on port {self.hylafax.port}; SendFaxCmd is gofaxsend")
        switch = self.switch = self._start_switch(installed, config, port)
        document = os.path.join(self.out, "document.ps")
        make_postscript(document, PAGES)
        screen.step(f"Submit {PAGES} pages to the machine's own number")
        screen.say(f"$ sendfax -n -m -h 127.0.0.1:{self.hylafax.port} -d {NUMBER} {os.path.basename(document)}")
        job = self.hylafax.sendfax([document], NUMBER, "-m", sender="Demo <demo@localhost>")
        screen.say(f"job {job}")
        screen.step("Send it")
        sent = self._keep_prepared_document(job)
        done = follow_job(screen, self.hylafax, switch, job, _page_sizes(sent), speed=SPEED, limit=LIMIT)
        self._check_job(done)
        screen.step("Receive it")
        received = self._wait_received()
        screen.step("What HylaFAX's clients see: faxstat -s -d -r")
        self._show_faxstat(job, received)
        screen.step("What the accounting has: log/xferfaxlog")
        self._show_records()
        screen.step("What was received")
        self._show_received(received)
        screen.step("Compare it bit by bit with what was sent (tag line apart)")
        self._compare(sent, received)

    def diagnosis(self, error: Exception) -> DemoError:
        """What ``error`` comes from: a dead switch shows as a lost connection or as a time-out."""
        if self.switch is not None:
            with contextlib.suppress(subprocess.TimeoutExpired, RigError):
                status = self.switch.wait_end(timeout=2)
                return DemoError(f"the switch ended with status {status} ({error})", "standin.log")
        return DemoError(str(error), "")

    def save_logs(self) -> None:
        """Copy all log files to ``demo-out``."""
        sources = [f"{self.run_dir.path}/log/*", f"{self.run_dir.path}/*.yaml"]
        sources += [self.hylafax.path(name) for name in ("log/c*", "log/xferfaxlog", "sendq/q*", "doneq/q*")]
        sources += [self.switch.log] if self.switch else []
        for pattern in sources:
            for path in glob.glob(pattern):
                if os.path.isfile(path):
                    shutil.copyfile(path, os.path.join(self.out, os.path.basename(path)))

    def stop(self) -> None:
        """End everything."""
        if self.switch is not None:
            self.switch.stop(timeout=5)
        self.hylafax.stop()

    # -- steps --------------------------------------------------------------------------------

    def _start_switch(self, installed: Installed, config: str, port: Port) -> StandIn:
        self.screen.step("Start the switch (a stand-in for FreeSWITCH, with real SpanDSP fax engines)")
        switch = StandIn(
            self.run_dir,
            installed,
            gofaxyaml=config,
            far_ends=[{"number": NUMBER, "does": "loop"}],
            speed=SPEED,
            port=port,
        )
        self.switch = switch
        switch.start()
        self.screen.say(f"event socket on port {switch.esl_port}; line time runs {SPEED} times as fast as the clock")
        deadline = time.monotonic() + 20
        while (text := self.hylafax.faxstat("-s")).count("Running and idle") < len(self.hylafax.modems):
            if not switch.running:
                raise DemoError(f"the switch ended with status {switch.status}", "standin.log")
            if time.monotonic() > deadline:
                raise DemoError("the modems did not announce themselves to faxq within 20 s", "freeswitch.log")
            time.sleep(0.1)
        self.screen.show(text)
        return switch

    def _keep_prepared_document(self, job: int) -> str:
        """Copy what faxq made of the document, which it removes after the transfer; that is what is sent."""
        target = os.path.join(self.out, "sent.tif")
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            qfile = self.hylafax.job(job)
            for item in qfile.items:
                # A job that ends at once takes its document with it between our two looks: the next one sees how it ended.
                with contextlib.suppress(FileNotFoundError):
                    if item.startswith("fax:"):
                        shutil.copyfile(self.hylafax.path(item.split(":", 3)[3]), target)
                        self.screen.say("faxq has turned the document into a fax TIFF and runs gofaxsend")
                        return target
            if qfile.state in (JobState.DONE, JobState.FAILED):
                raise DemoError(f"job {job} ended before it was sent: {qfile['status'] or qfile.state.name}", "syslog")
            time.sleep(0.02)
        raise DemoError(f"faxq did not start job {job} within 30 s", "syslog")

    def _check_job(self, qfile: QFile) -> None:
        if qfile.state is not JobState.DONE:
            raise DemoError(f"job {qfile['jobid']} is {qfile.state.name}: {qfile['status'] or 'no reason given'}", "syslog")
        if qfile.number("npages") != PAGES:
            raise DemoError(f"the job is done, but {qfile['npages']} pages were sent instead of {PAGES}", "syslog")
        self.screen.say(f"done: {qfile['npages']} pages to {qfile['csi']!r} at {qfile['signalrate']}, {qfile['dataformat']}")

    def _wait_received(self) -> str:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            received = self.hylafax.received()
            if received and self.hylafax.mails and any(record[1] == "RECV" for record in self.hylafax.xferfaxlog()):
                subject = next((line for line in self.hylafax.mails[0].text.split("\n") if line.startswith("Subject:")), "")
                self.screen.say(f"recvq/{os.path.basename(received[0])}; faxrcvd mailed: {subject}")
                return received[0]
            time.sleep(0.1)
        missing = "no fax in recvq" if not self.hylafax.received() else "no RECV record or no mail from faxrcvd"
        raise DemoError(f"{missing} 20 s after the fax was sent", "freeswitch.log")

    def _show_faxstat(self, job: int, received: str) -> None:
        # The modem rests for a moment after a call.
        deadline = time.monotonic() + 10
        while (text := self.hylafax.faxstat("-s", "-d", "-r")).count("Running and idle") < len(self.hylafax.modems):
            if time.monotonic() > deadline:
                raise DemoError("the modems are not idle again 10 s after the call", "freeswitch.log")
            time.sleep(0.2)
        self.screen.show(text)
        _write(os.path.join(self.out, "faxstat.txt"), text)
        if os.path.basename(received) not in text:
            raise DemoError(f"faxstat -r does not list {os.path.basename(received)}", "faxstat.txt")
        if not any(line.startswith(f"{job} ") and " D " in line for line in text.split("\n")):
            raise DemoError(f"faxstat -d does not show job {job} as done", "faxstat.txt")

    def _show_records(self) -> None:
        records = [record for record in self.hylafax.xferfaxlog() if record[1] in ("SEND", "RECV")]
        for record in records:
            self.screen.show("  ".join(record))
        for kind in ("SEND", "RECV"):
            found = [record for record in records if record[1] == kind]
            if len(found) != 1:
                raise DemoError(f"{len(found)} {kind} records in xferfaxlog instead of one", "xferfaxlog")
            if found[0][10] != str(PAGES) or found[0][13] != '""':
                raise DemoError(f"the {kind} record counts {found[0][10]} pages, reason {found[0][13]}", "xferfaxlog")

    def _show_received(self, received: str) -> None:
        tiff, png = os.path.join(self.out, "received.tif"), os.path.join(self.out, "received.png")
        shutil.copyfile(received, tiff)
        for number, page in enumerate(read_pages(tiff), 1):
            self.screen.say(f"page {number}: {page.width} x {len(page.rows)} dots, {page.dpi} lines per inch")
        preview(tiff, png)
        self.screen.say(f"{os.path.relpath(tiff)} ({os.path.getsize(tiff)} bytes), preview {os.path.relpath(png)}")

    def _compare(self, sent: str, received: str) -> None:
        comparisons = compare_documents(read_pages(sent), read_pages(received))
        for number, comparison in enumerate(comparisons, 1):
            self.screen.say(f"page {number}: {comparison.detail}")
        bad = [str(number) for number, comparison in enumerate(comparisons, 1) if not comparison.identical]
        if bad or len(comparisons) != PAGES:
            raise DemoError(f"not as sent: page {', '.join(bad) or '?'}", "received.png")


def main(checkout: str = CHECKOUT) -> int:
    """Run the demo; exit status 0, 1 on failure, 130 on Ctrl-C."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")  # whatever the locale: the last line has a dash
    screen = Screen(sys.stdout)
    out = os.path.abspath(OUT)
    for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):     # also where a shell has started us with SIGINT ignored
        signal.signal(sign, _interrupt)
    try:
        shutil.rmtree(out, ignore_errors=True)
        os.makedirs(out)
        run_dir = RunDir()
        try:
            demo = Demo(screen, run_dir, out, checkout)
            try:
                demo.play()
            except (RigError, TimeoutError) as error:
                raise demo.diagnosis(error) from None
            finally:
                with _undisturbed():
                    demo.stop()
                    demo.save_logs()
        finally:
            with _undisturbed():
                run_dir.close()
    except KeyboardInterrupt:
        screen.last("demo: stopped, nothing is left running")
        return 130
    except DemoError as error:
        return _failed(screen, error.reason, os.path.join(OUT, error.log))
    except (RigError, OSError) as error:
        return _failed(screen, str(error), OUT)
    except Exception as error:
        _write(os.path.join(out, "traceback"), traceback.format_exc())
        return _failed(screen, f"unexpected {type(error).__name__}: {error}", os.path.join(OUT, "traceback"))
    finally:
        _give_to_caller(out)
    screen.last(f"demo: OK – {PAGES} pages sent, {PAGES} pages received, identical")
    return 0


def _failed(screen: Screen, reason: str, log: str) -> int:
    screen.say(f"look at {log}; all logs are in {OUT}/")
    screen.last(f"demo: FAILED – {reason}")
    return 1


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Let a second Ctrl-C not stop the cleaning up."""
    before = {sign: signal.signal(sign, signal.SIG_IGN) for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for sign, handler in before.items():
            signal.signal(sign, handler)


def _page_sizes(path: str) -> list[int]:
    """Bytes of each page's data in a TIFF."""
    with Image.open(path) as image:
        return [sum(frame.tag_v2[279]) for frame in ImageSequence.Iterator(image)]  # type: ignore[attr-defined]


def _give_to_caller(out: str) -> None:
    """After `sudo` what is left behind belongs to who called it."""
    if os.geteuid() == 0 and "SUDO_UID" in os.environ:
        owner = int(os.environ["SUDO_UID"]), int(os.environ["SUDO_GID"])
        for directory, _, files in os.walk(out):
            for name in (".", *files):
                os.chown(os.path.join(directory, name), *owner)


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8", errors="surrogateescape") as file:
        file.write(text)
