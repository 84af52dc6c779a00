"""One event for its page: how its fields are stated, who tells of it, and what of it was known when.

Most events have a few mentions, and all of theirs are read. Of an event with thousands only those are that are shown:
the others are known by an outline of who says it in which article.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final, NamedTuple

from pipeline.dissent import Dissent, dissents
from pipeline.independence import publisher
from pipeline.statements import Family, family_of, read_statement
from pipeline.types import Action, MentionContext
from warehouse.dashboard.asking import Sql, filled
from warehouse.event_detail import grounded, told_and_lifts
from warehouse.event_evidence import REPORTED, Evidence, Heard, MentionDetail, heard, read_contexts, read_evidence
from warehouse.event_list import EVENT_COLUMNS, EventRow
from warehouse.grounds import AT_MOST, Ground, grounds
from warehouse.reader import Reader
from warehouse.tables import registries

MANY: Final = 80
"""Mentions up to which an event is read whole."""

FIELDS: Final = ("actor", "action", "status", "country", "scope", "date", "reason")
"""What `values` tells of. The service is the same in all mentions of an event."""


class Value(NamedTuple):
    """What some articles state of a field, None where they state nothing, and `of_all` that say anything of the event.

    `mention_id` is the mention that fits the event best.
    """

    field: str
    value: str | None
    articles: int
    of_all: int
    mention_id: str


@dataclass(frozen=True, slots=True)
class Outline:
    """All mentions of an event, in the order in which they were reported.

    `placed` says in which happening the machine placed each. `details` and `dissent` are None where there are too many
    to read them all.
    """

    heard: tuple[Heard, ...]
    placed: Mapping[str, str | None]
    lifts: frozenset[str]
    details: tuple[MentionDetail, ...] | None = None
    dissent: tuple[Dissent, ...] | None = None


def values(row: EventRow) -> Sql:
    """What articles state of each field, the most frequent first: columns of `Value`.

    Left out is what has been withdrawn, and what tells of a restriction's end; dates are those of the event's status.
    """
    return filled(
        """
        WITH told AS MATERIALIZED (
            SELECT mention_id, article_id, score, actor_canonical, action, status, country, scope_class, scope_quote,
                date_value, reason_classes
            FROM mentions
            WHERE rowid IN (
                SELECT rowid FROM mentions
                WHERE mention_id IN (SELECT mention_id FROM event_mentions WHERE event_id = $event)
            ) AND (withdrawn_on IS NULL OR $retracted) AND (action = 'lift') = $is_lift
        ),
        stated AS (
            SELECT 'actor' AS field, actor_canonical AS value, article_id, mention_id, score, false AS fits FROM told
            UNION ALL SELECT 'action', action, article_id, mention_id, score, status = $status FROM told
            UNION ALL SELECT 'status', status, article_id, mention_id, score, action = $action FROM told
            UNION ALL SELECT 'country', nullif(country, 'XX'), article_id, mention_id, score, false FROM told
            UNION ALL SELECT 'scope', scope_class, article_id, mention_id, score, coalesce(scope_quote = $scope, false)
            FROM told
            UNION ALL SELECT 'date', date_value, article_id, mention_id, score, false FROM told WHERE status = $status
            UNION ALL SELECT 'reason', unnest(if(reason_classes = [], [NULL], reason_classes)), article_id, mention_id,
                score, false
            FROM told
        )
        SELECT field, value, count(DISTINCT article_id) AS articles, any_value(of_all) AS of_all,
            max_by(mention_id, row(fits, score, mention_id)) AS mention_id
        FROM stated JOIN (SELECT field, count(DISTINCT article_id) AS of_all FROM stated GROUP BY field) USING (field)
        GROUP BY field, value ORDER BY field, articles DESC, value
        """,
        event=row.id,
        retracted=row.retracted,
        is_lift=row.action is Action.LIFT,
        status=row.status.value,
        action=row.action.value,
        scope=row.scope or "",
    )


def by_ids(event_ids: Sequence[str]) -> Sql:
    """These events, in the order of their ids."""
    return filled(
        f"SELECT {EVENT_COLUMNS} FROM events WHERE event_id IN (SELECT unnest($ids)) ORDER BY event_id",
        ids=list(event_ids),
    )


def history(event_id: str) -> Sql:
    """What was known of an event between two days, the latest last."""
    return filled(
        """
        SELECT known_from, known_to, status, action, date_value, country, actor_canonical, scope, reason_classes,
            lifted, retracted, dismissed, voices, articles, score
        FROM event_history WHERE event_id = $event ORDER BY known_from NULLS FIRST, known_to
        """,
        event=event_id,
    )


def changes(event_id: str, most: int) -> Sql:
    """What runs have made of an event: the last changes, the latest first."""
    return filled(
        """
        SELECT position, changed_at, kind, event_id, other_id, fields, steps, len(arrived) AS arrived,
            len(departed) AS departed
        FROM changes WHERE event_id = $event OR other_id = $event ORDER BY position DESC LIMIT $most
        """,
        event=event_id,
        most=most,
    )


def evidence(event_id: str) -> Sql:
    """Every quote behind an event."""
    return filled(
        """
        SELECT field, value, quote, quote_start, quote_end, score, published_on, source, url, version, withdrawn_on
        FROM evidence WHERE event_id = $event ORDER BY published_on NULLS LAST, mention_id, quote_start
        """,
        event=event_id,
    )


def neighbours(row: EventRow, most: int) -> Sql:
    """Other events of the same service in the same country, the latest first, and in the last column how many."""
    return filled(
        f"""
        SELECT {EVENT_COLUMNS}, count(*) OVER () AS of_all
        FROM events
        WHERE service_canonical = $service AND country = $country AND event_id <> $event
            AND NOT retracted AND NOT dismissed
        ORDER BY coalesce(date_to, first_reported) DESC NULLS LAST, event_id LIMIT $most
        """,
        service=row.service,
        country=row.country,
        event=row.id,
        most=most,
    )


def edits(event_id: str) -> Sql:
    """The fields that a person has set: field, what the machine had read, what the person says."""
    return filled(
        "SELECT field, machine_value, human_value FROM event_edits WHERE event_id = $event ORDER BY field",
        event=event_id,
    )


def read_outline(reader: Reader, event_id: str) -> Outline:
    """All mentions of an event: whole, with what ties them together, unless there are too many."""
    placed = dict(reader.rows("SELECT mention_id, happening_id FROM event_mentions WHERE event_id = ?", [event_id]))
    if len(placed) > MANY:
        return _sketched(reader, event_id, placed)
    is_alone = len(placed) == 1
    some = read_evidence(reader, placed, passages=not is_alone)
    why = {} if is_alone else _grounds(reader, some, placed)
    return Outline(
        tuple(heard(one) for one in some),
        placed,
        frozenset(one.detail.id for one in some if family_of(one.detail.mention.action) is Family.LIFT),
        tuple(grounded(one.detail, why.get(one.detail.id)) for one in some),
        () if is_alone else _dissent(reader, [one.context for one in some]),
    )


def _sketched(reader: Reader, event_id: str, placed: Mapping[str, str | None]) -> Outline:
    rows = reader.rows(
        f"""
        WITH told AS (
            SELECT mention_id, article_id, version, trigger_start, reported_on, action, withdrawn_on FROM mentions
            WHERE mention_id IN (SELECT mention_id FROM event_mentions WHERE event_id = ?)
        )
        SELECT mention_id, article_id, s.story_id, a.source_id, coalesce(src.name, a.site, '?'), src.owner,
            withdrawn_on IS NULL, action = 'lift'
        FROM told JOIN (SELECT article_id, source_id, site FROM articles) AS a USING (article_id)
            JOIN (SELECT article_id, story_id FROM story_members) AS s USING (article_id)
            LEFT JOIN sources AS src ON src.source_id = a.source_id
        ORDER BY {REPORTED}
        """,
        [event_id],
    )
    return Outline(
        tuple(
            Heard(mention_id, article_id, story_id, publisher(owner, source_id), source, owner, stands, source_id)
            for mention_id, article_id, story_id, source_id, source, owner, stands, _ in rows
        ),
        placed,
        frozenset(row[0] for row in rows if row[-1]),
    )


def read_details(
    reader: Reader, outline: Outline, wanted: Collection[str], *, tied: bool = False
) -> dict[str, MentionDetail]:
    """Mention id → the mention, for those `wanted`; `tied` also says what ties them to it, where that takes time."""
    if outline.details is not None:
        return {one.id: one for one in outline.details if one.id in wanted}
    compared = _compared_with(outline, wanted) if tied else set()
    some = read_evidence(reader, {*wanted, *compared}, passages=tied)
    why = _grounds(reader, some, outline.placed, wanted) if tied else {}
    return {one.detail.id: grounded(one.detail, why.get(one.detail.id)) for one in some if one.detail.id in wanted}


def read_dissent(reader: Reader, outline: Outline) -> tuple[Dissent, ...]:
    """Where the mentions of an event do not agree, however many there are."""
    if outline.dissent is not None:
        return outline.dissent
    return _dissent(reader, read_contexts(reader, outline.heard))


def _dissent(reader: Reader, contexts: Sequence[MentionContext]) -> tuple[Dissent, ...]:
    lineage = registries.lineage(reader.rows)
    return dissents(*told_and_lifts([read_statement(one, lineage) for one in contexts]))


def _grounds(
    reader: Reader,
    some: Sequence[Evidence],
    placed: Mapping[str, str | None],
    wanted: Collection[str] | None = None,
) -> dict[str, Ground]:
    lineage = registries.lineage(reader.rows)
    told, lifts = told_and_lifts([read_statement(one.context, lineage) for one in some])
    return grounds(told, lifts, placed, wanted)


def _compared_with(outline: Outline, wanted: Collection[str]) -> set[str]:
    """The mentions with which `grounds` compares those `wanted`: of each happening the first, and the first of all."""
    found: set[str] = set()
    for is_lift in (False, True):
        some = [one.mention_id for one in outline.heard if (one.mention_id in outline.lifts) is is_lift]
        found.update(some[:AT_MOST])
        for happening in {outline.placed[one] for one in wanted}:
            found.update(islice((one for one in some if outline.placed[one] == happening), AT_MOST))
    return found
