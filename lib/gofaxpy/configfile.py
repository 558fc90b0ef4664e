"""Reads ``/etc/gofax.yaml`` into a :class:`gofaxpy.config.Config` and says everything that is wrong with it at once.

The YAML is read as nodes, not as values, because only nodes know their line: a message reads
``/etc/gofax.yaml:12: outbound.dial: "extern" is not allowed here; one of external, number``.
"""

from __future__ import annotations

import os

import yaml

from gofaxpy.config import Config, Kind, Server, fields_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAGS = {"bool": "tag:yaml.org,2002:bool", "int": "tag:yaml.org,2002:int", "str": "tag:yaml.org,2002:str"}
_TRUE = ("true", "yes", "on")
MAX_SIZE = 1 << 20


class ConfigError(Exception):
    """The configuration cannot be used.  ``problems`` has one line per problem, each with file and line."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class _Reader:
    """Walks the nodes of one file and collects its problems."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.problems: list[str] = []

    def problem(self, node: Any, name: str, text: str) -> None:
        self.problems.append(f"{self.path}:{node.start_mark.line + 1}: {name}: {text}")

    def section(self, node: Any, kind: type, name: str) -> Any:
        """The dataclass ``kind`` filled from a mapping node; unknown and repeated keys are problems."""
        if _is_empty(node):
            return kind()
        if not isinstance(node, yaml.MappingNode):
            self.problem(node, name or "the file", "must be a section of `key: value` lines")
            return kind()
        kinds = fields_of(kind)
        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            full = f"{name}.{key}" if name else key
            if key not in kinds:
                self.problem(key_node, full, "no such key; known here are " + ", ".join(sorted(kinds)))
            elif key in values:
                self.problem(key_node, full, "is given twice")
            else:
                values[key] = self.value(value_node, kinds[key], full, getattr(kind(), key))
        return kind(**values)

    def value(self, node: Any, kind: Any, name: str, default: Any) -> Any:
        """One value; on a problem the default, so that the walk goes on and finds the rest."""
        if kind is Server:
            return self.sequence(node, name, default, lambda item: self.section(item, Server, name))
        if isinstance(kind, type):
            return self.section(node, kind, name)
        if kind.name == "list":
            return self.sequence(node, name, default, lambda item: self.scalar(item, _TEXT_ITEM, name, ""))
        return self.scalar(node, kind, name, default)

    def sequence(self, node: Any, name: str, default: Any, one: Callable[[Any], Any]) -> Any:
        if not isinstance(node, yaml.SequenceNode) or not node.value:
            self.problem(node, name, "must be a list with at least one entry, such as [one, two]")
            return default
        return tuple(one(item) for item in node.value)

    def scalar(self, node: Any, kind: Kind, name: str, default: Any) -> Any:
        tag = _TAGS.get(kind.name, _TAGS["str"])
        if not isinstance(node, yaml.ScalarNode) or node.tag != tag:
            self.problem(node, name, f"{_shown(node)} is not allowed here; {kind.says}")
            return default
        if kind.name == "bool":
            return node.value.lower() in _TRUE
        if kind.name == "int":
            return self.whole(node, kind, name, default)
        if "\0" in node.value or "\n" in node.value or (kind.choices and node.value not in kind.choices):
            self.problem(node, name, f"{_shown(node)} is not allowed here; {kind.says}")
            return default
        return node.value

    def whole(self, node: Any, kind: Kind, name: str, default: int) -> int:
        """A decimal number.  YAML reads ``010`` as eight and ``1:30`` as ninety; nobody who writes that means it."""
        text = node.value
        if not text.isascii() or not text.isdigit() or (len(text) > 1 and text[0] == "0"):
            self.problem(node, name, f"{_shown(node)} is not a plain decimal number; {kind.says}")
            return default
        number = int(text)
        if (kind.least is not None and number < kind.least) or (kind.most is not None and number > kind.most):
            self.problem(node, name, f"{number} is out of range; {kind.says}")
            return default
        return number


_TEXT_ITEM = Kind("str", "a text; put numbers in quotes")


def _is_empty(node: Any) -> bool:
    return node is None or (isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null")


def _shown(node: Any) -> str:
    return f'"{node.value[:40]}"' if isinstance(node, yaml.ScalarNode) else "a list or a section"


def load(path: str) -> Config:
    """Reads one file.  Raises :class:`ConfigError` with every problem found; a missing file is a problem as well."""
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_SIZE + 1)
    except OSError as error:
        raise ConfigError([f"{path}: {error.strerror}; name another file with -C or GOFAX_CONFIG"]) from error
    if len(data) > MAX_SIZE:
        raise ConfigError([f"{path}: larger than {MAX_SIZE} bytes; this is no configuration file"])
    try:
        node = yaml.compose(data, Loader=_LOADER)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError([_yaml_problem(path, error)]) from error
    reader = _Reader(path)
    config = reader.section(node, Config, "")
    if reader.problems:
        raise ConfigError(reader.problems)
    assert isinstance(config, Config)
    return config


def _yaml_problem(path: str, error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    where = f"{path}:{mark.line + 1}" if mark is not None else path
    what = getattr(error, "problem", None) or type(error).__name__
    return f"{where}: not valid YAML: {what}"


class ConfigFile:
    """The file as a long-running process sees it: read again when it has changed, the last good one kept otherwise."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._stamp: tuple[int, int, int] | None = None
        self._config: Config | None = None

    def current(self, complain: Callable[[str], None]) -> Config:
        """The configuration in force.  Problems of a changed file go to ``complain`` once, line by line.

        Raises :class:`ConfigError` only if there never was a good one.
        """
        stamp = _stamp(self.path)
        if self._config is not None and stamp == self._stamp:
            return self._config
        self._stamp = stamp
        try:
            self._config = load(self.path)
        except ConfigError as error:
            if self._config is None:
                raise
            for problem in error.problems:
                complain(f"{problem} (the configuration read before stays in force)")
        return self._config


def _stamp(path: str) -> tuple[int, int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
