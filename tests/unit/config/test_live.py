"""The configuration while FreeSWITCH runs, and when it starts with a broken one: no call is lost to a typing error."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gofaxpy.config.keys import Config
from gofaxpy.config.live import SETTLED, ConfigFile, last_good

SECTIONS = "freeswitch: {}\ninbound: {}\noutbound: {}\nlog: {}\n"


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    (tmp_path / "spool").mkdir()
    return tmp_path / "spool"


def write(path: Path, text: str, at: int) -> None:
    """``at``: when the file was last changed."""
    path.write_text(text)
    os.utime(path, (at, at))


def hylafax(spool: Path, modems: object, more: str = "") -> str:
    return f"{SECTIONS}hylafax:\n  spooldir: {spool}\n  modems: {modems}\n{more}"


def test_a_broken_change_leaves_the_last_good_configuration_in_force(tmp_path: Path, spool: Path) -> None:
    path = tmp_path / "gofax.yaml"
    file = ConfigFile(str(path))
    said: list[str] = []
    write(path, hylafax(spool, 7), at=1)
    assert file.current(said.append).hylafax.modems == 7
    assert said == []
    write(path, hylafax(spool, "many"), at=2)
    assert file.current(said.append).hylafax.modems == 7
    assert file.current(said.append).hylafax.modems == 7
    assert said == [
        f'{path}:7: hylafax.modems: "many" is not allowed here; a whole number from 1 to 999',
        f"{path}: the configuration read before stays in force",
    ]
    write(path, hylafax(spool, 9), at=3)
    assert file.current(said.append).hylafax.modems == 9


def test_a_file_that_is_gone_or_cut_off_changes_nothing(tmp_path: Path, spool: Path) -> None:
    path = tmp_path / "gofax.yaml"
    file = ConfigFile(str(path))
    said: list[str] = []
    write(path, hylafax(spool, 7), at=1)
    file.current(said.append)
    for at, text in enumerate(("", SECTIONS), start=2):
        write(path, text, at)
        assert file.current(said.append).hylafax.modems == 7
    path.unlink()
    assert file.current(said.append).hylafax.modems == 7
    assert "hylafax: this section is missing" in " ".join(said) and "No such file" in said[-2]


def test_a_file_that_is_just_being_written_is_left_alone_for_a_moment(tmp_path: Path, spool: Path) -> None:
    path = tmp_path / "gofax.yaml"
    now = 1000.0
    file = ConfigFile(str(path), clock=lambda: now)
    said: list[str] = []
    write(path, hylafax(spool, 7), at=999)
    assert file.current(said.append).hylafax.modems == 7
    write(path, "freeswitch:\n", at=1000)
    assert file.current(said.append).hylafax.modems == 7
    assert said == []
    write(path, hylafax(spool, 8), at=1000)
    now += SETTLED
    assert file.current(said.append).hylafax.modems == 8


def test_a_start_with_a_broken_file_goes_on_with_the_last_good_one(tmp_path: Path, spool: Path) -> None:
    path = tmp_path / "gofax.yaml"
    write(path, hylafax(spool, 7), at=1)
    ConfigFile(str(path)).current(print)
    copy = spool / "gofax" / "gofax.yaml.good"
    assert copy.read_text() == path.read_text() and copy.stat().st_mode & 0o777 == 0o600
    write(path, hylafax(spool, 8, "outbuond: {}\n"), at=2)
    said: list[str] = []
    assert ConfigFile(str(path)).current(said.append).hylafax.modems == 7
    assert "outbuond: no such section; did you mean outbound?" in said[0]
    assert said[-1] == f"{path}: its last good state holds instead, from gofax/gofax.yaml.good in the spool"


def test_without_a_last_good_one_what_is_right_in_the_file_holds(tmp_path: Path, spool: Path) -> None:
    path = tmp_path / "gofax.yaml"
    write(path, hylafax(spool, 8, "  lock_dir: nowhere\n"), at=1)
    said: list[str] = []
    config = ConfigFile(str(path)).current(said.append)
    assert (config.hylafax.modems, config.hylafax.lock_dir) == (8, "/var/lock")
    assert config.inbound == Config().inbound, "calls are answered"
    assert said[-1] == f"{path}: what is right in it holds, and the defaults for the rest"


@pytest.mark.parametrize("text", [None, "a: [", "\0\0\0\0"])
def test_without_any_usable_file_the_defaults_accept_faxes(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "gofax.yaml"
    if text is not None:
        write(path, text, at=1)
    said: list[str] = []
    assert ConfigFile(str(path)).current(said.append) == Config() or last_good("/var/spool/hylafax") is not None
    assert said


def test_a_spool_that_takes_no_copy_is_told_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "gofax.yaml"
    write(path, hylafax(tmp_path / "none", 7), at=1)
    said: list[str] = []
    assert ConfigFile(str(path)).current(said.append).hylafax.modems == 7
    assert "a copy of the configuration cannot be kept there: No such file or directory" in said[0]
    assert not (tmp_path / "none").exists()


def test_the_copy_is_not_written_through_a_link(tmp_path: Path, spool: Path) -> None:
    path, victim = tmp_path / "gofax.yaml", tmp_path / "victim"
    victim.write_text("untouched")
    (spool / "gofax").mkdir()
    (spool / "gofax" / "gofax.yaml.good.new").symlink_to(victim)
    write(path, hylafax(spool, 7), at=1)
    ConfigFile(str(path)).current(lambda text: None)
    assert victim.read_text() == "untouched"
