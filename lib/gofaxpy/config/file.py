"""Reads ``/etc/gofax.yaml`` into a :class:`gofaxpy.config.keys.Config` and says everything that is wrong with it at once.

The YAML is read as nodes, not as values, because only nodes know their line: a message reads
``/etc/gofax.yaml:12: outbound.dial: "extern" is not allowed here; one of external, number``.

Every section must be there, even if it is empty.  A file that lacks one is more likely half written, or wrongly indented,
than meant.
"""

from __future__ import annotations

import os
import re
import stat

import yaml

from gofaxpy.config.keys import Config, Kind, Server, fields_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAG = "tag:yaml.org,2002:"
_TRUE = ("true", "yes", "on")
MAX_SIZE = 256 << 10
# libyaml composes nodes by recursion in C.  A thread of FreeSWITCH has 240 KiB of stack: there a file of 2000 nested lists
# ends the whole switch.  gofax.yaml is four levels deep.
MAX_DEPTH = 20
MAX_PROBLEMS = 100
_WORD = re.compile(r"[A-Za-z0-9_-]{0,40}")
_DEEP_BLOCK = re.compile(rb"[ \t?:-]{100}")


class ConfigError(Exception):
    """The configuration cannot be used.  ``problems`` has one line per problem, each with file and line.

    ``salvaged`` has the keys of the file that are right, and the defaults for all others.
    """

    def __init__(self, problems: list[str], salvaged: Config | None = None) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems
        self.salvaged = salvaged or Config()


class _Reader:
    """Walks the nodes of one file and collects its problems."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.problems: list[str] = []

    def problem(self, node: Any, name: str, text: str) -> None:
        self.problems.append(f"{self.path}:{node.start_mark.line + 1}: {name}: {text}")

    def whole_file(self, node: Any, lines: int) -> Config:
        """The sections.  ``lines`` is the length of the file in lines: the line that a missing section is reported at."""
        config = self.section(node, Config, "")
        there = [key.value for key, _ in node.value] if isinstance(node, yaml.MappingNode) else []
        for name in fields_of(Config):
            if name not in there:
                self.problems.append(
                    f"{self.path}:{lines}: {name}: this section is missing; write `{name}: {{}}` to keep its defaults"
                )
        assert isinstance(config, Config)
        return config

    def section(self, node: Any, kind: type, name: str) -> Any:
        """The dataclass ``kind`` filled from a mapping node; unknown and repeated keys are problems."""
        defaults = kind()
        if _is_empty(node):
            return defaults
        if not isinstance(node, yaml.MappingNode):
            shown = _shown(node, kind is Server)
            self.problem(node, name or "the file", f"{shown} is not allowed here; a section of `key: value` lines")
            return defaults
        kinds = fields_of(kind)
        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else "?"
            full = f"{name}.{_name(key)}" if name else _name(key)
            if key not in kinds:
                self.problem(key_node, full, _unknown(key, kinds, name))
            elif key in values:
                self.problem(key_node, full, "is given twice; once is allowed")
            else:
                values[key] = self.value(value_node, kinds[key], full, getattr(defaults, key))
        return kind(**values)

    def value(self, node: Any, kind: Any, name: str, default: Any) -> Any:
        """One value; on a problem its default, so that the reader goes on and finds the other problems."""
        if kind is Server:
            return self.sequence(node, name, default, "a list of {host: …, port: …, password: …}", self.server, 1)
        if isinstance(kind, type):
            return self.section(node, kind, name)
        if kind.name == "list":
            least = 1 if kind.least is None else kind.least
            return self.sequence(node, name, default, kind.says, lambda item, full: self.scalar(item, kind, full, None), least)
        return self.scalar(node, kind, name, default)

    def server(self, node: Any, name: str) -> Any:
        return self.section(node, Server, name)

    def sequence(
        self, node: Any, name: str, default: Any, says: str, one: Callable[[Any, str], Any], least: int
    ) -> Any:
        if not isinstance(node, yaml.SequenceNode) or len(node.value) < least:
            shown = _shown(node, name.endswith("servers"))
            self.problem(node, name, f"{shown} is not allowed here; {says}")
            return default
        before = len(self.problems)
        values = tuple(one(item, f"{name}[{number}]") for number, item in enumerate(node.value))
        return values if len(self.problems) == before else default

    def scalar(self, node: Any, kind: Kind, name: str, default: Any) -> Any:
        expected = _TAG + (kind.name if kind.name in ("bool", "int") else "str")
        if not isinstance(node, yaml.ScalarNode):
            self.problem(node, name, f"{_shown(node, kind.secret)} is not allowed here; {kind.says}")
            return default
        if node.tag != expected:
            self.problem(node, name, _wrong_type(node, kind))
            return default
        if kind.name == "bool":
            return node.value.lower() in _TRUE
        if kind.name == "int":
            return self.whole(node, kind, name, default)
        return self.text(node, kind, name, default)

    def text(self, node: Any, kind: Kind, name: str, default: Any) -> Any:
        from gofaxpy.config.rules import RULES, causes, suggestion

        value: str = node.value
        if any(char < " " or "\x7f" <= char <= "\x9f" for char in value):
            self.problem(node, name, f"{_shown(node, kind.secret)} holds a control character or a second line; {kind.says}")
        elif len(value.encode("utf-8", "surrogatepass")) > kind.longest:
            self.problem(node, name, f"{_shown(node, kind.secret)} is too long; {kind.says}")
        elif kind.choices and value not in kind.choices:
            hint = suggestion(value, kind.choices)
            self.problem(node, name, f"{_shown(node, kind.secret)} is not allowed here; {kind.says}{hint}")
        elif kind.rule and not RULES[kind.rule](value):
            hint = suggestion(value, causes()) if kind.rule == "cause" else ""
            self.problem(node, name, f"{_shown(node, kind.secret)} is not allowed here; {kind.says}{hint}")
        else:
            return value
        return default

    def whole(self, node: Any, kind: Kind, name: str, default: int) -> int:
        """A decimal number.  YAML 1.1 reads ``010`` as eight and ``1:30`` as ninety; an operator means neither."""
        text = node.value
        if not text.isascii() or not text.isdigit() or (len(text) > 1 and text[0] == "0") or len(text) > 18:
            self.problem(node, name, f"{_shown(node, kind.secret)} is not a plain decimal number; {kind.says}")
            return default
        number = int(text)
        if (kind.least is not None and number < kind.least) or (kind.most is not None and number > kind.most):
            self.problem(node, name, f"{number} is out of range; {kind.says}")
            return default
        return number


def _unknown(key: str, kinds: dict[str, Any], section: str) -> str:
    """The problem of an unknown key, with the section it might belong to or the key that is spelled like it."""
    from gofaxpy.config.rules import suggestion

    if not section:
        home = [name for name, kind in kinds.items() if key in fields_of(kind)]
        if home:
            return f"no such section; this key belongs into {' or '.join(home)}, indented below it"
    hint = suggestion(key, kinds)
    return f"no such {'key' if section else 'section'}" + (hint or "; known here are " + ", ".join(sorted(kinds)))


def _wrong_type(node: Any, kind: Kind) -> str:
    """The problem of a value of another type: what YAML has read, what is allowed, and for a text how to write it."""
    from gofaxpy.config.rules import read_as

    if kind.name in ("bool", "int"):
        return f"{_shown(node, kind.secret)} is not allowed here; {kind.says}"
    if not node.tag.startswith(_TAG):
        return f"{_shown(node, kind.secret)} has a YAML tag; {kind.says}"
    if kind.secret:
        return f"{_shown(node, True)} is no text to YAML; {kind.says}"
    quoted = f'; write "{_one_line(node.value)}"' if node.value else ""
    return f"{_shown(node, kind.secret)} is {read_as(node.tag, node.value)} to YAML; {kind.says}{quoted}"


def _is_empty(node: Any) -> bool:
    return node is None or (isinstance(node, yaml.ScalarNode) and node.tag == _TAG + "null")


def _shown(node: Any, secret: bool) -> str:
    """A value as it stands in the file, but never a password, nor what may be one: every user can read a job's status."""
    if isinstance(node, yaml.ScalarNode):
        if secret:
            return "what is given (not shown)"
        return f'"{_one_line(node.value)}"'
    return "a section" if isinstance(node, yaml.MappingNode) else "a list" if node.value else "an empty list"


def _name(key: str) -> str:
    """A key for a message.  Of a word that is no key only its start: ``password:x``, without a blank, is one word."""
    found = _WORD.match(key)
    return (found[0] if found else "") or "?"


def _one_line(text: str) -> str:
    """At most 40 characters of the file, as one line."""
    return "".join(char if char.isprintable() else "?" for char in text[:40])


def load(path: str) -> Config:
    """Reads one file.  Raises :class:`ConfigError` with every problem found; a missing file is a problem as well."""
    return parse(read(path), path)


def read(path: str) -> bytes:
    """The octets of the file, at most :data:`MAX_SIZE`.  Raises :class:`ConfigError`."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            regular = stat.S_ISREG(os.fstat(fd).st_mode)
            data = os.read(fd, MAX_SIZE + 1) if regular else b""
        finally:
            os.close(fd)
    except OSError as error:
        raise ConfigError([f"{path}: {error.strerror}; name another file with -C or GOFAX_CONFIG"]) from error
    if not regular:
        raise ConfigError([f"{path}: is no file; name another one with -C or GOFAX_CONFIG"])
    if len(data) > MAX_SIZE:
        raise ConfigError([f"{path}: larger than {MAX_SIZE} bytes; this is no configuration file"])
    return data


def parse(data: bytes, path: str) -> Config:
    """The configuration in ``data``; ``path`` is for the messages.  Raises :class:`ConfigError`."""
    try:
        too_deep = _too_deep(data)
        node = None if too_deep else yaml.compose(data, Loader=_LOADER)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigError([_yaml_problem(path, error)]) from error
    if too_deep:
        raise ConfigError([f"{path}:{too_deep}: nested more than {MAX_DEPTH} deep; this is no configuration file"])
    reader = _Reader(path)
    config = reader.whole_file(node, max(1, data.count(b"\n")))
    if reader.problems:
        raise ConfigError(_by_line(reader.problems), config)
    return config


def _too_deep(data: bytes) -> int:
    """The line at which a file is nested too deeply, 0 if it is not."""
    if data.count(b"[") + data.count(b"{") < 200 and b"\0" not in data and not _DEEP_BLOCK.search(data):
        return 0        # each level needs a bracket or an indentation of its own, and here are too few of them
    depth = 0
    events: Any = yaml.parse(data, Loader=_LOADER)
    for event in events:
        mark = event.start_mark
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                return int(mark.line) + 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
    return 0


def _by_line(problems: list[str]) -> list[str]:
    """At most :data:`MAX_PROBLEMS` of them: the log needs no thousand lines about one wrong file."""
    if len(problems) > MAX_PROBLEMS:
        return [*problems[:MAX_PROBLEMS], f"… and {len(problems) - MAX_PROBLEMS} more"]
    return problems


def _yaml_problem(path: str, error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    where = f"{path}:{mark.line + 1}" if mark is not None else path
    what = getattr(error, "problem", None) or getattr(error, "reason", None) or type(error).__name__
    return f"{where}: not valid YAML: {what}; `key: value` lines, indented by blanks"
