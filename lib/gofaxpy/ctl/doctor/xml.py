"""FreeSWITCH's replies in XML."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element


def parsed(text: str) -> Element | None:
    """The root element of a reply such as that of `xml_locate`; None for a reply that is no XML."""
    from xml.etree import ElementTree

    if "<" not in text:
        return None
    try:
        return ElementTree.fromstring(text)
    except (ElementTree.ParseError, RecursionError):
        return None
