"""What is made from the code is what the code would make now; the man pages render clean and name every option."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from types import ModuleType

import pytest

from gofaxpy.config.keys import Config, fields_of
from rig.install import CHECKOUT

MANUALS = ("gofaxsend.8", "gofaxctl.8")
NEEDS_MANDOC = pytest.mark.skipif(not shutil.which("mandoc"), reason="there is no mandoc on this machine")


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    spec = importlib.util.spec_from_file_location("reference", os.path.join(CHECKOUT, "docs", "reference.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def manual(name: str) -> str:
    return os.path.join(CHECKOUT, "docs", "man", name)


def rendered(name: str) -> str:
    """A man page as text, in lines that are long enough to keep its words whole."""
    done = subprocess.run(
        ["mandoc", "-Tascii", "-Owidth=300", manual(name)], capture_output=True, text=True, check=True
    )
    return re.sub(".\b", "", done.stdout)


def said_by(program: str, *arguments: str) -> str:
    command = [sys.executable, "-I", os.path.join(CHECKOUT, "bin", program), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("path", ["docs/configuration.md", "docs/migration.md", "docs/man/gofaxctl.8"])
def test_what_is_made_is_as_it_would_be_made_now(reference: ModuleType, path: str) -> None:
    with open(os.path.join(CHECKOUT, path), encoding="utf-8") as file:
        assert file.read() == reference.made()[path], f"{path} is not current: run `make reference`"


def test_every_key_is_explained(reference: ModuleType) -> None:
    said = reference.comments()
    known = {f"{section}.{key}" for section, kind in fields_of(Config).items() for key in fields_of(kind)}
    assert set(said) == known
    assert [name for name, text in said.items() if not text] == [], "conf/gofax.yaml has no comment for these"


@pytest.mark.parametrize("name", MANUALS)
@NEEDS_MANDOC
def test_mandoc_has_nothing_to_complain_of(name: str) -> None:
    done = subprocess.run(["mandoc", "-Tlint", manual(name)], capture_output=True, text=True, check=False)
    complaints = [line for line in done.stdout.splitlines() if "referenced manual not found" not in line]
    assert complaints == []


@pytest.mark.parametrize("name", MANUALS)
def test_groff_renders_them_without_a_warning(name: str) -> None:
    if not shutil.which("groff"):
        pytest.skip("there is no groff on this machine")
    command = ["groff", "-mandoc", "-Tutf8", "-ww", "-z", manual(name)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@NEEDS_MANDOC
def test_gofaxctl_8_has_every_command_and_option_of_the_help() -> None:
    page = rendered("gofaxctl.8")
    words = set(re.findall(r"(?<![\w-])(--?[a-z][\w-]*)", page))
    commands = re.findall(r"^ {4}([a-z][\w-]*) ", said_by("gofaxctl", "--help"), re.M)
    assert "outcomes" in commands
    for command in commands:
        assert f"gofaxctl {command}" in page
        missing = set(re.findall(r"(?<![\w-])(--?[a-z][\w-]*)", said_by("gofaxctl", command, "--help"))) - words
        assert missing == set(), command
    assert set(re.findall(r"^ {3}gofaxctl ([\w-]+)$", page, re.M)) == set(commands)


@NEEDS_MANDOC
def test_gofaxsend_8_has_the_options_that_gofaxsend_takes() -> None:
    from gofaxpy.send.process import UsageError, parse

    synopsis = rendered("gofaxsend.8").split("DESCRIPTION")[0].split("SYNOPSIS")[1]
    options = set(re.findall(r"-([A-Za-z])\b", synopsis))
    for letter in "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ":
        try:
            parse([f"-{letter}", 'tag:"1"', "-m", "freeswitch0", "sendq/q1"])
        except UsageError as error:
            assert "unknown option" not in str(error) or letter not in options, letter
        else:
            assert letter in options, letter
