"""Storing a batch: articles, stories, mentions, outcomes and the events they touch, in one transaction."""

from collections.abc import Sequence
from dataclasses import replace

from pipeline.errors import WarehouseError
from pipeline.events import block_key
from pipeline.failpoints import hit
from pipeline.types import EntryResult, Outcome, RevisitOutcome
from warehouse import resolving
from warehouse.database import Database, storable
from warehouse.revising import Revision, first_version, next_version
from warehouse.tables import articles, contexts, mentions, outcomes, stories, versions


def store(database: Database, run_id: str, results: Sequence[EntryResult]) -> None:
    """Commit a batch, all or nothing. The same batch stored twice changes nothing.

    An article that another entry has brought already ends as `same_article`; one that its own entry brings anew
    replaces what was stored, whose text, if it is another, is kept as an earlier version, and so are the mentions that
    the new one states no longer. A revisit that brought nothing new changes nothing else. The events that mentions
    which came, went or changed can reach are brought up to date. Raises WarehouseError where a quote does not stand
    where its offsets say.
    """
    with database.transaction():
        outcomes.check(results)
        standing = [result for result in results if _stands(result)]
        ended = [result for result in results if not _stands(result)]
        accepted, revisions = _admit(database, ended)
        versions.log(database, run_id, results)
        for result in accepted:
            if result.article is not None:
                mentions.check_offsets(result.article, result.mentions)
        replaced = {article_id: one for article_id, one in revisions.items() if one.replaces}
        touched = resolving.Touched()
        touched.add(contexts.of_articles(database, replaced))
        versions.keep(database, [article_id for article_id, one in replaced.items() if one.new_text])
        hit("store.versions")
        articles.remove(database, list(replaced))
        mentions.remove(database, [mention_id for one in replaced.values() for mention_id in one.removed])
        mentions.withdraw(database, {mention_id: one.day for one in replaced.values() for mention_id in one.withdrawn})
        hit("store.removed")
        articles.add(database, run_id, accepted, {article_id: one.version for article_id, one in replaced.items()})
        hit("store.articles")
        moved = stories.place(database, accepted)
        hit("store.stories")
        texts = {result.article.id: result.article.text for result in accepted if result.article is not None}
        stated = [one for revision in revisions.values() for one in revision.stated]
        mentions.add(database, run_id, stated, texts, block_key)
        hit("store.mentions")
        changed = {result.article.id for result in accepted if result.article is not None and result.mentions}
        touched.add(contexts.of_articles(database, changed | replaced.keys() | moved))
        resolving.resolve(database, run_id, touched)
        hit("store.events")
        outcomes.replace(database, run_id, accepted, _articles_of(database, ended))
        outcomes.stand(database, standing)
        hit("store.outcomes")
    hit("store.committed")


def _stands(result: EntryResult) -> bool:
    """Whether what is stored of the entry stays as it is."""
    return result.revisit is not None and result.revisit.outcome is not RevisitOutcome.CHANGED


def _admit(database: Database, results: Sequence[EntryResult]) -> tuple[list[EntryResult], dict[str, Revision]]:
    """The results as they will be stored, and by their ids what storing the articles does that are new or changed."""
    wanted = [result.article.id for result in results if result.article is not None]
    stored = articles.stored(database, wanted)
    told = mentions.of_articles(database, stored)
    texts = versions.texts(database, [article_id for article_id, one in stored.items() if one.version > 1])
    owners = {article_id: one.entry_id for article_id, one in stored.items()}
    accepted: list[EntryResult] = []
    revisions: dict[str, Revision] = {}
    for result in results:
        article = result.article
        if article is None:
            if result.mentions:
                raise WarehouseError(f"entry {result.entry_id} has mentions without the article that states them")
            accepted.append(result)
            continue
        owner = owners.setdefault(article.id, result.entry_id)
        if owner != result.entry_id:
            accepted.append(_same_article(result, article.id))
            continue
        article = replace(article, text=storable(article.text))
        found = tuple(mentions.readable(mention) for mention in result.mentions)
        result = replace(result, article=article, mentions=found)
        accepted.append(result)
        before = stored.get(article.id)
        if before is None:
            revisions[article.id] = first_version(article, found)
            continue
        known_texts = texts.get(article.id, {}) | {before.version: before.text}
        revision = next_version(result, before, told.get(article.id, ()), known_texts)
        if revision is not None:
            revisions[article.id] = revision
    return accepted, revisions


def _same_article(result: EntryResult, article_id: str) -> EntryResult:
    return replace(
        result,
        outcome=Outcome.SAME_ARTICLE,
        detail=f"article {article_id} is stored",
        retry_at=None,
        article=None,
        signature=None,
        body_hash=None,
        mentions=(),
    )


def _articles_of(database: Database, results: Sequence[EntryResult]) -> dict[str, str]:
    """Entry id → the article that the entry brought, or for a twin the one that was there already."""
    found = {result.entry_id: result.article.id for result in results if result.article is not None}
    twins = [result.entry_id for result in results if result.outcome is Outcome.SAME_ARTICLE]
    return articles.of_entries(database, twins) | found
