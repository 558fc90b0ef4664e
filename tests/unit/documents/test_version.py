"""The version stands in lib/gofaxpy/__init__.py; the build tools read it there."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

from gofaxpy import __version__

ROOT = Path(__file__).parents[3]


def test_no_other_file_spells_the_version_out() -> None:
    texts = [ROOT / name for name in ("pyproject.toml", "Makefile", "setup.py", "README.md", "debian/rules", "debian/control")]
    for directory, pattern in (("lib", "*.py"), ("bin", "*"), ("fs_scripts", "*.py"), ("conf", "*"), ("docs", "*")):
        texts += [path for path in (ROOT / directory).rglob(pattern) if path.is_file() and path.suffix != ".pyc"]
    whole = re.compile(rf"(?<![\w.]){re.escape(__version__)}(?![\w.]*\w)")
    named = {str(path.relative_to(ROOT)) for path in texts if whole.search(path.read_text(encoding="utf-8"))}
    assert named == {"lib/gofaxpy/__init__.py"}


def test_pyproject_reads_it() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert "version" in project["project"]["dynamic"] and "version" not in project["project"]
    assert project["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "gofaxpy.__version__"}


def test_make_reads_it() -> None:
    done = subprocess.run(
        ["make", "-C", str(ROOT), "--no-print-directory", "-s", "-f", "-", "shown"], check=True, capture_output=True, text=True,
        input="include Makefile\nshown:\n\t@echo $(VERSION)\n",
    )
    assert done.stdout == f"{__version__}\n"


def test_the_debian_changelog_agrees() -> None:
    """Its first entry names the version of the package, perhaps with a revision of Debian's (deb-changelog(5))."""
    first = (ROOT / "debian" / "changelog").read_text(encoding="utf-8").partition("\n")[0]
    found = re.fullmatch(r"gofaxpy \(([^()]+)\) \w+; urgency=\w+", first)
    assert found is not None and found[1].partition("-")[0] == __version__, first
