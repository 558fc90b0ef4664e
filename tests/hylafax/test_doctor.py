"""gofaxctl doctor finds and names what is wrong: one prepared breakage a row, on a server that is well otherwise.

The server is a real one: Debian's faxq and hfaxd, our send command, and a switch with our scripts, each broken in turn.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from rig import Installed, PrivateHylaFAX, RunDir, gofaxyaml, install
from rig.house import FAR_ENDS, GATEWAYS
from rig.ports import Port
from rig.rundir import FAX_USER
from rig.switch import FREESWITCH, Switch, make_switch, patience

PASSWORD = "not-the-usual-one"
LIVE = bool(os.environ.get(FREESWITCH))
Findings = list[dict[str, str]]


class Site:
    """The server, and what can be done to it.  Whatever a breakage changes is put back after it."""

    def __init__(self, run_dir: RunDir, hylafax: PrivateHylaFAX) -> None:
        self.run_dir = run_dir
        self.hylafax = hylafax
        self.installed: Installed = install(run_dir)
        self.port = Port()
        self.root = run_dir.sub("root")
        self.config = gofaxyaml(
            os.path.join(run_dir.path, "gofax.yaml"), spool=hylafax.spool, lock_dir=hylafax.lock_dir, esl_port=self.port.number,
            password=PASSWORD,
        )
        shutil.chown(self.config, "root", FAX_USER)
        os.chmod(self.config, 0o640)
        hylafax.closed = True
        hylafax.start(self.installed.gofaxsend, 2, env={"GOFAX_CONFIG": self.config})
        self.switch: Switch | None = None
        self._usual = False
        self.usual_switch()

    def usual_switch(self) -> None:
        """Starts the switch anew if it is not the usual one: after all rows that have one of their own."""
        if not self._usual:
            self.start_switch()
            self._usual = True

    def start_switch(self, **options: Any) -> None:
        """The switch anew, with other options than the usual ones.  Skips the test where a real one cannot be so."""
        if LIVE and ("more" in options or any("up" in gateway for gateway in options.get("gateways", {}).values())):
            pytest.skip("only on the stand-in: FreeSWITCH itself would have to be installed differently")
        if self.switch is not None:
            self.switch.kill()
        arguments: dict[str, Any] = {"far_ends": FAR_ENDS, "gateways": GATEWAYS, **options}
        if not LIVE:        # the version is one without known dangers
            arguments["more"] = {"version": "1.11.2", **arguments.get("more", {})}
        self.switch = make_switch(
            self.run_dir, self.installed, gofaxyaml=self.config, port=self.port, password=PASSWORD, **arguments
        )
        self.switch.start()
        began = time.monotonic()
        while "fax_supervisor" in arguments.get("startup_scripts", ("fax_supervisor",)) and not self.supervised():
            if time.monotonic() - began > 10 * patience():
                break       # some rows keep it from starting
            time.sleep(0.05)

    def supervised(self) -> bool:
        """Whether the modems are announced."""
        assert self.switch is not None
        return '"supervisor": true' in self.switch.api("python gofax inside")

    def doctor(self, *words: str) -> Findings:
        """What the command finds."""
        done = subprocess.run(
            [self.installed.gofaxctl, "-C", self.config, "doctor", "--root", self.root, "--json", *words], text=True,
            capture_output=True, check=False, env=self.run_dir.environ, timeout=60 * patience(), stdin=subprocess.DEVNULL,
        )
        assert done.stderr == "" and PASSWORD not in done.stdout, done.stderr
        found: Findings = json.loads(done.stdout)
        assert done.returncode == (1 if any(one["level"] == "problem" for one in found) else 0)
        return found

    # -- ways to break something; each is undone at the end of its block

    @contextlib.contextmanager
    def settings(self, section: str, **keys: object) -> Iterator[None]:
        """Other values in gofax.yaml."""
        with open(self.config, encoding="utf-8") as file:
            tree = yaml.safe_load(file)
        tree[section].update(keys)
        with self.text(self.config, yaml.safe_dump(tree)):
            yield

    @contextlib.contextmanager
    def text(self, path: str, text: str) -> Iterator[None]:
        """Another content of a file, which may not be there yet."""
        self.usual_switch()
        before = None
        with contextlib.suppress(FileNotFoundError), open(path, encoding="utf-8") as file:
            before = file.read()
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        try:
            yield
        finally:
            if before is None:
                os.unlink(path)
            else:
                with open(path, "w", encoding="utf-8") as file:
                    file.write(before)

    @contextlib.contextmanager
    def hylafax_setting(self, tag: str, line: str) -> Iterator[None]:
        """Another line in HylaFAX's config, or none."""
        path = self.hylafax.path("etc", "config")
        with open(path, encoding="utf-8") as file:
            lines = [old for old in file.read().splitlines() if not old.startswith(f"{tag}:")]
        with self.text(path, "\n".join([*lines, line]) + "\n"):
            yield

    @contextlib.contextmanager
    def gone(self, *parts: str) -> Iterator[None]:
        """Without a file or directory of the spool."""
        self.usual_switch()
        path = self.hylafax.path(*parts)
        os.rename(path, path + ".gone")
        try:
            yield
        finally:
            os.rename(path + ".gone", path)

    @contextlib.contextmanager
    def rights(self, path: str, mode: int | None = None, owner: str | None = None) -> Iterator[None]:
        """Another mode or owner."""
        self.usual_switch()
        before = os.stat(path)
        if owner is not None:
            shutil.chown(path, owner)
        if mode is not None:
            os.chmod(path, mode)
        try:
            yield
        finally:
            os.chown(path, before.st_uid, before.st_gid)
            os.chmod(path, before.st_mode & 0o7777)

    @contextlib.contextmanager
    def switch_with(self, **options: Any) -> Iterator[None]:
        """Another switch."""
        self.start_switch(**options)
        self._usual = False
        yield

    def password_file(self, text: str) -> str:
        """A file with a password, for HylaFAX's group."""
        path = os.path.join(self.run_dir.path, "secret")
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"{text}\n")
        shutil.chown(path, "root", FAX_USER)
        os.chmod(path, 0o640)
        return path

    @contextlib.contextmanager
    def readable(self, name: str) -> Iterator[None]:
        """A file that FreeSWITCH has written, as with the umask and the directories of older units."""
        self.usual_switch()
        assert self.switch is not None
        directory = os.path.dirname(self.switch.log)
        with self.rights(self.switch.directory, 0o755), self.rights(directory, 0o755), \
                self.rights(os.path.join(directory, name), 0o644):
            yield

    @contextlib.contextmanager
    def link(self, name: str, target: str) -> Iterator[None]:
        """A symbolic link in the place of a file of the spool."""
        path = self.hylafax.path(name)
        there = os.path.lexists(path)
        with self.gone(name) if there else contextlib.nullcontext():
            os.symlink(target, path)
            try:
                yield
            finally:
                os.unlink(path)

    @contextlib.contextmanager
    def document_of_root(self) -> Iterator[None]:
        """A job's document that only root can read."""
        path = self.hylafax.path("docq", "doc1.tif")
        with self.text(path, "x"), self.rights(path, 0o600):
            yield

    @contextlib.contextmanager
    def faxq_stopped(self) -> Iterator[None]:
        self.usual_switch()
        self.hylafax.stop_faxq()
        try:
            yield
        finally:
            self.hylafax.start_faxq()

    def scripts_without(self, *names: str, **more: str) -> str:
        """A script directory that lacks some, and has others."""
        directory = os.path.join(self.run_dir.path, "scripts" + "-".join(names))
        shutil.copytree(self.installed.scripts, directory, dirs_exist_ok=True)
        for name in names:
            os.unlink(os.path.join(directory, f"{name}.py"))
        for name, text in more.items():
            with open(os.path.join(directory, f"{name}.py"), "w", encoding="utf-8") as file:
                file.write(text)
        return directory

    def library(self, name: str, **texts: str) -> str:
        """A directory for PYTHONPATH with modules of these texts."""
        directory = self.run_dir.sub(name)
        for module, text in texts.items():
            with open(os.path.join(directory, f"{module}.py"), "w", encoding="utf-8") as file:
                file.write(text)
        return directory

    def other_version(self) -> str:
        """A library that differs in its version."""
        directory = os.path.join(self.run_dir.path, "other")
        shutil.copytree(self.installed.lib, directory, dirs_exist_ok=True)
        with open(os.path.join(directory, "gofaxpy", "__init__.py"), "w", encoding="utf-8") as file:
            file.write('__version__ = "9.9"\n')
        return directory

    def other_config(self, spool: str = "") -> str:
        """A second gofax.yaml with the same content, or with another spool."""
        path = shutil.copy(self.config, self.config + ".other")
        if spool:
            with open(path, encoding="utf-8") as file:
                tree = yaml.safe_load(file)
            tree["hylafax"]["spooldir"] = spool
            with open(path, "w", encoding="utf-8") as file:
                yaml.safe_dump(tree, file)
        shutil.chown(path, FAX_USER)
        return path

    def dialplan(self, text: str) -> str:
        path = os.path.join(self.run_dir.path, "other-dialplan.xml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def fake_python(self) -> str:
        """A PATH in which another Python comes first, as a virtual environment's does."""
        directory = self.run_dir.sub("venv")
        with contextlib.suppress(FileExistsError):
            os.symlink("/usr/bin/python3", os.path.join(directory, "python3"))
        return f"{directory}:/usr/bin:/bin"


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with RunDir() as run_dir, PrivateHylaFAX(run_dir) as hylafax:
        made = Site(run_dir, hylafax)
        yield made
        if made.switch is not None:
            made.switch.stop()


Break = Callable[[Site], contextlib.AbstractContextManager[None]]


@dataclass(frozen=True, slots=True)
class Row:
    """A breakage: how it is made, which check must name it, how, and which others may complain of the same."""

    name: str
    made: Break
    check: str
    says: str
    remedy: str
    level: str = "problem"
    others: tuple[str, ...] = ()


SWIG = """
import freeswitch
class API:
    def __init__(self): raise AttributeError("module '_freeswitch' has no attribute 'API_swiginit'")
def runtime(args): freeswitch.API = API
"""
WRAPPER = "#! /bin/sh\nmount -o bind /etc/hylafax {0}/etc\n/usr/lib/hylafax/bin/x\numount {0}/etc\n"
BREAKAGES = (
    Row("a typing error", lambda site: site.settings("outbound", dail="external"), "configuration", "did you mean dial?", "mend"),
    Row("a number without quotes", lambda site: site.settings("outbound", fax_number=4930123), "configuration", 'write "4930123"',
        "mend"),
    Row("a password file for everybody", lambda site: site.settings("freeswitch", servers=[
        {"port": site.port.number, "password_file": "/etc/hostname"}]), "password", "/etc/hostname: everybody", "chmod 640",
        others=("event socket",)),
    Row("a password for everybody", lambda site: site.rights(site.config, 0o644), "password", "every user of this machine",
        "chmod 640", "warning"),
    Row("the password that everybody knows", lambda site: site.settings("freeswitch", servers=[
        {"port": site.port.number, "password_file": site.password_file("ClueCon")}]), "password", "which everybody knows",
        "event_socket_password", "warning", others=("event socket",)),
    Row("a directory of FreeSWITCH's for everybody", lambda site: site.readable("freeswitch.xml.fsxml"),
        "FreeSWITCH's passwords", "freeswitch.xml.fsxml", "chmod o-rwx", "warning"),
    Row("which passwords to change", lambda site: site.readable("freeswitch.xml.fsxml"),
        "FreeSWITCH's passwords", "with its passwords", "that of gateway closed, dead, default, at the provider", "warning"),
    Row("a log for everybody", lambda site: site.readable("freeswitch.log"), "FreeSWITCH's logs", "who calls and is called",
        "UMask=0077", "warning"),
    Row("a spool whose etc/ can be exchanged", lambda site: site.rights(site.hylafax.spool, 0o775, FAX_USER),
        "HylaFAX's programs", "uucp can exchange etc, bin", "chmod 1775", "warning"),
    Row("a spool whose etc/ belongs to uucp", lambda site: site.rights(site.hylafax.path("etc"), owner=FAX_USER),
        "HylaFAX's programs", "uucp can exchange etc", "chown -h root", "warning"),
    Row("a script of uucp's", lambda site: site.rights(site.hylafax.path("bin", "faxrcvd"), owner=FAX_USER),
        "HylaFAX's programs", "bin/faxrcvd", "chown -h root", "warning"),
    Row("a link in the place of the accounting", lambda site: site.link("log/xferfaxlog", "/etc/hostname"), "spool",
        "log/xferfaxlog is no regular file", "see who has put it there"),
    Row("a link in the place of a script", lambda site: site.link("bin/faxrcvd", "/etc/passwd"), "faxrcvd",
        "leads to /etc/passwd", "see who has set this link"),
    Row("a link in the place of the FIFO", lambda site: site.link("FIFO", "/etc/hostname"), "faxq", "is no FIFO", "rm "),
    Row("another password", lambda site: site.settings("freeswitch", servers=[{"port": site.port.number, "password": "wrong"}]),
        "event socket", "refuses the password", "event_socket.conf.xml"),
    Row("nobody on the port", lambda site: site.settings("freeswitch", servers=[{"port": 9, "password": PASSWORD}]),
        "event socket", "127.0.0.1:9", "systemctl status freeswitch"),
    Row("no spool", lambda site: site.settings("hylafax", spooldir=site.root), "spool", "is no HylaFAX spool",
        "correct hylafax.spooldir", others=("setup.cache", "SendFaxCmd", "modem files", "faxq", "faxrcvd")),
    Row("no such user", lambda site: site.settings("hylafax", user="faxman"), "user", "no user faxman", "hylafax.user",
        others=("event socket", "SendFaxCmd", "FreeSWITCH's user")),
    Row("FreeSWITCH runs as another user", lambda site: site.settings("hylafax", user="daemon"), "event socket",
        "is held by uucp", "run FreeSWITCH as hylafax.user", others=("spool", "SendFaxCmd", "FreeSWITCH's user")),
    Row("no recvq", lambda site: site.gone("recvq"), "spool", "recvq missing", "hylafax.spooldir"),
    Row("recvq is root's", lambda site: site.rights(site.hylafax.path("recvq"), owner="root"), "spool", "recvq", "chown -h uucp",
        others=("FreeSWITCH's user",)),
    Row("recvq is read-only", lambda site: site.rights(site.hylafax.path("recvq"), 0o555), "FreeSWITCH's user",
        "may not write to recvq", "run FreeSWITCH as uucp"),
    Row("a document that cannot be read", lambda site: site.document_of_root(), "FreeSWITCH's user", "may not read docq/doc1.tif",
        "run FreeSWITCH as uucp"),
    Row("HylaFAX's configuration is gone (bug 1076953)", lambda site: site.gone("etc", "setup.cache"), "setup.cache",
        "Debian bug 1076953", "debian12-workaround"),
    Row("the wrapper unmounts it (bug 1076953)", lambda site: site.text(
        os.path.join(site.root, "usr/sbin/hylafax_wrapper"), WRAPPER.format(site.hylafax.spool)), "hylafax_wrapper",
        "unmounts", "debian12-workaround", "warning"),
    Row("HylaFAX sends by itself", lambda site: site.hylafax_setting("SendFaxCmd", ""), "SendFaxCmd", "is not set",
        "SendFaxCmd:"),
    Row("SendFaxCmd with arguments", lambda site: site.hylafax_setting(
        "SendFaxCmd", f'SendFaxCmd: "{site.installed.gofaxsend} -v"'), "SendFaxCmd", "has arguments", "SendFaxCmd:"),
    Row("SendFaxCmd is not there", lambda site: site.hylafax_setting("SendFaxCmd", "SendFaxCmd: /usr/bin/gofaxsendd"),
        "SendFaxCmd", "does not exist", "SendFaxCmd:"),
    Row("SendFaxCmd is another program", lambda site: site.hylafax_setting("SendFaxCmd", "SendFaxCmd: /bin/true"), "SendFaxCmd",
        "another program", "SendFaxCmd:"),
    Row("SendFaxCmd does not start", lambda site: site.text(
        os.path.join(site.installed.lib, "gofaxpy", "send", "__init__.py"), "import no_such_thing\n"), "SendFaxCmd",
        "does not start", "-V"),
    Row("batches", lambda site: site.hylafax_setting("MaxBatchJobs", "MaxBatchJobs: 64"), "MaxBatchJobs", "is 64",
        "MaxBatchJobs: 1", "warning"),
    Row("a modem without a file", lambda site: site.gone("etc", "config.freeswitch1"), "modem files",
        "config.freeswitch1 is missing", "touch"),
    Row("another lock directory", lambda site: site.hylafax_setting("UUCPLockDir", "UUCPLockDir: /var/spool/lock"), "lock files",
        "may be used twice", "hylafax.lock_dir"),
    Row("locks cannot be made", lambda site: site.rights(site.hylafax.lock_dir, 0o555, "root"), "lock files",
        "may not make files", "uucp"),
    Row("faxq does not run", lambda site: site.faxq_stopped(), "faxq", "does not run", "systemctl start faxq"),
    Row("faxrcvd cannot be run", lambda site: site.rights(site.hylafax.path("bin", "faxrcvd"), 0o644), "faxrcvd",
        "cannot be executed", "chmod 755"),
    Row("no DynamicConfig", lambda site: site.settings("inbound", dynamic_config="etc/DynamicConfig"), "DynamicConfig",
        "does not exist", "put it there"),
    Row("the disk is full", lambda site: site.settings("inbound", min_free=1 << 20), "disk", "calls are refused", "make room"),
    Row("a gateway nobody knows", lambda site: site.settings("freeswitch", gateways=["default", "nirvana"]), "gateway nirvana",
        "does not know it", "nirvana.xml"),
    Row("a gateway that is down", lambda site: site.switch_with(gateways={"default": {"up": False}}), "gateway default",
        "is down", "sofia status gateway default"),
    Row("no modem in FreeSWITCH", lambda site: site.switch_with(more={"absent_modules": ["mod_spandsp"]}), "modules",
        "mod_spandsp is not loaded", "load mod_spandsp"),
    Row("no mod_db", lambda site: site.switch_with(more={"absent_modules": ["mod_db"]}), "modules", "mod_db is not loaded",
        "load mod_db"),
    Row("no mod_python3", lambda site: site.switch_with(more={"absent_modules": ["mod_python3"]}, startup_scripts=()), "modules",
        "mod_python3 is not loaded", "load mod_python3", others=("scripts",)),
    Row("a dialplan without us", lambda site: site.switch_with(more={"dialplan": site.dialplan(
        '<context name="fax"><extension name="x"><condition><action application="hangup"/></condition></extension></context>')}),
        "dialplan", "go nowhere", "dialplan/gofax.xml"),
    Row("a profile in another context", lambda site: site.switch_with(more={"profile": {"context": "public"}}), "dialplan",
        "no SIP profile has the context fax", "context"),
    Row("session timers", lambda site: site.switch_with(more={"profile": {"enable-timer": "true"}}), "SIP profile fax",
        "session timers are on", "enable-timer", "warning"),
    Row("a time-out for RTP", lambda site: site.switch_with(more={"profile": {"rtp-timeout-sec": "300"}}), "SIP profile fax",
        "rtp-timeout-sec is 300", "page_timeout", "warning"),
    Row("a dangerous version", lambda site: site.switch_with(more={"version": "1.10.12"}), "FreeSWITCH's version", "UDPTL",
        "1.11.2", "warning"),
    Row("an event socket for the whole network", lambda site: site.switch_with(more={"event_socket": {
        "host": "0.0.0.0", "port": site.port.number, "password": PASSWORD}}), "event socket", "from the network", "listen-ip",
        "warning"),
    Row("no supervisor", lambda site: site.switch_with(startup_scripts=()), "supervisor", "does not run", "startup-script"),
    Row("a script that is missing", lambda site: site.switch_with(more={"script_dir": site.scripts_without("inbound_fax")}),
        "scripts", "inbound_fax.py", "copy fs_scripts/inbound_fax.py"),
    Row("no scripts at all", lambda site: site.switch_with(more={"script_dir": site.scripts_without(
        "inbound_fax", "outbound_fax", "fax_supervisor", "gofax")}, startup_scripts=()), "scripts",
        "does not run the script gofax.py", "copy fs_scripts"),
    Row("FreeSWITCH finds no gofaxpy", lambda site: site.switch_with(more={"python_path": [     # nor one that is installed
        site.library("no-gofaxpy", gofaxpy="raise ModuleNotFoundError(\"No module named 'gofaxpy'\", name='gofaxpy')")]},
        startup_scripts=()), "Python in FreeSWITCH", "does not find gofaxpy", "dist-packages"),
    Row("FreeSWITCH has another gofaxpy", lambda site: site.switch_with(more={"python_path": [site.other_version()]}),
        "Python in FreeSWITCH", "has loaded gofax 9.9", "restart FreeSWITCH"),
    Row("FreeSWITCH finds no yaml", lambda site: site.switch_with(more={"python_path": [
        site.library("no-yaml", yaml="raise ModuleNotFoundError(\"No module named 'yaml'\")"), site.installed.lib]},
        startup_scripts=()), "Python in FreeSWITCH", "does not find yaml", "apt install python3-yaml"),
    Row("FreeSWITCH finds no filelock", lambda site: site.switch_with(more={"python_path": [
        site.library("no-filelock", filelock="raise ModuleNotFoundError(\"No module named 'filelock'\")"), site.installed.lib]},
        startup_scripts=()), "Python in FreeSWITCH", "filelock cannot be loaded", "apt install python3-filelock",
        others=("supervisor",)),
    Row("freeswitch.py of another version", lambda site: site.switch_with(
        more={"script_dir": site.scripts_without(break_swig=SWIG)}, startup_scripts=("break_swig",)), "freeswitch.py",
        "is of another version", "the same FreeSWITCH"),
    Row("another Python first in PATH", lambda site: site.switch_with(env={"PATH": site.fake_python()}), "FreeSWITCH's PATH",
        "leads to the Python in", "PATH=/usr/sbin:/usr/bin"),
    Row("FreeSWITCH reads another file", lambda site: site.switch_with(env={"GOFAX_CONFIG": site.other_config()}),
        "configuration", "reads another file", "GOFAX_CONFIG", "warning"),
    Row("FreeSWITCH works in another spool", lambda site: site.switch_with(env={
        "GOFAX_CONFIG": site.other_config(site.run_dir.sub("other-spool"))}), "spool", "FreeSWITCH works in the spool",
        "make hylafax.spooldir in", others=("supervisor",)),
    Row("FreeSWITCH may not read its file", lambda site: site.rights(site.config, 0o600), "configuration", "cannot read it",
        "chown root:uucp", others=("setup.cache",)),
)


def test_there_are_twenty_breakages_and_more() -> None:
    assert len({row.name for row in BREAKAGES}) == len(BREAKAGES) >= 20


def test_a_server_that_is_well_has_nothing_to_be_found(site: Site) -> None:
    site.usual_switch()
    found = site.doctor()
    worth_telling = [one for one in found if one["level"] not in ("ok", "note")]
    if LIVE:        # a FreeSWITCH may be one that has known dangers; it is told of, and that is all
        assert {(one["level"], one["check"]) for one in worth_telling} <= {("warning", "FreeSWITCH's version")}
    else:
        assert worth_telling == []
    assert len(found) >= 18


@pytest.mark.parametrize("row", BREAKAGES, ids=lambda row: row.name)
def test_what_is_broken_is_named_with_its_remedy(site: Site, row: Row) -> None:
    with row.made(site):
        found = site.doctor()
    named = [one for one in found if one["check"] == row.check and row.says in one["text"]]
    assert named, "\n".join(f"{one['level']} {one['check']}: {one['text']}" for one in found if one["level"] != "ok")
    assert named[0]["level"] == row.level and row.remedy in named[0]["remedy"], named
    assert "\n" not in named[0]["text"] + named[0]["remedy"]
    others = {one["check"] for one in found if one["level"] == "problem"} - {row.check, *row.others}
    assert not others, f"{others} complain as well"


def test_a_person_reads_a_line_and_its_remedy(site: Site) -> None:
    with site.gone("etc", "config.freeswitch0"):
        done = subprocess.run(
            [site.installed.gofaxctl, "-C", site.config, "doctor", "--root", site.root, "--quiet"], text=True,
            capture_output=True, check=False, env=site.run_dir.environ,
        )
    assert done.returncode == 1 and done.stderr == ""
    lines = done.stdout.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("XX  modem files: "))
    assert lines[at + 1].startswith("      → touch ")
    assert lines[-1].startswith("1 problem, ") if LIVE else (at, lines[-1]) == (0, "1 problem, 0 warnings")


def test_somebody_else_than_root_is_told_what_he_cannot_see(site: Site) -> None:
    done = subprocess.run(
        [site.installed.gofaxctl, "-C", site.config, "doctor", "--root", site.root, "--json"], text=True, capture_output=True,
        check=False, env=site.run_dir.environ, user=FAX_USER, group=FAX_USER, extra_groups=(),
    )
    assert done.stderr == "" and json.loads(done.stdout)


def test_the_full_examination_sends_a_page(site: Site) -> None:
    site.usual_switch()
    [selftest] = [one for one in site.doctor("--full") if one["check"] == "selftest"]
    assert selftest["level"] == "ok" and "as it was sent" in selftest["text"]
