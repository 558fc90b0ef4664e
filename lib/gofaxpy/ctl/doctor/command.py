"""``gofaxctl doctor``: examines configuration, HylaFAX and FreeSWITCH, and says what to do about each problem."""

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
    from gofaxpy.ctl.doctor.subject import Subject
    from gofaxpy.ctl.output import Output

_MARKS = {"ok": ("ok", "green"), "note": ("--", "dim"), "warning": ("!!", "yellow"), "problem": ("XX", "red")}


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-q", "--quiet", action="store_true", help="show only what is wrong")
    parser.add_argument("--full", action="store_true", help="also send a page from FreeSWITCH to itself (see selftest)")
    parser.add_argument("--root", metavar="DIR", default="/", help="where Debian's /etc/hylafax and /usr/sbin are, if not in /")


def run(arguments: argparse.Namespace, output: Output) -> int:
    """Runs all checks.  Exit status 1 if one of them finds a problem; warnings do not count."""
    from gofaxpy.ctl.doctor.checks import examine
    from gofaxpy.ctl.doctor.finding import Level, note, ok, problem

    subject, findings = _subject(output, arguments.root)
    findings += examine(subject)
    if arguments.full and subject.api is not None:
        from gofaxpy.ctl.selftest import Selftest

        try:
            with output.root():       # Selftest.run gives root up for good
                text = Selftest(output.switch.api, subject.config).run()
            findings.append(ok("selftest", text))
        except Trouble as error:
            findings.append(problem("selftest", str(error), "see FreeSWITCH's log; the checks above come first"))
    elif subject.api is not None:
        findings.append(note("selftest", "not asked for", "gofaxctl doctor --full sends a page from FreeSWITCH to itself"))
    output.data([
        {"check": one.check, "level": one.level.value, "text": one.text, "remedy": one.remedy} for one in findings
    ])
    for one in findings:
        if not arguments.quiet or one.level in (Level.PROBLEM, Level.WARNING):
            _show(output, one)
    problems = sum(one.level is Level.PROBLEM for one in findings)
    warnings = sum(one.level is Level.WARNING for one in findings)
    output.line()
    output.line(output.style(
        f"{problems} problem{'s' * (problems != 1)}, {warnings} warning{'s' * (warnings != 1)}", "red" if problems else "green"
    ))
    return PROBLEM if problems else OK


def _subject(output: Output, root: str) -> tuple[Subject, list[Finding]]:
    """What the checks examine: the configuration, and FreeSWITCH if it answers.  Findings say why it does not."""
    from gofaxpy.config.file import ConfigError, load
    from gofaxpy.ctl.doctor.finding import problem
    from gofaxpy.ctl.doctor.subject import Subject

    problems: list[str] = []
    try:
        config = load(output.config_path)
    except ConfigError as error:
        config, problems = error.salvaged, error.problems
    output.use(config)
    subject = Subject(output.config_path, config, problems, root=root, as_starter=output.root)
    findings: list[Finding] = []
    try:
        subject.api = output.switch.api
        reply = output.switch.api("python", "gofax inside")
    except Trouble as error:
        for line in str(error).splitlines():
            findings.append(problem("event socket", line, _remedy(line)))
        subject.api = None
        return subject, findings
    subject.inside, subject.no_inside = _facts(reply)
    return subject, findings


def _remedy(trouble: str) -> str:
    """What to do about an event socket that cannot be used, by what :mod:`gofaxpy.switch.client` says of it."""
    if "refuses the password" in trouble:
        return "password in gofax.yaml and in event_socket.conf.xml must be the same"
    if "has not been told the password" in trouble:
        return "run FreeSWITCH as hylafax.user of gofax.yaml (User= in its unit), or correct hylafax.user"
    return "systemctl status freeswitch; freeswitch.servers in gofax.yaml must be where its event socket is"


def _facts(reply: str) -> tuple[dict[str, Any], str]:
    """The facts in the reply to ``python gofax inside``; or none, and the reply itself as the reason."""
    try:
        facts = jsontext.parse(reply)
    except ValueError:
        return {}, shown(reply.strip()[:300])
    return (facts, "") if isinstance(facts, dict) else ({}, "not understood")


def _show(output: Output, one: Finding) -> None:
    mark, colour = _MARKS[one.level.value]
    output.line(f"{output.style(mark, colour, 'bold')}  {shown(one.check)}: {shown(one.text)}")
    if one.remedy and one.level.value != "ok":
        output.line(f"      → {shown(one.remedy)}")


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


def _inside(arguments: argparse.Namespace, output: Output) -> int:
    from gofaxpy.ctl.doctor.inside import facts

    output.json = True
    output.data(facts())
    return OK


INSIDE = Command("inside", "", "What FreeSWITCH's process says of itself (for doctor).", _inside, inside=True, hidden=True)
