"""SpanDSP's result of a fax in HylaFAX's terms, for either direction."""

from __future__ import annotations

from gofaxpy.hylafax.params import FaxParams
from gofaxpy.switch.faxresult import FaxResult


def params_of(fax: FaxResult) -> FaxParams:
    """The transfer parameters that the fax used."""
    return FaxParams.from_transfer(fax.rate, fax.ecm, fax.resolution, fax.encoding_name, fax.pixel_width)
