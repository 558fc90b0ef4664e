"""Writes what can be said from the code itself: ``docs/configuration.md``, the table in ``docs/migration.md`` and
``docs/man/gofaxctl.8``.

``make reference`` runs it; a test compares what it would write with what is there.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Iterator

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
if __name__ == "__main__":
    sys.path.insert(0, os.path.join(ROOT, "lib"))

from gofaxpy.config.gofaxconf import ROWS  # noqa: E402
from gofaxpy.config.keys import Config, Kind, Server, fields_of  # noqa: E402
from gofaxpy.ctl.main import COMMANDS, build_parser  # noqa: E402

EXAMPLE = os.path.join(ROOT, "conf", "gofax.yaml")
CONFIGURATION = "docs/configuration.md"
MIGRATION = "docs/migration.md"
MANUAL = "docs/man/gofaxctl.8"
BEGIN, END = "<!-- made by make reference: begin -->", "<!-- made by make reference: end -->"
SERVER_KEYS = {
    "host": "name or address of the machine FreeSWITCH runs on",
    "port": "port of its event socket",
    "password": "its password",
    "password_file": "file whose first line is the password, instead of `password`; it must not be readable for everybody",
}
SECTIONS = {
    "freeswitch": "How FreeSWITCH is reached, and what our fax machine says of itself.",
    "hylafax": "HylaFAX's spool, and the virtual modems that it is shown.",
    "inbound": "Faxes that come in.",
    "outbound": "Faxes that go out.",
    "log": "Messages for the operator in syslog.",
}
HEAD = """\
# /etc/gofax.yaml

<!-- Made by `make reference` from the code and from conf/gofax.yaml: changes belong there. -->

`gofaxsend` and `gofaxctl` read the file that `-C` names, or the one in the environment variable `GOFAX_CONFIG`, or
`/etc/gofax.yaml`; the scripts inside FreeSWITCH go by FreeSWITCH's environment. All five sections must be there, be they empty
(`log: {}`); a key that is left out has its default. Numbers that are texts, such as telephone numbers, stand in quotes: YAML
reads `030` as 24.

FreeSWITCH takes up a changed file by itself, gofaxsend reads it for each job. Everything that is wrong with it is told at
once, with file and line, by `gofaxctl doctor` and in FreeSWITCH's log; until it is mended, what was good before stays in
force inside FreeSWITCH:

```
/etc/gofax.yaml:12: outbound.dial: "extern" is not allowed here; one of external, number
```

`conf/gofax.yaml` is a file with every key and its default. What continues a key of GOfax.IP's gofax.conf has that in the last
column; `gofaxctl import-config` translates such a file.
"""


def comments() -> dict[str, str]:
    """What conf/gofax.yaml says of each key, by ``section.key``.  A comment goes on in lines that hold nothing else."""
    found: dict[str, str] = {}
    section = last = ""
    with open(EXAMPLE, encoding="utf-8") as file:
        for line in file:
            heading = re.match(r"([a-z]+):\s*$", line)
            setting = re.match(r"  ([a-z0-9_]+):(.*?)(?:\s# (.*))?$", line)
            more = re.match(r"\s{4,}# (.*)$", line)
            if heading:
                section, last = heading[1], ""
            elif setting and section:
                last = f"{section}.{setting[1]}"
                found[last] = setting[3] or ""
            elif more and last:
                found[last] += f" {more[1]}"
            elif not line.strip():
                last = ""
    return found


def origins() -> dict[str, str]:
    """GOfax.IP's key for each of ours."""
    found: dict[str, list[str]] = {}
    for row in ROWS:
        found.setdefault(".".join(row.target), []).append(f"`{row.section}.{row.key}`")
    found.setdefault("freeswitch.servers", []).extend(("`freeswitch.socket`", "`freeswitch.password`"))
    return {target: ", ".join(sorted(set(keys))) for target, keys in found.items()}


def takes(kind: object) -> str:
    """What a key accepts, in the words of the messages about it."""
    if isinstance(kind, Kind):
        return kind.says
    assert kind is Server
    return "a list of event sockets, see below"


def default(value: object) -> str:
    """A default as it is written in the file."""
    if isinstance(value, tuple | list):
        if value and isinstance(value[0], Server):
            return "see below"
        return "[" + ", ".join(str(item) for item in value) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and (not value or not re.fullmatch(r"[A-Za-z/][\w/.-]*", value)):
        return json.dumps(value)
    return str(value)


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def configuration() -> str:
    """The whole of docs/configuration.md."""
    said, before = comments(), origins()
    text = HEAD
    config = Config()
    for section, kind in fields_of(Config).items():
        text += f"\n## {section}\n\n{SECTIONS[section]}\n\n"
        text += _row("key", "default", "takes", "what it is", "GOfax.IP") + "|---|---|---|---|---|\n"
        values = getattr(config, section)
        for key, accepted in fields_of(kind).items():
            name = f"{section}.{key}"
            shown = default(getattr(values, key))
            cell = shown if shown == "see below" else f"`{shown}`"
            text += _row(f"`{key}`", cell, takes(accepted), said[name], before.get(name, ""))
        if section == "freeswitch":
            text += _server()
    return text


def _server() -> str:
    text = "\nEach entry of `servers`:\n\n" + _row("key", "default", "takes", "what it is") + "|---|---|---|---|\n"
    for key, accepted in fields_of(Server).items():
        text += _row(f"`{key}`", f"`{default(getattr(Server(), key))}`", takes(accepted), SERVER_KEYS[key])
    return text


def migration() -> str:
    """docs/migration.md with its table of keys."""
    with open(os.path.join(ROOT, MIGRATION), encoding="utf-8") as file:
        head, _, rest = file.read().partition(BEGIN)
    table = _row("gofax.conf", "gofax.yaml", "our default") + "|---|---|---|\n"
    table += _row("`freeswitch.socket`, `freeswitch.password`", "`freeswitch.servers`", "`127.0.0.1:8021`, `ClueCon`")
    for row in ROWS:
        section, key = row.target
        value = default(getattr(getattr(Config(), section), key))
        table += _row(f"`{row.section}.{row.key}`", f"`{section}.{key}`", f"`{value}`")
    table += _row("`gofaxd.socket`", "none: calls are taken inside FreeSWITCH", "")
    return head + BEGIN + "\n\n" + table + "\n" + END + rest.partition(END)[2]


# -- gofaxctl(8), in mdoc(7) -------------------------------------------------------------------


def _plain(text: str) -> Iterator[str]:
    """Lines of text for mdoc: nothing in them is a request, and none is long."""
    for paragraph in text.split("\n\n"):
        if not paragraph.strip():
            continue
        yield ".Pp"
        line = ""
        for said in _roff(paragraph).split():
            word = said.replace("-", "\\-") if said.startswith("-") else said
            if line and (len(line) + len(word) > 73 or re.search(r"[.!?:]$", line)):
                yield _line(line)
                line = ""
            line = f"{line} {word}".strip()
        if line:
            yield _line(line)


def _roff(text: str) -> str:
    """Text without what roff would take for an escape, in ASCII."""
    plain = text.replace("\\", "\\e").replace("…", "...")
    return "".join(char if char.isascii() else f"\\[u{ord(char):04X}]" for char in plain)


def _line(text: str) -> str:
    return f"\\&{text}" if text[:1] in (".", "'") else text


def _quoted(word: str) -> str:
    """One argument of a macro."""
    word = _roff(word).replace("-", "\\-").replace('"', "\\(dq")
    return f'"{word}"' if " " in word or not word else word


def _item(action: argparse.Action) -> Iterator[str]:
    metavar = action.metavar if isinstance(action.metavar, str) else ""
    if not metavar and action.choices:
        metavar = "|".join(str(choice) for choice in action.choices)
    if not metavar and action.nargs != 0:
        metavar = action.dest.upper() if action.option_strings else action.dest
    if action.option_strings:
        value = f" Ar {_quoted(metavar)}" if action.nargs != 0 else ""
        value = f" Oo Ar {_quoted(metavar)} Oc" if action.nargs == "?" else value
        yield ".It " + " , ".join(f"Fl {_quoted(option[1:])}{value}" for option in action.option_strings)
    else:
        yield f".It Ar {_quoted(metavar)}"
    yield from list(_plain((action.help or "").replace("%%", "%")))[1:]


def _actions(parser: argparse.ArgumentParser, common: frozenset[str]) -> list[argparse.Action]:
    return [
        action for action in parser._actions
        if action.dest not in common and action.help is not argparse.SUPPRESS
        and not isinstance(action, argparse._SubParsersAction)
    ]


def _list(actions: list[argparse.Action]) -> Iterator[str]:
    if actions:
        yield ".Bl -tag -width Ds"
        for action in actions:
            yield from _item(action)
        yield ".El"


def manual() -> str:
    """The whole of docs/man/gofaxctl.8."""
    with open(os.path.join(ROOT, MANUAL + ".in"), encoding="utf-8") as file:
        template = file.read()
    parser = build_parser()
    children = next(action for action in parser._actions if isinstance(action, argparse._SubParsersAction)).choices
    assert children is not None
    general = [action for action in _actions(parser, frozenset())]
    common = frozenset(action.dest for action in general)
    lines: list[str] = []
    for command in COMMANDS:
        if command.hidden:
            continue
        child = children[command.name]
        lines += [f".Ss gofaxctl {command.name}"]
        lines += list(_plain(command.description))[1:]
        if command.inside:
            lines += [".Pp", "It can also be asked from FreeSWITCH's console:", f".Dl fs_cli \\-x 'python gofax {command.name}'"]
        actions = _actions(child, common)
        lines += _list(actions)
        if command.examples:
            lines += [".Bd -literal -offset indent"]
            lines += [_line(_roff(line).replace("-", "\\-")) for line in command.examples.splitlines()]
            lines += [".Ed"]
    options = "\n".join(_list(general))
    return template.replace("@OPTIONS@", options).replace("@COMMANDS@", "\n".join(lines))


def made() -> dict[str, str]:
    """Everything that is made, by its path in the checkout."""
    return {CONFIGURATION: configuration(), MIGRATION: migration(), MANUAL: manual()}


def main() -> int:
    """Writes all of it."""
    for path, text in made().items():
        with open(os.path.join(ROOT, path), "w", encoding="utf-8") as file:
            file.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
