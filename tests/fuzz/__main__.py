"""``make fuzz TIME=seconds``: every target for its share of the time, on all cores, and a table of what came of it.

With atheris (a wheel for CPython 3.11 on x86_64; ``make fuzz`` installs it where there is one) inputs are guided by
coverage, else they are Hypothesis'.  What was found is left in ``build/fuzz/<target>/``; a violation's input belongs into
``tests/fuzz/corpus/<target>/`` once its cause is mended.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from fuzz.ground import PLACE, fast_place
from fuzz.targets import TARGETS, Target

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FOUND = os.path.join(ROOT, "build", "fuzz")
_INPUTS = re.compile(r"^(?:inputs|stat::number_of_executed_units:) +(\d+)$|^Done (\d+) runs", re.M)


@dataclass(frozen=True, slots=True)
class Result:
    target: Target
    engine: str
    inputs: int
    violations: int
    output: str


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--time", type=float, default=300, help="seconds in all (300)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="targets at once")
    parser.add_argument("targets", nargs="*", help="names; all if none is given")
    options = parser.parse_args(argv)
    chosen = [TARGETS[name] for name in options.targets or TARGETS]
    engine = "atheris" if importlib.util.find_spec("atheris") else "hypothesis"
    runs = [(target, engine, False) for target in chosen] + [(target, "hypothesis", True) for target in chosen if target.embedded]
    share = max(options.time * options.jobs / len(runs), 1.0)
    with tempfile.TemporaryDirectory(prefix="gofaxpy-fuzz-", dir=fast_place()) as place, ThreadPoolExecutor(options.jobs) as pool:
        os.environ[PLACE] = place       # libFuzzer ends its process without a chance to clean up
        results = list(pool.map(lambda run: _run(run[0], run[1], run[2], share), runs))
    for result in results:
        if result.violations:
            print(f"== {result.target.name}\n{result.output[-3000:]}\n")
    print(table(results))
    return 1 if any(result.violations for result in results) else 0


def _run(target: Target, engine: str, embedded: bool, seconds: float) -> Result:
    corpus = os.path.join(FOUND, target.name)
    command = [sys.executable, "-m", "fuzz.run", target.name, str(seconds), "--engine", engine, "--corpus", corpus]
    ended = subprocess.run(
        command + ["--embedded"] * embedded, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        timeout=seconds * 3 + 120, check=False, text=True, errors="backslashreplace",
    )
    found = [first or second for first, second in _INPUTS.findall(ended.stdout)]
    return Result(
        target, engine + " 240" * embedded, max(map(int, found), default=0), int(ended.returncode != 0 or not found), ended.stdout
    )


def table(results: list[Result]) -> str:
    """What was tried and what it broke; ``240``: under the limits of the interpreter inside FreeSWITCH."""
    lines = [f"{'target':<14}{'engine':<16}{'inputs':>10}{'violations':>12}  holds"]
    lines += [f"{r.target.name:<14}{r.engine:<16}{r.inputs:>10}{r.violations:>12}  {r.target.holds}" for r in results]
    inputs, violations = sum(r.inputs for r in results), sum(r.violations for r in results)
    return "\n".join([*lines, f"{'all':<14}{'':<16}{inputs:>10}{violations:>12}"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
