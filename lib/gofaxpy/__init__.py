"""gofaxpy: HylaFAX's sender and receiver as Python inside FreeSWITCH."""

from __future__ import annotations

__version__ = "0.2.0"
