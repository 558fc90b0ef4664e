"""Something looked at all the time while a block runs, in a thread of its own."""

from __future__ import annotations

import threading
from typing import Self


class Watching:
    """A context manager: its thread is in :meth:`watch` from the beginning of the block, and has ended at its end."""

    def __init__(self) -> None:
        self.over = threading.Event()
        self._thread = threading.Thread(target=self.watch)

    def watch(self) -> None:
        """What the thread does until ``over`` is set."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self._thread.join()
