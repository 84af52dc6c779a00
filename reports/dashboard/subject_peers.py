"""Who restricts the same services, before or after: the table that the pages of countries and of actors have."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from reports.dashboard import links
from reports.dashboard.snapshots import Held
from reports.inert import line
from reports.locales import count, number
from warehouse.dashboard import peers
from warehouse.dashboard.asking import Sql
from warehouse.dashboard.peers import Peer
from warehouse.dashboard.subjects import Subject

_MOST: Final = 12


@dataclass(frozen=True, slots=True)
class Row:
    """A peer as the table has it. `address` is its page; `earlier` and `later` are services, `lag` says by how much.

    `order` says what the numbers of services add up to: what is clear, and what dates leave open.
    """

    name: str
    address: str
    country: str
    country_address: str
    services: int
    earlier: int
    later: int
    order: str
    lag: str
    shared: str


@dataclass(frozen=True, slots=True)
class Peers:
    """The peers, those with most in common first, and the question."""

    rows: tuple[Row, ...]
    sql: Sql


def of_country(data: Held, subject: Subject, known: Mapping[str, str]) -> Peers:
    """Other countries."""
    return _asked(data, peers.of_country(subject, _MOST), known)


def of_actor(data: Held, subject: Subject, known: Mapping[str, str]) -> Peers:
    """Others who act, of its country and of others."""
    return _asked(data, peers.of_actor(subject, _MOST), known)


def _asked(data: Held, sql: Sql, known: Mapping[str, str]) -> Peers:
    return Peers(tuple(_row(Peer(*row), known) for row in data.ask(sql).rows), sql)


def _row(one: Peer, known: Mapping[str, str]) -> Row:
    country = known.get(one.country, one.country)
    more = one.services - len(one.shared)
    return Row(
        country if one.actor is None else line(one.actor),
        links.country(one.country) if one.actor is None else links.actor(one.actor, one.country),
        country,
        links.country(one.country),
        one.services,
        one.earlier,
        one.later,
        _order(one),
        _lag(one),
        ", ".join(map(line, one.shared)) + (f" and {number(more)} more" if more > 0 else ""),
    )


def _order(one: Peer) -> str:
    undated = one.services - one.dated
    said = [
        f"{number(one.same_day)} on the same day" if one.same_day else "",
        f"{number(one.unclear)} unclear" if one.unclear else "",
        f"{number(undated)} not dated" if undated else "",
    ]
    return ", ".join(filter(None, said)) or "–"


def _lag(one: Peer) -> str:
    """The medians, in words: positive days are later."""
    if one.days_min is None or one.days_max is None:
        return "–"
    low, high = round(one.days_min), round(one.days_max)
    if low == high == 0:
        return "the same day"
    if low >= 0:
        return f"{days_between(low, high)} later"
    if high <= 0:
        return f"{days_between(-high, -low)} earlier"
    return f"from {count(-low, 'day', 'days')} earlier to {number(high)} later"


def days_between(least: float | None, most: float | None) -> str:
    """A number of days that lies between two, in words: "5 days", "30 to 90 days", "up to 4 days"."""
    if least is None or most is None:
        return "not known"
    low, high = round(least), round(most)
    if low == high:
        return count(low, "day", "days")
    return (
        f"up to {count(high, 'day', 'days')}"
        if low <= 0 <= high and least >= 0
        else f"{number(low)} to {number(high)} days"
    )
