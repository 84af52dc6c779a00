"""Which mentions tell one happening: mentions in, events out, as a pure function of the mentions alone.

`resolve` takes all mentions of one or more services and works through each service by these rules:

* Named actors first. Mentions are split by body (`pipeline.names`) and by family of action, and grouped by the points
  of `pipeline.matching`, by average link under vetoes (`pipeline.clusters`). Two bodies never share an event: a
  ministry is not its government, a state not its country.
* A lift parts what was before it from what comes after: a new ban after a lift is a new event. A mention without a date
  belongs before the lift when it was reported until `ECHO_DAYS` after it, or beside it in one article or story.
* Then what lacks the deciding fact is taken in by the one event that it can mean, and by none where it could mean two:
  a mention without an actor joins the event of a body that acts for the whole country, with the same action and near
  dates; a mention without a date, of a kindred action, joins the one dated event of its body.
* Last, a lift goes to the restriction that it ends, if its actor imposed it, or if no actor is named and one
  restriction alone of that country can be meant. The restriction keeps its id, action and status, and gets a transition
  whose action is LIFT; whether it still holds is told by its last transition (`Event.lifted`). Any other lift – by a
  court, of something never told – is an event of its own.

An event's id is made from service, country, actor, family of action and the month of the earliest date that is stated
to the month or reported. It stays when more of the same is told, and changes when an earlier month comes to light, when
an unnamed actor or unknown country gets a name, when events merge or part, and when an earlier one appears among
several of one month, which are numbered by date.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date

from pipeline.adoption import adopt_undated, adopt_unnamed
from pipeline.clusters import Apart, Happening, cluster
from pipeline.consensus import agree
from pipeline.ids import content_id
from pipeline.lifts import attach_lifts, parted_by
from pipeline.names import BodyName, group_names, reduce_name
from pipeline.statements import Family, Statement, is_company, read_statement, service_key
from pipeline.types import Event, Mention, MentionContext

Place = tuple[BodyName | None, str | None, str]
"""Whose statements are compared with each other: a body, or a country and the sort of body that acts there."""


def block_key(mention: Mention) -> str:
    """Return the key of a mention's block: mentions of two blocks never share an event.

    The service decides alone: a mention of unknown country must meet those whose country is known.
    """
    return service_key(mention.service_canonical)


def resolve(contexts: Sequence[MentionContext]) -> list[Event]:
    """Make events of all mentions of one or more blocks, each mention in exactly one event.

    The result depends on the set of mentions only: not on their order, on mentions of other services, or on the day.
    Events come sorted by service, then by their first day.
    """
    blocks: dict[str, dict[str, MentionContext]] = defaultdict(dict)
    for context in sorted(contexts, key=_full_order):
        blocks[block_key(context.mention)].setdefault(context.mention.id, context)
    return [
        event
        for key in sorted(blocks)
        for event in _events(key, _happenings(map(read_statement, blocks[key].values())))
    ]


def _full_order(context: MentionContext) -> tuple[str, str]:
    # Two records of one mention may differ outside its id; which of them counts must not depend on their order.
    return context.mention.id, repr(context)


def _happenings(statements: Iterable[Statement]) -> list[Happening]:
    """Group all statements of one service."""
    places: dict[Place, dict[Family, list[Statement]]] = defaultdict(lambda: defaultdict(list))
    for place, statement in _placed(list(statements)):
        places[place][statement.family].append(statement)

    lifts = {place: _grouped(Family.LIFT, place, families.pop(Family.LIFT, [])) for place, families in places.items()}
    happenings: list[Happening] = []
    for place, families in places.items():
        body, country, _ = place
        unnamed = [
            lift for (other, where, _), some in lifts.items() if other is None for lift in some if where == country
        ]
        ends = lifts[place] + ([] if body is None else unnamed)
        for family, some in families.items():
            apart = parted_by(ends) if family is Family.RESTRICT else None
            found = _grouped(family, place, some, apart)
            happenings += found if body is None else adopt_undated(found, apart)
    happenings = adopt_unnamed(happenings)
    return attach_lifts([lift for some in lifts.values() for lift in some], happenings)


def _grouped(family: Family, place: Place, some: Sequence[Statement], apart: Apart | None = None) -> list[Happening]:
    return [Happening(family, place[0], group) for group in cluster(some, apart)] if some else []


def _placed(statements: Sequence[Statement]) -> list[tuple[Place, Statement]]:
    """Say for each statement where it is compared."""
    companies = {s.body.key for s in statements if s.body is not None and is_company(s.context.mention)}
    statements = [_as_company(s) if s.body is not None and s.body.key in companies else s for s in statements]
    named = group_names(s.body for s in statements if s.body is not None and not s.is_unknown)
    placed: list[tuple[Place, Statement]] = []
    for s in statements:
        if s.is_unknown:
            placed.append(((None, s.country, "" if s.body is None else s.body.key), s))
        elif s.body is not None:
            body = named[s.body]
            placed.append(((body, body.country, ""), s))
    return placed


def _as_company(statement: Statement) -> Statement:
    """Take a name for a company's because another mention says so: it means the same in every country."""
    name = statement.context.mention.actor_canonical
    return statement if name is None else replace(statement, body=reduce_name(name, None))


def _events(key: str, happenings: Iterable[Happening]) -> list[Event]:
    """Make the events of one service."""
    twins: dict[str, list[Happening]] = defaultdict(list)
    for happening in sorted(happenings, key=lambda h: h.order):
        twins[_base_id(key, happening)].append(happening)
    named = [
        (h, base if i == 0 else content_id(base, str(i))) for base, some in twins.items() for i, h in enumerate(some)
    ]
    return [agree(event_id, h.told, h.lifts) for h, event_id in sorted(named, key=lambda item: item[0].order)]


def _base_id(key: str, happening: Happening) -> str:
    body = happening.body
    actor = "" if body is None else body.key
    country = (body.country if body else None) or happening.country or ""
    return content_id("event", key, country, actor, happening.family, _month(happening.told))


def _month(told: Sequence[Statement]) -> str:
    """Return the month of the earliest day that is stated to the month or reported, else a year or nothing."""
    days = [s.reported for s in told if s.reported is not None]
    days += [s.first for s in told if s.first is not None and len(s.context.mention.date_value or "") > len("YYYY")]
    if days:
        return date.fromordinal(min(days)).isoformat()[:7]
    years = [s.first for s in told if s.first is not None]
    return date.fromordinal(min(years)).isoformat()[:4] if years else ""
