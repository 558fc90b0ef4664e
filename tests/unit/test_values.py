"""Value classes: what dataclasses are, for programs that must start fast."""

from __future__ import annotations

from pathlib import Path

import pytest

from gofaxpy.values import define, frozen, replace

LIB = Path(__file__).parents[2] / "lib"


@frozen
class Point:
    """Two numbers."""

    x: int
    y: int = 2

    @property
    def both(self) -> int:
        return self.x + self.y


@define
class Counter:
    """One that counts."""

    count: int = 0


def test_fields_come_by_place_by_name_and_by_default() -> None:
    assert (Point(1), Point(1, 3).y, Point(y=4, x=1).both) == (Point(1, 2), 3, 5)
    assert repr(Point(1)) == "Point(x=1, y=2)"
    assert Point(1) != Point(2) and Point(1) != (1, 2)


@pytest.mark.parametrize(("args", "named"), [((), {}), ((1, 2, 3), {}), ((1,), {"z": 1}), ((1,), {"x": 1})])
def test_what_does_not_fit_is_refused(args: tuple[int, ...], named: dict[str, int]) -> None:
    with pytest.raises(TypeError, match="Point"):
        Point(*args, **named)


def test_a_frozen_value_never_changes_and_is_a_key() -> None:
    point = Point(1)
    for change in (lambda: setattr(point, "x", 2), lambda: delattr(point, "x"), lambda: setattr(point, "z", 2)):
        with pytest.raises(AttributeError):
            change()
    assert {point: "here"}[Point(1, 2)] == "here"
    assert replace(point, y=7) == Point(1, 7) and point.y == 2
    with pytest.raises(TypeError):
        replace(point, z=7)


def test_one_that_is_not_frozen_changes_but_gets_no_other_fields() -> None:
    counter = Counter()
    counter.count += 1
    assert counter == Counter(1)
    with pytest.raises(AttributeError):
        counter.other = 1  # type: ignore[attr-defined]
    with pytest.raises(TypeError):
        hash(counter)


def test_a_class_pattern_knows_the_order_of_the_fields() -> None:
    match Point(1, 5):
        case Point(1, y):
            assert y == 5
        case _:
            raise AssertionError("no match")
