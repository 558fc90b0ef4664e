"""gofaxsend: how fast it starts, what it takes, and that it copies nothing that need not be copied.

The real program, started by exec as faxq starts it (``inside/launcher.py``), each start next to one of the bare
interpreter that every program in Python is at least.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from bench.figure import Reading
from bench.measure import median
from bench.site import Site
from rig.house import House
from rig.install import SYSTEM_PYTHON
from rig.ports import Port
from rig.rundir import FAX_USER, RigError

BARE = (SYSTEM_PYTHON, "-I", "-c", "pass")
AGAINST_BARE = "bare python3 -I -c pass"
PAGES = 3

Run = Mapping[str, float]


def start(site: Site, n: int) -> Iterator[Reading]:
    """exec → first byte to the event socket, and → the order to place the call.

    The least of n starts on either side: what a start takes is fixed, everything above it is the machine's other work.
    """
    with site.house(modems=2) as house:
        ours, bare = _starts(house, n)
    first, wall = [run["first"] * 1e3 for run in ours], [run["wall"] * 1e3 for run in bare]
    yield Reading("gofaxsend_start", min(first), "ms", n, min(wall), AGAINST_BARE)
    yield Reading("gofaxsend_start_median", median(first), "ms", n, median(wall), AGAINST_BARE)
    used, bare_used = [run["cpu_first"] * 1e3 for run in ours], [run["cpu"] * 1e3 for run in bare]
    yield Reading("gofaxsend_start_cpu", median(used), "ms", n, median(bare_used), AGAINST_BARE)
    # the first byte may come early and say little: this is when FreeSWITCH is told to call
    order, used = [run["order"] * 1e3 for run in ours], [run["cpu_order"] * 1e3 for run in ours]
    yield Reading("gofaxsend_order", min(order), "ms", n, min(wall), AGAINST_BARE)
    yield Reading("gofaxsend_order_cpu", median(used), "ms", n, median(bare_used), AGAINST_BARE)


def resident(site: Site, n: int) -> Iterator[Reading]:
    """The most memory gofaxsend has resident, during a whole fax."""
    with site.house(modems=2) as house:
        found = _run(house, [{"argv": _gofaxsend(house, house.job("1000", (PAGES,)))} for _ in range(n)])
        _all_sent(house, found)
    yield Reading(
        "gofaxsend_resident", max(run["resident"] for run in found) / 1024, "MiB", n, _bare_resident() / 1024, AGAINST_BARE
    )


def cpu(site: Site, n: int) -> Iterator[Reading]:
    """CPU per fax, whole process, at the speed of a real line: waiting costs CPU, too, if it is done badly."""
    speed: object = "max" if site.quick else 1
    with site.house(modems=2, speed=speed) as house:
        # at once: CPU time does not mind company, and a page takes a minute and a half of real time
        began = time.monotonic()
        ours = wait_for(start_jobs(house, "1000", n))
        seconds = time.monotonic() - began
        _all_sent(house, ours)
        bare = _run(house, [{"argv": BARE}] * (n * 2))
    used = [run["cpu"] * 1e3 for run in ours]
    yield Reading("gofaxsend_cpu_per_fax", median(used), "ms", n, median([run["cpu"] * 1e3 for run in bare]), AGAINST_BARE)
    yield Reading("gofaxsend_fax_seconds", seconds, "s", n)


def copied(site: Site, n: int) -> Iterator[Reading]:
    """Bytes of the document that are copied before dialling, for a job of one document."""
    found, written = [], []
    with site.house(modems=2) as house:
        for _ in range(n):
            job = house.job("1000", (PAGES,))
            size = os.path.getsize(house.sent[job][0])
            with _listener(house) as listener:
                [run] = _run(house, [{"argv": _gofaxsend(house, job, listener.config), "hear": True}], listener.port)
            found.append(run["copied"])
            written.append(run["written"])
    yield Reading("bytes_copied_before_dialling", max(found), "bytes", n, size, "size of the TIFF")
    yield Reading("bytes_written_before_dialling", max(written), "bytes", n, size, "size of the TIFF")


def start_jobs(house: House, number: str, n: int) -> list[subprocess.Popen[str]]:
    """n jobs of one page, all under way at once."""
    jobs = [house.job(number, (1,)) for _ in range(n)]
    return [_launch(house, [{"argv": _gofaxsend(house, job)}]) for job in jobs]


def wait_for(processes: Sequence[subprocess.Popen[str]]) -> list[Run]:
    """What each of them took, when the last one has ended."""
    return [_runs(process)[0] for process in processes]


def launched_copies(house: House, job: int) -> float:
    """Bytes that the start of this job has copied by the time it asks for a call."""
    with _listener(house) as listener:
        [run] = _run(house, [{"argv": _gofaxsend(house, job, listener.config), "hear": True}], listener.port)
    return run["copied"]


# -- below


@dataclass(frozen=True, slots=True)
class _Listener:
    """A port for the launcher's event socket, and a configuration that leads gofaxsend there instead of to the switch."""

    port: int
    config: str


@contextmanager
def _listener(house: House) -> Iterator[_Listener]:
    port = Port()
    try:
        with open(house.config, encoding="utf-8") as file:
            text = file.read()
        config = os.path.join(house.run_dir.path, "listener.yaml")
        with open(config, "w", encoding="utf-8") as file:
            file.write(text.replace(f"port: {house.switch.esl_port}\n", f"port: {port.number}\n"))
        os.chmod(config, 0o644)
        yield _Listener(port.number, config)
    finally:
        port.release()


def _gofaxsend(house: House, job: int, config: str = "") -> list[str]:
    return [house.installed.gofaxsend, "-C", config or house.config, "-m", "freeswitch0", f"sendq/q{job}"]


def _starts(house: House, n: int) -> tuple[list[Run], list[Run]]:
    """n starts of gofaxsend and n of the bare interpreter, by turns.  The first of either fills the caches."""
    runs: list[dict[str, object]] = []
    with _listener(house) as listener:
        for job in _jobs(house, n + 1):
            runs += [{"argv": BARE}, {"argv": _gofaxsend(house, job, listener.config), "hear": True}]
        found = _run(house, runs, listener.port)
    return found[3::2], found[2::2]


def _jobs(house: House, n: int) -> list[int]:
    """n jobs with a document each: one that is drawn, and copies of it."""
    first = house.job("1000", (PAGES,))
    with open(house.path("sendq", f"q{first}"), encoding="utf-8") as file:
        text = file.read()
    [image] = house.sent[first]
    jobs = [first]
    for _ in range(n - 1):
        house.jobs += 1
        jobs.append(house.jobs)
        old, new = f"doc{first}0", f"doc{house.jobs}0"
        copies = {image.replace(old, new): image}
        qfile = house.path("sendq", f"q{house.jobs}")
        for target, source in copies.items():
            shutil.copyfile(source, target)
            shutil.chown(target, FAX_USER, FAX_USER)
        with open(qfile, "w", encoding="utf-8") as file:
            file.write(text.replace(old, new).replace(f"jobid:{first}\n", f"jobid:{house.jobs}\n"))
        shutil.chown(qfile, FAX_USER, FAX_USER)
    return jobs


def _all_sent(house: House, runs: Sequence[Run]) -> None:
    if any(run["status"] != 2 for run in runs):
        texts = [house.qfile(job)["status"] for job in house.sent]
        raise RigError(f"not every job was sent: {texts}; see {house.switch.log}")


def _run(house: House, runs: Sequence[Mapping[str, object]], port: int = 0) -> list[Run]:
    return _runs(_launch(house, runs, port))


def _launch(house: House, runs: Sequence[Mapping[str, object]], port: int = 0) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [SYSTEM_PYTHON, "-I", "-S", os.path.join(house.installed.tests, "bench", "inside", "launcher.py")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=house.run_dir.environ, text=True,
    )
    assert process.stdin is not None
    plan = {"user": FAX_USER, "cwd": house.spool, "env": house.run_dir.environ, "port": port, "runs": list(runs)}
    process.stdin.write(json.dumps(plan))
    process.stdin.close()
    process.stdin = None
    return process


def _runs(process: subprocess.Popen[str]) -> list[Run]:
    output, _ = process.communicate()
    if process.returncode != 0:
        raise RigError(f"the launcher ended with status {process.returncode}; its messages stand above")
    found: list[Run] = json.loads(output)
    return found


def _bare_resident() -> int:
    """kB of the bare interpreter, by its own account."""
    program = "import sys; sys.stdout.write(open('/proc/self/status').read())"
    status = subprocess.run([SYSTEM_PYTHON, "-I", "-c", program], stdout=subprocess.PIPE, text=True, check=True).stdout
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:"))
