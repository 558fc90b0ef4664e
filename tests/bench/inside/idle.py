"""The supervisor by itself, outside of a switch: real FIFOs, real status files, a switch that has nothing to say.

Arguments: the library's directory, ``ours`` or ``bare``.  GOFAX_CONFIG names the configuration.  Ends when standard input
does.  ``bare`` only waits on as many FIFOs, in the same rhythm: the least that a loop in Python can take.
"""

import glob
import os
import select
import sys
import threading
import types


class _Silence:
    """mod_python3's EventConsumer when nothing happens."""

    def __init__(self, name="", subclass="", size=5000):
        pass

    def bind(self, name, subclass):
        return 1

    def pop(self, block):
        return None


class _Api:
    """mod_python3's API; nobody asks it anything."""

    def execute(self, command, data):
        return "-ERR nobody is here\n"


def ours(library):
    switch = types.ModuleType("freeswitch")
    switch.EventConsumer, switch.API = _Silence, _Api
    switch.consoleLog = lambda level, text: sys.stderr.write(text)
    sys.modules["freeswitch"] = switch
    sys.path.insert(0, library)
    from gofaxpy.supervisor.loop import run
    from gofaxpy.switch.boundary import Api, Events

    run(Events, Api())


def bare(spool):
    fds = [os.open(path, os.O_RDWR | os.O_NONBLOCK) for path in glob.glob(os.path.join(spool, "FIFO.*"))]
    while True:
        select.select(fds, [], [], 0.1)


def main():
    argument, which = sys.argv[1:]
    threading.Thread(target={"ours": ours, "bare": bare}[which], args=(argument,), daemon=True).start()
    sys.stdin.read()
    os._exit(0)


main()
