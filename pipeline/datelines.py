"""Dates in the words around a headline ("Published 20 Nov 2019, 09:28 GMT | Updated …"), in the news's languages."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timezone
from typing import Final

from pipeline.nearby import Line
from pipeline.publication import EARLIEST, day_of, parse_date, read_figures, zone_offset

MAX_DATELINE: Final = 200
MAX_OTHER_LETTERS: Final = 40
"""Letters beside a date that a line may have and still be a dateline, where nothing marks it as one."""

# English, French, German, Spanish, Portuguese, Italian, Dutch, the Scandinavian languages, Polish, Turkish, Russian,
# Ukrainian and Indonesian, in full and shortened, as they stand beside a day.
_NAMES = """
jan january janvier januar enero ene janeiro gennaio gen januari stycznia ocak января янв січня
feb february février févr februar febrero fevereiro fev febbraio februari lutego şubat февраля фев лютого
mar march mars märz mär marzo março maart mrt marts marca mart марта мар березня maret
apr april avril avr abril abr aprile kwietnia nisan апреля апр квітня
may mai mayo maio mag maggio mei maj maja mayıs мая травня
jun june juin juni junio junho giugno giu czerwca haziran июня июн червня
jul july juillet juil juli julio julho luglio lug lipca temmuz июля июл липня
aug august août agosto ago augustus augusti sierpnia ağustos августа авг серпня agustus
sep sept september septembre septiembre setembro set settembre września eylül сентября сен вересня
oct october octobre oktober okt octubre outubro out ottobre ott października ekim октября окт жовтня
nov november novembre noviembre novembro listopada kasım ноября ноя
dec december décembre déc dezember dez diciembre dic dezembro dicembre grudnia aralık декабря дек грудня desember
"""
MONTHS: Final = {name: number for number, row in enumerate(_NAMES.split("\n")[1:-1], 1) for name in row.split()}

WORD = r"(?P<name>[^\W\d_]{3,12})\.?"
DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th|er|º|\.)?"
PATTERNS: Final = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"(?<!\d)(?P<year>(?:19|20)\d\d)(?P<mark>[-/.])(?P<month>\d{1,2})(?P=mark)(?P<day>\d{1,2})(?!\d)",
        r"(?<!\d)(?P<year>(?:19|20)\d\d)\s?[年년]\s?(?P<month>\d{1,2})\s?[月월]\s?(?P<day>\d{1,2})\s?[日일]",
        rf"(?<!\d){DAY}[\s-]+(?:de\s+)?{WORD},?[\s-]+(?:de\s+|del\s+)?(?P<year>(?:19|20)\d\d)(?!\d)",
        rf"\b{WORD}\s+{DAY},?\s+(?P<year>(?:19|20)\d\d)(?!\d)",
    )
)
FIGURES = re.compile(r"(?<![\d/.])\d{1,2}([/.])\d{1,2}\1(?:19|20)\d\d(?!\d)")
CLOCK = re.compile(
    r"(?<![\d:.])(?P<hour>\d{1,2})[:.](?P<minute>\d{2})(?::\d{2})?\s*(?P<half>(?i:[ap]\.?m\b)\.?)?\s*(?P<zone>\(?[A-Z]{1,5}\b(?:[+-]\d{1,2})?)?"
)
PUBLISHED_WORD = re.compile(
    r"\b(?:publi(?:sh(?:ed)?|cado|cato|é|ziert|cerad|ceret|c?ation)|posted|original|date|veröffentlicht|erschienen|"
    r"опубликовано)\b|입력|등록|公開",
    re.IGNORECASE,
)
UPDATED_WORD = re.compile(
    r"\b(?:updated?|modified|revised|edited|corrected|aktualisiert|geändert|actualizado|atualizado|aggiornato|"
    r"mis à jour|обновлено)\b|수정|更新",
    re.IGNORECASE,
)
ANY_FIGURE = re.compile(r"\d")
OTHER_LETTERS = re.compile(r"[^\W\d_]")


@dataclass(frozen=True, slots=True)
class Dates:
    """What the lines around a headline say; None where they say nothing."""

    published: datetime | date | None = None
    updated: datetime | date | None = None


def stamped(lines: list[Line], *, day_first: bool | None = None) -> Dates:
    """Return the machine-readable times that the lines hold: the first one, and the first one of a change.

    Where the only one is marked as a change, it is the date that readers see: some themes call every date "updated".
    """
    published = updated = None
    for line in lines:
        value = parse_date(line.stamp, day_first=day_first) if line.stamp else None
        if value is None or day_of(value) < EARLIEST:
            continue
        if line.updated or UPDATED_WORD.search(line.plain):
            updated = updated or value
        else:
            published = published or value
    return Dates(published or updated, updated)


def worded(lines: list[Line], *, day_first: bool | None = None) -> Dates:
    """Return the dates that the lines tell in words or figures: the first one, and the first one of a change."""
    published = updated = signed = None
    for line in lines:
        text = line.plain
        found = dates_in(text, day_first=day_first)
        if not found or not _is_dateline(line, text, found):
            continue
        before = 0
        for start, end, value in found:
            if UPDATED_WORD.search(text, before, start):
                updated = updated or value
            elif line.updated and len(found) == 1:
                signed = signed or value
            else:
                published = published or value
            before = end
    # Some themes call every date "updated" in their markup.
    return Dates(published or (None if updated else signed), updated or signed)


def is_dateline(line: Line) -> bool:
    """Return whether the line is there to tell a date, with little else."""
    text = line.plain
    found = dates_in(text, day_first=True)
    return bool(found) and _is_dateline(line, text, found)


def _is_dateline(line: Line, text: str, found: list[tuple[int, int, datetime | date]]) -> bool:
    if line.date or line.author or PUBLISHED_WORD.search(text) or UPDATED_WORD.search(text):
        return True
    spelled = sum(len(OTHER_LETTERS.findall(text[start:end])) for start, end, _ in found)
    return len(OTHER_LETTERS.findall(text)) - spelled <= MAX_OTHER_LETTERS


def dates_in(text: str, *, day_first: bool | None) -> list[tuple[int, int, datetime | date]]:
    """Return the dates in a line by their places, each with the clock that stands beside it; none of a long line."""
    if len(text) > MAX_DATELINE or not ANY_FIGURE.search(text):
        return []
    days = [(match.start(), match.end(), day) for pattern in PATTERNS for match in pattern.finditer(text)
            if (day := _day(match)) is not None]  # fmt: skip
    days += [(match.start(), match.end(), day) for match in FIGURES.finditer(text)
             if (day := read_figures(match[0], day_first=day_first)) is not None]  # fmt: skip
    days.sort()
    found: list[tuple[int, int, datetime | date]] = []
    for number, (start, end, day) in enumerate(days):
        if day < EARLIEST or (found and start < found[-1][1]):
            continue
        last = days[number + 1][0] if number + 1 < len(days) else len(text)
        first = found[-1][1] if found else 0
        moment = _moment(day, CLOCK.search(text, end, last) or CLOCK.search(text, first, start))
        found.append((start, end, moment))
    return found


def _day(match: re.Match[str]) -> date | None:
    parts = match.groupdict()
    month = parts.get("month") or MONTHS.get((parts.get("name") or "").lower())
    try:
        return None if month is None else date(int(parts["year"]), int(month), int(parts["day"]))
    except ValueError:
        return None


def _moment(day: date, clock: re.Match[str] | None) -> datetime | date:
    offset = None if clock is None or not clock["zone"] else zone_offset(clock["zone"])
    if clock is None or offset is None:
        return day
    hour, half = int(clock["hour"]), (clock["half"] or "")[:1].lower()
    if half and 1 <= hour <= 12:
        hour = hour % 12 + (12 if half == "p" else 0)
    if hour > 23 or int(clock["minute"]) > 59:
        return day
    try:
        moment = datetime(day.year, day.month, day.day, hour, int(clock["minute"]), tzinfo=timezone(offset))
        return moment.astimezone(UTC)
    except OverflowError:
        return day
