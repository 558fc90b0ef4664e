"""Fixtures for scenarios."""

from rig.fixtures import document, house, make_house

__all__ = ["document", "house", "make_house"]
