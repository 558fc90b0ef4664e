"""The period of a report: how an operator names it, and the steps in which a plot shows it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_AGO = re.compile(r"(\d{1,5})\s*(h|d|w|m|y)")
_DAYS = {"d": 1, "w": 7}
_FORMS = ("%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%m/%d/%y", "%Y-%m", "%Y")
# The accounting has years of two digits, of which 69 begins the last century (hylafax/accounting.py).
EARLIEST, LATEST = datetime(1970, 1, 1), datetime(2068, 12, 31)
_HELP = "2026-11-23, 2026-11-23 08:00, 2026-11, today, yesterday, or how long ago: 12h 30d 4w 3m 1y"


class Step(Enum):
    """The time that one column of a plot stands for."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Period:
    """``since`` belongs to the period, ``until`` does not.  Both are local time, as the times in the accounting."""

    since: datetime
    until: datetime

    def holds(self, epoch: float) -> bool:
        """Whether seconds since the epoch lie in the period."""
        return self.since.timestamp() <= epoch < self.until.timestamp()

    @property
    def step(self) -> Step:
        """The step that gives some 10 to 100 bars."""
        length = self.until - self.since
        if length <= timedelta(days=2):
            return Step.HOUR
        if length <= timedelta(days=100):
            return Step.DAY
        return Step.WEEK if length <= timedelta(days=730) else Step.MONTH

    def steps(self) -> Iterator[datetime]:
        """The beginnings of all steps, the first one at or before ``since``."""
        at = floor(self.since, self.step)
        while at < self.until:
            yield at
            at = _next(at, self.step)

    def __str__(self) -> str:
        midnight = datetime.min.time()
        until = self.until - timedelta(days=1) if self.until.time() == midnight else self.until
        first, last = (
            at.strftime("%Y-%m-%d" if at.time() == midnight else "%Y-%m-%d %H:%M") for at in (self.since, until)
        )
        return first if first == last else f"{first} to {last}"


def floor(at: datetime, step: Step) -> datetime:
    """The beginning of the step that ``at`` lies in; weeks begin on Monday."""
    if step is Step.HOUR:
        return at.replace(minute=0, second=0, microsecond=0)
    day = at.replace(hour=0, minute=0, second=0, microsecond=0)
    if step is Step.WEEK:
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if step is Step.MONTH else day


def _next(at: datetime, step: Step) -> datetime:
    if step is Step.MONTH:
        return _month_later(at)
    return at + {Step.HOUR: timedelta(hours=1), Step.DAY: timedelta(days=1), Step.WEEK: timedelta(days=7)}[step]


def _month_later(at: datetime) -> datetime:
    return at.replace(year=at.year + at.month // 12, month=at.month % 12 + 1, day=1)


def period(since: str, until: str, last: str, now: datetime) -> Period:
    """The period an operator means.

    ``last`` (``30d``) ends now, and so does ``since`` without an ``until``.  ``until`` names the last moment, day, month or
    year of the period.  Without any of them it is the last 30 days.  A date before :data:`EARLIEST` or after :data:`LATEST`,
    such as ``9999-12-31``, stands for that one.  Raises :class:`ValueError` with what is allowed.
    """
    if last and (since or until):
        raise ValueError("--last goes neither with --since nor with --until")
    end = _moment(until, now, end=True) if until else _minute(now) + timedelta(minutes=1)
    if since:
        start = _moment(since, now)
    else:
        ago = _ago(last or "30d", end)
        if ago is None:
            raise ValueError(f"{last!r} is no length of time; 12h, 30d, 4w, 3m and 1y are")
        start = ago if (last or "d").endswith("h") else floor(ago, Step.DAY)
    start = max(start, EARLIEST)
    if start >= end:
        raise ValueError(f"the period ends ({end:%Y-%m-%d %H:%M}) before it begins ({start:%Y-%m-%d %H:%M})")
    return Period(start, end)


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)


def _ago(text: str, now: datetime) -> datetime | None:
    """``now`` less a length of time such as ``3m``, in calendar months and years; None if ``text`` is no length of time."""
    found = _AGO.fullmatch(text.strip().lower())
    if found is None:
        return None
    number, unit = int(found[1]), found[2]
    try:
        if unit == "h":
            return now - timedelta(hours=number)
        if unit in _DAYS:
            return now - timedelta(days=number * _DAYS[unit])
        months = number * (12 if unit == "y" else 1)
        year, month = divmod(now.year * 12 + now.month - 1 - months, 12)
        first = now.replace(year=year, month=month + 1, day=1)
        return min(first + timedelta(days=now.day - 1), _month_later(first) - timedelta(days=1))
    except (ValueError, OverflowError):
        return None


def _moment(text: str, now: datetime, end: bool = False) -> datetime:
    """A moment by its name; with ``end`` the end of the day, month or year that is named."""
    word = text.strip().lower()
    today = floor(now, Step.DAY)
    if word in ("today", "yesterday"):
        day = today - timedelta(days=1 if word == "yesterday" else 0)
        return day + timedelta(days=1 if end else 0)
    if word == "now":
        return _minute(now) + timedelta(minutes=1)
    ago = _ago(word, now)
    if ago is not None:
        return ago if word.endswith("h") else floor(ago, Step.DAY)
    for form in _FORMS:
        try:
            at = min(max(datetime.strptime(text.strip(), form), EARLIEST), LATEST)
        except ValueError:
            continue
        if not end or "%M" in form:
            return at
        if "%d" in form:
            return at + timedelta(days=1)
        return _month_later(at) if "%m" in form else date_of_year(at.year + 1)
    raise ValueError(f"{text!r} is no date; {_HELP} are")


def date_of_year(year: int) -> datetime:
    """The first moment of a year."""
    return datetime.combine(date(year, 1, 1), datetime.min.time())
