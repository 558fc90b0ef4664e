"""Figures formatted for people: percentages, durations, names of steps."""

from __future__ import annotations

from datetime import datetime

from gofaxpy.ctl.report.period import Step


def percent(share: float | None) -> str:
    """``97.4 %``; never 100 unless nothing failed, never 0 unless nothing succeeded; ``–`` where there is no share."""
    if share is None:
        return "–"
    text = f"{share * 100:.1f}"
    if text == "100.0" and share < 1:
        text = "99.9"
    if text == "0.0" and share > 0:
        text = "0.1"
    return text.removesuffix(".0") + " %"


def clock(seconds: int) -> str:
    """Seconds as ``12:03:45``: hours without a limit, minutes, seconds."""
    return f"{seconds // 3600:,}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def step_label(start: datetime, step: Step) -> str:
    """The short name of a step, for the axis of a plot."""
    return start.strftime({Step.HOUR: "%H:%M", Step.DAY: "%m-%d", Step.WEEK: "%m-%d", Step.MONTH: "%Y-%m"}[step])


def step_name(start: datetime, step: Step) -> str:
    """The full name of a step."""
    form = {Step.HOUR: "%Y-%m-%d %H:00", Step.DAY: "%a %Y-%m-%d", Step.WEEK: "week of %Y-%m-%d", Step.MONTH: "%Y-%m"}[step]
    return start.strftime(form)
