"""The configuration: defaults, problems with their lines, and what happens when a file in use goes bad."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gofaxpy.config.file import MAX_PROBLEMS, ConfigError, load, parse
from gofaxpy.config.keys import Config, Server, config_path

ROOT = Path(__file__).parents[3]


def written(tmp_path: Path, text: str) -> str:
    path = tmp_path / "gofax.yaml"
    path.write_text(text)
    return str(path)


def problems(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(written(tmp_path, text))
    return [line.removeprefix(str(tmp_path) + "/") for line in caught.value.problems]


def test_empty_sections_give_the_defaults(tmp_path: Path) -> None:
    assert load(written(tmp_path, "freeswitch: {}\nhylafax:\ninbound: {}\noutbound: ~\nlog: {}\n")) == Config()


@pytest.mark.parametrize("text", ["", "# nothing but a comment\n"])
def test_an_empty_file_is_one_that_has_been_cut_off(tmp_path: Path, text: str) -> None:
    found = problems(tmp_path, text)
    assert [line.split(":")[2].strip() for line in found] == ["freeswitch", "hylafax", "inbound", "outbound", "log"]
    assert found[0] == "gofax.yaml:1: freeswitch: this section is missing; write `freeswitch: {}` to keep its defaults"


def test_the_shipped_file_shows_every_key_with_its_default() -> None:
    from gofaxpy.config.keys import FreeSwitch, HylaFax, Inbound, Log, Outbound, fields_of

    path = ROOT / "conf" / "gofax.yaml"
    assert load(str(path)) == Config()
    text = path.read_text()
    for section in (FreeSwitch, HylaFax, Inbound, Outbound, Log):
        for name in fields_of(section):
            assert re.search(rf"^  {name}:.*# \S.{{8,}}", text, re.MULTILINE), f"{name} is missing or not explained"


def test_values_are_read(tmp_path: Path) -> None:
    config = load(written(tmp_path, """
freeswitch:
  servers: [{host: 10.0.0.1, port: 8022, password: secret}, {host: 10.0.0.2}]
  gateways: [gw1, gw2]
  ident: "+1 337"
hylafax: {modems: 30}
inbound: {}
outbound: {enable_t38: no, dial: number, failed_response: []}
log: {}
"""))
    assert config.freeswitch.servers == (Server("10.0.0.1", 8022, "secret"), Server("10.0.0.2"))
    assert list(config.freeswitch.gateways) == ["gw1", "gw2"]
    assert config.freeswitch.ident == "+1 337"
    assert config.hylafax.devices()[29] == "freeswitch29"
    assert config.outbound.enable_t38 is False
    assert config.outbound.dial == "number"
    assert list(config.outbound.failed_response) == []


@pytest.mark.parametrize("server", [
    "password: 99887766", "password: 0x99887766", "password: [99887766]", "password:99887766",
    '? "password: 99887766"', "password: ~",
])
def test_a_password_is_in_no_message(tmp_path: Path, server: str) -> None:
    """The first message reaches the job's status, which every client of HylaFAX may read."""
    said = problems(tmp_path, f"freeswitch:\n  servers:\n    - {{host: x, {server}}}\n")
    said += problems(tmp_path, "freeswitch: {servers: [password:99887766]}\n")
    said += problems(tmp_path, "freeswitch: {servers: password:99887766}\n")
    assert said and "99887766" not in "".join(said)
    assert "geheim" not in repr(Server(password="geheim"))


def test_a_key_that_is_no_text_is_refused(tmp_path: Path) -> None:
    assert "no such section" in problems(tmp_path, "? &a [*a]\n: 1\n")[0]


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
  ring_timeout: 3
outbound:
  dial: extern
  fax_number: 4930123
  retry_busy: 0
sending: {}
modems: 5
""")
    assert [line.split(":", 2)[1] for line in found] == ["2", "3", "5", "6", "8", "9", "11", "12", "13", "14", "15", "15"]
    assert "freeswitch.idnet: no such key; did you mean ident?" in found[0]
    assert "freeswitch.gateways: an empty list is not allowed here; a list of gateways" in found[1]
    assert 'hylafax.modems: "010" is not a plain decimal number' in found[2]
    assert "hylafax.modems: is given twice" in found[3]
    assert "one of external, number; did you mean external?" in found[6]
    assert '"4930123" is the number 4930123 to YAML; a text; put numbers in quotes; write "4930123"' in found[7]
    assert "0 is out of range; whole seconds from 1 to 86400" in found[8]
    assert "sending: no such section" in found[9]
    assert "modems: no such section; this key belongs into hylafax, indented below it" in found[10]
    assert "log: this section is missing" in found[11]


# What operators write without quotes, and what YAML makes of it (YAML 1.1, as PyYAML reads it)
@pytest.mark.parametrize(
    ("written_as", "says"),
    [
        ("+4930123", "is the number 4930123 to YAML"),
        ("004930122", None),                        # has a 9, so that YAML leaves it a text: nothing is lost
        ("0049301", None),
        ("00453012", "is the octal number 153098 to YAML"),
        ("030.5", "is the number 30.5 to YAML"),
        ("12:30", "is the number 750 to YAML"),
        ("0x1F", "is the number 31 to YAML"),
        ("1_000", "is the number 1000 to YAML"),
        (".inf", "is the number inf to YAML"),
        ("yes", "is true or false to YAML"),
        ("~", "is nothing to YAML"),
        ("2026-11-25", "is a date to YAML"),
        ("!!binary aGFsbG8=", "is a binary to YAML"),
        ("!mine x", "has a YAML tag"),
        ("[1]", "a list is not allowed here"),
        ("{a: b}", "a section is not allowed here"),
        ('"0049\\e[2J"', "holds a control character"),
    ],
)
def test_a_number_without_quotes_is_never_taken_for_another(tmp_path: Path, written_as: str, says: str | None) -> None:
    text = f"freeswitch: {{}}\nhylafax: {{}}\ninbound: {{}}\noutbound:\n  fax_number: {written_as}\nlog: {{}}\n"
    if says is None:
        assert load(written(tmp_path, text)).outbound.fax_number == written_as
        return
    [found] = problems(tmp_path, text)
    assert found.startswith("gofax.yaml:5: outbound.fax_number: ") and says in found and found.isprintable()
    if "number" in says and written_as[0] != "!":
        assert f'write "{written_as}"' in found


@pytest.mark.parametrize(
    ("section", "key", "value", "allowed"),
    [
        ("freeswitch", "ident", '"+49 30 1234567890 1234"', "at most 20 characters"),
        ("freeswitch", "header", '"' + 51 * "x" + '"', "at most 50 characters"),
        ("freeswitch", "gateways", '["a b"]', "a list of gateways"),
        ("freeswitch", "gateways", "default", "a list of gateways"),
        ("freeswitch", "servers", "[{host: a b, port: 8021}]", "a host name"),
        ("freeswitch", "servers", "[{port: 80210}]", "a port number from 1 to 65535"),
        ("freeswitch", "servers", "[{password_file: secret}]", "an absolute path"),
        ("freeswitch", "servers", "[{password: 4711}]", "put numbers in quotes"),
        ("freeswitch", "servers", "127.0.0.1", "a list of {host"),
        ("hylafax", "spooldir", "spool", "an absolute path"),
        ("hylafax", "modem_prefix", "free/switch", "letters, digits"),
        ("inbound", "recv_file_mode", "0600", 'write "0600"'),
        ("inbound", "recv_file_mode", '"0060"', "the owner may read and write"),
        ("inbound", "recipient_from", "two", "one of to, request, diversion"),
        ("inbound", "answer_after", "2.5", "whole milliseconds"),
        ("inbound", "reject_status", "200", "a SIP status from 400 to 699"),
        ("outbound", "call_prefix", '"0,"', "digits, +"),
        ("outbound", "failed_response", "[UNALOCATED_NUMBER]", "did you mean UNALLOCATED_NUMBER?"),
        ("outbound", "enablet38", "true", "did you mean enable_t38?"),
        ("log", "level", "verbose", "one of debug, info"),
    ],
)
def test_each_kind_of_value_says_what_is_allowed(tmp_path: Path, section: str, key: str, value: str, allowed: str) -> None:
    lines = {name: f"{name}: {{}}" for name in ("freeswitch", "hylafax", "inbound", "outbound", "log")}
    lines[section] = f"{section}:\n  {key}: {value}"
    [found] = problems(tmp_path, "\n".join(lines.values()) + "\n")
    assert f": {section}.{key}" in found and allowed in found


@pytest.mark.parametrize("text", ["a: [", "- 1\n- 2\n", "\tx", "a: !!python/object:os.system {}", "? {a: b}\n: c\n"])
def test_what_is_no_configuration_is_refused(tmp_path: Path, text: str) -> None:
    assert problems(tmp_path, text)


@pytest.mark.parametrize("text", [100000 * "- ", 900 * "[", 100000 * "{a: ", 5000 * "? "])
def test_a_file_nested_without_end_is_refused_before_it_is_composed(tmp_path: Path, text: str) -> None:
    """Composing 2000 nested lists ends a process whose threads have FreeSWITCH's 240 KiB of stack."""
    path = written(tmp_path, text)
    program = (
        "import sys, threading; sys.path.insert(0, sys.argv[1]); sys.setrecursionlimit(240); threading.stack_size(240 << 10)\n"
        "from gofaxpy.config.file import ConfigError, load\n"
        "def go():\n"
        "    try: load(sys.argv[2])\n"
        "    except ConfigError as error: print(error)\n"
        "thread = threading.Thread(target=go); thread.start(); thread.join()\n"
    )
    done = subprocess.run(
        ["/usr/bin/python3", "-I", "-c", program, str(ROOT / "lib"), path], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "deep" in done.stdout or "not valid YAML" in done.stdout or "larger than" in done.stdout


SHIPPED = (ROOT / "conf" / "gofax.yaml").read_bytes()


@settings(max_examples=150, deadline=None)
@given(
    st.integers(0, len(SHIPPED)), st.integers(0, 60),
    st.binary(max_size=12) | st.text("{}[]:-?&*!|>'\"%@#\n 09~<=", max_size=8),
)
def test_whatever_happens_to_a_file_it_is_read_or_refused(at: int, gone: int, new: bytes | str) -> None:
    data = SHIPPED[:at] + (new.encode() if isinstance(new, str) else new) + SHIPPED[at + gone:]
    try:
        parse(data, "gofax.yaml")
    except ConfigError as error:
        assert all(problem.startswith("gofax.yaml:") and problem.isprintable() for problem in error.problems)


def test_a_file_that_is_wrong_altogether_is_not_told_line_by_line(tmp_path: Path) -> None:
    found = problems(tmp_path, "".join(f"k{number}: 1\n" for number in range(1000)))
    assert len(found) == MAX_PROBLEMS + 1 and found[-1] == "… and 905 more"


def test_a_missing_file_names_the_ways_to_name_another(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="GOFAX_CONFIG"):
        load(str(tmp_path / "none.yaml"))


@pytest.mark.timeout(10)
def test_what_is_no_file_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path, tmp_path / "fifo"):
        with pytest.raises(ConfigError, match="is no file"):
            load(str(path))


def test_the_password_may_stand_in_a_file_of_its_own(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s3cret\n")
    secret.chmod(0o640)
    assert Server(password_file=str(secret)).secret() == "s3cret"
    assert Server(password="plain").secret() == "plain"


@pytest.mark.parametrize("mode", [0o644, 0o642, 0o641])
def test_a_password_that_everybody_may_read_is_not_used(tmp_path: Path, mode: int) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s3cret\n")
    secret.chmod(mode)
    with pytest.raises(PermissionError, match="chmod 640"):
        Server(password_file=str(secret)).secret()


def test_an_option_beats_the_environment_which_beats_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GOFAX_CONFIG", raising=False)
    assert config_path() == "/etc/gofax.yaml"
    monkeypatch.setenv("GOFAX_CONFIG", "/x/env.yaml")
    assert config_path() == "/x/env.yaml"
    assert config_path("/x/option.yaml") == "/x/option.yaml"
