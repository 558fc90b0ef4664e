"""The exception with which a subcommand of gofaxctl ends if it cannot do its work."""

from __future__ import annotations


class Trouble(Exception):
    """The subcommand cannot do its work; the text says why and what to do.  Exit status 1."""
