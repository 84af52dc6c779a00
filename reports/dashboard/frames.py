"""The span of time that a page shows, and the periods into which its charts part it. Days are days of stated dates."""

from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple

from reports.dashboard.snapshots import Held
from reports.dashboard.visit import Visit
from reports.locales import day
from warehouse.dashboard.subjects import Dates, Every, Subject, dates

SPAN: Final = "span"
"""The parameter of the address that chooses."""

_ALL: Final = "all"
_YEARS: Final = {"1": 1, "2": 2, "5": 5}
_WORDS: Final = {"1": "the last year", "2": "the last two years", "5": "the last five years", _ALL: "all years"}

_MOST_LEFT_OUT: Final = 0.1
"""Unless another span is asked for, the shortest is shown that leaves out no more of what is dated."""

_FEW_YEARS: Final = 6


class Choice(NamedTuple):
    """A value of the address that can be chosen, in words, and whether it is."""

    value: str
    words: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Frame:
    """From `since` (None: from the first day there is) to `until`, in periods of a month, a quarter or a year."""

    since: date | None
    until: date
    every: Every
    choices: tuple[Choice, ...]

    def shows(self, period: date) -> bool:
        """Whether a period, given by its first day, is shown."""
        return self.since is None or period >= self.since


def told_until(data: Held, today: date) -> date:
    """The last day of which any article tells: beyond it, nothing is known. Today where there is none, or a later."""
    ((last,),) = data.ask("SELECT max(last_reported) FROM events").rows
    return today if last is None else min(last, today)


def frame_of(visit: Visit, subject: Subject, first: date | None) -> Frame:
    """The span that the address asks for, or that suits the dates of the subject, of which `first` is the first."""
    until = told_until(visit.data, visit.today)
    (found,) = (Dates(*row) for row in visit.data.ask(dates(subject, until)).rows)
    fitting, asked = _fitting(found), visit.one(SPAN)
    is_asked = asked in _WORDS
    chosen = asked if asked in _WORDS else fitting
    choices = (
        Choice("", f"most of it: {_WORDS[fitting]}", not is_asked),
        *(Choice(value, words, is_asked and value == chosen) for value, words in _WORDS.items()),
    )
    since = None if chosen == _ALL else _years_before(until, _YEARS[chosen])
    every = _every(since or first or until, until)
    return Frame(None if since is None else begin(since, every), until, every, choices)


def _fitting(found: Dates) -> str:
    least = found.dated * (1 - _MOST_LEFT_OUT)
    within = (("1", found.one_year), ("2", found.two_years), ("5", found.five_years))
    return next((value for value, number in within if number >= least), _ALL) if found.dated else _ALL


def _every(since: date, until: date) -> Every:
    years = (until - since).days / 365.25
    if years <= 2.1:
        return "month"
    return "quarter" if years <= _FEW_YEARS else "year"


def _years_before(last: date, years: int) -> date:
    """The first day of the month after the one that lies so many years back: so many whole years of months."""
    months = (last.year - years) * 12 + last.month
    return date(months // 12, months % 12 + 1, 1)


def begin(one: date, every: Every) -> date:
    """The first day of the period in which a day lies."""
    if every == "month":
        return one.replace(day=1)
    return one.replace(month=(one.month - 1) // 3 * 3 + 1, day=1) if every == "quarter" else date(one.year, 1, 1)


def following(period: date, every: Every) -> date:
    """The first day of the next period."""
    months = period.year * 12 + period.month - 1 + {"month": 1, "quarter": 3, "year": 12}[every]
    return date(months // 12, months % 12 + 1, 1)


def name_of(period: date, every: Every) -> str:
    """A period in words: "February 2025", "January to March 2025", "2025"."""
    if every == "month":
        return day(f"{period:%Y-%m}")
    if every == "year":
        return f"{period.year}"
    return f"{period:%B} to {following(period, 'month').replace(month=period.month + 2):%B} {period.year}"
