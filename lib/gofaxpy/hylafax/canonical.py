"""Telephone numbers reduced to what HylaFAX files them under."""

from __future__ import annotations


def digits(number: str) -> str:
    """The ASCII digits of ``number`` and nothing else.

    So does faxd/FaxMachineLog.c++ for ``SESSION BEGIN`` and faxd/FaxMachineInfo.c++ for the name of the file in info/.
    Native HylaFAX runs the number through its dialling rules first (``900123`` becomes ``+4930900123``); hand in
    the number in the form it is to be filed under.
    """
    return "".join(character for character in number if "0" <= character <= "9")
