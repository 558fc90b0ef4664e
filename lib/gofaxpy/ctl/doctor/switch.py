"""Checks of FreeSWITCH: its event socket, version, modules, dialplan, SIP profiles, gateways, Python and user."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from gofaxpy.ctl.doctor.finding import Finding, note, ok, problem, warning
from gofaxpy.ctl.doctor.subject import Subject
from gofaxpy.ctl.doctor.xml import parsed

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

MODULES = {
    "mod_python3": "the fax server itself", "mod_spandsp": "the modem", "mod_sofia": "SIP", "mod_db": "overrides and fallback",
    "mod_dialplan_xml": "the dialplan", "mod_dptools": "answering calls", "mod_commands": "placing calls",
}
# The version in which a danger is gone, the danger, and the remedy.
DANGEROUS = (
    ((1, 11, 2), "a T.38 peer can overflow the heap with UDPTL packets",
     "update FreeSWITCH to 1.11.2; until then let only known peers in (acl.conf.xml: fax_peers), or set enable_t38: false"),
    ((1, 10, 7), "whoever can send it SIP can stop it (CVE-2021-37624, CVE-2021-41105, CVE-2021-41145)", "update FreeSWITCH"),
)
OLDEST = (1, 10, 0)


def event_socket(subject: Subject) -> Iterator[Finding]:
    """The event socket answers, and cannot be reached from the network."""
    check = "event socket"
    if subject.api is None:
        return      # the finding of the failed connection says why (gofaxpy.ctl.doctor.command)
    yield ok(check, "answers, and takes the password")
    for server in subject.config.freeswitch.servers:
        if server.host in ("127.0.0.1", "localhost", "::1") and _listens_to_all(server.port):
            yield warning(check, f"port {server.port} can be reached from the network: whoever has the password has FreeSWITCH",
                          "set listen-ip to 127.0.0.1 in event_socket.conf.xml")


def _listens_to_all(port: int) -> bool:
    """Whether a process of this machine listens on that TCP port on all addresses (/proc/net/tcp, proc(5))."""
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            with open(table, encoding="ascii") as file:
                rows = [line.split() for line in file][1:]
        except OSError:
            continue
        for row in rows:
            address, _, number = row[1].partition(":")
            if row[3] == "0A" and int(number, 16) == port and not address.strip("0"):
                return True
    return False


def version(subject: Subject) -> Iterator[Finding]:
    """The version is not too old, and has no fault by which a peer can end FreeSWITCH or overflow its heap."""
    if subject.api is None:
        return
    check, text = "FreeSWITCH's version", subject.api("version", "short").strip()
    found = re.match(r"(\d{1,3})\.(\d{1,3})\.(\d{1,3})", text)      # 1.10.12-release
    if found is None:
        yield note(check, f"{text[:60]!r} says nothing")
        return
    numbers = tuple(int(part) for part in found.groups())
    if numbers < OLDEST:
        yield problem(check, f"{text} is too old: mod_python3 came with 1.10", "update FreeSWITCH")
    dangers = [(what, remedy) for below, what, remedy in DANGEROUS if numbers < below]
    for what, remedy in dangers:
        yield warning(check, f"{text}: {what}", remedy)
    if not dangers:
        yield ok(check, text)


def modules(subject: Subject) -> Iterator[Finding]:
    """The modules that faxes need are loaded."""
    if subject.api is None:
        return
    missing = {name: why for name, why in MODULES.items() if subject.api("module_exists", name).strip() != "true"}
    for name, why in missing.items():
        yield problem("modules", f"{name} is not loaded ({why})",
                      f'<load module="{name}"/> in modules.conf.xml; now: fs_cli -x "load {name}"')
    if not missing:
        yield ok("modules", f"all {len(MODULES)} are loaded")


def dialplan(subject: Subject) -> Iterator[Finding]:
    """The dialplan runs inbound_fax, in the context of a SIP profile."""
    if subject.api is None:
        return
    check, remedy = "dialplan", "include dialplan/gofax.xml in the context of the SIP profile; fs_cli -x reloadxml"
    tree = parsed(subject.api("xml_locate", "dialplan"))
    if tree is None:
        yield problem(check, "FreeSWITCH has no dialplan", remedy)
        return
    contexts = {
        context.get("name", "") for context in tree.iter("context")
        if any(_is_ours(action) for action in context.iter("action"))
    }
    if not contexts:
        yield problem(check, "no extension runs the application python with inbound_fax: incoming faxes go nowhere", remedy)
        return
    sofia = parsed(subject.api("xml_locate", "configuration configuration name sofia.conf"))
    profiles = {} if sofia is None else {
        profile.get("name", ""): {param.get("name", ""): param.get("value", "") for param in profile.iter("param")}
        for profile in sofia.iter("profile")
    }
    if profiles and not any(settings.get("context", "") in contexts for settings in profiles.values()):
        yield problem(check, f"no SIP profile has the context {' or '.join(sorted(contexts))}, where faxes are taken",
                      'set <param name="context"> of the SIP profile, and restart it')
    else:
        yield ok(check, f"faxes are taken in context {', '.join(sorted(contexts))}")
    for name, settings in sorted(profiles.items()):
        if settings.get("context", "") in contexts:
            yield from _profile(name, settings)


def _is_ours(action: Element) -> bool:
    return action.get("application") == "python" and (action.get("data") or "").split()[:1] == ["inbound_fax"]


def _profile(name: str, settings: dict[str, str]) -> Iterator[Finding]:
    """The profile has nothing that ends long faxes: session timers (signalwire/freeswitch #2789), or time-outs for RTP, which
    T.38 does not send."""
    check = f"SIP profile {name}"
    if settings.get("enable-timer", "true") != "false":
        yield warning(check, "session timers are on: a re-INVITE after half their time breaks T.38 faxes of 28 pages and more",
                      f'<param name="enable-timer" value="false"/> in profile {name}, and restart it')
    for key in ("rtp-timeout-sec", "media_timeout"):
        if settings.get(key, "0") not in ("", "0"):
            yield warning(check, f"{key} is {settings[key]}: T.38 has no RTP, so that long pages end there",
                          f"take {key} out of profile {name}; gofax.yaml has page_timeout")


def gateways(subject: Subject) -> Iterator[Finding]:
    """Each gateway of ``freeswitch.gateways`` is known, up and registered."""
    if subject.api is None:
        return
    for name in subject.config.freeswitch.gateways:
        check = f"gateway {name}"
        reply = subject.api("sofia", f"status gateway {name}")
        rows = dict(line.split(None, 1) for line in reply.splitlines() if len(line.split(None, 1)) == 2)
        state, status = rows.get("State", "").strip(), rows.get("Status", "").strip()
        if "Invalid Gateway" in reply or not rows:
            yield problem(check, "FreeSWITCH does not know it",
                          f"put {name}.xml beside the profile's other gateways; fs_cli -x 'sofia profile fax rescan'")
        elif status.startswith("DOWN"):
            yield problem(check, f"is down (state {state})", f"fs_cli -x 'sofia status gateway {name}'; is the other side there?")
        elif state not in ("NOREG", "REGED"):
            yield problem(check, f"is not registered (state {state})", f"check user, password and proxy of gateway {name}")
        else:
            yield ok(check, f"is up ({state})")


def from_inside(subject: Subject) -> Iterator[Finding]:
    """FreeSWITCH has loaded this version of gofaxpy, finds its Python modules and scripts, and runs the supervisor."""
    from gofaxpy import __version__

    check = "Python in FreeSWITCH"
    if subject.api is None:
        return
    if not subject.inside:
        yield from _no_answer(subject)
        return
    facts = subject.inside
    if facts.get("version") != __version__:
        yield problem(check, f"FreeSWITCH has loaded gofax {facts.get('version')} from {facts.get('library')}, this is"
                      f" {__version__}", "restart FreeSWITCH; if it stays, remove the other copy")
    else:
        yield ok(check, f"gofax {facts['version']} from {facts.get('library')}, Python {facts.get('python')}")
    for name, found in facts.get("modules", {}).items():
        if not found:
            yield problem(check, f"{name} cannot be loaded", f"apt install python3-{name}; then restart FreeSWITCH")
    for name, path in facts.get("scripts", {}).items():
        if not path:
            yield problem("scripts", f"{name}.py is not where mod_python3 looks",
                          f"copy fs_scripts/{name}.py into FreeSWITCH's script directory")
    if all(facts.get("scripts", {}).values()):
        yield ok("scripts", "are all found")
    if not facts.get("supervisor"):
        yield problem("supervisor", "does not run: HylaFAX sees no modems, and what a crash left behind stays",
                      '<param name="startup-script" value="fax_supervisor"/> in python.conf.xml; now: fs_cli -x "pyrun'
                      ' fax_supervisor"')
    else:
        yield ok("supervisor", "runs")
    yield from _search_path(facts.get("path", ""), facts.get("prefix", ""))


def _no_answer(subject: Subject) -> Iterator[Finding]:
    why = subject.no_inside
    if "swiginit" in why or "_swig" in why:
        yield problem("freeswitch.py", f"is of another version than mod_python3: {why}",
                      "install freeswitch.py (in dist-packages) and mod_python3 of the same FreeSWITCH, then restart it")
    elif missing := re.search(r"No module named ['\"]?(\w[\w.]*)", why, re.ASCII):
        name = missing[1].rstrip(".")
        ours = name.startswith("gofaxpy")
        remedy = "put gofaxpy into /usr/lib/python3/dist-packages" if ours else f"apt install python3-{name}"
        yield problem("Python in FreeSWITCH", f"mod_python3 does not find {name}", f"{remedy}; then restart FreeSWITCH")
    else:
        yield problem("scripts", f"FreeSWITCH does not run the script gofax.py: {why or 'no answer'}",
                      "copy fs_scripts/*.py into FreeSWITCH's script directory (fs_cli -x 'global_getvar script_dir')")


def _search_path(path: str, prefix: str) -> Iterator[Finding]:
    """The system's python3 is the first in PATH: there the embedded interpreter looks for its modules."""
    check = "FreeSWITCH's PATH"
    first = next((place for place in path.split(":") if os.path.exists(os.path.join(place, "python3"))), "")
    if not path:
        yield warning(check, "is not set: which Python is found is left to chance",
                      "Environment=PATH=/usr/sbin:/usr/bin:/sbin:/bin in its unit, then restart FreeSWITCH")
    elif first not in ("/usr/bin", "/bin") or prefix not in ("/usr", ""):
        yield problem(check, f"leads to the Python in {first or 'nowhere'} (prefix {prefix}), not to the system's",
                      "Environment=PATH=/usr/sbin:/usr/bin:/sbin:/bin in its unit, then restart FreeSWITCH")
    else:
        yield ok(check, path)


def user(subject: Subject) -> Iterator[Finding]:
    """FreeSWITCH runs as HylaFAX's user, and may read and write the spool."""
    import pwd

    check, wanted = "FreeSWITCH's user", subject.config.hylafax.user
    if not subject.shares_spool() or not os.path.isdir(subject.spooled("recvq")):
        return      # same_spool, spool or from_inside report it
    uid = subject.inside.get("uid", -1)
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        name = str(uid)
    refused = [place or "." for place, may in subject.inside.get("writable", {}).items() if not may and _exists(subject, place)]
    unread = [place for place, may in subject.inside.get("readable", {}).items() if not may and _exists(subject, place)]
    document = subject.inside.get("unreadable_document", "")
    remedy = f"run FreeSWITCH as {wanted} (User={wanted} in its unit)"
    if name != wanted:
        yield problem(check, f"FreeSWITCH runs as {name}, HylaFAX as {wanted}: it takes and places no calls like that", remedy)
    elif refused:
        yield problem(check, f"FreeSWITCH ({name}) may not write to {', '.join(refused)} in {subject.spool}", remedy)
    elif unread:
        yield problem(check, f"FreeSWITCH ({name}) may not read {', '.join(unread)} in {subject.spool}", remedy)
    elif document:
        yield problem(check, f"FreeSWITCH ({name}) may not read docq/{document}", remedy)
    else:
        yield ok(check, f"{name}, who may read and write the spool")
    if not subject.inside.get("faxrcvd") and subject.config.inbound.faxrcvd:
        path = subject.spooled(subject.config.inbound.faxrcvd)
        yield problem("faxrcvd", f"FreeSWITCH ({name}) may not run {path}", f"chmod 755 {path}")


def _exists(subject: Subject, place: str) -> bool:
    """Whether a directory of the spool exists.  The supervisor makes gofax/ and info/; `spool` reports all others."""
    return os.path.isdir(subject.spooled(place))
