"""Arguments of the module `freeswitch`, taken as the wrapper takes them that SWIG generated for mod_python3.

Source: FreeSWITCH `src/mod/languages/mod_python3/mod_python_wrap.cpp` (`SWIG_AsCharPtrAndSize`, `SWIG_AsVal_int` …).
Text goes to C as UTF-8 up to the first NUL; text that has no UTF-8 form gives a NULL there that nothing checks: the
switch is gone (1.11.2 raises TypeError instead).
"""

from __future__ import annotations

from mocks.host.link import crash

CHAR = "char *"
CONST_CHAR = "char const *"

_INT_MAX = 2**31 - 1
_UINT_MAX = 2**32 - 1


def char_ptr(value: object, method: str, position: int, kind: str = CHAR) -> str | None:
    """`value` as C text: a str up to its first NUL, None for NULL.

    `method` is the wrapper's name (`CoreSession_setVariable`), `position` counts from 1 with the object itself.
    Raises TypeError for anything else, bytes too. Lone surrogates end the switch.
    """
    if value is None:
        return None
    if not isinstance(value, str):
        raise _wrong(method, position, kind)
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        crash(
            readable(method),
            f"argument {position} holds text that is not UTF-8 (lone surrogates): {value[:200]!a}; mod_python3 takes "
            "the NULL for a string and segfaults. Clean text before it goes back to the switch",
        )
    return value.partition("\0")[0]


def integer(value: object, method: str, position: int, kind: str = "int") -> int:
    """`value` as a C int or, with `kind` "unsigned int", unsigned. Raises TypeError, OverflowError."""
    if not isinstance(value, int):
        raise _wrong(method, position, kind)
    low, high = (0, _UINT_MAX) if kind.startswith("unsigned") else (-_INT_MAX - 1, _INT_MAX)
    if not low <= value <= high:
        raise OverflowError(f"in method '{method}', argument {position} of type '{kind}'")
    return int(value)


def boolean(value: object, method: str, position: int) -> bool:
    """`value` as a C++ bool: True or False and nothing else. Raises TypeError."""
    if not isinstance(value, bool):
        raise _wrong(method, position, "bool")
    return value


def no_such_constructor(name: str, prototypes: tuple[str, ...]) -> NotImplementedError:
    """What the wrapper raises when no overload of a constructor fits."""
    lines = "".join(f"    {prototype}\n" for prototype in prototypes)
    return NotImplementedError(
        f"Wrong number or type of arguments for overloaded function 'new_{name}'.\n"
        f"  Possible C/C++ prototypes are:\n{lines}"
    )


def readable(method: str) -> str:
    """`CoreSession_setVariable` as a script's author knows it: `session.setVariable`."""
    owner, _, name = method.partition("_")
    return {"CoreSession": "session", "Session": "session", "Stream": "stream", "Event": "event"}.get(owner, owner) + (
        f".{name}" if name else ""
    )


def _wrong(method: str, position: int, kind: str) -> TypeError:
    return TypeError(f"in method '{method}', argument {position} of type '{kind}'")
