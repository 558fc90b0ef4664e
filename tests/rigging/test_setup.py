"""The script that installs what `make demo` and `make test` need."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from rig.install import CHECKOUT

ABSENT = "#!/bin/sh\nexit 1\n"
PRESENT = "#!/bin/sh\nprintf installed\n"


@pytest.fixture
def checkout(tmp_path: os.PathLike[str]) -> str:
    """A checkout with nothing but the script and its requirements."""
    rig = os.path.join(tmp_path, "tests", "rig")
    os.makedirs(rig)
    shutil.copy(os.path.join(CHECKOUT, "tests", "rig", "setup.sh"), rig)
    shutil.copy(os.path.join(CHECKOUT, "tests", "requirements.txt"), os.path.join(tmp_path, "tests"))
    return os.fspath(tmp_path)


def run(checkout: str, **commands: str) -> subprocess.CompletedProcess[str]:
    """Run the script with programs of ours in front of the system's."""
    bin_dir = os.path.join(checkout, "bin")
    os.makedirs(bin_dir)
    for name, text in commands.items():
        path = os.path.join(bin_dir, name.replace("_", "-"))
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        os.chmod(path, 0o755)
    return subprocess.run(
        ["/bin/bash", os.path.join(checkout, "tests", "rig", "setup.sh")],
        env={"PATH": f"{bin_dir}:/usr/sbin:/usr/bin:/sbin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_who_cannot_install_packages_is_told_the_command(checkout: str) -> None:
    done = run(checkout, dpkg_query=ABSENT, id="#!/bin/sh\necho 1000\n", sudo=ABSENT)
    assert done.returncode == 1
    assert "only root can install them" in done.stderr
    assert "apt-get install --no-install-recommends ca-certificates python3 " in done.stderr
    assert not os.path.exists(os.path.join(checkout, ".venv"))


def test_sudo_is_used_if_it_asks_for_no_password(checkout: str) -> None:
    sudo = '#!/bin/sh\n[ "$*" = "-n true" ] || printf "%s\\n" "$*" >sudo-called\n'
    done = run(checkout, dpkg_query=ABSENT, id="#!/bin/sh\necho 1000\n", sudo=sudo)
    with open(os.path.join(checkout, "sudo-called"), encoding="ascii") as file:
        assert file.read() == "-n bash tests/rig/setup.sh packages\n"
    assert "still missing after the installation" in done.stderr


def test_packages_that_are_there_are_not_installed_again(checkout: str) -> None:
    apt = "#!/bin/sh\ntouch apt-called\n"
    broken = "#!/bin/sh\nexit 3\n"  # the virtual environment is not what is looked at here
    done = run(checkout, dpkg_query=PRESENT, apt_get=apt, sha256sum=broken)
    assert done.returncode == 3
    assert not os.path.exists(os.path.join(checkout, "apt-called"))


def test_a_system_that_is_not_debian_is_refused(checkout: str) -> None:
    script = os.path.join(checkout, "tests", "rig", "setup.sh")
    tools = os.path.join(checkout, "tools")
    os.makedirs(tools)
    os.symlink("/usr/bin/dirname", os.path.join(tools, "dirname"))
    done = subprocess.run(["/bin/bash", script], env={"PATH": tools}, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "this needs Debian 12 or later" in done.stderr


def test_no_host_of_a_registry_is_named() -> None:
    for name in ("tests/rig/setup.sh", "tests/requirements.txt", "Makefile", "pyproject.toml"):
        with open(os.path.join(CHECKOUT, name), encoding="utf-8") as file:
            assert "://" not in file.read()
