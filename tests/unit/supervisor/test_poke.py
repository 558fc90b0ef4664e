"""faxq is poked some seconds after news, once for all news that comes meanwhile, and never put off."""

from __future__ import annotations

from gofaxpy.supervisor.poke import POKE_AFTER, Poke


def pokes(*news_at: tuple[float, int], until: float = 20.0) -> list[float]:
    """When faxq is poked, looked at every half second, if the counter has these values from these times on."""
    poke, found = Poke(), []
    for tick in range(int(until * 2) + 1):
        now = 100.0 + tick / 2
        count = max((count for at, count in news_at if at <= now - 100.0), default=0)
        if poke.is_due(now, count, 7 if count else 0):
            found.append(now - 100.0)
    return found


def test_no_news_is_no_poke() -> None:
    assert pokes() == []


def test_one_piece_of_news_is_one_poke_later() -> None:
    assert pokes((0.0, 1)) == [POKE_AFTER]


def test_news_meanwhile_does_not_put_it_off_but_asks_for_another_one() -> None:
    assert pokes((0.0, 1), (1.0, 2), (2.5, 3)) == [POKE_AFTER, 2 * POKE_AFTER]


def test_news_after_a_poke_is_poked_for_on_its_own() -> None:
    assert pokes((0.0, 1), (10.0, 2)) == [POKE_AFTER, 10.0 + POKE_AFTER]


def test_busy_times_are_poked_for_at_intervals() -> None:
    assert pokes(*((at / 2, at) for at in range(1, 18)), until=30.0) == [0.5 + POKE_AFTER, 6.5, 9.5, 12.5]
