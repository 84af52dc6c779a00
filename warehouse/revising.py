"""What storing an article does to its mentions, above all where it takes the place of an earlier version. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date

from pipeline.claims import Claim, Succession, succession
from pipeline.notices import is_withdrawn
from pipeline.types import Article, EntryResult, Mention, Outcome
from warehouse.tables.articles import Stored
from warehouse.tables.mentions import Known, StoredMention

READ = frozenset({Outcome.EVENTS, Outcome.NO_EVENT, Outcome.GATED, Outcome.SAME_STORY})
"""Outcomes that say what a text states. A version that was not read for events withdraws nothing."""


@dataclass(frozen=True, slots=True)
class Revision:
    """What storing an article does: the number of its version, and its mentions that go, are withdrawn and come.

    `removed` are those whose place others take. `replaces` says that a stored row of the article gives way, `new_text`
    that its text is to be kept as an earlier version.
    """

    version: int = 1
    replaces: bool = False
    new_text: bool = False
    removed: tuple[str, ...] = ()
    withdrawn: tuple[str, ...] = ()
    day: date | None = None
    stated: tuple[tuple[Mention, Known], ...] = ()


def first_version(article: Article, found: Sequence[Mention]) -> Revision:
    """Store an article that is new."""
    known = Known(_published(article), _day(article))
    return Revision(stated=tuple((mention, known) for mention in _distinct(found)))


def next_version(
    result: EntryResult, stored: Stored, told: Sequence[StoredMention], texts: Mapping[int, str]
) -> Revision | None:
    """Store the article of `result` over what is stored of it; None where nothing has changed.

    `told` are all its stored mentions, `texts` the stored texts by version. A claim that the new version restates keeps
    the day on which it was learned; one that it changes or drops is withdrawn and stays. The same text read again (by a
    newer model) withdraws nothing: what the press said is the same.
    """
    article, found = result.article, result.mentions
    assert article is not None, "the caller stores articles"
    standing = [one for one in told if one.known.withdrawn_on is None]
    current = [one for one in standing if one.known.version == stored.version]
    if article.text == stored.text:
        if {_bare(one.mention).id: _bare(one.mention) for one in current} == {one.id: one for one in found}:
            return None
        learned = min(_day(article), stored.fetched_at.astimezone(UTC).date())
        known = Known(_published(article), learned, version=stored.version)
        became = _became(current, found, article.text, texts)
        became = replace(became, restated=(*became.restated, *became.changed), changed=())
        kept = [one for one in told if one not in current]
        gone = tuple(one.mention.id for one in current)
        return Revision(stored.version, True, removed=gone, stated=_stated(found, became, current, known, kept))
    version, day = stored.version + 1, _day(article)
    taken_back = is_withdrawn(article.title, article.body)
    if result.outcome not in READ and not taken_back:
        return Revision(version, True, True)
    became = _became(standing, found, "" if taken_back else article.text, texts)
    removed = {old.id for old, _ in became.restated}
    withdrawn = tuple(mention.id for mention in (*(old for old, _ in became.changed), *became.gone))
    kept = [one for one in told if one.mention.id not in removed]
    stated = _stated(found, became, standing, Known(_published(article), day, version=version), kept)
    return Revision(version, True, True, tuple(sorted(removed)), withdrawn, day, stated)


def retold(versions: Sequence[tuple[int, EntryResult]]) -> list[tuple[Mention, Known]]:
    """The mentions of an article once its versions, each given with its number, have come one after the other.

    As if each had been stored when it came, with what is read in it now.
    """
    told: dict[str, StoredMention] = {}
    texts: dict[int, str] = {}
    before: Stored | None = None
    for number, result in versions:
        article = result.article
        assert article is not None, "each is a version of the article"
        if before is None:
            revision: Revision | None = first_version(article, result.mentions)
        else:
            revision = next_version(result, before, [told[key] for key in sorted(told)], texts)
        before, texts[number] = Stored(result.entry_id, article.text, number, article.fetched_at), article.text
        if revision is None:
            continue
        for mention_id in revision.removed:
            del told[mention_id]
        for mention_id in revision.withdrawn:
            one = told[mention_id]
            told[mention_id] = replace(one, known=replace(one.known, withdrawn_on=revision.day))
        for mention, known in revision.stated:
            told.setdefault(mention.id, StoredMention(mention, known, ""))
    return [(told[key].mention, told[key].known) for key in sorted(told)]


def _became(old: Sequence[StoredMention], found: Sequence[Mention], text: str, texts: Mapping[int, str]) -> Succession:
    before = [Claim.read(texts[one.known.version], one.mention) for one in old]
    return succession(before, [Claim.read(text, mention) for mention in _distinct(found)], text)


def _stated(
    found: Sequence[Mention],
    became: Succession,
    old: Sequence[StoredMention],
    known: Known,
    kept: Sequence[StoredMention],
) -> tuple[tuple[Mention, Known], ...]:
    """The new mentions with what is known of them, their ids apart from those of mentions that stay."""
    before = {one.mention.id: one.known for one in old}
    heirs = {heir.id: replace(known, corrects=mention.id) for mention, heir in reversed(became.changed)}
    for mention, heir in became.restated:
        heirs[heir.id] = _restated(heirs.get(heir.id, known), before[mention.id])
    taken = {one.mention.id for one in kept}
    stated = []
    for mention in _distinct(found):
        of_it = heirs.get(mention.id, known)
        while mention.id in taken:
            mention = replace(mention, edition=mention.edition + 1)
        stated.append((mention, of_it))
    return tuple(stated)


def _restated(known: Known, told: Known) -> Known:
    """What is known of a mention that says once more what was `told`."""
    reported = [day for day in (told.reported_on, known.reported_on) if day is not None]
    return replace(
        known,
        reported_on=min(reported, default=None),
        learned_on=min(told.learned_on, known.learned_on),
        corrects=told.corrects or known.corrects,
    )


def _distinct(found: Sequence[Mention]) -> list[Mention]:
    return list({mention.id: mention for mention in found}.values())


def _bare(mention: Mention) -> Mention:
    return replace(mention, edition=0)


def _day(article: Article) -> date:
    return article.fetched_at.astimezone(UTC).date()


def _published(article: Article) -> date | None:
    return None if article.published is None else article.published.day
