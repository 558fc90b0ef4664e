"""Fixtures for the handlers of calls."""

from rig.channel import own_spool

__all__ = ["own_spool"]
