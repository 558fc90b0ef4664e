"""The rig: real HylaFAX on a private spool, a switch, documents; for tests and for the demo."""

from rig.hylafax import FINISHED, PrivateHylaFAX
from rig.install import Installed, gofaxyaml, install
from rig.rundir import RigError, RunDir
from rig.spool import JobState, QFile
from rig.switch import Live, PlacedCall, StandIn, Switch

__all__ = [
    "FINISHED",
    "Installed",
    "JobState",
    "Live",
    "PlacedCall",
    "PrivateHylaFAX",
    "QFile",
    "RigError",
    "RunDir",
    "StandIn",
    "Switch",
    "gofaxyaml",
    "install",
]
