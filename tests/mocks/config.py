"""The configuration file of the stand-in switch (YAML, given with --config).

```yaml
event_socket: {host: 127.0.0.1, port: 0, password: ClueCon, acl: [127.0.0.1]}
run_dir: /tmp/x            # freeswitch.log, event_socket.port, the mod_db file, far/ (what far ends received)
speed: max                 # line time: `max`, or a factor (1 is real time)
script_dir: fs_scripts
python_path: [lib]
env: {GOFAX_CONFIG: /tmp/gofax.yaml}       # environment of the embedded interpreter
startup_scripts: [fax_supervisor]
dialplan: dialplan/gofax.xml               # incoming calls go through context `context`
context: fax
shutdown_wait: 50          # seconds for which `fsctl shutdown` waits for handlers
globals: {hostname: fax1}  # global variables
gateways:
  default: {}              # calls go to far_ends
  dead: {far_end: dead}    # every call through it meets this far end
far_ends:                  # the first whose expression matches the whole number wins
  - {number: "4[0-9]{3}", does: loop}
  - {number: "10..", does: fax, ident: "+49 30 FAR", t38: offer, hangup_after_pages: 1}
  - {number: "2...", does: busy}
  - {number: "5...", does: {does: reject, status: 503, phrase: Try Later}}
```
Relative paths are relative to the configuration file. The variable `standin_KEY` on an outgoing channel, as in
`{standin_hangup_after_pages=1}sofia/far/4711`, changes one key of the far end for that call.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

#: What a far end can do. `fax` answers and receives, `send` answers and sends `document`, `voice` answers and says
#: nothing, `dead` swallows every packet, `closed` is a port nobody listens on, `loop` is our own dialplan.
BEHAVIOURS = frozenset({"fax", "send", "voice", "busy", "no_answer", "reject", "dead", "closed", "loop"})
T38_MODES = frozenset({"offer", "refuse", "stall", "none"})


class ConfigError(ValueError):
    """What is wrong in the configuration file, and where."""


@dataclass(frozen=True, slots=True)
class FarEnd:
    """A scripted far end. Times are seconds of line time; page counts are pages completed.

    `number` is an expression for the whole dialled number ("" matches none: far ends of gateways and overrides).
    `ring`: rings so long before it answers or refuses. `cause`: a refusal is
    made of this hang-up cause, with its Reason header. `t38`: `offer` asks for T.38 and accepts it, `refuse` and `none`
    neither, `stall` is `offer` and stays on the line in silence after the last page. `noise`, `cuts` (start, length),
    `hangup_after_pages` and `hangup_after` are troubles of the line; with the last two the far end hangs up.
    """

    number: str = ""
    does: str = "fax"
    status: int = 480
    phrase: str = ""
    cause: str = ""
    ident: str = "FAR END"
    ecm: bool = True
    v17: bool = True
    t38: str = "none"
    document: str = ""
    ring: float | None = None
    early_media: bool = False
    voice_seconds: float | None = None
    hangup_after_pages: int | None = None
    hangup_after: float | None = None
    noise: float = 0.0
    cuts: tuple[tuple[float, float], ...] = ()

    def matches(self, number: str) -> bool:
        """True if the whole number matches this far end's expression."""
        return bool(self.number) and re.fullmatch(self.number, number) is not None


@dataclass(frozen=True, slots=True)
class Gateway:
    """A sofia gateway; with `far_end` every call through it meets that far end, whatever the number."""

    name: str
    far_end: FarEnd | None = None
    up: bool = True


@dataclass(frozen=True, slots=True)
class Config:
    """The whole configuration; `speed` None means as fast as the processor goes.

    `absent_modules` are not loaded. `profile` are parameters of the SIP profile `fax`, as sofia.conf has them: the stand-in
    shows them, and nothing more.
    """

    run_dir: str
    host: str = "127.0.0.1"
    port: int = 0
    password: str = "ClueCon"
    acl: tuple[str, ...] = ()
    speed: float | None = None
    script_dir: str = ""
    python_path: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    startup_scripts: tuple[str, ...] = ()
    dialplan: str = ""
    context: str = "fax"
    version: str = "1.10.12"
    absent_modules: tuple[str, ...] = ()
    profile: Mapping[str, str] = field(default_factory=dict)
    shutdown_wait: float = 50.0
    globals: Mapping[str, str] = field(default_factory=dict)
    gateways: Mapping[str, Gateway] = field(default_factory=dict)
    far_ends: tuple[FarEnd, ...] = ()


def load(path: str) -> Config:
    """Read a configuration file. Raises ConfigError (with the file's name) or OSError."""
    with open(path, encoding="utf-8") as stream:
        try:
            tree = yaml.safe_load(stream)
        except yaml.YAMLError as error:
            raise ConfigError(f"{path}: not YAML: {error}") from error
    if not isinstance(tree, dict):
        raise ConfigError(f"{path}: must hold keys and values")
    try:
        return from_tree(tree, os.path.dirname(os.path.abspath(path)))
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error


def from_tree(tree: Mapping[str, Any], base: str) -> Config:
    """Make a Config of parsed YAML; relative paths are taken from `base`. Raises ConfigError."""

    def located(value: object) -> str:
        return os.path.join(base, str(value)) if value else ""

    rest = dict(tree)
    socket = _mapping(rest.pop("event_socket", {}), "event_socket")
    if not rest.get("run_dir"):
        raise ConfigError("run_dir is missing: name a directory the switch may write to")
    speed = rest.pop("speed", "max")
    config = Config(
        run_dir=located(rest.pop("run_dir")),
        host=str(socket.get("host", "127.0.0.1")),
        port=int(socket.get("port", 0)),
        password=str(socket.get("password", "ClueCon")),
        acl=tuple(str(item) for item in socket.get("acl", ())),
        speed=None if speed == "max" else _number(speed, "speed"),
        script_dir=located(rest.pop("script_dir", "")),
        python_path=tuple(located(item) for item in rest.pop("python_path", ())),
        env={str(name): str(value) for name, value in _mapping(rest.pop("env", {}), "env").items()},
        startup_scripts=tuple(str(item) for item in rest.pop("startup_scripts", ())),
        dialplan=located(rest.pop("dialplan", "")),
        context=str(rest.pop("context", "fax")),
        version=str(rest.pop("version", "1.10.12")),
        absent_modules=tuple(str(item) for item in rest.pop("absent_modules", ())),
        profile={str(name): str(value) for name, value in _mapping(rest.pop("profile", {}), "profile").items()},
        shutdown_wait=_number(rest.pop("shutdown_wait", 50), "shutdown_wait"),
        globals={str(name): str(value) for name, value in _mapping(rest.pop("globals", {}), "globals").items()},
        gateways={str(name): _gateway(str(name), value) for name, value in rest.pop("gateways", {}).items()},
        far_ends=tuple(far_end(entry, f"far_ends[{index}]") for index, entry in enumerate(rest.pop("far_ends", ()))),
    )
    if rest:
        raise ConfigError(f"unknown key {sorted(rest)[0]!r}")
    return config


def _gateway(name: str, value: object) -> Gateway:
    settings = dict(_mapping(value or {}, f"gateways.{name}"))
    far = settings.pop("far_end", None)
    up = bool(settings.pop("up", True))
    if settings:
        raise ConfigError(f"gateways.{name}: unknown key {sorted(settings)[0]!r}, allowed are far_end, up")
    return Gateway(name, None if far is None else far_end(far, f"gateways.{name}.far_end"), up)


def far_end(value: object, where: str) -> FarEnd:
    """A far end given as a mapping or as the bare word for what it does. Raises ConfigError."""
    settings: dict[str, Any] = {"does": value} if isinstance(value, str) else dict(_mapping(value, where))
    if isinstance(settings.get("does"), Mapping):
        settings.update(settings.pop("does"))
    unknown = sorted(set(settings) - set(FarEnd.__dataclass_fields__))
    if unknown:
        raise ConfigError(f"{where}: unknown key {unknown[0]!r}, allowed are {', '.join(FarEnd.__dataclass_fields__)}")
    if settings.get("does", "fax") not in BEHAVIOURS:
        raise ConfigError(f"{where}: does: {settings['does']!r}, allowed are {', '.join(sorted(BEHAVIOURS))}")
    if settings.get("t38", "none") not in T38_MODES:
        raise ConfigError(f"{where}: t38: {settings['t38']!r}, allowed are {', '.join(sorted(T38_MODES))}")
    for name in ("number", "ident", "phrase"):
        if name in settings:
            settings[name] = str(settings[name])
    for name in ("noise", "hangup_after", "ring", "voice_seconds"):
        if settings.get(name) is not None:
            settings[name] = _number(settings[name], f"{where}: {name}")
    if "cuts" in settings:
        settings["cuts"] = tuple((float(start), float(length)) for start, length in settings["cuts"])
    return FarEnd(**settings)


def _mapping(value: object, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ConfigError(f"{where}: must hold keys and values, not {value!r}")
    return value


def _number(value: object, where: str) -> float:
    try:
        return float(str(value))
    except ValueError as error:
        raise ConfigError(f"{where}: {value!r} is not a number") from error
