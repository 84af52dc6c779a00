"""One event with all that speaks for it, asked of a published snapshot: steps, voices, dissents, words, and grounds."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from pipeline.dissent import Dissent, dissents
from pipeline.errors import InputError
from pipeline.independence import publisher, voice_of
from pipeline.passages import read_passage
from pipeline.statements import Family, Statement, read_statement
from pipeline.types import Mention, MentionContext, TextOrigin, Transition
from warehouse.event_list import EVENT_COLUMNS, EventRow, event_row
from warehouse.grounds import Ground, grounds
from warehouse.reader import Reader
from warehouse.tables import mentions, registries
from warehouse.tables.events import TRANSITION_FIELDS, read_transition
from warehouse.texts import texts_of

SHORTEST_PREFIX = 4


@dataclass(frozen=True, slots=True)
class VersionLine:
    """An earlier version of an article: its number, its title then, and when it was fetched."""

    version: int
    title: str
    fetched_at: datetime


@dataclass(frozen=True, slots=True)
class ArticleLine:
    """An article as it is cited. `earlier` are its versions before the current one, `version`, the oldest first."""

    id: str
    title: str
    url: str
    source: str | None
    site: str | None
    owner: str | None
    published: date | None
    text_origin: TextOrigin
    paywalled: bool
    story_id: str
    soft_404: bool
    modified: date | None
    version: int
    fetched_at: datetime
    earlier: tuple[VersionLine, ...] = ()


@dataclass(frozen=True, slots=True)
class MentionDetail:
    """What one article states of the event, or stated before it withdrew that, and the article.

    `version` is that of the article which states it, `title` what it was called then. `grounds` says in words what ties
    the mention to the other one of the event that is `nearest` to it, by its id; both are None for the first.
    """

    id: str
    mention: Mention
    article: ArticleLine
    version: int
    title: str
    published: date | None
    learned_on: date | None
    withdrawn_on: date | None
    grounds: str | None = None
    nearest: str | None = None


@dataclass(frozen=True, slots=True)
class StepDetail:
    """A step in the event's life with the words that show it. `event_id` is set where they belong to another event."""

    step: Transition
    quote: str | None
    source: str | None
    published: date | None
    url: str | None
    event_id: str | None = None


@dataclass(frozen=True, slots=True)
class Voice:
    """One independent voice: the sources that speak with it, in how many stories, articles and mentions."""

    sources: tuple[str, ...]
    owners: tuple[str, ...]
    stories: int
    articles: int
    mention_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EventDetail:
    """One event with its steps and all its evidence.

    `copies` are further articles that carry the text of one that mentions it. `asked` is the id that was asked for,
    where that event was merged into this one; `merged` are all the ids that lead here. `parted_from` are events from
    which this one has parted, `parted` those that have parted from it. `country` is the name of the event's country.
    """

    event: EventRow
    country: str
    steps: tuple[StepDetail, ...]
    mentions: tuple[MentionDetail, ...]
    voices: tuple[Voice, ...]
    copies: tuple[ArticleLine, ...]
    dissent: tuple[Dissent, ...]
    merged: tuple[str, ...] = ()
    parted_from: tuple[str, ...] = ()
    parted: tuple[str, ...] = ()
    asked: str | None = None

    @property
    def transitions(self) -> tuple[Transition, ...]:
        """The steps without the words that show them."""
        return tuple(detail.step for detail in self.steps)


_ARTICLE_COLUMNS = (
    "a.article_id, a.title, a.url, src.name, a.site, src.owner, a.published_on, a.text_origin, a.paywalled, "
    "s.story_id, a.soft_404, a.modified_on, a.version, a.fetched_at"
)


def event(reader: Reader, id_or_prefix: str) -> EventDetail:
    """The event with that id, or whose id alone begins so. An id that was merged away leads to its successor.

    Raises InputError where no event or more than one fits.
    """
    current, asked = find_event(reader, id_or_prefix)
    row = event_row(reader.rows(f"SELECT {EVENT_COLUMNS} FROM events WHERE event_id = ?", [current])[0])
    found, contexts = _mentions(reader, current)
    lineage = registries.lineage(reader.rows)
    statements = [read_statement(context, lineage) for context in contexts]
    told, lifts = _parts(statements)
    placed = dict(reader.rows("SELECT mention_id, happening_id FROM event_mentions WHERE event_id = ?", [current]))
    why = grounds(told, lifts, placed)
    named = reader.rows("SELECT name FROM countries WHERE code = ?", [row.country])
    return EventDetail(
        event=row,
        country=next((str(name) for (name,) in named), row.country),
        steps=_steps(reader, current, found),
        mentions=tuple(_grounded(one, why.get(one.id)) for one in found),
        voices=_voices(found, contexts),
        copies=_copies(reader, current),
        dissent=dissents(told, lifts),
        merged=_ids(reader, "SELECT old_id FROM event_forwards WHERE new_id = ? ORDER BY 1", current),
        parted_from=_ids(reader, "SELECT origin_id FROM event_origins WHERE event_id = ? ORDER BY 1", current),
        parted=_ids(reader, "SELECT event_id FROM event_origins WHERE origin_id = ? ORDER BY 1", current),
        asked=asked,
    )


def find_event(reader: Reader, id_or_prefix: str) -> tuple[str, str | None]:
    """The id of the event with that id, or whose id alone begins so; and the id asked for, where it was merged away.

    Raises InputError where no event or more than one fits, or the event was withdrawn.
    """
    event_id = _find(reader, id_or_prefix.strip().lower())
    forwarded = reader.rows("SELECT new_id FROM event_forwards WHERE old_id = ?", [event_id])
    if not forwarded:
        return event_id, None
    current = forwarded[0][0]
    if current is None:
        raise InputError(f"event {event_id} was withdrawn: no article states it any longer")
    return str(current), event_id


def _grounded(one: MentionDetail, why: Ground | None) -> MentionDetail:
    return one if why is None else replace(one, grounds=why.words, nearest=why.nearest)


def _parts(statements: Sequence[Statement]) -> tuple[list[Statement], list[Statement]]:
    """Sort an event's statements into those that tell of it and those that tell of its end."""
    lifts = [s for s in statements if s.family is Family.LIFT]
    told = [s for s in statements if s.family is not Family.LIFT]
    return (told, lifts) if told else (lifts, [])


def _ids(reader: Reader, question: str, event_id: str) -> tuple[str, ...]:
    return tuple(str(found) for (found,) in reader.rows(question, [event_id]))


def _find(reader: Reader, prefix: str) -> str:
    if len(prefix) < SHORTEST_PREFIX:
        raise InputError(
            f"{prefix!r} is too short for an event's id", hint=f"Give {SHORTEST_PREFIX} characters or more."
        )
    found = reader.rows(
        """
        SELECT event_id FROM (SELECT event_id FROM events UNION SELECT old_id FROM event_forwards)
        WHERE starts_with(event_id, ?) ORDER BY event_id LIMIT 6
        """,
        [prefix],
    )
    if not found:
        raise InputError(f"there is no event {prefix}", hint="`clampdown events` lists them.")
    if len(found) > 1:
        listed = ", ".join(event_id for (event_id,) in found[:5]) + (", …" if len(found) > 5 else "")
        raise InputError(f"{prefix} may be one of {listed}", hint="Give more characters.")
    return str(found[0][0])


def _steps(reader: Reader, event_id: str, found: Sequence[MentionDetail]) -> tuple[StepDetail, ...]:
    rows = reader.rows(
        f"SELECT {', '.join(TRANSITION_FIELDS)} FROM event_transitions WHERE event_id = ? ORDER BY position",
        [event_id],
    )
    steps = [read_transition(row) for row in rows]
    own = {one.id: one for one in found}
    others = _elsewhere(reader, {step.mention_id for step in steps} - own.keys())
    return tuple(
        StepDetail(step, *_shown(own[step.mention_id]))
        if step.mention_id in own
        else StepDetail(step, *others.get(step.mention_id, (None, None, None, None)))
        for step in steps
    )


def _shown(one: MentionDetail) -> tuple[str, str | None, date | None, str]:
    return one.mention.trigger.text, one.article.source or one.article.site, one.published, one.article.url


def _elsewhere(reader: Reader, mention_ids: Iterable[str]) -> Mapping[str, tuple[Any, ...]]:
    """Mentions of other events that show a step of this one: a court's ruling."""
    rows = reader.rows(
        """
        SELECT mention_id, m.trigger_quote, coalesce(src.name, a.site), m.reported_on, a.url, em.event_id
        FROM mentions AS m JOIN articles AS a USING (article_id) LEFT JOIN event_mentions AS em USING (mention_id)
            LEFT JOIN sources AS src ON src.source_id = a.source_id
        WHERE mention_id IN (SELECT unnest(?::JSON::VARCHAR[]))
        """,
        [sorted(mention_ids)],
    )
    return {mention_id: tuple(rest) for mention_id, *rest in rows}


def _mentions(reader: Reader, event_id: str) -> tuple[list[MentionDetail], list[MentionContext]]:
    columns = list(reader.columns("mentions"))
    listed = ", ".join(f"m.{name}" for name in columns)
    rows = reader.rows(
        f"""
        SELECT {listed}, v.title, a.source_id, {_ARTICLE_COLUMNS}
        FROM event_mentions AS em JOIN mentions AS m USING (mention_id) JOIN articles AS a USING (article_id)
            JOIN story_members AS s USING (article_id) LEFT JOIN sources AS src ON src.source_id = a.source_id
            LEFT JOIN article_versions AS v ON v.article_id = m.article_id AND v.version = m.version
        WHERE em.event_id = ?
        ORDER BY m.reported_on NULLS LAST, a.article_id, m.version, m.trigger_start, m.mention_id
        """,
        [event_id],
    )
    found: list[MentionDetail] = []
    contexts: list[MentionContext] = []
    earlier = _versions(reader, [row[len(columns) + 2] for row in rows])
    texts = texts_of(reader, (row[len(columns) + 2] for row in rows))
    for values in rows:
        row = dict(zip(columns, values, strict=False))
        title, source_id, *about = values[len(columns) :]
        article = _article(about)
        article = replace(article, earlier=tuple(earlier.get(article.id, ())))
        mention = mentions.read_mention(row)
        found.append(
            MentionDetail(
                row["mention_id"],
                mention,
                article,
                row["version"],
                title or article.title,
                row["reported_on"],
                row["learned_on"],
                row["withdrawn_on"],
            )
        )
        passage = read_passage(texts[article.id, row["version"]], row["trigger_start"], row["trigger_end"])
        contexts.append(
            MentionContext(
                mention,
                article.id,
                article.story_id,
                source_id,
                row["reported_on"],
                article.owner or source_id,
                row["learned_on"],
                row["withdrawn_on"],
                row["version"],
                passage,
                row["corrects"],
            )
        )
    return found, contexts


def _versions(reader: Reader, article_ids: Sequence[str]) -> dict[str, list[VersionLine]]:
    found: dict[str, list[VersionLine]] = {}
    for article_id, number, title, fetched_at in reader.rows(
        "SELECT article_id, version, title, fetched_at FROM article_versions "
        "WHERE article_id IN (SELECT unnest(?::JSON::VARCHAR[])) ORDER BY article_id, version",
        [list(article_ids)],
    ):
        found.setdefault(article_id, []).append(VersionLine(number, title, fetched_at.replace(tzinfo=UTC)))
    return found


def _copies(reader: Reader, event_id: str) -> tuple[ArticleLine, ...]:
    rows = reader.rows(
        f"""
        WITH citing AS (
            SELECT m.article_id FROM event_mentions JOIN mentions AS m USING (mention_id) WHERE event_id = ?
        )
        SELECT {_ARTICLE_COLUMNS}
        FROM articles AS a JOIN story_members AS s USING (article_id)
            LEFT JOIN sources AS src ON src.source_id = a.source_id
        WHERE s.story_id IN (SELECT story_id FROM story_members WHERE article_id IN (FROM citing))
            AND a.article_id NOT IN (FROM citing)
        ORDER BY a.published_on NULLS LAST, a.article_id
        """,
        [event_id],
    )
    return tuple(_article(row) for row in rows)


def _article(row: Sequence[Any]) -> ArticleLine:
    id_, title, url, source, site, owner, published, origin, paywalled, story_id, *state, read_at = row
    soft_404, modified, version = state
    return ArticleLine(
        id_, title, url, source, site, owner, published, TextOrigin(origin), paywalled, story_id, soft_404, modified,
        version, read_at.replace(tzinfo=UTC),
    )  # fmt: skip


def _voices(found: Sequence[MentionDetail], contexts: Sequence[MentionContext]) -> tuple[Voice, ...]:
    """The voices that state the event still, or did if none does, the one that was heard first first."""
    standing = [one for one in zip(found, contexts, strict=True) if one[0].withdrawn_on is None]
    some = standing or list(zip(found, contexts, strict=True))
    voices = voice_of((context.story_id, publisher(context.owner, context.source_id)) for _, context in some)
    grouped: dict[str, list[MentionDetail]] = {}
    for detail, context in some:
        grouped.setdefault(voices[context.story_id], []).append(detail)
    return tuple(
        Voice(
            tuple(dict.fromkeys(one.article.source or one.article.site or "?" for one in held)),
            tuple(dict.fromkeys(one.article.owner for one in held if one.article.owner)),
            len({one.article.story_id for one in held}),
            len({one.article.id for one in held}),
            tuple(one.id for one in held),
        )
        for held in grouped.values()
    )
