"""``python -m bench.compare BASE [FIGURE...]``: this checkout against an earlier revision, measured in turn.

One run of either, then again, so that what else the machine does meanwhile meets both.  Printed are a JSON line per
reading and run, and a table of the medians.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from bench.__main__ import choose
from bench.figure import Figure, Reading
from bench.measure import median
from bench.site import Site
from bench.table import aligned, number
from rig.install import CHECKOUT
from rig.rundir import RigError

PARTS = ("bin", "lib", "fs_scripts", "dialplan", "conf")
BASE, HERE = "base", "here"
_HEAD = ("figure", "unit", BASE, HERE, "change", "ratio " + BASE, "ratio " + HERE)

Found = dict[tuple[str, str], list[Reading]]
"""Readings by name and side, one for each round."""


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line.  The status is 1 if no figure could be taken on both sides."""
    parser = argparse.ArgumentParser(prog="bench.compare", description="Measures two revisions in turn.")
    parser.add_argument("base", metavar="BASE", help="the git revision to compare with")
    parser.add_argument("figures", nargs="*", metavar="FIGURE", help="names of figures; all of them without any")
    parser.add_argument("--rounds", type=int, default=3, help="how often each side is measured (3)")
    parser.add_argument("--quick", action="store_true", help="only look whether each figure can be taken")
    options = parser.parse_args(arguments)
    chosen = choose(options.figures)
    with checkout_of(options.base) as base, Site.open(base, options.quick) as before, Site.open(quick=options.quick) as now:
        found: Found = {}
        for figure in chosen:
            for _ in range(1 if options.quick else options.rounds):
                for side, site in ((BASE, before), (HERE, now)):
                    for reading in _taken(figure, site, side):
                        print(figure.line(reading, revision=side), flush=True)
                        found.setdefault((reading.name, side), []).append(reading)
    rows = list(compared(found))
    print("\n" + aligned([_HEAD, *rows], right={2, 3, 4, 5, 6}))
    return 0 if rows else 1


@contextmanager
def checkout_of(revision: str) -> Iterator[str]:
    """The project as it is in ``revision``, in a directory of its own.  Raises RigError for a revision that is none."""
    with tempfile.TemporaryDirectory(prefix="gofaxpy-base-") as directory:
        archive = os.path.join(directory, "base.tar")
        # the checkout may belong to somebody else than root, who runs this
        git = ["git", "-c", f"safe.directory={CHECKOUT}", "-C", CHECKOUT, "archive", "-o", archive, revision, "--", *PARTS]
        done = subprocess.run(git, stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            raise RigError(f"revision {revision!r} cannot be taken out: {done.stderr.strip()}")
        subprocess.run(["tar", "-x", "-f", archive, "-C", directory], check=True)
        os.unlink(archive)
        yield directory


def compared(found: Mapping[tuple[str, str], Sequence[Reading]]) -> Iterator[tuple[str, ...]]:
    """One row of the table for each reading that both sides have."""
    for name in dict.fromkeys(name for name, _ in found):
        base, here = found.get((name, BASE)), found.get((name, HERE))
        if not base or not here:
            continue
        before, now = median([one.value for one in base]), median([one.value for one in here])
        change = f"{(now / before - 1) * 100:+.0f} %" if before else ""
        yield name, base[0].unit, number(before), number(now), change, _ratio(base), _ratio(here)


def _ratio(readings: Sequence[Reading]) -> str:
    ratios = [one.ratio for one in readings if one.ratio is not None]
    return number(median(ratios)) if ratios else ""


def _taken(figure: Figure, site: Site, side: str) -> list[Reading]:
    """The readings of one run; none, with a word on standard error, where the revision does not go with this benchmark."""
    try:
        return list(figure.measure(site, figure.few if site.quick else figure.n))
    except (RigError, AssertionError, TimeoutError, OSError) as error:
        print(f"bench: {figure.name} could not be taken on {side}: {error}", file=sys.stderr)
        return []


if __name__ == "__main__":
    sys.exit(main())
