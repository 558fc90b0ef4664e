"""The channel variables that FreeSWITCH's mod_db has for one destination: an operator's overrides, fallback, ladder.

Realms, keys and values are GOfax.IP's, so that its entries stay valid: ``override-NUMBER / VARIABLE -> value`` and
``fallback / NUMBER -> time of the entry`` (seconds since the epoch).  NUMBER is the destination as it is dialled,
without blanks and separators.  Entries without the configured dial prefix are valid as well, with lower precedence.

Nothing here prevents a fax: a variable that cannot be used is left out, and the session log says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from gofaxpy.config.keys import Config
from gofaxpy.stations import fallback, ladder
from gofaxpy.switch.db import Db, DbError
from gofaxpy.switch.dialstring import DialstringError, variables

OVERRIDE = "override-"      # the realm, without the number
# Overrides of these are refused: gofaxsend would lose the call, or txfax would send other pages than those of the job.
OURS = frozenset(("origination_uuid", "fax_start_page", "fax_end_page", "execute_on_fax_result", "gofax_document"))


@dataclass(slots=True)
class Remembered:
    """What mod_db has for the next call to a destination."""

    values: dict[str, str] = field(default_factory=dict)    # channel variables and their values
    notes: list[str] = field(default_factory=list)          # lines for the session log


def names_of(number: str, plain: str) -> list[str]:
    """The numbers under which a destination is looked up, the one of highest precedence last.

    ``number`` is dialled; ``plain`` is the same without the configured dial prefix.
    """
    return [plain, number] if plain and plain != number else [number]


def remembered(db: Db, numbers: Sequence[str], config: Config, now: float) -> Remembered:
    """What mod_db has for a call to a destination; ``numbers`` are :func:`names_of` it, ``now`` seconds since the epoch.

    The fallback list counts if ``freeswitch.softmodem_fallback`` is on, the ladder if ``outbound.ladder`` is on.  An
    operator's override takes precedence over both.
    """
    found = Remembered()
    if config.freeswitch.softmodem_fallback:
        _fallback(db, numbers, found)
    if config.outbound.ladder:
        _ladder(db, numbers[-1], found, now, config.outbound.ladder_days)
    for number in numbers:
        _overrides(db, number, found)
    return found


def _fallback(db: Db, numbers: Sequence[str], found: Remembered) -> None:
    try:
        if any(db.exists(fallback.REALM, number) for number in numbers):
            found.values.update(fallback.AUDIO)
            found.notes.append("Softmodem fallback: an earlier fax to this number failed with T.38, so this one goes without")
    except DbError as error:
        found.notes.append(f"Softmodem fallback: {error}")


def _ladder(db: Db, number: str, found: Remembered, now: float, days: int) -> None:
    try:
        rung = ladder.rung_of(db, number, now, days)
    except DbError as error:
        found.notes.append(f"Ladder: {error}")
        return
    name, values = ladder.RUNGS[rung]
    found.values.update(values)
    if rung:
        found.notes.append(f"Ladder: this number stands on rung {rung} ({name})")


def _overrides(db: Db, number: str, found: Remembered) -> None:
    realm = OVERRIDE + number
    try:
        values = {name: db.select(realm, name) for name in sorted(db.keys(realm))}
    except DbError as error:
        found.notes.append(f"Overrides of {number}: {error}")
        return
    for name, value in values.items():
        problem = problem_of(name, value)
        if problem:
            found.notes.append(f"Override {name}={value!r} of {number} is left out: {problem}")
        else:
            found.values[name] = value
            found.notes.append(f"Override of {number}: {name}={value!r}")


def problem_of(name: str, value: str) -> str:
    """Why an override of this variable is refused, or ``""``."""
    if name in OURS:
        return "gofax sets this variable itself"
    try:
        variables({name: value})
    except DialstringError as error:
        return str(error)
    return ""
