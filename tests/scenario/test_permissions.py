"""Who can see and change what: secrets and documents, links that lead elsewhere, and programs started as root."""

from __future__ import annotations

import contextlib
import os
import pwd
import stat
import subprocess
from collections.abc import Iterator

import pytest

from rig import Installed, RunDir, gofaxyaml
from rig.house import FAR_ENDS, House, HouseMaker
from rig.pages import make_tiff
from rig.ports import Port
from rig.receiving import faxrcvd, finished
from rig.rundir import FAX_USER
from rig.spool import make_spool
from rig.switch import make_switch
from rig.watching import Watching

RETRY, FAILED, DONE = 0, 1, 2
SECRET = "geheim-9f8e7d"
MAIL = "anna.geheim@example.org"
UUCP = pwd.getpwnam(FAX_USER)
# What everybody may read in a spool, as with HylaFAX itself; nothing is writable for all but tmp.
OPEN = ("status/", "log/xferfaxlog", "info/", "sendq/q", "bin/", "etc/", "log/faxrcvd")
ORIGINALS = ("docq/doc10.tif", "docq/doc11.tif", "docq/doc10.tif.1", "docq/doc11.tif.1")      # the rig's, not ours


@pytest.fixture
def closed_house(run_dir: RunDir, installed: Installed) -> Iterator[House]:
    """A house with a password of its own, whose switch has the most careless umask there is."""
    spool, lock_dir, port = os.path.join(run_dir.path, "spool"), os.path.join(run_dir.path, "lock"), Port()
    make_spool(spool, lock_dir, sendfaxcmd=installed.gofaxsend, sendmail="/bin/true", modems=["freeswitch0"])
    config = gofaxyaml(
        os.path.join(run_dir.path, "gofax.yaml"), spool=spool, lock_dir=lock_dir, esl_port=port.number, password=SECRET,
        overrides={
            "inbound": {"recv_file_mode": "0600", "dynamic_config": "etc/DynamicConfig"},
            "outbound": {"dynamic_config": "etc/DynamicConfigOutgoing"},
        },
    )
    os.chown(config, 0, UUCP.pw_gid)
    os.chmod(config, 0o640)
    switch = make_switch(
        run_dir, installed, gofaxyaml=config, port=port, far_ends=FAR_ENDS, password=SECRET, umask=0, speed=20,
    )
    house = House(run_dir, installed, spool, lock_dir, config, switch)
    for name in ("DynamicConfig", "DynamicConfigOutgoing"):
        house.script(name, f"echo x > log/{name}.$$; sleep 0.2")
    switch.start()
    yield house
    switch.stop()


class Watcher(Watching):
    """Looks at command lines and at modes in the spool all the time: what is there for a moment counts as well."""

    def __init__(self, house: House) -> None:
        super().__init__()
        self._house = house
        self.lines: set[str] = set()
        self.modes: dict[str, int] = {}

    def watch(self) -> None:
        while not self.over.wait(0.01):
            for pid in filter(str.isdigit, os.listdir("/proc")):
                with contextlib.suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as file:
                    self.lines.add(file.read().replace(b"\0", b" ").decode("utf-8", "replace"))
            for directory, names, files in os.walk(self._house.spool):
                for name in (*names, *files):
                    path = os.path.join(directory, name)
                    with contextlib.suppress(OSError):
                        shown = os.path.relpath(path, self._house.spool)
                        self.modes[shown] = self.modes.get(shown, 0) | os.lstat(path).st_mode


def test_secrets_and_documents_are_for_hylafaxs_user_only(closed_house: House, document: str) -> None:
    house = closed_house
    faxrcvd(house, "> log/made-by-faxrcvd; sleep 0.3")
    job = house.job("1000", pages=(1, 2), mailaddr=MAIL, sender="Anna Geheim")
    with Watcher(house) as watcher:
        assert house.gofaxsend(job) == DONE
        assert house.switch.place_call("4711", document).answered
        finished(house)
    seen = "\n".join(watcher.lines)
    assert "bin/faxrcvd recvq/" in seen and "gofaxsend -C" in seen, "the watcher was too slow"
    assert SECRET not in seen and MAIL not in seen
    for path, mode in watcher.modes.items():
        if stat.S_ISLNK(mode) or path == "tmp":
            continue
        assert not mode & 0o022 or path == "tmp", f"{path} could be changed by others: {mode:o}"
        if not stat.S_ISDIR(mode) and not path.startswith(OPEN) and path not in ORIGINALS:
            assert not mode & 0o044, f"{path} could be read by others: {mode:o}"
    assert watcher.modes["gofax"] & 0o077 == 0 and any("joined.tif" in path for path in watcher.modes)
    _secret_nowhere(house)


def test_a_wrong_password_is_told_without_any(closed_house: House) -> None:
    house = closed_house
    other = os.path.join(house.run_dir.path, "other.yaml")
    for password in ("ganz-geheim-123", 20261125):
        gofaxyaml(
            other, spool=house.spool, lock_dir=house.lock_dir, esl_port=house.switch.esl_port, password=password,  # type: ignore[arg-type]
        )
        job = house.job("1000")
        # a number in the place of a text is no configuration: the last good one holds, with the right password
        assert house.gofaxsend(job, "-C", other) == (RETRY if isinstance(password, str) else DONE)
        assert "password" in house.qfile(job)["status"] or isinstance(password, int)
        os.unlink(other)
        assert not _holding(house, str(password))
    _secret_nowhere(house)


def _secret_nowhere(house: House) -> None:
    """The password is in the two configurations, and in no log, no record and no document of ours.

    FreeSWITCH itself keeps all of its configuration beside its log.
    """
    of_the_switch = {"freeswitch.xml.fsxml", "vars.xml" if house.switch.live else "standin.yaml"}
    assert {os.path.basename(path) for path in _holding(house, SECRET)} <= {"gofax.yaml", "gofax.yaml.good", *of_the_switch}


def _holding(house: House, text: str) -> list[str]:
    found = []
    for directory, _, names in os.walk(house.run_dir.path):
        for name in names:
            path = os.path.join(directory, name)
            if stat.S_ISREG(os.lstat(path).st_mode):
                with open(path, "rb") as file:
                    if text.encode() in file.read():
                        found.append(path)
    return found


NAMES = (
    "recvq/fax000000001.tif", "recvq/fax000000002.tif", "log/c000000001", "status/freeswitch0", "info/1000", "info/491000",
    "docq/doc10.tif.1", "gofax/journal/c000000009", "gofax/journal/7-000000009", "gofax/metrics.json",
    "gofax/gofax.yaml.good.new",
)


class Victims:
    """Files of HylaFAX's user that are nobody's business, each with a link to it in the spool."""

    def __init__(self, house: House, names: tuple[str, ...], kind: str) -> None:
        self._house = house
        self.directory = house.run_dir.sub("victims", owner=FAX_USER)
        for name in names:
            self.plant(name, kind)
        self._before = {name: os.stat(os.path.join(self.directory, name)) for name in os.listdir(self.directory)}

    def plant(self, name: str, kind: str) -> None:
        victim, path = os.path.join(self.directory, name.replace("/", "-")), self._house.path(name)
        with open(victim, "w", encoding="ascii") as file:
            file.write("precious")
        os.chown(victim, UUCP.pw_uid, UUCP.pw_gid)
        os.chmod(victim, 0o640)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        (os.symlink if kind == "symbolic" else os.link)(victim, path)
        os.chown(path, UUCP.pw_uid, UUCP.pw_gid, follow_symlinks=False)

    def unharmed(self) -> None:
        """Not written to, not opened to anybody, not removed."""
        for name, before in self._before.items():
            path = os.path.join(self.directory, name)
            now = os.stat(path)
            with open(path, encoding="ascii") as file:
                assert file.read() == "precious", name
            assert (now.st_ino, now.st_mode, now.st_mtime_ns) == (before.st_ino, before.st_mode, before.st_mtime_ns), name


@pytest.mark.parametrize("kind", ["symbolic", "hard"])
def test_links_in_the_spool_lead_nowhere(make_house: HouseMaker, document: str, kind: str) -> None:
    """Links in the place of everything that we make or write, set by somebody who may write into the spool."""
    house = make_house({"inbound": {"allocate_modems": "require"}})
    faxrcvd(house)
    house.wait("the supervisor's directory", lambda: house.spool_has("gofax", "supervisor.lock"))
    os.makedirs(house.path("gofax", "journal"), mode=0o700, exist_ok=True)
    os.makedirs(house.path("gofax", "tmp"), mode=0o700, exist_ok=True)
    for name in ("journal", "tmp"):
        os.chown(house.path("gofax", name), UUCP.pw_uid, UUCP.pw_gid)
    names = NAMES if kind == "hard" else (*NAMES, "log/xferfaxlog")     # what is only added to may have a second name
    victims = Victims(house, names, kind)
    # the directory that a joined document is made in, and one that was left behind
    for name in ("1-000000002", "8-000000008"):
        os.symlink(victims.directory, house.path("gofax", "tmp", name))
        os.utime(house.path("gofax", "tmp", name), (0, 0), follow_symlinks=False)
    os.unlink(house.path("docq", "doc10.tif.1"))
    job = house.job("1000", pages=(1, 2))
    returned = house.gofaxsend(job)
    if returned == RETRY:       # it would have been joined behind the link
        assert "cannot join the documents" in house.qfile(job)["status"]
        returned = house.gofaxsend(job)
    assert returned == DONE
    assert house.switch.place_call("4711", document).answered
    house.wait("faxrcvd", lambda: any(name.startswith("faxrcvd.0") for name in os.listdir(house.path("log"))))
    house.switch.wait_calls_over()
    house.switch.stop()
    house.switch.start()        # which sweeps
    house.wait("the sweep", lambda: not os.listdir(house.path("gofax", "tmp")))
    victims.unharmed()
    fax = house.path("recvq", "fax000000003.tif")
    assert not os.path.islink(fax) and os.path.getsize(fax) > 1000
    if kind == "hard":          # these are made anew, so that the modem's line and what is known of a number go on
        with open(house.path("status", "freeswitch0"), encoding="utf-8") as file:
            assert file.read() == "Running and idle\n"
        assert os.stat(house.path("status", "freeswitch0")).st_nlink == 1


@pytest.mark.parametrize("where", ["docq/other.tif", "recvq/fax000000007.tif"])
def test_a_link_to_a_fax_of_somebody_else_is_not_sent(house: House, where: str) -> None:
    """HylaFAX's user may read it, and the job's owner may not."""
    secret = house.path(where)
    make_tiff(secret, 3)
    os.chown(secret, UUCP.pw_uid, UUCP.pw_gid)
    os.chmod(secret, 0o600)
    job = house.job("1000")
    image = house.path("docq", f"doc{job}0.tif;e1")
    os.unlink(image)
    os.symlink(secret, image)
    assert house.gofaxsend(job) == FAILED
    assert "cannot open the document" in house.qfile(job)["status"]
    assert house.far_received() == [] and house.qfile(job)["totdials"] == "0"


@pytest.mark.parametrize("file", ["docq/../../secret.tif", "/etc/hosts", "docq/.hidden", "../secret.tif", "docq/secret.tif"])
def test_a_document_that_is_not_in_the_spool_is_not_sent(house: House, file: str) -> None:
    """``docq/secret.tif`` is a link to a file of root's: what uucp may not read is not read for it."""
    secret = os.path.join(house.run_dir.path, "secret.tif")
    make_tiff(secret, 3)
    os.chmod(secret, 0o600)
    job = house.job("1000")
    os.symlink(secret, house.path("docq", "secret.tif"))
    with open(house.path("sendq", f"q{job}"), "r+", encoding="utf-8") as qfile:
        text = qfile.read().replace(f"fax:0::docq/doc{job}0.tif;e1", f"fax:0::{file}")
        qfile.seek(0)
        qfile.write(text)
        qfile.truncate()
    assert _as_faxq(house, job) == FAILED
    assert house.far_received() == [] and house.qfile(job)["totdials"] == "0"


_ROOT_BEHIND = """
import os, sys
os.setgroups([]); os.setresgid(0, {0}, {0}); os.setresuid(0, {1}, {1})
os.execv(sys.argv[1], sys.argv[1:])
"""


def _as_faxq(house: House, job: int, *, root: bool = False) -> int:
    """gofaxsend as faxq starts it: uucp in effect, root behind it; or ``root`` altogether, as somebody may try it by hand."""
    words = [house.installed.gofaxsend, "-C", house.config, "-m", "freeswitch0", f"sendq/q{job}"]
    if not root:
        words = ["/usr/bin/python3", "-c", _ROOT_BEHIND.format(UUCP.pw_gid, UUCP.pw_uid), *words]
    return subprocess.run(
        words, cwd=house.spool, env=house.run_dir.environ, check=False, timeout=60, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ).returncode


@pytest.mark.parametrize("root", [False, True])
def test_gofaxsend_is_uucp_for_good_however_it_is_started(make_house: HouseMaker, root: bool) -> None:
    house = make_house({"outbound": {"dynamic_config": "etc/DynamicConfigOutgoing"}})
    house.script("DynamicConfigOutgoing", "grep -E '^(Uid|Gid|Groups)' /proc/self/status > log/ids; umask >> log/ids")
    job = house.job("1000", pages=(1, 1))
    assert _as_faxq(house, job, root=root) == DONE
    with open(house.path("log", "ids"), encoding="ascii") as file:
        uids, gids, groups, umask = [line.split() for line in file]
    assert set(uids[1:]) == {str(UUCP.pw_uid)} and set(gids[1:]) == {str(UUCP.pw_gid)} and "0" not in groups[1:]
    assert umask == ["0077"]
    assert _roots(house) == []


NO_MODEMS = "no modems yet, tried again every 5 s: FreeSWITCH runs as root"


def _text(path: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def _roots(house: House) -> list[str]:
    """What belongs to root in the places where faxes, logs and our own things are."""
    paths = [
        os.path.join(directory, name)
        for part in ("log", "status", "info", "gofax", "recvq", "docq", "sendq")
        for directory, _, names in os.walk(house.path(part)) for name in names if name != "seqf"
    ]
    return [path for path in paths if os.lstat(path).st_uid == 0]


def test_a_switch_that_runs_as_root_takes_and_places_no_calls(make_house: HouseMaker, document: str) -> None:
    """Its files would be lost to HylaFAX, and whoever may write into the spool could have scripts run as root."""
    house = make_house({"inbound": {"dynamic_config": "etc/DynamicConfig"}}, user="root")
    house.script("DynamicConfig", "> log/ran")
    faxrcvd(house, "> log/ran")
    assert house.switch.place_call("4711", document).cause == "NORMAL_TEMPORARY_FAILURE"
    job = house.job("1000")
    assert house.gofaxsend(job) == RETRY
    assert "FreeSWITCH runs as root: run it as uucp" in house.qfile(job)["status"]
    house.wait("the supervisor's complaint", lambda: NO_MODEMS in _text(house.switch.log))
    assert not house.spool_has("log", "ran") and not house.received() and house.far_received() == []
    assert _roots(house) == []
