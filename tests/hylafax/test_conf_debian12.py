"""The cure of Debian bug 1076953, on a copy of Debian's files and in mount namespaces of their own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from rig.install import CHECKOUT
from rig.namespaces import mounts_are_allowed

SCRIPT = os.path.join(CHECKOUT, "conf", "systemd", "debian12-workaround")
WRAPPER = "usr/sbin/hylafax_wrapper"
UNIT = "etc/systemd/system/var-spool-hylafax-etc.mount"
# Debian's own, word for word in what matters: the machine may have been cured already.
DEBIANS = """\
#! /bin/sh
readonly name=$(basename $0)
mount -o bind /etc/hylafax /var/spool/hylafax/etc
/usr/lib/hylafax/bin/"$name" "$@"
e=$?
umount /var/spool/hylafax/etc
exit $e
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A system with nothing but dpkg's database and Debian's wrapper, as hylafax-server installs it."""
    root = tmp_path / "root"
    for directory in ("var/lib/dpkg/info", "var/lib/dpkg/updates", "usr/sbin"):
        (root / directory).mkdir(parents=True)
    (root / "var/lib/dpkg/status").touch()
    upgrade(root, DEBIANS, "1")
    return root


def upgrade(root: Path, wrapper: str, version: str) -> None:
    """Installs a hylafax-server that has only the wrapper, with dpkg."""
    tree = root.parent / f"package{version}"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "usr/sbin").mkdir(parents=True)
    (tree / WRAPPER).write_text(wrapper)
    (tree / WRAPPER).chmod(0o755)
    control = f"Package: hylafax-server\nVersion: {version}\nArchitecture: all\nMaintainer: nobody <n@example.com>\n"
    (tree / "DEBIAN/control").write_text(control + "Description: the wrapper\n")
    package = f"{tree}.deb"
    subprocess.run(["dpkg-deb", "--build", "--root-owner-group", str(tree), package], check=True, capture_output=True)
    command = ["dpkg", f"--root={root}", "--force-not-root", "--log=/dev/null", "--install", package]
    subprocess.run(command, check=True, capture_output=True)


def run(root: Path, *arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        [SCRIPT, "--root", str(root), *arguments], capture_output=True, text=True, check=False, env={"PATH": os.environ["PATH"]}
    )
    assert done.stderr == ""
    return done.returncode, done.stdout


def test_it_tells_whether_it_is_needed(root: Path) -> None:
    status, text = run(root, "--check")
    assert status == 1 and "needed: /usr/sbin/hylafax_wrapper" in text
    run(root)
    assert run(root, "--check") == (0, "debian12-workaround: the cure is in place\n")


def test_a_wrapper_that_mounts_nothing_is_left_alone(root: Path) -> None:
    upgrade(root, DEBIANS.replace("mount -o", "# mount -o").replace("umount", "# umount"), "2")
    before = (root / WRAPPER).read_bytes()
    assert run(root)[0] == 0
    assert (root / WRAPPER).read_bytes() == before and not (root / UNIT).exists()


def test_the_cure_may_be_repeated_and_survives_an_update(root: Path) -> None:
    run(root)
    first = (root / WRAPPER).read_text()
    assert not re.search(r"^[^#]*mount", first, re.M) and "/usr/lib/hylafax/bin/" in first
    assert run(root)[0] == 0
    upgrade(root, DEBIANS + "# newer\n", "2")
    assert (root / WRAPPER).read_text() == first
    assert (root / f"{WRAPPER}.debian").read_text().endswith("# newer\n")
    assert os.access(root / WRAPPER, os.X_OK)


def test_it_can_be_taken_back(root: Path) -> None:
    run(root)
    assert run(root, "--undo")[0] == 0
    assert (root / WRAPPER).read_text() == DEBIANS
    assert not (root / f"{WRAPPER}.debian").exists() and not (root / UNIT).exists()
    assert list((root / "etc/systemd/system/multi-user.target.wants").iterdir()) == []
    assert run(root, "--undo")[0] == 0
    assert run(root, "--check")[0] == 1


def test_it_says_where_there_is_no_hylafax(tmp_path: Path) -> None:
    done = subprocess.run([SCRIPT, "--root", str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "is hylafax-server installed?" in done.stderr


def test_the_unit_is_one_that_systemd_understands(root: Path) -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("there is no systemd-analyze on this machine")
    run(root)
    done = subprocess.run(["systemd-analyze", "verify", str(root / UNIT)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


# A machine of our own: directories in place of /etc/hylafax and of the spool, and a service with a mount namespace and a
# bind mount of its own, as systemd makes it for BindPaths=.  faxcron runs another such command, as the real one does.
_MACHINE = r"""
set -e
mount --make-rprivate /
mount -t tmpfs none "$1"; mount --make-shared "$1"
mkdir "$1/hylafax" "$1/spool" "$1/spool/etc" "$1/bin" "$1/sbin"; echo cache > "$1/hylafax/setup.cache"
sed -e "s@/etc/hylafax@$1/hylafax@; s@/var/spool/hylafax@$1/spool@; s@/usr/lib/hylafax/bin@$1/bin@" "$2" > "$1/sbin/faxcron"
cp "$1/sbin/faxcron" "$1/sbin/recvstats"
printf '#!/bin/sh\nexec "%s/sbin/recvstats"\n' "$1" > "$1/bin/faxcron"; printf '#!/bin/sh\n' > "$1/bin/recvstats"
chmod 755 "$1"/sbin/* "$1"/bin/*
[ -z "$3" ] || mount --bind "$1/hylafax" "$1/spool/etc"
unshare -m --propagation slave sh -c 'mount --bind "$0/hylafax" "$0/spool/etc"; echo up > "$0/up"
    while [ ! -e "$0/stop" ]; do sleep 0.05; done; ls "$0/spool/etc" > "$0/service"' "$1" &
while [ ! -e "$1/up" ]; do sleep 0.05; done
"$1/sbin/faxcron" || :
for _ in 1 2 3 4 5 6; do "$1/sbin/recvstats" & done
sleep 1
> "$1/stop"; wait
cat "$1/service"; echo "machine: $(ls "$1/spool/etc")"
"""


def machine(tmp_path: Path, wrapper: Path, permanent: str = "") -> str:
    """What a service, then the machine, find in the spool's etc after faxcron and several commands at once."""
    if not mounts_are_allowed():
        pytest.skip("mount namespaces are not allowed here")
    directory = tmp_path / "machine"
    directory.mkdir()
    command = ["unshare", "-m", "sh", "-c", _MACHINE, "machine", str(directory), str(wrapper), permanent]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("permanent", ["", "permanent"])
def test_debians_wrapper_takes_the_configuration_away_from_a_service(root: Path, permanent: str) -> None:
    assert machine(root.parent, root / WRAPPER, permanent).startswith("machine:")


def test_after_the_cure_the_services_keep_their_configuration(root: Path) -> None:
    run(root)
    assert machine(root.parent, root / WRAPPER, "permanent") == "setup.cache\nmachine: setup.cache\n"
