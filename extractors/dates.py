"""Date words to a date, as exact as the words and the publication date allow and no more.

The rules are those of news language: a bare day or month is the last one that passed, or the next one where the measure
is still to come; "on Wednesday" in a text of a Wednesday is that day; "last week" gives a month, "earlier this year" a
year. Without a publication date only what states its own year has a value. Vague words ("recently") have none.
"""

import re
from calendar import monthrange
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from extractors.folding import key
from extractors.healing import heal
from pipeline.types import Status

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan",
            "february feb",
            "march mar",
            "april apr",
            "may",
            "june jun",
            "july jul",
            "august aug",
            "september sept sep",
            "october oct",
            "november nov",
            "december dec",
        ),
        1,
    )
    for name in names.split()
}
_WEEKDAYS = {
    name: number
    for number, names in enumerate(
        ("monday mon", "tuesday tues tue", "wednesday weds wed", "thursday thurs thu", "friday fri", "saturday sat")
    )
    for name in names.split()
} | {"sunday": 6, "sun": 6}
_NUMBERS = {
    word: number
    for number, word in enumerate(
        ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"), 1
    )
} | {"a": 1, "an": 1, "the": 1, "couple": 2}
_SEASONS = {"spring": 3, "summer": 6, "autumn": 9, "fall": 9, "winter": 12}
_FEASTS = {"christmas eve": (12, 24), "christmas": (12, 25), "new year s eve": (12, 31), "new year s day": (1, 1)}

_MONTH = rf"(?P<month>{'|'.join(sorted(_MONTHS, key=len, reverse=True))})"
_DAY = r"(?P<day>0?[1-9]|[12]\d|3[01])(?:st|nd|rd|th)?"
_YEAR = r"(?P<year>(?:19|20)\d\d)"
_RELATIVE_YEAR = r"(?P<which>this|last|next) year"
# Explicit dates in folded words, the fuller form first. Punctuation has become space, "Dec. 11" is "dec 11".
_EXPLICIT = tuple(
    re.compile(rf"(?<![a-z0-9]){pattern}(?![a-z0-9])")
    for pattern in (
        rf"{_YEAR} (?P<month_number>0[1-9]|1[0-2]) {_DAY}",
        rf"{_DAY} (?:of )?{_MONTH}(?: (?:{_YEAR}|{_RELATIVE_YEAR}))?",
        rf"{_MONTH} {_DAY}(?! \d{{1,2}}(?!\d))(?: (?:{_YEAR}|{_RELATIVE_YEAR}))?",
        rf"{_MONTH} (?:of )?(?:{_YEAR}|{_RELATIVE_YEAR})",
        rf"{_RELATIVE_YEAR} (?:sometime )?in {_MONTH}",
        rf"(?:(?P<ordinal>this|last|next) )?{_MONTH}",
    )
)
_DOTTED = re.compile(r"(?<!\d)(?P<day>[0-3]?\d)\.(?P<month>[01]?\d)\.(?P<year>(?:19|20)\d\d)(?!\d)")
_SLASHED = re.compile(r"(?<![\d/])(?P<one>[0-3]?\d)/(?P<two>[0-3]?\d)(?:/(?P<year>(?:19|20)\d\d))?(?![\d/])")
_ALONE_YEAR = re.compile(rf"(?<![a-z0-9]){_YEAR}(?![a-z0-9])")
_WEEKDAY = re.compile(
    rf"(?<![a-z])(?:(?P<which>last|this|next|coming|previous) )?(?:week )?(?P<weekday>{'|'.join(_WEEKDAYS)})(?![a-z])"
)
_DAY_OF_MONTH = re.compile(r"(?<![a-z0-9])the (?P<day>[1-9]|[12]\d|3[01])(?:st|nd|rd|th)(?![a-z0-9])")
_AGO = re.compile(
    rf"(?<![a-z0-9])(?:(?P<count>\d+|{'|'.join(_NUMBERS)}) (?:of )?)?(?P<unit>day|week|month|year)s? "
    r"(?P<way>ago|earlier|before|prior|back|from now)(?![a-z])"
)
_DEADLINE = re.compile(r"^(?:by|no later than|until|till|through|up to)(?![a-z])")
_COMING = re.compile(
    r"^(?:from|starting|effective|with effect|as of|as early as|beginning|before|(?:on or )?after)(?![a-z])"
)
_TWO_YEARS = re.compile(r"(?<![a-z0-9])(?:19|20)\d\d (?:and )?(?:19|20)\d\d(?![a-z0-9])")
_BEFORE_MONTH = frozenset(
    ("in", "of", "by", "since", "from", "until", "till", "early", "late", "mid", "and", "to", "during")
)
_NEW_YEAR = re.compile(r"(?<![a-z])(?:in|from|until|by|before|with) the new year(?![a-z])")


@dataclass(frozen=True, slots=True)
class _Stated:
    """The parts of an explicit date: None where the words leave a part out."""

    year: int | None
    month: int | None
    day: int | None


@dataclass(frozen=True, slots=True)
class _Setting:
    """What a phrase is read against. `ahead`: the day it names is not before publication; `near`: it may be."""

    published: date
    ahead: bool
    near: bool


def resolve_date(words: str, published: date | None, status: Status = Status.IN_FORCE) -> str | None:
    """Return `YYYY-MM-DD`, `YYYY-MM` or `YYYY` for date words, or None where they fix no date."""
    healed = heal(words)
    folded = key(healed)
    if published is None:
        return _absolute(healed, folded)
    pending = status is not Status.IN_FORCE
    ahead = bool(_DEADLINE.match(folded)) or (pending and bool(_COMING.match(folded)))
    setting = _Setting(published, ahead=ahead, near=pending)
    rules: tuple[Callable[[str, str, _Setting], str | None], ...] = (
        _explicit,
        _numeric,
        _day_words,
        _ago,
        _weekday,
        _period,
        _season,
        _feast,
        _day_of_month,
        _year_alone,
    )
    return next((value for rule in rules if (value := rule(healed, folded, setting)) is not None), None)


def _absolute(healed: str, folded: str) -> str | None:
    """Return the date of words that state their year."""
    dotted = _dotted(healed)
    if dotted is not None:
        return dotted
    stated = [found for found in _dates(folded) if found.month is not None]
    if stated:
        year = next((found.year for found in stated if found.year is not None), None)
        return None if year is None else _written(year, stated[0].month, stated[0].day)
    alone = _ALONE_YEAR.search(folded)
    return None if alone is None else alone[0]


def _dates(folded: str, published: date | None = None) -> Iterator[_Stated]:
    """Yield explicit dates in the order of the words; of overlapping readings the first and fullest holds."""
    matches = [match for pattern in _EXPLICIT for match in pattern.finditer(folded) if _plausible(match, folded)]
    end = 0
    for match in sorted(matches, key=lambda match: (match.start(), -match.end())):
        if match.start() >= end:
            end = match.end()
            yield _parts(match, published)


def _parts(match: re.Match[str], published: date | None) -> _Stated:
    groups = match.groupdict()
    number = groups.get("month_number")
    month = int(number) if number else _MONTHS[groups["month"]]
    day = int(groups["day"]) if groups.get("day") else None
    year = int(groups["year"]) if groups.get("year") else None
    if year is None and published is not None:
        if groups.get("which"):
            year = published.year + {"last": -1, "this": 0, "next": 1}[groups["which"]]
        elif groups.get("ordinal") == "last":
            year = published.year - (month >= published.month)
        elif groups.get("ordinal") == "next":
            year = published.year + (month <= published.month)
        elif groups.get("ordinal") == "this":
            year = published.year
    return _Stated(year, month, day)


def _plausible(match: re.Match[str], folded: str) -> bool:
    """Whether a lone "may" or "march" is a month: it begins the phrase, or a preposition stands before it."""
    if match.group() not in ("may", "march", "mar"):
        return True
    before = folded[: match.start()].split()
    return not before or before[-1] in _BEFORE_MONTH


def _explicit(_: str, folded: str, setting: _Setting) -> str | None:
    stated = list(_dates(folded, setting.published))
    if not stated:
        return None
    first = stated[0]
    later = next((found.year for found in stated if found.year is not None), None)
    alone = _ALONE_YEAR.search(folded) if later is None else None
    year = first.year or later or (int(alone[0]) if alone is not None else None)
    if first.month is None:
        return None
    if year is not None:
        return _written(year, first.month, first.day)
    weekday = _WEEKDAY.search(folded)
    return _placed(first.month, first.day, setting, _WEEKDAYS[weekday["weekday"]] if weekday is not None else None)


def _placed(month: int, day: int | None, setting: _Setting, weekday: int | None = None) -> str | None:
    """Give a month (and day) without a year the year that the setting asks for; a stated weekday must fit if it can."""
    candidates: list[tuple[date, str]] = []
    for year in range(setting.published.year - 2, setting.published.year + 3):
        written = _written(year, month, day)
        if written is not None and (day is None or len(written) == 10):
            candidates.append((date(year, month, day or 1), written))
    if weekday is not None and day is not None:
        fitting = [pair for pair in candidates if pair[0].weekday() == weekday]
        close = [pair for pair in fitting if abs((pair[0] - setting.published).days) < 300]
        candidates = close or candidates
    today = setting.published if day is not None else setting.published.replace(day=1)
    past = [pair for pair in candidates if pair[0] <= today]
    coming = [pair for pair in candidates if pair[0] >= today]
    if setting.ahead and coming:
        return coming[0][1]
    if setting.near and past and coming:
        return min((past[-1], coming[0]), key=lambda pair: (abs((pair[0] - today).days), pair[0]))[1]
    if weekday is not None and candidates and not past:
        return candidates[0][1]
    # Clocks and datelines differ: a day just after publication is meant as it stands.
    soon = [pair for pair in coming if day is not None and (pair[0] - today).days <= 3]
    return (soon or past[-1:] or candidates[:1] or [(today, "")])[0][1] or None


def _numeric(healed: str, _: str, setting: _Setting) -> str | None:
    if (dotted := _dotted(healed)) is not None:
        return dotted
    slashed = _SLASHED.search(healed)
    if slashed is None:
        return None
    one, two, year = int(slashed["one"]), int(slashed["two"]), slashed["year"]
    if year is not None:
        if one > 12:
            return _written(int(year), two, one)
        # 03/04/2021 is March in one country and April in another: only its year is sure.
        return _written(int(year), one, two) if two > 12 or one == two else year
    month, day = (two, one) if one > 12 else (one, two)
    return _placed(month, day, setting) if 1 <= month <= 12 and 1 <= day <= 31 else None


def _dotted(healed: str) -> str | None:
    dotted = _DOTTED.search(healed)
    return None if dotted is None else _written(int(dotted["year"]), int(dotted["month"]), int(dotted["day"]))


def _day_words(_: str, folded: str, setting: _Setting) -> str | None:
    today = setting.published
    for pattern, days in (
        (r"day before yesterday", -2),
        (r"yesterday|last night|(?:the|a) day (?:before|earlier)|previous day", -1),
        (r"day after tomorrow", 2),
        (r"tomorrow", 1),
        (r"today|tonight|this (?:very )?(?:morning|afternoon|evening)|(?:at|since|from|as of|after) midnight", 0),
        (r"overnight|by (?:the )?evening", 0),
    ):
        if re.search(rf"(?<![a-z])(?:{pattern})(?![a-z])", folded):
            weekday = _weekday("", folded, setting)
            return weekday if weekday is not None else _moved(today, days)
    return None


def _ago(_: str, folded: str, setting: _Setting) -> str | None:
    match = _AGO.search(folded)
    if match is None:
        return None
    counted = match["count"]
    if counted is None and match["unit"] != "year" and match["unit"] != "week":
        return None
    if counted is None and match.group().split()[0].endswith("s"):
        return None  # "weeks ago"
    count = 1 if counted is None else int(counted) if counted.isdigit() else _NUMBERS[counted]
    sign = 1 if match["way"] == "from now" else -1
    return _shifted(setting.published, sign * count, match["unit"])


def _shifted(day: date, count: int, unit: str) -> str | None:
    if unit == "day":
        return _moved(day, count)
    if unit == "week":
        return _moved(day, 7 * count, 7)
    if unit == "month" or abs(count) == 1:
        months = day.year * 12 + day.month - 1 + count * (1 if unit == "month" else 12)
        return _written(months // 12, months % 12 + 1, None)
    return _year(day.year + count)


def _moved(day: date, days: int, length: int = 10) -> str | None:
    """Return the date some days from `day`, cut to `length` characters; None beyond the calendar's ends."""
    try:
        return (day + timedelta(days=days)).isoformat()[:length]
    except OverflowError:
        return None


def _weekday(_: str, folded: str, setting: _Setting) -> str | None:
    match = _WEEKDAY.search(folded)
    if match is None or (len(match["weekday"]) <= 3 and len(folded.split()) > 3):
        return None
    back = (setting.published.weekday() - _WEEKDAYS[match["weekday"]]) % 7
    which = match["which"]
    if which in ("next", "coming") or (setting.ahead and which is None):
        days = (-back) % 7 or (7 if which == "next" else 0)
    elif which in ("last", "previous"):
        days = -(back or 7)
    elif which == "this":
        days = -back if back <= 3 else 7 - back
    else:
        days = -back
    return _moved(setting.published, days)


def _period(_: str, folded: str, setting: _Setting) -> str | None:
    today = setting.published
    match = re.search(
        r"(?<![a-z])(?P<which>this|last|next|past|coming|previous|the) "
        r"(?P<unit>week|weekend|fortnight|month|year|quarter)(?![a-z])",
        folded,
    )
    if match is None:
        return _year(today.year + 1) if _NEW_YEAR.search(folded) else None
    which, unit = match["which"], match["unit"]
    if unit in ("year", "quarter") and re.search(rf"the (?:past|last) {unit}", folded):
        return None  # "over the past year" is a span, not a date
    if which == "the" and not re.search(rf"(?:start|end|beginning|middle|over|at|during) (?:of )?the {unit}", folded):
        return None
    step = {"last": -1, "past": -1, "previous": -1, "next": 1, "coming": 1}.get(which, 0)
    if unit in ("year", "quarter"):
        return _year(today.year + (step if unit == "year" else 0))
    if unit == "month":
        months = today.year * 12 + today.month - 1 + step
        return _written(months // 12, months % 12 + 1, None)
    days = {"fortnight": 0, "weekend": -(today.weekday() + 1) if step <= 0 else 7}.get(unit, 7 * step)
    return _moved(today, days, 7)


def _season(_: str, folded: str, setting: _Setting) -> str | None:
    match = re.search(
        rf"(?<![a-z])(?P<which>this|last|next|in the|in|the|until|by|of)(?: (?:early|late|mid))? "
        rf"(?P<season>{'|'.join(_SEASONS)})(?![a-z])",
        folded,
    )
    if match is None or _ALONE_YEAR.search(folded) is not None:
        return None
    today, start, which = setting.published, _SEASONS[match["season"]], match["which"]
    if match["season"] == "winter":
        return None  # it lies in two years
    if which == "this":
        return _year(today.year)
    if which == "next" or setting.ahead:
        return _year(today.year + (1 if which == "next" or start + 2 < today.month else 0))
    if setting.near and (today.month - start) % 12 > 6:
        return _year(today.year + (start < today.month))
    return _year(today.year - (start > today.month or (which == "last" and today.month <= start + 2)))


def _feast(_: str, folded: str, setting: _Setting) -> str | None:
    for name, (month, day) in _FEASTS.items():
        if re.search(rf"(?<![a-z]){name}(?![a-z])", folded):
            return _placed(month, day, setting)
    return None


def _day_of_month(_: str, folded: str, setting: _Setting) -> str | None:
    match = _DAY_OF_MONTH.search(folded)
    if match is None:
        return None
    day, today = int(match["day"]), setting.published
    month = today.year * 12 + today.month - 1
    if setting.ahead and day < today.day:
        month += 1
    elif not setting.ahead and day > today.day:
        month -= 1
    written = _written(month // 12, month % 12 + 1, day)
    return written if written is not None and len(written) == 10 else None


def _year_alone(_: str, folded: str, __: _Setting) -> str | None:
    match = _ALONE_YEAR.search(folded)
    if match is None or (_TWO_YEARS.search(folded) is not None and not re.match(r"(?:between|from|since)", folded)):
        return None  # "in 2017 and 2018" is no one date
    return match[0]


def _year(year: int) -> str | None:
    return f"{year:04d}" if 1 <= year <= 9999 else None


def _written(year: int, month: int | None, day: int | None) -> str | None:
    """Return the date as a string; a day that its month doesn't have leaves the month."""
    if month is None or not 1 <= month <= 12 or not 1 <= year <= 9999:
        return None
    if day is None or not 1 <= day <= monthrange(year, month)[1]:
        return f"{year:04d}-{month:02d}"
    return f"{year:04d}-{month:02d}-{day:02d}"
