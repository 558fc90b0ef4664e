"""The configuration file of the stand-in, and its log."""

from __future__ import annotations

from pathlib import Path

import pytest

from mocks.config import ConfigError, FarEnd, from_tree, load
from mocks.switchlog import INFO, WARNING, SwitchLog, level_of


def test_a_file_is_read_with_paths_relative_to_it(tmp_path: Path) -> None:
    path = tmp_path / "standin.yaml"
    path.write_text(
        "event_socket: {port: 8021}\nrun_dir: run\nspeed: 20\nscript_dir: scripts\nenv: {A: 1}\n"
        "gateways: {default: {}, dead: {far_end: dead}, down: {up: false}}\n"
        'far_ends: [{number: "10..", does: fax, cuts: [[1, 0.5]]}, {number: "5.", does: {does: reject, status: 503}}]\n'
    )
    config = load(str(path))
    assert config.run_dir == str(tmp_path / "run")
    assert config.script_dir == str(tmp_path / "scripts")
    assert (config.port, config.speed, config.env) == (8021, 20.0, {"A": "1"})
    assert config.gateways["default"].far_end is None
    assert config.gateways["dead"].far_end == FarEnd(does="dead")
    assert not config.gateways["down"].up
    assert config.far_ends[0].cuts == ((1.0, 0.5),)
    assert (config.far_ends[1].does, config.far_ends[1].status) == ("reject", 503)


def test_speed_max_is_no_factor() -> None:
    assert from_tree({"run_dir": "r", "speed": "max"}, "/").speed is None


@pytest.mark.parametrize(
    ("tree", "complaint"),
    [
        ({}, "run_dir is missing"),
        ({"run_dir": "r", "spead": 1}, "unknown key 'spead'"),
        ({"run_dir": "r", "speed": "fast"}, "speed: 'fast' is not a number"),
        ({"run_dir": "r", "gateways": {"g": {"farend": "dead"}}}, "gateways.g: unknown key 'farend'"),
        ({"run_dir": "r", "far_ends": [{"number": "1", "does": "sing"}]}, r"far_ends\[0\]: does: 'sing'"),
        ({"run_dir": "r", "far_ends": [{"t38": "maybe"}]}, r"far_ends\[0\]: t38: 'maybe'"),
        ({"run_dir": "r", "far_ends": [{"nose": 1}]}, r"far_ends\[0\]: unknown key 'nose'"),
        ({"run_dir": "r", "event_socket": 8021}, "event_socket: must hold keys and values"),
    ],
)
def test_mistakes_are_named_with_their_place(tree: dict[str, object], complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        from_tree(tree, "/")


@pytest.mark.parametrize("text", ["[1, 2", "just text"])
def test_a_file_that_is_no_configuration_is_named(text: str, tmp_path: Path) -> None:
    path = tmp_path / "standin.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"standin\.yaml"):
        load(str(path))


def test_log_lines_carry_level_and_call(tmp_path: Path) -> None:
    log = SwitchLog(str(tmp_path / "freeswitch.log"))
    heard: list[tuple[int, str]] = []
    unsubscribe = log.subscribe(lambda level, text: heard.append((level, text)))
    log.write(INFO, "two\nlines \udcff", "1-2-3")
    unsubscribe()
    log.write(INFO, "unheard")
    log.close()
    lines = (tmp_path / "freeswitch.log").read_bytes().splitlines()
    assert lines[0].startswith(b"1-2-3 ") and lines[0].endswith(b"[INFO] two")
    assert lines[1].endswith(b"[INFO] lines \xff")
    assert heard == [(INFO, "two\nlines \udcff")]


def test_warnings_are_loud(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = SwitchLog(str(tmp_path / "freeswitch.log"))
    log.write(INFO, "quiet")
    log.write(WARNING, "look at \udcff")
    log.close()
    assert "quiet" not in capsys.readouterr().err
    assert "look at" in (tmp_path / "freeswitch.log").read_text("utf-8", "replace")


@pytest.mark.parametrize(("word", "level"), [("debug", 7), ("ERR", 3), ("error", 3), ("9", 7), ("loud", None)])
def test_levels_have_the_names_of_the_switch(word: str, level: int | None) -> None:
    assert level_of(word) == level
