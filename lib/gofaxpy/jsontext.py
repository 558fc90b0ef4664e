"""Reading JSON that somebody else may have written: the one place that does.

Python's parser calls itself for every bracket.  Up to 3.11 ``sys.setrecursionlimit`` ends that; from 3.12 on the C code of the
standard library has a limit of its own, of some thousand levels, which the stacks of FreeSWITCH's threads (240 KiB) do not
have.  So the depth is looked at before.
"""

from __future__ import annotations

import json
import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MAX_DEPTH = 32          # what is written here is six deep
_TOKENS = r'"[^"\\]*(?:\\.?[^"\\]*)*"?|[\[{]|[\]}]'      # a text, up to its end or that of all; brackets


def parse(data: str | bytes) -> Any:
    """The value.  Raises ValueError for what is no JSON, no UTF-8, nested more than :data:`MAX_DEPTH` deep, or too large a
    number."""
    text = data if isinstance(data, str) else data.decode("utf-8")
    if text.count("[") + text.count("{") > MAX_DEPTH and _depth(text) > MAX_DEPTH:
        raise ValueError(f"it is nested more than {MAX_DEPTH} deep")
    try:
        return json.loads(text)
    except RecursionError as error:     # the caller is near the interpreter's own limit
        raise ValueError(str(error)) from None


def _depth(text: str) -> int:
    """How deep the brackets outside of texts go."""
    depth = deepest = 0
    for found in re.finditer(_TOKENS, text, re.DOTALL):     # compiled where it is needed: gofaxsend loads this
        token = found[0]
        if token in "[{":
            depth += 1
            deepest = max(deepest, depth)
            if deepest > MAX_DEPTH:
                break
        elif token in "]}":
            depth -= 1
    return deepest
