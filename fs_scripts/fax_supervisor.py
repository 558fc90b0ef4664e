"""Owns the virtual modems as long as FreeSWITCH runs: python.conf.xml's ``startup-script``, or ``pyrun fax_supervisor``."""

from gofaxpy.supervisor.loop import run
from gofaxpy.switch.boundary import Api, Events
from gofaxpy.switch.guard import guarded


@guarded("fax_supervisor")
def runtime(args):
    run(Events, Api())
