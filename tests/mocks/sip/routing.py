"""Which far end a dialled number meets."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict

from mocks.config import ConfigError, FarEnd, Gateway, far_end

#: Channel variables of this prefix change the far end of one call: `standin_hangup_after_pages=1`.
OVERRIDE = "standin_"
#: Nobody has that number.
NOBODY = FarEnd(does="reject", status=404)


def choose(
    number: str,
    gateway: Gateway | None,
    far_ends: Sequence[FarEnd],
    variables: Iterable[tuple[str, str]],
    default: FarEnd = NOBODY,
) -> FarEnd:
    """The gateway's own far end, or the first whose expression matches, or `default`; then the call's overrides.

    Overrides that make no sense are left out: they came with a call, there is no file to correct.
    """
    chosen = gateway.far_end if gateway is not None else None
    if chosen is None:
        chosen = next((candidate for candidate in far_ends if candidate.matches(number)), default)
    for name, value in variables:
        field = name.lower().removeprefix(OVERRIDE)
        if name.lower().startswith(OVERRIDE) and field in FarEnd.__dataclass_fields__:
            try:
                chosen = far_end({**asdict(chosen), field: _value(value)}, "override")
            except (ConfigError, ValueError):
                continue
    return chosen


def _value(text: str) -> object:
    """A number, a list, true, false or text: whatever the text is in JSON, else itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text
