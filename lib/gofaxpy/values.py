"""Value classes for programs that must start fast: :func:`frozen` and :func:`define`.

They stand for ``@dataclass(frozen=True, slots=True)`` and ``@dataclass(slots=True)`` in the modules that every
``gofaxsend`` loads.  The standard library's decorator generates and compiles five methods for each class, and imports
``inspect``.  That takes some 20 ms for the classes here, half as long as the start of the interpreter.  Classes of these
decorators share one function for each method.  Type checkers see dataclasses (PEP 681).

Not supported, because nothing needs it: ``__post_init__``, inheritance of fields, default factories, ordering.
"""

from __future__ import annotations

__all__ = ["dataclass_transform", "define", "frozen"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeVar, dataclass_transform

    T = TypeVar("T")
else:
    def dataclass_transform(**_):
        """For type checkers only: ``typing`` would take 4 ms to load."""
        return lambda decorator: decorator


@dataclass_transform(frozen_default=True)
def frozen(cls: type[T]) -> type[T]:
    """A class of immutable values: equal if their fields are equal, and hashable."""
    made = _slotted(cls)
    made.__setattr__ = _refuse              # type: ignore[method-assign]
    made.__delattr__ = _refuse              # type: ignore[method-assign]
    made.__hash__ = _hash                   # type: ignore[method-assign]
    return made


@dataclass_transform()
def define(cls: type[T]) -> type[T]:
    """A class of mutable values, which take no other attributes than their fields."""
    made = _slotted(cls)
    made.__hash__ = None                    # type: ignore[assignment]
    return made


def replace(value: T, /, **changes: Any) -> T:
    """A copy of ``value`` with some fields changed.  Raises TypeError for a name that is no field."""
    cls = type(value)
    kept = {name: getattr(value, name) for name in cls.__match_args__ if name not in changes}  # type: ignore[attr-defined]
    return cls(**kept, **changes)


def defaults_of(cls: type) -> dict[str, Any]:
    """The fields with a default and the default of each, in the order of the class."""
    found: dict[str, Any] = cls.__field_defaults__  # type: ignore[attr-defined]
    return found


def _slotted(cls: type[T]) -> type[T]:
    """A copy of the class with slots, which an existing class cannot get, and the shared methods."""
    names = tuple(cls.__annotations__)
    defaults = {name: cls.__dict__[name] for name in names if name in cls.__dict__}
    body = {name: item for name, item in cls.__dict__.items() if name not in names and name not in ("__dict__", "__weakref__")}
    body.update(
        __slots__=names, __match_args__=names, __field_defaults__=defaults, __init__=_init, __eq__=_eq, __repr__=_repr,
    )
    made: Any = type(cls.__name__, cls.__bases__, body)
    made.__setters__ = tuple((name, made.__dict__[name].__set__) for name in names)
    finished: type[T] = made
    return finished


def _init(self: Any, *args: Any, **named: Any) -> None:
    setters = self.__setters__
    given = len(args)
    if given > len(setters):
        raise TypeError(f"{type(self).__name__} has {len(setters)} fields, not {given}")
    for (_, store), value in zip(setters, args, strict=False):
        store(self, value)
    if given == len(setters) and not named:
        return
    defaults = self.__field_defaults__
    for name, store in setters[given:]:
        if name in named:
            store(self, named.pop(name))
        elif name in defaults:
            store(self, defaults[name])
        else:
            raise TypeError(f"{type(self).__name__} needs a value for {name}")
    if named:
        raise TypeError(f"{type(self).__name__} has no field {next(iter(named))}, or it is given twice")


def _fields(value: Any) -> tuple[Any, ...]:
    return tuple(getattr(value, name) for name in value.__match_args__)


def _eq(self: Any, other: object) -> bool:
    return _fields(self) == _fields(other) if type(other) is type(self) else NotImplemented


def _hash(self: Any) -> int:
    return hash(_fields(self))


def _repr(self: Any) -> str:
    return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)!r}' for name in self.__match_args__)})"


def _refuse(self: Any, name: str, *_: Any) -> None:
    raise AttributeError(f"{type(self).__name__} never changes: {name} cannot be set")
