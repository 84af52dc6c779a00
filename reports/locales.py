"""Days, times, numbers and lists in a reader's language, after Unicode's CLDR, and names of countries in English.

The texts around them are English. A language is a tag such as "de", "pt-BR" or "zh_Hant". Plain "en" stands for no
country's English: 22 November 2026. In languages that are written from right to left days are in figures, 2026-11-22:
inside an English sentence their words would change places with those around them.
"""

from collections.abc import Iterable
from datetime import date, datetime
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_skeleton, format_time
from babel.numbers import format_decimal

from pipeline.errors import InputError

ENGLISH: Final = "en"
_NEUTRAL: Final = "en_GB"
"""What "en" is taken for: CLDR's own is American."""

_MONTH: Final = len("YYYY-MM")


@cache
def locale_of(language: str) -> Locale:
    """The locale of a language tag. Raises InputError where there is none."""
    tag = language.strip().replace("-", "_")
    try:
        return Locale.parse(_NEUTRAL if tag == ENGLISH else tag)
    except (UnknownLocaleError, ValueError, TypeError) as error:
        raise InputError(f"the language {language!r} is not known", hint='Write it as "en", "de", "pt-BR" …') from error


def day(value: date | str, language: str = ENGLISH) -> str:
    """A day, month or year: "4 February 2025", "February 2025", "2025". What is none of them comes back as it is."""
    text = value if isinstance(value, str) else value.isoformat()
    locale = locale_of(language)
    if _is_reversed(locale):
        return text
    try:
        if len(text) == _MONTH:
            return str(format_skeleton("yMMMM", date.fromisoformat(f"{text}-01"), locale=locale))
        return str(format_date(date.fromisoformat(text), "long", locale=locale))
    except ValueError:
        return text


def short_day(value: date, language: str = ENGLISH) -> str:
    """A day without its year: "22 November"."""
    locale = locale_of(language)
    return value.isoformat() if _is_reversed(locale) else str(format_skeleton("MMMMd", value, locale=locale))


def full_day(value: date, language: str = ENGLISH) -> str:
    """A day with its weekday: "Sunday 22 November 2026"."""
    if _is_reversed(locale_of(language)):
        return value.isoformat()
    # CLDR has a comma after the weekday, which newspapers have not.
    pattern = "EEEE d MMMM y" if language == ENGLISH else "full"
    return str(format_date(value, pattern, locale=locale_of(language)))


def moment(at: datetime, zone: str, language: str = ENGLISH) -> str:
    """A time in that zone: "Saturday 21 November, 07:00"; with the year where the language is not plain English."""
    local, locale = at.astimezone(ZoneInfo(zone)), locale_of(language)
    if _is_reversed(locale):
        return f"{local:%Y-%m-%d, %H:%M}"
    when = format_date(local, "EEEE d MMMM", locale) if language == ENGLISH else full_day(local.date(), language)
    return f"{when}, {format_time(local.time(), 'short', locale=locale)}"


def _is_reversed(locale: Locale) -> bool:
    return bool(locale.text_direction == "rtl")


def number(value: int, language: str = ENGLISH) -> str:
    """A whole number with the marks of its thousands: "12,345"."""
    return str(format_decimal(value, locale=locale_of(language)))


def count(value: int, one: str, many: str, language: str = ENGLISH) -> str:
    """A number with its noun."""
    return f"{number(value, language)} {one if value == 1 else many}"


def the_country(name: str) -> str:
    """The English name of a country or union as a sentence has it, with its article where it takes one."""
    takes_one = name.startswith(_TAKES_ARTICLE) or (name.endswith(_OF_SEVERAL) and not name.startswith(_TAKES_NONE))
    return f"the {name}" if takes_one else name


_TAKES_ARTICLE: Final = (
    "British ", "Central African ", "Democratic ", "European ", "Falkland ", "Isle ", "Republic of ", "United ",
    "Virgin Islands",
)  # fmt: skip
_OF_SEVERAL: Final = (
    "Bahamas", "Comoros", "Gambia", "Islands", "Maldives", "Netherlands", "Philippines", "Republic", "Seychelles",
    "Territories",
)  # fmt: skip
_TAKES_NONE: Final = ("Heard ", "South Georgia ")


def country(code: str) -> str:
    """CLDR's English name of a country by its code, where the snapshot is not at hand; the code where it has none."""
    return str(locale_of(ENGLISH).territories.get(code, code)).replace(" & ", " and ")


def listing(names: Iterable[str], others: int = 0) -> str:
    """Names as a sentence lists them: "A, B and C", "A, B and 7 more"."""
    said = [*names, *([f"{others} more"] if others > 0 else [])]
    return " and ".join([", ".join(said[:-1]), said[-1]] if len(said) > 1 else said)
