"""What opens a file of the spool: nothing but a regular file is opened, and nothing is waited for."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from gofaxpy.hylafax.spool import open_regular, read_start


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _link(path: Path) -> None:
    path.with_name("victim").write_text("precious")
    path.symlink_to(path.with_name("victim"))


def _loop(path: Path) -> None:
    path.symlink_to(path)


def _device(path: Path) -> None:
    path.symlink_to("/dev/tty")


@pytest.mark.parametrize(("make", "says"), [
    (_fifo, "is no regular file"), (_link, "is a symbolic link, and not followed"), (_loop, "is a symbolic link"),
    (Path.mkdir, "Is a directory"),
])
@pytest.mark.parametrize("flags", [os.O_RDONLY, os.O_RDWR | os.O_APPEND])
def test_what_is_no_file_is_not_opened(tmp_path: Path, make: Callable[[Path], None], says: str, flags: int) -> None:
    make(tmp_path / "x")
    before = set(os.listdir("/proc/self/fd"))
    with pytest.raises(OSError) as caught:
        open_regular(str(tmp_path / "x"), flags)
    assert says in str(caught.value.strerror) and caught.value.filename == str(tmp_path / "x")
    assert set(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize("make", [_fifo, _loop, _device])
def test_where_a_link_is_followed_it_must_lead_to_a_file(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "x")
    (tmp_path / "y").symlink_to(tmp_path / "x")
    with pytest.raises(OSError):
        open_regular(str(tmp_path / "y"), follow=True)


def test_a_link_of_an_operator_is_followed_where_that_is_meant(tmp_path: Path) -> None:
    _link(tmp_path / "x")
    assert read_start(str(tmp_path / "x"), 100, follow=True) == b"precious"


def test_no_more_is_read_than_was_asked_for(tmp_path: Path) -> None:
    with open(tmp_path / "x", "wb") as file:
        file.truncate(1 << 40)
    assert read_start(str(tmp_path / "x"), 10) == bytes(10)


def test_a_file_is_reached_from_its_directory(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("here")
    directory = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        tmp_path.rename(tmp_path.with_name("elsewhere"))
        assert read_start("x", 10, dir_fd=directory) == b"here"
    finally:
        os.close(directory)
    fd = open_regular(str(tmp_path.with_name("elsewhere") / "x"))
    assert stat.S_ISREG(os.fstat(fd).st_mode) and not os.get_inheritable(fd)
    os.close(fd)
