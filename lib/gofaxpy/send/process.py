"""What faxq makes of the processes it starts, put right: user and group ids, standard descriptors, the command line.

faxq runs as root with effective ids of uucp and hands that on, so the first thing is to give up root for good.  It
closes every descriptor; glibc then re-opens 0, 1 and 2 of such a process so that any write to them fails, and a failed
flush at exit would end us with status 120, which faxq takes for a job well done.
"""

from __future__ import annotations

import os

from gofaxpy.values import frozen

_PARENT = os.getppid()
_INIT = 1


class UsageError(Exception):
    """The command line is not one that faxq writes."""


@frozen
class CommandLine:
    """``gofaxsend [-V] [-C FILE] [-c tag:"value"]... -m DEVICE QFILE...``"""

    device: str
    qfiles: tuple[str, ...]
    config: str = ""
    overrides: tuple[tuple[str, str], ...] = ()
    version: bool = False


def give_up_root(user: str = "uucp") -> None:
    """Makes the effective ids the only ones; a process that is root altogether becomes ``user``.  Raises OSError, KeyError."""
    uid, gid = os.geteuid(), os.getegid()
    if uid == 0:
        import pwd  # only when started by hand as root

        entry = pwd.getpwnam(user)
        uid, gid = entry.pw_uid, entry.pw_gid
        os.initgroups(user, gid)
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    os.umask(0o077)


def is_orphan() -> bool:
    """Whether the faxq that started this process is gone.

    Another faxq knows nothing of this attempt: HylaFAX 6.0.7 dies of a ``*job:c`` for a job that it has not started
    itself (faxd/faxQueueApp.c++, FIFOJobMessage takes the job for one of a batch).  It may have died before this program
    was loaded: then init has been the parent from the beginning.
    """
    return os.getppid() != _PARENT or (_PARENT == _INIT and not _is_faxq(_INIT))


def _is_faxq(pid: int) -> bool:
    """In a container faxq itself may be the first process."""
    try:
        with open(f"/proc/{pid}/comm", encoding="ascii", errors="replace") as file:
            return file.read() == "faxq\n"
    except OSError:
        return False


def reopen_standard_descriptors() -> None:
    """Puts a usable /dev/null on 0, 1 and 2 where they cannot be used as what they are for."""
    import fcntl

    for fd, wanted in ((0, os.O_RDONLY), (1, os.O_WRONLY), (2, os.O_WRONLY)):
        try:
            mode = fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE
        except OSError:
            mode = -1
        if mode not in (wanted, os.O_RDWR):
            null = os.open("/dev/null", os.O_RDWR)
            if null != fd:
                os.dup2(null, fd)
                os.close(null)


def parse(argv: list[str]) -> CommandLine:
    """The command line (faxd/faxQueueApp.c++ builds it).  Raises :class:`UsageError`; never exits."""
    device, config, version = "", "", False
    overrides: list[tuple[str, str]] = []
    words = iter(argv)
    qfiles: list[str] = []
    for word in words:
        if word == "-V":
            version = True
        elif word in ("-m", "-c", "-C"):
            value = next(words, None)
            if value is None:
                raise UsageError(f"{word} needs a value")
            if word == "-m":
                device = value
            elif word == "-C":
                config = value
            else:
                overrides.append(_pair(value))
        elif word.startswith("-"):
            raise UsageError(f"unknown option {word}")
        else:
            qfiles.append(word)
    if not version and (not device or not qfiles):
        raise UsageError("usage: gofaxsend [-C FILE] [-c tag:\"value\"] -m DEVICE QFILE...")
    return CommandLine(device, tuple(qfiles), config, tuple(overrides), version)


def _pair(text: str) -> tuple[str, str]:
    """One ``tag:"value"`` of JobControl's output; the quotes are literal characters of the argument."""
    tag, colon, value = text.partition(":")
    if not colon or not tag:
        raise UsageError(f'-c wants tag:"value", not {text[:80]!r}')
    value = value.strip()
    if len(value) >= 2 and value[0] == value[-1] == '"':
        value = value[1:-1]
    return tag.strip().lower(), value
