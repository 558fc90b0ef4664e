"""What all tests share: markers, and the rig's building blocks as fixtures."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator

import pytest

from rig import Installed, RunDir, gofaxyaml, install
from rig.accidents import AccidentTable
from rig.conformance import CONFORMANCE, SWITCH, Recorder
from rig.driven import switches_used
from rig.namespaces import overlays_are_allowed
from rig.ports import Port
from rig.switch import FREESWITCH
from rig.syslog import SyslogSink


def pytest_configure(config: pytest.Config) -> None:
    """Note outcomes for the conformance report where that is wanted.

    And Ctrl-C means to the programs under test what it means at a terminal: a shell that ran us with ``&`` has it ignored, and
    what is ignored is inherited.
    """
    config.pluginmanager.register(AccidentTable())
    if os.environ.get(CONFORMANCE) and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Recorder(os.environ[CONFORMANCE]))
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    directory = RunDir()
    config.add_cleanup(directory.close)
    _nowhere_live(directory)
    if os.geteuid() == 0 and not hasattr(config, "workerinput"):
        syslog = SyslogSink(directory.path)     # of the process that outlives all workers: one /dev/log for them all
        config.add_cleanup(syslog.stop)
        syslog.start()


def _nowhere_live(directory: RunDir) -> None:
    """What a test asks for without naming a file is a configuration with places of its own, never /etc/gofax.yaml."""
    spool, lock_dir = directory.sub("spool"), directory.sub("lock")
    port = Port()
    os.environ["GOFAX_CONFIG"] = gofaxyaml(
        os.path.join(directory.path, "gofax.yaml"), spool=spool, lock_dir=lock_dir, esl_port=port.number
    )
    port.release()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out what this run's switch cannot do, and say so in the totals.

    The switch of the scenarios is a real FreeSWITCH where the environment variable FREESWITCH names one (make live), else
    the stand-in (make test).
    """
    live = bool(os.environ.get(FREESWITCH))
    absent = pytest.mark.skip(reason="needs a real FreeSWITCH: make live FREESWITCH=/prefix")
    for item in items:
        if item.get_closest_marker("live") and not live:
            item.add_marker(absent)
        if live and (marker := item.get_closest_marker("standin")):
            item.add_marker(pytest.mark.skip(reason=f"only on the stand-in: {marker.args[0]}"))


@pytest.fixture(autouse=True)
def switches(record_property: Callable[[str, object], None]) -> Iterator[None]:
    """For the conformance report: on what kind of switch a test has really run."""
    yield
    record_property(SWITCH, switches_used())


@pytest.fixture
def run_dir() -> Iterator[RunDir]:
    """A directory that user uucp can reach; it and all processes of the run are gone after the test."""
    with RunDir() as directory:
        yield directory


@pytest.fixture(scope="session")
def overlays() -> None:
    """Skips tests in a container that does not allow what they need: a writable layer over the machine's own directories."""
    if not overlays_are_allowed():
        pytest.skip("overlays in a mount namespace are not allowed here")


@pytest.fixture(scope="session")
def installed() -> Iterator[Installed]:
    """The project, installed where user uucp can read it, once for all tests of a process."""
    with RunDir() as directory:
        yield install(directory)
