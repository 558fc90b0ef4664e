"""What all tests share: markers, and the rig's building blocks as fixtures."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from rig import Installed, RunDir, install


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out what needs a real FreeSWITCH where there is none, and say so in the totals."""
    if os.environ.get("FREESWITCH"):
        return
    absent = pytest.mark.skip(reason="the environment variable FREESWITCH names no FreeSWITCH installation")
    for item in items:
        if item.get_closest_marker("live"):
            item.add_marker(absent)


@pytest.fixture
def run_dir() -> Iterator[RunDir]:
    """A directory that user uucp can reach; it and all processes of the run are gone after the test."""
    with RunDir() as directory:
        yield directory


@pytest.fixture(scope="session")
def installed() -> Iterator[Installed]:
    """The project, installed where user uucp can read it, once for all tests of a process."""
    with RunDir() as directory:
        yield install(directory)
