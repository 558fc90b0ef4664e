"""``python -m bench``: takes figures and prints them, as lines of JSON and as a table."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from bench.figure import Figure, Reading
from bench.figures import TABLE
from bench.site import Site
from bench.table import table
from rig.install import CHECKOUT


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line.  The status is 0 when every figure could be taken, whether or not it meets its target."""
    parser = argparse.ArgumentParser(prog="bench", description="Takes the project's figures.")
    parser.add_argument("figures", nargs="*", metavar="FIGURE", help="names of figures; all of them without any")
    parser.add_argument("--quick", action="store_true", help="only look whether each figure can be taken")
    parser.add_argument("--list", action="store_true", help="show the names and end")
    parser.add_argument("--checkout", default=CHECKOUT, metavar="DIR", help="whose project is measured")
    options = parser.parse_args(arguments)
    if options.list:
        print("\n".join(f"{figure.name:12} {figure.title}" for figure in TABLE))
        return 0
    chosen = choose(options.figures)
    rows: list[tuple[Figure, Reading]] = []
    with Site.open(options.checkout, options.quick) as site:
        for figure in chosen:
            for reading in figure.measure(site, figure.few if options.quick else figure.n):
                print(figure.line(reading), flush=True)
                rows.append((figure, reading))
    print(f"\n{table(rows)}")
    return 0


def choose(names: Sequence[str]) -> list[Figure]:
    """The figures of these names, in the table's order; all that can be taken on this machine, without any names.

    Ends the program for a name that is none.
    """
    unknown = set(names) - {figure.name for figure in TABLE}
    if unknown:
        raise SystemExit(f"bench: no figure is called {', '.join(sorted(unknown))}; see --list")
    return [figure for figure in TABLE if (figure.name in names if names else figure.available())]


if __name__ == "__main__":
    sys.exit(main())
