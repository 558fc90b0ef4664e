"""Where figures are taken: the project installed as on a machine of its own, and houses to send and receive in."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from rig import Installed, RunDir, StandIn, gofaxyaml, install
from rig.house import GATEWAYS, House
from rig.install import CHECKOUT
from rig.ports import Port
from rig.rundir import FAX_USER
from rig.spool import make_spool
from rig.switch import make_switch

INSIDE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "inside")
"""Programs that run outside of this process: inside the switch, or with the system's Python."""

MODEMS = 60
FAR_ENDS: tuple[Mapping[str, object], ...] = (
    {"number": "1000", "does": "fax", "ident": "+49 30 FAR"},
    {"number": "[456]...", "does": "loop"},
)
BARE_NUMBER = "5000"
"""Calls to this number are taken by a handler that does nothing of its own (``inside/bench_bare.py``)."""
APPLICATION_NUMBER = "6000"
"""Calls to this number are taken by the dialplan alone."""

_BARE = """\
<include>
  <extension name="bare handler">
    <condition field="destination_number" expression="^5...$">
      <action application="python" data="bench_bare"/>
    </condition>
  </extension>
  <extension name="bare applications">
    <condition field="destination_number" expression="^6...$">
      <action application="answer"/>
      <action application="rxfax" data="{directory}/bare-${{uuid}}.tif"/>
      <action application="hangup"/>
    </condition>
  </extension>
"""


@dataclass
class Site:
    """The project as it is installed from ``checkout``; the tests' own programs are those of this checkout.

    ``quick`` asks for a measurement that only has to work.  A context manager.
    """

    run_dir: RunDir
    installed: Installed
    quick: bool = False

    @classmethod
    @contextmanager
    def open(cls, checkout: str = CHECKOUT, quick: bool = False) -> Iterator[Site]:
        """Installs the project, for the time of the block."""
        with RunDir() as run_dir:
            yield cls(run_dir, _install(run_dir, checkout), quick)

    def inside(self, name: str) -> str:
        """The path of one of the programs in ``inside``."""
        return os.path.join(self.installed.tests, "bench", "inside", name)

    @contextmanager
    def house(
        self, config: Mapping[str, Mapping[str, object]] | None = None, *, modems: int = MODEMS, live: bool = False,
        **options: object,
    ) -> Iterator[House]:
        """A spool and a switch, for the time of the block; ``config`` are sections of gofax.yaml, the rest is the switch's.

        The switch is the stand-in, or with ``live`` the real FreeSWITCH that the environment names.
        """
        with ExitStack() as stack:
            run_dir = stack.enter_context(RunDir())
            port = Port()
            stack.callback(port.release)
            spool, lock_dir = os.path.join(run_dir.path, "spool"), os.path.join(run_dir.path, "lock")
            make_spool(
                spool, lock_dir, sendfaxcmd=self.installed.gofaxsend, sendmail="/bin/true",
                modems=[f"freeswitch{number}" for number in range(modems)],
            )
            yaml = gofaxyaml(
                os.path.join(run_dir.path, "gofax.yaml"), spool=spool, lock_dir=lock_dir, esl_port=port.number,
                modems=modems, overrides=_merged({"inbound": {"answer_after": 0, "wait_time": 0}}, config or {}),
            )
            arguments: dict[str, object] = {"far_ends": FAR_ENDS, "gateways": GATEWAYS, **options}
            make = make_switch if live else StandIn
            switch = make(run_dir, self.installed, gofaxyaml=yaml, port=port, **arguments)  # type: ignore[arg-type]
            stack.callback(switch.stop)
            switch.start()
            house = House(run_dir, self.installed, spool, lock_dir, yaml, switch)
            if options.get("startup_scripts", True):
                house.wait("the modems", lambda: house.spool_has("status", f"freeswitch{modems - 1}"))
            yield house


def _merged(
    first: Mapping[str, Mapping[str, object]], second: Mapping[str, Mapping[str, object]]
) -> dict[str, dict[str, object]]:
    return {name: {**first.get(name, {}), **second.get(name, {})} for name in {**first, **second}}


def _install(run_dir: RunDir, checkout: str) -> Installed:
    """The project of ``checkout`` with the stand-in and the programs of this one."""
    tree = os.path.join(run_dir.path, "tree")
    for part in ("bin", "lib", "fs_scripts", "dialplan", "conf"):
        shutil.copytree(os.path.join(checkout, part), os.path.join(tree, part))
    shutil.copytree(os.path.join(CHECKOUT, "tests", "mocks"), os.path.join(tree, "tests", "mocks"))
    installed = install(run_dir, tree)
    shutil.rmtree(tree)
    shutil.copytree(INSIDE, os.path.join(installed.tests, "bench", "inside"), ignore=shutil.ignore_patterns("__pycache__"))
    for name in os.listdir(INSIDE):
        if name.startswith("bench_"):
            target = installed.scripts if name in ("bench_bare.py", "bench_probe.py") else installed.lib
            shutil.copyfile(os.path.join(INSIDE, name), os.path.join(target, name))
    bare = _BARE.format(directory=run_dir.sub("bare", owner=FAX_USER))
    with open(installed.dialplan, encoding="utf-8") as file:
        dialplan = file.read()
    with open(installed.dialplan, "w", encoding="utf-8") as file:
        file.write(dialplan.replace("<include>\n", bare, 1))
    # FreeSWITCH's own configuration has the dialplan once more, among files that are read in the order of their names
    directory = os.path.join(installed.root, "conf", "freeswitch", "dialplan", "fax")
    if os.path.isdir(directory):
        with open(os.path.join(directory, "00_bare.xml"), "w", encoding="utf-8") as file:
            file.write(f"{bare}</include>\n")
    return installed
