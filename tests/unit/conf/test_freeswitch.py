"""The configuration in conf/freeswitch: whole, valid, and safe as it stands."""

from __future__ import annotations

import glob
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3] / "conf" / "freeswitch"
FILES = sorted(path.relative_to(ROOT) for path in ROOT.rglob("*.xml"))
_COMMAND = re.compile(r'<X-PRE-PROCESS cmd="(\w+)" data="([^"]*)"/>')
#: What FreeSWITCH sets itself (switch_core.c) and these files use.
BUILT_IN = {"temp_dir"}


class Preprocessor:
    """Puts everything together as FreeSWITCH does (switch_xml.c: preprocess), inside of comments too."""

    def __init__(self) -> None:
        self.variables: dict[str, str] = dict.fromkeys(BUILT_IN, "/tmp")
        self.included: list[Path] = []

    def read(self, path: Path) -> str:
        self.included.append(path)
        text = re.sub(r"<\?xml.*?\?>|</?include>", "", path.read_text("utf-8"))
        return _COMMAND.sub(lambda found: self._command(path.parent, *found.groups()), text)

    def _command(self, directory: Path, command: str, data: str) -> str:
        if command == "set":
            name, _, value = data.partition("=")
            assert name not in self.variables, f"{name} is set twice"
            self.variables[name] = value
            return ""
        assert command == "include"
        found = sorted(glob.glob(str(directory / data)))
        assert found, f"{directory} has no {data}"
        return "".join(self.read(Path(path)) for path in found)


@pytest.fixture(scope="module")
def whole() -> tuple[ET.Element, Preprocessor]:
    """The one document that FreeSWITCH makes of all files."""
    preprocessor = Preprocessor()
    text = preprocessor.read(ROOT / "freeswitch.xml")
    text = re.sub(r"\$\$\{(\w+)\}", lambda found: preprocessor.variables[found[1]], text)
    return ET.fromstring(text), preprocessor


def params(element: ET.Element | None) -> dict[str, str]:
    assert element is not None
    return {param.get("name", ""): param.get("value", "") for param in element.iter("param")}


def configuration(root: ET.Element, name: str) -> ET.Element:
    found = root.findall(f"section/configuration[@name='{name}']")
    assert len(found) == 1, f"{name} is there {len(found)} times"
    return found[0]


@pytest.mark.parametrize("name", FILES, ids=str)
def test_each_file_is_xml_and_no_command_hides_in_a_comment(name: Path) -> None:
    text = (ROOT / name).read_text("utf-8")
    ET.fromstring(text)
    for comment in re.findall(r"<!--(.*?)-->", text, re.S):
        assert "X-PRE-PROCESS" not in comment and "$${" not in comment, "FreeSWITCH would act upon it"


def test_every_file_is_included_once(whole: tuple[ET.Element, Preprocessor]) -> None:
    assert sorted(path.resolve() for path in whole[1].included) == sorted((ROOT / name).resolve() for name in FILES)


def test_every_variable_is_used_and_ours(whole: tuple[ET.Element, Preprocessor]) -> None:
    used = set(re.findall(r"\$\$\{(\w+)\}", "".join((ROOT / name).read_text("utf-8") for name in FILES)))
    assert used == set(whole[1].variables)


def test_the_modules_are_loaded_in_an_order_that_takes_no_call_too_early(whole: tuple[ET.Element, Preprocessor]) -> None:
    modules = [load.get("module") for load in configuration(whole[0], "modules.conf").iter("load")]
    assert {"mod_python3", "mod_spandsp", "mod_db", "mod_event_socket", "mod_dialplan_xml", "mod_commands"} <= set(modules)
    assert modules[-1] == "mod_sofia" and modules.index("mod_db") < modules.index("mod_python3")


def test_as_it_stands_nothing_listens_to_the_world(whole: tuple[ET.Element, Preprocessor]) -> None:
    profile = params(whole[0].find("section/configuration/profiles/profile[@name='fax']/settings"))
    assert (profile["sip-ip"], profile["rtp-ip"]) == ("127.0.0.1", "127.0.0.1")
    socket = params(configuration(whole[0], "event_socket.conf"))
    assert (socket["listen-ip"], socket["apply-inbound-acl"]) == ("127.0.0.1", "loopback.auto")
    acl = configuration(whole[0], "acl.conf").find(f"network-lists/list[@name='{profile['apply-inbound-acl']}']")
    assert acl is not None and acl.get("default") == "deny"
    assert (profile["auth-calls"], profile["disable-register"]) == ("false", "true")


def test_nothing_in_the_profile_ends_a_long_fax(whole: tuple[ET.Element, Preprocessor]) -> None:
    profile = params(whole[0].find("section/configuration/profiles/profile[@name='fax']/settings"))
    assert (profile["enable-timer"], profile["session-timeout"]) == ("false", "0")
    assert not {"rtp-timeout-sec", "rtp-hold-timeout-sec"} & set(profile)
    assert set(profile["inbound-codec-prefs"].split(",")) == {"PCMA", "PCMU"}


def test_no_header_line_costs_the_end_of_each_page(whole: tuple[ET.Element, Preprocessor]) -> None:
    assert params(configuration(whole[0], "spandsp.conf"))["header"] == ""


def test_the_supervisor_starts_and_incoming_calls_meet_our_dialplan(whole: tuple[ET.Element, Preprocessor]) -> None:
    assert params(configuration(whole[0], "python.conf")) == {"startup-script": "fax_supervisor"}
    profile = params(whole[0].find("section/configuration/profiles/profile[@name='fax']/settings"))
    [action] = whole[0].findall(f"section/context[@name='{profile['context']}']/extension/condition/action")
    assert (action.get("application"), action.get("data")) == ("python", "inbound_fax")


def test_the_gateway_is_the_one_the_fax_server_sends_through_by_default(whole: tuple[ET.Element, Preprocessor]) -> None:
    gateway = whole[0].find("section/configuration/profiles/profile[@name='fax']/gateways/gateway")
    assert gateway is not None and gateway.get("name") == "default"
    assert params(gateway)["caller-id-in-from"] == "true"
