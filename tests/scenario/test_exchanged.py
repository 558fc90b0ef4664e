"""HylaFAX's user exchanges what is in his spool, and root's gofaxctl looks there.

Every file and directory of the spool that a command opens, found by strace(1), is replaced in turn: by a link to what only root
may read, by a FIFO, by a directory (a file), by a huge sparse file.  Every command that opens it then ends soon, shows nothing
of root's, and leaves nothing outside the spool.
"""

from __future__ import annotations

import os
import re
import signal
import stat
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from gofaxpy.journal import Journal, Step
from rig import Installed, RunDir, gofaxyaml
from rig.rundir import FAX_USER
from rig.spool import make_spool

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root has something to lose")
SECRET = "only-for-root"
RECORD = '11/23/26 22:49\tSEND\t000000005\tfreeswitch0\t1\t"tag"\troot\t"{0}"\t"{0}"\t2220072\t3\t0:00:26\t0:00:22\t"{0}"\n'
# A file of root's in which every reader finds something to show.
ROOTS = f"{SECRET}\nstate:1\nSendFaxCmd: /{SECRET}/gofaxsend\nUUCPLockDir: /{SECRET}\nFAX: {SECRET}\n" + RECORD.format(SECRET)
COMMANDS: Mapping[str, tuple[str, ...]] = {
    "status": ("status",), "status --json": ("status", "--json"), "status --watch": ("status", "--watch", "0.2"),
    "log last": ("log", "last"), "log 1": ("log", "1"), "log 000000005": ("log", "000000005"),
    "report": ("report", "--last", "20y"),
    "report --rotated": ("report", "--last", "20y", "--rotated", "--csv"), "report --t38": ("report", "--last", "20y", "--t38"),
    "report --html": ("report", "--last", "20y", "--html", "-o", "{run}/out/report.html"),
    "report --log": ("report", "--last", "20y", "--log", "{spool}/log/xferfaxlog", "--rotated", "--json"),
    "metrics": ("metrics",), "metrics --textfile": ("metrics", "--textfile"),
    "metrics -o": ("metrics", "-o", "{run}/out/gofax.prom"),
    "doctor": ("doctor", "--root", "{run}/root"), "selftest": ("selftest",),
    "selftest --keep": ("selftest", "--keep", "{run}/out/kept"),
    "overrides": ("overrides",), "fallback": ("fallback",), "outcomes": ("outcomes",),
    "import-config": ("import-config", "{spool}/gofax.conf", "-o", "{run}/out/gofax.yaml", "--force"),
}
# What it may take on a loaded machine; a command takes a fraction of a second, and what waits for a FIFO takes forever.
SECONDS = 20
# Of what is not in the spool when it is made, but read where it is.
MORE = {
    "log/xferfaxlog": RECORD.format("0301"), "log/xferfaxlog.1": RECORD.format("0302"), "log/c000000005": "a line\n",
    "status/freeswitch0": "Running and idle\n", "sendq/q1": "state:1\ncommid:000000005\nnpages:1\n",
    "doneq/q1": "commid:000000005\n",
    "gofax/supervisor.lock": "", "gofax/metrics.json": "{}", "gofax/metrics.lock": "", "gofax/gofax.prom": "", "recvq/seqf": "1",
    "log/seqf": "6", "gofax.conf": "[freeswitch]\nident = 1\n",
}


class Site:
    """A spool as it is after some faxes, of ``owner``'s; nobody answers on its event socket, so that everything is read here."""

    def __init__(self, run_dir: RunDir, installed: Installed, owner: str) -> None:
        import pwd

        self.run_dir, self.installed = run_dir, installed
        self.owner = pwd.getpwnam(owner)
        self.spool, lock_dir = os.path.join(run_dir.path, "spool"), os.path.join(run_dir.path, "lock")
        make_spool(self.spool, lock_dir, sendfaxcmd=installed.gofaxsend, sendmail="/bin/true", modems=["freeswitch0"])
        os.makedirs(os.path.join(self.spool, "recvq", "bad"))
        Journal(self.spool).create("1-000000005", Step.OPENED, number="0301").close()
        for name, text in MORE.items():
            Path(self.spool, name).write_text(text, encoding="ascii")
        os.mkfifo(os.path.join(self.spool, "FIFO"), 0o600)
        for directory, names, files in os.walk(self.spool):
            for name in (".", *names, *files):
                os.lchown(os.path.join(directory, name), self.owner.pw_uid, self.owner.pw_gid)
        self.config = gofaxyaml(
            os.path.join(run_dir.path, "gofax.yaml"), spool=self.spool, lock_dir=lock_dir, esl_port=9, modems=1,
            overrides={"hylafax": {"user": owner}, "log": {"metrics_file": "gofax/gofax.prom"}},
        )
        run_dir.sub("out")
        self.roots = run_dir.sub("roots")        # everybody may go in, nobody may read
        for name in (*MORE, "1-000000005", "config", "etc/config", "setup.cache", "journal/1-000000005", "log/c000000009"):
            for path in (Path(self.roots, name), Path(self.roots, os.path.basename(name))):
                path.parent.mkdir(parents=True, exist_ok=True)
                if not path.exists():
                    path.write_text(ROOTS, encoding="ascii")
                    path.chmod(0o600)
        self.victim = os.path.join(self.roots, "shadow")
        Path(self.victim).write_text(ROOTS, encoding="ascii")
        os.chmod(self.victim, 0o600)
        self._before = self._outside()

    def _outside(self) -> dict[str, tuple[object, ...]]:
        found: dict[str, tuple[object, ...]] = {}
        for directory, names, files in os.walk(self.roots):
            for name in (".", *names, *files):
                path = os.path.join(directory, name)
                status = os.lstat(path)
                found[path] = (status.st_mode, status.st_uid, status.st_gid, status.st_size, status.st_mtime_ns, status.st_ino)
        return found

    def command(self, name: str) -> list[str]:
        words = [word.format(spool=self.spool, run=self.run_dir.path) for word in COMMANDS[name]]
        return [self.installed.gofaxctl, "-C", self.config, *words]

    def run(self, name: str, where: str) -> None:
        """Runs a command as root; it ends, tells nothing, and changes nothing of root's."""
        watched = "--watch" in COMMANDS[name]
        process = subprocess.Popen(
            self.command(name), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env=self.run_dir.environ, cwd="/",
        )
        try:
            if watched:
                time.sleep(1)
                process.send_signal(signal.SIGINT)
            output, _ = process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise AssertionError(f"{name} has not ended: {where}") from None
        assert SECRET.encode() not in output, f"{name}: {where}: {output!r}"
        assert b"Traceback" not in output and process.returncode in (0, 1, 130), f"{name}: {where}: {output!r}"
        for directory, _, files in os.walk(os.path.join(self.run_dir.path, "out")):
            for file in files:
                assert SECRET not in Path(directory, file).read_text(errors="replace"), f"{name}: {where}"
                os.unlink(os.path.join(directory, file))
        with suppress(FileNotFoundError):
            os.rmdir(os.path.join(self.run_dir.path, "out", "kept"))
        assert self._outside() == self._before, f"{name}: {where}"

    def opened_by(self, name: str) -> set[str]:
        """The paths in the spool that a command asks the kernel for, those that are not there left out."""
        trace = os.path.join(self.run_dir.path, f"trace-{name.replace(' ', '-')}")
        subprocess.run(
            ["timeout", "-s", "INT", "5", "strace", "-f", "-qq", "-y", "-s", "400", "-e", "trace=%file", "-o", trace,
             *self.command(name)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False, env=self.run_dir.environ,
        )
        found = set()
        with open(trace, encoding="utf-8", errors="replace") as file:
            for line in file:
                for at, path in re.findall(r'(?:<([^>]*)>, )?"([^"]*)"', line):
                    full = os.path.normpath(os.path.join(at or "/", path))
                    if full.startswith(self.spool + "/") and os.path.lexists(full):
                        found.add(os.path.relpath(full, self.spool))
        return found

    def as_owner(self, body: Callable[[], None]) -> bool:
        """Runs it in a process of the spool's owner's; False where he may not do that."""
        pid = os.fork()
        if pid == 0:
            status = 2
            try:
                os.setgroups([])
                os.setresgid(self.owner.pw_gid, self.owner.pw_gid, self.owner.pw_gid)
                os.setresuid(self.owner.pw_uid, self.owner.pw_uid, self.owner.pw_uid)
                body()
                status = 0
            except PermissionError:
                status = 1
            finally:
                os._exit(status)
        ended = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        assert ended in (0, 1)
        return ended == 0

    @contextmanager
    def exchanged(self, name: str, kind: str) -> Iterator[bool]:
        """Within it something else stands in that place; the value says whether the owner of the spool can do that."""
        path = os.path.join(self.spool, name)
        was = stat.S_ISDIR(os.lstat(path).st_mode)

        def exchange() -> None:
            os.rename(path, path + ".was")
            if kind == "link":
                os.symlink(self.roots if was else self.victim, path)
            elif kind == "fifo":
                os.mkfifo(path)
            elif kind == "other":
                (Path(path).touch if was else Path(path).mkdir)()
            else:
                with open(path, "wb") as file:
                    file.truncate(1 << 40)

        done = self.as_owner(exchange)
        try:
            yield done
        finally:
            if done:
                subprocess.run(["rm", "-rf", path], check=True)
                os.rename(path + ".was", path)


@pytest.fixture
def make_site(run_dir: RunDir, installed: Installed) -> Callable[[str], Site]:
    return lambda owner: Site(run_dir, installed, owner)


def opened(site: Site) -> dict[str, set[str]]:
    """Each path with the commands that open it."""
    with ThreadPoolExecutor(4) as pool:
        found = dict(zip(COMMANDS, pool.map(site.opened_by, COMMANDS), strict=True))
    return {path: {name for name in COMMANDS if path in found[name]} for path in sorted(set().union(*found.values()))}


@pytest.mark.parametrize(("kind", "owner"), [
    ("link", FAX_USER), ("fifo", FAX_USER), ("other", FAX_USER), ("sparse", FAX_USER), ("link", "games"), ("fifo", "games"),
])
def test_whatever_is_exchanged_in_the_spool_root_loses_nothing_by_looking(
    make_site: Callable[[str], Site], kind: str, owner: str
) -> None:
    site = make_site(owner)
    for name in COMMANDS:
        site.run(name, "nothing is exchanged")
    table = opened(site)
    expected = {*MORE, "FIFO", "etc/config", "gofax", "log", "status", "recvq/bad", "gofax/journal", "gofax/journal/1-000000005"}
    assert expected - {"log/seqf", "recvq/seqf"} <= set(table), f"strace has not seen {expected - set(table)}"
    exchanged = 0
    for path, names in table.items():
        with site.exchanged(path, kind) as done:
            if not done:
                continue
            exchanged += 1
            for name in sorted(names):
                site.run(name, f"{path} is a {kind}")
    assert exchanged >= len(expected)


def test_all_files_at_once_and_every_command(make_site: Callable[[str], Site]) -> None:
    site = make_site(FAX_USER)
    for kind in ("link", "fifo", "other", "sparse"):
        for name in COMMANDS:
            with exchanged_all(site, [*MORE, "FIFO", "etc/config", "gofax/journal/1-000000005"], kind):
                site.run(name, f"all are {kind}s")


@contextmanager
def exchanged_all(site: Site, names: list[str], kind: str) -> Iterator[None]:
    if not names:
        yield
        return
    with site.exchanged(names[0], kind) as done, exchanged_all(site, names[1:], kind):
        assert done
        yield


def test_a_directory_that_changes_while_root_writes_the_counters(make_site: Callable[[str], Site]) -> None:
    """gofax is now a link to a directory of root's, now the directory itself."""
    site = make_site(FAX_USER)
    gofax, link = os.path.join(site.spool, "gofax"), os.path.join(site.spool, "gofax.link")
    over = os.path.join(site.run_dir.path, "over")
    changer = os.fork()
    if changer == 0:
        try:
            os.setresgid(site.owner.pw_gid, site.owner.pw_gid, site.owner.pw_gid)
            os.setresuid(site.owner.pw_uid, site.owner.pw_uid, site.owner.pw_uid)
            os.symlink(site.roots, link)
            while not os.path.exists(over):
                for old, new in ((gofax, gofax + ".was"), (link, gofax), (gofax, link), (gofax + ".was", gofax)):
                    with suppress(OSError):
                        os.rename(old, new)
        finally:
            os._exit(0)
    try:
        for _ in range(15):
            site.run("metrics", "gofax changes")
    finally:
        Path(over).touch()
        os.waitpid(changer, 0)
