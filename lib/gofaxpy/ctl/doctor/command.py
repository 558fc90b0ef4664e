"""``gofaxctl doctor``: looks whether everything is in its place, and says what to do where it is not."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from gofaxpy import jsontext
from gofaxpy.ctl.command import OK, PROBLEM, Command
from gofaxpy.ctl.output import shown
from gofaxpy.ctl.trouble import Trouble

if TYPE_CHECKING:
    from typing import Any

    from gofaxpy.ctl.doctor.finding import Finding
    from gofaxpy.ctl.doctor.subject import Patient
    from gofaxpy.ctl.output import Desk

_MARKS = {"ok": ("ok", "green"), "note": ("--", "dim"), "warning": ("!!", "yellow"), "problem": ("XX", "red")}


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-q", "--quiet", action="store_true", help="show only what is wrong")
    parser.add_argument("--full", action="store_true", help="also send a page from FreeSWITCH to itself (see selftest)")
    parser.add_argument("--root", metavar="DIR", default="/", help="where Debian's /etc/hylafax and /usr/sbin are, if not in /")


def run(arguments: argparse.Namespace, desk: Desk) -> int:
    """Runs all checks.  Exit status 1 if one of them found a problem; warnings do not count."""
    from gofaxpy.ctl.doctor.checks import examine
    from gofaxpy.ctl.doctor.finding import Level, note, ok, problem

    patient, findings = _admit(desk, arguments.root)
    findings += examine(patient)
    if arguments.full and patient.api is not None:
        from gofaxpy.ctl.selftest import Selftest

        try:
            with desk.root():       # which it gives up for good
                text = Selftest(desk.switch.api, patient.config).run()
            findings.append(ok("selftest", text))
        except Trouble as error:
            findings.append(problem("selftest", str(error), "see FreeSWITCH's log; the checks above come first"))
    elif patient.api is not None:
        findings.append(note("selftest", "not asked for", "gofaxctl doctor --full sends a page from FreeSWITCH to itself"))
    desk.data([
        {"check": one.check, "level": one.level.value, "text": one.text, "remedy": one.remedy} for one in findings
    ])
    for one in findings:
        if not arguments.quiet or one.level in (Level.PROBLEM, Level.WARNING):
            _show(desk, one)
    problems = sum(one.level is Level.PROBLEM for one in findings)
    warnings = sum(one.level is Level.WARNING for one in findings)
    desk.line()
    desk.line(desk.style(
        f"{problems} problem{'s' * (problems != 1)}, {warnings} warning{'s' * (warnings != 1)}", "red" if problems else "green"
    ))
    return PROBLEM if problems else OK


def _admit(desk: Desk, root: str) -> tuple[Patient, list[Finding]]:
    """What can be learnt beforehand: the configuration, and whether FreeSWITCH answers."""
    from gofaxpy.config.file import ConfigError, load
    from gofaxpy.ctl.doctor.finding import problem
    from gofaxpy.ctl.doctor.subject import Patient

    problems: list[str] = []
    try:
        config = load(desk.config_path)
    except ConfigError as error:
        config, problems = error.salvaged, error.problems
    desk.use(config)
    patient = Patient(desk.config_path, config, problems, root=root, as_starter=desk.root)
    findings: list[Finding] = []
    try:
        patient.api = desk.switch.api
        reply = desk.switch.api("python", "gofax inside")
    except Trouble as error:
        for line in str(error).splitlines():
            password = "password" in line
            remedy = "password in gofax.yaml and in event_socket.conf.xml must be the same" if password else (
                "systemctl status freeswitch; freeswitch.servers in gofax.yaml must be where its event socket is"
            )
            findings.append(problem("event socket", line, remedy))
        patient.api = None
        return patient, findings
    patient.inside, patient.no_inside = _understood(reply)
    return patient, findings


def _understood(reply: str) -> tuple[dict[str, Any], str]:
    try:
        facts = jsontext.parse(reply)
    except ValueError:
        return {}, shown(reply.strip()[:300])
    return (facts, "") if isinstance(facts, dict) else ({}, "not understood")


def _show(desk: Desk, one: Finding) -> None:
    mark, colour = _MARKS[one.level.value]
    desk.line(f"{desk.style(mark, colour, 'bold')}  {shown(one.check)}: {shown(one.text)}")
    if one.remedy and one.level.value != "ok":
        desk.line(f"      → {shown(one.remedy)}")


COMMAND = Command(
    "doctor",
    "what is wrong, and what to do about it",
    "Looks at the configuration, users and permissions, HylaFAX and its settings, FreeSWITCH and its modules, the Python in\n"
    "it, scripts, dialplan and gateways.  Each finding has a one-line remedy.  Run it as root: others may not look into all.\n\n"
    "ok  all well      --  not looked at      !!  a warning      XX  a problem: faxes fail",
    run,
    _arguments,
    "gofaxctl doctor\ngofaxctl doctor --quiet         # only what is wrong; for cron\n"
    "gofaxctl doctor --full          # also a page from FreeSWITCH to itself\n"
    "gofaxctl doctor --json | jq '.[] | select(.level == \"problem\")'",
)


def _inside(arguments: argparse.Namespace, desk: Desk) -> int:
    from gofaxpy.ctl.doctor.inside import facts

    desk.json = True
    desk.data(facts())
    return OK


INSIDE = Command("inside", "", "What FreeSWITCH's process says of itself (for doctor).", _inside, inside=True, hidden=True)
