"""When something was published, with the basis of each date, or that it can't be told.

The time of collection is never a date. A time whose zone isn't stated is no instant: only its day is kept, as it was
written.
"""

import re
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Final

from pipeline.types import DateBasis, Stamp

EARLIEST: Final = date(1990, 1, 1)
"""Before the web: 1970-01-01 and 0001-01-01 are what programs write when they know nothing."""
FUTURE_TOLERANCE: Final = timedelta(days=2)
"""A day for time zones and one for clocks that are wrong."""
DAY: Final = timedelta(days=1)
DISAGREEMENT: Final = timedelta(days=3)
"""How far two statements of one date may lie apart before it is worth a note."""
WIDEST_OFFSET: Final = timedelta(hours=14)

MAX_DATE: Final = 100
"""Characters; whatever is longer is no date."""

# RFC 822's names and the unambiguous ones that feeds use. IST, BST and AST (Arabia or Atlantic?) stay out.
ZONE_HOURS: Final = {
    "z": 0, "ut": 0, "utc": 0, "gmt": 0, "wet": 0, "est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7, "mdt": -6,
    "pst": -8, "pdt": -7, "cet": 1, "cest": 2, "met": 1, "mest": 2, "eet": 2, "eest": 3, "msk": 3, "pkt": 5, "hkt": 8,
    "sgt": 8, "awst": 8, "jst": 9, "kst": 9, "aest": 10, "aedt": 11, "nzst": 12, "nzdt": 13,
}  # fmt: skip
MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

ISO = re.compile(
    r"(?P<year>\d{4})(?P<separator>[-/.])(?P<month>\d{1,2})(?P=separator)(?P<day>\d{1,2})"
    r"(?:(?:[T ]|\s+-\s+)\s*(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,]\d+)?)?\s*(?P<zone>.*))?",
    re.IGNORECASE,
)
COMPACT = re.compile(
    r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})(?:T?(?P<hour>\d{2}):?(?P<minute>\d{2}):?(?P<second>\d{2})(?P<zone>.*))?"
)
CLOCK = (
    r"(?:[,\s]|\bat\b|-)*(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2}))?"
    r"\s*(?P<half>[ap]\.?m\b\.?)?\s*(?P<zone>.*)"
)
MONTH_NAME = r"(?P<name>[A-Za-z]{3,9})\.?"
DAY_FIRST = re.compile(
    rf"(?:[A-Za-z]{{2,9}}\.?,?\s+)?(?P<day>\d{{1,2}})(?:st|nd|rd|th)?[\s-]+{MONTH_NAME},?[\s-]+(?P<year>\d{{4}}|\d{{2}})(?:{CLOCK})?",
    re.IGNORECASE,
)
MONTH_FIRST = re.compile(
    rf"(?:[A-Za-z]{{2,9}}\.?,?\s+)?{MONTH_NAME}\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<year>\d{{4}})(?:{CLOCK})?",
    re.IGNORECASE,
)
FIGURES = re.compile(r"(?:[A-Za-z]{2,9},?\s+)?(\d{1,2})([/.])(\d{1,2})\2(\d{4})(?:[,\s].*)?")
YEAR_LAST = re.compile(r"((?:[A-Za-z]{3,9},?\s+)?[A-Za-z]{3,9}\s+\d{1,2})\s+(\d{1,2}:\d{2}.*?)\s+(\d{4})")
"""What C's ctime writes: Tue Nov 19 21:57:01 UTC 2019."""
CLOCK_FIRST = re.compile(
    r"(\d{1,2}:\d{2}(?::\d{2})?(?:\s*[ap]\.?m\b\.?)?(?:\s+[A-Za-z]{2,5})?),?\s+(.*\d{4})", re.IGNORECASE
)
EPOCH = re.compile(r"\d{10}|\d{13}")
OFFSET = re.compile(r"(?:(?:utc|gmt)\s*)?([+-])(\d{1,2}):?(\d{2})?", re.IGNORECASE)

URL_DAY = re.compile(r"(?:^|[/_-])((?:19|20)\d\d)([/_-]?)(\d{1,2}|[a-z]{3})\2(\d{1,2})(?=[/_.-]|$)", re.IGNORECASE)


def parse_date(text: str, *, day_first: bool | None = None) -> datetime | date | None:
    """Return what `text` says: an aware UTC datetime where time and zone are stated, else the day, else None.

    Reads ISO 8601, RFC 822 and its many misspellings, English dates in words, and Unix times. Figures whose order is
    ambiguous (03/04/2025) are read as `day_first` says, and are None where it is None; so are months without a day, and
    words that count from the time of reading ("2 days ago").
    """
    text = " ".join(text[: MAX_DATE + 1].split()).strip(" ,;")
    if len(text) > MAX_DATE:
        return None
    if EPOCH.fullmatch(text):
        return datetime.fromtimestamp(int(text[:10]), UTC)
    for pattern in (ISO, COMPACT, DAY_FIRST, MONTH_FIRST):
        if (match := pattern.fullmatch(text)) is not None and (value := _read(match)) is not None:
            return value
    if match := YEAR_LAST.fullmatch(text):
        return parse_date(f"{match[1]} {match[3]} {match[2]}")
    if match := CLOCK_FIRST.fullmatch(text):
        return parse_date(f"{match[2]} {match[1]}")
    return read_figures(text, day_first=day_first)


def day_of(value: datetime | date) -> date:
    """Return the day of a publication time: that in UTC where it is a moment."""
    return value.date() if isinstance(value, datetime) else value


def implausible(value: datetime | date, now: datetime) -> str | None:
    """Return in words where `value` lies that it can't be a publication date as seen at `now`, or None if it can."""
    day = value.date() if isinstance(value, datetime) else value
    if day < EARLIEST:
        return "lies before the web"
    moment = value if isinstance(value, datetime) else datetime(day.year, day.month, day.day, tzinfo=UTC)
    if moment - now > FUTURE_TOLERANCE:
        return "lies in the future"
    return None


def url_date(url: str) -> date | None:
    """Return the day that the path of an article's URL names (/2025/02/06/, /2025/feb/06/, -20250206), or None."""
    path = re.sub(r"^[a-z]+://[^/]*", "", url.partition("?")[0])
    for match in URL_DAY.finditer(path):
        year, separator, month, day = match.groups()
        if not separator and len(month + day) != 4:
            continue
        number = MONTHS.index(month.lower()) + 1 if month.lower() in MONTHS else month
        try:
            return date(int(year), int(number), int(day))
        except ValueError:
            continue
    return None


def choose(
    feed: Stamp | None, meta: datetime | date | None, url: str, *, updated: datetime | None, now: datetime
) -> tuple[Stamp | None, tuple[str, ...]]:
    """Return the publication date of an article and what was odd about it.

    The feed's time comes first: it dates the version that was announced. Then the page's own metadata, then the day
    in the URL. Two exceptions: a feed that gives no more than a day yields to a page that gives the time of that day,
    and a feed's date that is only its time of `updated` yields to an earlier one of the page.
    """
    issues: list[str] = []
    if meta is not None and (reason := implausible(meta, now)):
        issues.append(f"the page's date {meta} {reason}")
        meta = None
    in_url = url_date(url)
    if in_url is not None and implausible(in_url, now):
        in_url = None
    page = None if meta is None else Stamp(meta, DateBasis.META)
    chosen = feed or page
    if feed is not None and page is not None:
        gap = feed.day - page.day
        if abs(gap) > DISAGREEMENT:
            issues.append(f"the feed dates it {feed.day}, the page {page.day}")
        only_updated = updated is not None and feed.value == updated and gap > DAY
        finer = isinstance(page.value, datetime) and not isinstance(feed.value, datetime) and abs(gap) <= DAY
        chosen = page if only_updated or finer else feed
    if chosen is None:
        return (None if in_url is None else Stamp(in_url, DateBasis.URL)), tuple(issues)
    if in_url is not None and abs(chosen.day - in_url) > DISAGREEMENT:
        issues.append(f"the {chosen.basis} dates it {chosen.day}, its URL {in_url}")
    return chosen, tuple(issues)


def is_later(value: datetime | date, other: datetime | date) -> bool:
    """Return whether `value` is later than `other`; of a bare day and a time only the days are compared."""
    if isinstance(value, datetime) and isinstance(other, datetime):
        return value > other
    return day_of(value) > day_of(other)


def read_figures(text: str, *, day_first: bool | None = None) -> date | None:
    """Return the day of 26/06/2020, 6/26/2020 or 6.3.2020, or None.

    Where both orders are possible, dots and equal figures decide, then `day_first`; None of these means None.
    """
    match = FIGURES.fullmatch(text)
    if match is None:
        return None
    first, second, year = int(match[1]), int(match[3]), int(match[4])
    if match[2] == "." or first > 12 or first == second or (day_first is True and second <= 12):
        day, month = first, second
    elif second > 12 or day_first is False:
        day, month = second, first
    else:
        return None
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _read(match: re.Match[str]) -> datetime | date | None:
    parts = match.groupdict()
    month = parts.get("month")
    if month is None:
        name = (parts["name"] or "").lower()[:3]
        if name not in MONTHS:
            return None
        month = str(MONTHS.index(name) + 1)
    year = int(parts["year"])
    if len(parts["year"]) == 2:
        year += 2000 if year < 90 else 1900
    hour = int(parts["hour"] or 0)
    half = (parts.get("half") or "")[:1].lower()
    if half and 1 <= hour <= 12:
        hour = hour % 12 + (12 if half == "p" else 0)
    try:
        day = date(year, int(month), int(parts["day"]))
        if parts["hour"] is None:
            return day
        # 24:00 and the leap second :60 are legal; the day is right either way.
        clock = timedelta(hours=hour, minutes=int(parts["minute"]), seconds=int(parts["second"] or 0))
        offset = zone_offset(parts["zone"])
        if offset is None or clock > DAY:
            return day
        return datetime(day.year, day.month, day.day, tzinfo=timezone(offset)).astimezone(UTC) + clock
    except (ValueError, OverflowError):
        return None


def zone_offset(text: str) -> timedelta | None:
    """Return the offset from UTC that `text` names, or None for none, an unknown or an impossible one."""
    text = text.strip().strip("()").lower()
    if text in ZONE_HOURS:
        return timedelta(hours=ZONE_HOURS[text])
    if match := OFFSET.fullmatch(text):
        offset = timedelta(hours=int(match[2]), minutes=int(match[3] or 0))
        return None if offset > WIDEST_OFFSET else offset if match[1] == "+" else -offset
    # "+0100 (CET)" says it twice; the figures count.
    if "(" in text:
        return zone_offset(text.partition("(")[0])
    return None
