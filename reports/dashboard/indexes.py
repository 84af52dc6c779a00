"""The lists of services, countries and actors: who is restricted, where, and by whom."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Final, TypeAlias

from reports.dashboard import links
from reports.dashboard.events import When, category
from reports.dashboard.paging import asked_page, pager, with_query
from reports.dashboard.subject_page import ENDED, STANDING
from reports.dashboard.visit import Rendered, Visit
from reports.inert import line
from reports.locales import count, day, number
from warehouse.dashboard import indexes
from warehouse.dashboard.indexes import Index, Wanted

_SIZE: Final = 100
_LONGEST: Final = 200
"""Characters of a search."""

_NOUNS: Final[Mapping[Index, tuple[str, str]]] = {
    "services": ("service", "services"),
    "countries": ("place", "places"),
    "actors": ("actor", "actors"),
}
_LABELS: Final[Mapping[Index, str]] = {
    "services": "Name, category or provider",
    "countries": "Name or code",
    "actors": "Name, country or kind",
}
_ABOUT: Final[Mapping[Index, str]] = {
    "services": "Services and technologies that somebody restricted, means to, warns of or frees again.",
    "countries": "Where the bodies sit that act. The European Union’s measures are its own, not those of its members.",
    "actors": "Who restricts, warns, inquires, penalises or frees. Bodies that no text names are in no row.",
}


@dataclass(frozen=True, slots=True)
class _Cell:
    """A cell: words, maybe a link, a date, or a number with its share of the highest, 0 to 1."""

    words: str = ""
    address: str | None = None
    when: When | None = None
    is_number: bool = False
    share: float | None = None


_Made: TypeAlias = Callable[[Mapping[str, Any]], _Cell]


@dataclass(frozen=True, slots=True)
class _Column:
    """A column: its heading, what it is sorted by, and how a cell is made of a row (column of the answer → value)."""

    heading: str
    sort: str
    cell: _Made
    is_number: bool = False


@dataclass(frozen=True, slots=True)
class _Heading:
    words: str
    address: str
    is_number: bool
    sorted: str | None


def services(visit: Visit) -> Rendered:
    """All services that something was told of."""
    return _listed(visit, "services", "Services", _SERVICES)


def countries(visit: Visit) -> Rendered:
    """All countries whose bodies act, and the Union, which is none."""
    return _listed(visit, "countries", "Countries", _COUNTRIES)


def actors(visit: Visit) -> Rendered:
    """All who act."""
    return _listed(visit, "actors", "Actors", _ACTORS)


def _listed(visit: Visit, index: Index, heading: str, columns: tuple[_Column, ...]) -> Rendered:
    words = (visit.one("q") or "")[:_LONGEST]
    sort = visit.one("sort") or "in_force"
    sort = sort if sort in indexes.SORTS[index] else "in_force"
    descending = (visit.one("order") or ("asc" if sort in indexes.TEXTS else "desc")) != "asc"
    wanted = Wanted(words, sort, descending, _SIZE, (asked_page(visit) - 1) * _SIZE)
    sql = indexes.rows(index, wanted)
    answer = visit.data.ask(sql)
    if not answer.rows and wanted.offset:
        sql = indexes.rows(index, replace(wanted, offset=0))
        answer = visit.data.ask(sql)
    rows = [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]
    total = rows[0]["total"] if rows else 0
    values = {
        "heading": heading,
        "about": _ABOUT[index],
        "label": _LABELS[index],
        "words": words,
        "sort": visit.one("sort"),
        "order": visit.one("order"),
        "says": _says(index, total, words),
        "headings": [_heading(visit, one, sort, descending=descending) for one in columns],
        "rows": [[one.cell(row) for one in columns] for row in rows],
        "pager": pager(visit, total, _SIZE) if total > _SIZE else None,
        "sql": sql,
    }
    return Rendered("index.html.j2", values, heading)


def _says(index: Index, total: int, words: str) -> str:
    one, many = _NOUNS[index]
    return f"{count(total, one, many)}{f' with “{line(words, 60)}”' if words else ''}"


def _heading(visit: Visit, column: _Column, sort: str, *, descending: bool) -> _Heading:
    is_sorted = column.sort == sort
    falls_first = column.sort not in indexes.TEXTS
    falls = not descending if is_sorted else falls_first
    address = with_query(visit, sort=column.sort, order="desc" if falls else "asc", page=None)
    told = ("descending" if descending else "ascending") if is_sorted else None
    return _Heading(column.heading, address, column.is_number, told)


def _number(column: str, page: Callable[[Mapping[str, Any]], str], part: str) -> _Made:
    """A number that leads to the part of a page that lists what it counts."""
    return lambda row: _Cell(number(row[column]), f"{page(row)}#{part}" if row[column] else None, is_number=True)


def _counted(filters: Callable[[Mapping[str, Any]], Mapping[str, object]], column: str, **more: object) -> _Made:
    """A number that leads to the events it counts."""

    def made(row: Mapping[str, Any]) -> _Cell:
        share = row[column] / row["most"] if column == "in_force" and row["most"] else None
        address = links.explore(**filters(row), **more) if row[column] else None
        return _Cell(number(row[column]), address, is_number=True, share=share)

    return made


def _text(column: str) -> _Made:
    return lambda row: _Cell(line((row[column] or "").replace("_", " ")))


def _last(row: Mapping[str, Any]) -> _Cell:
    last: date | None = row["last_reported"]
    return _Cell(when=When("–") if last is None else When(day(last), last.isoformat()))


def _first(row: Mapping[str, Any]) -> _Cell:
    return _Cell(when=_between(row["first_from"], row["first_to"]))


def _between(first: date | None, last: date | None) -> When:
    """The earliest that the dates of several restrictions allow: exact where both bounds are one day."""
    if first is None or last is None:
        return When("–")
    if first == last:
        return When(day(first), first.isoformat())
    if (first.month, first.day, last.month, last.day) == (1, 1, 12, 31) and first.year == last.year:
        return When(str(first.year), str(first.year))
    whole = first.day == 1 and (last + timedelta(days=1)).day == 1
    if whole and (first.year, first.month) == (last.year, last.month):
        return When(day(f"{first:%Y-%m}"), f"{first:%Y-%m}")
    return When(f"{day(first)} to {day(last)}")


def _service_page(row: Mapping[str, Any]) -> str:
    return links.service(row["service_canonical"])


def _country_page(row: Mapping[str, Any]) -> str:
    return links.country(row["country"])


def _actor_page(row: Mapping[str, Any]) -> str:
    return links.actor(row["actor_canonical"], row["country"])


def _service(row: Mapping[str, Any]) -> Mapping[str, object]:
    return {"service": row["service_canonical"]}


def _country(row: Mapping[str, Any]) -> Mapping[str, object]:
    return {"country": row["country"]}


def _actor(row: Mapping[str, Any]) -> Mapping[str, object]:
    return {"actor": row["actor_canonical"], "country": row["country"]}


_SERVICES: Final = (
    _Column("Service", "name", lambda row: _Cell(line(row["service_canonical"]), _service_page(row))),
    _Column("Category", "category", lambda row: _Cell(category(row["category"] or ""))),
    _Column("In force", "in_force", _counted(_service, "in_force", **STANDING), is_number=True),
    _Column("Ended", "ended", _counted(_service, "ended", **ENDED), is_number=True),
    _Column("All events", "events", _counted(_service, "events"), is_number=True),
    _Column("Countries", "countries", _number("countries", _service_page, "order"), is_number=True),
    _Column("First restricted", "first_from", _first),
    _Column("Last told of", "last_reported", _last),
)
_COUNTRIES: Final = (
    _Column("Country", "name", lambda row: _Cell(line(row["name"]), links.country(row["country"]))),
    _Column("In force", "in_force", _counted(_country, "in_force", **STANDING), is_number=True),
    _Column("Ended", "ended", _counted(_country, "ended", **ENDED), is_number=True),
    _Column("All events", "events", _counted(_country, "events"), is_number=True),
    _Column("Services", "services", _number("services", _country_page, "services"), is_number=True),
    _Column("Actors", "actors", _number("actors", _country_page, "acting"), is_number=True),
    _Column("First restriction", "first_from", _first),
    _Column("Last told of", "last_reported", _last),
)
_ACTORS: Final = (
    _Column(
        "Actor",
        "name",
        lambda row: _Cell(line(row["actor_canonical"]), links.actor(row["actor_canonical"], row["country"])),
    ),
    _Column("Country", "country_name", lambda row: _Cell(line(row["country_name"]), links.country(row["country"]))),
    _Column("Kind", "kind", _text("kind")),
    _Column("In force", "in_force", _counted(_actor, "in_force", **STANDING), is_number=True),
    _Column("Ended", "ended", _counted(_actor, "ended", **ENDED), is_number=True),
    _Column("All events", "events", _counted(_actor, "events"), is_number=True),
    _Column("Services", "services", _number("services", _actor_page, "services"), is_number=True),
    _Column("Last told of", "last_reported", _last),
)
