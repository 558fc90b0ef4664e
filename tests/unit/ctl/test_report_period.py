"""How an operator names a period."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gofaxpy.ctl.report.period import Step, floor, period

NOW = datetime(2026, 11, 25, 14, 30, 12)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(("since", "until", "last", "first", "end"), [
    ("", "", "", "2026-10-26", "2026-11-25 14:31"),
    ("", "", "7d", "2026-11-18", "2026-11-25 14:31"),
    ("", "", "12h", "2026-11-25 02:31", "2026-11-25 14:31"),
    ("", "", "2w", "2026-11-11", "2026-11-25 14:31"),
    ("", "", "9m", "2026-02-25", "2026-11-25 14:31"),
    ("", "", "1y", "2025-11-25", "2026-11-25 14:31"),
    ("2026-11-23", "", "", "2026-11-23", "2026-11-25 14:31"),
    ("2026-11-01", "2026-11-23", "", "2026-11-01", "2026-11-24"),
    ("2026-10", "2026-10", "", "2026-10-01", "2026-11-01"),
    ("2026-12", "2026-12", "", "2026-12-01", "2027-01-01"),
    ("2025", "2025", "", "2025-01-01", "2026-01-01"),
    ("yesterday", "yesterday", "", "2026-11-24", "2026-11-25"),
    ("today", "now", "", "2026-11-25", "2026-11-25 14:31"),
    ("2026-11-23 08:00", "2026-11-23T17:30", "", "2026-11-23 08:00", "2026-11-23 17:30"),
    ("11/23/26", "11/23/26", "", "2026-11-23", "2026-11-24"),
    ("7d", "", "", "2026-11-18", "2026-11-25 14:31"),
    ("", "2026-03-31", "", "2026-03-02", "2026-04-01"),
    ("0001-01-01", "9999-12-31", "", "1970-01-01", "2069-01-01"),
    ("1900", "9999", "", "1970-01-01", "2069-01-01"),
    ("", "", "2000y", "1970-01-01", "2026-11-25 14:31"),
])
def test_what_is_meant(since: str, until: str, last: str, first: str, end: str) -> None:
    found = period(since, until, last, NOW)
    assert (found.since, found.until) == (at(first), at(end))


def test_a_month_ago_is_a_day_that_exists() -> None:
    assert period("", "", "1m", datetime(2026, 3, 31, 12)).since == at("2026-02-28")
    assert period("", "", "1y", datetime(2028, 2, 29, 12)).since == at("2027-02-28")


@pytest.mark.parametrize(("since", "until", "last", "why"), [
    ("tomorrow", "", "", "'tomorrow' is no date"), ("", "", "soon", "is no length of time"), ("2026-13-01", "", "", "is no date"),
    ("2026-11-20", "2026-11-10", "", "ends .* before it begins"), ("today", "", "7d", "--last goes neither with"),
    ("", "", "99999y", "is no length of time"),
])
def test_what_cannot_be_meant(since: str, until: str, last: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        period(since, until, last, NOW)


@pytest.mark.parametrize(("last", "step", "count"), [
    ("12h", Step.HOUR, 13), ("30d", Step.DAY, 31), ("1y", Step.WEEK, 53), ("5y", Step.MONTH, 61),
])
def test_steps_fit_the_period(last: str, step: Step, count: int) -> None:
    found = period("", "", last, NOW)
    assert found.step is step and len(list(found.steps())) == count


def test_its_name() -> None:
    assert str(period("2026-11-23", "2026-11-23", "", NOW)) == "2026-11-23"
    assert str(period("2026-11-01", "2026-11-23", "", NOW)) == "2026-11-01 to 2026-11-23"
    assert str(period("", "", "7d", NOW)) == "2026-11-18 to 2026-11-25 14:31"


@settings(deadline=None)
@given(st.datetimes(datetime(1990, 1, 1), datetime(2060, 1, 1)), st.sampled_from(Step))
def test_a_moment_lies_in_its_step(moment: datetime, step: Step) -> None:
    start = floor(moment, step)
    assert start <= moment and floor(start, step) == start
