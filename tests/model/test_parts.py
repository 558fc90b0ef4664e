"""The model's own parts, without a server: what it would say of facts that are not right."""

from __future__ import annotations

import pytest

from model.check import twice
from model.choose import choose
from model.facts import Call, Fax, Model, PageId, Paper
from model.run import Outcome
from model.shrink import kind, shrink
from model.steps import Step, parse, written
from rig.pages import Page

NUMBER = "001001"
SHEET = Page(8, 98, (b"\x00",))
PAPER, OTHER = Paper(0, "a", (SHEET,) * 3), Paper(1, "b", (SHEET,) * 2)


def a_model(*calls: Call, **fields: object) -> tuple[Model, Fax]:
    fax = Fax(0, 1, (PAPER, OTHER), ("1001",), **fields)  # type: ignore[arg-type]
    return Model(faxes=[fax], papers=[PAPER, OTHER], calls=list(calls)), fax


def pages(*numbers: int) -> tuple[PageId, ...]:
    return tuple(PageId(0, number) for number in numbers)


def test_a_page_that_came_twice_is_told() -> None:
    model, fax = a_model(Call(NUMBER, "a", pages(1, 2)), Call(NUMBER, "b", pages(2, 3)))
    assert twice(model, fax) == {PageId(0, 2): 2}


def test_only_the_last_page_of_a_torn_call_may_come_again() -> None:
    model, fax = a_model(Call(NUMBER, "a", pages(1, 2), torn=True), Call(NUMBER, "b", pages(2, 3)))
    assert twice(model, fax) == {}
    model, fax = a_model(Call(NUMBER, "a", pages(1, 2), torn=True), Call(NUMBER, "b", pages(1, 2, 3)))
    assert twice(model, fax) == {PageId(0, 1): 2}
    model, fax = a_model(
        Call(NUMBER, "a", pages(1), torn=True), Call(NUMBER, "b", pages(1)), Call(NUMBER, "c", pages(1, 2, 3))
    )
    assert twice(model, fax) == {PageId(0, 1): 3}


@pytest.mark.parametrize(("ranges", "expected"), [("", 5), ("2-3", 2), ("4-", 2), ("1,5", 2)])
def test_ranges_count_through_all_documents(ranges: str, expected: int) -> None:
    _, fax = a_model(ranges=ranges)
    assert len(fax.due()) == expected and fax.total() == 5


def test_a_sequence_is_what_is_printed_of_it() -> None:
    for seed in range(50):
        sequence = choose(seed)
        assert parse(written(sequence)) == sequence == choose(seed)
    assert len({written(choose(seed)) for seed in range(50)}) == 50
    with pytest.raises(ValueError, match="no NAME=VALUE"):
        parse("attempt all")


def test_every_verb_is_chosen_and_known() -> None:
    from model.deeds import VERBS

    verbs = {step.verb for seed in range(500) for step in choose(seed)[1:]}
    assert verbs == set(VERBS)


def test_a_sequence_is_shortened_to_what_it_takes() -> None:
    def broken(sequence: object) -> Outcome:
        steps = list(sequence)  # type: ignore[call-overload]
        words = {step.verb: step for step in steps}
        bad = "add" in words and words.get("attempt", Step("")).get("victim") == "switch"
        return Outcome([f"job {len(steps)} (fax 0): pages {[len(steps)]} twice"] if bad else [])

    sequence = parse("world speed=60; submit pages=1,2; quiet; attempt job=0 by=edit victim=switch at=moment:1; add job=0; quiet")
    shortest, outcome = shrink(sequence, broken(sequence), broken)
    assert written(shortest) == "attempt job=0 victim=switch at=moment:1; add job=0"
    assert outcome.violations == ["job 2 (fax 0): pages [2] twice"]
    assert kind("job 1 (fax 0): 4 calls, but totdials is 3") == kind("job 2 (fax 1): 2 calls, but totdials is 1")
