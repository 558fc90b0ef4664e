"""Telephone numbers in the form that HylaFAX uses in file names: digits only."""

from __future__ import annotations


def digits(number: str) -> str:
    """The ASCII digits of ``number`` and nothing else.

    faxd/FaxMachineLog.c++ does this for ``SESSION BEGIN``, and faxd/FaxMachineInfo.c++ for the name of the file in info/.
    Native applies its dialling rules first (``900123`` becomes ``+4930900123``); so the caller passes the number in its
    canonical form (:func:`gofaxpy.hylafax.dialrules.canonical`).
    """
    return "".join(character for character in number if "0" <= character <= "9")
