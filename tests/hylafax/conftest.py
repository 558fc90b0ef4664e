"""Fixtures for tests with Debian's faxq and hfaxd."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest

from rig import PrivateHylaFAX, RunDir
from rig.pages import NORMAL, make_tiff

SenderMaker = Callable[[str], str]


@pytest.fixture
def hylafax(run_dir: RunDir) -> Iterator[PrivateHylaFAX]:
    """A private HylaFAX that is not started yet."""
    with PrivateHylaFAX(run_dir) as private:
        yield private


@pytest.fixture
def make_sender(run_dir: RunDir) -> SenderMaker:
    """Make a SendFaxCmd from the lines of a Python program; ``qfile`` is the job's queue file."""

    def make(program: str) -> str:
        path = os.path.join(run_dir.sub("bin"), "sender")
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"#!/usr/bin/python3 -I\nimport os, sys, time\nqfile = sys.argv[-1]\n{program}\n")
        os.chmod(path, 0o755)
        return path

    return make


@pytest.fixture
def document(run_dir: RunDir) -> str:
    """A three-page TIFF, of the resolution that sendfax asks for by default: faxq need not convert it."""
    path = os.path.join(run_dir.path, "document.tif")
    make_tiff(path, dpi=NORMAL)
    return path
