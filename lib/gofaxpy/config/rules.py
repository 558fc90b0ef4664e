"""What a text in ``gofax.yaml`` must be, and what an operator may have meant by a wrong one.

gofaxsend reads the file for every job.  So for a file without mistakes only the rules themselves run, and they are cheap.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_ALPHANUMERIC = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
_GATEWAY = _ALPHANUMERIC | frozenset("_.-")         # as gofaxpy.switch.dialstring.gateway_name
_NAME = _ALPHANUMERIC | frozenset("_-")
_DIALLED = frozenset("0123456789*#+ -./()")         # as gofaxpy.switch.dialstring.dialable


def _absolute(text: str) -> bool:
    return text.startswith("/")


def _absolute_or_none(text: str) -> bool:
    return not text or text.startswith("/")


def _one_word(text: str) -> bool:
    return bool(text) and len(text.split()) == 1 and text == text.strip()


def _name(text: str) -> bool:
    return text[:1] in _ALPHANUMERIC and _NAME.issuperset(text) and bool(text)


def _mode(text: str) -> bool:
    if not (3 <= len(text) <= 4 and frozenset("01234567").issuperset(text)):
        return False
    return int(text, 8) & ~0o777 == 0 and int(text, 8) & 0o600 == 0o600


def _dialled(text: str) -> bool:
    return _DIALLED.issuperset(text)


def _gateway(text: str) -> bool:
    return 0 < len(text) <= 64 and text[0] not in ".-" and _GATEWAY.issuperset(text)


def causes() -> Iterable[str]:
    """The names of FreeSWITCH's hangup causes that a call can end with."""
    from gofaxpy.switch.hangup import HangupCause

    return [name for name in HangupCause.__members__ if name != "NONE"]


def _cause(text: str) -> bool:
    # nearly every configuration names just these two: gofaxpy.switch.hangup is not loaded for them
    return text in ("UNALLOCATED_NUMBER", "CALL_REJECTED") or text in causes()


RULES: dict[str, Callable[[str], bool]] = {
    "absolute": _absolute,
    "absolute or none": _absolute_or_none,
    "one word": _one_word,
    "name": _name,
    "mode": _mode,
    "dialled": _dialled,
    "gateway": _gateway,
    "cause": _cause,
}


def suggestion(word: str, known: Iterable[str]) -> str:
    """``; did you mean NAME?``, or ``""`` where no known name is similar.  Underscores and case do not count: GOfax.IP's
    ``enablet38`` is ``enable_t38`` here."""
    import difflib

    bare = {_bare(name): name for name in known}
    near = difflib.get_close_matches(_bare(word[:60]), bare, n=1, cutoff=0.6)
    return f"; did you mean {bare[near[0]]}?" if near else ""


def _bare(word: str) -> str:
    return word.replace("_", "").replace("-", "").lower()


def read_as(tag: str, text: str) -> str:
    """In words, what YAML reads in a plain scalar that is no text to it: ``the octal number 8``, ``true or false``."""
    from yaml.constructor import SafeConstructor
    from yaml.nodes import ScalarNode

    kind = tag.rpartition(":")[2]
    if kind in ("int", "float"):
        try:
            number = SafeConstructor.yaml_constructors[tag](SafeConstructor(), ScalarNode(tag, text))
        except (ValueError, OverflowError):
            return "a number"
        octal = kind == "int" and text.lstrip("+-")[:1] == "0" and text.strip("+-0_").isdigit()
        return f"the {'octal ' if octal else ''}number {number}"
    return {"bool": "true or false", "null": "nothing", "timestamp": "a date"}.get(kind, f"a {kind[:20]}")
