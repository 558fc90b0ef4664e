"""Small change: the middle, the edge, clocks of other processes."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Sequence


def median(values: Sequence[float]) -> float:
    """The middle one."""
    return float(statistics.median(values))


def percentile(values: Sequence[float], share: float) -> float:
    """The value that ``share`` (0 to 1) of them do not exceed."""
    ordered = sorted(values)
    return float(ordered[min(int(len(ordered) * share), len(ordered) - 1)])


def cpu_seconds(pid: int) -> float:
    """CPU time that a process has used so far, all its threads together, in seconds (the kernel's per-process clock:
    nanoseconds, where /proc/PID/stat has hundredths).  Raises OSError for a process that is gone."""
    return time.clock_gettime((~pid << 3) | 2)


def children_cpu_seconds(pid: int) -> float:
    """CPU time of the children that a process has waited for, in seconds (hundredths; proc(5), cutime and cstime)."""
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")


def resident_kilobytes(pid: int, which: str = "VmRSS") -> int:
    """Resident memory of a process; ``VmHWM`` is the most it ever had."""
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
        for line in file:
            if line.startswith(which + ":"):
                return int(line.split()[1])
    raise ProcessLookupError(f"process {pid} has no {which}")


def fsync_milliseconds(directory: str, n: int = 20) -> list[float]:
    """How long the disk below ``directory`` takes to make a short append durable."""
    path = os.path.join(directory, ".bench-fsync")
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        found = []
        for _ in range(n):
            os.write(fd, b"x" * 200)
            began = time.perf_counter()
            os.fdatasync(fd)
            found.append((time.perf_counter() - began) * 1e3)
        return found
    finally:
        os.close(fd)
        os.unlink(path)
