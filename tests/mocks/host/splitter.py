"""How mod_python3 takes the text behind `python` and `pyrun` apart: module, function, argument.

Source: `eval_some_python` in FreeSWITCH `src/mod/languages/mod_python3/mod_python3.c`. The text goes through the
switch's own splitter with room for two parts, so the argument has lost its apostrophes and backslashes by the time a
script sees it; only then is `::function` looked for in the first part.
"""

from __future__ import annotations

from dataclasses import dataclass

from mocks.sip.tokens import separate


@dataclass(frozen=True, slots=True)
class ScriptCall:
    """What to run: `function` of `module` with the text `argument` (`""` when there was none)."""

    module: str
    function: str
    argument: str


def split_call(text: str, default_function: str) -> ScriptCall | None:
    """Split `MODULE[::FUNCTION] ARGUMENT`; None when there is no module name ("No module name specified!")."""
    parts = separate(text, " ", 2)
    if not parts:
        return None
    module, mark, function = parts[0].partition("::")
    return ScriptCall(module, function if mark else default_function, parts[1] if len(parts) > 1 else "")
