"""Checks of permissions: which users can read FreeSWITCH's files, and exchange the programs that HylaFAX runs."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator

from gofaxpy.ctl.doctor.finding import Finding, note, ok, warning
from gofaxpy.ctl.doctor.subject import Subject
from gofaxpy.ctl.doctor.xml import parsed

# A file, the global variable that names its directory (switch_core.c), and what a reader of the file learns.
# freeswitch.xml.fsxml is the whole configuration after its preprocessing (switch_xml.c).
SECRETS = (
    ("log_dir", "freeswitch.xml.fsxml", "FreeSWITCH's whole configuration with its passwords"),
    ("conf_dir", "vars.xml", "the event socket's password"),
    ("conf_dir", "autoload_configs/event_socket.conf.xml", "the event socket's password"),
    ("certs_dir", "wss.pem", "a private key"),
    ("certs_dir", "agent.pem", "a private key"),
    ("certs_dir", "dtls-srtp.pem", "a private key"),
)
CALLS = (
    ("log_dir", "freeswitch.log", "who calls and is called"),
    ("db_dir", "core.db", "the calls under way"),
    ("db_dir", "call_limit.db", "the numbers that mod_db remembers"),
)
UNIT = "take UMask=0077 and the …DirectoryMode=0750 from conf/systemd/freeswitch.service, and restart FreeSWITCH"
PROGRAMS = ("etc", "bin", "etc/config", "bin/faxrcvd", "bin/notify", "etc/FaxDispatch", "etc/FaxNotify")


def passwords(subject: Subject) -> Iterator[Finding]:
    """FreeSWITCH's files with passwords in them must be closed to other users."""
    yield from _examined(subject, "FreeSWITCH's passwords", SECRETS, lambda: f"{UNIT}; then change {_passwords(subject)}")


def calls(subject: Subject) -> Iterator[Finding]:
    """FreeSWITCH's records of calls must be closed to other users."""
    yield from _examined(subject, "FreeSWITCH's logs", CALLS, lambda: UNIT)


def _examined(
    subject: Subject, check: str, rows: tuple[tuple[str, str, str], ...], remedy: Callable[[], str]
) -> Iterator[Finding]:
    if subject.api is None:
        return      # `event socket` reports it
    directories = {name: subject.api("global_getvar", name).strip() for name in dict.fromkeys(row[0] for row in rows)}
    found = 0
    for variable, name, what in rows:
        directory = directories[variable]
        if not os.path.isabs(directory):
            continue
        path = os.path.join(directory, name)
        try:
            if not open_to_everybody(path):
                continue
        except FileNotFoundError:
            continue
        except OSError as error:
            yield note(check, f"{path}: {error.strerror}", "run this as root")
            continue
        found += 1
        yield warning(check, f"every user of this machine can read {path}: {what}", f"{_closing(directory)}{remedy()}")
    if not found:
        yield ok(check, "nobody else can read them")


def _closing(directory: str) -> str:
    """The command that closes a directory; ``""`` for a directory that other users write to, such as /tmp."""
    import shlex

    found = os.stat(directory)
    return "" if found.st_mode & 0o022 else f"chmod o-rwx {shlex.quote(os.path.realpath(directory))}; "


def open_to_everybody(path: str) -> bool:
    """Whether every user can read a file, by its mode and those of the directories above it.  Raises OSError."""
    if not os.stat(path).st_mode & 0o004:
        return False
    directory = os.path.dirname(os.path.realpath(path))
    while os.stat(directory).st_mode & 0o001:
        if directory == "/":
            return True
        directory = os.path.dirname(directory)
    return False


def _passwords(subject: Subject) -> str:
    """The passwords in FreeSWITCH's configuration, by what they are for: those that must be changed."""
    named = ["the event socket's (event_socket_password in vars.xml, and gofax.yaml or its password_file)"]
    tree = parsed(subject.api("xml_locate", "configuration configuration name sofia.conf")) if subject.api is not None else None
    if tree is not None:
        gateways = [
            gateway.get("name", "") for gateway in tree.iter("gateway")
            if any(param.get("name") == "password" and param.get("value") for param in gateway.iter("param"))
        ]
        if gateways:
            named.append(f"that of gateway {', '.join(sorted(set(gateways))[:20])}, at the provider as well")
    return " and ".join(named)


def programs(subject: Subject) -> Iterator[Finding]:
    """Only root should be able to change etc/ and bin/: faxq and the cron jobs, which have root's rights, run programs there."""
    import grp
    import pwd

    check, name = "HylaFAX's programs", subject.config.hylafax.user
    try:
        user = pwd.getpwnam(name)
        spool = os.stat(subject.spool)
    except (KeyError, OSError):
        return      # `user` and `spool` report it
    groups = set(os.getgrouplist(name, user.pw_gid))
    theirs = []
    for part in PROGRAMS:
        try:
            found = os.lstat(subject.spooled(part))
        except FileNotFoundError:
            continue
        exchanged = "/" not in part and may_write(spool, user.pw_uid, groups) and not kept(spool, found, user.pw_uid)
        if exchanged or (may_write(found, user.pw_uid, groups) and not stat.S_ISLNK(found.st_mode)):
            theirs.append(part)
    if theirs and user.pw_uid:
        group = grp.getgrgid(user.pw_gid).gr_name
        own = " ".join(subject.spooled(part) for part in theirs if os.lstat(subject.spooled(part)).st_uid)
        yield warning(
            check, f"{name} can exchange {', '.join(theirs)} in {subject.spool}, which faxq runs and reads with root behind it",
            f"chown root:{group} {subject.spool}; chmod 1775 {subject.spool}{f'; chown -h root {own}' if own else ''}",
        )
    else:
        yield ok(check, f"{name} cannot exchange {subject.spooled('etc')} and {subject.spooled('bin')}")


def may_write(found: os.stat_result, uid: int, groups: set[int]) -> bool:
    """Whether this user may write to a file, by its owner and mode."""
    return found.st_uid == uid or bool(found.st_mode & 0o002) or (found.st_gid in groups and bool(found.st_mode & 0o020))


def kept(directory: os.stat_result, found: os.stat_result, uid: int) -> bool:
    """Whether the sticky bit of a directory keeps this user from renaming a file in it (chmod(1))."""
    return bool(directory.st_mode & stat.S_ISVTX) and uid not in (directory.st_uid, found.st_uid)
