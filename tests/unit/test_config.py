"""The configuration: defaults, problems with their lines, and what happens when a file in use goes bad."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gofaxpy.config import Config, Server, config_path
from gofaxpy.configfile import ConfigError, ConfigFile, load

ROOT = Path(__file__).parents[2]


def written(tmp_path: Path, text: str) -> str:
    path = tmp_path / "gofax.yaml"
    path.write_text(text)
    return str(path)


def problems(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(written(tmp_path, text))
    return [line.removeprefix(str(tmp_path) + "/") for line in caught.value.problems]


def test_an_empty_file_gives_the_defaults(tmp_path: Path) -> None:
    assert load(written(tmp_path, "")) == Config()


def test_the_shipped_file_shows_every_key_with_its_default() -> None:
    from gofaxpy.config import FreeSwitch, HylaFax, Inbound, Log, Outbound, fields_of

    path = ROOT / "conf" / "gofax.yaml"
    assert load(str(path)) == Config()
    text = path.read_text()
    for section in (FreeSwitch, HylaFax, Inbound, Outbound, Log):
        for name in fields_of(section):
            assert f"\n  {name}:" in text, name


def test_values_are_read(tmp_path: Path) -> None:
    config = load(written(tmp_path, """
freeswitch:
  servers: [{host: 10.0.0.1, port: 8022, password: secret}, {host: 10.0.0.2}]
  gateways: [gw1, gw2]
  ident: "+1 337"
hylafax: {modems: 30}
outbound: {enable_t38: no, dial: number}
"""))
    assert config.freeswitch.servers == (Server("10.0.0.1", 8022, "secret"), Server("10.0.0.2"))
    assert list(config.freeswitch.gateways) == ["gw1", "gw2"]
    assert config.freeswitch.ident == "+1 337"
    assert config.hylafax.devices()[29] == "freeswitch29"
    assert config.outbound.enable_t38 is False
    assert config.outbound.dial == "number"


def test_every_problem_is_reported_with_its_line(tmp_path: Path) -> None:
    found = problems(tmp_path, """\
freeswitch:
  idnet: x
  gateways: []
hylafax:
  modems: 010
  modems: 3
inbound:
  enable_t38: maybe
outbound:
  dial: extern
  fax_number: 4930123
sending: {}
""")
    assert [line.split(":", 2)[1] for line in found] == ["2", "3", "5", "6", "8", "10", "11", "12"]
    assert "freeswitch.idnet: no such key" in found[0]
    assert 'hylafax.modems: "010" is not a plain decimal number' in found[2]
    assert "hylafax.modems: is given twice" in found[3]
    assert "one of external, number" in found[5]
    assert "put numbers in quotes" in found[6]


@pytest.mark.parametrize("text", ["a: [", "- 1\n- 2\n", "\tx", "a: !!python/object:os.system {}", "? {a: b}\n: c\n"])
def test_what_is_no_configuration_is_refused(tmp_path: Path, text: str) -> None:
    assert problems(tmp_path, text)


def test_a_missing_file_names_the_ways_to_name_another(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="GOFAX_CONFIG"):
        load(str(tmp_path / "none.yaml"))


def test_the_password_may_stand_in_a_file_of_its_own(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s3cret\n")
    assert Server(password_file=str(secret)).secret() == "s3cret"
    assert Server(password="plain").secret() == "plain"


def test_a_broken_change_leaves_the_last_good_configuration_in_force(tmp_path: Path) -> None:
    path = written(tmp_path, "hylafax: {modems: 7}")
    file = ConfigFile(path)
    said: list[str] = []
    assert file.current(said.append).hylafax.modems == 7
    Path(path).write_text("hylafax: {modems: many}")
    os.utime(path, ns=(1, 1))
    assert file.current(said.append).hylafax.modems == 7
    assert file.current(said.append).hylafax.modems == 7
    assert len(said) == 1 and "modems" in said[0]
    Path(path).write_text("hylafax: {modems: 9}")
    os.utime(path, ns=(2, 2))
    assert file.current(said.append).hylafax.modems == 9


def test_the_first_configuration_must_be_good(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        ConfigFile(written(tmp_path, "x: 1")).current(print)


def test_an_option_beats_the_environment_which_beats_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GOFAX_CONFIG", raising=False)
    assert config_path() == "/etc/gofax.yaml"
    monkeypatch.setenv("GOFAX_CONFIG", "/x/env.yaml")
    assert config_path() == "/x/env.yaml"
    assert config_path("/x/option.yaml") == "/x/option.yaml"
