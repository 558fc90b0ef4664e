"""The directory of a document that was joined for one call, ``gofax/tmp/<job>-<commid>``."""

from __future__ import annotations

import os

from gofaxpy.hylafax.errors import SpoolError

JOIN_TIMEOUT = 120      # seconds that tiffcp may take


def remove_directory(directory: str) -> None:
    """Removes the directory and the files and links in it.  If ``directory`` is a link, only the link is removed.

    A missing directory is no error.  Raises SpoolError.
    """
    try:
        try:
            fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except NotADirectoryError:      # also for a link, open(2)
            os.unlink(directory)
            return
        try:
            for name in os.listdir(fd):
                os.unlink(name, dir_fd=fd)
        finally:
            os.close(fd)
        os.rmdir(directory)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise SpoolError(f"{directory}: cannot be removed: {error.strerror}") from error
