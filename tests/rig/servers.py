"""A second FreeSWITCH beside a house's own, on the same spool: ``freeswitch.servers`` names both."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import yaml

from rig.driven import Switch
from rig.house import FAR_ENDS, GATEWAYS, House
from rig.ports import Port
from rig.rundir import RunDir
from rig.switch import StandIn


@contextmanager
def another_switch(
    house: House, speed: str | float = "max", absent_modules: Sequence[str] = (),
    far_ends: Sequence[Mapping[str, object]] = FAR_ENDS,
) -> Iterator[Switch]:
    """Starts it, a stand-in, and has the house name it after its own.  Ended at the end."""
    with RunDir() as run_dir:
        port = Port()
        other = StandIn(
            run_dir, house.installed, gofaxyaml=house.config, far_ends=far_ends, gateways=GATEWAYS, speed=speed, port=port,
            more={"absent_modules": list(absent_modules)},
        )
        other.start()
        try:
            name_servers(house, house.switch, other)
            yield other
        finally:
            other.close()


def name_servers(house: House, *switches: Switch) -> None:
    """Has ``freeswitch.servers`` of gofax.yaml name these, in this order."""
    set_keys(house.config, "freeswitch", servers=[
        {"host": "127.0.0.1", "port": switch.esl_port, "password": switch.password} for switch in switches
    ])


def set_keys(config: str, section: str, **keys: object) -> None:
    """Changes keys of gofax.yaml, all at once, as an editor does.  The change counts at once: it is dated long ago, in a past of
    its own."""
    with open(config, encoding="utf-8") as file:
        settings = yaml.safe_load(file)
    settings.setdefault(section, {}).update(keys)
    new = f"{config}.new"
    with open(new, "w", encoding="utf-8") as file:
        yaml.safe_dump(settings, file, sort_keys=False)
    os.chmod(new, 0o644)
    when = os.stat(config).st_mtime
    os.utime(new, (1, when - 1 if when < 1e9 else 1e8))
    os.rename(new, config)


def far_files(*switches: Switch) -> list[str]:
    """The files that the far ends of these switches have received, in order of time."""
    found = [
        os.path.join(switch.far, name) for switch in switches if os.path.isdir(switch.far)
        for name in os.listdir(switch.far) if name.endswith(".tif")
    ]
    return sorted(found, key=os.path.getmtime)
