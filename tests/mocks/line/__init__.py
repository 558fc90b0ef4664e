"""The telephone line of the stand-in: T.30 engines by SpanDSP, the line between two of them, and its faults."""

from mocks.line.clock import Clock
from mocks.line.endpoint import FaxEndpoint, FaxSetup
from mocks.line.line import Line
from mocks.line.results import FaxStats
from mocks.line.spoil import Spoil

__all__ = ["Clock", "FaxEndpoint", "FaxSetup", "FaxStats", "Line", "Spoil"]
