"""import-config: GOfax.IP's gofax.conf becomes a gofax.yaml that behaves the same, key by key."""

from __future__ import annotations

import json
import os
import pwd
import subprocess
import sys
from pathlib import Path

import pytest

from gofaxpy.config.file import load
from gofaxpy.config.gofaxconf import ROWS, Conversion, convert
from gofaxpy.config.keys import Config, Server

ROOT = Path(__file__).parents[3]

# The keys and values of the file that GOfax.IP installs, without its comments.
STOCK = """\
[freeswitch]
socket = 127.0.0.1:8021
password = ClueCon

; ...
gateway = default

;gateway = backup-gw

ident = +1 337
header = "GONICUS LABS"
verbose = false
softmodemfallback = true

[hylafax]
spooldir = /var/spool/hylafax
modems = 5
xferfaxlog = log/xferfaxlog

[gofaxd]
socket = 127.0.0.1:8022
enablet38 = true
requestt38 = true
recipientfromdiversionheader = false
answerafter = 2000
waittime = 1000
;dynamicconfig = etc/DynamicConfig

[gofaxsend]
enablet38 = true
requestt38 = true
faxnumber = 4711
; callprefix = 0
;dynamicconfig = etc/DynamicConfigOutgoing
disablev17afterretry = 0
disableECMafterretry = 0
cidname = sender
failedresponse = UNALLOCATED_NUMBER
failedresponse = CALL_REJECTED
"""


def configured(tmp_path: Path, text: str) -> tuple[Config, Conversion]:
    """The configuration that comes of a gofax.conf."""
    result = convert(text)
    assert result.problems == []
    path = tmp_path / "gofax.yaml"
    path.write_text(result.yaml)
    return load(str(path)), result


def key(config: Config, name: str) -> object:
    section, _, attribute = name.partition(".")
    return getattr(getattr(config, section), attribute)


# What GOfax.IP does with the stock file and with a file that leaves everything out (Go's zero values; gofaxd/server.go,
# gofaxsend/sendqfile.go and transmission.go say what becomes of them), and what says the same here.
MEANING = {
    "freeswitch.gateways": (("default",), ("default",)),            # GOfax.IP sends nothing without a gateway
    "freeswitch.ident": ("+1 337", ""),
    "freeswitch.header": ("GONICUS LABS", ""),
    "freeswitch.verbose": (False, False),
    "freeswitch.softmodem_fallback": (True, False),
    "hylafax.spooldir": ("/var/spool/hylafax", "/var/spool/hylafax"),
    "hylafax.modems": (5, 5),                                       # nor without a modem
    "hylafax.xferfaxlog": ("log/xferfaxlog", ""),                   # writes none
    "inbound.enable_t38": (True, False),
    "inbound.request_t38": (True, False),
    "inbound.recipient_from": ("to", "to"),
    "inbound.answer_after": (2000, 0),
    "inbound.wait_time": (1000, 0),
    "inbound.dynamic_config": ("", ""),
    "inbound.faxrcvd": ("bin/faxrcvd", "bin/faxrcvd"),
    "inbound.allocate_modems": ("off", "off"),
    "outbound.enable_t38": (True, False),
    "outbound.request_t38": (True, False),
    "outbound.fax_number": ("4711", ""),
    "outbound.call_prefix": ("", ""),
    "outbound.dynamic_config": ("", ""),
    "outbound.disable_v17_after_retry": (0, 0),
    "outbound.disable_ecm_after_retry": (0, 0),
    "outbound.cid_name": ("sender", ""),                            # an empty name
    "outbound.failed_response": (("UNALLOCATED_NUMBER", "CALL_REJECTED"), ()),
}
# What GOfax.IP has no key for, and always does.
ALWAYS = {
    "outbound.dial": "external", "outbound.job_tsi": False, "outbound.job_fax_number": False, "outbound.job_tag_line": False,
    "inbound.dynamic_config_on_error": "accept", "outbound.dynamic_config_on_error": "retry", "inbound.reject_status": 404,
}


def test_every_key_of_gofaxip_has_its_place() -> None:
    known = {f"{section}.{name}" for row in ROWS for section, name in [row.target]}
    assert known == set(MEANING)


@pytest.mark.parametrize("name", MEANING)
def test_the_stock_file_means_the_same_here(tmp_path: Path, name: str) -> None:
    config, _ = configured(tmp_path, STOCK)
    assert key(config, name) == MEANING[name][0]
    assert config.freeswitch.servers == (Server("127.0.0.1", 8021, "ClueCon"),)
    for other, value in ALWAYS.items():
        assert key(config, other) == value


@pytest.mark.parametrize("name", MEANING)
def test_a_key_that_is_left_out_means_what_it_means_to_gofaxip(tmp_path: Path, name: str) -> None:
    config, result = configured(tmp_path, "")
    assert key(config, name) == MEANING[name][1]
    assert {note.split(": ")[1] for note in result.notes} == {
        "freeswitch.gateway", "freeswitch.socket", "hylafax.spooldir", "hylafax.modems",
    }


@pytest.mark.parametrize(
    ("section", "line", "name", "value"),
    [
        ("freeswitch", "Gateway = gw1\ngateway = gw2", "freeswitch.gateways", ("gw1", "gw2")),
        ("freeswitch", "gateway = old\ngateway\ngateway = new", "freeswitch.gateways", ("new",)),
        ("FreeSWITCH", "HEADER = a # not this", "freeswitch.header", "a"),
        ("freeswitch", 'header = "a # this; too" ; not this', "freeswitch.header", "a # this; too"),
        ("freeswitch", 'header = "say \\"hello\\""', "freeswitch.header", 'say "hello"'),
        ("freeswitch", "verbose", "freeswitch.verbose", True),
        ("freeswitch", "verbose = YES", "freeswitch.verbose", True),
        ("freeswitch", "verbose = 0", "freeswitch.verbose", False),
        ("freeswitch", "ident = +1 \\\n337", "freeswitch.ident", "+1 337"),
        ("hylafax", "spooldir = /fax/", "hylafax.spooldir", "/fax"),
        ("hylafax", "modems = 3\nmodems = 7", "hylafax.modems", 7),
        ("gofaxd", "recipientfromdiversionheader = true", "inbound.recipient_from", "diversion"),
        ("gofaxd", "faxrcvdcmd = /opt/faxrcvd", "inbound.faxrcvd", "/opt/faxrcvd"),
        ("gofaxd", "allocateinbounddevices = on", "inbound.allocate_modems", "require"),
        ("gofaxsend", "faxnumber = 0049301", "outbound.fax_number", "0049301"),
        ("gofaxsend", "callprefix = 0", "outbound.call_prefix", "0"),
        ("gofaxsend", "dynamicconfig = etc/DynamicConfigOutgoing", "outbound.dynamic_config", "etc/DynamicConfigOutgoing"),
        ("gofaxsend", "disableECMafterretry = 2", "outbound.disable_ecm_after_retry", 2),
        ("gofaxsend", "disablev17afterretry = often", "outbound.disable_v17_after_retry", 0),
        ("gofaxsend", 'cidname = "my great faxserver"', "outbound.cid_name", "my great faxserver"),
        ("gofaxsend", "failedresponse = USER_BUSY\nfailedresponse = UNKNOWN_CAUSE", "outbound.failed_response", ("USER_BUSY",)),
    ],
)
def test_values_are_read_as_gofaxip_reads_them(tmp_path: Path, section: str, line: str, name: str, value: object) -> None:
    config, _ = configured(tmp_path, f"[{section}]\n{line}\n")
    assert key(config, name) == value


@pytest.mark.parametrize(
    ("socket", "host", "port"),
    [
        ("10.0.0.1:8022", "10.0.0.1", 8022), (":8021", "127.0.0.1", 8021), ("[::1]:8021", "::1", 8021),
        ("fs.example:1", "fs.example", 1),
    ],
)
def test_the_event_socket_is_taken_apart(tmp_path: Path, socket: str, host: str, port: int) -> None:
    config, _ = configured(tmp_path, f"[freeswitch]\nsocket = {socket}\npassword = x\"y z\"\n")
    assert config.freeswitch.servers == (Server(host, port, "xy z"),)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[freeswitch]\nverbose = maybe\n", "gofax.conf:2: freeswitch.verbose: 'maybe' is neither true nor false"),
        ("[freeswitch]\nsocket = 8021\n", "gofax.conf:2: freeswitch.socket: '8021' is no HOST:PORT"),
        ("[hylafax]\nmodems = five\n", "gofax.conf:2: hylafax.modems: 'five' is no number"),
        ("[hylafax\nmodems = 5\n", "gofax.conf:1: '[hylafax' is no [section]"),
        ("modems = 5\n", "is no `key = value` in a section"),
        ("[freeswitch]\nheader = \"open\n", "gofax.conf:2: freeswitch.header: a quote is not closed"),
        ("[freeswitch]\ngateway = a b\n", "a list of gateways"),
        ("[gofaxsend]\ncallprefix = 0,\n", "outbound.call_prefix"),
    ],
)
def test_what_cannot_be_carried_over_is_a_problem(text: str, problem: str) -> None:
    result = convert(text)
    assert any(problem in found for found in result.problems), result.problems


def test_what_has_no_counterpart_is_told() -> None:
    notes = "\n".join(convert(STOCK + "[gofaxd]\nanswer = 3\n[freeswitch]\nident = 0123456789012345678901\n").notes)
    assert "gofaxd.socket: not needed any more" in notes and "dialplan/gofax.xml" in notes
    assert "gofaxd.answer: GOfax.IP knows no such key" in notes
    assert "more than 20 characters" in notes


def test_nothing_in_a_value_gets_out_of_it(tmp_path: Path) -> None:
    config, _ = configured(tmp_path, '[freeswitch]\nheader = "a: b # c, [d] {e} \\" \\\\ \'"\n')
    assert config.freeswitch.header == "a: b # c, [d] {e} \" \\ '"


def run(*words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "bin" / "gofaxctl"), "import-config", *words], input=stdin, capture_output=True, text=True,
        check=False, env={"PATH": os.environ["PATH"]},
    )


def test_the_command_prints_or_writes_it_and_leaves_what_is_there_alone(tmp_path: Path) -> None:
    source, target = tmp_path / "gofax.conf", tmp_path / "gofax.yaml"
    source.write_text(STOCK)
    done = run(str(source))
    assert done.returncode == 0 and 'fax_number: "4711"' in done.stdout and "gofaxd.socket" in done.stderr
    assert run("-", stdin=STOCK).stdout.splitlines()[3:] == done.stdout.splitlines()[3:]
    assert run(str(source), "-o", str(target)).returncode == 0
    assert target.stat().st_mode & 0o777 == 0o640, "there is a password in it"
    assert load(str(target)).outbound.fax_number == "4711"
    again = run(str(source), "-o", str(target))
    assert again.returncode == 1 and "--force overwrites it" in again.stderr
    assert run(str(source), "-o", str(target), "--force").returncode == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["gofax.conf", "gofax.yaml"]
    assert json.loads(run(str(source), "--json").stdout)["settings"]["hylafax"]["modems"] == 5
    broken = run("-", stdin="[hylafax]\nmodems = five\n")
    assert broken.returncode == 1 and broken.stdout == "" and "is no number" in broken.stderr
    assert run(str(tmp_path / "none")).returncode == 1


def test_who_has_the_old_file_open_cannot_read_the_new_one(tmp_path: Path) -> None:
    source, target = tmp_path / "gofax.conf", tmp_path / "gofax.yaml"
    source.write_text(STOCK)
    target.write_text("old\n")
    target.chmod(0o644)
    with open(target, encoding="utf-8") as before:
        assert run(str(source), "-o", str(target), "--force").returncode == 0
        assert before.read() == "old\n"
    found = target.stat()
    assert found.st_mode & 0o777 == 0o640
    if os.geteuid() == 0:
        assert (found.st_uid, found.st_gid) == (0, pwd.getpwnam("uucp").pw_gid), "FreeSWITCH and gofaxsend read it"


def test_a_link_is_not_written_to(tmp_path: Path) -> None:
    source, target, victim = tmp_path / "gofax.conf", tmp_path / "gofax.yaml", tmp_path / "victim"
    source.write_text(STOCK)
    target.symlink_to(victim)
    for words in ((), ("--force",)):
        done = run(str(source), "-o", str(target), *words)
        assert done.returncode == 1 and "is no regular file" in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["gofax.conf", "gofax.yaml"]
