"""One target in a process of its own, so that a crash of the interpreter is a result like any other.

``python -m fuzz.run TARGET SECONDS [--engine atheris|hypothesis] [--corpus DIRECTORY] [--embedded]`` prints
``inputs N`` and ends with 0, or shows the violation and ends otherwise.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from fuzz.targets import TARGETS, Target

RECURSION_LIMIT = 240           # of the interpreter inside FreeSWITCH (mod_python3), and the stacks of its threads
STACK = 240 << 10
MAX_LENGTH = 1 << 16


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Tries one target.")
    parser.add_argument("target", choices=sorted(TARGETS))
    parser.add_argument("seconds", type=float)
    parser.add_argument("--engine", choices=("atheris", "hypothesis", "corpus"), default="hypothesis")
    parser.add_argument("--corpus", default="", help="directory for inputs that found something new, and for violations")
    parser.add_argument("--embedded", action="store_true", help="under the limits of FreeSWITCH's interpreter")
    options = parser.parse_args(argv)
    target = TARGETS[options.target]
    if options.engine == "atheris":
        return _atheris(target, options.seconds, options.corpus)
    if options.engine == "corpus":
        return _embedded(lambda: _seeds(target)) if options.embedded else _seeds(target)
    return _embedded(lambda: _hypothesis(target, options.seconds)) if options.embedded else _hypothesis(target, options.seconds)


def _embedded(work: Callable[[], int]) -> int:
    """``work`` in a thread as FreeSWITCH's are.  The limit for recursion is measured from the thread's first call on."""
    result: list[int] = []
    threading.stack_size(STACK)
    thread = threading.Thread(target=lambda: result.append(work()))
    thread.start()
    thread.join()
    return result[0] if result else 1


def _tried(target: Target, data: bytes, limited: bool) -> None:
    if not limited:
        target.check(data)
        return
    before, depth, frame = sys.getrecursionlimit(), 0, sys._getframe()
    while frame.f_back is not None:
        depth, frame = depth + 1, frame.f_back
    sys.setrecursionlimit(depth + RECURSION_LIMIT)
    try:
        target.check(data)
    finally:
        sys.setrecursionlimit(before)


def _seeds(target: Target) -> int:
    """The saved inputs, and each of them with every trick at its front, middle and end."""
    from fuzz.mutation import TRICKS

    tried = 0
    for name, seed in target.seeds():
        for trick in (b"", *TRICKS):
            for at in {0, len(seed) // 2, len(seed)} if trick else {0}:
                tried += 1
                data = seed[:at] + trick + seed[at:]
                try:
                    _tried(target, data, threading.current_thread() is not threading.main_thread())
                except BaseException:
                    print(f"violation: {target.name}, seed {name} with {trick!r} at {at}: {data[:400]!r}", flush=True)
                    raise
    print(f"inputs {tried}", flush=True)
    return 0


def _hypothesis(target: Target, seconds: float) -> int:
    from hypothesis import HealthCheck, Phase, Verbosity, given, settings

    from fuzz.mutation import inputs

    deadline = time.monotonic() + seconds
    tried = [0]
    profile = settings(
        max_examples=500, deadline=None, database=None, verbosity=Verbosity.normal,
        suppress_health_check=list(HealthCheck), phases=(Phase.generate, Phase.shrink),
    )

    @profile
    @given(data=inputs(target))
    def one_round(data: bytes) -> None:
        tried[0] += 1
        _tried(target, data, threading.current_thread() is not threading.main_thread())

    while time.monotonic() < deadline:
        one_round()
    print(f"inputs {tried[0]}", flush=True)
    return 0


def _atheris(target: Target, seconds: float, corpus: str) -> int:
    """Guided by coverage: libFuzzer keeps what reaches new code in ``corpus``.  Never returns where it works."""
    import importlib

    atheris: Any = importlib.import_module("atheris")

    for name in [name for name in sys.modules if name.split(".")[0] in ("gofaxpy", "fuzz") and name != "fuzz.run"]:
        del sys.modules[name]       # loaded without instruments
    with atheris.instrument_imports(include=["gofaxpy"]):
        check = importlib.import_module("fuzz.targets").TARGETS[target.name].check
    words = os.path.join(corpus, ".dictionary")
    os.makedirs(corpus, exist_ok=True)
    from fuzz.mutation import TRICKS

    with open(words, "w", encoding="ascii") as file:
        file.writelines('"' + "".join(f"\\x{byte:02x}" for byte in trick) + '"\n' for trick in TRICKS if len(trick) < 60)
    for name, seed in target.seeds():
        with open(os.path.join(corpus, name), "wb") as kept:
            kept.write(seed)
    atheris.Setup(
        [sys.argv[0], f"-max_total_time={max(int(seconds), 1)}", f"-max_len={MAX_LENGTH}", "-timeout=20", "-rss_limit_mb=1024",
         "-print_final_stats=1", "-verbosity=0", f"-dict={words}", f"-artifact_prefix={corpus}/violation-", corpus],
        check,
    )
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
