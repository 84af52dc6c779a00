"""Records of the Python API, made of what the warehouse and the extractor answer."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from clampdown.api.changes import Change, Changes, Cursor, Since, Telling
from clampdown.api.records import (
    Article,
    ArticleVersion,
    ChangeKind,
    Decision,
    Dissent,
    Event,
    EventDetail,
    Mention,
    Quotes,
    Step,
    StoredMention,
    Voice,
)
from pipeline.errors import InputError, WarehouseError

if TYPE_CHECKING:
    from pipeline import types as stages
    from warehouse import news, query
    from warehouse.reader import Reader
    from warehouse.review import LoggedDecision

_EVENT = tuple(one.name for one in fields(Event))
_VALUES = ("action", "status", "country", "actor_kind", "scope_class", "date_value", "reason_classes", "score", "model")


def _values(source: object, names: Iterable[str]) -> dict[str, Any]:
    return {name: getattr(source, name) for name in names}


def event(row: "query.EventRow") -> Event:
    """An event without its evidence."""
    return Event(**_values(row, _EVENT))


def detail(found: "query.EventDetail", decided: "Iterable[LoggedDecision]") -> EventDetail:
    """An event with its evidence, and what people decided of it."""
    return EventDetail(
        **_values(found.event, _EVENT),
        country_name=found.country,
        steps=tuple(_step(one) for one in found.steps),
        mentions=tuple(_stored(one) for one in found.mentions),
        told_by=tuple(Voice(**_values(one, Voice.__slots__)) for one in found.voices),
        copies=tuple(_article(one) for one in found.copies),
        dissent=tuple(Dissent(one.field, one.words) for one in found.dissent),
        decisions=tuple(Decision(**_values(one, Decision.__slots__)) for one in decided),
        merged=found.merged,
        parted_from=found.parted_from,
        parted=found.parted,
        asked=found.asked,
    )


def mention(found: "stages.Mention") -> Mention:
    """What a text states."""
    return Mention(**_stated(found))


def _stated(found: "stages.Mention") -> dict[str, Any]:
    return _values(found, _VALUES) | {
        "service": found.service_canonical,
        "actor": found.actor_canonical,
        "scope": None if found.scope is None else found.scope.text,
        "quotes": Quotes(**found.quotes),
        "scores": MappingProxyType(dict(found.scores)),
    }


def _stored(found: "query.MentionDetail") -> StoredMention:
    own = _values(found, ("id", "version", "title", "published", "learned_on", "withdrawn_on", "grounds"))
    return StoredMention(**_stated(found.mention), **own, article=_article(found.article))


def _article(found: "query.ArticleLine") -> Article:
    names = (one.name for one in fields(Article) if one.name != "earlier")
    earlier = (ArticleVersion(one.version, one.title, one.fetched_at) for one in found.earlier)
    return Article(**_values(found, names), earlier=tuple(earlier))


def _step(found: "query.StepDetail") -> Step:
    own = ("quote", "source", "published", "url", "event_id")
    names = (one.name for one in fields(Step) if one.name not in own)
    return Step(**_values(found.step, names), **_values(found, own))


def cursor(reader: "Reader") -> Cursor:
    """The end of the log of changes."""
    from warehouse.news import end_of_log

    return Cursor(**_values(end_of_log(reader), Cursor.__slots__))


def changes(reader: "Reader", since: Since, evidence: int) -> Changes:
    """What has become of events since then, each with so many sentences at most."""
    from warehouse import news

    asked, same_log = _bound(reader, since)
    try:
        found = news.changes_since(reader, asked)
    except WarehouseError as error:
        if "is no run, time or position" not in str(error):
            raise
        raise InputError(
            f"{asked!r} is no run, day, time or position in the log of changes",
            hint="Give a cursor that was kept, a day such as '2025-02-10', or the id of a run.",
        ) from None
    told = _tellings(reader, found, evidence) if evidence else {}
    return Changes._of((_change(one, told.get(one.event_id, ())) for one in found), cursor(reader), same_log)


def _bound(reader: "Reader", since: Since) -> tuple[str | int, bool]:
    from warehouse.news import Place, bound_of

    if isinstance(since, str) and since.lstrip().startswith("{"):
        since = Cursor.parse(since)
    match since:
        case Cursor():
            return bound_of(reader, Place(since.position, since.mark, since.run_id, since.ended_at))
        case bool():
            raise InputError(f"{since} is no place in the log of changes")
        case int() | str():
            return since, True
        case _:
            return since.isoformat(), True


def _tellings(
    reader: "Reader", found: Sequence["news.Change"], evidence: int
) -> Mapping[str, Sequence["news.Telling"]]:
    from warehouse.news import mentions_of, tellings_of

    arrived = {one.event_id: set(one.arrived) for one in found if one.after is not None}
    wanted = {}
    for event_id, mention_ids in mentions_of(reader, arrived).items():
        new = [one for one in mention_ids if one in arrived[event_id]]
        wanted[event_id] = (new or mention_ids)[:evidence]
    return tellings_of(reader, wanted)


def _change(one: "news.Change", told: Iterable["news.Telling"]) -> Change:
    return Change(
        kind=ChangeKind(one.kind.value),
        event_id=one.event_id,
        before=None if one.before is None else event(one.before),
        after=None if one.after is None else event(one.after),
        fields=tuple(sorted(one.fields)),
        evidence=tuple(Telling(**_values(each, Telling.__slots__)) for each in told),
        **_values(one, ("steps", "arrived", "other_id", "run_id", "changed_at")),
    )
