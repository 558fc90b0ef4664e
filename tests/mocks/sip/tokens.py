"""FreeSWITCH's own splitter of text into arguments, with its quotes and backslashes.

Source: `switch_separate_string` and `cleanup_separated_string` in `src/switch_utils.c`.
"""

from __future__ import annotations

_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "s": " "}


def separate(text: str, delimiter: str, limit: int) -> list[str]:
    """Split `text` at `delimiter` into at most `limit` parts, as `switch_separate_string` does.

    Apostrophes protect delimiters and vanish, `\\n \\r \\t \\s` become characters, leading and trailing blanks go.
    A text that begins with `^^x` is split at x instead. The last part that fits holds all that is left.
    """
    if text.startswith("^^") and len(text) > 3:
        delimiter, text = text[2], text[3:]
    pieces = _cut_at_blanks(text, limit) if delimiter == " " else _cut_at(text, delimiter, limit)
    escapable = "" if delimiter == " " else delimiter
    return [_clean(piece, escapable) for piece in pieces]


def _cut_at(text: str, delimiter: str, limit: int) -> list[str]:
    pieces: list[str] = []
    position, length = 0, len(text)
    quoted = False
    while position < length and len(pieces) < limit:
        start = position
        if len(pieces) + 1 == limit:
            pieces.append(text[start:])
            break
        while position < length:
            char = text[position]
            if char == "\\":
                position += 1
            elif char == "'" and (quoted or "'" in text[position + 1 :]):
                quoted = not quoted
            elif char == delimiter and not quoted:
                break
            position += 1
        pieces.append(text[start:position])
        position += 1
    return pieces


def _cut_at_blanks(text: str, limit: int) -> list[str]:
    pieces: list[str] = []
    position, length = 0, len(text)
    quoted = False
    while position < length and len(pieces) < limit:
        while position < length and text[position] == " ":
            position += 1
        start = position
        if len(pieces) + 1 == limit:
            pieces.append(text[start:])
            break
        while position < length:
            char = text[position]
            if char == "\\":
                position += 1
            elif char == "'":
                quoted = not quoted
            elif char == " " and not quoted:
                break
            position += 1
        pieces.append(text[start:position])
        while position < length and text[position] == " ":
            position += 1
    return pieces


def _clean(piece: str, delimiter: str) -> str:
    piece = piece.lstrip(" ")
    out: list[str] = []
    keep: int | None = None
    quoted = False
    position = 0
    while position < len(piece):
        char = piece[position]
        following = piece[position + 1 : position + 2]
        if char == "\\" and following and (following in "'\"\\" or following == delimiter or following in _ESCAPES):
            out.append(_ESCAPES.get(following, following))
            keep = len(out)
            position += 2
            continue
        if char == "'" and (quoted or "'" in piece[position + 1 :]):
            quoted = not quoted
            if quoted:
                keep = len(out)
        else:
            out.append(char)
            if char != " " or quoted:
                keep = len(out)
        position += 1
    return "".join(out[:keep])
