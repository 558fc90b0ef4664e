"""Checks of gofax.yaml, and of the passwords and scripts that it names."""

from __future__ import annotations

import os
from collections.abc import Iterator

from gofaxpy.ctl.doctor.finding import Finding, ok, problem, warning
from gofaxpy.ctl.doctor.subject import Subject, is_script

DEFAULT_PASSWORD = "ClueCon"    # FreeSWITCH's own vars.xml and event_socket.conf.xml


def configuration(subject: Subject) -> Iterator[Finding]:
    """The file has no mistakes, and FreeSWITCH reads the same file."""
    check = "configuration"
    if subject.problems:
        for text in subject.problems:
            yield problem(check, text, f"mend this line of {subject.config_path}; FreeSWITCH takes the change up by itself")
    else:
        yield ok(check, f"{subject.config_path} is right")
    theirs = subject.inside.get("config", "")
    if theirs and os.path.realpath(theirs) != os.path.realpath(subject.config_path):
        yield warning(check, f"FreeSWITCH reads another file, {theirs}",
                      "compare that one (gofaxctl -C), or take GOFAX_CONFIG out of FreeSWITCH's environment")
    elif subject.inside.get("config_problems") and not subject.problems:
        yield problem(check, f"FreeSWITCH cannot read it: {subject.inside['config_problems'][0]}",
                      f"chown root:{subject.config.hylafax.user} {subject.config_path}; chmod 640 {subject.config_path}")


def password(subject: Subject) -> Iterator[Finding]:
    """Only HylaFAX's group may read the event socket's password, and it is not FreeSWITCH's default.

    A user with this password can do anything with FreeSWITCH.
    """
    check = "password"
    in_the_file = [server for server in subject.config.freeswitch.servers if not server.password_file]
    for server in subject.config.freeswitch.servers:
        if not server.password_file:
            continue
        try:
            secret = server.secret()
            if secret == DEFAULT_PASSWORD:
                yield _default_password(check, server.password_file)
            elif secret:
                yield ok(check, f"{server.password_file} holds a password")
            else:
                yield problem(check, f"the first line of {server.password_file} is empty", "write the password there")
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else "is no text"
            yield problem(check, f"{server.password_file}: {why}",
                          f"chown root:{subject.config.hylafax.user} {server.password_file}; chmod 640 {server.password_file}")
    if not in_the_file:
        return
    try:
        readable = os.stat(subject.config_path).st_mode & 0o004
    except OSError:
        return
    if any(server.password == DEFAULT_PASSWORD for server in in_the_file):
        yield _default_password(check, subject.config_path)
    elif readable:
        yield warning(check, f"every user of this machine can read the password in {subject.config_path}",
                      f"chown root:{subject.config.hylafax.user} {subject.config_path}; chmod 640 {subject.config_path}")
    else:
        yield ok(check, "only its owner and group can read it")


def _default_password(check: str, path: str) -> Finding:
    return warning(check, f"{path} has FreeSWITCH's default password of the event socket, which everybody knows",
                   f"set another in event_socket.conf.xml (vars.xml: event_socket_password) and in {path}")


def scripts(subject: Subject) -> Iterator[Finding]:
    """faxrcvd and the DynamicConfig scripts can be executed."""
    config = subject.config
    named = (
        ("faxrcvd", "inbound.faxrcvd", config.inbound.faxrcvd),
        ("DynamicConfig", "inbound.dynamic_config", config.inbound.dynamic_config),
        ("DynamicConfigOutgoing", "outbound.dynamic_config", config.outbound.dynamic_config),
    )
    for check, key, script in named:
        if not script:
            continue
        path = os.path.join(subject.hylafax_etc(), script[4:]) if script.startswith("etc/") else subject.spooled(script)
        if is_script(path):
            yield ok(check, f"{path} can be run")
        elif not os.path.exists(path):
            yield problem(check, f"{key}: {path} does not exist", f"put it there, or correct {key}")
        elif os.path.islink(path):
            yield problem(check, f"{key}: {path} leads to {os.path.realpath(path)}, which cannot be executed",
                          f"see who has set this link, and correct {key}")
        else:
            yield problem(check, f"{key}: {path} cannot be executed", f"chmod 755 {path}")
