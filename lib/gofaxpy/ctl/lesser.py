"""gofaxctl reads a spool as HylaFAX's user, also where root has started it.

The owner of a directory can exchange what root opens in it: for a link to a file that only root may read, or a directory
that only root may write to.  So gofaxctl puts root aside before it opens anything in the spool, and the kernel refuses the
rest.  Only the effective ids change (credentials(7)).  The real ids stay root's: HylaFAX's user can then neither signal nor
trace this process, which has root's terminal (kill(2), ptrace(2)).  gofaxctl takes root up again for three things: a file that
root has named for the output, a program that is started as another user, and the processes of other users.
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
    """Puts root aside and takes it up again.  Does nothing in a process that root has not started.

    Ids belong to the whole process.  So this is not for a process with other threads, such as FreeSWITCH.
    """

    def __init__(self) -> None:
        self._groups: list[int] = []

    def become(self, uid: int) -> None:
        """Changes to the user ``uid`` with all groups of that user, until :meth:`regain`.  For uid 0 nothing changes.

        Raises :class:`Trouble` where the process may not (capabilities(7)).
        """
        if os.geteuid() != 0 or uid == 0:
            return
        self._groups = os.getgroups()
        try:
            _take_groups(uid)
            os.seteuid(uid)
        except PermissionError as error:
            raise Trouble(f"root may not become the user with id {uid} here ({error.strerror}): run this as that user") from None

    def regain(self) -> None:
        """Changes back to root, if root was put aside."""
        if os.getresuid()[2] == 0 != os.geteuid():
            os.seteuid(0)
            os.setegid(0)
            os.setgroups(self._groups)

    @contextmanager
    def root(self) -> Iterator[None]:
        """Within the block the process is root, if root has started it."""
        uid = os.geteuid()
        self.regain()
        try:
            yield
        finally:
            self.become(uid)

    @contextmanager
    def owner_of(self, path: str) -> Iterator[None]:
        """Within the block the process is the user who could exchange ``path``, or a directory or link on the way to it.

        It is root where only root could.  Raises OSError where there is no such path.
        """
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
    """The uid that the spool is read as: ``hylafax.user``; the spool's owner where that user does not exist or is root."""
    import pwd

    try:
        uid = pwd.getpwnam(hylafax.user).pw_uid
    except KeyError:
        uid = 0
    if uid:
        return uid
    try:
        return os.stat(hylafax.spooldir).st_uid
    except OSError:
        return 0        # there is no spool, so nothing in it can be exchanged


def exchangeable_by(path: str) -> int:
    """The first user but root who owns a directory, a link or a file on the way to ``path``; 0 if all of it is root's, who
    answers for the modes of what is his.

    Each step is looked up where only root can have put it, so nothing of what was examined changes afterwards.  A path that does
    not exist has no owner: any user who may write in that directory can make it in the next moment.

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
    """The components of a path, the last one first."""
    return [part for part in reversed(path.split("/")) if part not in ("", ".")]
