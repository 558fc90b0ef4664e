"""`${variable}` and `${api(arguments)}` in the data of applications and in the dialplan.

Source: `switch_channel_expand_variables_check` in FreeSWITCH `src/switch_channel.c`: what comes out of a variable is
expanded again, so a value from the network that reached a variable is run if it looks like a command.
"""

from __future__ import annotations

from collections.abc import Callable

from mocks.channel.variables import mentions_variable, whole_number

Lookup = Callable[[str], str | None]
RunApi = Callable[[str, str], str]

_DEEPEST = 100
_ESCAPED = frozenset("nst\\'")


def expand(text: str, lookup: Lookup, run_api: RunApi, depth: int = 0) -> str:
    """`text` with its variables and commands replaced; an unset variable is nothing."""
    if depth > _DEEPEST or not text or not (mentions_variable(text) or _has_escapes(text)):
        return text
    out: list[str] = []
    position, length = 0, len(text)
    while position < length:
        char = text[position]
        following = text[position + 1 : position + 2]
        if char == "\\" and following == "$":
            position += 2 + text.startswith("$", position + 2)
            out.append("$")
        elif char == "\\" and following == "'":
            position += 2
        elif char == "\\" and following == "\\":
            out.append("\\")
            position += 2
        elif char == "$" and text.startswith(("{", "${"), position + 1):
            start = position + (2 if following == "{" else 3)
            end = _closing_brace(text, start)
            out.append(_value(text[start:end], lookup, run_api, depth))
            position = end + 1
        else:
            out.append(char)
            position += 1
    return "".join(out)


def _value(inside: str, lookup: Lookup, run_api: RunApi, depth: int) -> str:
    command = _command(inside)
    if command is not None:
        name, arguments = (expand(part, lookup, run_api, depth + 1) for part in command)
        return run_api(name, arguments)
    name, offset, length = _slice(expand(inside, lookup, run_api, depth + 1))
    value = lookup(name)
    if value is None:
        return ""
    value = expand(value, lookup, run_api, depth + 1)
    value = value[offset:] if -len(value) <= offset <= len(value) else ("" if offset > 0 else value)
    return value[:length] if 0 < length < len(value) else value


def _command(inside: str) -> tuple[str, str] | None:
    """`api(arguments)` or `api arguments`, None for a variable's name."""
    for index, char in enumerate(inside):
        if char == " ":
            return inside[:index], inside[index + 1 :]
        if char == "(":
            name, rest = inside[:index].rstrip(" "), inside[index + 1 :]
            depth = 1
            for end, inner in enumerate(rest):
                depth += (inner == "(") - (inner == ")")
                if depth == 0:
                    return name, rest[:end]
            return name, rest
    return None


def _slice(name: str) -> tuple[str, int, int]:
    name, _, rest = name.partition(":")
    offset, _, length = rest.partition(":")
    return name, whole_number(offset), whole_number(length)


def _closing_brace(text: str, start: int) -> int:
    depth = 1
    for index in range(start, len(text)):
        if text[index] == "{" and index > start:
            depth += 1
        elif text[index] == "}":
            depth -= 1
            if depth == 0:
                return index
    return len(text)


def _has_escapes(text: str) -> bool:
    return any(text[index + 1 : index + 2] in _ESCAPED for index, char in enumerate(text[:-1]) if char == "\\")
