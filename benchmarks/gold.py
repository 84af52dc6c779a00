"""The labelled mentions as the resolver gets them: the set of `benchmarks/told/`, and the bundled sample's truth.

Annotations leave two things open that the pipeline fills in, what sort of body acts and the class of the scope; both
come from the rules that the pipeline itself uses. Half of the blocks (a service in a country) are held out: weights are
fitted and faults are read on the other half. The sample and the written set were labelled each by itself and tell some
of the same happenings under other keys: they are resolved and compared each by itself.
"""

import hashlib
import json
import sys
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.told_once import Telling, ToldArticle, gold_mention
from benchmarks.told_once import load as load_told
from clampdown import sample_content
from clampdown.sample_site import samples_folder
from extractors import registries
from extractors.actors import resolve_actor
from extractors.reading import read
from extractors.scope import scope_class
from pipeline.lineage import Lineage
from pipeline.passages import read_passage
from pipeline.statements import service_key
from pipeline.types import ActorKind, Document, Mention, MentionContext, Quote

GOLDEN = Path(__file__).parent.parent / "tests" / "golden"


@dataclass(frozen=True, slots=True)
class GoldMention:
    """A labelled mention: the happening that it tells, and the article that states it."""

    happening: str
    context: MentionContext
    article: ToldArticle

    @property
    def block(self) -> str:
        """Service and country."""
        return f"{service_key(self.context.mention.service_canonical)}|{self.context.mention.country}"

    @property
    def family(self) -> str:
        """The set with which it was labelled."""
        return family_of(self.article)

    @property
    def held_out(self) -> bool:
        """Whether its block belongs to the half that no rule and no weight was made on."""
        return is_held_out(self.block)


def family_of(article: ToldArticle) -> str:
    """Return the set with which an article was labelled: one key means one happening in all of the set."""
    return "sample" if article.file == "sample" else "told"


def is_held_out(block: str) -> bool:
    """Whether a block belongs to the held-out half, by a hash of its name."""
    return hashlib.sha256(block.encode()).digest()[0] % 2 == 1


def sample() -> list[ToldArticle]:
    """Return the English articles of the bundled sample with what they tell."""
    happening = {tuple(mention): row["id"] for row in _lines("sample_happenings.jsonl") for mention in row["mentions"]}
    content = sample_content.load(samples_folder())
    outlets = {outlet.id: outlet.name for outlet in content.outlets}
    sources = {article.id: article for article in content.articles}
    found = []
    for row in _lines("sample_events.jsonl"):
        if row["language"] != "en":
            continue
        source = sources[row["id"]]
        title, body = source.text.split("\n\n", 1)
        tells = tuple(
            Telling(happening[row["id"], number], {**event, "event": happening[row["id"], number]})
            for number, event in enumerate(row["events"])
        )
        published = source.published.date() if source.published else None
        found.append(
            ToldArticle(
                id=source.id,
                file="sample",
                outlet=outlets[source.outlet],
                owner=outlets[source.outlet],
                published=published,
                title=title,
                body=body,
                story=source.copy_of or source.id,
                tells=tells,
                copy_of=source.copy_of,
            )
        )
    return found


def articles() -> list[ToldArticle]:
    """Return all labelled articles: the written set, then the sample. Happenings of the two have different keys."""
    return [*load_told(), *sample()]


def mentions(some: list[ToldArticle]) -> list[GoldMention]:
    """Return every telling of articles as the mention of a faultless extractor, in its context."""
    found: dict[str, GoldMention] = {}
    for article in some:
        for telling in article.tells:
            mention = _completed(gold_mention(article, telling))
            one = GoldMention(telling.event, in_context(mention, article), article)
            other = found.setdefault(mention.id, one)
            if other.happening != one.happening:
                print(f"look again: {article.id} tells {other.happening} and {one.happening} in the same words",
                      file=sys.stderr)  # fmt: skip
    return list(found.values())


def in_context(mention: Mention, article: ToldArticle) -> MentionContext:
    """Return a mention with what the pipeline would know of its article."""
    return MentionContext(
        mention=mention,
        article_id=article.id,
        story_id=article.story,
        source_id=article.outlet,
        published=article.published,
        owner=article.owner,
        passage=read_passage(article.text, mention.trigger.start, mention.trigger.end),
    )


def _completed(mention: Mention) -> Mention:
    kind = None if mention.actor_canonical is None else _kind(mention.actor_canonical)
    scope = None if mention.scope is None else scope_class(mention.scope.text, kind)
    return replace(mention, actor_kind=kind, scope_class=scope)


@cache
def lineage() -> Lineage:
    """Return the registered bodies, as the pipeline gives them to the resolver."""
    return Lineage(registries.bodies())


@cache
def _kind(canonical: str) -> ActorKind | None:
    """Return what sort of body a canonical name is, as the pipeline reads it where the name alone is the text."""
    whole = Quote(canonical, 0, len(canonical))
    return resolve_actor(read(Document("", canonical)), whole, (whole, whole)).kind


def _lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (GOLDEN / name).read_text("utf-8").splitlines()]
