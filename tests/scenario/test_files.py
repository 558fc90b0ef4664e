"""What FreeSWITCH and our programs leave in their directories after faxes both ways: whose it is, and who may read it.

As shipped: with the umask and the directory modes of conf/systemd/freeswitch.service.  And as an earlier unit has left it.
"""

from __future__ import annotations

import fnmatch
import os
import pwd
import stat
import subprocess
from pathlib import Path

import pytest

from rig.house import House, HouseMaker
from rig.install import DIRECTORY_MODE, UMASK, unit_settings
from rig.receiving import faxrcvd, finished
from rig.rundir import FAX_USER

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="other users' files are looked at")
UUCP = pwd.getpwnam(FAX_USER).pw_uid
NOBODY = 65534
OWN, HYLAFAX, EVERYBODY = 0o600, 0o640, 0o644
# Each file by its path in the run, the most that its mode may be, and what it holds.  The first row that fits counts.
TABLE = (
    ("switch/*freeswitch.xml.fsxml", OWN, "FreeSWITCH's configuration with every password"),
    ("switch/*freeswitch.log*", OWN, "who calls and is called"),
    ("switch/*.db", OWN, "the calls under way, what mod_db remembers"),
    ("switch/*.sqlite", OWN, "the same, on the stand-in"),
    ("switch/*.pid", OWN, "a process number"),
    ("switch/*.port", OWN, "a port"),
    ("switch/far/*", OWN, "what the far ends have received: pages"),
    ("switch/????????-????-*.tif", EVERYBODY, "the test's own: what the far ends send"),
    ("switch/*", OWN, "whatever else FreeSWITCH writes: recordings, certificates"),
    ("spool/recvq/fax*.tif", OWN, "received pages (recv_file_mode)"),
    ("spool/recvq/*", OWN, "numbers, fax files that are set aside"),
    ("spool/docq/doc*;*", OWN, "documents"),
    ("spool/docq/*", EVERYBODY, "the test's own"),
    ("spool/sendq/*", EVERYBODY, "the test's own"),
    ("spool/log/c*", OWN, "what happened in a call"),
    ("spool/log/xferfaxlog", EVERYBODY, "the accounting, as with HylaFAX"),
    ("spool/log/*", OWN, "numbers, what faxrcvd noted"),
    ("spool/status/*", EVERYBODY, "what faxstat shows"),
    ("spool/info/*", EVERYBODY, "what HylaFAX knows of machines"),
    ("spool/gofax/*", OWN, "journal, counters, the last good gofax.yaml"),
    ("spool/FIFO.*", OWN, "orders for modems"),
    ("spool/bin/*", 0o755, "Debian's"),
    ("spool/etc/*", 0o755, "the operator's"),
    ("spool/tmp/*", OWN, "of a moment"),
    ("lock/LCK..*", 0o444, "who has a modem"),
    ("out/gofax.prom", EVERYBODY, "figures, for node_exporter"),
    ("out/gofax.yaml", HYLAFAX, "a configuration with its password"),
)
OF_OTHERS = [row for row in TABLE if row[2].startswith(("the test's own", "Debian's", "the operator's"))]
_GOFAXIP = "[freeswitch]\nsocket = 127.0.0.1:8021\npassword = secret-of-ours\ngateway = default\n"


def used(house: House, document: str) -> None:
    """A fax out, one in, and every command that writes something."""
    faxrcvd(house, "true")
    assert house.gofaxsend(house.job("1000", pages=(1, 1))) == 2
    assert house.switch.place_call("4711", document).answered
    finished(house)
    out = house.run_dir.sub("out")
    Path(house.run_dir.path, "gofax.conf").write_text(_GOFAXIP)
    for words in (
        ("overrides", "set", "1000", "fax_use_ecm", "false"), ("status",), ("metrics",),
        ("metrics", "-o", f"{out}/gofax.prom"), ("import-config", f"{house.run_dir.path}/gofax.conf", "-o", f"{out}/gofax.yaml"),
        ("doctor",), ("report",), ("log", "last"),
    ):
        done = subprocess.run(
            [house.installed.gofaxctl, "-C", house.config, *words], stdin=subprocess.DEVNULL, check=False,
            capture_output=True, env=house.run_dir.environ, umask=0,
        )
        assert done.returncode in (0, 1) and b"Traceback" not in done.stderr, done.stderr


def files(house: House, *parts: str) -> list[str]:
    """Every file below these directories of the run, relative to it."""
    return [
        os.path.relpath(os.path.join(directory, name), house.run_dir.path)
        for part in parts for directory, _, names in os.walk(os.path.join(house.run_dir.path, part)) for name in names
    ]


def test_each_file_is_in_the_table_and_no_more_open_than_it_says(make_house: HouseMaker, document: str) -> None:
    house = make_house({"inbound": {"recv_file_mode": "0600"}})
    used(house, document)
    matched = set()
    for name in files(house, "switch", "spool", "lock", "out"):
        row = next((row for row in TABLE if fnmatch.fnmatch(name, row[0])), None)
        assert row is not None, f"{name} is in no row of the table"
        matched.add(row[0])
        found = os.lstat(os.path.join(house.run_dir.path, name))
        if not stat.S_ISLNK(found.st_mode):
            assert not found.st_mode & 0o777 & ~row[1], f"{name} has mode {found.st_mode & 0o777:o}, not {row[1]:o}: {row[2]}"
        if row not in OF_OTHERS:
            assert found.st_uid == (0 if name.startswith("out/") else UUCP), name
    assert {row[0] for row in TABLE[:2]} | {"spool/recvq/fax*.tif", "spool/gofax/*", "spool/log/c*", "out/gofax.yaml"} <= matched


def readable(directory: str) -> list[str]:
    """What user nobody can read below a directory, as he finds it; in a process of his."""
    done = subprocess.run(
        ["find", directory, "-type", "f", "-readable"], user=NOBODY, group=NOBODY, extra_groups=(), capture_output=True,
        text=True, check=False,
    )
    return done.stdout.split()


@pytest.mark.parametrize("umask", [UMASK, 0o022])
def test_a_local_user_reads_nothing_of_what_freeswitch_writes(make_house: HouseMaker, document: str, umask: int) -> None:
    """Also where an earlier unit had another umask: the directories are closed when FreeSWITCH is started."""
    house = make_house({}, umask=umask)
    used(house, document)
    names = files(house, "switch")
    assert any(name.endswith("freeswitch.xml.fsxml") for name in names)
    os.chmod(house.switch.directory, 0o755)
    for name in names:
        if fnmatch.fnmatch(name, "switch/????????-????-*.tif"):
            os.unlink(os.path.join(house.run_dir.path, name))
    assert bool(readable(house.switch.directory)) == (umask == 0o022), "this test would see nothing"
    os.chmod(house.switch.directory, DIRECTORY_MODE)        # what systemd does at a start (systemd.exec(5))
    assert readable(house.switch.directory) == []


def test_the_unit_closes_each_directory_that_it_has_made() -> None:
    unit = dict(unit_settings())
    assert unit["UMask"] == "0077"
    made = {f"{kind}Directory" for kind in ("State", "Logs", "Cache", "Runtime", "Configuration")}      # systemd.exec(5)
    kinds = [name for name in unit if name in made]
    assert len(kinds) == 4
    for kind in kinds:
        assert int(unit[f"{kind}Mode"], 8) & 0o007 == 0, kind
