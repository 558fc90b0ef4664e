"""Tricks by name, and a house in which each of them would leave a trace if it worked."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rig.esl import EventSocket
from rig.house import House
from rig.install import Installed, gofaxyaml
from rig.pages import make_tiff
from rig.ports import Port
from rig.rundir import FAX_USER, RunDir
from rig.spool import make_spool
from rig.switch import Switch, make_switch

# `@` is the place, a letter: z@ is a file that a command makes, x_@ a variable or tag, 666 a number nobody means to call.
TRICKS = {
    "command": "${system(>z@)}",
    "global": "$${system(>z@)}",
    "escaped-command": "$\\{system(>z@)}\\${system(>z@)}",
    "quote-variable": "',x_@='1",
    "comma-variable": ",x_@=1,",
    "escaped-comma": "\\,x_@=1\\\\,x_@=1",
    "leg-variable": "[x_@=1]",
    "brace": "}{x_@=1}",
    "angle": "<x_@=1>",
    "delimiter": "^^;x_@=1;x_@=2",
    "alternative": "|sofia/gateway/default/666",
    "second-leg": ",sofia/gateway/default/666",
    "enterprise": ":_:sofia/gateway/default/666",
    "application": "' '&system(>z@)",
    "newline": "\nx_@:1\nFORGED:x",
    "escaped-newline": "\\nx_@: 1\\r\\nFORGED: x",
    "percent": "%0Ax_@: 1%0AFORGED%00%27",
    "tab": "\tSEND\t\"FORGED\"\t",
    "quotes": "a\\\" \"b\" \\'",
    "shell": "`>z@`$(>z@);>z@;'\";>z@;\"'",
    "sql": "'; DELETE FROM db_data; --",
    "traversal": "../../../../z@",
    "dash": "--x_@=1",
    "formula": "=cmd|'/C z@'!A0",
    "terminal": "\x1b]0;FORGED\x07\x1b[2J\u009b2J",
    "separators": "\u2028FORGED\u2029x_@:1\u0085",
    "surrogates": "M\udcfcller\udced\udca0\udc80",
    "long": "A" * 3000,
}
API_COMMANDS = {"python", "bgapi", "originate", "db", "uuid_exists", "uuid_kill", "show", "pyrun", "fsctl", "status"}
RIGS_OWN = {"uuid_getvar", "sched_api"}
"""API commands that scripted far ends on a real switch need (:mod:`rig.live.watcher`)."""


def trick(name: str, place: str) -> str:
    """The trick as it stands in one place, a letter."""
    return TRICKS[name].replace("@", place)


@dataclass
class Scene:
    """One house for all tricks, and whoever watches it."""

    house: House
    document: str
    switch: Switch
    events: list[dict[str, str]] = field(default_factory=list)
    told: list[bytes] = field(default_factory=list)

    def call(self, **words: str) -> str:
        """A call from outside whose caller says this; returns ``+OK …`` when it is answered.  Escaped for every time that
        FreeSWITCH takes a dialstring apart; braces in pairs and no ``:_:`` is all it can carry."""
        sent = os.path.join(self.switch.directory, "sent.tif")
        shutil.copyfile(self.document, sent)
        words.setdefault("fax_enable_t38", str(self.switch.live).lower())       # where time is real, it saves most of it
        quoted = (f"{name}='{_escape(_escape(_escape(value)).replace(',', chr(92) + ','))}'" for name, value in words.items())
        return self.switch.originate("{" + ",".join(quoted) + "}sofia/far/4711", f"txfax({sent})")

    def traces(self) -> list[str]:
        """Files that a command has made, wherever it would have run."""
        found = []
        for directory, _, names in os.walk(self.house.run_dir.path):
            found += [os.path.join(directory, name) for name in names if re.fullmatch(r"z[a-z]", name)]
        return found

    def check(self) -> None:
        """No command, no variable, no number, no record that somebody outside has made up; since the last time."""
        assert self.traces() == [], "commands"
        events, self.events[:] = list(self.events), []
        far = ("sofia/far/",)       # whoever calls us may have what variables he likes on his side
        ours = [event for event in events if not event.get("Channel-Name", "").startswith(far)]
        variables = {name for event in ours for name in event if re.match("(variable_)?x_|.*FORGED", name)}
        assert variables == set(), "channel variables"
        dialled = {event.get("Caller-Destination-Number", "") for event in ours if event.get("Event-Name") == "CHANNEL_CREATE"}
        assert not [number for number in dialled if "666" in number], "numbers"
        commands = {event.get("API-Command", "") for event in events if event.get("Event-Name") == "API"} - {""}
        known = API_COMMANDS | RIGS_OWN if self.switch.live else API_COMMANDS
        assert commands <= known, f"API commands: {commands - known}"
        house = self.house
        for record in house.records():
            assert len(record) == 19 and record[1] in ("SEND", "RECV", "CALL") and re.fullmatch(r"\d{9}", record[2]), record
        with open(house.path("log", "xferfaxlog"), encoding="utf-8", errors="surrogateescape") as file:
            for line in file:
                fields = line.rstrip("\n").split("\t")
                for text in (*fields[7:9], *fields[13:]):
                    assert re.fullmatch(r'"([^"]*[^"\\])?"', text), f"a field that ends early: {text}"
        for name in os.listdir(house.path("log")):
            if re.fullmatch(r"c\d{9}", name):
                for line in house.session_log(name[1:]).split("\n"):
                    assert line == "" or re.match(r"[A-Z][a-z]{2} \d\d \d\d:\d\d:\d\d\.\d\d: \[ *\d+\]: ", line), line
                    assert not re.search("[\x00-\x1f\x7f-\x9f\u2028\u2029]", line), line
        with open(self.switch.log, encoding="utf-8", errors="surrogateescape") as file:
            said = [line for line in file.read().split("\n") if "gofax: " in line]
        assert not [line for line in said if re.search("[\x00-\x1f\x7f-\x9f\u2028\u2029]", line)]
        for name in os.listdir(house.path("status")):
            with open(house.path("status", name), encoding="utf-8", errors="surrogateescape") as file:
                assert len(file.read().split("\n")) == 2
        for message in b"".join(self.told).split(b"\0"):
            assert re.match(rb"[+@*][A-Za-z0-9]+:[A-Za-z]|Z$|$", message) and b"\n" not in message, message


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")


@contextmanager
def make_scene(installed: Installed) -> Iterator[Scene]:
    """The house, its switch and its watchers."""
    with RunDir() as run_dir:
        spool, lock_dir, port = os.path.join(run_dir.path, "spool"), os.path.join(run_dir.path, "lock"), Port()
        make_spool(spool, lock_dir, sendfaxcmd=installed.gofaxsend, sendmail="/bin/true", modems=["freeswitch0", "freeswitch1"])
        path = os.path.join(run_dir.path, "gofax.yaml")
        config = gofaxyaml(path, spool=spool, lock_dir=lock_dir, esl_port=port.number, overrides={
            "inbound": {
                "dynamic_config": "etc/DynamicConfig", "answer_after": 0, "wait_time": 0, "recipient_from": "diversion",
            },
            "outbound": {
                "dynamic_config": "etc/DynamicConfigOutgoing", "job_tsi": True, "job_fax_number": True, "retry_other": 1,
            },
        })
        ends = [{"number": f"10{number:02d}", "does": "fax", "ident": TRICKS[name].replace("@", "q")[:20].encode(
            "ascii", "replace").decode()} for number, name in enumerate(TRICKS)]
        switch = make_switch(
            run_dir, installed, gofaxyaml=config, port=port,
            far_ends=[*ends, {"number": "1...", "does": "fax", "ident": "+49 30 FAR"}, {"number": ".*", "does": "busy"}],
        )
        house = House(run_dir, installed, spool, lock_dir, config, switch)
        # What these scripts say is in a file, as it is: `say` for a job or a caller, else nothing.
        house.script("DynamicConfigOutgoing", '[ -e "etc/say.$4" ] && cat "etc/say.$4"; : "$2" "$3"')
        house.script("DynamicConfig", 'printf "[%s]" "$@" >> log/asked; [ -e etc/say ] && cat etc/say; exit 0')
        os.mkfifo(house.path("FIFO"), 0o600)
        made = Scene(house, os.path.join(run_dir.path, "incoming.tif"), switch)
        make_tiff(made.document, 1)
        fifo = os.open(house.path("FIFO"), os.O_RDWR)
        os.fchown(fifo, *_ids())
        threading.Thread(target=_listen, args=(fifo, made.told), daemon=True).start()
        switch.start()
        socket = switch.connect()
        assert socket.command("event plain ALL").startswith("+OK")
        threading.Thread(target=_watch, args=(socket, made.events), daemon=True).start()
        yield made
        socket.close()
        os.write(fifo, b"\xff")
        switch.stop()


def _ids() -> tuple[int, int]:
    entry = pwd.getpwnam(FAX_USER)
    return entry.pw_uid, entry.pw_gid


def _listen(fifo: int, told: list[bytes]) -> None:
    while (chunk := os.read(fifo, 2047)) != b"\xff":
        told.append(chunk)
    os.close(fifo)


def _watch(socket: EventSocket, events: list[dict[str, str]]) -> None:
    try:
        while True:
            try:
                events.append(socket.event(1)[0])
            except TimeoutError:
                continue
    except Exception:      # the switch has ended
        return


def number_of(name: str) -> str:
    """The number of a far end whose own identifier is this trick."""
    return f"10{list(TRICKS).index(name):02d}"


def in_a_line(text: str) -> str:
    """As hfaxd lets it into a qfile and SIP into a header: there are no newlines in a value."""
    return text.replace("\n", " ").replace("\r", " ")


def quoted(text: str) -> str:
    """Between the quotes of a HylaFAX configuration line."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
