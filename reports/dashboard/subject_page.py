"""What the pages of services, countries and actors have alike: numbers, reasons in their words, and lists of events."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import groupby
from typing import Any, Final

from pipeline.types import ReasonClass
from reports import event_words as words
from reports.dashboard import links
from reports.dashboard.events import When, country_names, event_lines, event_rows, told_of, when
from reports.dashboard.frames import Choice, Frame, frame_of
from reports.dashboard.paging import pager, with_query
from reports.dashboard.sentences import Place, Sentence, sentences
from reports.dashboard.snapshots import Held
from reports.dashboard.visit import Visit
from reports.inert import line
from reports.locales import count
from warehouse.dashboard import subjects
from warehouse.dashboard.asking import Sql
from warehouse.dashboard.subjects import PUBLIC, Acting, Every, Reason, Standing, Subject

EVENTS: Final = 10
"""Events on one page of a list."""

IN_EFFECT: Final[Mapping[str, object]] = {"side": "restricting", "status": "in_force"}
STANDING: Final[Mapping[str, object]] = {**IN_EFFECT, "ended": "no"}
ENDED: Final[Mapping[str, object]] = {**IN_EFFECT, "ended": "yes"}
"""Filters for restrictions, as the view `imposed` has them, for those that stand, and for those that do not."""

PLANNED: Final[Mapping[str, object]] = {"side": "restricting", "status": ("announced", "proposed")}


@dataclass(frozen=True, slots=True)
class Number:
    """A number in large figures, what it counts, and where what it counts is listed."""

    value: int
    label: str
    address: str | None = None


@dataclass(frozen=True, slots=True)
class Quoted:
    """Words in which a reason is stated, within their sentence: for which event, and in which article."""

    said: Sentence
    who: str
    service: str
    when: When
    event: str
    source: str
    url: str


@dataclass(frozen=True, slots=True)
class Stated:
    """A reason, how many restrictions state it, where they are listed, and some of the words, if any are shown."""

    name: str
    restrictions: int
    address: str
    quotes: tuple[Quoted, ...]


def asked_of(visit: Visit) -> tuple[int, bool]:
    """How many voices the address asks for at least, and whether for public bodies alone."""
    return (2 if visit.one("voices") == "2" else 1), visit.one("public") == "1"


def day_of(asked: str | None) -> date | None:
    """The day that the address asks for; None where it is none."""
    try:
        return None if asked is None else date.fromisoformat(asked)
    except ValueError:
        return None


def kept(visit: Visit, *own: str) -> tuple[tuple[str, str], ...]:
    """What else the address asks for, for a form that sets its `own` fields. Another view begins on its first page."""
    return tuple(
        (name, value) for name, values in visit.query.items() if name not in (*own, "page") for value in values
    )


def voice_choices(chosen: int) -> tuple[Choice, ...]:
    """Both numbers of voices that can be chosen."""
    return (Choice("", "one source", chosen == 1), Choice("2", "two independent sources", chosen == 2))


def public_choices(*, chosen: bool) -> tuple[Choice, ...]:
    """Whose restrictions can be chosen."""
    return (Choice("", "everybody’s", not chosen), Choice("1", "public bodies’ alone", chosen))


def standing(data: Held, subject: Subject) -> Standing:
    """How many events of each sort there are."""
    ((*row,),) = data.ask(subjects.standing(subject)).rows
    return Standing(*row)


def lead(found: Standing) -> str:
    """How much of what somebody restricts is in force, in a sentence."""
    if found.in_force:
        stands = count(found.in_force, "restriction is", "restrictions are")
        return f"{stands} in force, on {count(found.services_in_force, 'service', 'services')}."
    if found.ended:
        return f"No restriction is in force; {count(found.ended, 'has', 'have')} ended."
    return "No restriction is known to have taken force."


def services_restricted(found: Standing) -> Number:
    """On how many services, which are listed below."""
    return Number(found.services, "service restricted" if found.services == 1 else "services restricted", "#services")


def numbers(found: Standing, subject: Subject, *reached: Number) -> list[Number]:
    """The large numbers of a page: what is in force, whom or what that has `reached`, and all else that there is."""
    asked = filters(subject)
    planned = found.announced + found.proposed
    told = (
        Number(found.in_force, "in force", links.explore(**asked, **STANDING)),
        *reached,
        Number(found.ended, "ended", links.explore(**asked, **ENDED)),
        Number(planned, "announced or proposed", links.explore(**asked, **PLANNED)),
        Number(found.pressing, "warnings, inquiries, penalties", links.explore(**asked, side="pressing")),
    )
    return [one for one in told if one.value or one.label == "in force"]


def frame(visit: Visit, subject: Subject, found: Standing) -> Frame:
    """The span of time that the charts of the page show."""
    return frame_of(visit, subject, found.first_from)


def filters(subject: Subject) -> dict[str, object]:
    """The subject as filters of the page that lists all events."""
    asked: dict[str, object] = {}
    if subject.service is not None:
        asked["service"] = subject.service
    if subject.country is not None:
        asked["country"] = subject.country
    if subject.actor is not None:
        asked["actor"] = subject.actor
    if subject.public_only:
        asked["kind"] = [kind.value for kind in PUBLIC]
    if subject.min_voices > 1:
        asked["voices"] = subject.min_voices
    return asked


def reasons(data: Held, subject: Subject, every: Every) -> tuple[Sequence[Stated], Sql]:
    """Reasons as they are stated, the commonest first and with some of the words; and the question for these.

    `every` are the periods of the chart of reasons, whose numbers are taken for those without words.
    """
    sql = subjects.reasons_quoted(subject)
    rows = [Reason(*row) for row in data.ask(sql).rows]
    names = country_names(data)
    said = sentences(data, sql, [(row.quote, Place(row.article_id, row.version, row.start, row.end)) for row in rows])
    together = zip(rows, said, strict=True)
    told = [
        Stated(
            words.reason(ReasonClass(reason)),
            some[0][0].restrictions,
            links.explore(**filters(subject), **IN_EFFECT, reason=reason),
            tuple(_quoted(one, words_of, names) for one, words_of in some),
        )
        for reason, some in ((key, list(group)) for key, group in groupby(together, lambda one: one[0].reason))
    ]
    totals = Counter[str]()
    for _, _, value, some_more in data.ask(subjects.by_reason(subject, every)).rows:
        if value is not None:
            totals[value] += some_more
    others = [
        Stated(
            words.reason(ReasonClass(value)), total, links.explore(**filters(subject), **IN_EFFECT, reason=value), ()
        )
        for value, total in totals.most_common()
        if value not in {row.reason for row in rows}
    ]
    return [*told, *others], sql


def _quoted(one: Reason, said: Sentence, names: Mapping[str, str]) -> Quoted:
    return Quoted(
        said,
        words.unnamed(one.country, names.get(one.country, one.country)) if one.actor is None else line(one.actor),
        line(one.service),
        when(one.date_value),
        links.event(one.event_id),
        line(one.source or "source not named"),
        one.url,
    )


def acting(data: Held, subject: Subject, most: int) -> tuple[Sequence[Acting], Sql]:
    """Who acts most; and the question."""
    sql = subjects.acting(subject, most)
    return [Acting(*row) for row in data.ask(sql).rows], sql


def events(visit: Visit, subject: Subject, found: Standing, *, in_force: bool) -> Mapping[str, Any]:
    """The list of events of the page: all, or the restrictions that stand. `in_force` says which is shown first."""
    asked = visit.one("show", "in_force" if in_force else "all")
    shown = asked == "in_force"
    total = found.in_force if shown else found.events
    part = pager(visit, total, EVENTS)
    sql = subjects.listed(subject, in_force=shown, limit=part.size, offset=part.offset)
    rows = event_rows(visit.data, sql)
    told = told_of(visit.data, [row.id for row in rows]) if rows else {}
    lines = event_lines(rows, country_names(visit.data), told)
    if subject.country is not None:
        lines = [replace(one, sentence=one.sentence.replace(f" ({one.country_name})", "", 1)) for one in lines]
    return {
        "events": lines,
        "with_place": subject.country is None,
        "pager": part,
        "events_sql": sql,
        "shown_in_force": shown,
        "tabs": (
            Choice(with_query(visit, show="in_force", page=None), f"In force ({found.in_force:,})", shown),
            Choice(with_query(visit, show="all", page=None), f"All events ({found.events:,})", not shown),
        ),
    }
