"""Channel variables: ordered, names without regard to case, no empty values.

Source: `switch_channel_set_variable_var_check` in FreeSWITCH `src/switch_channel.c` over an event with unique
headers: a variable that is set again moves to the end of the list.
"""

from __future__ import annotations

from collections.abc import Iterable

TRUE_WORDS = frozenset({"yes", "on", "true", "t", "enabled", "active", "allow"})


def is_true(text: str | None) -> bool:
    """FreeSWITCH's `switch_true`: the usual words, or a number that is not zero."""
    if not text:
        return False
    if text.lower() in TRUE_WORDS:
        return True
    try:
        return int(text) != 0
    except ValueError:
        return False


def whole_number(text: str | None) -> int:
    """What C's `atoi` makes of `text`: leading blanks, sign and digits; 0 for anything else."""
    digits = ""
    for char in (text or "").lstrip():
        if char.isdigit() or (char in "+-" and not digits):
            digits += char
        else:
            break
    return int(digits) if digits.strip("+-") else 0


def mentions_variable(value: str) -> bool:
    """True if `value` holds `${` (backslashes between the two do not help): such values are refused.

    Source: `switch_string_var_check_const` in `src/include/switch_utils.h`.
    """
    dollar = False
    for char in value:
        if char == "$":
            dollar = True
        elif dollar:
            if char == "{":
                return True
            if char != "\\":
                dollar = False
    return False


class Variables:
    """Not locked: the channel that owns it does that."""

    __slots__ = ("_items",)

    def __init__(self, items: Iterable[tuple[str, str]] = ()) -> None:
        self._items: dict[str, tuple[str, str]] = {}
        for name, value in items:
            self.set(name, value)

    def get(self, name: str) -> str | None:
        """The value, or None when unset."""
        item = self._items.get(name.lower())
        return None if item is None else item[1]

    def set(self, name: str, value: str | None) -> None:
        """Set to the end of the list; an empty value or None unsets."""
        key = name.lower()
        self._items.pop(key, None)
        if value:
            self._items[key] = (name, value)

    def items(self) -> list[tuple[str, str]]:
        """Names and values in the order in which they were last set."""
        return list(self._items.values())
