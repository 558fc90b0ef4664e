"""The rules of the house, read from the imports of its files: see docs/architecture.md."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LIBRARY = ROOT / "lib" / "gofaxpy"
# Rooms, lowest floor first: a room may import from floors below its own, and from nowhere else.
FLOORS = (
    {"values", "jsontext", "local", "calls"},
    {"hylafax", "switch"},
    {"commids", "config", "hooks", "transfer"},
    {"journal", "operatorlog", "stations", "drain", "outcome"},
    {"setting", "faxrcvd"},
    {"modems", "outbound", "metrics"},
    {"inbound", "send"},
    {"supervisor", "ctl"},
)
FLOOR = {room: number for number, floor in enumerate(FLOORS) for room in floor}
# What each script inside FreeSWITCH may use.  Scripts are installed apart from the library, so these names stay.
SCRIPTS = {
    "inbound_fax": {"gofaxpy.inbound.answer.answer_fax"},
    "outbound_fax": {"gofaxpy.outbound.call.place_call", "gofaxpy.outbound.call.send_fax"},
    "fax_supervisor": {"gofaxpy.supervisor.loop.run"},
    "gofax": {"gofaxpy.ctl.console.answer"},
}
FOR_ALL_SCRIPTS = {
    "gofaxpy.switch.boundary.Api", "gofaxpy.switch.boundary.Call", "gofaxpy.switch.boundary.Events",
    "gofaxpy.switch.boundary.Reply", "gofaxpy.switch.boundary.log", "gofaxpy.switch.guard.guarded",
}


def name_of(path: Path) -> str:
    parts = path.relative_to(LIBRARY.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in sorted(LIBRARY.rglob("*.py"))}


def imported(path: Path) -> set[str]:
    """The modules, or names in them, that a file imports anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def module_of(name: str) -> str:
    return name if name in MODULES else name.rpartition(".")[0]


ARROWS = {
    name: sorted({module_of(target) for target in imported(path) if target.startswith("gofaxpy.")} - {"gofaxpy"})
    for name, path in MODULES.items()
}


def room(name: str) -> str:
    return name.split(".")[1]


def test_every_room_has_a_floor_and_every_floor_is_lived_in() -> None:
    assert {room(name) for name in MODULES if name != "gofaxpy"} == set(FLOOR)


def test_the_picture_in_the_documents_has_every_room_on_its_floor() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = re.findall(r"^ │ (\d) (.*)│$", text, re.M)
    floors = {int(number): {word.rstrip("/") for word in re.sub(r"\(.*?\)|│", " ", rooms).split()} for number, rooms in rows}
    assert floors == dict(enumerate(FLOORS, start=1))


@pytest.mark.parametrize("name", [name for name in MODULES if name != "gofaxpy"])
def test_imports_go_downwards(name: str) -> None:
    wrong = [f"{name} -> {target}" for target in ARROWS[name]
             if room(target) != room(name) and FLOOR[room(target)] >= FLOOR[room(name)]]
    assert not wrong, f"these imports go up, or across: {wrong}"


def test_no_module_imports_itself_through_others() -> None:
    left = set(MODULES)
    while ground := {name for name in left if not left.intersection(ARROWS[name]) - {name}}:
        left -= ground
    assert not left, f"a circle is among these: {({name: left.intersection(ARROWS[name]) for name in left})}"


def test_hylafax_knows_nothing_of_freeswitch() -> None:
    for name in MODULES:
        if name.startswith("gofaxpy.hylafax."):
            strangers = [target for target in ARROWS[name] if room(target) not in ("hylafax", "values")]
            assert not strangers, f"{name} -> {strangers}"


def test_only_the_boundary_imports_freeswitch() -> None:
    users = [name for name, path in MODULES.items() if any(target.partition(".")[0] == "freeswitch" for target in imported(path))]
    assert users == ["gofaxpy.switch.boundary"]


def test_packages_import_nothing_so_that_gofaxsend_loads_only_what_it_needs() -> None:
    for name, path in MODULES.items():
        if path.name == "__init__.py":
            assert imported(path) <= {"__future__.annotations"}, f"{name}/__init__.py"


def test_a_package_of_one_file_is_none() -> None:
    for package in {path.parent for path in MODULES.values()}:
        assert len(list(package.glob("*.py"))) > 2 or package == LIBRARY, f"{package} has a single module"


@pytest.mark.parametrize("script", sorted((ROOT / "fs_scripts").glob("*.py")), ids=lambda path: path.stem)
def test_scripts_use_what_stays(script: Path) -> None:
    used = {target for target in imported(script) if target.startswith("gofaxpy.")}
    assert used - FOR_ALL_SCRIPTS == SCRIPTS[script.stem]
    for target in used:
        module, _, thing = target.rpartition(".")
        defined = {node.name for node in ast.parse(MODULES[module].read_text(encoding="utf-8")).body
                   if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
        assert thing in defined, target
