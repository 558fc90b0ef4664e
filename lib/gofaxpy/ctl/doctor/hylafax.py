"""Checks of HylaFAX: its configuration, its modems, its daemons, and Debian's way to put them together."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import shlex
import signal
import stat
import subprocess
import time
from collections.abc import Iterator

from gofaxpy.ctl.doctor.finding import Finding, note, ok, problem, warning
from gofaxpy.ctl.doctor.subject import Subject, is_script
from gofaxpy.ctl.lesser import user_of

CURE = "run debian12-workaround (in this package's examples) once as root; then restart faxq, hfaxd and freeswitch"
BUG = "Debian bug 1076953"
_MOST = 1 << 20             # octets of a file that are read
_VERSION_OCTETS = 4096      # octets of the output of SendFaxCmd -V that are read
_VERSION_SECONDS = 20.0


def settings(subject: Subject) -> dict[str, str]:
    """The values of faxq's etc/config by lower-cased tag; empty where the file cannot be read."""
    from gofaxpy.hylafax.confline import parse
    from gofaxpy.hylafax.encoding import decode
    from gofaxpy.hylafax.spool import read_start

    try:
        return parse(decode(read_start(os.path.join(subject.hylafax_etc(), "config"), _MOST, follow=True)))
    except OSError:
        return {}


def send_command(subject: Subject) -> Iterator[Finding]:
    """SendFaxCmd is gofaxsend, and starts as HylaFAX's user."""
    from gofaxpy import __version__

    check, tags = "SendFaxCmd", settings(subject)
    if not tags:
        yield problem(check, f"{subject.hylafax_etc()}/config cannot be read", "run this as root, or install hylafax-server")
        return
    command = tags.get("sendfaxcmd", "")
    remedy = f"in {subject.hylafax_etc()}/config: `SendFaxCmd: /usr/bin/gofaxsend`, then restart faxq"
    if not command:
        yield problem(check, "HylaFAX sends by its own faxsend: SendFaxCmd is not set", remedy)
    elif not command.startswith("/"):
        yield problem(check, f"{command} is no absolute path", remedy)
    elif len(command.split()) > 1:
        yield problem(check, f"{command!r} has arguments; faxq drops them without a word", remedy)
    elif not is_script(command):
        yield problem(check, f"{command} does not exist or cannot be executed", remedy)
    elif "gofaxsend" not in os.path.basename(os.path.realpath(command)):
        yield problem(check, f"{command} is another program than gofaxsend", remedy)
    else:
        with subject.as_starter():
            said = _version_of(command, subject.config.hylafax.user)
        if said == f"gofaxsend {__version__}":
            yield ok(check, f"{command} starts, version {__version__}")
        elif said.startswith("gofaxsend "):
            yield problem(check, f"{command} says {said}, gofaxctl is {__version__}", "install both from the same package")
        else:
            yield problem(check, f"{command} does not start as {subject.config.hylafax.user}: {said[:200]}",
                          f"sudo -u {subject.config.hylafax.user} {shlex.quote(command)} -V, and see what it lacks")
    batch = tags.get("maxbatchjobs", "64")
    if batch != "1":
        yield warning("MaxBatchJobs", f"is {batch}: jobs of a batch wait for one another, and gain nothing",
                      f"in {subject.hylafax_etc()}/config: `MaxBatchJobs: 1`, then restart faxq")
    else:
        yield ok("MaxBatchJobs", "is 1")


def _version_of(command: str, user: str) -> str:
    """What ``command -V`` prints, run as ``user``, or why it does not run.

    The program gets no terminal: as that user it could type commands into root's (TIOCSTI, tty_ioctl(4)).
    """
    import pwd

    try:
        identity = {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": ()} if os.geteuid() == 0 else {}
        process: subprocess.Popen[bytes] = subprocess.Popen(
            [command, "-V"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, cwd="/",
            start_new_session=True, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}, **identity,  # type: ignore[call-overload]
        )
    except (OSError, subprocess.SubprocessError, KeyError) as error:    # KeyError: no such user
        return str(error)
    with process:
        try:
            said = _beginning(process)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    return said.decode("utf-8", "replace").strip() or f"exit status {process.returncode}"


def _beginning(process: subprocess.Popen[bytes]) -> bytes:
    """The output of a program until it closes it, at most :data:`_VERSION_OCTETS` within :data:`_VERSION_SECONDS`."""
    assert process.stdout is not None
    said = b""
    deadline = time.monotonic() + _VERSION_SECONDS
    while len(said) < _VERSION_OCTETS:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([process.stdout], [], [], left)[0]:
            return said or b"it has not ended in time"
        octets = os.read(process.stdout.fileno(), _VERSION_OCTETS)
        if not octets:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(deadline - time.monotonic(), 0))
            break
        said += octets
    return said


def locks(subject: Subject) -> Iterator[Finding]:
    """faxq, gofaxsend and FreeSWITCH must use the same lock files, or two of them use one modem."""
    ours, check, tags = subject.config.hylafax.lock_dir, "lock files", settings(subject)
    if not tags:
        return      # send_command reports it
    theirs = tags.get("uucplockdir", "/var/lock")
    if os.path.realpath(theirs) != os.path.realpath(ours):
        yield problem(check, f"faxq locks modems in {theirs}, gofax in {ours}: a modem may be used twice",
                      "set hylafax.lock_dir in gofax.yaml to HylaFAX's UUCPLockDir")
    elif not os.path.isdir(ours):
        yield problem(check, f"{ours} does not exist", f"mkdir {ours}; chown {subject.config.hylafax.user} {ours}")
    elif subject.inside and not subject.inside.get("locks"):
        yield problem(check, f"FreeSWITCH may not make files in {ours}",
                      f"let FreeSWITCH run as {subject.config.hylafax.user}, and that user write to {ours}")
    else:
        yield ok(check, f"are in {ours}")


def modem_files(subject: Subject) -> Iterator[Finding]:
    """Each modem has a configuration file: faxq and hfaxd ignore a modem without one."""
    etc, check = subject.hylafax_etc(), "modem files"
    missing = [device for device in subject.config.hylafax.devices() if not os.path.exists(os.path.join(etc, f"config.{device}"))]
    if missing:
        yield problem(check, f"{etc}/config.{missing[0]} is missing{f', and {len(missing) - 1} more' if missing[1:] else ''}",
                      f"touch {' '.join(f'{etc}/config.{device}' for device in missing[:3])}{' …' if missing[3:] else ''}")
    else:
        yield ok(check, f"{etc}/config.{subject.config.hylafax.modem_prefix}N are all there")


def daemons(subject: Subject) -> Iterator[Finding]:
    """faxq runs: a process reads its FIFO."""
    path = subject.spooled("FIFO")
    try:
        if not stat.S_ISFIFO(os.lstat(path).st_mode):
            yield problem("faxq", f"{path} is no FIFO", f"rm {path}; then restart faxq")
            return
        os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC))
    except PermissionError:
        yield note("faxq", f"{path} cannot be looked at", "run this as root")
    except OSError as error:
        why = "nobody reads" if error.errno == errno.ENXIO else "there is no"
        yield problem("faxq", f"faxq does not run: {why} {path}", "systemctl start faxq, and see its messages in syslog")
    else:
        yield ok("faxq", f"runs and reads {path}")


def views(subject: Subject) -> Iterator[Finding]:
    """faxq, hfaxd and FreeSWITCH each see HylaFAX's configuration in the spool, in their own mount namespaces."""
    check, wanted = "setup.cache", "etc/setup.cache"
    if subject.shares_spool() and not subject.inside.get("setup_cache"):
        yield problem(check, f"FreeSWITCH sees no {subject.spooled(wanted)}: faxrcvd cannot announce a fax ({BUG})", CURE)
    with subject.as_starter():      # another user's process shows its mounts to root only
        lost = [
            (pid, name) for pid, name in _hylafax_processes(subject)
            if not os.path.exists(f"/proc/{pid}/root{subject.spooled(wanted)}")
        ]
    for pid, name in lost[:1]:
        yield problem(check, f"{name} (pid {pid}) has lost {subject.spooled('etc')} ({BUG})", CURE)
        return
    if not os.path.exists(subject.spooled(wanted)) and not subject.inside:
        yield problem(check, f"{subject.spooled(wanted)} is missing: HylaFAX's configuration is not in its spool ({BUG})", CURE)
    else:
        yield ok(check, f"{subject.spooled(wanted)} is seen")


def wrapper(subject: Subject) -> Iterator[Finding]:
    """Debian's wrapper around faxcron and other programs does not unmount the directory that the services have mounted."""
    path, check = subject.system("/usr/sbin/hylafax_wrapper"), "hylafax_wrapper"
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            lines = [line.strip() for line in file.read(_MOST).splitlines()]
    except OSError:
        return
    mounts = [line for line in lines if "mount" in line and not line.startswith("#")]
    if any(subject.spooled("etc") in line for line in mounts):
        yield warning(check, f"{path} unmounts {subject.spooled('etc')} under the running services ({BUG})", CURE)
    else:
        yield ok(check, f"{path} leaves {subject.spooled('etc')} alone")


def _hylafax_processes(subject: Subject) -> Iterator[tuple[int, str]]:
    """The pids and names of the daemons of this spool whose /proc directory can be read."""
    owners = (0, user_of(subject.config.hylafax))
    for pid in os.listdir("/proc"):
        if not pid.isdigit():
            continue
        try:
            if os.stat(f"/proc/{pid}").st_uid not in owners:
                continue        # a process of another user, whatever its name
            with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as file:
                name = file.read().strip()
            if name not in ("faxq", "hfaxd"):
                continue
            with open(f"/proc/{pid}/cmdline", encoding="utf-8", errors="replace") as file:
                words = file.read(_MOST).split("\0")
            os.listdir(f"/proc/{pid}/root")
        except OSError:
            continue
        own = words[words.index("-q") + 1] if "-q" in words[:-1] else "/var/spool/hylafax"
        if os.path.realpath(own) == os.path.realpath(subject.spool):
            yield int(pid), name
