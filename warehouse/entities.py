"""How the published tables hang together: their keys, what refers to what, and the diagrams made of both.

The database itself declares neither keys nor references (docs/decisions.md says why); a test holds a published snapshot
to what stands here.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

KEYS: Mapping[str, tuple[str, ...]] = {
    "actors": ("actor_canonical", "country"),
    "article_versions": ("article_id", "version"),
    "articles": ("article_id",),
    "backfill_pages": ("source_id", "since", "until", "with_undated", "url"),
    "bodies": ("body_id",),
    "changes": ("position",),
    "countries": ("code",),
    "coverage": ("day", "source_id"),
    "decision_anchors": ("decision_id", "side", "position"),
    "decision_mentions": ("decision_id", "mention_id"),
    "decisions": ("decision_id",),
    "entries": ("entry_id",),
    "event_edits": ("event_id", "field"),
    "event_forwards": ("old_id",),
    "event_history": ("event_id", "known_from"),
    "event_mentions": ("event_id", "position"),
    "event_origins": ("event_id", "origin_id"),
    "event_transitions": ("event_id", "position"),
    "events": ("event_id",),
    "feed_states": ("source_id",),
    "happenings": ("happening_id",),
    "manifest": ("key",),
    "mentions": ("mention_id",),
    "outcomes": ("entry_id",),
    "polls": ("run_id", "source_id"),
    "revisits": ("run_id", "entry_id"),
    "runs": ("run_id",),
    "services": ("service_id",),
    "source_pace": ("source_id",),
    "sources": ("source_id",),
    "stories": ("story_id",),
    "story_members": ("article_id",),
    "transition_history": (),
    "unsure_pairs": ("happening_a", "happening_b", "month"),
}
"""Table → the columns whose values no two rows share; empty where no choice of columns is sure to be one."""


@dataclass(frozen=True, slots=True)
class Reference:
    """Values of `column` are values of `to_column` of the table `to`.

    `optional`: they may be NULL. `by_name`: not all of them are in that registry, which texts and people outrun.
    """

    table: str
    column: str
    to: str
    to_column: str
    optional: bool = False
    by_name: bool = False


REFERENCES: tuple[Reference, ...] = (
    Reference("actors", "body_id", "bodies", "body_id", optional=True),
    Reference("actors", "country", "countries", "code", by_name=True),
    Reference("actors", "part_of", "bodies", "body_id", optional=True, by_name=True),
    Reference("article_versions", "article_id", "articles", "article_id"),
    Reference("articles", "entry_id", "entries", "entry_id"),
    Reference("articles", "source_id", "sources", "source_id"),
    Reference("backfill_pages", "source_id", "sources", "source_id"),
    Reference("bodies", "part_of", "bodies", "body_id", optional=True, by_name=True),
    Reference("coverage", "source_id", "sources", "source_id"),
    Reference("decision_anchors", "decision_id", "decisions", "decision_id"),
    Reference("decision_mentions", "decision_id", "decisions", "decision_id"),
    Reference("decision_mentions", "mention_id", "mentions", "mention_id"),
    Reference("decisions", "revokes", "decisions", "decision_id", optional=True),
    Reference("entries", "source_id", "sources", "source_id"),
    Reference("event_edits", "decision_id", "decisions", "decision_id"),
    Reference("event_edits", "event_id", "events", "event_id"),
    Reference("event_forwards", "new_id", "events", "event_id", optional=True),
    Reference("event_history", "event_id", "events", "event_id"),
    Reference("event_mentions", "event_id", "events", "event_id"),
    Reference("event_mentions", "happening_id", "happenings", "happening_id"),
    Reference("event_mentions", "mention_id", "mentions", "mention_id"),
    Reference("event_origins", "event_id", "events", "event_id"),
    Reference("event_transitions", "event_id", "events", "event_id"),
    Reference("event_transitions", "mention_id", "mentions", "mention_id", optional=True),
    Reference("events", "actor_canonical", "bodies", "name", optional=True, by_name=True),
    Reference("events", "country", "countries", "code", by_name=True),
    Reference("events", "service_canonical", "services", "name", by_name=True),
    Reference("feed_states", "source_id", "sources", "source_id"),
    Reference("happenings", "ends_id", "happenings", "happening_id", optional=True),
    Reference("happenings", "event_id", "events", "event_id"),
    Reference("mentions", "article_id", "articles", "article_id"),
    Reference("mentions", "corrects", "mentions", "mention_id", optional=True),
    Reference("outcomes", "article_id", "articles", "article_id", optional=True),
    Reference("outcomes", "entry_id", "entries", "entry_id"),
    Reference("polls", "run_id", "runs", "run_id"),
    Reference("polls", "source_id", "sources", "source_id"),
    Reference("revisits", "article_id", "articles", "article_id"),
    Reference("revisits", "entry_id", "entries", "entry_id"),
    Reference("revisits", "run_id", "runs", "run_id"),
    Reference("source_pace", "source_id", "sources", "source_id"),
    Reference("stories", "article_id", "articles", "article_id"),
    Reference("stories", "source_id", "sources", "source_id"),
    Reference("story_members", "article_id", "articles", "article_id"),
    Reference("story_members", "parent_id", "articles", "article_id", optional=True),
    Reference("story_members", "story_id", "stories", "story_id"),
    Reference("transition_history", "event_id", "events", "event_id"),
    Reference("transition_history", "mention_id", "mentions", "mention_id", optional=True),
    Reference("unsure_pairs", "happening_a", "happenings", "happening_id"),
    Reference("unsure_pairs", "happening_b", "happenings", "happening_id"),
    Reference("unsure_pairs", "mention_a", "mentions", "mention_id"),
    Reference("unsure_pairs", "mention_b", "mentions", "mention_id"),
)
"""What refers to what. Columns that name the run that wrote a row (run_id) are left out where they are no key."""


def diagram(tables: Collection[str], types: Mapping[str, Mapping[str, str]]) -> str:
    """A Mermaid entity diagram of some tables, what they refer to, and their key and referring columns.

    `types` gives for each table its columns' DuckDB types.
    """
    drawn = [reference for reference in REFERENCES if reference.table in tables]
    lines = ["erDiagram"]
    for reference in drawn:
        one = "o|" if reference.optional else "||"
        many = "|o" if KEYS[reference.table] == (reference.column,) else "}o"
        line = ".." if reference.by_name else "--"
        left = f"{reference.table} {many}{line}{one} {reference.to}"
        lines.append(f'    {left} : "{reference.column}"')
    for table in sorted(tables):
        lines += [f"    {table} {{", *_attributes(table, types[table]), "    }"]
    return "\n".join(lines)


def _attributes(table: str, types: Mapping[str, str]) -> Iterator[str]:
    refers = {reference.column for reference in REFERENCES if reference.table == table}
    for name, type_ in types.items():
        marks = [mark for mark, holds in (("PK", name in KEYS[table]), ("FK", name in refers)) if holds]
        if marks:
            yield f"        {type_} {name} {', '.join(marks)}"
