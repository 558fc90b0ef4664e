"""Dialstrings: `{variables}[leg variables]endpoint/rest|next` and the arguments of the API command `originate`.

Sources: `originate_function` in FreeSWITCH's mod_commands.c, `switch_ivr_originate` in `src/switch_ivr_originate.c`,
`switch_event_create_brackets` in `src/switch_event.c`. The command's arguments are split once before the variables
are: that is why apostrophes no longer protect a comma in `{a='x,y'}`.
"""

from __future__ import annotations

from dataclasses import dataclass

from mocks.sip.tokens import separate

MAX_PIPES = 128
MAX_VARIABLES = 1024
DEFAULT_TIMEOUT = 60


class DialstringError(ValueError):
    """A dialstring whose brackets do not match, or without an endpoint."""


@dataclass(frozen=True, slots=True)
class Leg:
    """One endpoint to try: `sofia/gateway/default/4711` is endpoint `sofia`, target `gateway/default/4711`."""

    endpoint: str
    target: str
    variables: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Dialstring:
    """Variables for all legs, and the alternatives in order, each a list of legs rung together."""

    variables: tuple[tuple[str, str], ...]
    alternatives: tuple[tuple[Leg, ...], ...]


@dataclass(frozen=True, slots=True)
class OriginateCommand:
    """What stands behind `originate`: what to dial, and what to do with the answered call."""

    dialstring: str
    extension: str
    dialplan: str
    context: str
    caller_id_name: str | None
    caller_id_number: str | None
    timeout: int


def parse_originate(arguments: str) -> OriginateCommand | None:
    """The arguments of `originate`, or None when they are too few or too many (the usage is the reply then)."""
    parts: list[str | None] = list(separate(arguments, " ", 10))
    if not 2 <= len(parts) <= 7:
        return None
    parts = [None if part is not None and part.lower() == "undef" else part for part in parts]
    parts += [None] * (7 - len(parts))
    dial, extension, dialplan, context, name, number, timeout = parts
    seconds = int(timeout) if timeout and timeout.isdigit() else 0
    return OriginateCommand(
        dial or "", extension or "", dialplan or "XML", context or "default", name, number, seconds or DEFAULT_TIMEOUT
    )


def parse_application(extension: str) -> tuple[str, str] | None:
    """`&app(argument)` as (app, argument), None when `extension` is a number for the dialplan."""
    if len(extension) < 2 or extension[0] != "&":
        return None
    text = extension[1:].partition(")")[0]
    name, _, argument = text.partition("(")
    return name, argument


def parse_dialstring(text: str) -> Dialstring:
    """Take a dialstring apart. Raises DialstringError."""
    variables: list[tuple[str, str]] = []
    rest = text.lstrip(" ")
    for opening, closing in (("<", ">"), ("{", "}")):
        while rest.startswith(opening):
            found, rest = _brackets(rest, opening, closing)
            variables += found
    rest = rest.lstrip(" ")
    if not rest:
        raise DialstringError("No origination URL specified!")
    alternatives = tuple(
        tuple(_leg(part) for part in _cut_legs(alternative)) for alternative in separate(rest, "|", MAX_PIPES)
    )
    return Dialstring(tuple(variables), alternatives)


def _leg(text: str) -> Leg:
    text = text.lstrip(" ")
    variables: list[tuple[str, str]] = []
    while text.startswith("["):
        found, text = _brackets(text, "[", "]")
        variables += found
    endpoint, _, target = text.lstrip(" ").partition("/")
    if not endpoint:
        raise DialstringError("Empty dial string")
    return Leg(endpoint, target, tuple(variables))


def _cut_legs(alternative: str) -> list[str]:
    """Cut at commas, but not at those inside `[leg variables]`."""
    marked, depth = "", 0
    for char in alternative:
        depth += (char == "[") - (char == "]")
        marked += "\x01" if char == "," and depth > 0 else char
    return [part.replace("\x01", ",") for part in separate(marked, ",", MAX_PIPES)]


def _brackets(text: str, opening: str, closing: str) -> tuple[list[tuple[str, str]], str]:
    end = _closing(text, opening, closing)
    if end is None:
        raise DialstringError(f"Parse Error! no {closing} for {text[:40]!r}")
    delimiter, inner = ",", text[1:end]
    if inner.startswith("^^") and len(inner) > 3:
        delimiter, inner = inner[2], inner[3:]
    pairs = []
    for item in separate(inner, delimiter, MAX_VARIABLES):
        pair = separate(item, "=", 2)
        if len(pair) == 2:
            pairs.append((pair[0], pair[1]))
    return pairs, text[end + 1 :]


def _closing(text: str, opening: str, closing: str) -> int | None:
    depth = 0
    for index, char in enumerate(text):
        depth += (char == opening) - (char == closing)
        if depth == 0:
            return index
    return None
