"""Parses JSON from outside: no other module does.

Python's parser calls itself for every bracket.  Up to 3.11 ``sys.setrecursionlimit`` limits that.  From 3.12 on the C code
of the standard library has a limit of its own, some thousand levels, and the stacks of FreeSWITCH's threads (240 KiB) are
too small for that.  So the depth is checked before the text is parsed.
"""

from __future__ import annotations

import json
import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MAX_DEPTH = 32          # levels; the JSON of this program has six
_TOKENS = r'"[^"\\]*(?:\\.?[^"\\]*)*"?|[\[{]|[\]}]'      # a string, up to its closing quote or the end of the data; brackets


def parse(data: str | bytes) -> Any:
    """The value of the JSON text.

    Raises ValueError if it is no JSON or no UTF-8, is nested more than :data:`MAX_DEPTH` deep, or has too large a number.
    """
    text = data if isinstance(data, str) else data.decode("utf-8")
    if text.count("[") + text.count("{") > MAX_DEPTH and _depth(text) > MAX_DEPTH:
        raise ValueError(f"it is nested more than {MAX_DEPTH} deep")
    try:
        return json.loads(text)
    except RecursionError as error:     # the caller is near the interpreter's own limit
        raise ValueError(str(error)) from None


def _depth(text: str) -> int:
    """The depth of the brackets outside of strings."""
    depth = deepest = 0
    for found in re.finditer(_TOKENS, text, re.DOTALL):     # compiled here, not when loaded: gofaxsend loads this module
        token = found[0]
        if token in "[{":
            depth += 1
            deepest = max(deepest, depth)
            if deepest > MAX_DEPTH:
                break
        elif token in "]}":
            depth -= 1
    return deepest
