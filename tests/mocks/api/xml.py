"""The API command `xml_locate`: the dialplan, and of the configuration what the stand-in has, its SIP profiles.

Source: FreeSWITCH `mod_commands.c` (`xml_locate_function`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree

if TYPE_CHECKING:
    from mocks.channel.channel import Channel
    from mocks.switch import Switch

#: As conf/freeswitch/sip_profiles/fax.xml sets them.
_PROFILE = {"dialplan": "XML", "enable-timer": "false", "session-timeout": "0"}


def xml_locate(switch: Switch, args: str, channel: Channel | None) -> str:
    """`xml_locate dialplan` or `xml_locate configuration configuration name sofia.conf`."""
    match args.split():
        case ["dialplan"]:
            return switch.dialplan.section()
        case ["configuration", "configuration", "name", "sofia.conf"]:
            return "" if "mod_sofia" in switch.config.absent_modules else _sofia(switch)
        case [_] | [_, _, _, _]:
            return "can't find anything\n"
    return "-ERR bad args\n"


def write_fsxml(switch: Switch) -> None:
    """As `switch_xml.c` does at a start: the whole configuration, passwords and all, beside the log, with whatever umask."""
    root = ElementTree.Element("document", {"type": "freeswitch/xml"})
    section = ElementTree.SubElement(root, "section", {"name": "configuration"})
    socket = ElementTree.SubElement(section, "configuration", {"name": "event_socket.conf"})
    settings = ElementTree.SubElement(socket, "settings")
    ElementTree.SubElement(settings, "param", {"name": "password", "value": switch.config.password})
    section.append(ElementTree.fromstring(_sofia(switch)))
    with open(f"{switch.globals['log_dir']}/freeswitch.xml.fsxml", "wb") as file:
        file.write(ElementTree.tostring(root))


def _sofia(switch: Switch) -> str:
    root = ElementTree.Element("configuration", {"name": "sofia.conf"})
    profiles = ElementTree.SubElement(root, "profiles")
    params = {"context": switch.config.context, **_PROFILE, **switch.config.profile}
    for name, settings in (("fax", params), ("far", {**_PROFILE, "context": "far"})):
        inside = ElementTree.SubElement(ElementTree.SubElement(profiles, "profile", {"name": name}), "settings")
        for key, value in settings.items():
            ElementTree.SubElement(inside, "param", {"name": key, "value": value})
        if name == "fax":
            gateways = ElementTree.SubElement(profiles[-1], "gateways")
            for gateway in switch.config.gateways:
                one = ElementTree.SubElement(gateways, "gateway", {"name": gateway})
                ElementTree.SubElement(one, "param", {"name": "password", "value": "none"})
    return ElementTree.tostring(root, encoding="unicode")
