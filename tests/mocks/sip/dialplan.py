"""The XML dialplan: which applications an incoming call runs.

Source: FreeSWITCH `src/mod/dialplans/mod_dialplan_xml/mod_dialplan_xml.c`. All conditions of the matching extension are
looked at before the first application runs; what the dialplan sets is not there yet when later conditions look.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from mocks.channel.variables import is_true, whole_number
from mocks.switchlog import DEBUG, ERR, INFO, WARNING

if TYPE_CHECKING:
    from mocks.channel.channel import Channel

Actions = list[tuple[str, str]]
_DEEPEST = 100


class Dialplan:
    """The dialplan of one file; `reload` reads it again."""

    def __init__(self, path: str, context: str) -> None:
        self.path = path
        self.context = context
        self._contexts: dict[str, list[ElementTree.Element]] = {}
        self.reload()

    def reload(self) -> str:
        """Read the file again; "" or what is wrong with it (the old dialplan stays in force then).

        A file of bare extensions is context `self.context`, as if it were included there.
        """
        if not self.path:
            return ""
        try:
            with open(self.path, encoding="utf-8") as stream:
                text = re.sub(r"^\s*<\?xml[^>]*\?>", "", stream.read())
            root = ElementTree.fromstring(f"<root>{text}</root>")
        except (OSError, ElementTree.ParseError) as error:
            return f"{self.path}: {error}"
        _include(root, os.path.dirname(self.path), 0)
        contexts: dict[str, list[ElementTree.Element]] = {}
        for context in root.iter("context"):
            contexts.setdefault(context.get("name", "default"), []).extend(_extensions(context))
        outside = _outside_contexts(root)
        if outside:
            contexts.setdefault(self.context, []).extend(outside)
        self._contexts = contexts
        return ""

    def section(self) -> str:
        """The dialplan as one section of FreeSWITCH's XML."""
        root = ElementTree.Element("section", {"name": "dialplan"})
        for name, extensions in self._contexts.items():
            ElementTree.SubElement(root, "context", {"name": name}).extend(extensions)
        return ElementTree.tostring(root, encoding="unicode")

    def hunt(self, channel: Channel) -> Actions:
        """The applications for this call, [] when no extension wants it."""
        profile = channel.profile
        if profile is None:
            return []
        channel.log(
            INFO,
            f"Processing {profile.caller_id_name} <{profile.caller_id_number}>->{profile.destination_number} "
            f"in context {profile.context}",
        )
        extensions = self._contexts.get(profile.context, self._contexts.get("global"))
        if extensions is None:
            channel.log(WARNING, f"Context {profile.context} not found")
            return []
        actions: Actions = []
        for extension in extensions:
            channel.log(DEBUG, f"Dialplan: {channel.name} parsing [{profile.context}->{extension.get('name')}]")
            if _Hunter(channel, actions).extension(extension, 0) and not is_true(extension.get("continue")):
                break
        return actions


class _Hunter:
    def __init__(self, channel: Channel, actions: Actions) -> None:
        self._channel = channel
        self._actions = actions

    def extension(self, element: ElementTree.Element, depth: int) -> bool:
        """Look at the conditions; True when the hunt ends here."""
        if depth > _DEEPEST:
            self._channel.log(ERR, "Recursion LIMIT!")
            return False
        proceed = False
        for condition in element.findall("condition"):
            match = self._match(condition)
            proceed = match is not None
            if proceed:
                self._take(condition, "action", match)
            elif condition.find("anti-action") is not None:
                self._take(condition, "anti-action", None)
                proceed = True
            stop = condition.get("break", "on-false")
            if stop in ("always", "on-true" if match is not None else "on-false"):
                break
            if proceed and condition.find("condition") is not None:
                proceed = self.extension(condition, depth + 1)
                if not proceed and stop != "never":
                    break
        return proceed or (depth > 0 and element.get("require-nested") == "false")

    def _match(self, condition: ElementTree.Element) -> re.Match[str] | None:
        rule = condition.get("regex")
        if rule is None:
            return self._try(condition)
        found = [self._try(test) for test in condition.findall("regex")]
        passed = [match for match in found if match is not None]
        wanted = {"all": len(passed) == len(found), "xor": len(passed) == 1}.get(rule, bool(passed))
        return passed[-1] if wanted and passed else None

    def _try(self, test: ElementTree.Element) -> re.Match[str] | None:
        field = test.get("field")
        if field is None:
            return re.match("", "")
        written = test.findtext("expression") or test.get("expression") or ""
        pattern = self._channel.switch.applications.expand(self._channel, written)
        return _search(pattern, self._value(field))

    def _value(self, field: str) -> str:
        channel = self._channel
        if "$" in field:
            return channel.switch.applications.expand(channel, field)
        own = channel.profile.field(field) if channel.profile is not None else None
        return own if own is not None else channel.get_variable(field) or ""

    def _take(self, condition: ElementTree.Element, kind: str, match: re.Match[str] | None) -> None:
        channel = self._channel
        if match is not None and match.re.groups:
            groups = "|:".join([match[0], *(group or "" for group in match.groups())])
            channel.set_variable("DP_MATCH", f"ARRAY::{groups}")
        for action in condition.findall(kind):
            application = action.get("application", "")
            data = (action.text or "").strip() or action.get("data", "")
            if match is not None and match.re.groups:
                data = _substitute(data, match)
            for _ in range(whole_number(action.get("loop")) or 1):
                if is_true(action.get("inline")):
                    channel.switch.applications.execute(channel, application, data)
                else:
                    self._actions.append((application, data))


def _search(pattern: str, value: str) -> re.Match[str] | None:
    flags = re.DOTALL
    delimited = re.fullmatch(r"/(.*)/([a-z]*)", pattern, re.DOTALL)
    if delimited:
        pattern = delimited[1]
        flags |= re.IGNORECASE if "i" in delimited[2] else 0
    try:
        return re.search(pattern, value, flags)
    except re.error:
        return None


def _substitute(data: str, match: re.Match[str]) -> str:
    """Replace `$1`, `${1}` is left alone: that is a variable."""

    def group(reference: re.Match[str]) -> str:
        number = int(reference[1])
        return (match[number] or "") if number <= match.re.groups else ""

    return re.sub(r"(?<!\\)\$(\d+)", group, data)


def _extensions(element: ElementTree.Element) -> list[ElementTree.Element]:
    return [child for child in element if child.tag == "extension"]


def _outside_contexts(element: ElementTree.Element) -> list[ElementTree.Element]:
    found: list[ElementTree.Element] = []
    for child in element:
        if child.tag == "extension":
            found.append(child)
        elif child.tag != "context":
            found += _outside_contexts(child)
    return found


def _include(parent: ElementTree.Element, folder: str, depth: int) -> None:
    """Follow `<X-PRE-PROCESS cmd="include" data="…"/>`; what stands in the file's outermost element comes in here."""
    position = 0
    while position < len(parent):
        child = parent[position]
        if child.tag == "X-PRE-PROCESS" and child.get("cmd") == "include" and depth < _DEEPEST:
            path = os.path.join(folder, child.get("data", ""))
            inside = ElementTree.parse(path).getroot() if os.path.exists(path) else ElementTree.Element("include")
            _include(inside, os.path.dirname(path), depth + 1)
            parent[position : position + 1] = list(inside)
            position += len(inside)
        else:
            _include(child, folder, depth)
            position += 1
