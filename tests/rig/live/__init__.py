"""A real FreeSWITCH as the switch of the tests: started privately, with the project's own configuration."""

from rig.live.switch import Live

__all__ = ["Live"]
