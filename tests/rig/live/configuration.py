"""The configuration of a private FreeSWITCH: the project's ``conf/freeswitch`` and a second profile, the outside world.

Nothing of the project's files is changed but values in vars.xml, which are there to be changed, and the gateways.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import quoteattr

from rig.install import Installed
from rig.live.farends import Step, far_end_steps
from rig.rundir import FAX_USER, RigError

FAX_PORT, FAR_PORT = "LIVE_SIP_PORT", "LIVE_FAR_PORT"
"""Environment variables: SIP ports of our profile and of the far ends, if they must not be 5060 and 5080."""

_PROFILE = """\
<profile name="far">
  <settings>
    <param name="sip-ip" value="{address}"/>
    <param name="rtp-ip" value="{address}"/>
    <param name="sip-port" value="{port}"/>
    <param name="dialplan" value="XML"/>
    <param name="context" value="far"/>
    <param name="auth-calls" value="false"/>
    <param name="enable-timer" value="false"/>
    <param name="inbound-codec-prefs" value="PCMA,PCMU"/>
    <param name="outbound-codec-prefs" value="PCMA,PCMU"/>
    <param name="rtp-timer-name" value="soft"/>
    <param name="manage-presence" value="false"/>
    <param name="caller-id-type" value="pid"/>
  </settings>
</profile>
"""
_GATEWAY = """\
<include>
  <gateway name={name}>
    <param name="proxy" value={proxy}/>
    <param name="realm" value={proxy}/>
    <param name="username" value="fax"/>
    <param name="password" value="none"/>
    <param name="register" value="false"/>
    <param name="caller-id-in-from" value="true"/>
    <variables>
      <variable name="sip_h_X-Rig-Gateway" value={name} direction="outbound"/>
    </variables>
  </gateway>
</include>
"""
# A far end that calls us and is to stay on the line after its fax.
_STALLING_SENDER = (Step("txfax", "${rig_document}"), Step("sleep", "600000"))


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a private FreeSWITCH is found: one loopback address of its own, so that several run side by side."""

    address: str
    esl_port: int
    fax_port: int
    far_port: int
    dead_port: int
    """UDP port where packets vanish."""
    closed_port: int
    """UDP port where nobody is."""

    @classmethod
    def of(cls, esl_port: int, dead_port: int) -> Addresses:
        """Addresses that nobody else has: the event socket's port, which is taken on 127.0.0.1, makes them unique."""
        return cls(
            address=own_address(esl_port),
            esl_port=esl_port,
            fax_port=int(os.environ.get(FAX_PORT, "5060")),
            far_port=int(os.environ.get(FAR_PORT, "5080")),
            dead_port=dead_port,
            closed_port=9,
        )


def own_address(esl_port: int) -> str:
    """The loopback address that belongs to an event socket's port."""
    return f"127.{esl_port >> 8}.{esl_port & 255}.1"


def write_configuration(
    directory: str,
    installed: Installed,
    at: Addresses,
    *,
    line_port: int,
    password: str,
    startup_scripts: Sequence[str],
    gateways: Mapping[str, Mapping[str, object]],
    far_ends: Sequence[Mapping[str, object]],
    far: str,
) -> None:
    """Write a whole configuration to ``directory``, which is replaced.  Raises RigError for far ends that cannot be had.

    Calls go to the far ends over the line at ``line_port`` if one of these has a line that is cut.
    """
    shutil.rmtree(directory, ignore_errors=True)
    shutil.copytree(os.path.join(installed.root, "conf", "freeswitch"), directory)
    _set_variables(os.path.join(directory, "vars.xml"), {
        "fax_sip_ip": at.address,
        "fax_rtp_ip": at.address,
        "fax_sip_port": str(at.fax_port),
        "event_socket_port": str(at.esl_port),
        "event_socket_password": password,
        "fax_loglevel": "debug",
    })
    python = os.path.join(directory, "autoload_configs", "python.conf.xml")
    param = '<param name="startup-script" value="fax_supervisor"/>'
    _replace(python, param, "".join(f'<param name="startup-script" value={quoteattr(name)}/>' for name in startup_scripts))
    _write(directory, "sip_profiles/far.xml", _PROFILE.format(address=at.address, port=at.far_port))
    shutil.rmtree(os.path.join(directory, "sip_profiles", "fax"))
    special: list[str] = []
    outside = line_port if any("cuts" in far_end for far_end in far_ends) else at.far_port
    for name, settings in gateways.items():
        far_end = settings.get("far_end")
        behaviour = far_end if isinstance(far_end, str) else None
        port = {"dead": at.dead_port, "closed": at.closed_port}.get(behaviour or "", outside)
        proxy = quoteattr(f"{at.address}:{port}")
        _write(directory, f"sip_profiles/fax/{name}.xml", _GATEWAY.format(name=quoteattr(name), proxy=proxy))
        if far_end is not None and port == outside:
            script = {"does": behaviour} if behaviour else dict(far_end)  # type: ignore[call-overload]
            special.append(_extension("${sip_h_X-Rig-Gateway}", re.escape(name), far_end_steps(script, at, far)))
    ordinary = [
        _extension("destination_number", str(far_end["number"]), far_end_steps(far_end, at, far)) for far_end in far_ends
    ]
    sender = _extension("destination_number", "rig_stalling_sender", _STALLING_SENDER)
    extensions = "\n".join((*special, sender, *ordinary))
    _write(directory, "dialplan/far.xml", f'<include>\n<context name="far">\n{extensions}\n</context>\n</include>\n')
    if os.geteuid() == 0:       # as docs/install.md says
        subprocess.run(["chown", "-R", f"root:{FAX_USER}", directory], check=True)
        subprocess.run(["chmod", "-R", "o-rwx", directory], check=True)


def _extension(field: str, expression: str, steps: Sequence[Step]) -> str:
    actions = "\n".join(
        f"      <action application={quoteattr(step.application)} data={quoteattr(step.data)}/>" for step in steps
    )
    condition = f"<condition field={quoteattr(field)} expression={quoteattr(f'^(?:{expression})$')}>"
    return f"  <extension name={quoteattr(expression)}>\n    {condition}\n{actions}\n    </condition>\n  </extension>"


def _set_variables(path: str, values: Mapping[str, str]) -> None:
    for name, value in values.items():
        with open(path, encoding="utf-8") as file:
            text = file.read()
        found = re.search(rf'data="({name}=[^"]*)"', text)
        if found is None:
            raise RigError(f"{path} does not set {name}")
        _replace(path, found[0], f'data="{name}={value}"')


def _replace(path: str, old: str, new: str) -> None:
    with open(path, encoding="utf-8") as file:
        text = file.read()
    if old not in text:
        raise RigError(f"{path} does not contain {old}")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text.replace(old, new))


def _write(directory: str, name: str, text: str) -> None:
    path = os.path.join(directory, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
