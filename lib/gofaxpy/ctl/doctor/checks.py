"""All checks, in the order in which they run and are shown."""

from __future__ import annotations

from collections.abc import Iterator

from gofaxpy.ctl.doctor import access, configuration, hylafax, spool, switch
from gofaxpy.ctl.doctor.finding import Finding, note, problem
from gofaxpy.ctl.doctor.subject import Check, Subject
from gofaxpy.ctl.trouble import Trouble

CHECKS: tuple[Check, ...] = (
    configuration.configuration,
    configuration.password,
    spool.spool,
    spool.same_spool,
    hylafax.views,
    hylafax.wrapper,
    hylafax.send_command,
    hylafax.modem_files,
    hylafax.locks,
    hylafax.daemons,
    access.programs,
    configuration.scripts,
    spool.disk,
    switch.event_socket,
    access.passwords,
    access.calls,
    switch.version,
    switch.modules,
    switch.from_inside,
    switch.user,
    switch.dialplan,
    switch.gateways,
)


def examine(subject: Subject) -> Iterator[Finding]:
    """Runs every check.  A check that cannot examine its matter becomes a finding itself, and the next one runs."""
    for check in CHECKS:
        try:
            yield from check(subject)
        except Trouble as error:
            yield problem(check.__name__, f"FreeSWITCH has not answered: {error}", "systemctl status freeswitch, and try again")
        except PermissionError as error:
            yield note(check.__name__, f"{error.filename}: {error.strerror}", "run this as root")
        except Exception as error:      # a fault in one check must not cost the findings of the others
            yield note(check.__name__, f"{type(error).__name__}: {error}", "a fault of gofaxctl: please report it with this line")
