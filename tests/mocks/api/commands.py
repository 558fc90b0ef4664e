"""API commands: the table, `bgapi`, and the commands about the switch itself. Commands about calls: `apicalls`.

Sources: FreeSWITCH `src/switch_loadable_module.c` (`switch_api_execute`), `mod_commands.c`, `mod_sofia.c`.
"""

from __future__ import annotations

import subprocess
import threading
import time
import uuid as uuid_module
from collections.abc import Callable
from typing import TYPE_CHECKING

from mocks.api.calls import COMMANDS as CALL_COMMANDS
from mocks.api.sofia import sofia
from mocks.api.standin import standin
from mocks.api.xml import xml_locate
from mocks.esl.bus import Origin
from mocks.esl.event import Event, url_decode, url_encode
from mocks.switchlog import ALERT, WARNING, level_of

if TYPE_CHECKING:
    from mocks.channel.channel import Channel
    from mocks.switch import Switch

Command = Callable[["Switch", str, "Channel | None"], str]

REVISION = "git a88d069 2024-08-02 21:02:27Z 64bit"
MODULES = frozenset(
    "mod_commands mod_console mod_db mod_dialplan_xml mod_dptools mod_event_socket mod_logfile mod_loopback "
    "mod_python3 mod_sndfile mod_sofia mod_spandsp mod_syslog mod_tone_stream CORE_PCM_MODULE".split()
)
#: Commands that go with their module.
_OF_MODULE = {"mod_db": ("db",), "mod_python3": ("python", "pyrun"), "mod_sofia": ("sofia",)}
_FSCTL_USAGE = (
    "-USAGE: [api_expansion [on|off]|recover|send_sighup|hupall|pause [inbound|outbound]|resume [inbound|outbound]|"
    "shutdown [cancel|elegant|asap|now|restart]|sps|sps_peak_reset|sync_clock|...]\n"
)
_API_ORIGIN = Origin("switch_loadable_module.c", "switch_api_execute", 2965)
_JOB_ORIGIN = Origin("mod_commands.c", "bgapi_exec", 4900)


class Apis:
    """The table of commands."""

    def __init__(self, switch: Switch) -> None:
        self._switch = switch
        absent = {name for module in switch.config.absent_modules for name in _OF_MODULE.get(module, ())}
        table = {**_COMMANDS, **CALL_COMMANDS}
        self._table: dict[str, Command] = {name: command for name, command in table.items() if name not in absent}

    def execute(self, command: str, args: str, channel: Channel | None = None) -> str | None:
        """The output of a command, None when there is no such command."""
        name, text = command.strip(), args.strip()
        function = self._table.get(name)
        reply = None if function is None else function(self._switch, text, channel)
        headers = [("API-Command", name), ("API-Command-Argument", text)]
        self._switch.bus.fire(Event("API", None, [(key, value) for key, value in headers if value]), _API_ORIGIN)
        return reply

    def background(
        self, command: str, args: str, job: str, origin: Origin = _JOB_ORIGIN
    ) -> None:
        """Run a command in a thread of its own and fire BACKGROUND_JOB with its output as body."""

        def work() -> None:
            reply = self.execute(command, args)
            body = f"-ERR {command} Command not found!\n" if reply is None else reply
            headers = [("Job-UUID", job), ("Job-Command", command)]
            if args:
                headers.append(("Job-Command-Arg", args))
            self._switch.bus.fire(Event("BACKGROUND_JOB", None, headers, body), origin)

        threading.Thread(target=work, name=f"bgapi {job}", daemon=True).start()


def _status(switch: Switch, args: str, channel: Channel | None) -> str:
    up = time.time() - switch.started
    amounts = [
        (int(up // 31536000), "year"),
        (int(up // 86400) % 365, "day"),
        (int(up // 3600) % 24, "hour"),
        (int(up // 60) % 60, "minute"),
        (int(up) % 60, "second"),
        (int(up * 1e3) % 1000, "millisecond"),
        (int(up * 1e6) % 1000, "microsecond"),
    ]
    text = ", ".join(f"{amount} {unit}{'' if amount == 1 else 's'}" for amount, unit in amounts)
    now = len(switch.channels())
    return (
        f"UP {text}\n"
        f"FreeSWITCH (Version {switch.config.version}-release {REVISION})"
        f" is {'not ready' if switch.no_new_sessions else 'ready'}\n"
        f"{switch.sessions_total} session(s) since startup\n"
        f"{now} session(s) - peak {switch.sessions_peak}, last 5min {switch.sessions_peak} \n"
        f"0 session(s) per Sec out of max {switch.sessions_per_second}, peak 0, last 5min 0 \n"
        f"{switch.max_sessions} session(s) max\n"
        "min idle cpu 0.00/99.67\n"
        "Current Stack Size/Max 240K/8192K\n"
    )


def _version(switch: Switch, args: str, channel: Channel | None) -> str:
    if args == "short":
        return f"{switch.config.version}-release\n"
    return f"FreeSWITCH Version {switch.config.version}-release+git~20240802T210227Z~a88d069d6f~64bit ({REVISION})\n"


def _db(switch: Switch, args: str, channel: Channel | None) -> str:
    return switch.db.command(args)


def _bgapi(switch: Switch, args: str, channel: Channel | None) -> str:
    """In process: `bgapi [uuid:ID ]command arguments`."""
    job, text = str(uuid_module.uuid4()), args
    if args.lower().startswith("uuid:"):
        given, _, text = args[5:].partition(" ")
        job = given or job
    if not text:
        return "-ERR Invalid syntax\n"
    command, _, rest = text.partition(" ")
    switch.apis.background(command, rest, job)
    return f"+OK Job-UUID: {job}\n"


def _fsctl(switch: Switch, args: str, channel: Channel | None) -> str:
    words = [word.lower() for word in args.split()]
    match words:
        case ["shutdown", *_]:
            return _shutdown(switch, words[1:])
        case ["hupall", *_]:
            switch.hangup_all("MANAGER_REQUEST")
            return "+OK\n"
        case ["pause" | "resume", *which]:
            directions = {"inbound", "outbound"}.intersection(which) or {"inbound", "outbound"}
            switch.paused = switch.paused | directions if words[0] == "pause" else switch.paused - directions
            return "+OK\n"
        case ["max_sessions", number] if number.isdigit() and int(number):
            switch.max_sessions = int(number)
            return f"+OK max sessions: {number}\n"
        case ["sps", number] if number.isdigit() and int(number):
            switch.sessions_per_second = int(number)
            return f"+OK sessions per second: {number}\n"
        case ["min_idle_cpu", percent] if percent.isdigit():
            switch.min_idle_cpu = float(percent)
            return f"+OK min idle cpu: {float(percent):.2f}\n" if int(percent) else "+OK min idle cpu: DISABLED\n"
        case ["crash", *_]:
            switch.log.write(ALERT, "Declinatio Mortuus Obfirmo!")
            switch.crash("fsctl crash")
            return "+OK\n"
        case ["ready_check", *_]:
            return "false" if switch.no_new_sessions else "true"
        case ["loglevel", *_] | ["send_sighup", *_] | ["sync_clock", *_]:
            return "+OK\n"
    return _FSCTL_USAGE


def _shutdown(switch: Switch, words: list[str]) -> str:
    if "now" in words:
        switch.exit_now = True
    if "elegant" in words or "asap" in words:
        switch.fire(Event("SHUTDOWN_REQUESTED", None, [("Event-Info", "elegant" if "elegant" in words else "ASAP")]))
        switch.no_new_sessions = "asap" in words
        while not switch.wait_for_channels(1.0) and not switch.shutdown_requested.is_set():
            switch.log.write(WARNING, f"Shutdown in progress, {len(switch.channels())} session(s) remain.")
    switch.shutdown_requested.set()
    return "+OK\n"


def _module_exists(switch: Switch, args: str, channel: Channel | None) -> str:
    return ("true" if args in MODULES and args not in switch.config.absent_modules else "false") if args else ""


def _global_getvar(switch: Switch, args: str, channel: Channel | None) -> str:
    if not args:
        return "".join(f"{name}={value}\n" for name, value in switch.globals.items())
    return switch.globals.get(args, "")


def _global_setvar(switch: Switch, args: str, channel: Channel | None) -> str:
    name, _, value = args.partition("=")
    if not name:
        return "-USAGE: <var>=<value> [=<value2>]\n"
    switch.globals[name] = value.replace("${", "%{")  # switch_core.c: nothing that could be expanded is kept
    return "+OK\n"


def _reloadxml(switch: Switch, args: str, channel: Channel | None) -> str:
    problem = switch.dialplan.reload()
    switch.fire(Event("RELOADXML"))
    return f"+OK [{problem or 'Success'}]\n"


def _python(switch: Switch, args: str, channel: Channel | None) -> str:
    if switch.interpreter is None:
        return "-ERR mod_python3 is not loaded\n"
    return switch.interpreter.api(args, channel.uuid if channel is not None else None)


def _pyrun(switch: Switch, args: str, channel: Channel | None) -> str:
    if not args or switch.interpreter is None:
        return "USAGE: \n"
    switch.interpreter.thread(args)
    return "+OK\n"


def _create_uuid(switch: Switch, args: str, channel: Channel | None) -> str:
    return str(uuid_module.uuid4())


def _log(switch: Switch, args: str, channel: Channel | None) -> str:
    word, blank, text = args.partition(" ")
    level = level_of(word) if blank else None
    switch.log.write(7 if level is None else level, text if blank else args)
    return "+OK\n"


def _echo(switch: Switch, args: str, channel: Channel | None) -> str:
    return args


def _eval(switch: Switch, args: str, channel: Channel | None) -> str:
    if channel is not None:
        return switch.applications.expand(channel, args)
    return args


def _uptime(switch: Switch, args: str, channel: Channel | None) -> str:
    return str(int(time.time() - switch.started))


def _msleep(switch: Switch, args: str, channel: Channel | None) -> str:
    if not args.isdigit():
        return "-USAGE: <milliseconds>\n"
    switch.clock.sleep(int(args) / 1000)
    return "+OK"


def _load(switch: Switch, args: str, channel: Channel | None) -> str:
    problem = "Module already loaded" if args in MODULES else "module load file routine returned an error"
    return f"+OK Reloading XML\n-ERR [{problem}]\n"


def _strepoch(switch: Switch, args: str, channel: Channel | None) -> str:
    return str(int(time.time()))


def _system(switch: Switch, args: str, channel: Channel | None) -> str:
    """A shell runs it, as in mod_commands' `system_function`: what an injection is after."""
    ended = subprocess.run(
        ["/bin/sh", "-c", args], cwd=switch.config.run_dir, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    return ended.stdout.decode("utf-8", "surrogateescape")


def _strings(function: Callable[[str], str]) -> Command:
    return lambda switch, args, channel: function(args)


_COMMANDS: dict[str, Command] = {
    "status": _status,
    "version": _version,
    "db": _db,
    "bgapi": _bgapi,
    "fsctl": _fsctl,
    "module_exists": _module_exists,
    "xml_locate": xml_locate,
    "global_getvar": _global_getvar,
    "global_setvar": _global_setvar,
    "reloadxml": _reloadxml,
    "python": _python,
    "pyrun": _pyrun,
    "create_uuid": _create_uuid,
    "log": _log,
    "echo": _echo,
    "eval": _eval,
    "strepoch": _strepoch,
    "uptime": _uptime,
    "msleep": _msleep,
    "load": _load,
    "url_encode": _strings(url_encode),
    "url_decode": _strings(url_decode),
    "sofia": sofia,
    "system": _system,
    "standin": standin,
}
