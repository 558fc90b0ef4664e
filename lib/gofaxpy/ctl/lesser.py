"""Who gofaxctl is while it looks into a spool: HylaFAX's user, also where root has started it.

What root opens in a directory of somebody else's can be exchanged under his hands: for a link to a file that only root may
read, or a directory that only root may write to.  So root is put aside before the spool is looked at, and the kernel keeps
the rest.  Only the effective ids change (credentials(7)): the real ones stay root's, so that HylaFAX's user can neither
signal nor trace this process, which has root's terminal (kill(2), ptrace(2)); and root comes back for what is his: a file
that he has named for the output, a program that is started as another user, a look into processes.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from gofaxpy.ctl.trouble import Trouble

if TYPE_CHECKING:
    from gofaxpy.config.keys import HylaFax

_MOST_LINKS = 40        # as the kernel, path_resolution(7)
_NOGROUP = 65534        # base-passwd(5)


class Lesser:
    """Puts root aside and takes it up again.  Does nothing in a process of anybody else's.

    Ids belong to a process as a whole: not for a process that has other threads, such as FreeSWITCH's.
    """

    def __init__(self) -> None:
        self._groups: list[int] = []

    def become(self, uid: int) -> None:
        """This user with his groups, until :meth:`regain`.  Root stays root.  Raises :class:`Trouble` where that is forbidden
        (capabilities(7))."""
        if os.geteuid() != 0 or uid == 0:
            return
        self._groups = os.getgroups()
        try:
            _take_groups(uid)
            os.seteuid(uid)
        except PermissionError as error:
            raise Trouble(f"root may not become the user with id {uid} here ({error.strerror}): run this as that user") from None

    def regain(self) -> None:
        """Root again, if it was put aside."""
        if os.getresuid()[2] == 0 != os.geteuid():
            os.seteuid(0)
            os.setegid(0)
            os.setgroups(self._groups)

    @contextmanager
    def root(self) -> Iterator[None]:
        """Root for a moment."""
        uid = os.geteuid()
        self.regain()
        try:
            yield
        finally:
            self.become(uid)

    @contextmanager
    def owner_of(self, path: str) -> Iterator[None]:
        """Whoever could exchange ``path``, or a directory or link on the way to it; root where only root can.  Raises OSError
        where there is none."""
        with self.root():
            self.become(exchangeable_by(path))
            try:
                yield
            finally:
                self.regain()


def _take_groups(uid: int) -> None:
    """The groups of this user; none of a user without a name."""
    import pwd

    try:
        user = pwd.getpwuid(uid)
    except KeyError:
        os.setgroups(())
        os.setegid(_NOGROUP)
    else:
        os.initgroups(user.pw_name, user.pw_gid)
        os.setegid(user.pw_gid)


def user_of(hylafax: HylaFax) -> int:
    """The user whose the spool is: ``hylafax.user``; where there is no such user, or he is root, the owner of the spool, or,
    where that is root's so that nobody else can exchange what is in it, of the faxes."""
    import pwd

    try:
        uid = pwd.getpwnam(hylafax.user).pw_uid
    except KeyError:
        uid = 0
    if uid:
        return uid
    for name in ("", "recvq", "sendq", "log"):
        try:
            uid = os.lstat(os.path.join(hylafax.spooldir, name)).st_uid
        except OSError:
            continue    # then there is nothing in it either
        if uid:
            break
    return uid


def exchangeable_by(path: str) -> int:
    """The first user but root who owns a directory, a link or a file on the way to ``path``; 0 if all of it is root's, who
    answers for the modes of what is his.

    Each step is looked up where only root can have put it, so that nothing of what was seen can change behind it.  What is not
    there may be put there in the next moment, by whoever may make something in that directory: so it is nobody's.

    Raises OSError.
    """
    todo = _parts(os.path.join(os.getcwd(), path))
    here = "/"
    links = 0
    while True:
        found = os.lstat(here)
        if found.st_uid:
            return found.st_uid
        if stat.S_ISLNK(found.st_mode) and links < _MOST_LINKS:
            links += 1
            target = os.readlink(here)
            todo += _parts(target)
            here = "/" if target.startswith("/") else os.path.dirname(here)
        if not todo:
            return 0
        part = todo.pop()
        here = os.path.dirname(here) if part == ".." else os.path.join(here, part)


def _parts(path: str) -> list[str]:
    """The last one first."""
    return [part for part in reversed(path.split("/")) if part not in ("", ".")]
