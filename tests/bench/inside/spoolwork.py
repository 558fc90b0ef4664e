"""What one fax does to the spool, timed, and then its system calls alone, timed the same way.

Arguments: one JSON object, ``{"library": DIR, "spool": DIR, "twin": DIR, "kind": "sent" or "received", "n": N,
"document": TIFF, "qfile": TEXT}``; GOFAX_CONFIG names a configuration with ``spool`` as its spool.  Standard output: one
JSON object with the seconds of each fax (``ours``) and of each repetition of its calls (``bare``), those of the clock on the wall
and those of the CPU, how many calls there were (``calls``), and how many of them waited for the disk (``durable``).

The library does all it does for a fax except the conversation with the switch, which is a few plain objects here.  Every
second fax is recorded instead of timed; what it asked of the kernel is then done again, in order and on an equal spool.
"""

import builtins
import fcntl
import inspect
import json
import os
import shutil
import stat
import subprocess
import sys
import syslog
import time
import types

UUID = "00000000-0000-4000-8000-00000000000{}"
DONE = 2
DURABLE = ("fsync", "fdatasync")
_OF_OS = """open close read write pread pwrite fsync fdatasync ftruncate fstat stat lstat link unlink rename mkdir rmdir
listdir fchmod chmod posix_fallocate access statvfs symlink readlink""".split()
_ON_DESCRIPTORS = frozenset(
    "close read write pread pwrite fsync fdatasync ftruncate fstat fchmod posix_fallocate flock ioctl".split()
)
PAGE = {
    "fax-image-resolution": "8040x7700", "fax-image-pixel-size": "1728x2292", "fax-encoding-name": "T.6",
    "fax-image-size": "20000", "fax-bad-rows": "0",
}
COMMON = {
    "fax-ecm-used": "on", "fax-t38-status": "off", "fax-transfer-rate": "14400", "fax-remote-station-id": "+49 30 FAR",
    "fax-local-station-id": "+49 30 12340",
}


def main():
    plan = json.loads(sys.argv[1])
    switch = types.ModuleType("freeswitch")
    switch.consoleLog = lambda level, text: level == "err" and sys.stderr.write(text)
    sys.modules["freeswitch"] = switch
    sys.path.insert(0, plan["library"])
    subprocess.Popen = os.posix_spawn = lambda *args, **more: 0     # faxrcvd is no work on the spool
    kind = {"sent": Sent, "received": Received}[plan["kind"]](plan)
    kind.one(kind.prepare())        # loads what is loaded late
    found = {"ours": [], "bare": [], "calls": 0, "durable": 0}
    for _ in range(plan["n"]):
        job = kind.prepare()
        os.sync()
        found["ours"].append(timed(lambda job=job: kind.one(job)))
        kind.tidy()
        job = kind.prepare()
        copy(plan["spool"], plan["twin"])
        calls = recorded(lambda job=job: kind.one(job))
        kind.tidy()
        steps = prepared(calls, plan["spool"], plan["twin"])
        os.sync()
        found["bare"].append(timed(lambda steps=steps: repeat(steps)))
        found["calls"] = len(calls)
        found["durable"] = sum(name in DURABLE for name, *_ in calls)
    print(json.dumps(found))


def timed(work):
    began, used = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - began, time.process_time() - used


# -- the faxes


class Session:
    """The channel of a call, as mod_python3 shows it."""

    def __init__(self, number, fax):
        self.values = {
            "uuid": UUID.format(number), "caller_id_number": "030123456", "caller_id_name": "ACME Corp",
            "sip_to_user": "4711", "destination_number": "4711",
        }
        self._fax = fax
        self._up = True

    def getVariable(self, name):
        return self.values.get(name)

    def setVariable(self, name, value):
        self.values[name] = value or None

    def execute(self, app, data):
        if app in ("rxfax", "txfax"):
            self._fax(self.values)

    def ready(self):
        return self._up

    def hangup(self, cause="NORMAL_CLEARING"):
        self._up = False


class Commands:
    """mod_python3's API."""

    def execute(self, command, data):
        return "+OK Job-UUID: x\n" if command == "bgapi" else ""


class Received:
    """Faxes that come in: the handler of the call, with an rxfax that copies a document into the file it is given."""

    def __init__(self, plan):
        from gofaxpy.calls.registry import CALLS
        from gofaxpy.inbound.answer import answer_fax
        from gofaxpy.switch.boundary import Api, Call

        self._spool = plan["spool"]
        self._answer_fax, self._calls, self._call, self._api = answer_fax, CALLS, Call, Api(Commands())
        with open(plan["document"], "rb") as file:
            self._document = file.read()
        CALLS.attended = True

    def prepare(self):
        return Session(1, self._rxfax)

    def one(self, session):
        with self._call(session, lambda seconds: None) as call:
            self._answer_fax(call, self._api)

    def _rxfax(self, values):
        fd = os.open(values["gofax_document"], os.O_WRONLY)     # SpanDSP's part, on both sides of the comparison
        os.write(fd, self._document)
        os.close(fd)
        values.update({name.replace("-", "_"): value for name, value in {**COMMON, **PAGE, **over(1)}.items()})
        for what, headers in (("negociateresult", COMMON), ("pageresult", {**PAGE, **over(1)}), ("result", over(1))):
            self._calls.take(values["uuid"], f"spandsp::rxfax{what}", headers)

    def tidy(self):
        journal = os.path.join(self._spool, "gofax", "journal")
        for name in os.listdir(journal):
            os.unlink(os.path.join(journal, name))


class Sent:
    """Jobs: gofaxsend's whole attempt, and the scripts' part in it, with a call that goes as it should."""

    def __init__(self, plan):
        from gofaxpy.config.file import load
        from gofaxpy.config.keys import config_path
        from gofaxpy.hylafax import events
        from gofaxpy.hylafax.qfile import QFileHandle
        from gofaxpy.hylafax.sequence import commid
        from gofaxpy.journal import Step
        from gofaxpy.outbound import call as outbound
        from gofaxpy.outcome.causes import Stage
        from gofaxpy.send import job, launch, progress
        from gofaxpy.send.attempt import Attempt
        from gofaxpy.send.call import Progress, Trace
        from gofaxpy.send.connection import Connection
        from gofaxpy.setting import Setting
        from gofaxpy.switch.arguments import encode_args
        from gofaxpy.switch.boundary import Api, Call
        from gofaxpy.switch.faxresult import FaxResult
        from gofaxpy.switch.hangup import CallEnd

        self._plan = plan
        self._handle, self._progress = QFileHandle, Progress
        self._setting = Setting.of(load(config_path()))     # no work in the spool; the figure `cpu` has it
        self._job = job
        self._number = 0
        asked = inspect.signature(job.call_through_gateways).parameters
        self._told = progress.on_progress
        self._made = lambda handle: Attempt(
            self._setting, handle, commid(self._setting.spool), "freeswitch0",
            Connection(self._setting.config.freeswitch, 0, _never),
        )

        def call(*args):
            """In place of ``call_through_gateways``, whose parameters are known by their names."""
            given = dict(zip(asked, args, strict=True))
            attempt, gateways, number = (given[name] for name in ("attempt", "gateways", "number"))
            entry = attempt.entry
            ids = launch.new_ids(gateways[0])
            progress.dialling(attempt, number, gateways[0])
            entry.note(Step.LAUNCHED, **ids.facts(), host="127.0.0.1", port=8021)
            entry.sync()
            order = {"ref": entry.name, "uuid": ids.uuid, "job_uuid": ids.job_uuid, "gateway": ids.gateway}
            reply = outbound.place_call(Api(Commands()), encode_args(order))
            assert reply.startswith("+OK"), reply
            attempt.event(events.job_call_placed(attempt.jobid))
            entry.marks()
            progress.on_progress(attempt, Progress.CONNECTED, {})
            session = Session(1, lambda values: self._txfax(attempt, values))
            session.values["uuid"] = ids.uuid
            with Call(session, lambda seconds: None) as held:
                outbound.send_fax(Api(Commands()), held, entry.name)
            progress.on_progress(attempt, Progress.OVER, over(1))
            entry.marks()
            fax = FaxResult.from_event(over(1))
            return Trace(Stage.CONNECTED, connected_at=time.time() - 30, fax=fax, end=CallEnd.unknown())

        job.call_through_gateways = call

    def prepare(self):
        """A job's files, as faxq leaves them."""
        self._number += 1
        number = str(self._number)
        docs = os.path.join(self._plan["spool"], "docq")
        for name in (f"doc{number}0.tif;e1", f"doc{number}0.tif.{number}"):
            shutil.copyfile(self._plan["document"], os.path.join(docs, name))
        path = os.path.join(self._plan["spool"], "sendq", "q" + number)
        with open(path, "w", encoding="utf-8") as file:
            file.write(self._plan["qfile"].replace("@", number))
        return path

    def one(self, path):
        with self._handle.open(path) as handle:
            handle.qfile.set("returned", 0)
            handle.rewrite()
            returned = self._job.send_job(self._made(handle))
        assert returned == DONE, handle.qfile.get("status")

    def _txfax(self, attempt, values):
        self._told(attempt, self._progress.NEGOTIATED, COMMON)
        self._told(attempt, self._progress.PAGE, {**PAGE, **over(1)})
        values.update({name.replace("-", "_"): value for name, value in {**COMMON, **PAGE, **over(1)}.items()})

    def tidy(self):
        """Nothing is left: the entry went with the attempt."""


def over(pages):
    return {
        **COMMON, "fax-success": "1", "fax-result-code": "0", "fax-result-text": "OK",
        "fax-document-transferred-pages": str(pages), "fax-document-total-pages": str(pages),
    }


def _never():
    return False


# -- system calls


_REAL = {name: getattr(os, name) for name in _OF_OS} | {
    "flock": fcntl.flock, "ioctl": fcntl.ioctl, "syslog": syslog.syslog,
}
_REAL_OPEN, _REAL_FDOPEN = builtins.open, os.fdopen


def restore():
    for name in _OF_OS:
        setattr(os, name, _REAL[name])
    fcntl.flock, fcntl.ioctl, syslog.syslog = _REAL["flock"], _REAL["ioctl"], _REAL["syslog"]
    builtins.open, os.fdopen = _REAL_OPEN, _REAL_FDOPEN


def recorded(work):
    """The calls that ``work`` makes: name, arguments, keywords, and the descriptor that came of it (None for anything else)."""
    calls = []

    def recorder(name):
        real = _REAL[name]

        def call(*args, **more):
            result = None
            try:
                result = real(*args, **more)
                return result
            finally:
                calls.append((name, args, more, result if name == "open" else None))
        return call

    class Whole:
        """A file that is read or written in one go by way of the calls above."""

        def __init__(self, fd, mode):
            self._fd, self._mode = fd, mode

        def __enter__(self):
            return self

        def __exit__(self, *_):
            os.close(self._fd)

        def read(self, size=1 << 20):
            data = os.read(self._fd, size)
            return data if "b" in self._mode else data.decode()

        def readline(self):
            return self.read().partition("\n")[0]

        def write(self, data):
            os.write(self._fd, data if "b" in self._mode else data.encode())

        def truncate(self):
            os.ftruncate(self._fd, os.lseek(self._fd, 0, os.SEEK_CUR))

    def opened(path, mode="r", *args, **more):
        if set(mode) - set("rb"):
            return _REAL_OPEN(path, mode, *args, **more)
        return Whole(os.open(path, os.O_RDONLY | os.O_CLOEXEC), mode)

    for name in _OF_OS:
        setattr(os, name, recorder(name))
    fcntl.flock, fcntl.ioctl, syslog.syslog = recorder("flock"), recorder("ioctl"), recorder("syslog")
    builtins.open, os.fdopen = opened, lambda fd, mode="r", *args, **more: Whole(fd, mode)
    try:
        work()
    finally:
        restore()
    return calls


def prepared(calls, spool, twin):
    """The calls with paths in the twin, ready to be made: function, arguments, keywords, whether the first is a descriptor, and
    the descriptor as it was called when it was recorded."""
    def moved(value):
        return value.replace(spool, twin, 1) if isinstance(value, str) and value.startswith(spool) else value

    return [
        (_link, [more["src_dir_fd"], moved(args[1])], {}, True, result) if more.get("src_dir_fd") is not None else
        (_REAL[name], [moved(value) for value in args], more, name in _ON_DESCRIPTORS, result)
        for name, args, more, result in calls
    ]


def _link(fd, path):
    """Gives an unnamed file its name (open(2), O_TMPFILE)."""
    _REAL["link"](f"/proc/self/fd/{fd}", path, src_dir_fd=fd, follow_symlinks=True)


def repeat(steps):
    held = {}
    for function, args, more, on_descriptor, opened in steps:
        if on_descriptor:
            args[0] = held.get(args[0], -1)
        below = {"dir_fd": held.get(more["dir_fd"], -1)} if more.get("dir_fd") is not None else {}
        try:
            result = function(*args, **{**more, **below})
        except OSError:
            continue        # as it was: a file that is not there, a FIFO that nobody reads
        if opened is not None:
            held[opened] = result


def copy(spool, twin):
    """An equal spool, as far as a fax has to do with it."""
    shutil.rmtree(twin, ignore_errors=True)
    os.mkdir(twin)
    for root, _, names in os.walk(spool):
        place = twin + root[len(spool):]
        os.makedirs(place, exist_ok=True)
        if place == twin + "/bin":
            continue
        for name in names:
            source = os.path.join(root, name)
            if stat.S_ISREG(os.lstat(source).st_mode):
                shutil.copy2(source, os.path.join(place, name))


main()
