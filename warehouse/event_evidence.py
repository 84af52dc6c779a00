"""What speaks for an event, asked of a published snapshot: mentions with their articles, voices, steps and copies.

The tables have no indexes, and a question that selects many columns by id reads them all. So the rows are found first:
of a million that takes a tenth of the time.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from pipeline.independence import publisher, voice_of
from pipeline.passages import read_passage
from pipeline.types import Mention, MentionContext, Passage, TextOrigin, Transition
from warehouse.reader import Reader
from warehouse.tables import mentions
from warehouse.tables.events import TRANSITION_FIELDS, read_transition
from warehouse.texts import texts_of


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


class Evidence(NamedTuple):
    """A mention as it is shown, and as it is compared with others."""

    detail: MentionDetail
    context: MentionContext


class Heard(NamedTuple):
    """A mention as far as it is a voice. `publisher` answers for its source, which is called `source`."""

    mention_id: str
    article_id: str
    story_id: str
    publisher: str
    source: str
    owner: str | None
    stands: bool
    source_id: str


class _Cited(NamedTuple):
    line: ArticleLine
    source_id: str


_ARTICLE_COLUMNS = (
    "a.article_id, a.title, a.url, src.name, a.site, src.owner, a.published_on, a.text_origin, a.paywalled, "
    "s.story_id, a.soft_404, a.modified_on, a.version, a.fetched_at, a.source_id"
)
REPORTED = "reported_on NULLS LAST, article_id, version, trigger_start, mention_id"
"""The order of mentions in which they were reported."""

_NOT_COMPARED = ("scores", "model", "block", "run_id")
_WANTED = "(SELECT unnest(?::JSON::VARCHAR[]))"


def read_evidence(reader: Reader, mention_ids: Iterable[str], *, passages: bool = True) -> list[Evidence]:
    """Mentions with their articles, in the order in which they were reported.

    Without `passages` the words around them, which only comparing two mentions needs, are left out.
    """
    told = _rows(reader, mention_ids)
    article_ids = {str(row["article_id"]) for row in told}
    articles = _articles(reader, article_ids)
    earlier = _versions(reader, article_ids)
    texts = texts_of(reader, article_ids) if passages else None
    return [_evidence(row, articles[row["article_id"]], earlier.get(row["article_id"], ()), texts) for row in told]


def _rows(reader: Reader, mention_ids: Iterable[str], without: Collection[str] = ()) -> list[dict[str, Any]]:
    """Rows of mentions, by column name, in the order in which they were reported."""
    columns = [name for name in reader.columns("mentions") if name not in without]
    rows = reader.rows(
        f"SELECT {', '.join(columns)} FROM mentions "
        f"WHERE rowid IN (SELECT rowid FROM mentions WHERE mention_id IN {_WANTED}) "
        f"ORDER BY {REPORTED}",
        [sorted(set(mention_ids))],
    )
    return [dict(zip(columns, values, strict=True)) for values in rows]


def read_contexts(reader: Reader, some: Iterable[Heard]) -> list[MentionContext]:
    """Mentions as far as they are compared with each other, in the order in which they were reported.

    Their scores and the words around them are left out: reading these would take most of the time.
    """
    known = {one.mention_id: one for one in some}
    contexts = []
    for row in _rows(reader, known, _NOT_COMPARED):
        one = known[row["mention_id"]]
        mention = mentions.read_mention({**row, "scores": {}, "model": ""})
        contexts.append(_context(row, mention, (one.story_id, one.source_id, one.owner), Passage()))
    return contexts


def _context(
    row: Mapping[str, Any], mention: Mention, origin: tuple[str, str, str | None], passage: Passage
) -> MentionContext:
    """`origin`: the story of its article, the source, and the owner of that, if one is known."""
    story_id, source_id, owner = origin
    return MentionContext(
        mention, row["article_id"], story_id, source_id, row["reported_on"], owner or source_id, row["learned_on"],
        row["withdrawn_on"], row["version"], passage, row["corrects"],
    )  # fmt: skip


def _evidence(
    row: Mapping[str, Any],
    cited: _Cited,
    earlier: Sequence[VersionLine],
    texts: Mapping[tuple[str, int], str] | None,
) -> Evidence:
    article = replace(cited.line, earlier=tuple(earlier))
    mention = mentions.read_mention(row)
    title = next((one.title for one in earlier if one.version == row["version"] and one.title), article.title)
    passage = Passage()
    if texts is not None:
        passage = read_passage(texts[article.id, row["version"]], row["trigger_start"], row["trigger_end"])
    detail = MentionDetail(
        row["mention_id"], mention, article, row["version"], title, row["reported_on"], row["learned_on"],
        row["withdrawn_on"],
    )  # fmt: skip
    context = _context(row, mention, (article.story_id, cited.source_id, article.owner), passage)
    return Evidence(detail, context)


def _articles(reader: Reader, article_ids: Iterable[str]) -> dict[str, _Cited]:
    rows = reader.rows(
        f"""
        WITH wanted AS (SELECT unnest(?::JSON::VARCHAR[]) AS article_id)
        SELECT {_ARTICLE_COLUMNS}
        FROM (
            SELECT * FROM articles WHERE rowid IN (SELECT rowid FROM articles WHERE article_id IN (FROM wanted))
        ) AS a
        JOIN (
            SELECT story_id, article_id FROM story_members
            WHERE rowid IN (SELECT rowid FROM story_members WHERE article_id IN (FROM wanted))
        ) AS s USING (article_id)
        LEFT JOIN sources AS src ON src.source_id = a.source_id
        """,
        [sorted(set(article_ids))],
    )
    return {str(row[0]): _cited(row) for row in rows}


def _cited(row: Sequence[Any]) -> _Cited:
    id_, title, url, source, site, owner, published, origin, paywalled, story_id, *state, read_at, source_id = row
    soft_404, modified, version = state
    line = ArticleLine(
        id_, title, url, source, site, owner, published, TextOrigin(origin), paywalled, story_id, soft_404, modified,
        version, read_at.replace(tzinfo=UTC),
    )  # fmt: skip
    return _Cited(line, source_id)


def _versions(reader: Reader, article_ids: Iterable[str]) -> dict[str, list[VersionLine]]:
    found: dict[str, list[VersionLine]] = {}
    for article_id, number, title, fetched_at in reader.rows(
        "SELECT article_id, version, title, fetched_at FROM article_versions "
        f"WHERE article_id IN {_WANTED} ORDER BY article_id, version",
        [sorted(set(article_ids))],
    ):
        found.setdefault(article_id, []).append(VersionLine(number, title, fetched_at.replace(tzinfo=UTC)))
    return found


def read_steps(reader: Reader, event_id: str, known: Iterable[MentionDetail] = ()) -> tuple[StepDetail, ...]:
    """The steps of an event's life, in order. Of mentions that are not `known` already the words are read."""
    rows = reader.rows(
        f"SELECT {', '.join(TRANSITION_FIELDS)} FROM event_transitions WHERE event_id = ? ORDER BY position",
        [event_id],
    )
    steps = [read_transition(row) for row in rows]
    shown = {one.id: one for one in known}
    if unknown := {step.mention_id for step in steps} - shown.keys():
        shown |= {one.id: one for one, _ in read_evidence(reader, unknown, passages=False)}
    held = _holders(reader, unknown, event_id) if unknown else {}
    return tuple(_step(step, shown.get(step.mention_id), held.get(step.mention_id)) for step in steps)


def _step(step: Transition, shown: MentionDetail | None, event_id: str | None) -> StepDetail:
    if shown is None:
        return StepDetail(step, None, None, None, None)
    article = shown.article
    return StepDetail(
        step, shown.mention.trigger.text, article.source or article.site, shown.published, article.url, event_id
    )


def _holders(reader: Reader, mention_ids: Iterable[str], event_id: str) -> dict[str, str]:
    """Mention id → the other event to which it belongs: a court's ruling that shows a step of this one."""
    rows = reader.rows(
        f"SELECT mention_id, event_id FROM event_mentions WHERE mention_id IN {_WANTED} AND event_id <> ?",
        [sorted(mention_ids), event_id],
    )
    return dict(rows)


def copies(reader: Reader, some: Sequence[Heard]) -> list[str]:
    """Ids of further articles that carry the text of one of these, the first published first."""
    citing = {one.article_id for one in some}
    rows = reader.rows(
        f"SELECT article_id, published_on FROM story_members WHERE story_id IN {_WANTED}",
        [sorted({one.story_id for one in some})],
    )
    found = sorted((published or date.max, article_id) for article_id, published in rows if article_id not in citing)
    return [article_id for _, article_id in found]


def article_lines(reader: Reader, article_ids: Iterable[str]) -> tuple[ArticleLine, ...]:
    """These articles, the first published first."""
    wanted = sorted(set(article_ids))
    if not wanted:
        return ()
    found = [cited.line for cited in _articles(reader, wanted).values()]
    return tuple(sorted(found, key=lambda one: (one.published or date.max, one.id)))


def heard(evidence: Evidence) -> Heard:
    """A mention as far as it is a voice."""
    one, context = evidence
    article = one.article
    return Heard(
        one.id,
        article.id,
        article.story_id,
        publisher(context.owner, context.source_id),
        article.source or article.site or "?",
        article.owner,
        one.withdrawn_on is None,
        context.source_id,
    )


def voices(some: Sequence[Heard]) -> tuple[Voice, ...]:
    """The voices that state the event still, or did if none does, the one that was heard first first."""
    counted = [one for one in some if one.stands] or some
    named = voice_of((one.story_id, one.publisher) for one in counted)
    grouped: dict[str, list[Heard]] = {}
    for one in counted:
        grouped.setdefault(named[one.story_id], []).append(one)
    return tuple(
        Voice(
            tuple(dict.fromkeys(one.source for one in held)),
            tuple(dict.fromkeys(one.owner for one in held if one.owner)),
            len({one.story_id for one in held}),
            len({one.article_id for one in held}),
            tuple(one.mention_id for one in held),
        )
        for held in grouped.values()
    )
