"""What pyproject.toml cannot say: everything that is no Python module goes along by directory, under share/gofaxpy."""

from __future__ import annotations

import glob
import os

from setuptools import setup


def tree(source: str, target: str) -> list[tuple[str, list[str]]]:
    """The files below ``source`` for below ``target``, directory by directory; links are followed."""
    found = []
    for directory, _, names in os.walk(source, followlinks=True):
        place = os.path.normpath(os.path.join(target, os.path.relpath(directory, source)))
        files = [os.path.join(directory, name) for name in sorted(names) if not name.endswith(".pyc")]
        if files:
            found.append((place, files))
    return found


setup(
    scripts=sorted(glob.glob("bin/*")),
    data_files=[
        *tree("fs_scripts", "share/gofaxpy/fs_scripts"),
        *tree("dialplan", "share/gofaxpy/dialplan"),
        *tree("conf", "share/gofaxpy/conf"),
        ("share/doc/gofaxpy", sorted(glob.glob("docs/*.md"))),
        ("share/man/man8", sorted(glob.glob("docs/man/*.8"))),
    ],
)
